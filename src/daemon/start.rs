//! Starting the daemon: from a configuration to the running loop.

use std::cell::Cell;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::unistd::Uid;

use super::announce::{Audience, Started, Warnings, say};
use super::detach::Report;
use super::notify;
use super::pidfile::PidFile;
use super::privileges::{self, Identity};
use super::sandbox::{self, Plan, Sandbox};
use super::{descriptors, panics};
use crate::config::{Config, Diagnostic, LogTarget};
use crate::load::{self, Given, Loaded};
use crate::log::{Handle, Quoted, Target, init};
use crate::net::{self, AdminSocket, Inherited, Listeners};
use crate::place::{self, Env};
use crate::proto::limits;
use crate::server::State;
use crate::state_file::{self, SaidBy, StateFile};

/// The name of the socket that is the admin socket, if it was passed on.
const ADMIN: &str = "admin";
/// The same of the monitor socket.
const MONITOR: &str = "monitor";
/// Where syslog daemons listen.
const DEV_LOG: &str = "/dev/log";

/// A daemon with all that it needs, not yet detached and still with the privileges it was started with.
pub(super) struct Prepared {
    config: Rc<Config>,
    path: Option<PathBuf>,
    given: Given,
    target: LogTarget,
    audience: Audience,
    identity: Option<Identity>,
    pid_file: Option<PidFile>,
    listeners: Listeners,
    admin: AdminSocket,
    monitor: Option<AdminSocket>,
    state: Option<StateFile>,
    saved: State,
    /// The facts, for the person who started it.
    pub(super) started: Started,
    warnings: Warnings,
}

impl Prepared {
    /// Looks up, locks and binds.
    ///
    /// # Errors
    /// A sentence. Nothing of what was made on the way is left then.
    pub(super) fn new(
        loaded: Loaded,
        given: Given,
        mut inherited: Inherited,
        target: LogTarget,
        audience: Audience,
    ) -> Result<Self, String> {
        let Loaded { config, path, warnings: problems } = loaded;
        let mut warnings = Warnings::new(audience);
        for problem in problems {
            warnings.add_as(&problem, config_record(&problem));
        }
        let identity = privileges::resolve(&config.daemon)?;
        if identity.is_none() && Uid::effective().is_root() {
            warnings.add("running as root; better set [daemon] user, or start as another user");
        }
        if target == LogTarget::Syslog
            && let Err(error) = probe(Path::new(DEV_LOG))
        {
            let reason = error.raw_os_error().map_or("unreachable", |code| Errno::from_raw(code).desc());
            warnings.add(&format!(
                "no syslog daemon at {DEV_LOG} ({}): until there is one, records are lost",
                reason.to_lowercase()
            ));
        }
        if let Some(warning) = descriptors::raise_limit(&config) {
            warnings.add(&warning);
        }
        // A stop that is asked for in the middle of a start is one of a daemon that has started: nothing is left behind.
        net::hold_signals().map_err(|error| format!("signals cannot be held: {error}"))?;
        let pid_file = match &config.daemon.pid_file {
            // An absolute path, as all in the configuration: it means the same after the change to another folder.
            Some(path) => Some(PidFile::lock(path)?),
            None => None,
        };
        let bound =
            bind(&config, identity.as_ref(), &mut inherited).and_then(|(listeners, admin, monitor)| {
                match open_state(&config, identity.as_ref(), &mut warnings) {
                    Ok((state, saved)) => Ok((listeners, admin, monitor, state, saved)),
                    Err(message) => {
                        monitor.into_iter().chain([admin]).for_each(AdminSocket::remove);
                        Err(message)
                    }
                }
            });
        match bound {
            Ok((listeners, admin, monitor, state, saved)) => {
                for name in inherited.names() {
                    warnings.add(&format!(
                        "the inherited socket {name:?} is in no [[listen]]: nobody is let in there"
                    ));
                }
                let started = Started::new(path.clone(), listeners.addresses(), admin.path());
                Ok(Self {
                    config: Rc::new(config),
                    path,
                    given,
                    target,
                    audience,
                    identity,
                    pid_file,
                    listeners,
                    admin,
                    monitor,
                    state,
                    saved,
                    started,
                    warnings,
                })
            }
            Err(message) => {
                if let Some(pid_file) = pid_file {
                    pid_file.remove();
                }
                Err(message)
            }
        }
    }

    /// Removes what others can see, for a start that failed.
    pub(super) fn withdraw(self) {
        self.monitor.into_iter().chain([self.admin]).for_each(AdminSocket::remove);
        if let Some(pid_file) = self.pid_file {
            pid_file.remove();
        }
    }

    /// Runs until the daemon is told to stop.
    ///
    /// # Errors
    /// A sentence: the start failed, or the loop.
    pub(super) fn run(self, report: Option<Report>) -> Result<(), String> {
        let (log, sandbox) = match self.settle() {
            Ok(settled) => settled,
            Err(message) => {
                self.withdraw();
                if let Some(report) = report {
                    report.failed(&message);
                }
                return Err(message);
            }
        };
        panics::log_them(log.clone());
        let Self {
            config,
            path,
            mut given,
            audience,
            listeners,
            admin,
            monitor,
            state,
            saved,
            pid_file,
            started,
            warnings,
            ..
        } = self;
        warnings.log();
        if let Some(sandbox) = sandbox {
            sandbox.log();
            given.readable = sandbox.readable;
        }
        // A daemon that has detached is not the process that was asked to notify.
        let supervisor = if report.is_some() { None } else { notify::supervisor() };
        let report = Rc::new(Cell::new(report));
        let outcome = net::run(net::Setup {
            config,
            loader: Box::new(move || load::load(path.as_deref(), Some(&given))),
            state,
            saved,
            listeners,
            admin,
            monitor,
            log_dropped: dropped_of(log.clone()),
            ready: ready(audience, started, Rc::clone(&report)),
            supervisor,
        });
        if let Err(error) = &outcome
            && audience.log
        {
            log::error!("failed reason={}", Quoted(error));
        }
        if let Some(pid_file) = pid_file {
            pid_file.remove();
        }
        log.flush(limits::LOG_FLUSH);
        let outcome = outcome.map_err(|error| error.to_string());
        if let (Err(message), Some(report)) = (&outcome, report.take()) {
            report.failed(message);
        }
        outcome
    }

    /// Does in the daemon's own process what comes before it is ready: pid file, privileges, sandbox, log.
    fn settle(&self) -> Result<(Handle, Option<Sandbox>), String> {
        if let Some(pid_file) = &self.pid_file {
            pid_file.write().map_err(|error| format!("the pid file cannot be written: {error}"))?;
        }
        if let Some(identity) = &self.identity {
            let (admin, monitor) = (&self.config.admin, &self.config.monitor);
            let sockets = [
                ("admin", Some(&self.admin), &admin.group),
                ("monitor", self.monitor.as_ref(), &monitor.group),
            ];
            for (name, socket, group) in sockets {
                // The group only if the configuration does not name another one.
                let gid = group.is_none().then(|| identity.gid());
                let given = socket.map_or(Ok(()), |socket| socket.give_to(identity.uid(), gid));
                given.map_err(|error| {
                    format!("the {name} socket cannot be given to {}: {error}", identity.name())
                })?;
            }
            identity.assume()?;
        }
        let target = match self.target {
            LogTarget::Stderr => Target::stderr().map_err(|error| format!("stderr: {error}"))?,
            LogTarget::Syslog => {
                Target::Syslog { socket: DEV_LOG.into(), facility: self.config.log.facility }
            }
        };
        // Before the first thread, as threads are in the sandbox of those who start them.
        let sandbox = self.config.server.sandbox.then(|| sandbox::enter(&self.plan()));
        let log = init(target, self.config.log.level);
        Ok((log.map_err(|error| format!("the log cannot start: {error}"))?, sandbox))
    }

    /// What the daemon needs from now on.
    fn plan(&self) -> Plan {
        let mut plan = Plan::new(&self.config, self.path.as_deref(), &self.given);
        let state = self.state.as_ref().map(StateFile::path);
        plan.keeps_state_in(state.as_deref().and_then(Path::parent));
        plan.removes(self.admin.path());
        if let Some(monitor) = &self.monitor {
            plan.removes(monitor.path());
        }
        if let Some(pid_file) = &self.config.daemon.pid_file {
            plan.removes(pid_file);
        }
        plan
    }
}

/// What to do when the loop is set up: tell the log, and whoever waits for it.
fn ready(audience: Audience, started: Started, report: Rc<Cell<Option<Report>>>) -> Box<dyn FnOnce()> {
    Box::new(move || {
        if audience.log {
            started.log();
        }
        match report.take() {
            Some(report) => report.ready(),
            None if audience.person => say(started.sentences()),
            None => {}
        }
    })
}

fn dropped_of(log: Handle) -> Box<dyn Fn() -> u64> {
    Box::new(move || log.dropped())
}

/// Opens the folder of the state file, and reads what was saved there. None, with a warning, if there is nowhere to save
/// anything and nobody has said where.
///
/// # Errors
/// The folder that was named cannot be used, or what is in the file.
fn open_state(
    config: &Config,
    identity: Option<&Identity>,
    warnings: &mut Warnings,
) -> Result<(Option<StateFile>, State), String> {
    let configured = config.server.state_directory.as_deref();
    let owner = identity.map_or(Uid::effective(), Identity::uid).as_raw();
    let place = state_file::place(&Env::current(), configured);
    let opened = match &place {
        Some(place) => StateFile::open(place, owner),
        None => Err("there is no place for state, as HOME is not set".to_owned()),
    };
    match opened {
        Ok(state) => {
            let saved = restore(&state)?;
            Ok((Some(state), saved))
        }
        Err(message) if place.is_some_and(|place| place.said_by != SaidBy::Chatd) => Err(message),
        Err(message) => {
            warnings.add(&format!(
                "{message}; what operators set is forgotten at a restart; better set [server] state_directory"
            ));
            Ok((None, State::default()))
        }
    }
}

/// What was saved there.
///
/// # Errors
/// A report: what is wrong with the file, where, and what to do.
fn restore(state: &StateFile) -> Result<State, String> {
    let path = state.path();
    let fail = |what: String| {
        format!(
            "{}{what}\n   = help: put a good copy of it there, or move it away: chatd then starts without what it holds, \
             such as the bans that operators have set",
            path.display()
        )
    };
    match state.read() {
        Ok(None) => Ok(State::default()),
        Ok(Some(text)) => State::parse(&text)
            .map_err(|(line, column, message)| fail(format!(":{line}:{column}: error: {message}"))),
        Err(message) => Err(fail(format!(": error: {message}"))),
    }
}

/// All sockets: for chat, the admin socket and, if there is one, the monitor socket.
type Sockets = (Listeners, AdminSocket, Option<AdminSocket>);

/// Binds all sockets that are not among the `inherited`, and takes those that are.
fn bind(config: &Config, identity: Option<&Identity>, inherited: &mut Inherited) -> Result<Sockets, String> {
    let listeners = Listeners::bind(&config.listen, inherited).map_err(|error| error.to_string())?;
    if listeners.addresses().is_empty() {
        return Err("no address to listen on: this machine has none of the built-in ones; add a [[listen]]"
            .to_owned());
    }
    let mut control = |name| inherited.control(name).map_err(|error| error.to_string());
    let admin = match control(ADMIN)? {
        Some((path, listener)) => AdminSocket::inherited(path, listener),
        None => bind_admin(config, identity)?,
    };
    let monitor = control(MONITOR).and_then(|inherited| match inherited {
        Some((path, listener)) => Ok(Some(AdminSocket::inherited(path, listener))),
        None => bind_monitor(config),
    });
    match monitor {
        Ok(monitor) => Ok((listeners, admin, monitor)),
        Err(message) => {
            admin.remove();
            Err(message)
        }
    }
}

/// Makes the admin socket.
fn bind_admin(config: &Config, identity: Option<&Identity>) -> Result<AdminSocket, String> {
    let group = config.admin.group.as_deref().map(privileges::group).transpose();
    let group = group.map_err(|error| format!("[admin] group: {error}"))?;
    let place = place::of_daemon(&Env::current(), config.admin.socket.as_deref());
    let owner = identity.map_or(Uid::effective(), Identity::uid);
    place.prepare(owner.as_raw()).map_err(|error| error.to_string())?;
    let admin =
        AdminSocket::bind(&place.socket, config.admin.mode, group).map_err(|error| error.to_string())?;
    match place.hand_over(owner.as_raw()) {
        Ok(()) => Ok(admin),
        Err(error) => {
            admin.remove();
            Err(error.to_string())
        }
    }
}

/// Makes the monitor socket, if there is to be one.
fn bind_monitor(config: &Config) -> Result<Option<AdminSocket>, String> {
    let Some(path) = &config.monitor.socket else { return Ok(None) };
    let group = config.monitor.group.as_deref().map(privileges::group).transpose();
    let group = group.map_err(|error| format!("[monitor] group: {error}"))?;
    let bound = AdminSocket::bind(path, config.monitor.mode, group);
    bound.map(Some).map_err(|error| error.to_string())
}

/// Whether somebody receives datagrams there.
fn probe(socket: &Path) -> io::Result<()> {
    UnixDatagram::unbound()?.connect(socket)
}

/// The log record of a warning about the configuration.
fn config_record(warning: &Diagnostic) -> String {
    format!("config problem={}", Quoted(warning.one_line()))
}
