//! The log's thread: takes messages from the queue, in order, and writes them to the sink.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use log::Level;

use super::{Entry, Message, Shared};

/// How long a sink may fail before records are dropped. An interruption that is shorter, such as the
/// restart of a syslog daemon, loses nothing as long as the queue has room.
const GRACE: Duration = Duration::from_secs(2);
/// Between attempts during that time.
const RETRY: Duration = Duration::from_millis(20);
/// Between attempts to tell of dropped records when there is nothing else to write.
const RETELL: Duration = Duration::from_secs(1);

/// Where entries are written.
pub(super) trait Sink: Send {
    /// Writes one entry.
    ///
    /// # Errors
    /// When the entry was not taken. The same or another one may be tried later.
    fn write(&mut self, entry: &Entry) -> io::Result<()>;
}

/// The state of the log's thread.
pub(super) struct Writer {
    messages: Receiver<Message>,
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    /// Dropped records that no record has told of yet.
    lost: u64,
    /// Since when the sink has failed.
    failing: Option<Instant>,
}

impl Writer {
    pub(super) fn new(messages: Receiver<Message>, sink: Box<dyn Sink>, shared: Arc<Shared>) -> Self {
        Self { messages, sink, shared, lost: 0, failing: None }
    }

    /// Runs until the last handle is gone.
    pub(super) fn run(mut self) {
        while let Some(message) = self.next() {
            match message {
                Message::Entry(entry) => {
                    self.tell_lost();
                    if !self.deliver(&entry) {
                        self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                        self.lost += 1;
                    }
                }
                Message::Missed(count) => {
                    self.lost += count;
                    self.tell_lost();
                }
            }
            *self.shared.done.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.shared.progress.notify_all();
        }
    }

    /// The next message; waits for it. `None` when there will be no more.
    fn next(&mut self) -> Option<Message> {
        loop {
            match self.messages.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            // All that was queued before has been written: this is the place of what was missed since.
            self.lost += self.shared.missed.swap(0, Ordering::Relaxed);
            self.tell_lost();
            if self.lost == 0 {
                return self.messages.recv().ok();
            }
            match self.messages.recv_timeout(RETELL) {
                Ok(message) => return Some(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Says how many records were dropped, if some were.
    fn tell_lost(&mut self) {
        if self.lost > 0 {
            let entry = Entry::new(Level::Warn, format_args!("log-dropped records={}", self.lost));
            if self.deliver(&entry) {
                self.lost = 0;
            }
        }
    }

    /// Writes an entry, again and again while the sink has not failed for long. Returns whether it was taken.
    fn deliver(&mut self, entry: &Entry) -> bool {
        loop {
            if self.sink.write(entry).is_ok() {
                self.failing = None;
                return true;
            }
            if self.failing.get_or_insert_with(Instant::now).elapsed() >= GRACE {
                return false;
            }
            thread::sleep(RETRY);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::Mutex;
    use std::sync::mpsc::sync_channel;

    use log::{LevelFilter, Log, Record};

    use super::super::Handle;
    use super::*;

    /// A sink that fails so many times before it takes anything.
    struct Flaky {
        failures: u32,
        taken: Arc<Mutex<Vec<Box<str>>>>,
    }

    impl Sink for Flaky {
        fn write(&mut self, entry: &Entry) -> io::Result<()> {
            if self.failures > 0 {
                self.failures -= 1;
                return Err(ErrorKind::WouldBlock.into());
            }
            self.taken.lock().unwrap().push(entry.text.clone());
            Ok(())
        }
    }

    fn say(handle: &Handle, text: &str) {
        handle.log(&Record::builder().level(Level::Info).args(format_args!("{text}")).build());
    }

    #[test]
    fn a_short_interruption_loses_nothing() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let sink = Flaky { failures: 2, taken: Arc::clone(&taken) };
        let (queue, messages) = sync_channel(4);
        let handle = Handle::around(queue, LevelFilter::Info);
        say(&handle, "one");
        say(&handle, "two");
        let writer = Writer::new(messages, Box::new(sink), Arc::clone(&handle.shared));
        drop(handle);
        writer.run();
        assert_eq!(*taken.lock().unwrap(), ["one".into(), "two".into()]);
    }

    #[test]
    fn what_did_not_fit_is_told_in_its_place() {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (queue, messages) = sync_channel(2);
        let handle = Handle::around(queue, LevelFilter::Info);
        for text in ["one", "two", "three", "four"] {
            say(&handle, text);
        }
        assert_eq!(handle.dropped(), 2);
        let sink = Flaky { failures: 0, taken: Arc::clone(&taken) };
        let writer = Writer::new(messages, Box::new(sink), Arc::clone(&handle.shared));
        let thread = thread::spawn(move || writer.run());
        assert!(handle.flush(Duration::from_secs(30)));
        say(&handle, "five");
        drop(handle);
        thread.join().unwrap();
        let expected = ["one", "two", "log-dropped records=2", "five"];
        assert_eq!(taken.lock().unwrap().iter().map(|text| &**text).collect::<Vec<_>>(), expected);
    }
}
