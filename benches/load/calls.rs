//! System calls of a server, counted by strace. It slows the server, so more coalesces: compare within a scenario only.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::NamedTempFile;

use crate::machine::{self, Processors};

/// strace, attached to a server; detached when dropped.
pub(crate) struct Tracer {
    child: Child,
    counts: NamedTempFile,
}

impl Tracer {
    /// Attaches, on the processor of the server: one of the two waits while the other runs.
    pub(crate) fn attach(pid: u32, processors: Option<Processors>) -> io::Result<Self> {
        let counts = NamedTempFile::new()?;
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-o"]).arg(counts.path()).arg("-p").arg(pid.to_string());
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        if let Some(processors) = processors {
            machine::stay_on(processors.server)?;
        }
        let child = command.spawn();
        if let Some(processors) = processors {
            machine::stay_on(processors.generator)?;
        }
        let mut tracer = Self { child: child?, counts };
        let mut said = String::new();
        if let Some(stderr) = tracer.child.stderr.take() {
            BufReader::new(stderr).read_line(&mut said)?;
        }
        if said.contains("attached") { Ok(tracer) } else { Err(io::Error::other(said)) }
    }

    fn detach(&mut self) -> io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(pid), Signal::SIGINT)?;
        self.child.wait().map(drop)
    }

    /// Detaches, and says how many calls there were.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.detach()?;
        let text = fs::read_to_string(self.counts.path())?;
        // % time, seconds, usecs/call, calls, and errors if there were any.
        let total = text.lines().rev().find(|line| line.ends_with(" total"));
        let calls = total.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
        calls.ok_or_else(|| io::Error::other(format!("strace counted nothing: {text}")))
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.detach();
    }
}
