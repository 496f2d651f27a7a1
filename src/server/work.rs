//! Long replies, a slice at a time: a client that asks for everything holds up nobody, itself included.
//!
//! A slice ends after [`SLICE_ITEMS`] items or [`SLICE_WORK`], or when the client's send queue has [`SLICE_LOW_WATER`] bytes to
//! take.
//! Cursors are slots and indices, which stay where they are while others come and go.

use super::ctx::Ctx;
use super::timers::Kind;
use super::{Effect, Server, commands, effort};
use crate::outbox::Outbox;
use crate::proto::limits::{
    SLICE_ITEMS, SLICE_LOW_WATER, SLICE_WORK, SLICES_PER_TURN, STEPS_WORK, TURN_WORK,
};

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
    /// A command that goes from one thing to the next.
    Steps(Box<dyn FnMut(&mut Ctx<'_>) -> bool>),
    /// Two, one after the other: what an operator does to themselves step by step can begin a long reply at each.
    Both(Box<[Work; 2]>),
}

impl Work {
    /// The work of a slice.
    fn share(&self) -> u64 {
        match self {
            Self::Steps(_) => STEPS_WORK,
            Self::Both(both) => both[0].share(),
            _ => SLICE_WORK,
        }
    }

    /// This and what was begun before it, which goes first.
    fn after(self, first: Option<Box<Self>>) -> Self {
        match first {
            Some(first) => Self::Both(Box::new([*first, self])),
            None => self,
        }
    }

    /// Handles the item under the cursor; false when there is none, after the closing numeric was sent.
    fn step(&mut self, c: &mut Ctx<'_>) -> bool {
        match self {
            Self::List(list) => commands::list_step(c, list),
            Self::Names(names) => commands::names_step(c, names),
            Self::Monitor(monitor) => commands::monitor_step(c, monitor),
            Self::Stats(stats) => commands::stats_step(c, stats),
            Self::Whowas(whowas) => commands::whowas_step(c, whowas),
            Self::Who(who) => commands::who_step(c, who),
            Self::Steps(step) => step(c),
            Self::Both(both) => {
                if !both[0].step(c) {
                    let done = Self::Steps(Box::new(|_| false));
                    *self = std::mem::replace(&mut both[1], done);
                }
                true
            }
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

    /// Does something step by step until `step` says false, which is after the last: at once what a slice has time for, the
    /// rest at the following ticks. If a step begins a long reply, the rest comes after that. All at once if the client waits for
    /// another thread.
    pub(super) fn in_steps(&mut self, mut step: impl FnMut(&mut Ctx<'_>) -> bool + 'static) {
        let end = self.work_done() + STEPS_WORK;
        while (self.work_done() < end && self.client().work.is_none()) || self.client().parked.is_some() {
            if !step(self) {
                return;
            }
        }
        let rest = Work::Steps(Box::new(step)).after(self.take_back());
        self.wait(Box::new(rest));
    }

    /// The work of the client that has been begun, no longer waiting for its turn.
    fn take_back(&mut self) -> Option<Box<Work>> {
        let work = self.client_mut().work.take()?;
        let (me, id) = (self.me, self.client().id);
        let Server { clients, timers, working, .. } = &mut *self.server;
        // Nearly always the last.
        if let Some(at) = working.iter().rposition(|waiting| *waiting == id) {
            working.remove(at);
        }
        if let Some(client) = &mut clients[me as usize] {
            timers.disarm(me, &mut client.armed, Kind::Work);
        }
        Some(work)
    }

    /// Does one slice.
    fn slice(&mut self, mut work: Box<Work>) {
        if self.out.pending(self.me) < SLICE_LOW_WATER {
            // Its answer to a PING is not read until the reply is finished, but whoever takes what was sent is there.
            self.heard();
        }
        let end = self.work_done() + work.share();
        for _ in 0..SLICE_ITEMS {
            if self.work_done() >= end {
                break;
            }
            if self.out.pending(self.me) >= SLICE_LOW_WATER {
                let at_ms = self.server.now.mono_ms + RETRY_MS;
                self.client_mut().work = Some(work);
                self.arm(Kind::Work, at_ms);
                return;
            }
            self.server.effort.add(effort::ITEM);
            if !work.step(self) {
                return;
            }
            if let Some(first) = self.take_back() {
                *work = work.after(Some(first));
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

/// One slice for each client whose long reply waits since the tick before, but not more than a turn has room for. Whoever has
/// begun one in this turn has had a slice of it.
pub(super) fn continue_all(server: &mut Server, out: &mut Outbox) {
    let end = server.work_done(out) + TURN_WORK;
    for _ in 0..server.rested.min(SLICES_PER_TURN) {
        if server.work_done(out) >= end {
            break;
        }
        let Some(id) = server.working.pop_front() else { break };
        let Some(mut ctx) = server.ctx(id, out) else { continue };
        let Some(work) = ctx.client_mut().work.take() else { continue };
        let response = ctx.client_mut().response.take().map(|response| *response);
        ctx.respond(response, |ctx| ctx.slice(work));
        server.dismiss_condemned(id, out);
        if server.ready(id) {
            server.effects.push(Effect::Resume(id));
        }
    }
    server.rested = server.working.len();
}
