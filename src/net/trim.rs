//! Giving memory back that a burst or a crowd has left behind: soon, but not while there is much to do.

use super::conn::Pool;
use super::driver::Driver;
use super::shell::Shell;
use crate::proto::limits::{
    KEEP_IDLE, KEEP_LEFT, KEEP_QUEUED, TRIM_LATEST_MS, TRIM_MS, TRIM_WORK, TURN_WORK,
};

/// What there was to hold, and when to look whether it is gone for good.
#[derive(Debug, Default)]
pub(super) struct Trim {
    /// When to look, in milliseconds of the monotonic clock. While there is nothing to give back, nothing wakes the loop.
    pub(super) at: Option<u64>,
    /// When there was something first.
    since: u64,
    /// The work done, as [`Shell::work_charged`] says, when the time until then began.
    work: u64,
    /// Most connections since memory was last given back to the system.
    crowd: usize,
    /// Most bytes in send queues since then.
    queued: u64,
    /// The work done by then.
    charged: u64,
}

impl<D: Driver> Shell<D> {
    /// Buffers that a burst has made large are given up once it is quiet, and with them all that it, or much work, has left in the
    /// allocator is given back to the system, which takes milliseconds. What a crowd was kept in is given back, too: also once it is quiet, or when it
    /// has not been for long.
    pub(super) fn trim(&mut self) {
        let (there, waiting) = (self.conns.len(), self.counters.waiting);
        self.trim.crowd = self.trim.crowd.max(there);
        self.trim.queued = self.trim.queued.max(waiting);
        let left = self.trim.crowd - there;
        let much = left > KEEP_LEFT.max(self.trim.crowd / 2) || self.trim.queued - waiting > KEEP_QUEUED;
        let (now, worked) = (self.now.mono_ms, self.work_charged() - self.trim.charged);
        match self.trim.at {
            None if much || worked > TRIM_WORK || self.kept_bytes() > KEEP_IDLE => {
                self.trim.since = now;
                self.look_again();
            }
            Some(at) if at <= now => {
                let quiet = self.work_charged() - self.trim.work <= TURN_WORK;
                let late = much && now >= self.trim.since + TRIM_LATEST_MS;
                if !quiet && !late {
                    return self.look_again();
                }
                self.trim.at = None;
                self.out.trim(self.conns.slot_bound());
                self.server.trim();
                self.scratch = Vec::new();
                self.pool = Pool::default();
                (self.trim.crowd, self.trim.queued) = (there, waiting);
                self.trim.charged = self.work_charged();
                self.driver.give_memory_back();
            }
            _ => {}
        }
    }

    fn look_again(&mut self) {
        self.trim.at = Some(self.now.mono_ms + TRIM_MS);
        self.trim.work = self.work_charged();
    }
}
