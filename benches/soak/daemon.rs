//! The daemon that is soaked: the release binary as a child, its configurations, its admin socket, and what it costs.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::machine;
use crate::swarm::PATIENCE;

/// Lines of the log that are kept for a report.
const LAST_LINES: usize = 30;

/// Which configuration is in the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Content {
    /// The one that is in force while nothing else is said.
    Usual,
    /// Another message of the day, and one listener more.
    Other,
    /// Not one that can be used.
    Bad,
}

/// A running chatd; killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    log: Arc<Log>,
}

/// What it says, as far as anybody is interested.
#[derive(Default)]
struct Log {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Default)]
struct Heard {
    address: Option<SocketAddr>,
    /// Reloads that were refused.
    refused: u64,
    last: Vec<String>,
    ended: bool,
}

impl Log {
    fn follow(self: &Arc<Self>, stderr: ChildStderr) {
        let log = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.add(line);
            }
            log.heard.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
            log.changed.notify_all();
        });
    }

    fn add(&self, line: String) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.address.is_none() {
            let address = line.split_once(" listen address=").and_then(|(_, rest)| rest.parse().ok());
            heard.address = address;
        }
        if line.contains(" reload refused: nothing has changed ") {
            heard.refused += 1;
        }
        if heard.last.len() == LAST_LINES {
            heard.last.remove(0);
        }
        heard.last.push(line);
        self.changed.notify_all();
    }
}

/// What the daemon costs and has done at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Resident memory in bytes.
    pub(crate) resident: u64,
    /// Open descriptors.
    pub(crate) descriptors: u64,
    /// Time on a processor so far.
    pub(crate) cpu: Duration,
    pub(crate) stats: Value,
}

impl Sample {
    /// A number of `stats`.
    pub(crate) fn stat(&self, name: &str) -> u64 {
        self.stats[name].as_u64().unwrap_or(u64::MAX)
    }
}

impl Daemon {
    /// Starts it on a port of its own, and waits until it listens.
    pub(crate) fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("config"), text(Content::Usual, &folder.path().join("admin.sock")))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
        command.arg("--config").arg(folder.path().join("config")).current_dir(folder.path());
        command.env_remove("CHATD_SOCKET").env_remove("NOTIFY_SOCKET").env("STATE_DIRECTORY", folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let log = Arc::new(Log::default());
        if let Some(stderr) = child.stderr.take() {
            log.follow(stderr);
        }
        let mut daemon = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), folder, log };
        daemon.address = daemon.wait_for(|heard| heard.address)?;
        Ok(daemon)
    }

    /// Waits until something has been said.
    fn wait_for<T>(&self, find: impl Fn(&Heard) -> Option<T>) -> io::Result<T> {
        let end = Instant::now() + PATIENCE;
        let mut heard = self.log.heard.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&heard) {
                return Ok(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if heard.ended || left.is_zero() {
                return Err(io::Error::other(format!("chatd did not start: {}", heard.last.join(" / "))));
            }
            let waited = self.log.changed.wait_timeout(heard, left);
            heard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self) -> String {
        let heard = self.log.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.last.join("\n")
    }

    /// Reloads that the log says were refused.
    pub(crate) fn refused_reloads(&self) -> u64 {
        self.log.heard.lock().unwrap_or_else(PoisonError::into_inner).refused
    }

    /// Puts this into the configuration file; chatd is not told.
    pub(crate) fn write(&self, content: Content) -> io::Result<()> {
        fs::write(self.folder.path().join("config"), text(content, &self.socket()))
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let pid = i32::try_from(self.pid()).map_err(io::Error::other)?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// Sets how many descriptors it may have, with prlimit(1).
    pub(crate) fn limit_descriptors(&self, most: u64) -> io::Result<()> {
        let pid = self.pid().to_string();
        let status = Command::new("prlimit").args(["--pid", &pid, &format!("--nofile={most}:")]).status()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("prlimit: {status}"))) }
    }

    /// One request on a connection of its own to the admin socket: the reply, which may be an error.
    pub(crate) fn ask(&self, method: &str, params: &Value) -> io::Result<Value> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        stream.write_all(format!("{request}\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    /// The same for what must not fail: its result.
    pub(crate) fn request(&self, method: &str, params: &Value) -> io::Result<Value> {
        let mut reply = self.ask(method, params)?;
        match &reply["error"] {
            Value::Null => Ok(reply["result"].take()),
            error => Err(io::Error::other(format!("{method} was refused: {error}"))),
        }
    }

    /// What it costs now.
    pub(crate) fn sample(&self) -> io::Result<Sample> {
        let stats = self.request("stats", &json!({}))?;
        let resident = machine::memory(self.pid())?.resident;
        Ok(Sample { resident, descriptors: self.descriptors()?, cpu: machine::usage(self.pid())?.cpu, stats })
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> io::Result<u64> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.pid()))?.count() as u64)
    }

    /// Whether it has ended, and how.
    pub(crate) fn exit(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Some of what the defaults have, so that guests meet all kinds of bounds within a round.
fn text(content: Content, socket: &std::path::Path) -> String {
    let (motd, more) = match content {
        Content::Usual => ("usual", ""),
        Content::Other => ("other", "[[listen]]\naddress = \"127.0.0.2:0\"\n"),
        Content::Bad => ("bad", "[limits\n"),
    };
    let motd = format!("{motd} {}\\n", ".".repeat(340)).repeat(12);
    format!(
        "[server]\nmotd = \"{motd}\"\n\
         [[listen]]\naddress = \"127.0.0.1:0\"\n{more}\
         [admin]\nsocket = \"{}\"\n\
         [throttle]\nconnections = 0\n\
         [timeouts]\nregistration = 5\nping_interval = 10\nping_timeout = 120\n\
         [limits]\nconnections = 20000\nconnections_per_address = 20000\nsend_queue = 524288\n\
         flood_burst = 400\nflood_rate = 100\nwhowas_entries = 200\n",
        socket.display()
    )
}
