//! Taking over a new configuration: all of it or nothing.
//!
//! Everything that can fail comes first and is kept aside: reading and checking the configuration, which a
//! thread of its own does, then binding and registering new listeners. What is left cannot fail.

use std::net::SocketAddr;
use std::rc::Rc;

use super::admin::Parked;
use super::confirm::Pending;
use super::driver::Driver;
use super::jobs;
use super::shell::{GateKind, Shell};
use super::supervision::Phase;
use super::{BindError, Job, Loading};
use crate::admin::{ConfigDiff, Happening, ListenerStep, Problem, Reloaded, Request, RpcError};
use crate::config::{self, Diagnostic, Endpoint, Listen, Severity};
use crate::id::ClientId;
use crate::load::{LoadError, Loaded};
use crate::log::Quoted;
use crate::proto::limits::ADMIN_CONNECTIONS;
use crate::server::Input;

impl<D: Driver> Shell<D> {
    /// Has the configuration read again. Whoever asks while it is being read has it read once more: what they
    /// mean may have been written after it was read.
    pub(super) fn reload(&mut self, waiter: Option<Waiter>) {
        let wish = waiter.as_ref().map_or(Wish::RELOAD, Waiter::wish);
        if self.reloading.reads {
            self.reloading.again = true;
            self.reloading.later.push(wish, waiter);
            return;
        }
        self.reloading.now.push(wish, waiter);
        self.begin_read();
    }

    fn begin_read(&mut self) {
        if self.reloading.now.wish.takes_over {
            self.tell_phase(Phase::Reloading);
        }
        self.reloading.reads = self.driver.begin(Job::Load);
        if !self.reloading.reads {
            self.loaded(Err(jobs::unread(jobs::NO_READER)));
        }
    }

    /// The configuration has been read: takes it over, or changes nothing and says why, in the log as well as to
    /// those who asked. Belongs to a turn, as an event does.
    pub fn loaded(&mut self, outcome: Loading) {
        self.reloading.reads = false;
        let Waiting { wish, waiters } = std::mem::take(&mut self.reloading.now);
        let read = if self.stopping.is_some() {
            Read::refused(RpcError::refused("the server is stopping", Vec::new()))
        } else {
            self.use_it(outcome, wish)
        };
        if wish.takes_over {
            self.happened(|| happening(&read.reloaded));
            self.supervision.refused = read.reloaded.is_err() && self.stopping.is_none();
        }
        for waiter in waiters {
            match waiter {
                Waiter::Admin(parked) => self.unpark(parked, &read),
                Waiter::Client(client) => {
                    self.tell(Input::Rehashed { client, outcome: in_words(&read.reloaded) });
                }
            }
        }
        if std::mem::take(&mut self.reloading.again) {
            self.reloading.now = std::mem::take(&mut self.reloading.later);
            self.begin_read();
        }
    }

    /// Whether a configuration is being read that is to be taken over.
    pub(super) fn is_reloading(&self) -> bool {
        self.reloading.reads && self.reloading.now.wish.takes_over
    }

    /// Whether so many requests wait for a reload that one more is not taken.
    pub(super) fn too_many_reloads(&self) -> bool {
        let waiting = self.reloading.now.waiters.iter().chain(&self.reloading.later.waiters);
        waiting.filter(|waiter| matches!(waiter, Waiter::Admin(_))).count() >= ADMIN_CONNECTIONS
    }

    /// Does what is wished for with a configuration that has been read.
    fn use_it(&mut self, outcome: Loading, wish: Wish) -> Read {
        let unasked = || RpcError::refused("nobody has asked for this", Vec::new());
        let difference = match &outcome {
            _ if !wish.looks => Err(unasked()),
            Ok(loaded) => Ok(self.difference(loaded)),
            Err(error) => Err(RpcError::refused("the configuration file has errors", problems(error))),
        };
        if !wish.takes_over {
            return Read { reloaded: Err(unasked()), difference };
        }
        let before = Rc::clone(self.server.config());
        let reloaded = self.take_over(outcome);
        if let Ok(report) = &reloaded {
            self.note_reload(report, before, wish.confirm_within);
        }
        Read { reloaded, difference }
    }

    fn take_over(&mut self, outcome: Loading) -> Result<Reloaded, RpcError> {
        let loaded = outcome.map_err(|error| {
            for problem in &error.problems {
                log::error!("reload refused: {}", problem.one_line());
            }
            problems(&error)
        });
        let prepared = loaded.and_then(|loaded| {
            let listeners = self.prepare(&loaded.config.listen).map_err(|errors| {
                for error in &errors {
                    log::error!("reload refused: {error}");
                }
                errors.iter().map(unlocated).collect::<Vec<_>>()
            })?;
            Ok((loaded, listeners))
        });
        match prepared {
            Ok((loaded, listeners)) => Ok(self.commit(loaded, listeners)),
            Err(problems) => {
                log::error!("reload refused: nothing has changed problems={}", problems.len());
                Err(RpcError::refused("the new configuration is refused; nothing has changed", problems))
            }
        }
    }

    /// Opens listeners for the addresses that are new. Returns their tokens, and those that are no longer wanted.
    pub(super) fn prepare(&mut self, wanted: &[Listen]) -> Result<Listeners, Vec<BindError>> {
        let mut old: Vec<(u64, SocketAddr, SocketAddr)> = self
            .chat_gates()
            .filter_map(|(token, requested, real)| Some((token, requested.address()?, real)))
            .collect();
        let mut kept = Vec::new();
        let mut added = Vec::new();
        let mut errors = Vec::new();
        for listen in wanted {
            let address = match &listen.address {
                Endpoint::Address(address) => *address,
                Endpoint::Inherited(name) => {
                    errors.extend(self.lacks(&listen.address).then(|| not_passed(name)));
                    continue;
                }
            };
            // One that is there stays, and with it its port if the kernel chose that; also under its real port.
            let is_it = |asked: SocketAddr, real: SocketAddr| [asked, real].contains(&address);
            if let Some(index) = old.iter().position(|&(_, asked, real)| is_it(asked, real)) {
                kept.push((old.remove(index).0, address));
                continue;
            }
            // An address that is about to be given up may be in the way, as 0.0.0.0 is in everybody's.
            let port = address.port();
            let beside = old.iter().find(|&&(_, asked, real)| {
                let mut others = wanted.iter().filter_map(|listen| listen.address.address());
                let unwanted = !others.any(|other| [asked, real].contains(&other));
                unwanted && port != 0 && real.port() == port
            });
            match self.open_chat(address, listen.optional, beside.map(|&(token, ..)| token)) {
                Ok(token) => added.extend(token),
                Err(error) => errors.push(error),
            }
        }
        let removed = old.into_iter().map(|(token, ..)| token).collect();
        if errors.is_empty() {
            return Ok(Listeners { kept, added, removed });
        }
        self.close_gates(&added);
        Err(errors)
    }

    /// Listeners for chat: their tokens, what the configuration calls them, and their addresses.
    fn chat_gates(&self) -> impl Iterator<Item = (u64, &Endpoint, SocketAddr)> {
        self.gates.iter().filter_map(|gate| match &gate.kind {
            GateKind::Chat { requested, address } => Some((gate.token, &**requested, *address)),
            GateKind::Admin { .. } => None,
        })
    }

    /// Whether there is no listener of that name: sockets are passed on at the start and at no other time.
    fn lacks(&self, endpoint: &Endpoint) -> bool {
        !self.chat_gates().any(|(_, requested, _)| requested == endpoint)
    }

    /// Warnings about inherited sockets that are not wanted any more. Closed, they would be those of whoever has passed them on
    /// all the same, and clients would wait there for ever.
    fn unwanted(&self, wanted: &[Listen]) -> Vec<String> {
        let inherited = self.chat_gates().filter(|(_, requested, _)| requested.socket().is_some());
        let unwanted = inherited.filter(|(_, it, _)| wanted.iter().all(|listen| listen.address != **it));
        let mut warnings: Vec<_> = unwanted
            .map(|(_, name, _)| {
                format!("the inherited socket `{name}` is in no [[listen]] any more; it stays open until a restart")
            })
            .collect();
        warnings.dedup();
        warnings
    }

    /// Opens a listener; none if it is optional and the machine lacks its address.
    fn open_chat(
        &mut self,
        address: SocketAddr,
        optional: bool,
        beside: Option<u64>,
    ) -> Result<Option<u64>, BindError> {
        let beside = self.gates.iter().find(|gate| Some(gate.token) == beside).map(|gate| &gate.socket);
        let Some(bound) = self.driver.bind(address, optional, beside)? else { return Ok(None) };
        let kind = GateKind::Chat { requested: Rc::new(bound.requested), address: bound.address };
        let opened = self.open_gate(kind, bound.socket);
        opened.map(Some).map_err(|error| BindError::new(address, error.to_string()))
    }

    /// Closes listeners and returns their addresses.
    fn close_gates(&mut self, tokens: &[u64]) -> Vec<String> {
        let mut addresses = Vec::new();
        for gate in self.take_gates(|gate| tokens.contains(&gate.token)) {
            addresses.push(gate.kind.to_string());
            self.driver.close_listener(gate.socket);
        }
        addresses
    }

    pub(super) fn commit(&mut self, loaded: Loaded, listeners: Listeners) -> Reloaded {
        let old = Rc::clone(self.server.config());
        let mut config = loaded.config;
        let to_strings = |names: Vec<&'static str>| names.into_iter().map(ToOwned::to_owned).collect();
        let restart_needed = to_strings(config::restart_needed(&old, &config));
        config::keep_until_restart(&old, &mut config);
        let mut warnings: Vec<_> = loaded.warnings.iter().map(Diagnostic::one_line).collect();
        warnings.extend(self.unwanted(&config.listen));
        let is_new = |token: &u64| listeners.added.contains(token);
        let new_gates = self.gates.iter().filter(|gate| is_new(&gate.token));
        let report = Reloaded {
            changed: to_strings(config::changes(&old, &config)),
            restart_needed,
            warnings,
            listeners_added: new_gates.map(|gate| gate.kind.to_string()).collect(),
            listeners_removed: self.close_gates(&listeners.removed),
        };
        for gate in &mut self.gates {
            let now = listeners.kept.iter().find(|(token, _)| *token == gate.token);
            if let (GateKind::Chat { requested, .. }, Some((_, now))) = (&mut gate.kind, now) {
                *requested = Rc::new(Endpoint::Address(*now));
            }
        }
        if self.draining {
            // Those that are new begin as the others are.
            self.silence_gates(true);
        }
        log::set_max_level(config.log.level);
        self.tell(Input::Reload(Rc::new(config)));
        record(&report);
        let (removed, added) = (&report.listeners_removed, &report.listeners_added);
        for (addresses, step) in [(removed, ListenerStep::Closed), (added, ListenerStep::Opened)] {
            for address in addresses {
                self.happened(|| Happening::Listener { address: address.clone(), step });
            }
        }
        report
    }
}

/// A reload under way, and what became of the last ones.
pub(super) struct Reloading {
    /// The configuration is being read.
    reads: bool,
    /// It is to be read again after that.
    again: bool,
    /// Requests that are answered when it has been read.
    now: Waiting,
    /// Requests that are answered when it has been read again.
    later: Waiting,
    /// What the daemon goes back to, unless that is confirmed which it has.
    pub(super) pending: Option<Pending>,
    /// When the configuration in force was put there, in milliseconds of the monotonic clock.
    pub(super) since_ms: u64,
    /// Whether that was by going back.
    pub(super) rolled_back: bool,
}

impl Reloading {
    /// None, at the start.
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            reads: false,
            again: false,
            now: Waiting::default(),
            later: Waiting::default(),
            pending: None,
            since_ms: now_ms,
            rolled_back: false,
        }
    }
}

/// Those who wait for one reading of the configuration, and what they want of it together.
#[derive(Default)]
struct Waiting {
    wish: Wish,
    waiters: Vec<Waiter>,
}

impl Waiting {
    fn push(&mut self, wish: Wish, waiter: Option<Waiter>) {
        self.wish = self.wish.with(wish);
        self.waiters.extend(waiter);
    }
}

/// What is to be done with a configuration that has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    /// It is to be compared with the one in force.
    looks: bool,
    /// It is to be taken over.
    takes_over: bool,
    /// It is to be confirmed within so many seconds then.
    confirm_within: Option<u64>,
}

impl Wish {
    const RELOAD: Self = Self { looks: false, takes_over: true, confirm_within: None };

    fn of(request: &Request) -> Self {
        match request {
            Request::ConfigApply { confirm_within } => {
                Self { confirm_within: *confirm_within, ..Self::RELOAD }
            }
            Request::Reload => Self::RELOAD,
            Request::ConfigDiff => Self { looks: true, ..Self::default() },
            _ => Self::default(),
        }
    }

    /// Both. Of two times to confirm in, the shorter one holds.
    fn with(self, other: Self) -> Self {
        let times = [self.confirm_within, other.confirm_within];
        Self {
            looks: self.looks || other.looks,
            takes_over: self.takes_over || other.takes_over,
            confirm_within: times.into_iter().flatten().min(),
        }
    }
}

/// What came of reading the configuration.
pub(super) struct Read {
    /// Of taking it over, if somebody has asked for that.
    pub(super) reloaded: Result<Reloaded, RpcError>,
    /// Of comparing it with the one that was in force before, if somebody has asked for that.
    pub(super) difference: Result<ConfigDiff, RpcError>,
}

impl Read {
    /// It was not read.
    pub(super) fn refused(error: RpcError) -> Self {
        Self { reloaded: Err(error.clone()), difference: Err(error) }
    }
}

/// What is wrong with a configuration. Whoever has room for one problem gets one that must be solved.
fn problems(error: &LoadError) -> Vec<Problem> {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        error.problems.iter().partition(|problem| problem.severity == Severity::Error);
    errors.into_iter().chain(warnings).map(Problem::from).collect()
}

/// Who waits for a reload.
pub(super) enum Waiter {
    /// Admin requests.
    Admin(Parked),
    /// A server operator; each waits for one reload at a time.
    Client(ClientId),
}

impl Waiter {
    fn wish(&self) -> Wish {
        match self {
            Self::Admin(parked) => parked.requests().map(Wish::of).fold(Wish::default(), Wish::with),
            Self::Client(_) => Wish::RELOAD,
        }
    }
}

/// What came of a reload, for those who watch.
pub(super) fn happening(outcome: &Result<Reloaded, RpcError>) -> Happening {
    let (changed, restart_needed, problems) = match outcome {
        Ok(report) => (report.changed.clone(), report.restart_needed.clone(), 0),
        Err(error) => {
            let problems = error.data.as_ref().and_then(|data| data["problems"].as_array());
            (Vec::new(), Vec::new(), problems.map_or(0, |problems| problems.len() as u64))
        }
    };
    Happening::Reload { done: outcome.is_ok(), changed, restart_needed, problems }
}

/// What came of a reload, in a line.
fn in_words(outcome: &Result<Reloaded, RpcError>) -> Result<String, String> {
    match outcome {
        Ok(report) if report.changed.is_empty() => Ok("nothing has changed".to_owned()),
        Ok(report) if report.restart_needed.is_empty() => {
            Ok(format!("changed {}", report.changed.join(", ")))
        }
        Ok(report) => {
            let (changed, later) = (report.changed.join(", "), report.restart_needed.join(", "));
            Ok(format!("changed {changed}; only a restart will change {later}"))
        }
        Err(error) => Err(first_problem(error).unwrap_or_else(|| error.message.clone())),
    }
}

/// The first problem of a configuration, where it is, and how many more there are. The folder of the file stays on this
/// machine.
fn first_problem(error: &RpcError) -> Option<String> {
    let problems = error.data.as_ref()?["problems"].as_array()?;
    let first = problems.first()?;
    let file = first["file"].as_str().and_then(|file| file.rsplit('/').next());
    let place = ["line", "column"].iter().map_while(|name| first[*name].as_u64()).map(|it| it.to_string());
    let place: Vec<_> = file.map(str::to_owned).into_iter().chain(place).collect();
    let place = if place.is_empty() { String::new() } else { format!("{}: ", place.join(":")) };
    let more = problems.len() - 1;
    let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
    Some(format!("{place}{}{more}", first["message"].as_str()?))
}

fn not_passed(name: &str) -> BindError {
    let reason = "it was not passed to chatd when it started, and a reload cannot add it; restart the socket unit and chatd";
    BindError::new(format_args!("the inherited socket `{name}`"), reason)
}

/// A problem that is in no file.
fn unlocated(error: &BindError) -> Problem {
    let message = error.to_string();
    Problem { file: None, line: None, column: None, report: message.clone(), message }
}

/// Listeners that a reload keeps, opens and closes, by token. All others stay as they are.
#[derive(Default)]
pub(super) struct Listeners {
    /// With the address as the configuration has it now.
    kept: Vec<(u64, SocketAddr)>,
    added: Vec<u64>,
    removed: Vec<u64>,
}

fn record(report: &Reloaded) {
    let list = |names: &[String]| Quoted(names.join(",")).to_string();
    for address in &report.listeners_removed {
        log::info!("unlisten address={address}");
    }
    for address in &report.listeners_added {
        log::info!("listen address={address}");
    }
    for warning in &report.warnings {
        log::warn!("reload: {warning}");
    }
    if !report.restart_needed.is_empty() {
        log::warn!("reload: needs a restart to take effect: {}", report.restart_needed.join(", "));
    }
    log::info!("reload changed={} restart_needed={}", list(&report.changed), list(&report.restart_needed));
}
