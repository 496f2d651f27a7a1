//! A table by index whose indices are reused and whose memory comes back: what [`crate::id::Slots`] and the server's channels are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{Deref, DerefMut};

/// A table of no more than this many keeps its memory.
const KEEP: usize = 256;

/// Values by index. The lowest free index is taken first, so that the table, and those beside it, become short again when many
/// values have left; whoever walks a table walks all of it.
#[derive(Debug)]
pub(crate) struct Table<T> {
    /// Ends with one that is in use.
    entries: Vec<Option<T>>,
    /// Every free index, and some that are beyond the end or in use again.
    free: BinaryHeap<Reverse<u32>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: BinaryHeap::new() }
    }
}

impl<T> Table<T> {
    /// Puts in what `make` returns for the index it is given. Returns the index.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(u32) -> T) -> u32 {
        let index = self.take_free().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        self.entries[index as usize] = Some(make(index));
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

    /// Takes the value at `index` out, and frees the index.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let value = self.entries.get_mut(index as usize)?.take()?;
        self.free.push(Reverse(index));
        while self.entries.pop_if(|entry| entry.is_none()).is_some() {}
        self.give_back();
        Some(value)
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

/// All entries, free ones among them. The last one is in use.
impl<T> Deref for Table<T> {
    type Target = [Option<T>];

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<T> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_crowd_the_table_is_short_again_and_the_lowest_index_is_taken_first() {
        let mut table = Table::default();
        for round in 0..3 {
            for index in 0..10_000 {
                assert_eq!(table.insert_with(|index| index), index);
            }
            for index in (0..10_000).filter(|index| *index != 3) {
                assert_eq!(table.remove(index), Some(index));
            }
            assert_eq!((table.len(), table.remove(2), table.remove(9_999)), (4, None, None));
            let kept = (table.entries.capacity(), table.free.capacity());
            assert!(kept.0 <= 2 * KEEP && kept.1 <= 4 * KEEP, "round {round}: {kept:?}");
            assert_eq!((table.insert_with(|_| 0), table.insert_with(|_| 1)), (0, 1));
            for index in [0, 1, 3] {
                assert!(table.remove(index).is_some());
            }
            assert!(table.is_empty());
        }
    }
}
