//! The shell: everything with a file descriptor, one mio `Poll`, one thread.
//!
//! It moves bytes and knows no IRC beyond "a line ends at a line feed". What a turn of the loop does, and in
//! which order, is said in one place, [`Shell`].
//!
//! | file | what is there |
//! |---|---|
//! | `driver` | what the shell asks of the operating system, and mio's answer |
//! | `fake` | the same without an operating system, for tests |
//! | `listener`, `socket_file` | sockets that are bound before the loop runs |
//! | `inherited` | sockets that others have bound before that |
//! | `shell` | [`Shell`]: the turn, timers, effects, shutdown |
//! | `conn` | one connection: state, line framing, buffers |
//! | `backlog` | those who do not read: for how long |
//! | `system` | the calls that are `unsafe` |
//! | `memory` | how much there is, and what to do when it comes to an end |
//! | `trim` | when what was there for many is given back |
//! | `drain` | no new clients |
//! | `accept`, `input`, `output` | the shell's three ways with descriptors |
//! | `admin`, `busiest`, `list`, `stats`, `operate`, `bans`, `filters` | the admin socket's answers |
//! | `audit` | who has changed what, in the log |
//! | `watch` | who is told of events as they happen |
//! | `reload` | taking over a new configuration |
//! | `confirm` | going back to the one before, unless somebody says that the new one is good |
//! | `jobs` | work that can block: what the server asks for and what becomes of it |
//! | `worker`, `crews` | the threads that do it, and the queue in which they report |
//! | `resolve` | names of addresses |
//! | `supervision` | what a supervisor of the process is told |
//! | `journal` | events as log records, and for those who watch |

mod accept;
mod admin;
mod audit;
mod backlog;
mod bans;
mod busiest;
mod confirm;
mod conn;
mod crews;
mod drain;
mod driver;
pub mod fake;
mod filters;
mod inherited;
mod input;
mod jobs;
mod journal;
mod list;
mod listener;
mod memory;
mod operate;
mod output;
mod reload;
mod resolve;
mod shell;
mod socket_file;
mod stats;
mod supervision;
mod system;
mod trim;
mod watch;
mod worker;

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use mio::Events;
use mio::net::UnixListener;
use nix::sys::signal::{self, SigSet};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use crate::config::Config;
use crate::load::{LoadError, Loaded};
use crate::proto::limits::{EVENTS, SPARE_DESCRIPTORS};
use crate::server::{State, Time};
use crate::state_file::StateFile;
use driver::{MioDriver, MioListener};
use jobs::Tools;
use socket_file::SocketFile;

pub use driver::{Credentials, Driver, Origin, Process, Ready};
pub use inherited::Inherited;
pub use jobs::{Job, Outcome};
pub use listener::{BindError, Bound, Listeners};
pub use memory::Memory;
pub use shell::{Shell, Signal};
pub use socket_file::AdminSocket;
pub use supervision::{Notice, Phase, Status};

/// Reads the configuration again, for a reload: the file, and the files that it names.
/// It runs on a thread of its own, as files can be slow.
pub type Loader = Box<dyn Fn() -> Loading + Send + Sync>;

/// What came of reading it.
pub type Loading = Result<Loaded, LoadError>;

/// Tells a supervisor of the process something, without waiting; false when it could not be told.
pub type Tell = Box<dyn FnMut(Notice) -> bool>;

/// Who looks after the process, such as systemd.
pub struct Supervisor {
    /// Tells it.
    pub tell: Tell,
    /// It ends a process from which it has not heard for so long; `None` if it does not.
    pub watchdog: Option<Duration>,
}

/// All that [`run`] needs.
pub struct Setup {
    /// The configuration in force.
    pub config: Rc<Config>,
    /// Reads it again.
    pub loader: Loader,
    /// Where state is saved; none if there is no place for it.
    pub state: Option<StateFile>,
    /// What was saved there when the daemon was last running.
    pub saved: State,
    /// Where chat clients connect.
    pub listeners: Listeners,
    /// Where operators connect.
    pub admin: AdminSocket,
    /// Where those connect who may look and change nothing, if there is such a place.
    pub monitor: Option<AdminSocket>,
    /// How many log records have been dropped since the start. The level is set by [`log::set_max_level`].
    pub log_dropped: Box<dyn Fn() -> u64>,
    /// Called when the loop is set up and handles signals, before its first turn: from here on a signal
    /// ends in a clean stop, so this is when the daemon says that it is ready.
    pub ready: Box<dyn FnOnce()>,
    /// Who looks after the process, if anybody.
    pub supervisor: Option<Supervisor>,
}

/// The token of the signals.
const SIGNALS: u64 = 0;
/// The token of the waker.
const WAKER: u64 = 1;
/// The first token of a listener.
const FIRST_GATE: u64 = 2;

/// Serves until a signal or an operator says stop. Removes the admin socket's files before it returns.
///
/// SIGPIPE needs nothing done: Rust's runtime ignores it, and a write to a closed socket is an error.
///
/// # Errors
/// When the loop cannot be set up, or the system refuses to wait for events.
pub fn run(setup: Setup) -> io::Result<()> {
    let Setup { config, loader, state, saved, listeners, admin, monitor, log_dropped, ready, supervisor } =
        setup;
    let AdminSocket { listener, path, file } = admin;
    let tools = Tools { loader, state };
    let mut files: Vec<SocketFile> = file.into_iter().collect();
    let watching = monitor.map(|monitor| {
        files.extend(monitor.file);
        (monitor.path, monitor.listener)
    });
    let outcome = Loop::new(config, tools, log_dropped).and_then(|mut it| {
        it.shell.restore(saved);
        it.adopt(listeners, &path.display().to_string(), listener)?;
        if let Some((path, listener)) = watching {
            it.adopt_monitor(&path.display().to_string(), listener)?;
        }
        ready();
        if let Some(Supervisor { tell, watchdog }) = supervisor {
            it.shell.driver_mut().report_to(tell);
            it.shell.supervise(watchdog.map(|interval| interval.as_millis() as u64));
        }
        it.run()
    });
    files.into_iter().for_each(SocketFile::remove);
    outcome
}

/// Holds the loop's signals back until [`run`] handles them: from here on, none ends the process half started, with its
/// files left behind. Threads and children made before [`run`] do not get them at all.
///
/// # Errors
/// The system's; none is known.
pub fn hold_signals() -> io::Result<()> {
    Ok(held().thread_block()?)
}

/// Takes [`hold_signals`] back, for a process that will not come to [`run`].
///
/// # Errors
/// The system's; none is known.
pub fn release_signals() -> io::Result<()> {
    Ok(held().thread_unblock()?)
}

fn held() -> SigSet {
    SigSet::from_iter([signal::SIGTERM, signal::SIGINT, signal::SIGHUP])
}

/// The one loop of the process.
struct Loop {
    shell: Shell<MioDriver>,
    signals: Signals,
    clock: Clock,
}

impl Loop {
    fn new(config: Rc<Config>, tools: Tools, log_dropped: Box<dyn Fn() -> u64>) -> io::Result<Self> {
        let mut driver = MioDriver::new()?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        driver.watch(&mut signals, SIGNALS)?;
        // Those that came while the process started are delivered now.
        held().thread_unblock()?;
        driver.hire(tools, WAKER)?;
        let clock = Clock { start: Instant::now() };
        let now = clock.time(clock.start);
        let shell = Shell::new(driver, config, seed(), now, log_dropped);
        Ok(Self { shell, signals, clock })
    }

    /// Takes over what was bound at start; the daemon says where that is.
    fn adopt(
        &mut self,
        listeners: Listeners,
        path: &str,
        admin: std::os::unix::net::UnixListener,
    ) -> io::Result<()> {
        for bound in listeners.bound {
            self.shell.listen(bound.into_mio())?;
        }
        self.shell.listen_admin(path, MioListener::Unix(UnixListener::from_std(admin)))?;
        self.shell.limit_connections(room());
        self.shell.watch_memory();
        Ok(())
    }

    fn adopt_monitor(&mut self, path: &str, socket: std::os::unix::net::UnixListener) -> io::Result<()> {
        self.shell.listen_monitor(path, MioListener::Unix(UnixListener::from_std(socket)))
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        let mut end = Instant::now();
        loop {
            let timeout = self.clock.until(self.shell.deadline(), end);
            match self.shell.driver_mut().poll(&mut events, timeout) {
                Ok(()) => {}
                // A signal: it has its event as well. The time left is another one now.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    end = Instant::now();
                    continue;
                }
                Err(error) => return Err(error),
            }
            let begin = Instant::now();
            self.shell.begin(self.clock.time(begin));
            for event in &events {
                match event.token().0 as u64 {
                    SIGNALS => self.take_signals(),
                    WAKER => self.take_results(),
                    token => self.shell.event(token, event.into()),
                }
            }
            self.shell.end();
            end = Instant::now();
            self.shell.took(end - begin);
            if self.shell.is_finished() {
                self.shell.log_end();
                return Ok(());
            }
        }
    }

    /// A wake is a hint: there may be any number of results, or none.
    fn take_results(&mut self) {
        for outcome in self.shell.driver_mut().outcomes() {
            self.shell.finished(outcome);
        }
    }

    /// Signals are merged and come in no order, so they are taken as a set, in which stopping beats reloading.
    fn take_signals(&mut self) {
        let pending: Vec<_> = self.signals.pending().collect();
        if pending.iter().any(|signal| [SIGTERM, SIGINT].contains(signal)) {
            self.shell.signal(Signal::Stop);
        } else if pending.contains(&SIGHUP) {
            self.shell.signal(Signal::Reload);
        }
    }
}

/// The clock of the loop.
struct Clock {
    start: Instant,
}

impl Clock {
    fn time(&self, now: Instant) -> Time {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Time { mono_ms: self.mono_ms(now), unix_ms: unix.as_millis() as u64 }
    }

    fn mono_ms(&self, now: Instant) -> u64 {
        (now - self.start).as_millis() as u64
    }

    /// How long to wait for events; no longer than an hour, which is no harm and keeps far from what `epoll_wait` can take.
    fn until(&self, deadline: Option<u64>, now: Instant) -> Option<Duration> {
        let wait = deadline?.saturating_sub(self.mono_ms(now));
        Some(Duration::from_millis(wait.min(3_600_000)))
    }
}

/// From the system's randomness, as the keys of the standard library's hash maps are.
fn seed() -> [u64; 2] {
    [(); 2].map(|()| RandomState::new().build_hasher().finish())
}

/// How many connections the process has descriptors for. The daemon has raised the limit as far as the system allows.
fn room() -> usize {
    let process = driver::process();
    let room = process.descriptors_limit.saturating_sub(process.descriptors + SPARE_DESCRIPTORS);
    usize::try_from(room).unwrap_or(usize::MAX)
}
