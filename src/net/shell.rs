//! The shell around the server, and the order of a turn.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use super::FIRST_GATE;
use super::admin::Unsaved;
use super::backlog::Backlog;
use super::conn::{Conn, Pool, Power, State};
use super::driver::{Driver, Ready};
use super::jobs::{Job, Outcome, Saving};
use super::journal;
use super::listener::Bound;
use super::memory::Watch;
use super::reload::{Reloading, Waiter};
use super::stats::{Counters, Refused, TurnTimes};
use super::supervision::{Phase, Supervision};
use super::trim::Trim;
use super::watch::Watchers;
use crate::admin::Happening;
use crate::config::{Config, Endpoint};
use crate::id::{ClientId, Slots};
use crate::log::Quoted;
use crate::outbox::Outbox;
#[cfg(debug_assertions)]
use crate::outbox::Record;
use crate::proto::limits::{
    ADMIN_LINE, EXPIRIES_PER_TURN, LATE_WORK, LINGER_MS, PAUSE_MS, READ_BUFFER, TICK_WORK, TURN_WORK,
};
use crate::server::{self, Effect, Input, Server, Time};

/// What clients are told as the reason of a shutdown for which nobody gave one.
pub(super) const STOPPED: &str = "Stopped by an operator";

/// Effects for which the room is kept from turn to turn.
const KEEP_EFFECTS: usize = 1_024;

/// The server, its connections and listeners, and what they have to say to each other.
///
/// A turn is [`Shell::begin`], an [`Shell::event`] for each event, and [`Shell::end`]; it has one order:
///
/// 1. The clock has been read, once.
/// 2. Each event, in the order in which the system tells of them: a listener accepts, a connection is read
///    and its lines are handled. Nothing is written, unless so much has been said that it must be.
/// 3. The same for what had to wait when the turn before ended, because a connection or listener had used
///    up its share of that turn, or all had used up the turn. In the latter case these come before the events.
/// 4. Timers: the shell's own, then the server's.
/// 5. Output: each connection that was told something gets it in one call. Who has more waiting than its
///    send queue may hold is disconnected, which tells others something: again, until nobody is left, or the turn has
///    been long enough.
/// 6. Connections whose last line has gone are closed.
/// 7. Slots of closed connections are freed. Until here an event of the same turn finds the connection
///    closed, and never another one in its place; from here on it finds nothing, as ids are not reused.
/// 8. A supervisor is told what has changed, and that the loop turns, if there is one who wants to know.
pub struct Shell<D: Driver> {
    pub(super) driver: D,
    pub(super) server: Server,
    pub(super) out: Outbox,
    pub(super) conns: Slots<Conn<D::Stream>>,
    pub(super) gates: Vec<Gate<D::Listener>>,
    /// Tokens of listeners are not reused, either.
    pub(super) next_gate: u64,
    pub(super) reloading: Reloading,
    pub(super) supervision: Supervision,
    pub(super) saving: Saving,
    /// Lines of the admin socket whose answers wait for a save.
    pub(super) unsaved: Vec<Unsaved>,
    pub(super) watchers: Watchers,
    /// Outcomes of jobs that could not be begun, until the input that asked for them has been handled.
    pub(super) refused: VecDeque<Outcome>,
    pub(super) log_dropped: Box<dyn Fn() -> u64>,
    pub(super) now: Time,
    /// When the shell was made, in milliseconds of the monotonic clock.
    pub(super) started_ms: u64,
    /// What all connections are read into. Longer than a read by the longest line, so that an unfinished line
    /// fits in front of what completes it.
    pub(super) buffer: Vec<u8>,
    /// Where output is gathered that is in too many pieces for one `writev`.
    pub(super) scratch: Vec<u8>,
    pub(super) pool: Pool,
    pub(super) trim: Trim,
    /// When a connection (or listener) has to be looked at: milliseconds, token.
    pub(super) timers: BTreeSet<(u64, u64)>,
    /// Chat connections for which something waits between turns, by token.
    pub(super) backlogs: BTreeMap<u64, Backlog>,
    pub(super) memory: Watch,
    /// Tokens of what is to go on in the next turn, each once. Those that had no share of this one are first.
    pub(super) ready: Vec<u64>,
    /// The same for this turn, until its events are through.
    pub(super) waiting: Vec<u64>,
    /// The turn before had no time for some: they come before those of whom events tell.
    pub(super) crowded: bool,
    /// The work done, as [`Shell::work_charged`] says, at which this turn handles no more input.
    spent_at: u64,
    /// Connections that have more waiting than their send queues may hold. They get nothing more.
    overflowed: VecDeque<ClientId>,
    /// For whom something waits that can be sent: their sockets were full and no longer are, or others came first.
    pub(super) unblocked: VecDeque<ClientId>,
    /// How many connections may still be sent something in this turn.
    pub(super) sends_left: usize,
    /// Connections to be closed once nothing waits for them.
    pub(super) closing: Vec<ClientId>,
    /// Closed connections, whose slots are freed when the turn ends.
    pub(super) closed: Vec<ClientId>,
    /// Keeps its memory from turn to turn.
    pub(super) effects: Vec<Effect>,
    pub(super) chats: usize,
    pub(super) admins: usize,
    /// Those of `admins` that have connected to the monitor socket.
    pub(super) monitors: usize,
    /// How many connections there may be before chat listeners pause.
    pub(super) room: usize,
    pub(super) counters: Counters,
    /// Items that the admin request under way has looked at.
    pub(super) scanned: usize,
    pub(super) times: TurnTimes,
    /// Set when the shutdown has begun: when to stop waiting for clients.
    pub(super) stopping: Option<u64>,
    /// Asked to stop a second time.
    pub(super) halted: bool,
    /// New clients are refused until an operator says otherwise.
    pub(super) draining: bool,
}

/// A listening socket.
pub(super) struct Gate<L> {
    pub(super) token: u64,
    pub(super) kind: GateKind,
    pub(super) socket: L,
    /// Descriptors ran out: a timer will try again.
    pub(super) paused: Option<u64>,
    /// It refuses whoever connects, and has nobody to accept.
    pub(super) silent: bool,
    /// Its token is on the ready list.
    pub(super) queued: bool,
    pub(super) accepted: u64,
}

/// What a listener is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GateKind {
    /// Chat, at an address that the configuration calls `requested`.
    Chat { requested: Rc<Endpoint>, address: SocketAddr },
    /// A socket of the admin protocol.
    Admin { path: String, power: Power },
}

impl GateKind {
    pub(super) fn is_chat(&self) -> bool {
        matches!(self, Self::Chat { .. })
    }
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chat { address, .. } => address.fmt(f),
            Self::Admin { path, .. } => f.write_str(path),
        }
    }
}

/// A signal, as far as the loop is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGTERM or SIGINT: stop; at once when asked a second time.
    Stop,
}

impl<D: Driver> Shell<D> {
    /// A shell without listeners. All randomness of its server comes from `seed`.
    pub fn new(
        driver: D,
        config: Rc<Config>,
        seed: [u64; 2],
        now: Time,
        log_dropped: Box<dyn Fn() -> u64>,
    ) -> Self {
        Self {
            driver,
            server: Server::new(config, seed, now),
            out: Outbox::default(),
            conns: Slots::default(),
            gates: Vec::new(),
            next_gate: FIRST_GATE,
            reloading: Reloading::new(now.mono_ms),
            supervision: Supervision::default(),
            saving: Saving::default(),
            unsaved: Vec::new(),
            watchers: Watchers::default(),
            refused: VecDeque::new(),
            log_dropped,
            now,
            started_ms: now.mono_ms,
            buffer: vec![0; READ_BUFFER + ADMIN_LINE],
            scratch: Vec::new(),
            pool: Pool::default(),
            trim: Trim::default(),
            timers: BTreeSet::new(),
            backlogs: BTreeMap::new(),
            memory: Watch::default(),
            ready: Vec::new(),
            waiting: Vec::new(),
            crowded: false,
            spent_at: 0,
            overflowed: VecDeque::new(),
            unblocked: VecDeque::new(),
            sends_left: 0,
            closing: Vec::new(),
            closed: Vec::new(),
            effects: Vec::new(),
            chats: 0,
            admins: 0,
            monitors: 0,
            room: usize::MAX,
            counters: Counters::default(),
            scanned: 0,
            times: TurnTimes::default(),
            stopping: None,
            halted: false,
            draining: false,
        }
    }

    /// Accepts chat connections from `bound`.
    ///
    /// # Errors
    /// When it cannot be registered.
    pub fn listen(&mut self, bound: Bound<D::Listener>) -> io::Result<()> {
        let kind = GateKind::Chat { requested: Rc::new(bound.requested), address: bound.address };
        self.open_gate(kind, bound.socket).map(|_| ())
    }

    /// Accepts admin connections from `socket`, which is shown as `path`.
    ///
    /// # Errors
    /// When it cannot be registered.
    pub fn listen_admin(&mut self, path: &str, socket: D::Listener) -> io::Result<()> {
        self.open_gate(GateKind::Admin { path: path.to_owned(), power: Power::Admin }, socket).map(|_| ())
    }

    /// Accepts connections that may look and change nothing from `socket`, which is shown as `path`.
    ///
    /// # Errors
    /// When it cannot be registered.
    pub fn listen_monitor(&mut self, path: &str, socket: D::Listener) -> io::Result<()> {
        self.open_gate(GateKind::Admin { path: path.to_owned(), power: Power::Monitor }, socket).map(|_| ())
    }

    /// Pauses chat listeners while there are so many connections, whatever the configuration allows.
    pub fn limit_connections(&mut self, most: usize) {
        self.room = most;
    }

    /// The operating system.
    pub fn driver_mut(&mut self) -> &mut D {
        &mut self.driver
    }

    /// The server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Lines handed to connections since the start.
    pub fn deliveries(&self) -> u64 {
        self.out.deliveries()
    }

    /// Gives the server what was saved. Before the first turn.
    pub fn restore(&mut self, saved: server::State) {
        self.server.restore(saved);
    }

    /// Begins a turn: everything that happens in it happens at `now`.
    pub fn begin(&mut self, now: Time) {
        debug_assert!(now.mono_ms >= self.now.mono_ms, "the monotonic clock never goes back");
        self.now = now;
        self.counters.turns += 1;
        std::mem::swap(&mut self.waiting, &mut self.ready);
        self.sends_left = self.server.config().limits.sends_per_turn as usize;
        self.watchers.begin();
        // Who says more to those who have not even been sent what was said before has only made them wait for longer.
        let late = self.unblocked.len() > self.sends_left;
        self.spent_at = self.work_charged() + if late { LATE_WORK } else { TURN_WORK };
    }

    /// Whether this turn has no time for more input.
    pub(super) fn is_spent(&self) -> bool {
        self.work_charged() >= self.spent_at
    }

    /// What shell and server have done since the start, as far as it counts against a turn, in a unit of their own.
    pub(super) fn work_charged(&self) -> u64 {
        self.server.work_charged(&self.out)
    }

    /// Takes note of an event and acts on it. Stale and spurious events do nothing.
    pub fn event(&mut self, token: u64, ready: Ready) {
        match ClientId::from_u64(token) {
            Some(id) => self.connection_event(id, ready),
            None => self.gate_event(token),
        }
    }

    /// Acts on a signal. Reload and stop in one turn: stop wins.
    pub fn signal(&mut self, signal: Signal) {
        match signal {
            Signal::Stop => self.stop(STOPPED),
            Signal::Reload if self.stopping.is_some() => {}
            Signal::Reload => self.reload(None),
        }
    }

    /// Ends a turn: what had to wait, timers, output, closing.
    pub fn end(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut done = 0;
        while done < waiting.len() && !self.is_spent() {
            self.go_on(waiting[done]);
            done += 1;
        }
        self.crowded = done < waiting.len();
        // Those who have had their share go on after those who have not.
        waiting.drain(..done);
        waiting.append(&mut self.ready);
        self.waiting = std::mem::replace(&mut self.ready, waiting);
        self.run_timers();
        self.tell_gaps();
        self.settle();
        self.report();
    }

    /// Lets a connection or listener go on that had used up its share of the turn before.
    fn go_on(&mut self, token: u64) {
        match ClientId::from_u64(token) {
            Some(id) => {
                if let Some(conn) = self.conns.get_mut(id) {
                    conn.queued = false;
                    self.service(id);
                }
            }
            None => {
                if let Some(gate) = self.gate_mut(token) {
                    gate.queued = false;
                    self.accept(token);
                }
            }
        }
    }

    /// Has a connection looked at in the next turn, whatever happens until then.
    pub(super) fn enqueue(&mut self, id: ClientId) {
        if let Some(conn) = self.conns.get_mut(id)
            && !conn.queued
        {
            conn.queued = true;
            self.ready.push(id.to_u64());
        }
    }

    /// Gives an input to the server, and does what it asks for besides talking.
    pub(super) fn tell(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.out);
        self.apply_effects();
    }

    pub(super) fn apply_effects(&mut self) {
        while self.server.has_effects() || !self.refused.is_empty() {
            let mut effects = std::mem::take(&mut self.effects);
            effects.extend(self.server.effects());
            for effect in effects.drain(..) {
                match effect {
                    Effect::Close(id) => self.drain(id),
                    Effect::Resume(id) => self.enqueue(id),
                    Effect::Refused { client, why } => {
                        self.refused(Refused::Server(why), format_args!("client={client}"));
                    }
                    Effect::Event(event) => {
                        journal::event(&event);
                        self.happened(|| journal::happening(event));
                    }
                    Effect::Rehash(client) => self.reload(Some(Waiter::Client(client))),
                    Effect::Stop { reason } => self.stop(&reason),
                    Effect::Verify { client, hash, password } => {
                        self.begin_job(Job::Verify { client, hash, password });
                    }
                    Effect::Save { serial, state } => self.begin_job(Job::Save { serial, state }),
                    Effect::Resolve { client, address } => self.begin_job(Job::Resolve { client, address }),
                }
            }
            effects.shrink_to(KEEP_EFFECTS);
            self.effects = effects;
            // Each is the answer to one effect, and what waits for it asks for no more of the kind.
            if let Some(outcome) = self.refused.pop_front() {
                self.answer_job(outcome);
            }
        }
    }

    /// Sets the one timer of a connection, or takes it away.
    pub(super) fn set_timer(&mut self, id: ClientId, at: Option<u64>) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        // No deadline is at the clock's very beginning.
        let at = at.and_then(NonZeroU64::new);
        if let Some(before) = std::mem::replace(&mut conn.timer, at) {
            self.timers.remove(&(before.get(), id.to_u64()));
        }
        if let Some(at) = at {
            self.timers.insert((at.get(), id.to_u64()));
        }
    }

    fn run_timers(&mut self) {
        let end = self.work_charged() + TICK_WORK;
        for _ in 0..EXPIRIES_PER_TURN {
            let Some(&(at, token)) = self.timers.first() else { break };
            if at > self.now.mono_ms || self.work_charged() >= end {
                break;
            }
            self.timers.pop_first();
            match ClientId::from_u64(token) {
                Some(id) if self.now.mono_ms > at + PAUSE_MS => self.excuse(id),
                Some(id) => self.expire(id),
                None => self.unpause(token),
            }
        }
        self.roll_back_if_due();
        if self.server.deadline().is_some_and(|at| at <= self.now.mono_ms) {
            self.tell(Input::Tick);
        }
    }

    /// Sends what was said in this turn, and closes what is to be closed.
    fn settle(&mut self) {
        self.flush();
        let end = self.work_charged() + TICK_WORK;
        loop {
            let mut slots = self.out.take_overflowed();
            if slots.is_empty() && self.overflowed.is_empty() {
                slots = self.largest_backlogs();
            }
            for slot in slots {
                self.overflowed.extend(self.conns.at(slot).map(|(id, _)| id));
            }
            if self.overflowed.is_empty() || self.work_charged() >= end {
                break;
            }
            // Each round disconnects somebody, so there is a last one.
            while self.work_charged() < end
                && let Some(id) = self.overflowed.pop_front()
            {
                self.overflow(id);
            }
            self.flush();
        }
        if !self.out.dirty().is_empty() {
            // Nobody was disconnected after all, or not now, and those who watch were told of the limit.
            self.flush();
        }
        self.finish_closing();
        for id in self.closed.drain(..) {
            self.conns.remove(id);
        }
        self.trim();
    }

    /// Stops: no more connections, a last word to all, and an end when they have taken it or time is up. Asked
    /// again, the end is now.
    pub(super) fn stop(&mut self, reason: &str) {
        if self.stopping.is_some() {
            self.halted = true;
            return;
        }
        let patience = u64::from(self.server.config().timeouts.shutdown) * 1_000;
        self.stopping = Some(self.now.mono_ms + patience);
        let connections = self.server.stats().connections;
        log::info!("shutdown connections={connections} reason={}", Quoted(reason));
        self.happened(|| Happening::Shutdown { connections, reason: reason.to_owned() });
        self.tell_phase(Phase::Stopping);
        // The admin socket stays, so that an operator can see what is being waited for.
        for gate in self.take_gates(|gate| gate.kind.is_chat()) {
            self.driver.close_listener(gate.socket);
        }
        // Those that have had their last line before wait no longer than those that get it now.
        let last = self.now.mono_ms + LINGER_MS;
        let lingers = |(id, conn): (ClientId, &Conn<_>)| (conn.state == State::Lingering).then_some(id);
        for id in self.conns.iter().filter_map(lingers).collect::<Vec<_>>() {
            self.set_timer(id, Some(last));
        }
        self.tell(Input::Shutdown { reason });
    }

    /// Whether the process should end. Asked after [`Shell::end`].
    pub fn is_finished(&self) -> bool {
        let Some(deadline) = self.stopping else { return false };
        let waiting = || self.conns.iter().any(|(_, conn)| !conn.output().is_empty());
        let idle = self.chats == 0 && !self.saving.is_busy() && !waiting();
        self.halted || self.now.mono_ms >= deadline || idle
    }

    /// Bytes of memory that the buffers which are kept from turn to turn take.
    pub(super) fn kept_bytes(&self) -> usize {
        self.out.kept_bytes() + self.scratch.capacity() + self.pool.kept_bytes()
    }

    /// What connections were given: see [`Outbox::record`].
    #[cfg(debug_assertions)]
    pub fn record(&mut self) -> &mut Record {
        self.out.record()
    }

    /// Checks every invariant of the shell and of the server, between turns.
    ///
    /// # Panics
    /// When one does not hold.
    pub fn check(&self) {
        self.server.check(&self.out);
        self.check_turn();
    }

    /// Checks the invariants of the shell alone, which takes a fraction of the time.
    ///
    /// # Panics
    /// When one does not hold.
    pub fn check_turn(&self) {
        assert!(self.out.dirty().is_empty(), "all was sent when the turn ended");
        assert!(self.closing.is_empty() && self.closed.is_empty() && self.waiting.is_empty());
        assert!(self.refused.is_empty(), "who asked for what cannot be done knows");
        let (mut chats, mut waiting) = (0, 0);
        let unblocked: HashSet<_> = self.unblocked.iter().copied().collect();
        for (id, conn) in self.conns.iter() {
            assert!(conn.stream.is_some() && conn.state != State::Closed, "{id} is closed and has a slot");
            let backlog = conn.output().len();
            let unblocked = unblocked.contains(&id);
            assert!(
                backlog == 0 || conn.blocked || unblocked,
                "{id} waits for its socket, or will be sent to"
            );
            assert!(backlog > 0 || !conn.blocked, "{id} waits for its socket, and has nothing to send");
            assert!(backlog == 0 || self.out.pending(id.slot) as usize == backlog, "{id}: the outbox knows");
            assert_eq!(
                conn.queued,
                self.ready.contains(&id.to_u64()),
                "{id} is on the ready list if it says so"
            );
            assert!(conn.owns_only_what_it_needs(), "{id} owns a buffer with nothing in it");
            let timed = conn.timer.is_none_or(|at| self.timers.contains(&(at.get(), id.to_u64())));
            assert!(timed, "{id} has its timer");
            let ends = !matches!(conn.state, State::Draining | State::Lingering);
            assert!(ends || conn.timer.is_some(), "{id} is closing and has a deadline");
            let noted = self.backlogs.contains_key(&id.to_u64());
            assert!(conn.is_chat() && backlog > 0 || !noted, "{id} has no backlog that is noted");
            assert!(noted || !(conn.is_chat() && conn.blocked), "{id} has a backlog that is not noted");
            let waits = conn.state == State::Open && conn.blocked;
            assert!(!waits || conn.timer.is_some(), "{id}: what waits has a deadline");
            if conn.is_chat() {
                (chats, waiting) = (chats + 1, waiting + backlog as u64);
            }
        }
        assert_eq!((chats, self.chats + self.admins), (self.chats, self.conns.len()));
        assert!(self.monitors <= self.admins);
        self.check_watchers();
        assert_eq!(waiting, self.counters.waiting);
        assert!(
            self.backlogs
                .keys()
                .all(|&token| ClientId::from_u64(token).is_some_and(|id| self.conns.get(id).is_some()))
        );
        let timers = self.conns.iter().filter(|(_, conn)| conn.timer.is_some()).count();
        let pauses = self.gates.iter().filter(|gate| gate.paused.is_some()).count();
        assert_eq!(self.timers.len(), timers + pauses, "no timer is left of what is gone");
    }

    /// Notes how long the last turn took.
    pub(super) fn took(&mut self, time: Duration) {
        self.times.record(self.now.mono_ms, time.as_micros() as u64);
    }

    /// When the next turn is due without any event, in milliseconds of the monotonic clock; in the past when
    /// something is to go on at once.
    pub fn deadline(&self) -> Option<u64> {
        let more = !self.ready.is_empty() || !self.unblocked.is_empty() || !self.overflowed.is_empty();
        if more || self.owes_gaps() {
            return Some(0);
        }
        let end = self.stopping.or_else(|| self.rollback_at());
        let others = [self.trim.at, self.server.deadline(), end, self.supervision.deadline()];
        self.timers.first().map(|&(at, _)| at).into_iter().chain(others.into_iter().flatten()).min()
    }
}
