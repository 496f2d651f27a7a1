//! Taking over a new configuration: all of it or nothing.
//!
//! Everything that can fail comes first and is kept aside: reading and checking the configuration, which a
//! thread of its own does, then binding and registering new listeners. What is left cannot fail.

use std::net::SocketAddr;
use std::rc::Rc;

use super::admin::Parked;
use super::driver::Driver;
use super::jobs;
use super::shell::{GateKind, Shell};
use super::supervision::Phase;
use super::{BindError, Job, Loading};
use crate::admin::{Happening, ListenerStep, Problem, Reloaded, RpcError};
use crate::config::{self, Diagnostic, Endpoint, Listen, Severity};
use crate::id::ClientId;
use crate::load::Loaded;
use crate::log::Quoted;
use crate::proto::limits::ADMIN_CONNECTIONS;
use crate::server::Input;

impl<D: Driver> Shell<D> {
    /// Has the configuration read again. Whoever asks while it is being read has it read once more: what they
    /// mean may have been written after it was read.
    pub(super) fn reload(&mut self, waiter: Option<Waiter>) {
        if self.reloading.reads {
            self.reloading.again = true;
            self.reloading.later.extend(waiter);
            return;
        }
        self.reloading.now.extend(waiter);
        self.tell_phase(Phase::Reloading);
        self.reloading.reads = self.driver.begin(Job::Load);
        if !self.reloading.reads {
            self.loaded(Err(jobs::unread(jobs::NO_READER)));
        }
    }

    /// The configuration has been read: takes it over, or changes nothing and says why, in the log as well as to
    /// those who asked. Belongs to a turn, as an event does.
    pub fn loaded(&mut self, outcome: Loading) {
        self.reloading.reads = false;
        let outcome = if self.stopping.is_some() {
            Err(RpcError::refused("the server is stopping", Vec::new()))
        } else {
            self.take_over(outcome)
        };
        self.happened(|| read(&outcome));
        self.supervision.refused = outcome.is_err() && self.stopping.is_none();
        for waiter in std::mem::take(&mut self.reloading.now) {
            match waiter {
                Waiter::Admin(parked) => self.unpark(parked, &outcome),
                Waiter::Client(client) => self.tell(Input::Rehashed { client, outcome: in_words(&outcome) }),
            }
        }
        if std::mem::take(&mut self.reloading.again) {
            self.reloading.now = std::mem::take(&mut self.reloading.later);
            self.reload(None);
        }
    }

    /// Whether a configuration is being read.
    pub(super) fn is_reloading(&self) -> bool {
        self.reloading.reads
    }

    /// Whether so many requests wait for a reload that one more is not taken.
    pub(super) fn too_many_reloads(&self) -> bool {
        let waiting = self.reloading.now.iter().chain(&self.reloading.later);
        waiting.filter(|waiter| matches!(waiter, Waiter::Admin(_))).count() >= ADMIN_CONNECTIONS
    }

    fn take_over(&mut self, outcome: Loading) -> Result<Reloaded, RpcError> {
        let loaded = outcome.map_err(|error| {
            for problem in &error.problems {
                log::error!("reload refused: {}", problem.one_line());
            }
            // Whoever has room for one problem gets one that must be solved.
            let (errors, warnings): (Vec<_>, Vec<_>) =
                error.problems.iter().partition(|problem| problem.severity == Severity::Error);
            errors.into_iter().chain(warnings).map(located).collect::<Vec<_>>()
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
    fn prepare(&mut self, wanted: &[Listen]) -> Result<Listeners, Vec<BindError>> {
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

    fn commit(&mut self, loaded: Loaded, listeners: Listeners) -> Reloaded {
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

/// A reload under way.
#[derive(Default)]
pub(super) struct Reloading {
    /// The configuration is being read.
    reads: bool,
    /// It is to be read again after that.
    again: bool,
    /// Requests that are answered when it has been read.
    now: Vec<Waiter>,
    /// Requests that are answered when it has been read again.
    later: Vec<Waiter>,
}

/// Who waits for a reload.
pub(super) enum Waiter {
    /// Admin requests.
    Admin(Parked),
    /// A server operator; each waits for one reload at a time.
    Client(ClientId),
}

/// What came of a reload, for those who watch.
fn read(outcome: &Result<Reloaded, RpcError>) -> Happening {
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

/// A problem at a place of a file.
fn located(problem: &Diagnostic) -> Problem {
    Problem {
        file: Some(problem.file.clone()),
        line: problem.line.map(|line| line as u64),
        column: problem.column.map(|column| column as u64),
        message: problem.message.clone(),
        report: problem.to_string(),
    }
}

/// A problem that is in no file.
fn unlocated(error: &BindError) -> Problem {
    let message = error.to_string();
    Problem { file: None, line: None, column: None, report: message.clone(), message }
}

/// Listeners that a reload keeps, opens and closes, by token.
struct Listeners {
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
