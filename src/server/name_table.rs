//! From names to what has them: users by nick, channels by name.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashTable;

use super::Keyed;
use crate::proto::names;

/// Bytes of a name that are folded at a time, in which the last are filled up with NULs: two names may have the same hash.
const CHUNK: usize = 16;

/// Indices by the folded names of what they stand for. The names themselves are where the indices lead: an entry is eight bytes,
/// and nothing is allocated to look a name up. Never iterated.
pub(super) struct NameTable {
    keyed: Keyed,
    entries: HashTable<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    hash: u32,
    index: u32,
}

impl NameTable {
    /// An empty table.
    pub(super) fn new(keyed: Keyed) -> Self {
        Self { keyed, entries: HashTable::new() }
    }

    /// What `name` stands for, if it is one of which `is` says so: names of the same hash need not be the same.
    pub(super) fn find(&self, name: &str, is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hash(name);
        let found = self.entries.find(spread(hash), |entry| entry.hash == hash && is(entry.index));
        found.map(|entry| entry.index)
    }

    /// Adds a name that is not there.
    pub(super) fn insert(&mut self, name: &str, index: u32) {
        let hash = self.hash(name);
        self.entries.insert_unique(spread(hash), Entry { hash, index }, |entry| spread(entry.hash));
    }

    /// Takes out a name that stands for `index`.
    pub(super) fn remove(&mut self, name: &str, index: u32) {
        let hash = self.hash(name);
        if let Ok(entry) = self.entries.find_entry(spread(hash), |entry| entry.index == index) {
            entry.remove();
        }
        if self.entries.len() < self.entries.capacity() / 8 {
            self.entries.shrink_to(2 * self.entries.len(), |entry| spread(entry.hash));
        }
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn hash(&self, name: &str) -> u32 {
        let mut hasher = self.keyed.build_hasher();
        for chunk in name.as_bytes().chunks(CHUNK) {
            let mut folded = [0; CHUNK];
            folded[..chunk.len()].copy_from_slice(chunk);
            let folded = names::fold_bytes(folded);
            hasher.write_u64(folded as u64);
            hasher.write_u64((folded >> 64) as u64);
        }
        hasher.finish() as u32
    }
}

/// The table looks at the highest and at the lowest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_they_are_spelt_and_until_they_are_taken_out() {
        let mut table = NameTable::new(Keyed([1, 2]));
        let names: Vec<String> = (0..5_000).map(|number| format!("Nick-{number}")).collect();
        for (index, name) in (0..).zip(&names) {
            table.insert(name, index);
        }
        let find = |table: &NameTable, name: &str| {
            table.find(name, |index| names[index as usize].eq_ignore_ascii_case(name))
        };
        for (index, name) in (0..).zip(&names) {
            assert_eq!(find(&table, &name.to_ascii_uppercase()), Some(index));
        }
        assert_eq!(find(&table, "nick-5000"), None);
        for (index, name) in (0..4_990).zip(&names) {
            table.remove(name, index);
            table.remove(name, index);
        }
        assert_eq!(
            (table.len(), find(&table, "nick-4989"), find(&table, "nick-4990")),
            (10, None, Some(4_990))
        );
        assert!(table.entries.capacity() < 100, "memory comes back");
    }

    #[test]
    fn long_names_count_in_whole() {
        let mut table = NameTable::new(Keyed([1, 2]));
        let name = |last: &str| format!("{}{last}", "x".repeat(CHUNK + 10));
        table.insert(&name("a"), 1);
        assert_eq!(table.find(&name("A"), |_| true), Some(1));
        assert_eq!(table.find(&name("b"), |_| true), None);
    }
}
