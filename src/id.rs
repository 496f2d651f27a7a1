//! Connection ids that are never reused, and the table that hands them out.

use std::fmt;

use crate::table::Table;

/// Names one connection for the life of the process.
///
/// `slot` indexes dense tables and is reused; `generation` is not, so a late event, timer or
/// result for a connection that has left finds nothing. Generations start at 1, which leaves
/// the [`mio::Token`] values below 2³² to the loop's own descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    /// Index into dense per-connection tables.
    pub slot: u32,
    /// How often, counted over all slots, a connection had been opened when this one was.
    pub generation: u32,
}

impl ClientId {
    /// The id as one number: generation in the high half, slot in the low.
    pub fn to_u64(self) -> u64 {
        (u64::from(self.generation) << 32) | u64::from(self.slot)
    }

    /// The inverse of [`ClientId::to_u64`]; `None` for numbers below 2³², which are no id.
    pub fn from_u64(raw: u64) -> Option<Self> {
        let generation = (raw >> 32) as u32;
        (generation != 0).then_some(Self { slot: raw as u32, generation })
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_u64())
    }
}

/// A table of values by [`ClientId`]: constant-time access, slots reused, ids not. The lowest free slot is taken first, so
/// that the table, and those beside it, become short again when many have left.
#[derive(Debug)]
pub struct Slots<T> {
    entries: Table<(u32, T)>,
    count: usize,
    generation: u32,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { entries: Table::default(), count: 0, generation: 0 }
    }
}

impl<T> Slots<T> {
    /// Stores what `make` returns for the id it is given.
    pub fn insert_with(&mut self, make: impl FnOnce(ClientId) -> T) -> ClientId {
        // Four billion connections later the count wraps; zero stays reserved.
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        let generation = self.generation;
        let slot = self.entries.insert_with(|slot| (generation, make(ClientId { slot, generation })));
        self.count += 1;
        ClientId { slot, generation }
    }

    /// The value of `id`, if that connection is still there.
    pub fn get(&self, id: ClientId) -> Option<&T> {
        match self.entries.get(id.slot as usize)? {
            Some((generation, value)) if *generation == id.generation => Some(value),
            _ => None,
        }
    }

    /// The value of `id`, to be changed, if that connection is still there.
    pub fn get_mut(&mut self, id: ClientId) -> Option<&mut T> {
        match self.entries.get_mut(id.slot as usize)? {
            Some((generation, value)) if *generation == id.generation => Some(value),
            _ => None,
        }
    }

    /// Whoever is in `slot` now.
    pub fn at(&self, slot: u32) -> Option<(ClientId, &T)> {
        let (generation, value) = self.entries.get(slot as usize)?.as_ref()?;
        Some((ClientId { slot, generation: *generation }, value))
    }

    /// Whoever is in `slot` now, to be changed.
    pub fn at_mut(&mut self, slot: u32) -> Option<(ClientId, &mut T)> {
        let (generation, value) = self.entries.get_mut(slot as usize)?.as_mut()?;
        Some((ClientId { slot, generation: *generation }, value))
    }

    /// Takes the value of `id` out and frees its slot.
    pub fn remove(&mut self, id: ClientId) -> Option<T> {
        self.get(id)?;
        self.count -= 1;
        self.entries.remove(id.slot).map(|(_, value)| value)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest slot in use: the bound for a scan with [`Slots::at`].
    pub fn slot_bound(&self) -> u32 {
        self.entries.len() as u32
    }

    /// All values, in order of slot.
    pub fn iter(&self) -> impl Iterator<Item = (ClientId, &T)> {
        (0..self.slot_bound()).filter_map(|slot| self.at(slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reused_slot_does_not_answer_to_the_old_id() {
        let mut slots = Slots::default();
        let first = slots.insert_with(|_| 'a');
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert_with(|_| 'b');
        assert_eq!(first.slot, second.slot);
        assert_ne!(first, second);
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&'b'));
        assert_eq!(slots.len(), 1);
    }

    #[test]
    fn after_a_crowd_the_slots_are_few_again_and_no_id_comes_again() {
        let mut slots = Slots::default();
        let mut ids: Vec<_> = (0..10_000).map(|n| slots.insert_with(|_| n)).collect();
        let kept = ids.remove(3);
        for _ in 0..3 {
            for id in ids.drain(..) {
                assert!(slots.remove(id).is_some());
            }
            assert_eq!((slots.len(), slots.slot_bound()), (1, 4));
            ids = (0..5_000).map(|n| slots.insert_with(|_| n)).collect();
            assert_eq!((ids[0].slot, ids[2].slot, ids[3].slot, slots.slot_bound()), (0, 2, 4, 5_001));
            assert!(ids.iter().all(|id| slots.get(*id).is_some() && *id != kept));
        }
        assert_eq!(slots.get(kept), Some(&3));
    }

    #[test]
    fn numbers_of_the_loops_own_descriptors_are_no_ids() {
        assert_eq!(ClientId::from_u64(u64::from(u32::MAX)), None);
        let id = ClientId { slot: 7, generation: 1 };
        assert_eq!(ClientId::from_u64(id.to_u64()), Some(id));
    }

    #[test]
    fn iteration_goes_by_slot_and_skips_holes() {
        let mut slots = Slots::default();
        let ids: Vec<_> = (0..4).map(|n| slots.insert_with(|_| n)).collect();
        slots.remove(ids[1]);
        assert_eq!(slots.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [0, 2, 3]);
    }
}
