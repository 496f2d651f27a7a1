//! Records to a syslog daemon on this machine, through the datagram socket `/dev/log`.
//!
//! The crate `syslog` formats and sends; the connection is made here. Its own would block for as long as
//! a stopped daemon does not read, and would not come back after a restart.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use log::Level;
use syslog::{Formatter3164, Logger, LoggerBackend};

use super::Entry;
use super::writer::Sink;
use crate::config::Facility;

/// Between attempts to connect; doubled at each one that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A syslog daemon, connected or not.
pub(super) struct DevLog {
    socket: PathBuf,
    formatter: Formatter3164,
    connection: Option<Logger<LoggerBackend, Formatter3164>>,
    /// When to try next to connect.
    retry: Instant,
    pause: Duration,
}

impl DevLog {
    pub(super) fn new(socket: PathBuf, facility: Facility) -> Self {
        let formatter = Formatter3164 {
            facility: code(facility),
            // With a host name, journald and rsyslog take it for the identifier.
            hostname: None,
            process: "chatd".to_owned(),
            pid: std::process::id(),
        };
        Self { socket, formatter, connection: None, retry: Instant::now(), pause: FIRST_PAUSE }
    }

    /// The connection; makes it if need be and if the last attempt was long enough ago.
    fn connection(&mut self) -> io::Result<&mut Logger<LoggerBackend, Formatter3164>> {
        if self.connection.is_none() {
            if Instant::now() < self.retry {
                return Err(ErrorKind::NotConnected.into());
            }
            self.connect()?;
        }
        self.connection.as_mut().ok_or_else(|| ErrorKind::NotConnected.into())
    }

    fn connect(&mut self) -> io::Result<()> {
        // Should the attempt fail, this is when the next one is due.
        self.retry = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.socket)?;
        self.connection = Some(Logger::new(LoggerBackend::Unix(socket), self.formatter.clone()));
        Ok(())
    }

    fn send(&mut self, entry: &Entry) -> io::Result<()> {
        let logger = self.connection()?;
        let text = &*entry.text;
        match entry.level {
            Level::Error => logger.err(text),
            Level::Warn => logger.warning(text),
            Level::Info => logger.info(text),
            Level::Debug | Level::Trace => logger.debug(text),
        }
        .map_err(|error| match error {
            syslog::Error::Io(error) | syslog::Error::Write(error) => error,
            syslog::Error::Initialization(error) => io::Error::other(error),
        })?;
        self.pause = FIRST_PAUSE;
        Ok(())
    }
}

impl Sink for DevLog {
    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let connected = self.connection.is_some();
        let error = match self.send(entry) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // Even if it is only that the daemon does not keep up: should it be stopped for good, its
        // successor listens on another socket of the same name.
        self.connection = None;
        if connected && error.kind() != ErrorKind::WouldBlock {
            // Gone, so its successor may be there already.
            return self.send(entry);
        }
        Err(error)
    }
}

fn code(facility: Facility) -> syslog::Facility {
    match facility {
        Facility::Daemon => syslog::Facility::LOG_DAEMON,
        Facility::User => syslog::Facility::LOG_USER,
        Facility::Local0 => syslog::Facility::LOG_LOCAL0,
        Facility::Local1 => syslog::Facility::LOG_LOCAL1,
        Facility::Local2 => syslog::Facility::LOG_LOCAL2,
        Facility::Local3 => syslog::Facility::LOG_LOCAL3,
        Facility::Local4 => syslog::Facility::LOG_LOCAL4,
        Facility::Local5 => syslog::Facility::LOG_LOCAL5,
        Facility::Local6 => syslog::Facility::LOG_LOCAL6,
        Facility::Local7 => syslog::Facility::LOG_LOCAL7,
    }
}
