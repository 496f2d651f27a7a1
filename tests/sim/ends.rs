//! How connections end, and whether they may begin: what the log says of each, and whether that can be.

use std::cell::RefCell;
use std::fmt::{self, Write};

use chatd::net::fake::Call;
use chatd::server::Cause;
use log::{Log, Metadata, Record};

use crate::bot::Stage;
use crate::client::Role;
use crate::world::World;

/// What the log begins with when a chat connection ends; `client=` follows.
const CHAT: &str = "quit client=";
/// The same for an admin connection.
const ADMIN: &str = "admin quit client=";
/// What it begins with when a chat connection is accepted.
const CONNECT: &str = "connect client=";
/// The same when the server takes no new clients from now on, or takes them again; `true` or `false` follows.
const DRAIN: &str = "drain on=";

thread_local! {
    /// What was logged and not looked at.
    static LOGGED: RefCell<Vec<Logged>> = const { RefCell::new(Vec::new()) };
}

/// What there is to be known of a record.
enum Logged {
    /// A connection has ended: its token, and the cause.
    End(u64, String),
    /// A chat connection was accepted.
    Connect,
    /// The server drains from now on, or no more.
    Drain(bool),
}

/// Forgets what was logged of another world.
pub(crate) fn forget() {
    LOGGED.with_borrow_mut(Vec::clear);
}

/// Begins to listen to what is logged.
pub(crate) fn listen() {
    static READER: Reader = Reader;
    log::set_logger(&READER).expect("nobody else listens");
    log::set_max_level(log::LevelFilter::Info);
}

/// Reads the log, each thread its own world's.
struct Reader;

impl Log for Reader {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("chatd::net")
    }

    fn log(&self, record: &Record<'_>) {
        let mut beginning = Beginning(String::new());
        // An error means that it is about something else.
        if !self.enabled(record.metadata()) || beginning.write_fmt(*record.args()).is_err() {
            return;
        }
        let text = beginning.0;
        let begun = match text.strip_prefix(DRAIN) {
            Some(on) => Some(Logged::Drain(on.starts_with("true"))),
            None => text.starts_with(CONNECT).then_some(Logged::Connect),
        };
        if let Some(begun) = begun {
            return LOGGED.with_borrow_mut(|logged| logged.push(begun));
        }
        let fields = text.strip_prefix(ADMIN).or_else(|| text.strip_prefix(CHAT)).unwrap_or_default();
        let token = fields.split(' ').next().and_then(|token| token.parse().ok());
        let cause = fields.split(' ').find_map(|field| field.strip_prefix("cause="));
        if let (Some(token), Some(cause)) = (token, cause) {
            LOGGED.with_borrow_mut(|logged| logged.push(Logged::End(token, cause.to_owned())));
        }
    }

    fn flush(&self) {}
}

/// Takes text for as long as it may be about one of these, as most of the log is about something else.
struct Beginning(String);

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        let may_be = |start: &str| {
            let length = start.len().min(self.0.len());
            self.0.as_bytes()[..length] == start.as_bytes()[..length]
        };
        if [CHAT, ADMIN, CONNECT, DRAIN].into_iter().any(may_be) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// Why a connection ended, and when.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) cause: String,
    pub(crate) mono_ms: u64,
}

impl World {
    /// Takes note of what was logged in this turn.
    pub(crate) fn note_ends(&mut self) -> Result<(), String> {
        for logged in LOGGED.with_borrow_mut(std::mem::take) {
            let (token, cause) = match logged {
                Logged::End(token, cause) => (token, cause),
                Logged::Connect if self.draining => {
                    return Err("somebody is let in while it drains".to_owned());
                }
                Logged::Connect => continue,
                Logged::Drain(on) => {
                    self.note_drain(on);
                    continue;
                }
            };
            let driver = self.shell.driver_mut();
            let remote = driver.at_slot(token as u32).ok_or("an end of nobody is logged")?;
            let Some(at) = self.position(remote) else {
                return Err(format!("{token} ended with cause={cause} and had been forgotten"));
            };
            let end = End { cause, mono_ms: self.now.mono_ms };
            self.note(|| format!("client at {at} ends: {end:?}"));
            let client = &mut self.clients[at];
            if let Some(before) = client.end.replace(end.clone()) {
                return Err(format!("{} ended twice: {before:?}, {end:?}", client.describe()));
            }
            self.can_be(at, &end).map_err(|fault| {
                format!("{}: cause={} is wrong: {fault}", self.clients[at].describe(), end.cause)
            })?;
        }
        for client in &mut self.clients {
            client.taken = self.shell.driver_mut().bytes_taken(client.remote);
        }
        Ok(())
    }

    /// The server takes no new clients, or takes them again. Those who wait to be accepted are refused; nobody else is sent away.
    fn note_drain(&mut self, on: bool) {
        (self.draining, self.drained) = (on, true);
        self.totals.drains += u64::from(on);
        self.note(|| format!("drain: {on}"));
        for client in &mut self.clients {
            if self.shell.driver_mut().token(client.remote).is_none() {
                client.excuse();
            }
        }
    }

    /// Whether the server listens where it should, and nowhere if it drains. Where a call has failed, it may not.
    pub(crate) fn check_listening(&mut self) -> Result<(), String> {
        let wanted: Vec<_> =
            self.shell.server().config().listen.iter().filter_map(|it| it.address.address()).collect();
        let driver = self.shell.driver_mut();
        if self.stopping || driver.happened().errors[Call::SetListening as usize] > 0 {
            return Ok(());
        }
        match wanted.into_iter().find(|address| driver.is_listening(*address) == self.draining) {
            Some(address) => Err(format!("draining: {}, and {address} is otherwise", self.draining)),
            None => Ok(()),
        }
    }

    /// Whether a connection can have ended for that reason.
    fn can_be(&mut self, at: usize, end: &End) -> Result<(), String> {
        let config = self.shell.server().config();
        let timeouts = &config.timeouts;
        let registration = u64::from(timeouts.registration) * 1_000;
        let send_queue = u64::from(self.send_queue[0].min(self.send_queue[1]));
        let client = &self.clients[at];
        let age = self.now.mono_ms - client.since_ms;
        let is_bot = client.bot().is_some();
        let registered = client.bot().is_some_and(|bot| bot.stage != Stage::Registering);
        let broken = self.shell.driver_mut().is_broken(client.remote);
        // When it was decided, nothing had been written in this turn.
        let unsent = client.parcel.given() - client.taken;
        let cause = Cause::ALL.into_iter().find(|cause| cause.name() == end.cause);
        let (holds, otherwise) = match (cause, &client.role) {
            (Some(Cause::SendQueue), Role::Admin(_)) => (true, ""),
            (Some(Cause::SendQueue), _) => {
                (unsent + LARGEST_PIECE > send_queue || self.scarce, "its send queue was not full")
            }
            (Some(Cause::Stalled), _) => (unsent > 0, "nothing waits for it"),
            (None, _) | (Some(_), Role::Admin(_)) => (false, "no such cause"),
            (Some(Cause::Quit), _) => (!is_bot, "no bot says QUIT"),
            (Some(Cause::Eof), _) => (client.finished || broken, "it has not closed"),
            (Some(Cause::Error), _) => (broken, "nothing has failed"),
            (Some(Cause::PingTimeout), _) => {
                (age >= crate::config::SILENCE_MIN_MS, "it has not been silent for so long")
            }
            (Some(Cause::RegistrationTimeout), _) => {
                (age >= registration && !registered, "it has more time, or is registered")
            }
            (Some(Cause::Kill), _) => (self.operated, "no operator has asked for anything"),
            (Some(Cause::Password), _) => (!is_bot, "bots know the password"),
            (Some(Cause::Ban), _) => (false, "all bans are of nobody"),
            (Some(Cause::Refused), _) => (!registered, "it was let in"),
            (Some(Cause::Shutdown), _) => (self.stopping, "nobody stops the server"),
        };
        if holds { Ok(()) } else { Err(format!("{otherwise} ({unsent} bytes unsent, {age} ms old)")) }
    }

    /// A connection is over for the client: its end has been logged, and it has got what it had to get.
    pub(crate) fn check_end(&mut self, at: usize) -> Result<(), String> {
        let client = &self.clients[at];
        let driver = self.shell.driver_mut();
        let (remote, missing) = (client.remote, client.parcel.missing());
        if client.met && client.end.is_none() && !client.is_admin() {
            return Err("its connection has ended, and the log does not say so".to_owned());
        }
        if missing == 0 || driver.is_broken(remote) {
            return Ok(());
        }
        if driver.is_finished(remote) && !driver.is_destroyed(remote) {
            return Err(format!("it was told that all is said, and {missing} bytes are missing"));
        }
        let now = self.now.mono_ms;
        let cut = client.end.as_ref().is_some_and(|end| match end.cause.as_str() {
            "send_queue" | "stalled" => true,
            // It had its time to take the rest, or there was no memory for that.
            _ => now >= end.mono_ms + LAST_WORDS_MS || self.stopping || self.scarce,
        });
        // An admin connection that the client has closed is closed without a word in the log.
        let excused = client.finished && client.is_admin();
        if cut || excused {
            return Ok(());
        }
        Err(format!("{missing} bytes are missing, and {:?} is no reason for that", client.end))
    }
}

/// More than is ever given to one client in one piece.
const LARGEST_PIECE: u64 = 24 * 1024;

/// How long somebody who is dismissed has for what is still waiting, in milliseconds.
const LAST_WORDS_MS: u64 = chatd::proto::limits::LINGER_MS;
