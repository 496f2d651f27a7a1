//! The members of a channel.
//!
//! They are a list, sorted by slot. With thousands of members that alone is not enough: who leaves a hundred large channels
//! would have all members of all of them looked at, to tell each once, and then moved up in their lists. So a large channel
//! knows its members as a set of slots, too, of which those of many channels are united 64 slots at a time; and who leaves it
//! stays in the list as a mark, until there are many marks or the list is walked.

use super::slot_set::SlotSet;

/// Members for which a channel keeps the room when they leave.
const KEEP: usize = 64;
/// Members from which on a channel has a set; with less than half of that, it has none.
const LARGE: usize = 256;
/// Slots for each member up to which it has one: then it takes no more memory than twice the list. With more than twice as many,
/// it has none.
const SPREAD: usize = 128;

/// A member of a channel: eight bytes.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// The slot of their connection.
    pub(super) slot: u32,
    /// The prefixes they have here.
    pub(super) prefixes: u8,
    /// Whether they were here when the channel became an auditorium, and so know the others who were.
    pub(super) was_here: bool,
    /// Whether they have left, and this is a mark.
    gone: bool,
}

impl Member {
    /// Whether they have not left: see [`Members::listed`].
    pub(super) fn is_here(self) -> bool {
        !self.gone
    }

    /// The same with no prefix.
    pub(super) fn without_rank(self) -> Self {
        Self { prefixes: 0, ..self }
    }
}

/// All members of a channel.
#[derive(Default)]
pub(super) struct Members {
    /// Sorted by slot, so that a fan-out walks memory forwards and a cursor survives joins and parts.
    list: Vec<Member>,
    /// How many marks of members who have left are among them; none in a channel without a set.
    gone: usize,
    /// Who is here, if they are many.
    set: Option<SlotSet>,
}

impl Members {
    /// How many they are.
    pub(super) fn len(&self) -> usize {
        self.list.len() - self.gone
    }

    /// Whether there is nobody.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everybody, by slot.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.list.iter().filter(|member| !member.gone)
    }

    /// Those in slots from this one on.
    pub(super) fn from(&self, slot: u32) -> impl Iterator<Item = &Member> {
        let first = self.list.partition_point(|member| member.slot < slot);
        self.list[first..].iter().filter(|member| !member.gone)
    }

    /// Everybody, by slot, and marks of some who have left, to be passed over.
    pub(super) fn listed(&self) -> &[Member] {
        &self.list
    }

    /// Everybody as a set, if they are many.
    pub(super) fn set(&self) -> Option<&SlotSet> {
        self.set.as_ref()
    }

    fn find(&self, slot: u32) -> Result<usize, usize> {
        self.list.binary_search_by_key(&slot, |member| member.slot)
    }

    /// The member in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<Member> {
        self.find(slot).ok().map(|index| self.list[index]).filter(|member| member.is_here())
    }

    /// The member in a slot, to be changed.
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut Member> {
        let index = self.find(slot).ok()?;
        Some(&mut self.list[index]).filter(|member| member.is_here())
    }

    /// Whether somebody is a member.
    pub(super) fn has(&self, slot: u32) -> bool {
        match &self.set {
            Some(set) => set.has(slot),
            None => self.find(slot).is_ok(),
        }
    }

    /// Everybody, to be changed.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.list.iter_mut()
    }

    /// Adds somebody who is no member.
    pub(super) fn add(&mut self, slot: u32, prefixes: u8) {
        let new = Member { slot, prefixes, was_here: false, gone: false };
        match self.find(slot) {
            Ok(index) if self.list[index].gone => {
                self.list[index] = new;
                self.gone -= 1;
            }
            Ok(_) => return,
            Err(index) => self.list.insert(index, new),
        }
        let (many, slots) = (self.len(), self.slots());
        match &mut self.set {
            Some(set) => {
                set.set(slot, true);
                if slots > 2 * SPREAD * many {
                    self.settle();
                }
            }
            None if many >= LARGE && slots <= SPREAD * many => {
                let mut set = SlotSet::default();
                self.list.iter().rev().for_each(|member| set.set(member.slot, true));
                self.set = Some(set);
            }
            None => {}
        }
    }

    /// Slots up to the highest in the list.
    fn slots(&self) -> usize {
        self.list.last().map_or(0, |last| last.slot as usize + 1)
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, slot: u32) {
        let Ok(index) = self.find(slot) else { return };
        match &mut self.set {
            _ if self.list[index].gone => {}
            Some(set) => {
                set.set(slot, false);
                self.list[index].gone = true;
                self.gone += 1;
                if self.gone > self.list.len() / 4 {
                    self.settle();
                }
            }
            None => {
                self.list.remove(index);
                self.shrink();
            }
        }
    }

    /// Takes the marks out of the list.
    pub(super) fn settle(&mut self) {
        if self.gone > 0 {
            self.list.retain(|member| member.is_here());
            self.gone = 0;
            self.shrink();
        }
        if self.set.is_some() && (self.len() < LARGE / 2 || self.slots() > 2 * SPREAD * self.len()) {
            self.set = None;
        }
    }

    fn shrink(&mut self) {
        if self.list.capacity() > KEEP.max(4 * self.list.len()) {
            self.list.shrink_to(KEEP.max(2 * self.list.len()));
        }
    }

    /// Checks every invariant.
    pub(super) fn check(&self) {
        assert!(self.list.is_sorted_by(|a, b| a.slot < b.slot), "sorted, and each once");
        assert_eq!(self.list.iter().filter(|member| member.gone).count(), self.gone, "marks are counted");
        match &self.set {
            Some(set) => {
                assert!(self.gone <= self.list.len() / 4, "few marks");
                assert!(
                    set.iter().eq(self.iter().map(|member| member.slot)),
                    "the set is of those who are here"
                );
            }
            None => assert_eq!(self.gone, 0, "marks only where there is a set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::modes;

    fn slots(members: &Members) -> Vec<u32> {
        members.iter().map(|member| member.slot).collect()
    }

    #[test]
    fn members_stay_sorted_and_unique() {
        let mut members = Members::default();
        for slot in [5, 1, 3, 5] {
            members.add(slot, 0);
        }
        assert_eq!(slots(&members), [1, 3, 5]);
        members.get_mut(3).unwrap().prefixes = modes::OP;
        members.remove(1);
        members.remove(2);
        assert_eq!((slots(&members), members.len()), (vec![3, 5], 2));
        assert_eq!(members.get(3).map(|member| member.prefixes), Some(modes::OP));
        members.check();
    }

    #[test]
    fn however_many_come_and_go_those_are_there_who_are() {
        let mut members = Members::default();
        let mut expected = std::collections::BTreeSet::new();
        let mut state = 1_u64;
        for round in 0..20_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // First most of them come, then they go, and in the end some come who are far away.
            let (number, coming) = ((state >> 40) as u32, (state >> 33) % 16);
            let slot = if round < 18_000 { number % 900 } else { number % 1_000_000 };
            if coming < if (6_000..15_000).contains(&round) { 1 } else { 12 } {
                members.add(slot, 0);
                expected.insert(slot);
            } else {
                members.remove(slot);
                expected.remove(&slot);
            }
            assert_eq!(members.has(slot), expected.contains(&slot));
            assert_eq!(members.get(slot).is_some(), expected.contains(&slot));
            if round % 50 == 0 {
                members.check();
                assert!(members.iter().map(|member| member.slot).eq(expected.iter().copied()));
                let later = expected.range(450..).copied();
                assert!(members.from(450).map(|member| member.slot).eq(later));
                members.settle();
                members.check();
            }
            match round {
                5_999 => assert!(members.set().is_some(), "{} are many", members.len()),
                14_999 | 19_999 => assert!(members.set().is_none(), "{} are few, or far away", members.len()),
                _ => {}
            }
        }
    }

    #[test]
    fn who_leaves_a_large_channel_moves_nobody_and_is_not_there() {
        let mut members = Members::default();
        (0..2_000).for_each(|slot| members.add(slot, 0));
        (0..400).for_each(|slot| members.remove(slot));
        assert_eq!((members.listed().len(), members.len()), (2_000, 1_600));
        members.add(7, modes::OP);
        assert_eq!((members.listed().len(), members.len()), (2_000, 1_601));
        assert_eq!(members.get(7).map(|member| member.prefixes), Some(modes::OP));
        assert!(members.get(8).is_none() && members.get_mut(8).is_none() && !members.has(8));
        members.check();
        members.settle();
        assert_eq!((members.listed().len(), slots(&members)[..2].to_vec()), (1_601, vec![7, 400]));
        (401..2_000).for_each(|slot| members.remove(slot));
        assert_eq!((slots(&members), members.set().is_some()), (vec![7, 400], false));
        assert!(members.list.capacity() <= KEEP);
    }
}
