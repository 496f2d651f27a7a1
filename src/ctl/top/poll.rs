//! The thread that asks the daemon, so that the screen and the keyboard never wait for it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::state::Sample;
use crate::admin::{Busy, Kicked, Request, Target};
use crate::ctl::Failure;
use crate::ctl::busiest::{self, Active, Talks};
use crate::ctl::daemon::Daemon;

/// Clients and channels that are asked for: what a tall terminal shows.
const BUSIEST: usize = 60;
/// The shortest time between two tries to reach a daemon that is gone.
const RETRY: Duration = Duration::from_secs(1);

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Disconnect a client.
    Kick { id: u64, reason: Option<String> },
    /// Look no more, or again.
    Pause(bool),
    /// Look so often.
    Interval(Duration),
}

/// What the thread tells.
#[derive(Debug)]
pub(super) enum Told {
    /// A look at the daemon.
    Sample(Box<Sample>),
    /// Something was done, or refused.
    Done { text: String, bad: bool },
    /// The daemon cannot be reached, and why.
    Lost(String),
}

/// Asks the daemon, and tells what it says, until nobody listens.
pub(super) struct Poller {
    pub(super) socket: Option<PathBuf>,
    pub(super) timeout: Duration,
    pub(super) interval: Duration,
    /// The connection, while there is one.
    pub(super) daemon: Option<Daemon>,
}

impl Poller {
    /// Goes on until nobody gives orders any more.
    pub(super) fn run<T>(mut self, orders: &Receiver<Order>, events: &Sender<T>, event: impl Fn(Told) -> T) {
        let (mut paused, mut due) = (false, Instant::now());
        loop {
            let wait =
                if paused { Duration::from_hours(1) } else { due.saturating_duration_since(Instant::now()) };
            let told = match orders.recv_timeout(wait) {
                Ok(Order::Pause(on)) => {
                    (paused, due) = (on, Instant::now());
                    continue;
                }
                Ok(Order::Interval(interval)) => {
                    (self.interval, due) = (interval, due.min(Instant::now() + interval));
                    continue;
                }
                Ok(Order::Kick { id, reason }) => {
                    due = Instant::now();
                    self.kick(id, reason)
                }
                Err(RecvTimeoutError::Timeout) if paused => continue,
                Err(RecvTimeoutError::Timeout) => {
                    let told = self.look();
                    let lost = matches!(told, Told::Lost(_));
                    due = Instant::now() + if lost { self.interval.max(RETRY) } else { self.interval };
                    told
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if events.send(event(told)).is_err() {
                return;
            }
        }
    }

    fn look(&mut self) -> Told {
        match self.with_daemon(sample) {
            Ok(sample) => Told::Sample(Box::new(sample)),
            Err(Failure::Refused(refusal)) => Told::Lost(refusal.message),
            Err(other) => Told::Lost(words(other)),
        }
    }

    fn kick(&mut self, id: u64, reason: Option<String>) -> Told {
        let request = Request::Kick { target: Target::Id(id), channel: None, reason };
        let outcome = self.with_daemon(|daemon| {
            let result = daemon.call(&request)?;
            serde_json::from_str::<Kicked>(result.get()).map_err(|error| daemon.nonsense(&error.to_string()))
        });
        match outcome {
            Ok(Kicked { nick: Some(nick), .. }) => {
                Told::Done { text: format!("disconnected {nick}"), bad: false }
            }
            Ok(Kicked { id, .. }) => Told::Done { text: format!("disconnected client {id}"), bad: false },
            Err(Failure::Refused(refusal)) => Told::Done { text: refusal.message, bad: true },
            Err(other) => Told::Lost(words(other)),
        }
    }

    /// Does something with the connection, which is made if there is none, and given up if it does not work.
    fn with_daemon<T>(&mut self, work: impl FnOnce(&mut Daemon) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut daemon = match self.daemon.take() {
            Some(daemon) => daemon,
            None => Daemon::connect(self.socket.clone(), true, self.timeout)?,
        };
        let outcome = work(&mut daemon);
        if matches!(outcome, Ok(_) | Err(Failure::Refused(_))) {
            self.daemon = Some(daemon);
        }
        outcome
    }
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::Unreachable(what) => what,
        other => format!("{other:?}"),
    }
}

fn sample(daemon: &mut Daemon) -> Result<Sample, Failure> {
    let result = daemon.call(&Request::Stats)?;
    // The rates are those between two looks at the counters, so this is when it was.
    let at = Instant::now();
    let stats = serde_json::from_str(result.get()).map_err(|error| daemon.nonsense(&error.to_string()))?;
    let channels = busy(daemon, Busy::Channels)?;
    let clients = busy(daemon, Busy::Clients)?;
    Ok(Sample { at, stats, channels, clients })
}

fn busy<T: Talks>(daemon: &mut Daemon, what: Busy) -> Result<Vec<Active<T>>, Failure> {
    Ok(busiest::fetch(daemon, what, BUSIEST)?.0)
}
