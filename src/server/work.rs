//! Long replies, a slice at a time: a client that asks for everything holds up nobody, itself included.
//!
//! A slice ends after [`SLICE_ITEMS`] items, or when the client's send queue has [`SLICE_LOW_WATER`] bytes to take.
//! Cursors are slots and indices, which stay where they are while others come and go.

use super::ctx::Ctx;
use super::timers::Kind;
use super::{Effect, Server, commands};
use crate::outbox::Outbox;
use crate::proto::limits::{SLICE_ITEMS, SLICE_LOW_WATER, SLICES_PER_TURN};

/// How long to wait before looking again at a send queue that had no room, in milliseconds.
const RETRY_MS: u64 = 20;

/// A long reply that is not finished.
pub(super) enum Work {
    /// LIST.
    List(commands::ListWork),
    /// JOIN and NAMES.
    Names(commands::NamesWork),
    /// MONITOR L and S.
    Monitor(commands::MonitorWork),
    /// STATS.
    Stats(commands::StatsWork),
    /// WHOWAS.
    Whowas(commands::WhowasWork),
    /// WHO.
    Who(commands::WhoWork),
}

impl Work {
    /// Handles the item under the cursor; false when there is none, after the closing numeric was sent.
    fn step(&mut self, c: &mut Ctx<'_>) -> bool {
        match self {
            Self::List(list) => commands::list_step(c, list),
            Self::Names(names) => commands::names_step(c, names),
            Self::Monitor(monitor) => commands::monitor_step(c, monitor),
            Self::Stats(stats) => commands::stats_step(c, stats),
            Self::Whowas(whowas) => commands::whowas_step(c, whowas),
            Self::Who(who) => commands::who_step(c, who),
        }
    }
}

impl Ctx<'_> {
    /// Begins a long reply: the first slice now, if few others wait, and the others at the following ticks.
    pub(super) fn begin(&mut self, work: Work) {
        let work = Box::new(work);
        if self.server.working.len() < SLICES_PER_TURN {
            self.slice(work);
        } else {
            self.wait(work);
        }
    }

    /// Does one slice.
    fn slice(&mut self, mut work: Box<Work>) {
        if self.out.pending(self.me) < SLICE_LOW_WATER {
            // Its answer to a PING is not read until the reply is finished, but whoever takes what was sent is there.
            self.heard();
        }
        for _ in 0..SLICE_ITEMS {
            if self.out.pending(self.me) >= SLICE_LOW_WATER {
                let at_ms = self.server.now.mono_ms + RETRY_MS;
                self.client_mut().work = Some(work);
                self.arm(Kind::Work, at_ms);
                return;
            }
            if !work.step(self) {
                return;
            }
        }
        self.wait(work);
    }

    /// Goes on at the next tick, or when those that wait for longer have had their turn.
    pub(super) fn wait(&mut self, work: Box<Work>) {
        let id = self.client().id;
        self.client_mut().work = Some(work);
        self.server.working.push_back(id);
    }
}

/// One slice for each client whose long reply waits for this tick, but not more than a turn has room for.
pub(super) fn continue_all(server: &mut Server, out: &mut Outbox) {
    for _ in 0..server.working.len().min(SLICES_PER_TURN) {
        let Some(id) = server.working.pop_front() else { break };
        let Some(mut ctx) = server.ctx(id, out) else { continue };
        let Some(work) = ctx.client_mut().work.take() else { continue };
        let response = ctx.client_mut().response.take().map(|response| *response);
        ctx.respond(response, |ctx| ctx.slice(work));
        if server.ready(id) {
            server.effects.push(Effect::Resume(id));
        }
    }
}
