//! The program `chatd`: from the command line to the running loop, and from there to the exit status.
//!
//! The order of a start: arguments, configuration, names of users and groups, pid file, sockets, detaching,
//! privileges, log, loop. All that can be refused is refused before detaching or reported through it,
//! so that it reaches the terminal; the first thread is started after the last fork. Signals wait from the pid file on
//! until the loop handles them.

mod activation;
mod announce;
mod args;
mod descriptors;
mod detach;
mod notify;
mod panics;
mod pidfile;
mod privileges;
mod sandbox;
mod start;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::config::{self, Config, LogTarget};
use crate::load::{self, EX_CONFIG, Given, LoadError};
use crate::net::Inherited;
use announce::{Audience, say};
use args::Args;
use detach::Side;
use start::Prepared;

/// Why chatd did not do what it was asked for: what a person reads, and the exit status.
struct Failure {
    message: String,
    status: u8,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, status: 1 }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self { message: error.to_string(), status: EX_CONFIG }
    }
}

/// The command line, for whoever makes manuals and completions of it.
pub fn command() -> clap::Command {
    Args::command()
}

/// Runs chatd. The exit status is 0 after a stop that was asked for, 1 when the system refused something, 2 for wrong
/// arguments, and 78 when the configuration is refused.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match start(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message, status }) => {
            say(message);
            ExitCode::from(status)
        }
    }
}

/// Does what the arguments ask for.
///
/// # Errors
/// What a person reads on stderr before the exit.
fn start(args: &Args) -> Result<(), Failure> {
    if args.daemonize {
        detach::close_inherited();
    }
    if args.check_config || args.print_config {
        let loaded = load::load(args.config.as_deref(), None)?;
        let text = if args.check_config { loaded.verdict() } else { config::print(&loaded.config) };
        return Ok(print(&text)?);
    }
    // What systemd passes is not for a process that detaches from it; there, it was closed.
    let inherited = if args.daemonize { Ok(Inherited::default()) } else { activation::inherited() };
    let inherited = inherited.map_err(named)?;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|it| !it.is_empty()).map(Into::into);
    let given = Given { sockets: inherited.names(), credentials, readable: None };
    let loaded = load::load(args.config.as_deref(), Some(&given))?;
    let target = log_target(&loaded.config, args.daemonize).map_err(named)?;
    let audience = match (args.daemonize, target) {
        (true, _) => Audience::DETACHED,
        (false, target) => Audience::foreground(target == LogTarget::Stderr),
    };
    let prepared = Prepared::new(loaded, given, inherited, target, audience).map_err(named)?;
    if !args.daemonize {
        return Ok(prepared.run(None).map_err(named)?);
    }
    match detach::detach() {
        Ok(Side::Child(report)) => Ok(prepared.run(Some(report)).map_err(named)?),
        Ok(Side::Parent(Ok(()))) => {
            say(prepared.started.sentences());
            Ok(())
        }
        Ok(Side::Parent(Err(message))) | Err(message) => {
            // The child has done so already, unless it came to a sudden end.
            prepared.withdraw();
            Err(named(message).into())
        }
    }
}

/// A message for stderr.
fn named(message: impl std::fmt::Display) -> String {
    format!("chatd: {message}")
}

/// Writes what was asked for to stdout. A reader that has seen enough, such as head(1), is no error.
fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(named(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}

/// Where records go.
///
/// # Errors
/// When a detached daemon is to log to the terminal that it leaves.
fn log_target(config: &Config, daemonize: bool) -> Result<LogTarget, String> {
    match (config.log.target, daemonize) {
        (Some(LogTarget::Stderr), true) => {
            Err("[log] target is \"stderr\", which a detached daemon does not have; \
             set it to \"syslog\", or leave it out, or start without --daemonize"
                .to_owned())
        }
        (None, true) => Ok(LogTarget::Syslog),
        (target, _) => Ok(target.unwrap_or(LogTarget::Stderr)),
    }
}
