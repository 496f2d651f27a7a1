//! What happens in a second, from two looks at the counters.

use std::collections::VecDeque;
use std::time::Duration;

use crate::admin::Stats;

/// What is kept of each rate for its line: more than any terminal has columns for.
const KEPT: usize = 512;

/// Events a second, times ten, so that slow ones are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rates {
    /// Lines from clients.
    pub(super) messages_in: u64,
    /// Lines written for clients.
    pub(super) messages_out: u64,
    /// Lines handed to clients.
    pub(super) deliveries: u64,
    /// Bytes from clients.
    pub(super) bytes_in: u64,
    /// Bytes that sockets took.
    pub(super) bytes_out: u64,
    /// Connections that were refused.
    pub(super) refused: u64,
}

/// Connections that were refused, for whatever reason.
pub(super) fn refused(stats: &Stats) -> u64 {
    stats.refused.values().fold(0, |sum, count| sum.saturating_add(*count))
}

/// The rates between two looks with so much time between them; none if the daemon was started anew between them.
pub(super) fn between(before: &Stats, after: &Stats, time: Duration) -> Option<Rates> {
    let ms = u64::try_from(time.as_millis()).ok().filter(|ms| *ms > 0)?;
    if after.uptime_seconds < before.uptime_seconds {
        return None;
    }
    let rate = |before: u64, after: u64| Some(after.checked_sub(before)?.saturating_mul(10_000) / ms);
    Some(Rates {
        messages_in: rate(before.messages_in, after.messages_in)?,
        messages_out: rate(before.messages_out, after.messages_out)?,
        deliveries: rate(before.deliveries, after.deliveries)?,
        bytes_in: rate(before.bytes_in, after.bytes_in)?,
        bytes_out: rate(before.bytes_out, after.bytes_out)?,
        refused: rate(refused(before), refused(after))?,
    })
}

/// A rate as it was, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Past(VecDeque<u64>);

impl Past {
    /// One more.
    pub(super) fn add(&mut self, rate: u64) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(rate);
    }

    /// The newest, as many as asked for, behind zeros for those that there are none of.
    pub(super) fn last(&self, count: usize) -> Vec<u64> {
        let known = self.0.len().min(count);
        let zeros = std::iter::repeat_n(0, count - known);
        zeros.chain(self.0.iter().skip(self.0.len() - known).copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(uptime_seconds: u64, messages: u64) -> Stats {
        let refused = [("full".to_owned(), messages), ("address".to_owned(), 1)].into();
        Stats {
            uptime_seconds,
            messages_in: messages,
            messages_out: 2 * messages,
            deliveries: 3 * messages,
            bytes_in: 4 * messages,
            bytes_out: 5 * messages,
            refused,
            ..Stats::default()
        }
    }

    #[test]
    fn rates_are_by_the_time_that_went_by() {
        let rates = between(&stats(10, 100), &stats(12, 105), Duration::from_millis(2_500)).unwrap();
        let expected = Rates {
            messages_in: 20,
            messages_out: 40,
            deliveries: 60,
            bytes_in: 80,
            bytes_out: 100,
            refused: 20,
        };
        assert_eq!(rates, expected);
        assert_eq!(between(&stats(10, 5), &stats(10, 5), Duration::from_secs(1)), Some(Rates::default()));
    }

    #[test]
    fn a_daemon_that_was_started_anew_has_no_rate() {
        let second = Duration::from_secs(1);
        assert_eq!(between(&stats(10, 100), &stats(3, 200), second), None);
        assert_eq!(between(&stats(10, 100), &stats(10, 99), second), None);
        assert_eq!(between(&stats(10, 100), &stats(10, 101), Duration::ZERO), None);
        let huge = between(&stats(0, 0), &Stats { messages_in: u64::MAX, ..stats(1, 0) }, second);
        assert!(huge.is_some());
    }

    #[test]
    fn the_past_is_bounded_and_ends_at_the_right() {
        let mut past = Past::default();
        assert_eq!(past.last(2), [0, 0]);
        (1..=3).for_each(|rate| past.add(rate));
        assert_eq!((past.last(5), past.last(2)), (vec![0, 0, 1, 2, 3], vec![2, 3]));
        (0..2_000).for_each(|rate| past.add(rate));
        assert_eq!(past.last(1_000).iter().filter(|rate| **rate > 0).count(), KEPT);
    }
}
