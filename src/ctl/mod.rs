//! `chatctl`: one request to the daemon over its admin socket, and the answer for people or programs.
//!
//! A short-lived program of its own: it blocks, with a deadline, and shares with the daemon the
//! protocol ([`crate::admin`]) and the places of the socket ([`crate::place`]).

mod args;
mod daemon;
mod details;
mod hash;
mod human;
mod list;
mod render;
mod table;
mod watch;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::admin::{Problems, Request, RpcError};
use args::Args;
use daemon::Daemon;

/// Why a verb was not done.
#[derive(Debug)]
enum Failure {
    /// The daemon refused: exit status 1.
    Refused(RpcError),
    /// No connection, or no answer that makes sense; what it is and what to do: exit status 3.
    Unreachable(String),
    /// A password that will not do, in words: exit status 1.
    Password(String),
    /// The answer cannot be printed.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The command line, for whoever makes manuals and completions of it.
pub fn command() -> clap::Command {
    Args::command()
}

/// Runs chatctl.
pub fn main() -> ExitCode {
    // A wrong command line ends the process here, with exit status 2.
    let args = Args::parse();
    let terminal = io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    let terminal = terminal.map(|(width, _)| usize::from(width.0));
    let json = args.json;
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = run(args, terminal, &mut out);
    finish(outcome, json, &mut out)
}

/// Does what the command line says.
fn run(args: Args, terminal: Option<usize>, out: &mut dyn Write) -> Result<(), Failure> {
    let json = args.json;
    let (socket, timeout) = (args.socket.clone(), args.timeout());
    let Some(request) = args.verb.request() else { return hash::run(json, out) };
    let (mut request, limit) = request;
    let mut daemon = Daemon::connect(socket, !request.changes(), timeout)?;
    if request.page().is_some() {
        return list::list(&mut daemon, request, limit, json, terminal, out);
    }
    if let Request::Watch { .. } = request {
        return watch::watch(&mut daemon, &request, json, out);
    }
    let result = daemon.call(&request)?;
    if json {
        writeln!(out, "{}", human::printable_json(result.get()))?;
    } else {
        let text = render::result(&request, result.get());
        let text = text.map_err(|error| daemon.nonsense(&error.to_string()))?;
        out.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Says what went wrong, and turns it into the exit status.
fn finish(outcome: Result<(), Failure>, json: bool, out: &mut dyn Write) -> ExitCode {
    let outcome = outcome.and_then(|()| Ok(out.flush()?));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the answer has seen enough, as `head` has.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Output(error)) => {
            complain(&format!("cannot write the answer: {error}"));
            ExitCode::from(3)
        }
        Err(Failure::Password(what)) => {
            complain(&what);
            ExitCode::from(1)
        }
        Err(Failure::Unreachable(what)) => {
            // Rows that came before are worth having.
            let _ = out.flush();
            complain(&what);
            ExitCode::from(3)
        }
        Err(Failure::Refused(refusal)) => {
            if json {
                let _ = writeln!(out, "{}", human::printable_json(&json!({ "error": refusal }).to_string()));
            }
            let _ = out.flush();
            complain(&reason(&refusal));
            ExitCode::from(1)
        }
    }
}

/// The daemon's reason, with the problems of a refused configuration.
fn reason(refusal: &RpcError) -> String {
    let problems = refusal.data.clone().and_then(|data| serde_json::from_value::<Problems>(data).ok());
    let problems = problems.map(|data| data.problems).unwrap_or_default();
    let reports = problems.iter().map(|problem| problem.report.trim_end().to_owned());
    std::iter::once(refusal.message.clone()).chain(reports).collect::<Vec<_>>().join("\n")
}

fn complain(what: &str) {
    // With stderr gone, too, the exit status has to do.
    let _ = writeln!(io::stderr(), "chatctl: {}", human::printable_lines(what));
}
