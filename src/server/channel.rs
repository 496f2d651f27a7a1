//! A channel: members, modes, topic and lists.

use std::fmt;
use std::rc::Rc;

use super::members::Members;
use super::recent::Recent;
use crate::proto::modes::{AUDITORIUM, HALF_OPERATOR, LISTS, PRIVATE, SECRET};

pub(super) use super::members::Member;

/// A channel.
pub(super) struct Channel {
    pub(super) name: Rc<str>,
    /// Never reused, unlike the index: what an invitation refers to.
    pub(super) serial: u64,
    pub(super) created_unix_ms: u64,
    /// Messages to it of late, up to `said_ms`.
    pub(super) messages: Recent,
    /// When the last of them was, in monotonic milliseconds.
    pub(super) said_ms: u64,
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
    members: Members,
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
            messages: Recent::default(),
            said_ms: 0,
            renamed_ms: None,
            topic: None,
            flags,
            key: None,
            limit: None,
            forward: None,
            join_throttle: None,
            lists: Default::default(),
            members: Members::default(),
        }
    }

    /// All members.
    pub(super) fn members(&self) -> &Members {
        &self.members
    }

    /// All members as they stand in memory, by slot: for a walk over all of them.
    #[inline]
    pub(super) fn all_members(&mut self) -> (&Self, &[Member]) {
        self.members.settle();
        (self, self.members.listed())
    }

    /// Counts a message to it.
    #[inline]
    pub(super) fn count_message(&mut self, now_ms: u64) {
        self.messages.roll(self.said_ms, now_ms);
        self.messages.count();
        self.said_ms = now_ms;
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
        for member in self.members.iter_mut() {
            member.was_here = true;
        }
    }

    /// The member in a slot.
    pub(super) fn member(&self, slot: u32) -> Option<Member> {
        self.members.get(slot)
    }

    /// The prefixes of a member; `None` if they are not one.
    pub(super) fn prefixes(&self, slot: u32) -> Option<u8> {
        self.members.get(slot).map(|member| member.prefixes)
    }

    /// Whether somebody is a member.
    pub(super) fn has(&self, slot: u32) -> bool {
        self.members.has(slot)
    }

    /// Adds a member.
    pub(super) fn add(&mut self, slot: u32, prefixes: u8) {
        self.members.add(slot, prefixes);
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, slot: u32) {
        self.members.remove(slot);
    }

    /// Sets or unsets a prefix of a member; whether that changed anything.
    pub(super) fn set_prefix(&mut self, slot: u32, bit: u8, on: bool) -> bool {
        let Some(member) = self.members.get_mut(slot) else { return false };
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
    fn a_prefix_is_given_once_and_to_members() {
        let mut channel = Channel::new("#a", 1, modes::NO_EXTERNAL | modes::PROTECTED_TOPIC, 0);
        channel.add(3, 0);
        assert!(channel.set_prefix(3, modes::OP, true) && !channel.set_prefix(3, modes::OP, true));
        assert!(!channel.set_prefix(4, modes::OP, true));
        assert_eq!(channel.prefixes(3), Some(modes::OP));
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
