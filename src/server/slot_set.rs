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
        for slot in [200, 0, 64, 63, 9999] {
            set.set(slot, false);
            assert!(!set.has(slot));
        }
        assert!(set.words.is_empty());
    }
}
