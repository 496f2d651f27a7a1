//! A set of slots, as bits: what is asked of every recipient of every message must cost next to nothing.

/// A set of slots. Takes a bit for each slot up to the highest in it, and nothing when it is empty.
#[derive(Default)]
pub(super) struct SlotSet {
    words: Vec<u64>,
}

impl SlotSet {
    /// Whether `slot` is in it.
    #[inline]
    pub(super) fn has(&self, slot: u32) -> bool {
        self.words.get(slot as usize / 64).is_some_and(|word| word & bit(slot) != 0)
    }

    /// All slots in it, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.words).flat_map(|(index, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let lowest = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(64 * index + lowest)
            })
        })
    }

    /// Puts all of another set in. Returns how many words that took.
    pub(super) fn unite(&mut self, other: &Self) -> usize {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, more) in self.words.iter_mut().zip(&other.words) {
            *word |= more;
        }
        other.words.len()
    }

    /// Takes all out, and keeps the room.
    pub(super) fn clear(&mut self) {
        self.words.clear();
    }

    /// Puts `slot` in or takes it out.
    pub(super) fn set(&mut self, slot: u32, on: bool) {
        let index = slot as usize / 64;
        if on {
            if self.words.len() <= index {
                self.words.resize(index + 1, 0);
            }
            self.words[index] |= bit(slot);
        } else if let Some(word) = self.words.get_mut(index) {
            *word &= !bit(slot);
            while self.words.pop_if(|word| *word == 0).is_some() {}
        }
    }
}

fn bit(slot: u32) -> u64 {
    1 << (slot % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in_and_shrinks_to_nothing() {
        let mut set = SlotSet::default();
        for slot in [0, 63, 64, 200] {
            assert!(!set.has(slot));
            set.set(slot, true);
            assert!(set.has(slot) && !set.has(slot + 1));
        }
        assert!(set.iter().eq([0, 63, 64, 200]));
        for slot in [200, 0, 64, 63, 9999] {
            set.set(slot, false);
            assert!(!set.has(slot));
        }
        assert!(set.words.is_empty());
    }

    #[test]
    fn united_sets_have_what_one_of_them_has() {
        let sets = [&[1, 64][..], &[0, 64, 300], &[], &[130]];
        let mut all = SlotSet::default();
        for slots in sets {
            let mut set = SlotSet::default();
            for &slot in slots {
                set.set(slot, true);
            }
            assert_eq!(all.unite(&set), set.words.len());
        }
        assert!(all.iter().eq([0, 1, 64, 130, 300]));
        all.clear();
        assert_eq!(all.iter().count(), 0);
    }
}
