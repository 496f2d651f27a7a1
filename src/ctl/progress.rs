//! What is being waited for, on the terminal of whoever waits, once that has taken longer than a moment.

use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::human::{cut, printable};
use super::style::Style;

/// What takes no longer is not worth a word.
const MOMENT: Duration = Duration::from_secs(1);
/// Between two looks at what has become of it.
const PAUSE: Duration = Duration::from_millis(250);
/// The line is no longer than this, so that no terminal breaks it into two.
const COLUMNS: usize = 76;

/// A line on standard error that says what is under way. It is gone when this is dropped. Where standard error is no
/// terminal, there is none.
#[derive(Debug)]
pub(super) struct Progress {
    running: Option<(Sender<String>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins to wait for something.
    pub(super) fn begin(what: &str) -> Self {
        if Style::stderr().moves { Self::on(io::stderr(), what, MOMENT) } else { Self { running: None } }
    }

    fn on(out: impl Write + Send + 'static, what: &str, first: Duration) -> Self {
        let (sender, texts) = mpsc::channel();
        let what = what.to_owned();
        let run = move || show(out, what, first, |left| texts.recv_timeout(left));
        // Without a thread nothing is shown, and nothing else is lost.
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(run);
        Self { running: thread.ok().map(|thread| (sender, thread)) }
    }

    /// Says how far it is.
    pub(super) fn now(&self, what: String) {
        if let Some((sender, _)) = &self.running {
            // The thread ends only after this.
            let _ = sender.send(what);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn show(
    mut out: impl Write,
    mut what: String,
    first: Duration,
    next: impl Fn(Duration) -> Result<String, RecvTimeoutError>,
) {
    let begun = Instant::now();
    let (mut due, mut shown) = (begun + first, false);
    loop {
        match next(due.saturating_duration_since(Instant::now())) {
            Ok(text) => what = text,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let line = format!("{} ({} s)", printable(&what), begun.elapsed().as_secs());
                // Whoever cannot be told anything is not told.
                let _ = write!(out, "\r{}\x1b[K", cut(&line, COLUMNS)).and_then(|()| out.flush());
                (due, shown) = (Instant::now() + PAUSE, true);
            }
        }
    }
    if shown {
        let _ = write!(out, "\r\x1b[K").and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A terminal of which all can be read that was written on it, and a word for each write.
    #[derive(Clone)]
    struct Paper(Arc<Mutex<Vec<u8>>>, Sender<()>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            let _ = self.1.send(());
            Ok(())
        }
    }

    fn paper() -> (Paper, mpsc::Receiver<()>) {
        let (written, seen) = mpsc::channel();
        (Paper(Arc::default(), written), seen)
    }

    #[test]
    fn what_takes_long_is_told_of_and_taken_away_again() {
        let (paper, seen) = paper();
        let progress = Progress::on(paper.clone(), "waiting\x07", Duration::ZERO);
        seen.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(String::from_utf8_lossy(&paper.0.lock().unwrap()).starts_with("\rwaiting\\x07 (0 s)\x1b[K"));
        progress.now("3 left".to_owned());
        loop {
            seen.recv_timeout(Duration::from_secs(30)).unwrap();
            if String::from_utf8_lossy(&paper.0.lock().unwrap()).contains("\r3 left (") {
                break;
            }
        }
        drop(progress);
        assert!(paper.0.lock().unwrap().ends_with(b"\x1b[K\r\x1b[K"));
    }

    #[test]
    fn what_is_soon_over_is_not() {
        let (paper, _seen) = paper();
        let progress = Progress::on(paper.clone(), "waiting", Duration::from_hours(1));
        progress.now("3 left".to_owned());
        drop(progress);
        assert!(paper.0.lock().unwrap().is_empty());
    }
}
