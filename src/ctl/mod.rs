//! `chatctl`: one request to the daemon over its admin socket, and the answer for people or programs.
//!
//! A short-lived program of its own: it blocks, with a deadline, and shares with the daemon the
//! protocol ([`crate::admin`]) and the places of the socket ([`crate::place`]).

mod args;
mod busiest;
mod completions;
mod config;
mod daemon;
mod details;
mod filter;
mod hash;
mod human;
mod list;
mod progress;
mod render;
mod stopping;
mod style;
mod table;
mod top;
mod watch;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use serde_json::json;

use crate::admin::{Busy, ConfigApplied, Problems, Request, RpcError};
use crate::load::EX_CONFIG;
use args::{Args, ConfigVerb, Verb};
use daemon::Daemon;
use progress::Progress;
use style::{Colour, Style};

/// Why a verb was not done.
#[derive(Debug)]
enum Failure {
    /// The daemon refused: exit status 1.
    Refused(RpcError),
    /// No connection, or no answer that makes sense; what it is and what to do: exit status 3.
    Unreachable(String),
    /// A password that will not do, in words: exit status 1.
    Password(String),
    /// A configuration file with errors: exit status 78, as that of chatd.
    Checked {
        /// The report, as `chatd --check-config` prints it.
        report: String,
        /// The same for programs.
        refusal: RpcError,
    },
    /// Nobody has confirmed a configuration in time: exit status 1.
    Unconfirmed,
    /// The terminal will not do, in words: exit status 1.
    Terminal(String),
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
    let matches = command().color(Style::choice()).get_matches();
    let args = Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
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
    let (mut request, limit) = match args.verb.request() {
        Ok(request) => request,
        Err(Verb::HashPassword) => return hash::run(json, out),
        Err(Verb::Completions { shell, program }) => return completions::run(&shell, &program, out),
        Err(Verb::Config { verb: ConfigVerb::Check { file } }) => {
            return config::check(file.as_deref(), json, out);
        }
        Err(Verb::Busiest { what, limit }) => {
            let what = Busy::ALL.into_iter().find(|known| known.name() == what).expect("clap checks it");
            let mut daemon = Daemon::connect(socket, true, timeout)?;
            return busiest::run(&mut daemon, what, limit as usize, json, terminal, out);
        }
        Err(Verb::Top { interval }) => return top::run(socket, timeout, interval),
        Err(other) => unreachable!("{other:?} is one request"),
    };
    let mut daemon = Daemon::connect(socket, !request.changes(), timeout)?;
    if request.page().is_some() {
        return list::list(&mut daemon, request, limit, json, terminal, out);
    }
    if let Request::Watch { .. } = request {
        return watch::watch(&mut daemon, &request, json, out);
    }
    let result = {
        let _progress = waits_for(&request).map(Progress::begin);
        daemon.call(&request)?
    };
    if json {
        writeln!(out, "{}", human::printable_json(result.get()))?;
        return Ok(());
    }
    let text = render::result(&request, result.get());
    let text = text.map_err(|error| daemon.nonsense(&error.to_string()))?;
    out.write_all(text.as_bytes())?;
    follow(&mut daemon, &request, result.get(), out)
}

/// What is waited for when an answer takes long.
fn waits_for(request: &Request) -> Option<&'static str> {
    match request {
        Request::ConfigApply { .. } | Request::ConfigDiff | Request::Reload => {
            Some("chatd reads its configuration")
        }
        request if request.is_saved() => Some("chatd writes that to its disk"),
        _ => None,
    }
}

/// What is left to do for a person when there is an answer.
fn follow(daemon: &mut Daemon, request: &Request, result: &str, out: &mut dyn Write) -> Result<(), Failure> {
    match request {
        Request::ConfigApply { confirm_within: Some(_) } => {
            let applied: serde_json::Result<ConfigApplied> = serde_json::from_str(result);
            match applied.ok().and_then(|applied| applied.confirm_seconds) {
                Some(seconds) => config::offer(daemon, seconds, out),
                None => Ok(()),
            }
        }
        Request::Shutdown { .. } => stopping::watch(daemon, out),
        _ => Ok(()),
    }
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
        Err(Failure::Password(what) | Failure::Terminal(what)) => {
            complain(&what);
            ExitCode::from(1)
        }
        Err(Failure::Checked { report, refusal }) => {
            if json {
                print_refusal(&refusal, out);
            }
            // As chatd says it.
            let _ = writeln!(io::stderr(), "{}", human::printable_lines(&report));
            ExitCode::from(EX_CONFIG)
        }
        Err(Failure::Unconfirmed) => {
            complain(
                "not confirmed in time: the configuration before is in force again\n\
                 the file is as it was; \"chatctl config diff\" shows what it has otherwise",
            );
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
                print_refusal(&refusal, out);
            }
            let _ = out.flush();
            complain(&reason(&refusal));
            ExitCode::from(1)
        }
    }
}

fn print_refusal(refusal: &RpcError, out: &mut dyn Write) {
    let _ = writeln!(out, "{}", human::printable_json(&json!({ "error": refusal }).to_string()));
    let _ = out.flush();
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
    let name = Style::stderr().paint(Colour::Red, "chatctl:");
    let _ = writeln!(io::stderr(), "{name} {}", human::printable_lines(what));
}
