//! The table of channels.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{Deref, DerefMut};

use super::channel::Channel;

/// A table of no more than this many keeps its memory.
const KEEP: usize = 256;

/// Channels by index. Indices are reused, the lowest first, so that the table becomes short again when many channels are no
/// more: LIST walks all of it.
#[derive(Default)]
pub(super) struct Channels {
    /// Ends with one that is in use.
    entries: Vec<Option<Box<Channel>>>,
    /// Every free index, and some that are beyond the end or in use again.
    free: BinaryHeap<Reverse<u32>>,
}

impl Channels {
    /// Puts a channel in. Returns its index.
    pub(super) fn add(&mut self, channel: Channel) -> u32 {
        let index = self.take_free().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        self.entries[index as usize] = Some(Box::new(channel));
        index
    }

    fn take_free(&mut self) -> Option<u32> {
        while let Some(Reverse(index)) = self.free.pop() {
            if matches!(self.entries.get(index as usize), Some(None)) {
                return Some(index);
            }
        }
        None
    }

    /// Takes a channel out.
    pub(super) fn remove(&mut self, index: u32) {
        self.entries[index as usize] = None;
        self.free.push(Reverse(index));
        while self.entries.pop_if(|entry| entry.is_none()).is_some() {}
        self.give_back();
    }

    /// Gives memory back when little of it is in use. It takes as many removals until the next time.
    fn give_back(&mut self) {
        let bound = self.entries.len();
        if self.entries.capacity() > KEEP.max(4 * bound) {
            self.entries.shrink_to(KEEP.max(2 * bound));
        }
        if self.free.len() > KEEP.max(2 * bound) {
            let entries = &self.entries;
            self.free.retain(|Reverse(index)| matches!(entries.get(*index as usize), Some(None)));
            self.free.shrink_to(KEEP);
        }
    }
}

impl Deref for Channels {
    type Target = [Option<Box<Channel>>];

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl DerefMut for Channels {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel::new("#a", 1, 0, 0)
    }

    #[test]
    fn after_many_channels_the_table_is_short_again() {
        let mut channels = Channels::default();
        for round in 0..3 {
            for index in 0..10_000 {
                assert_eq!(channels.add(channel()), index);
            }
            for index in (0..10_000).filter(|index| *index != 3) {
                channels.remove(index);
            }
            assert_eq!(channels.len(), 4);
            let kept = (channels.entries.capacity(), channels.free.capacity());
            assert!(kept.0 <= 2 * KEEP && kept.1 <= 4 * KEEP, "round {round}: {kept:?}");
            assert_eq!((channels.add(channel()), channels.add(channel())), (0, 1), "the lowest first");
            for index in [0, 1, 3] {
                channels.remove(index);
            }
            assert!(channels.is_empty());
        }
    }
}
