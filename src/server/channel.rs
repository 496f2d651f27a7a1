//! A channel: members, modes, topic and lists.

use std::fmt;
use std::rc::Rc;

use crate::proto::modes::{AUDITORIUM, HALF_OPERATOR, LISTS, PRIVATE, SECRET};

/// Members for which a channel keeps the room when they leave.
const KEEP_MEMBERS: usize = 64;

/// A channel.
pub(super) struct Channel {
    pub(super) name: Rc<str>,
    /// Never reused, unlike the index: what an invitation refers to.
    pub(super) serial: u64,
    pub(super) created_unix_ms: u64,
    /// When it last took another name, in monotonic milliseconds.
    pub(super) renamed_ms: Option<u64>,
    pub(super) topic: Option<Topic>,
    /// Type D modes, as in [`CHANNEL`](crate::proto::modes::CHANNEL).
    pub(super) flags: u32,
    pub(super) key: Option<String>,
    pub(super) limit: Option<u32>,
    /// Where who may not join is sent.
    pub(super) forward: Option<Forward>,
    pub(super) join_throttle: Option<JoinThrottle>,
    /// By the ids of [`CHANNEL`](crate::proto::modes::CHANNEL).
    pub(super) lists: [Vec<Entry>; LISTS],
    /// Sorted by slot, so that a fan-out walks memory forwards and a cursor survives joins and parts.
    members: Vec<Member>,
}

/// A topic and who set it.
pub(super) struct Topic {
    pub(super) text: String,
    pub(super) by: Rc<str>,
    pub(super) at_unix_ms: u64,
}

/// An entry of a list.
pub(super) struct Entry {
    pub(super) mask: String,
    /// The nick of whoever set it.
    pub(super) by: Rc<str>,
    pub(super) at_unix_ms: u64,
}

/// Another channel, by more than its name: that can be somebody else's one day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Forward {
    pub(super) index: u32,
    pub(super) serial: u64,
}

/// A member of a channel: eight bytes.
#[derive(Clone, Copy)]
pub(super) struct Member {
    /// The slot of their connection.
    pub(super) slot: u32,
    /// The prefixes they have here.
    pub(super) prefixes: u8,
    /// Whether they were here when the channel became an auditorium, and so know the others who were.
    pub(super) was_here: bool,
}

/// How many may join in how many seconds, and how many have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JoinThrottle {
    pub(super) joins: u32,
    pub(super) seconds: u32,
    /// When the seconds began that are being counted, in monotonic milliseconds.
    since_ms: u64,
    count: u32,
}

impl fmt::Display for JoinThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.joins, self.seconds)
    }
}

impl JoinThrottle {
    /// One under which nobody has joined yet.
    pub(super) fn new(joins: u32, seconds: u32) -> Self {
        Self { joins, seconds, since_ms: 0, count: 0 }
    }

    /// Whether nobody more may join now.
    pub(super) fn is_closed(&self, now_ms: u64) -> bool {
        self.count >= self.joins && now_ms < self.end_ms()
    }

    /// Counts somebody who joins.
    pub(super) fn count(&mut self, now_ms: u64) {
        if self.count == 0 || now_ms >= self.end_ms() {
            (self.since_ms, self.count) = (now_ms, 0);
        }
        self.count = self.count.saturating_add(1);
    }

    fn end_ms(&self) -> u64 {
        self.since_ms + u64::from(self.seconds) * 1000
    }
}

impl Channel {
    /// A channel without members, with these flags.
    pub(super) fn new(name: &str, serial: u64, flags: u32, now_unix_ms: u64) -> Self {
        Self {
            name: name.into(),
            serial,
            created_unix_ms: now_unix_ms,
            renamed_ms: None,
            topic: None,
            flags,
            key: None,
            limit: None,
            forward: None,
            join_throttle: None,
            lists: Default::default(),
            members: Vec::new(),
        }
    }

    /// All members, by slot.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    fn find(&self, slot: u32) -> Result<usize, usize> {
        self.members.binary_search_by_key(&slot, |member| member.slot)
    }

    /// What stands before its name in 353.
    pub(super) fn symbol(&self) -> char {
        match () {
            () if self.is(SECRET) => '@',
            () if self.is(PRIVATE) => '*',
            () => '=',
        }
    }

    /// Whether a member sees another. In an auditorium, members without a prefix are seen by those who moderate it, by
    /// themselves, and, if they were there before it became one, by the others who were: their clients show them, and to
    /// tell each of them that all the others have left would take a square of lines.
    pub(super) fn shows(&self, to: Member, other: Member) -> bool {
        let always = other.prefixes != 0 || to.prefixes >= HALF_OPERATOR || to.slot == other.slot;
        !self.is(AUDITORIUM) || always || (to.was_here && other.was_here)
    }

    /// Notes who is here as members begin to be hidden.
    pub(super) fn become_auditorium(&mut self) {
        for member in &mut self.members {
            member.was_here = true;
        }
    }

    /// The member in a slot.
    pub(super) fn member(&self, slot: u32) -> Option<Member> {
        self.find(slot).ok().map(|index| self.members[index])
    }

    /// The prefixes of a member; `None` if they are not one.
    pub(super) fn prefixes(&self, slot: u32) -> Option<u8> {
        self.find(slot).ok().map(|index| self.members[index].prefixes)
    }

    /// Whether somebody is a member.
    pub(super) fn has(&self, slot: u32) -> bool {
        self.find(slot).is_ok()
    }

    /// Adds a member.
    pub(super) fn add(&mut self, slot: u32, prefixes: u8) {
        if let Err(index) = self.find(slot) {
            self.members.insert(index, Member { slot, prefixes, was_here: false });
        }
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, slot: u32) {
        if let Ok(index) = self.find(slot) {
            self.members.remove(index);
            if self.members.capacity() > KEEP_MEMBERS.max(4 * self.members.len()) {
                self.members.shrink_to(KEEP_MEMBERS.max(2 * self.members.len()));
            }
        }
    }

    /// Sets or unsets a prefix of a member; whether that changed anything.
    pub(super) fn set_prefix(&mut self, slot: u32, bit: u8, on: bool) -> bool {
        let Ok(index) = self.find(slot) else { return false };
        let member = &mut self.members[index];
        let before = member.prefixes;
        member.prefixes = if on { before | bit } else { before & !bit };
        member.prefixes != before
    }

    /// Whether a flag of [`modes`](crate::proto::modes) is set.
    pub(super) fn is(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::modes;

    #[test]
    fn members_stay_sorted_and_unique() {
        let mut channel = Channel::new("#a", 1, modes::NO_EXTERNAL | modes::PROTECTED_TOPIC, 0);
        for slot in [5, 1, 3, 5] {
            channel.add(slot, 0);
        }
        assert_eq!(channel.members().iter().map(|member| member.slot).collect::<Vec<_>>(), [1, 3, 5]);
        assert!(channel.set_prefix(3, modes::OP, true) && !channel.set_prefix(3, modes::OP, true));
        assert!(!channel.set_prefix(4, modes::OP, true));
        channel.remove(1);
        channel.remove(2);
        assert_eq!(channel.prefixes(3), Some(modes::OP));
        assert_eq!(channel.members().len(), 2);
    }

    #[test]
    fn so_many_join_in_a_time_and_then_again() {
        let mut throttle = JoinThrottle::new(2, 10);
        for start in [1_000, 11_000] {
            for later in [0, 5_000] {
                assert!(!throttle.is_closed(start + later));
                throttle.count(start + later);
            }
            assert!(throttle.is_closed(start + 9_999) && !throttle.is_closed(start + 10_000));
        }
    }

    #[test]
    fn in_an_auditorium_those_without_a_prefix_are_seen_by_moderators() {
        let mut channel = Channel::new("#a", 1, AUDITORIUM, 0);
        for (slot, prefixes) in [(1, modes::OP), (2, modes::VOICE), (3, 0), (4, 0)] {
            channel.add(slot, prefixes);
        }
        let seen_by = |viewer| -> Vec<u32> {
            let viewer = channel.member(viewer).unwrap();
            channel
                .members()
                .iter()
                .filter(|other| channel.shows(viewer, **other))
                .map(|it| it.slot)
                .collect()
        };
        assert_eq!((seen_by(1), seen_by(2), seen_by(3)), (vec![1, 2, 3, 4], vec![1, 2], vec![1, 2, 3]));
    }
}
