//! Counts of times, from which quantiles are read to within 1.6 %.

use std::time::Duration;

/// Buckets of each power of two.
const STEPS: u64 = 64;
const BITS: u32 = STEPS.trailing_zeros();

/// Times in nanoseconds, counted by size.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u32>,
    all: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; index(u64::MAX) + 1], all: 0 }
    }
}

/// The bucket of a time.
fn index(nanoseconds: u64) -> usize {
    let power = (nanoseconds | 1).ilog2();
    if power < BITS {
        return nanoseconds as usize;
    }
    let shift = power - BITS;
    (u64::from(shift) * STEPS + (nanoseconds >> shift)) as usize
}

/// The least time that belongs to a bucket.
fn least(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * STEPS {
        return index;
    }
    let shift = index / STEPS - 1;
    (index - shift * STEPS) << shift
}

impl Histogram {
    pub(crate) fn add(&mut self, nanoseconds: u64) {
        self.counts[index(nanoseconds)] += 1;
        self.all += 1;
    }

    /// Adds the times of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, more)| *sum += more);
        self.all += other.all;
    }

    /// The time within which this share of all was, such as 0.99; none when nothing was counted.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        // The one that is slower than this share of all, so of 100 the 100th for 0.99.
        let mut above = crate::machine::float(self.all) * (1.0 - share);
        for (index, &count) in self.counts.iter().enumerate().rev().filter(|(_, count)| **count > 0) {
            above -= f64::from(count);
            if above < 0.0 {
                return Some(Duration::from_nanos(least(index)));
            }
        }
        None
    }
}
