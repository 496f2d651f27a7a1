//! `busiest`: who says much and where much is said, found a bounded number of slots at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use serde::Serialize;

use super::conn::{Role, State};
use super::driver::Driver;
use super::shell::Shell;
use crate::admin::{Busiest, Busy, BusyChannel, BusyClient, Json};
use crate::proto::limits::ADMIN_SCAN;

/// The most active of those that it was shown, with what names them.
struct Best<T> {
    /// The least active first; of equals, those seen last.
    heap: BinaryHeap<Reverse<(u64, Reverse<T>)>>,
    most: usize,
}

impl<T: Ord + Copy> Best<T> {
    fn new(most: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(most + 1), most }
    }

    /// Looks at one that has said so much. Who is silent is not busy.
    fn see(&mut self, messages: u64, which: T) {
        if messages > 0 {
            self.heap.push(Reverse((messages, Reverse(which))));
            if self.heap.len() > self.most {
                self.heap.pop();
            }
        }
    }

    /// The most active first.
    fn ranked(self) -> impl Iterator<Item = (u64, T)> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse((messages, Reverse(which)))| (messages, which))
    }
}

/// What a scan has found, and where the next goes on.
struct Found<T> {
    items: Vec<T>,
    next: Option<u32>,
    /// How many slots it has looked at.
    scanned: usize,
}

impl<D: Driver> Shell<D> {
    /// The most active of the next slots from `after` on, at most `limit`.
    pub(super) fn busiest(&mut self, what: Busy, limit: usize, after: u64) -> Json {
        match what {
            Busy::Clients => {
                let found = self.busy_clients(limit, after);
                self.busy_page(found)
            }
            Busy::Channels => {
                let found = self.busy_channels(limit, after);
                self.busy_page(found)
            }
        }
    }

    fn busy_page<T: Serialize>(&mut self, found: Found<T>) -> Json {
        self.scanned += found.scanned;
        let period_ms = self.server.recent_ms(self.now);
        Json::of(&Busiest { items: found.items, next: found.next.map(|next| next.to_string()), period_ms })
    }

    fn busy_clients(&self, limit: usize, after: u64) -> Found<BusyClient> {
        let bound = self.conns.slot_bound();
        let from = u32::try_from(after).unwrap_or(bound).min(bound);
        let last = bound.min(from.saturating_add(ADMIN_SCAN as u32));
        let mut best = Best::new(limit);
        for (id, conn) in (from..last).filter_map(|slot| self.conns.at(slot)) {
            if conn.is_chat() && conn.state == State::Open {
                best.see(self.server.lines_of_late(self.now, id), id.slot);
            }
        }
        Found {
            items: best.ranked().filter_map(|(messages, slot)| self.busy_client(slot, messages)).collect(),
            next: (last < bound).then_some(last),
            scanned: (last - from) as usize,
        }
    }

    fn busy_client(&self, slot: u32, messages: u64) -> Option<BusyClient> {
        let (id, conn) = self.conns.at(slot)?;
        let Role::Chat(address, _) = conn.role else { return None };
        Some(BusyClient {
            id: id.to_u64(),
            nick: self.server.describe(id).and_then(|mask| Some(mask.split('!').next()?.to_owned())),
            address: address.to_string(),
            messages,
            send_queue_bytes: self.out.pending(slot).into(),
            kernel_queue_bytes: self.kernel_queue(id),
        })
    }

    fn busy_channels(&self, limit: usize, after: u64) -> Found<BusyChannel> {
        let mut best = Best::new(limit);
        let (mut from, mut scanned, mut next) = (u32::try_from(after).ok(), 0, None);
        while let Some(found) = from.and_then(|from| self.server.messages_of_late(self.now, from)) {
            let (index, messages) = found;
            if scanned == ADMIN_SCAN {
                next = Some(index);
                break;
            }
            best.see(messages, index);
            scanned += 1;
            from = index.checked_add(1);
        }
        let item = |(messages, index)| {
            let (name, members) = self.server.channel_at(index)?;
            Some(BusyChannel { name, members, messages })
        };
        Found { items: best.ranked().filter_map(item).collect(), next, scanned }
    }
}
