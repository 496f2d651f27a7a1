//! What the shell tells of itself to whoever started the process and looks after it, such as systemd: that it serves,
//! reads its configuration again, stops, for how many, and that the loop still turns.
//!
//! How it is said, and to whom, the daemon knows: here it is a [`Notice`], handed to [`Driver::notify`]. Nothing of it is done
//! where nobody has asked, and nothing wakes the loop but a beat of the watchdog and numbers that have changed.

use super::driver::Driver;
use super::shell::Shell;
use crate::proto::limits::{NOTICE_RETRY_MS, STATUS_MS};

/// Something that a supervisor is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It has come into this phase.
    Phase(Phase, Status),
    /// The numbers are others now.
    Status(Phase, Status),
    /// The loop turns.
    Alive,
}

/// What the daemon is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It serves.
    Serving,
    /// It serves, and the configuration is being read again.
    Reloading,
    /// It accepts nobody, and ends when all have had their last words.
    Stopping,
}

/// For how many, and whether it is with the configuration that was wanted. Never anything that users have written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Users: clients that have registered.
    pub users: u64,
    /// Chat connections.
    pub connections: u64,
    /// The last reload was refused: the configuration before it is in force.
    pub refused: bool,
    /// No new clients are taken.
    pub draining: bool,
}

/// What has been told, and when there is something to be told again.
#[derive(Debug, Default)]
pub(super) struct Supervision {
    /// What was told last; none if nobody is to be told anything.
    told: Option<(Phase, Status)>,
    /// The last notice was not taken, so that it is not known what was.
    untold: bool,
    /// The last reload was refused.
    pub(super) refused: bool,
    /// When numbers may be told again, in milliseconds of the monotonic clock.
    next_ms: u64,
    /// When numbers that have changed are told, or what was not taken is told again.
    due_ms: Option<u64>,
    /// The time between two beats, in milliseconds, and when the next one is due.
    beat: Option<(u64, u64)>,
}

impl Supervision {
    /// When something is to be told without any event.
    pub(super) fn deadline(&self) -> Option<u64> {
        let beat = self.beat.map(|(_, at)| at);
        beat.into_iter().chain(self.due_ms).min()
    }
}

impl<D: Driver> Shell<D> {
    /// Tells a supervisor that it serves, and from now on of all that changes. With `watchdog_ms`, the supervisor ends a process
    /// from which it has not heard for so long: it hears twice as often from this one, as long as the loop turns.
    pub fn supervise(&mut self, watchdog_ms: Option<u64>) {
        let every = watchdog_ms.map(|interval| (interval / 2).max(1));
        self.supervision.beat = every.map(|every| (every, self.now.mono_ms + every));
        self.supervision.told = Some((Phase::Serving, Status::default()));
        self.tell_phase(Phase::Serving);
    }

    /// Tells of a phase at once, whether or not it is the one that was told of last: a second reload is another one.
    pub(super) fn tell_phase(&mut self, phase: Phase) {
        if self.supervision.told.is_some() {
            let status = self.status();
            self.tell_supervisor(Notice::Phase(phase, status), (phase, status));
        }
    }

    /// Tells what has changed, and beats if it is time. At the end of each turn.
    pub(super) fn report(&mut self) {
        let Some(told) = self.supervision.told else { return };
        let now_ms = self.now.mono_ms;
        if let Some((every, at)) = &mut self.supervision.beat
            && now_ms >= *at
        {
            *at = now_ms + *every;
            // One that is lost is no harm: the next is sent in time.
            self.driver.notify(Notice::Alive);
        }
        let now = (self.phase(), self.status());
        if now == told && !self.supervision.untold {
            self.supervision.due_ms = None;
        } else if now.0 != told.0 && !self.supervision.untold {
            self.tell_supervisor(Notice::Phase(now.0, now.1), now);
        } else if now_ms < self.supervision.next_ms {
            self.supervision.due_ms = Some(self.supervision.next_ms);
        } else if self.supervision.untold {
            self.tell_supervisor(Notice::Phase(now.0, now.1), now);
        } else {
            self.tell_supervisor(Notice::Status(now.0, now.1), now);
        }
    }

    fn tell_supervisor(&mut self, notice: Notice, told: (Phase, Status)) {
        let taken = self.driver.notify(notice);
        let pause = if taken { STATUS_MS } else { NOTICE_RETRY_MS };
        let next_ms = self.now.mono_ms + pause;
        let it = &mut self.supervision;
        (it.told, it.untold, it.next_ms) = (Some(told), !taken, next_ms);
        it.due_ms = it.untold.then_some(next_ms);
    }

    /// Logs the end.
    pub(super) fn log_end(&self) {
        match self.chats {
            0 => log::info!("stopped clients_cut_off=0"),
            left => log::warn!("stopped clients_cut_off={left}"),
        }
    }

    fn phase(&self) -> Phase {
        if self.stopping.is_some() {
            Phase::Stopping
        } else if self.is_reloading() {
            Phase::Reloading
        } else {
            Phase::Serving
        }
    }

    fn status(&self) -> Status {
        Status {
            users: self.server.users(),
            connections: self.chats as u64,
            refused: self.supervision.refused,
            draining: self.draining,
        }
    }
}
