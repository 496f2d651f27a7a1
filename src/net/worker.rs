//! Work that can block, on threads of its own: they report through one queue, and wake the loop by its `Waker`.
//!
//! A wake is a hint, not a count: any number of reports may come with one wake, and a wake may find nothing. So the
//! loop drains the queue at each. There is one `Waker` per `Poll`, shared by all who report, and kept as long as the
//! loop lives.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use mio::Waker;

/// The loop's end of the queue of results.
pub(super) struct Results<T>(Receiver<T>);

/// A thread's end of it.
pub(super) struct Reporter<T> {
    results: Sender<T>,
    waker: Arc<Waker>,
}

/// The queue itself is not bounded: who reports has taken a job from a queue that is.
pub(super) fn results<T>(waker: Waker) -> (Reporter<T>, Results<T>) {
    let (results, receiver) = mpsc::channel();
    (Reporter { results, waker: Arc::new(waker) }, Results(receiver))
}

impl<T> Results<T> {
    /// Everything that was reported, oldest first.
    pub(super) fn drain(&self) -> impl Iterator<Item = T> {
        self.0.try_iter()
    }
}

impl<T> Reporter<T> {
    /// Reports, and wakes the loop. A loop that has ended no longer wants to know.
    fn report(&self, result: T) {
        if self.results.send(result).is_ok() {
            // Only a closed descriptor makes it fail, and this is the one that owns it.
            let _ = self.waker.wake();
        }
    }
}

/// A thread that does one kind of job, one after the other.
pub(super) struct Worker {
    jobs: SyncSender<()>,
}

impl Worker {
    /// Starts a thread that calls `job` each time it is asked to, and reports what it returns. At most `queue`
    /// requests wait. The thread ends when the worker is dropped.
    ///
    /// # Errors
    /// When the system has no room for a thread.
    pub(super) fn start<T: Send + 'static>(
        name: &str,
        queue: usize,
        reporter: Reporter<T>,
        mut job: impl FnMut() -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, requests) = mpsc::sync_channel(queue);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            while requests.recv().is_ok() {
                reporter.report(job());
            }
        })?;
        Ok(Self { jobs })
    }

    /// Asks for the job to be done. False if too many requests wait, or the thread has died.
    pub(super) fn request(&self) -> bool {
        self.jobs.try_send(()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use mio::{Events, Poll, Token};

    use super::*;

    const WAKE: Token = Token(3);

    fn poll() -> (Poll, Waker, Events) {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), WAKE).unwrap();
        (poll, waker, Events::with_capacity(8))
    }

    #[test]
    fn every_report_of_many_threads_arrives_however_the_wakes_merge() {
        let (mut poll, waker, mut events) = poll();
        let (reporter, results) = results(waker);
        let reporter = Arc::new(reporter);
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let reporter = reporter.clone();
                thread::spawn(move || (0..1000).for_each(|number| reporter.report((thread, number))))
            })
            .collect();
        let (mut next, mut wakes) = ([0; 8], 0);
        let deadline = Instant::now() + Duration::from_mins(1);
        while next.iter().sum::<u32>() < 8000 {
            poll.poll(&mut events, Some(Duration::from_secs(1))).unwrap();
            assert!(Instant::now() < deadline, "reports are missing: {next:?}");
            wakes += events.iter().filter(|event| event.token() == WAKE).count();
            if events.is_empty() {
                continue;
            }
            for (thread, number) in results.drain() {
                let expected: &mut u32 = &mut next[thread];
                assert_eq!(*expected, number, "in order");
                *expected += 1;
            }
        }
        assert!(wakes <= 8000);
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_worker_takes_so_many_requests_and_no_more() {
        let (mut poll, waker, mut events) = poll();
        let (reporter, results) = results(waker);
        let (go, gate) = mpsc::channel::<()>();
        let mut count = 0;
        let worker = Worker::start("test", 2, reporter, move || {
            gate.recv().unwrap();
            count += 1;
            count
        })
        .unwrap();
        // One may be at work while two wait; which it is depends on the thread, so the fourth is the first for sure.
        let taken = (0..10).filter(|_| worker.request()).count();
        assert!((2..=3).contains(&taken), "{taken}");
        for _ in 0..taken {
            go.send(()).unwrap();
        }
        let mut done = Vec::new();
        while done.len() < taken {
            poll.poll(&mut events, Some(Duration::from_secs(30))).unwrap();
            assert!(!events.is_empty(), "a report wakes the loop");
            done.extend(results.drain());
        }
        assert_eq!(done, (1..=taken).collect::<Vec<_>>());
    }
}
