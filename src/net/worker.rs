//! Work that can block, on threads of its own: they report through one queue, and wake the loop by its `Waker`.
//!
//! A wake is a hint, not a count: any number of reports may come with one wake, and a wake may find nothing. So the
//! loop drains the queue at each. There is one `Waker` per `Poll`, shared by all who report, and kept as long as the
//! loop lives.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use mio::Waker;

/// The loop's end of the queue of results.
pub(super) struct Results<T>(Receiver<T>);

/// A thread's end of it.
pub(super) struct Reporter<T> {
    results: Sender<T>,
    waker: Arc<Waker>,
}

impl<T> Clone for Reporter<T> {
    fn clone(&self) -> Self {
        Self { results: self.results.clone(), waker: Arc::clone(&self.waker) }
    }
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

/// What a thread has done.
pub(super) struct Done<T> {
    /// Which of its crew's threads is free again: to be told to [`Crew::freed`].
    pub(super) thread: usize,
    /// What came of the job.
    pub(super) result: T,
}

/// How a crew does a job. It must not panic: the thread would be lost to its crew.
pub(super) type Craft<J, T> = Arc<dyn Fn(J) -> T + Send + Sync>;

/// Threads that do one kind of job, each one after the other. They are started when there is work for them, and end when
/// the crew is dropped. The loop has the queue and knows who is idle, so nothing is shared and nothing locked.
pub(super) struct Crew<J, T> {
    name: &'static str,
    /// Most threads.
    most: usize,
    /// Most jobs that wait for one.
    queue: usize,
    craft: Craft<J, T>,
    reporter: Reporter<Done<T>>,
    threads: Vec<Sender<J>>,
    idle: Vec<usize>,
    waiting: VecDeque<J>,
}

impl<J: Send + 'static, T: Send + 'static> Crew<J, T> {
    /// A crew of up to `most` threads called `name` (15 bytes are shown), for which at most `queue` jobs wait.
    pub(super) fn new(
        name: &'static str,
        most: usize,
        queue: usize,
        reporter: Reporter<Done<T>>,
        craft: Craft<J, T>,
    ) -> Self {
        let (threads, idle, waiting) = (Vec::new(), Vec::new(), VecDeque::new());
        Self { name, most, queue, craft, reporter, threads, idle, waiting }
    }

    /// Has a job done. False if too many wait, or the system has no room for a thread: then it will not be done.
    pub(super) fn give(&mut self, job: J) -> bool {
        let idle = self.idle.pop().or_else(|| self.hire());
        if let Some(thread) = idle {
            return self.threads[thread].send(job).is_ok();
        }
        let room = !self.threads.is_empty() && self.waiting.len() < self.queue;
        if room {
            self.waiting.push_back(job);
        }
        room
    }

    /// One more thread, if there may be one and the system has room for it.
    fn hire(&mut self) -> Option<usize> {
        let number = self.threads.len();
        (number < self.most).then(|| self.start(number).ok())?
    }

    fn start(&mut self, thread: usize) -> io::Result<usize> {
        let (sender, jobs) = mpsc::channel();
        let (craft, reporter) = (Arc::clone(&self.craft), self.reporter.clone());
        thread::Builder::new().name(self.name.to_owned()).spawn(move || {
            for job in jobs {
                reporter.report(Done { thread, result: craft(job) });
            }
        })?;
        self.threads.push(sender);
        Ok(thread)
    }

    /// A thread has reported: it gets the job that waits for longest.
    pub(super) fn freed(&mut self, thread: usize) {
        match self.waiting.pop_front() {
            // It does not end before the crew does.
            Some(job) => drop(self.threads[thread].send(job)),
            None => self.idle.push(thread),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
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

    /// A crew whose jobs each wait for a word at the gate, and what it says it has done.
    struct Site {
        poll: Poll,
        events: Events,
        crew: Crew<u32, u32>,
        results: Results<Done<u32>>,
        gate: Sender<()>,
    }

    impl Site {
        fn new(most: usize, queue: usize) -> Self {
            let (poll, waker, events) = poll();
            let (reporter, results) = results(waker);
            let (gate, open) = mpsc::channel();
            let open = Mutex::new(open);
            let craft = Arc::new(move |job: u32| {
                open.lock().unwrap().recv().unwrap();
                job * 10
            });
            Self { poll, events, crew: Crew::new("test", most, queue, reporter, craft), results, gate }
        }

        /// The results of so many jobs, sorted.
        fn collect(&mut self, count: usize) -> Vec<u32> {
            let mut all = Vec::new();
            while all.len() < count {
                self.poll.poll(&mut self.events, Some(Duration::from_secs(30))).unwrap();
                assert!(!self.events.is_empty(), "a report wakes the loop");
                for done in self.results.drain() {
                    self.crew.freed(done.thread);
                    all.push(done.result);
                }
            }
            all.sort_unstable();
            all
        }
    }

    #[test]
    fn a_crew_takes_so_many_jobs_and_no_more_and_does_all_that_it_took() {
        let mut site = Site::new(2, 3);
        let taken: Vec<_> = (1..=10).filter(|&job| site.crew.give(job)).collect();
        assert_eq!(taken, [1, 2, 3, 4, 5], "two at work, three waiting");
        site.gate.send(()).unwrap();
        site.collect(1);
        assert!(site.crew.give(6) && !site.crew.give(7), "one is done, one more is taken");
        (0..5).for_each(|_| site.gate.send(()).unwrap());
        assert_eq!(site.collect(5).last(), Some(&60));
        assert_eq!(site.crew.threads.len(), 2);
        // Those who are idle are at work again before anybody is hired.
        assert!(site.crew.give(8));
        site.gate.send(()).unwrap();
        assert_eq!(site.collect(1), [80]);
    }

    #[test]
    fn threads_are_started_for_work_and_no_sooner() {
        let mut site = Site::new(4, 1);
        assert!(site.crew.threads.is_empty());
        for job in 1..=3 {
            assert!(site.crew.give(job));
            site.gate.send(()).unwrap();
            assert_eq!(site.collect(1), [job * 10]);
        }
        assert_eq!(site.crew.threads.len(), 1);
    }

    #[test]
    fn one_thread_does_jobs_in_their_order() {
        let mut site = Site::new(1, 8);
        assert!((1..=9).all(|job| site.crew.give(job)));
        (0..9).for_each(|_| site.gate.send(()).unwrap());
        let mut order = Vec::new();
        while order.len() < 9 {
            site.poll.poll(&mut site.events, Some(Duration::from_secs(30))).unwrap();
            for done in site.results.drain() {
                site.crew.freed(done.thread);
                order.push(done.result);
            }
        }
        assert!(order.is_sorted(), "{order:?}");
    }
}
