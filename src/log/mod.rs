//! The log: records go through a bounded queue to a thread of their own, and from there to stderr or syslog.
//!
//! Whoever logs never waits: a record that does not fit the queue is counted and dropped, and when there
//! is room again one record says how many were lost. Only the log's thread is held up by a full pipe
//! on stderr, or by a syslog daemon that is missing, stopped or being restarted.
//!
//! A record is one line: a verb, then `key=value` fields, such as `connect client=42 address=127.0.0.1`.
//! Text from users goes through [`Quoted`], so that it cannot end a field, a line, or a terminal's patience:
//!
//! ```
//! use chatd::log::Quoted;
//! let reason = "gone\nkick client=1";
//! assert_eq!(format!("quit reason={}", Quoted(reason)), r#"quit reason="gone\nkick client=1""#);
//! ```

mod devlog;
mod stream;
mod text;
mod writer;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::config::Facility;
use crate::proto::limits;

pub(crate) use stream::utc_of;
pub use text::Quoted;

/// Where records go.
#[derive(Debug)]
pub enum Target {
    /// A file, pipe or terminal.
    Stream {
        /// Where lines are written.
        file: File,
        /// What a line begins with.
        style: Style,
    },
    /// A syslog daemon on this machine.
    Syslog {
        /// Its datagram socket, by custom `/dev/log`. It need not exist yet.
        socket: PathBuf,
        /// The facility of every record.
        facility: Facility,
    },
}

/// What a line of a [`Target::Stream`] begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Time and level, for people: `2026-11-22T12:00:00Z info `.
    Plain,
    /// The priority in angle brackets, as the systemd journal reads it (sd-daemon(3)); it keeps the time itself.
    Journal,
}

impl Target {
    /// Standard error, in the style of the journal if it is a stream to the journal.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn stderr() -> io::Result<Self> {
        // A descriptor of its own: the lock of `io::stderr()` would pass a full pipe on to other threads.
        let file = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let metadata = file.metadata()?;
        let here = format!("{}:{}", metadata.dev(), metadata.ino());
        let journal = std::env::var("JOURNAL_STREAM").is_ok_and(|stream| stream == here);
        let style = if journal { Style::Journal } else { Style::Plain };
        Ok(Self::Stream { file, style })
    }
}

/// The running log: what the macros of the `log` crate call, and what the daemon asks and tells it.
///
/// The thread ends when the last clone is gone and the queue is empty.
#[derive(Clone, Debug)]
pub struct Handle {
    queue: SyncSender<Message>,
    shared: Arc<Shared>,
}

/// What travels to the log's thread.
#[derive(Debug)]
enum Message {
    Entry(Entry),
    /// So many records were dropped at this place in the order of records.
    Missed(u64),
}

/// A record as it is written.
#[derive(Debug)]
struct Entry {
    level: Level,
    time: SystemTime,
    /// One line, at most [`limits::LOG_RECORD`] bytes, nothing but printable characters.
    text: Box<str>,
}

impl Entry {
    fn new(level: Level, text: impl std::fmt::Display) -> Self {
        Self { level, time: SystemTime::now(), text: text::line(text) }
    }
}

/// What those who log and the log's thread have in common.
#[derive(Debug)]
struct Shared {
    /// A [`LevelFilter`] as a number; of no concern once the log is global.
    level: AtomicUsize,
    /// Whether the macros of the `log` crate come here. Then [`log::max_level`] is the level.
    global: AtomicBool,
    /// Records lost since the start, for whatever reason.
    dropped: AtomicU64,
    /// Those of them that found the queue full and that no record has told of yet.
    missed: AtomicU64,
    /// Messages put into the queue.
    queued: AtomicU64,
    /// Messages that the thread has dealt with.
    done: Mutex<u64>,
    progress: Condvar,
}

/// Starts the log's thread and directs the macros of the `log` crate to it.
///
/// Threads do not survive a fork: call it after the last one.
///
/// # Errors
/// When there is a logger already, or no thread can be started.
pub fn init(target: Target, level: LevelFilter) -> io::Result<Handle> {
    let handle = Handle::start(target, level)?;
    log::set_boxed_logger(Box::new(handle.clone())).map_err(io::Error::other)?;
    handle.shared.global.store(true, Ordering::Relaxed);
    handle.set_level(level);
    Ok(handle)
}

impl Handle {
    /// Starts a log that only those have who are given its handle.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(target: Target, level: LevelFilter) -> io::Result<Self> {
        let (queue, messages) = sync_channel(limits::LOG_QUEUE);
        let handle = Self::around(queue, level);
        let sink: Box<dyn writer::Sink> = match target {
            Target::Stream { file, style } => Box::new(stream::Stream::new(file, style)),
            Target::Syslog { socket, facility } => Box::new(devlog::DevLog::new(socket, facility)),
        };
        let writer = writer::Writer::new(messages, sink, Arc::clone(&handle.shared));
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.run())?;
        Ok(handle)
    }

    fn around(queue: SyncSender<Message>, level: LevelFilter) -> Self {
        let shared = Shared {
            level: AtomicUsize::new(level as usize),
            global: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            done: Mutex::new(0),
            progress: Condvar::new(),
        };
        Self { queue, shared: Arc::new(shared) }
    }

    /// How many records were lost since the start: the queue was full, or nobody took them in time.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// The least severe level that is logged.
    pub fn level(&self) -> LevelFilter {
        if self.shared.global.load(Ordering::Relaxed) {
            return log::max_level();
        }
        let level = self.shared.level.load(Ordering::Relaxed);
        LevelFilter::iter().nth(level).unwrap_or(LevelFilter::Off)
    }

    /// Changes the least severe level that is logged.
    pub fn set_level(&self, level: LevelFilter) {
        if self.shared.global.load(Ordering::Relaxed) {
            log::set_max_level(level);
        } else {
            self.shared.level.store(level as usize, Ordering::Relaxed);
        }
    }

    /// Waits until all that was logged before has been written or dropped, for `patience` at most.
    /// Returns whether it has.
    pub fn flush(&self, patience: Duration) -> bool {
        self.tell_missed();
        let goal = self.shared.queued.load(Ordering::Acquire);
        let done = self.shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, _) = self
            .shared
            .progress
            .wait_timeout_while(done, patience, |done| *done < goal)
            .unwrap_or_else(PoisonError::into_inner);
        *done >= goal
    }

    /// Puts a message into the queue if there is room.
    fn offer(&self, message: Message) -> bool {
        match self.queue.try_send(message) {
            Ok(()) => {
                self.shared.queued.fetch_add(1, Ordering::Release);
                true
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }

    /// Tells of records that found the queue full, at the place where they would have been. Returns
    /// whether there is nothing left to tell.
    fn tell_missed(&self) -> bool {
        if self.shared.missed.load(Ordering::Relaxed) == 0 {
            return true;
        }
        let missed = self.shared.missed.swap(0, Ordering::Relaxed);
        let told = missed == 0 || self.offer(Message::Missed(missed));
        if !told {
            self.shared.missed.fetch_add(missed, Ordering::Relaxed);
        }
        told
    }
}

impl Log for Handle {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let entry = Entry::new(record.level(), record.args());
        if !self.tell_missed() || !self.offer(Message::Entry(entry)) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            self.shared.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        Self::flush(self, limits::LOG_FLUSH);
    }
}
