//! Detaching from the terminal, with an exit status that tells the truth.
//!
//! The crate `daemonize` forks twice, makes a session, changes to `/`, sets the umask and puts `/dev/null` on
//! descriptors 0 to 2. What follows happens in the grandchild, and its outcome comes back through a
//! pipe that was made before: the parent ends only when it knows whether the daemon is ready.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::RawFd;

use daemonize::{Daemonize, Outcome};

use crate::net;

/// What others may not do with files that the daemon makes.
const UMASK: u32 = 0o027;
/// The most that the parent reads of an error, in bytes.
const REPORT: u64 = 16 * 1024;
/// What a report of readiness consists of; any other report is an error message.
const READY: &[u8] = b"\0";

/// On which side of the fork we are.
#[derive(Debug)]
pub(super) enum Side {
    /// The process that was started. The daemon is ready, or the message says why it is not.
    Parent(Result<(), String>),
    /// The daemon.
    Child(Report),
}

/// The way back to the parent. A daemon that ends without a word has failed.
#[derive(Debug)]
pub(super) struct Report {
    pipe: PipeWriter,
}

impl Report {
    /// Lets the parent end with success.
    pub(super) fn ready(mut self) {
        // If the parent was killed meanwhile, nobody needs to know.
        let _ = self.pipe.write_all(READY);
    }

    /// Lets the parent print `message` and end with an error.
    pub(super) fn failed(mut self, message: &str) {
        let _ = self.pipe.write_all(message.as_bytes());
    }
}

/// Closes what the process that started us has open besides the standard streams: a daemon that lives on
/// would keep its locks locked and its pipes from ending. Comes first, while nothing of our own is open.
pub(super) fn close_inherited() {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<RawFd>().ok());
    // The list has its own descriptor in it, which is closed already when the list is complete.
    for descriptor in numbers.filter(|&descriptor| descriptor > 2).collect::<Vec<_>>() {
        let _ = nix::unistd::close(descriptor);
    }
}

/// Forks. There must be no threads yet: they would not survive.
///
/// Returns in the parent when the daemon has reported, and in the daemon at once.
///
/// # Errors
/// When there is no pipe, or no fork.
pub(super) fn detach() -> Result<Side, String> {
    // What is buffered would be printed by both processes.
    let _ = io::stdout().flush();
    let (reader, writer) = io::pipe().map_err(|error| format!("cannot detach: {error}"))?;
    match Daemonize::new().working_directory("/").umask(UMASK).execute() {
        Outcome::Parent(Ok(_)) => {
            // Otherwise the reader would wait for ourselves.
            drop(writer);
            // Whoever waits at the terminal may stop waiting.
            let _ = net::release_signals();
            Ok(Side::Parent(outcome(reader)))
        }
        Outcome::Parent(Err(error)) => Err(format!("cannot detach: {error}")),
        Outcome::Child(Ok(_)) => Ok(Side::Child(Report { pipe: writer })),
        Outcome::Child(Err(error)) => {
            Report { pipe: writer }.failed(&format!("cannot detach: {error}"));
            std::process::exit(1);
        }
    }
}

/// Waits for the report of the daemon.
fn outcome(reader: PipeReader) -> Result<(), String> {
    let mut report = Vec::new();
    // An error in reading leaves the report incomplete, which is an error, too.
    let _ = reader.take(REPORT).read_to_end(&mut report);
    match &*report {
        READY => Ok(()),
        b"" => Err("the daemon ended before it was ready, and did not say why".to_owned()),
        message => Err(String::from_utf8_lossy(message).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tell: impl FnOnce(Report)) -> Result<(), String> {
        let (reader, pipe) = io::pipe().unwrap();
        tell(Report { pipe });
        outcome(reader)
    }

    #[test]
    fn only_a_report_of_readiness_is_success() {
        assert_eq!(told(Report::ready), Ok(()));
        assert_eq!(told(|report| report.failed("no way")), Err("no way".to_owned()));
        assert!(told(drop).unwrap_err().contains("did not say why"));
        assert!(told(|report| report.failed("")).is_err());
    }
}
