//! What clients read, and what becomes of them when there is nothing more to read.

use chatd::server::Cause;
use memchr::memmem;

use crate::bot::{Bot, Stage};
use crate::client::Role;
use crate::line::Line;
use crate::world::World;

/// What an address of a bot, or the name of one, begins with.
const SIGNS: [&[u8]; 2] = [b"10.1.0.", b"10-1-0-"];

impl World {
    /// Clients read, and check what they read.
    pub(crate) fn read_all(&mut self) -> Result<(), String> {
        for at in 0..self.clients.len() {
            if self.clients[at].open {
                self.read(at).map_err(|fault| format!("{}: {fault}", self.clients[at].describe()))?;
            }
        }
        Ok(())
    }

    fn read(&mut self, at: usize) -> Result<(), String> {
        let client = &mut self.clients[at];
        let (remote, most) = (client.remote, client.appetite.unwrap_or(usize::MAX));
        let driver = self.shell.driver_mut();
        let bytes = driver.receive(remote, most);
        let over = bytes.len() < most && driver.has_ended(remote);
        let destroyed = driver.is_destroyed(remote);
        if !bytes.is_empty() {
            self.totals.bytes += bytes.len() as u64;
            if client.met {
                client.parcel.arrive(&bytes)?;
            }
            let mut inbox = std::mem::take(&mut client.inbox);
            inbox.extend(bytes);
            let heard = self.hear_all(at, &mut inbox);
            self.clients[at].inbox = inbox;
            heard?;
        }
        if over || destroyed {
            self.end(at, destroyed)?;
        }
        Ok(())
    }

    /// Takes the whole lines out of what a client has read.
    fn hear_all(&mut self, at: usize, inbox: &mut Vec<u8>) -> Result<(), String> {
        let mut used = 0;
        while let Some(length) = memchr::memchr(b'\n', &inbox[used..]) {
            let line = &inbox[used..used + length];
            self.totals.lines += 1;
            self.hear(at, line).map_err(|fault| format!("{fault}, in {}", String::from_utf8_lossy(line)))?;
            used += length + 1;
        }
        inbox.drain(..used);
        Ok(())
    }

    fn hear(&mut self, at: usize, line: &[u8]) -> Result<(), String> {
        if let Role::Admin(admin) = &mut self.clients[at].role {
            self.totals.answers += 1;
            return admin.hear(line);
        }
        let line = line.strip_suffix(b"\r").ok_or("LF without CR")?;
        let text = std::str::from_utf8(line).map_err(|error| format!("not UTF-8: {error}"))?;
        let parsed = Line::parse(text)?;
        let client = &mut self.clients[at];
        if !client.met && parsed.command != "ERROR" {
            return Err("the server does not know it and talks to it".to_owned());
        }
        let operated = client.witness.operated;
        client.witness.hear(text)?;
        self.totals.operators += u64::from(client.witness.operated && !operated);
        let hidden = self.cloaks && SIGNS.iter().any(|sign| memmem::find(line, sign).is_some());
        match &mut client.role {
            Role::Bot(bot) => {
                if hidden && !bot.is_about_itself(&parsed) {
                    return Err("it shows where a bot is".to_owned());
                }
                let (number, heard) = (bot.number, bot.heard);
                bot.hear(&parsed, &mut self.ledger, &mut self.rng)?;
                self.totals.barriers += bot.heard - heard;
                self.note(|| format!("bot {number} < {text}"));
            }
            _ if hidden => return Err("it shows where a bot is".to_owned()),
            // What is asked of any line holds for these, too; they believe the rest.
            Role::Noise(_) | Role::Admin(_) => {}
        }
        Ok(())
    }

    /// A connection has ended from the server's side.
    fn end(&mut self, at: usize, destroyed: bool) -> Result<(), String> {
        self.check_end(at)?;
        let broken = self.shell.driver_mut().is_broken(self.clients[at].remote);
        let (crowded, scarce) = (self.is_crowded(), self.scarce);
        let client = &mut self.clients[at];
        client.open = false;
        // Whether so much was waiting for it has been judged by what was unsent, as it may be in a storm.
        let overflowed = client.end.as_ref().is_some_and(|end| end.cause == Cause::SendQueue.name());
        // Who is leaving while memory is short, or has not taken it in time, may lose what was to be said last: whether that
        // is so has been judged.
        let cut = client.end.is_some() && (scarce || client.parcel.missing() > 0);
        let mut excused = client.is_excused() || broken || overflowed || cut;
        if let Role::Bot(bot) = &mut client.role {
            // One that is not let in may not even hear why, as what it sent is not read any more.
            excused |= bot.stage == Stage::Registering && (bot.error.is_some() || crowded);
            bot.stage = Stage::Gone;
            if !excused {
                let (Bot { error, .. }, end) = (&**bot, &client.end);
                return Err(format!("was disconnected for nothing: {error:?}, reset: {destroyed}, {end:?}"));
            }
        }
        if !excused && !client.inbox.is_empty() {
            return Err("the connection ended within a line".to_owned());
        }
        Ok(())
    }

    /// Whether somebody may not be let in.
    fn is_crowded(&self) -> bool {
        let config = self.shell.server().config();
        let limits = &config.limits;
        limits.connections < 1_000
            || limits.connections_per_address < 1_000
            || config.throttle.connections > 0
            || self.locked
            || self.drained
            || self.scarce
    }
}
