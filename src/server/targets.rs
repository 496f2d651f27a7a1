//! How many different people and channels somebody may begin to address at once: what a sender of unasked messages
//! needs, and nobody else.

use super::ctx::Ctx;
use crate::config::Exempt;
use crate::proto::limits::{RECENT_TARGETS, RECENT_WRITERS};
use crate::proto::modes::OPERATOR;
use crate::proto::numeric::{self, Reply};

/// What a client addresses.
#[derive(Clone, Copy)]
pub(super) enum Addressed {
    /// The user in this slot.
    User(u32),
    /// The channel at this index.
    Channel(u32),
}

/// Whom a user has addressed, and who has addressed them, of late.
#[derive(Default)]
pub(super) struct Targets {
    /// When all that may be begun at once may be begun again, in monotonic milliseconds.
    paid_at_ms: u64,
    recent: Ring<RECENT_TARGETS>,
    writers: Ring<RECENT_WRITERS>,
}

/// The last `N` of something; 0 is nothing.
struct Ring<const N: usize> {
    kept: [u32; N],
    next: usize,
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self { kept: [0; N], next: 0 }
    }
}

impl<const N: usize> Ring<N> {
    fn has(&self, key: u32) -> bool {
        self.kept.contains(&key)
    }

    fn push(&mut self, key: u32) {
        if !self.has(key) {
            self.kept[self.next] = key;
            self.next = (self.next + 1) % N;
        }
    }
}

impl Targets {
    /// Begins to address `key`. At most `most` at once are free, and `rate` more each minute; a `rate` of 0 is no limit.
    /// The error is in how many seconds it can be tried again.
    fn begin(&mut self, key: u32, now_ms: u64, most: u32, rate: u32) -> Result<(), u64> {
        if rate == 0 || self.recent.has(key) || self.writers.has(key) {
            return Ok(());
        }
        let each = 60_000 / u64::from(rate);
        let room = u64::from(most) * each;
        // Under a slower rate the debt may have become larger than any can be now.
        let level = self.paid_at_ms.clamp(now_ms, now_ms + room) + each;
        if let Some(late) = level.checked_sub(now_ms + room).filter(|&late| late > 0) {
            return Err(late.div_ceil(1000));
        }
        self.paid_at_ms = level;
        self.recent.push(key);
        Ok(())
    }
}

impl Ctx<'_> {
    /// Begins to address somebody or a channel, shown as `shown`. Channels that the client is in cost nothing, nor do
    /// those who have written to it.
    pub(super) fn address(&mut self, whom: Addressed, shown: &str) -> Result<(), Reply> {
        let (most, rate) = {
            let limits = &self.server.config.limits;
            (limits.target_changes, limits.target_change_rate)
        };
        if rate == 0 {
            return Ok(());
        }
        let key = match whom {
            Addressed::User(slot) if slot == self.me => return Ok(()),
            Addressed::User(slot) => self.key_of(slot),
            Addressed::Channel(index) if self.channel(index).has(self.me) => return Ok(()),
            // Keys of users count up from 1, so that the two do not meet.
            Addressed::Channel(index) => !(self.channel(index).serial as u32),
        };
        if self.user().modes & OPERATOR != 0 || self.exempt(Exempt::TARGETS) {
            return Ok(());
        }
        let now_ms = self.server.now.mono_ms;
        let targets = self.user_mut().extras_mut().targets.get_or_insert_default();
        let begun = targets.begin(key, now_ms, most, rate);
        begun.map_err(|seconds| numeric::err_targettoofast(shown, seconds).into())
    }

    /// Notes that the client has written to the one in `slot`, who may answer for nothing.
    pub(super) fn has_written_to(&mut self, slot: u32) {
        if self.server.config.limits.target_change_rate == 0 || slot == self.me {
            return;
        }
        let mine = self.key_of(self.me);
        if let Some(user) = self.server.client_mut(slot).and_then(|client| client.user_mut()) {
            user.extras_mut().targets.get_or_insert_default().writers.push(mine);
        }
    }

    fn key_of(&self, slot: u32) -> u32 {
        self.server.client(slot).map_or(0, |client| client.id.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_then_at_the_rate() {
        let mut targets = Targets::default();
        for key in 1..=3 {
            assert_eq!(targets.begin(key, 1000, 3, 6), Ok(()));
        }
        assert_eq!(targets.begin(4, 1000, 3, 6), Err(10));
        assert_eq!(targets.begin(4, 6500, 3, 6), Err(5));
        assert_eq!(targets.begin(4, 11_000, 3, 6), Ok(()));
        assert_eq!(targets.begin(5, 11_000, 3, 6), Err(10));
        assert_eq!(targets.begin(5, 11_000, 3, 0), Ok(()), "no limit");
        assert_eq!(targets.begin(5, 11_000, 4, 60), Err(1), "the debt is no larger than the new rate knows");
    }

    #[test]
    fn who_was_addressed_or_has_written_is_free_until_many_others_were() {
        let mut targets = Targets::default();
        targets.writers.push(7);
        assert_eq!(targets.begin(8, 0, 1, 1), Ok(()));
        assert_eq!(targets.begin(9, 0, 1, 1), Err(60));
        assert_eq!((targets.begin(7, 0, 1, 1), targets.begin(8, 0, 1, 1)), (Ok(()), Ok(())));
        for key in 100..100 + RECENT_TARGETS as u32 {
            assert_eq!(targets.begin(key, 0, 1000, 60), Ok(()));
        }
        assert!(targets.begin(8, 0, 1, 1).is_err());
        assert_eq!(targets.begin(7, 0, 1, 1), Ok(()));
    }
}
