//! Those whose sockets are full, and who has been reading too slowly for too long.
//!
//! A send queue bounds how much waits for a client, but not for how long: one that takes a byte now and then, and keeps
//! sending, would hold a queue that is almost full for ever. So what waits has a time in which it must go: the time that a
//! client may be silent, its `ping_interval` and `ping_timeout` together. What waits when that begins must have gone when it
//! ends; then the same holds for what waits by then. Nothing waits for longer than twice that time.

use std::num::NonZeroU64;

use super::conn::{Role, State};
use super::driver::Driver;
use super::shell::Shell;
use crate::admin::Happening;
use crate::id::ClientId;
use crate::proto::limits::{KERNEL_QUEUES, PAUSE_MS};
use crate::server::{Gone, Input};

/// A chat connection for which something waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backlog {
    /// What the connection's count of sent bytes comes to when all has gone that waited at the beginning.
    mark: u64,
    /// When it must, in milliseconds of the monotonic clock.
    until: u64,
}

impl<D: Driver> Shell<D> {
    /// More was said to a chat connection than its socket takes.
    #[cold]
    pub(super) fn begin_backlog(&mut self, id: ClientId) {
        let Some(conn) = self.conns.get(id).filter(|conn| conn.is_chat()) else { return };
        let mark = conn.bytes_out + conn.output().len() as u64;
        // One that the server has forgotten is being closed, and that has a deadline of its own.
        let patience = self.server.patience(id);
        let until = self.now.mono_ms.saturating_add(patience.unwrap_or(u64::MAX));
        let timed = conn.state == State::Open && conn.timer.is_none() && patience.is_some();
        self.backlogs.insert(id.to_u64(), Backlog { mark, until });
        if timed {
            self.set_timer(id, Some(until));
        }
    }

    /// Nothing waits for the connection any more.
    #[cold]
    pub(super) fn end_backlog(&mut self, id: ClientId) {
        let Some(backlog) = self.backlogs.remove(&id.to_u64()) else { return };
        let Some(conn) = self.conns.get(id) else { return };
        let ends = conn.state != State::Open || conn.ended.is_some() || conn.hangup;
        if !ends && conn.timer.map(NonZeroU64::get) == Some(backlog.until) {
            self.set_timer(id, None);
        }
    }

    /// The time of an open chat connection has come: has what waited gone?
    pub(super) fn check_backlog(&mut self, id: ClientId) {
        let Some(&Backlog { mark, until }) = self.backlogs.get(&id.to_u64()) else { return };
        let Some(conn) = self.conns.get(id) else { return };
        if self.now.mono_ms < until {
            self.set_timer(id, Some(until));
        } else if conn.bytes_out >= mark {
            self.begin_backlog(id);
        } else {
            self.tell(Input::Closed { client: id, why: Gone::Stalled });
            self.abandon(id);
        }
    }

    /// The timer of an open connection was used for something else: what waits for it has its deadline again.
    pub(super) fn renew_deadline(&mut self, id: ClientId) {
        match self.conns.get(id).map(|conn| conn.role) {
            Some(Role::Chat(..)) => self.check_backlog(id),
            Some(Role::Admin(_)) => self.admin_sent(id, false),
            None => {}
        }
    }

    /// A timer was missed because the process did not run: whoever had until then has a little longer, and a reader, to
    /// whom nothing was sent meanwhile, all of its time.
    pub(super) fn excuse(&mut self, id: ClientId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.timer = None;
        let reader = conn.state == State::Open && conn.ended.is_none() && !conn.hangup;
        if reader && self.backlogs.contains_key(&id.to_u64()) {
            self.begin_backlog(id);
        } else {
            self.set_timer(id, Some(self.now.mono_ms + PAUSE_MS));
        }
    }

    /// Bytes that the kernel holds for a connection.
    pub(super) fn kernel_queue(&self, id: ClientId) -> u64 {
        let stream = self.conns.get(id).and_then(|conn| conn.stream.as_ref());
        stream.map_or(0, |stream| self.driver.unsent(stream))
    }

    /// Bytes that the kernel holds for chat connections whose sockets are full, up to so many of them.
    pub(super) fn kernel_queues(&self) -> u64 {
        let ids = self.backlogs.keys().take(KERNEL_QUEUES).filter_map(|&token| ClientId::from_u64(token));
        ids.map(|id| self.kernel_queue(id)).sum()
    }

    /// Slots of those for whom most waits, if all send queues together hold more than their share of the memory: enough of them
    /// that three quarters of it are left. Empty if they do not.
    ///
    /// Those who are being closed go first, and at once: nobody else is to be cut off for what they hold.
    pub(super) fn largest_backlogs(&mut self) -> Vec<u32> {
        self.watch_queues();
        let Some(most) = self.memory.queues().filter(|&most| self.counters.waiting > most) else {
            return Vec::new();
        };
        let (held, enough) = (self.counters.waiting, most / 4 * 3);
        let holder = |&token: &u64| {
            let id = ClientId::from_u64(token)?;
            let conn = self.conns.get(id)?;
            Some((conn.state != State::Open, conn.output().len() as u64, id))
        };
        let mut largest: Vec<_> = self.backlogs.keys().filter_map(holder).collect();
        largest.sort_unstable_by_key(|&(closing, bytes, id)| std::cmp::Reverse((closing, bytes, id.slot)));
        let (mut cut, mut left, mut closed) = (Vec::new(), held, 0);
        for (closing, bytes, id) in largest {
            if left <= enough {
                break;
            }
            left -= bytes;
            if closing {
                self.abandon(id);
                closed += 1;
            } else {
                cut.push(id.slot);
            }
        }
        if let Some(count) = self.counters.cut.add(closed + cut.len() as u64, self.now.mono_ms) {
            log::warn!("memory send_queues={held} most={most} disconnecting={count}");
            self.happened(|| Happening::Limit { limit: "send_queues".to_owned(), count, last: None });
        }
        cut
    }
}
