//! How much somebody has said, or has been said in a channel, of late: for the admin socket's `busiest`.

use super::{Server, Time};
use crate::id::ClientId;

/// A window is so many milliseconds long, as a power of two: eight seconds.
const WINDOW_BITS: u32 = 13;

/// Counts of two windows of time: the one that has begun, and the one before. When that was is for the owner to know, who has
/// a time of the last event anyway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recent {
    now: u32,
    before: u32,
}

impl Recent {
    /// Time goes on from the last event to `now_ms`.
    #[inline]
    pub(super) fn roll(&mut self, last_ms: u64, now_ms: u64) {
        let windows = (now_ms >> WINDOW_BITS) - (last_ms >> WINDOW_BITS);
        if windows > 0 {
            self.before = if windows == 1 { self.now } else { 0 };
            self.now = 0;
        }
    }

    /// Counts an event, after [`Recent::roll`].
    #[inline]
    pub(super) fn count(&mut self) {
        self.now = self.now.saturating_add(1);
    }

    /// Events in both windows, as seen at `now_ms`.
    fn total(mut self, last_ms: u64, now_ms: u64) -> u64 {
        self.roll(last_ms, now_ms);
        u64::from(self.now) + u64::from(self.before)
    }
}

impl Server {
    /// How long the time is that the counts of [`Server::lines_of_late`] and [`Server::messages_of_late`] are about, in
    /// milliseconds: 8 to 16 seconds.
    pub fn recent_ms(&self, now: Time) -> u64 {
        let window = 1 << WINDOW_BITS;
        let since = (now.mono_ms & !(window - 1)).saturating_sub(window);
        now.mono_ms - since.max(self.started_mono_ms)
    }

    /// Lines that a client, registered or not, has sent of late; none of one that is gone.
    pub fn lines_of_late(&self, now: Time, client: ClientId) -> u64 {
        let it = self.client(client.slot).filter(|it| it.id == client);
        it.map_or(0, |it| it.lines.total(it.heard_ms, now.mono_ms))
    }

    /// The first channel whose index is at least `from`, by its index, and the messages to it of late.
    pub fn messages_of_late(&self, now: Time, from: u32) -> Option<(u32, u64)> {
        let mut rest = self.channels.iter().enumerate().skip(from as usize);
        rest.find_map(|(index, channel)| {
            let channel = channel.as_ref()?;
            Some((index as u32, channel.messages.total(channel.said_ms, now.mono_ms)))
        })
    }

    /// The name of the channel at an index, and how many members it has.
    pub fn channel_at(&self, index: u32) -> Option<(String, u64)> {
        let channel = self.channels.get(index as usize)?.as_ref()?;
        Some((channel.name.to_string(), channel.members().len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_forgotten_after_the_next() {
        const WINDOW: u64 = 1 << WINDOW_BITS;
        let (mut recent, mut last) = (Recent::default(), 0);
        let mut event = |at: u64| {
            recent.roll(last, at);
            recent.count();
            last = at;
            recent
        };
        let start = 7 * WINDOW;
        for _ in 0..3 {
            event(start);
        }
        let recent = event(start + WINDOW - 1);
        let seen = |at: u64| recent.total(start + WINDOW - 1, at);
        assert_eq!(seen(start + WINDOW - 1), 4);
        assert_eq!((seen(start + WINDOW), seen(start + 2 * WINDOW - 1)), (4, 4));
        assert_eq!((seen(start + 2 * WINDOW), seen(u64::MAX)), (0, 0));
        // What is said in the next window is beside it, and in the one after that without it.
        let recent = event(start + WINDOW);
        assert_eq!(recent.total(start + WINDOW, start + 2 * WINDOW - 1), 5);
        assert_eq!(recent.total(start + WINDOW, start + 2 * WINDOW), 1);
    }

    #[test]
    fn counts_end_where_they_are_full() {
        let mut recent = Recent { now: u32::MAX, before: u32::MAX };
        recent.count();
        assert_eq!(recent.total(5, 5), 2 * u64::from(u32::MAX));
    }
}
