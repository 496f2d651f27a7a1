//! What operators, the machine and bad luck do in each round: reloads good and bad, kicks, bans, lists, a process that is
//! stopped for a second, and one that has no descriptors left.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::daemon::{Content, Daemon};

/// Between two looks at the daemon.
const LOOK: Duration = Duration::from_millis(500);
/// Descriptors while there are none.
const STARVED: u64 = 3;

/// What is done, in this order.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Bans somebody who is not there, and takes the ban back: two writes of the state file.
    Bans,
    /// SIGHUP with another configuration.
    HangsUp,
    /// Waits until that is in force.
    SeesChange,
    /// SIGHUP with a configuration that cannot be used.
    HangsUpInVain,
    /// Waits until it has been refused.
    SeesRefusal,
    /// Asks for a reload of the bad one.
    ReloadsInVain,
    /// Asks for a reload of the usual one.
    Reloads,
    /// SIGSTOP.
    Stops,
    /// SIGCONT.
    Continues,
    /// Takes all descriptors away that are not in use.
    Starves,
    /// Gives them back.
    Feeds,
}

/// When each is done at the earliest, in seconds from the beginning of a round.
const ACTS: [(f32, Act); 11] = [
    (1.0, Act::Bans),
    (2.0, Act::HangsUp),
    (2.2, Act::SeesChange),
    (3.0, Act::HangsUpInVain),
    (3.2, Act::SeesRefusal),
    (4.0, Act::ReloadsInVain),
    (5.0, Act::Reloads),
    (7.0, Act::Stops),
    (8.0, Act::Continues),
    (10.0, Act::Starves),
    (10.5, Act::Feeds),
];

pub(crate) struct Operator {
    begun: Instant,
    done: usize,
    /// When it looks again.
    look: Instant,
    looks: u32,
    /// Reloads that the log had said were refused.
    refused: u64,
    /// The daemon answers nobody now.
    helpless: bool,
    /// Descriptors that the daemon had at the beginning.
    descriptors: u64,
}

impl Operator {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        Self { begun: now, done: 0, look: now, looks: 0, refused: 0, helpless: false, descriptors }
    }

    /// Begins a round.
    pub(crate) fn begin(&mut self) {
        (self.begun, self.done) = (Instant::now(), 0);
    }

    /// Whether all of the round is done.
    pub(crate) fn is_over(&self) -> bool {
        self.done == ACTS.len()
    }

    /// What it is at, for a report.
    pub(crate) fn waits(&self) -> Option<String> {
        ACTS.get(self.done).map(|(_, act)| format!("the operator: {act:?}"))
    }

    /// Does what is due.
    pub(crate) fn go_on(&mut self, daemon: &Daemon, kicks: &mut VecDeque<String>) -> io::Result<()> {
        if !self.helpless {
            while let Some(nick) = kicks.pop_front() {
                daemon.request("kick", &json!({"nick": nick, "reason": "The soak"}))?;
            }
            if Instant::now() >= self.look {
                self.look = Instant::now() + LOOK;
                self.looks += 1;
                match self.looks % 4 {
                    0 => daemon.request("list", &json!({"what": "users", "limit": 100}))?,
                    1 => daemon.request("list", &json!({"what": "channels"}))?,
                    2 => daemon.request("list", &json!({"what": "connections", "limit": 100}))?,
                    _ => daemon.request("stats", &json!({}))?,
                };
            }
        }
        while let Some((after, act)) = ACTS.get(self.done)
            && self.begun.elapsed().as_secs_f32() >= *after
            && self.act(daemon, *act)?
        {
            self.done += 1;
        }
        Ok(())
    }

    /// Does it; says whether it is done.
    fn act(&mut self, daemon: &Daemon, act: Act) -> io::Result<bool> {
        match act {
            Act::Bans => {
                let mask = json!({"mask": "192.0.2.1", "reason": "The soak"});
                daemon.request("ban.add", &mask)?;
                daemon.request("ban.del", &json!({"mask": "192.0.2.1"}))?;
            }
            Act::HangsUp => {
                daemon.write(Content::Other)?;
                daemon.signal(Signal::SIGHUP)?;
            }
            Act::SeesChange => {
                let listeners = daemon.request("list", &json!({"what": "listeners"}))?;
                let chat = |item: &&Value| item["role"] == "chat";
                let count =
                    listeners["items"].as_array().map_or(0, |items| items.iter().filter(chat).count());
                return Ok(count == 2);
            }
            Act::HangsUpInVain => {
                self.refused = daemon.refused_reloads();
                daemon.write(Content::Bad)?;
                daemon.signal(Signal::SIGHUP)?;
            }
            Act::SeesRefusal => return Ok(daemon.refused_reloads() > self.refused),
            Act::ReloadsInVain => {
                let reply = daemon.ask("reload", &json!({}))?;
                if reply["error"]["data"]["problems"].as_array().is_none_or(Vec::is_empty) {
                    return Err(io::Error::other(format!("a bad configuration was not refused: {reply}")));
                }
            }
            Act::Reloads => {
                daemon.write(Content::Usual)?;
                let report = daemon.request("reload", &json!({}))?;
                let changed =
                    report["changed"].as_array().is_some_and(|it| it.contains(&json!("server.motd")));
                let closed = report["listeners_removed"].as_array().is_some_and(|it| it.len() == 1);
                if !changed || !closed {
                    return Err(io::Error::other(format!("a reload did something else: {report}")));
                }
            }
            Act::Stops => {
                daemon.signal(Signal::SIGSTOP)?;
                self.helpless = true;
            }
            Act::Starves => {
                daemon.limit_descriptors(STARVED)?;
                self.helpless = true;
            }
            Act::Continues => {
                daemon.signal(Signal::SIGCONT)?;
                self.helpless = false;
            }
            Act::Feeds => {
                daemon.limit_descriptors(self.descriptors)?;
                self.helpless = false;
            }
        }
        Ok(true)
    }
}
