//! Times of rest: nothing more goes wrong, everybody hears everything, and all must agree. And the end.

use std::collections::{BTreeMap, BTreeSet};

use chatd::net::Signal;

use crate::bot::{Bot, Stage};
use crate::client::{Client, Role};
use crate::config;
use crate::line::fold;
use crate::world::{ROOMY, World};

/// Milliseconds after which everybody must have heard everything: less than the silence after which the server
/// asks who is still there, as that would wake what has gone to sleep. Long enough for the throttle.
const PATIENCE_MS: u64 = 40_000;
const _: () = assert!(PATIENCE_MS < config::PING_INTERVAL_MIN as u64 * 1_000);

/// Turns in a row in which nobody waits for anything, and then all is quiet.
const QUIET_TURNS: u32 = 3;

impl World {
    /// Nothing more goes wrong, and everybody reads: then all that was asked has its answer, and all agree.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        self.calm();
        for client in &mut self.clients {
            client.appetite = None;
            self.shell.driver_mut().set_capacity(client.remote, ROOMY);
            if let Role::Noise(noise) = &mut client.role {
                noise.to_send.extend(b"\r\n");
            }
        }
        self.until_quiet()?;
        for client in &mut self.clients {
            if let Role::Bot(bot) = &mut client.role {
                bot.confirm();
            }
        }
        self.until_quiet()?;
        self.agree()?;
        self.shell.check();
        let bots = self.clients.iter().filter_map(|client| client.bot().filter(|_| client.open));
        let alive: BTreeSet<u32> = bots.map(|bot| bot.number).collect();
        self.totals.deliveries = self.ledger.deliveries;
        self.totals.settled += 1;
        self.totals.ends = self.shell.server().stats().disconnects;
        self.ledger.close(&alive)?;
        self.forget_gone()?;
        for client in &mut self.clients {
            if let Role::Bot(bot) = &mut client.role {
                bot.excused = client.finished;
            }
        }
        Ok(())
    }

    /// Takes out the clients that are gone. What became of each the log has told, if it had ever been let in.
    fn forget_gone(&mut self) -> Result<(), String> {
        let driver = self.shell.driver_mut();
        let (gone, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.clients)
            .into_iter()
            .partition(|client| !client.open && driver.is_closed(client.remote));
        self.clients = rest;
        let untold = |client: &&Client| client.met && client.end.is_none() && !client.is_admin();
        match gone.iter().find(untold) {
            Some(client) => Err(format!("{} is gone, and the log does not say so", client.describe())),
            None => Ok(()),
        }
    }

    fn until_quiet(&mut self) -> Result<(), String> {
        let mut quiet_turns = 0;
        let end = self.now.mono_ms + PATIENCE_MS;
        while self.now.mono_ms < end {
            for client in self.clients.iter_mut().filter(|client| client.open && !client.finished) {
                let bytes: Vec<u8> = client.waiting().drain(..).collect();
                let remote = client.remote;
                if !bytes.is_empty() {
                    self.shell.driver_mut().send(remote, &bytes);
                }
            }
            let soon = self.now.mono_ms + 1_000;
            let next = self.shell.deadline().map_or(soon, |at| at.clamp(self.now.mono_ms, soon));
            self.now.unix_ms += next - self.now.mono_ms;
            self.now.mono_ms = next;
            self.turn(false)?;
            self.read_all()?;
            let quiet = self.loads == 0 && self.jobs.len() == 0 && self.waiting().is_empty();
            quiet_turns = if quiet { quiet_turns + 1 } else { 0 };
            if quiet_turns == QUIET_TURNS {
                return Ok(());
            }
        }
        let waiting: Vec<_> = self.waiting().into_iter().map(Client::describe).collect();
        Err(format!("still waiting after {PATIENCE_MS} ms: {}, reloads {}", waiting.join("; "), self.loads))
    }

    /// Clients that wait for something, or whose end has not been noticed.
    fn waiting(&mut self) -> Vec<&Client> {
        let driver = self.shell.driver_mut();
        let waits = |client: &&Client| {
            let noticed = client.open == driver.token(client.remote).is_some();
            // With more to be sent than a turn may, some of it is sent in the next. What noise has sent is answered for
            // long, as it is slowed down.
            let heeded = client.open && !matches!(client.role, Role::Noise(_));
            let lacks = heeded && client.parcel.missing() > 0 && !driver.is_broken(client.remote);
            lacks || !noticed || !client.is_quiet()
        };
        self.clients.iter().filter(waits).collect()
    }

    /// All bots see the same channels, and themselves where the others see them; nobody has another's nick.
    fn agree(&self) -> Result<(), String> {
        let live = self.clients.iter().filter(|client| client.open);
        let bots: Vec<&Bot> =
            live.clone().filter_map(Client::bot).filter(|it| it.stage == Stage::Registered).collect();
        let mut nicks = BTreeMap::new();
        let mut channels = BTreeMap::new();
        for bot in &bots {
            if let Some(other) = nicks.insert(fold(&bot.nick), bot.number) {
                return Err(format!("bots {other} and {} have the nick {}", bot.number, bot.nick));
            }
            for (channel, view) in &bot.views {
                let (first, expected) = channels.entry(channel).or_insert((bot.number, view));
                if !expected.agrees_with(view) {
                    return Err(format!("{channel}: bots {first} and {} see others there", bot.number));
                }
                for member in view.members.values() {
                    let other = bots.iter().find(|bot| Some(bot.number) == member.bot);
                    if other.is_some_and(|it| it.nick != member.nick || !it.views.contains_key(channel)) {
                        return Err(format!(
                            "{channel}: bot {} sees {}, who is not",
                            bot.number, member.nick
                        ));
                    }
                }
            }
        }
        let connections = live.filter(|client| !matches!(client.role, Role::Admin(_))).count() as u64;
        let counted = self.shell.server().stats().connections;
        if counted == connections {
            return Ok(());
        }
        Err(format!("{counted} connections are counted, there are {connections}"))
    }

    /// The server is told to stop: it ends in time, whoever reads or not, and those who read have been told.
    pub(crate) fn shut_down(&mut self) -> Result<(), String> {
        let stuck = self.random_client();
        if let Some(at) = stuck {
            let remote = self.clients[at].remote;
            self.clients[at].appetite = Some(0);
            self.clients[at].excuse();
            self.shell.driver_mut().set_capacity(remote, 10);
        }
        // What other threads are doing may never end.
        self.jobs.stalled = self.rng.one_in(3);
        let patience = u64::from(self.shell.server().config().timeouts.shutdown) * 1_000;
        let end = self.now.mono_ms + patience;
        for client in &mut self.clients {
            client.excuse();
        }
        self.stopping = true;
        self.shell.begin(self.now);
        self.shell.signal(Signal::Stop);
        self.shell.end();
        self.hand_over();
        self.note_ends()?;
        while !self.shell.is_finished() {
            if self.now.mono_ms > end {
                return Err(format!("not finished {patience} ms after it was told to stop"));
            }
            self.turn(false)?;
            self.read_all()?;
        }
        self.read_all()?;
        // Who still waited to be let in when the listener was closed is nobody's client.
        for (at, client) in self.clients.iter().enumerate().filter(|(_, client)| client.met) {
            match &client.role {
                Role::Bot(bot) if Some(at) != stuck && !client.finished && bot.error.is_none() => {
                    return Err(format!("{} was not told that the server stops", client.describe()));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
