//! How much the server has done, so that the loop can share its time out. What a line takes is counted by its recipients,
//! in the outbox; this is the rest.
//!
//! The unit is about what a delivery costs, 20 to 40 ns. A count repeats exactly, where a clock would not.

use std::cell::Cell;

use super::Server;
use super::ctx::Ctx;
use crate::outbox::Outbox;
use crate::proto::limits::{SEND_WORK, TICK_WORK};

/// Units of looking at an item of a long reply, whether it is shown or not.
pub(super) const ITEM: usize = 8;
/// Members that are looked at, and perhaps passed over, for a unit.
pub(super) const LOOKS: usize = 8;
/// Words of a set of slots that are united with another for a unit.
pub(super) const WORDS: usize = 64;
/// Bytes of a mask that are held against a text for a unit.
const MASK_BYTES: usize = 8;
/// Units of making a cloak.
pub(super) const CLOAK: usize = 512;
/// Units of a line that comes to nothing, and of saying why.
pub(super) const REFUSAL: usize = 64;
/// Units of an event that is only for those who watch.
pub(super) const EVENT: usize = 8;
/// Units of putting a line into words.
const LINE: u64 = 8;

/// Work since the start that was no delivery. Questions count as well, and those who ask them change nothing else.
#[derive(Debug, Default)]
pub(super) struct Effort(Cell<u64>);

impl Effort {
    /// Counts so many units.
    pub(super) fn add(&self, units: usize) {
        self.0.set(self.0.get() + units as u64);
    }

    /// Counts a mask that is held against so many texts.
    pub(super) fn add_mask(&self, mask: &str, texts: usize) {
        self.add(texts * (mask.len() / MASK_BYTES + 1));
    }
}

impl Server {
    /// Work since the start that was no delivery, in units of about what a delivery takes.
    pub fn effort(&self) -> u64 {
        self.effort.0.get()
    }

    /// All work since the start, deliveries and putting lines into words included, in the same units.
    pub fn work_done(&self, out: &Outbox) -> u64 {
        out.deliveries() + LINE * out.encoded() + self.effort()
    }

    /// All work since the start that counts against a turn or a part of one: but [`SEND_WORK`] for each connection that was told
    /// something since the last flush, as far as a turn sends to so many.
    pub fn work_charged(&self, out: &Outbox) -> u64 {
        let sends = out.dirty().len().min(self.config.limits.sends_per_turn as usize);
        self.work_done(out).saturating_sub(SEND_WORK * sends as u64)
    }

    /// The [`Server::work_charged`] at which a part of a turn ends that begins now, and is not input.
    pub(super) fn part_of_turn(&self, out: &Outbox) -> u64 {
        self.work_charged(out) + TICK_WORK
    }
}

impl Ctx<'_> {
    /// All work since the start, as [`Server::work_done`].
    pub(super) fn work_done(&self) -> u64 {
        self.server.work_done(self.out)
    }
}
