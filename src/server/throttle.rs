//! Flood control: a client that sends faster than it may is read more slowly, never disconnected for it.

/// A leaky bucket, kept as one number: the time at which it will be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Throttle {
    empty_at_us: u64,
}

impl Throttle {
    /// Adds `cost` commands at `now_ms`. When the bucket then holds more than `burst` of them, which drain at
    /// `rate` a second: the time in milliseconds at which it will hold `burst` again. A `rate` of 0 is no limit.
    pub(super) fn charge(&mut self, now_ms: u64, cost: u32, burst: u32, rate: u32) -> Option<u64> {
        if rate == 0 {
            return None;
        }
        let now_us = now_ms.saturating_mul(1000);
        let each_us = 1_000_000 / u64::from(rate);
        let room_us = u64::from(burst) * each_us;
        // A bucket that was filled under a slower rate must not hold its client longer than the new one says.
        let level = self.empty_at_us.clamp(now_us, now_us + 2 * room_us);
        self.empty_at_us = level + u64::from(cost) * each_us;
        let ready_us = self.empty_at_us.saturating_sub(room_us);
        (ready_us > now_us).then(|| ready_us.div_ceil(1000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut throttle = Throttle::default();
        for _ in 0..10 {
            assert_eq!(throttle.charge(1000, 1, 10, 4), None);
        }
        assert_eq!(throttle.charge(1000, 1, 10, 4), Some(1250));
        assert_eq!(throttle.charge(1250, 1, 10, 4), Some(1500));
        assert_eq!(throttle.charge(60_000, 1, 10, 4), None);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        let mut throttle = Throttle::default();
        assert!((0..100_000).all(|_| throttle.charge(0, 5, 1, 0).is_none()));
    }

    #[test]
    fn a_faster_rate_frees_a_client_that_was_held_by_a_slower_one() {
        let mut throttle = Throttle::default();
        for _ in 0..1000 {
            throttle.charge(0, 1, 1, 1);
        }
        assert!(throttle.charge(0, 1, 10, 100).is_some_and(|at| at <= 210));
    }
}
