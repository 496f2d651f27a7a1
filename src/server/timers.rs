//! Deadlines, in order. A client has at most one of each kind, so there are never more than clients × kinds.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Register in time; say something or be sent a PING; answer it.
    Liveness,
    /// The flood bucket has drained.
    Throttle,
    /// Look whether the send queue has room for more of a long reply.
    Work,
    /// Do without the name of the address.
    Resolve,
    /// Go on with a batch that was begun.
    Batch,
}

const KINDS: usize = 5;

/// The deadlines of one client, in monotonic milliseconds; what a client keeps so that they can be taken back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Armed([Option<NonZeroU64>; KINDS]);

/// All deadlines.
#[derive(Default)]
pub(super) struct Timers(BTreeSet<(u64, u32, Kind)>);

impl Timers {
    /// Sets the deadline of a kind for the client in `slot`, instead of the one it had.
    pub(super) fn arm(&mut self, slot: u32, armed: &mut Armed, kind: Kind, at_ms: u64) {
        self.disarm(slot, armed, kind);
        // Nothing is due at the clock's very beginning.
        let at_ms = at_ms.max(1);
        armed.0[kind as usize] = NonZeroU64::new(at_ms);
        self.0.insert((at_ms, slot, kind));
    }

    /// Takes a deadline back.
    pub(super) fn disarm(&mut self, slot: u32, armed: &mut Armed, kind: Kind) {
        if let Some(at_ms) = armed.0[kind as usize].take() {
            self.0.remove(&(at_ms.get(), slot, kind));
        }
    }

    /// Takes all deadlines of a client back.
    pub(super) fn disarm_all(&mut self, slot: u32, armed: &mut Armed) {
        for kind in [Kind::Liveness, Kind::Throttle, Kind::Work, Kind::Resolve, Kind::Batch] {
            self.disarm(slot, armed, kind);
        }
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<u64> {
        self.0.first().map(|(at_ms, _, _)| *at_ms)
    }

    /// Takes out the earliest deadline that has come. The client must be told by [`Armed::fired`].
    pub(super) fn pop(&mut self, now_ms: u64) -> Option<(u32, Kind)> {
        let first = *self.0.first()?;
        (first.0 <= now_ms).then(|| {
            self.0.remove(&first);
            (first.1, first.2)
        })
    }

    /// How many deadlines there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Armed {
    /// Notes that a deadline was taken out by [`Timers::pop`].
    pub(super) fn fired(&mut self, kind: Kind) {
        self.0[kind as usize] = None;
    }

    /// Whether there is a deadline of that kind.
    pub(super) fn is_armed(&self, kind: Kind) -> bool {
        self.0[kind as usize].is_some()
    }

    /// How many deadlines there are.
    pub(super) fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_come_in_order_and_each_once() {
        let (mut timers, mut a, mut b) = (Timers::default(), Armed::default(), Armed::default());
        timers.arm(0, &mut a, Kind::Liveness, 30);
        timers.arm(0, &mut a, Kind::Liveness, 20);
        timers.arm(1, &mut b, Kind::Throttle, 10);
        timers.arm(1, &mut b, Kind::Work, 10);
        timers.disarm(1, &mut b, Kind::Work);
        assert_eq!((timers.len(), a.count(), b.count()), (2, 1, 1));
        assert_eq!(timers.pop(9), None);
        assert_eq!(timers.pop(10), Some((1, Kind::Throttle)));
        assert_eq!(timers.pop(10), None);
        assert_eq!(timers.next(), Some(20));
        assert_eq!(timers.pop(100), Some((0, Kind::Liveness)));
        assert_eq!(timers.next(), None);
    }
}
