//! Counters of the shell, and how long its turns took.

use crate::server::Refusal;

/// Why a connection was not accepted, or not for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The server did not want it.
    Server(Refusal),
    /// No descriptor or no memory was left, or nothing could be accepted: how often accepting paused, as nobody knows
    /// how many waited.
    Resources,
    /// It failed while it was accepted.
    Error,
    /// There were too many admin connections.
    Admin,
    /// Memory comes to an end.
    Memory,
    /// An operator has asked for no new clients.
    Draining,
}

impl Refused {
    pub(super) const ALL: [Self; 12] = [
        Self::Server(Refusal::Full),
        Self::Server(Refusal::Address),
        Self::Server(Refusal::Class),
        Self::Server(Refusal::Throttle),
        Self::Server(Refusal::Lockdown),
        Self::Server(Refusal::Banned),
        Self::Server(Refusal::Stopping),
        Self::Resources,
        Self::Error,
        Self::Admin,
        Self::Memory,
        Self::Draining,
    ];

    /// Its name in `stats` and in the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Server(refusal) => refusal.name(),
            Self::Resources => "resources",
            Self::Error => "error",
            Self::Admin => "admin_connections",
            Self::Memory => "memory",
            Self::Draining => "draining",
        }
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|other| *other == self).expect("ALL lists every reason")
    }
}

/// What the shell has counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Bytes read from chat connections.
    pub(super) bytes_in: u64,
    /// Bytes that sockets of chat connections took.
    pub(super) bytes_out: u64,
    /// Bytes that wait in queues of chat connections now.
    pub(super) waiting: u64,
    /// Lines to chat connections.
    pub(super) deliveries: u64,
    /// Replies to admin connections.
    pub(super) replies: u64,
    /// Turns of the loop.
    pub(super) turns: u64,
    /// By [`Refused::ALL`].
    refused: [u64; Refused::ALL.len()],
    /// What is logged of each.
    unlogged: [Seldom; Refused::ALL.len()],
    /// What is logged of connections that are cut off because all together hold too much.
    pub(super) cut: Seldom,
}

/// What is logged at most once a second, as a stranger can repeat it without end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seldom {
    /// Until when nothing is, in milliseconds of the monotonic clock.
    quiet_until: u64,
    /// What has not been logged.
    count: u64,
}

/// Least time between two log lines about the same, in milliseconds.
const SELDOM_MS: u64 = 1_000;

impl Seldom {
    /// Counts so many more. How many have not been logged, these included, if there are any and it is time.
    pub(super) fn add(&mut self, count: u64, now_ms: u64) -> Option<u64> {
        self.count += count;
        if self.count == 0 || now_ms < self.quiet_until {
            return None;
        }
        self.quiet_until = now_ms + SELDOM_MS;
        Some(std::mem::take(&mut self.count))
    }
}

impl Counters {
    /// Counts a refusal. Returns how many of the kind have not been logged, this one included, when it is time.
    pub(super) fn refuse(&mut self, why: Refused, now_ms: u64) -> Option<u64> {
        let index = why.index();
        self.refused[index] += 1;
        self.unlogged[index].add(1, now_ms)
    }

    /// Refusals by reason.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refused::ALL.iter().map(|why| why.name()).zip(self.refused)
    }
}

/// Seconds that [`TurnTimes`] looks back.
const WINDOW: u64 = 60;
/// Buckets for each doubling of time.
const STEPS: u64 = 4;
/// Buckets, the last of them for all above some 16 s.
const BUCKETS: usize = 24 * STEPS as usize;

/// How long the turns of the last minute took: a histogram for each second, in a ring.
pub(super) struct TurnTimes {
    seconds: Box<[Second]>,
}

#[derive(Clone, Copy)]
struct Second {
    /// Which second of the clock it is about.
    second: u64,
    longest_us: u64,
    buckets: [u32; BUCKETS],
}

/// What [`TurnTimes`] tells, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TurnSummary {
    pub(super) p50: u64,
    pub(super) p99: u64,
    pub(super) max: u64,
}

impl Default for TurnTimes {
    fn default() -> Self {
        let empty = Second { second: u64::MAX, longest_us: 0, buckets: [0; BUCKETS] };
        Self { seconds: vec![empty; WINDOW as usize].into_boxed_slice() }
    }
}

impl TurnTimes {
    /// Notes a turn that took so many microseconds.
    pub(super) fn record(&mut self, now_ms: u64, us: u64) {
        let second = now_ms / 1_000;
        let slot = &mut self.seconds[(second % WINDOW) as usize];
        if slot.second != second {
            *slot = Second { second, longest_us: 0, buckets: [0; BUCKETS] };
        }
        slot.longest_us = slot.longest_us.max(us);
        let count = &mut slot.buckets[bucket(us)];
        *count = count.saturating_add(1);
    }

    /// Median, 99th percentile and maximum; percentiles are exact to a quarter of a doubling.
    pub(super) fn summary(&self, now_ms: u64) -> TurnSummary {
        let now = now_ms / 1_000;
        let recent = self.seconds.iter().filter(|it| it.second <= now && now - it.second < WINDOW);
        let mut buckets = [0_u64; BUCKETS];
        let mut max = 0;
        for second in recent {
            max = max.max(second.longest_us);
            for (sum, count) in buckets.iter_mut().zip(second.buckets) {
                *sum += u64::from(count);
            }
        }
        let total: u64 = buckets.iter().sum();
        let percentile = |percent: u64| {
            let wanted = (total * percent).div_ceil(100);
            let mut seen = 0;
            let found = buckets.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            found.map_or(0, |index| ceiling(index).min(max))
        };
        if total == 0 {
            return TurnSummary::default();
        }
        TurnSummary { p50: percentile(50), p99: percentile(99), max }
    }
}

/// The bucket of a time: its doubling, and the quarter of it.
fn bucket(us: u64) -> usize {
    if us < STEPS {
        return us as usize;
    }
    let doubling = u64::from(us.ilog2());
    let quarter = (us >> (doubling - 2)) & (STEPS - 1);
    (((doubling - 1) * STEPS + quarter) as usize).min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn ceiling(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let (doubling, quarter) = (bucket / STEPS + 1, bucket % STEPS);
    ((STEPS + quarter + 1) << (doubling - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_under_the_ceiling_of_its_bucket_and_above_that_of_the_one_before() {
        for us in (0..5_000).chain([65_535, 65_536, 1_000_000]) {
            let bucket = bucket(us);
            assert!(us <= ceiling(bucket), "{us} in {bucket}");
            assert!(bucket == 0 || us > ceiling(bucket - 1), "{us} in {bucket}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_of_the_last_minute() {
        let mut times = TurnTimes::default();
        assert_eq!(times.summary(0), TurnSummary::default());
        times.record(500, 9_000_000);
        for second in 30..40 {
            for _ in 0..10 {
                times.record(second * 1_000, 100);
            }
        }
        times.record(40_000, 5_000);
        let summary = times.summary(40_000);
        assert_eq!(summary.max, 9_000_000);
        assert!((100..128).contains(&summary.p50), "{summary:?}");
        assert!((5_000..6_500).contains(&summary.p99), "{summary:?}");
        assert_eq!(times.summary(61_000).max, 5_000);
        assert_eq!(times.summary(200_000), TurnSummary::default());
        // The ring's slot is taken over, not added to.
        times.record(100_000, 1);
        assert_eq!(times.summary(100_000), TurnSummary { p50: 1, p99: 1, max: 1 });
    }

    #[test]
    fn refusals_are_all_counted_and_seldom_logged() {
        let mut counters = Counters::default();
        let why = Refused::Server(Refusal::Full);
        assert_eq!(counters.refuse(why, 10_000), Some(1));
        assert_eq!(counters.refuse(why, 10_001), None);
        assert_eq!(counters.refuse(Refused::Resources, 10_001), Some(1));
        assert_eq!(counters.refuse(why, 10_999), None);
        assert_eq!(counters.refuse(why, 11_000), Some(3));
        assert_eq!(counters.cut.add(0, 12_000), None, "nothing is not worth a line");
        assert_eq!(counters.cut.add(2, 12_000), Some(2));
        assert_eq!(counters.cut.add(3, 12_999), None);
        assert_eq!(counters.cut.add(0, 13_000), Some(3));
        let counts: Vec<_> = counters.refused().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [("full", 4), ("resources", 1)]);
    }
}
