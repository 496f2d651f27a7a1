//! The chat server as a value: input and time go in, encoded lines and effects come out.
//!
//! It has no socket, clock, thread, file or global; the same calls in the same order always give
//! the same result. [`crate::net`] is the shell around it.

mod types;

use std::net::IpAddr;
use std::rc::Rc;

use crate::config::Config;
use crate::id::ClientId;
use crate::outbox::Outbox;

pub use types::*;

/// All that the chat server knows.
pub struct Server {
    config: Rc<Config>,
    effects: Vec<Effect>,
}

/// Counters and gauges of the server, for `stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Chat connections now, registered or not.
    pub connections: u64,
    /// Most chat connections at a time.
    pub connections_peak: u64,
    /// Chat connections since the start.
    pub connections_total: u64,
    /// Registered users now.
    pub users: u64,
    /// Channels now.
    pub channels: u64,
    /// Lines from clients.
    pub messages_in: u64,
    /// Connections that ended, by [`Cause::ALL`].
    pub disconnects: [u64; Cause::ALL.len()],
}

/// A registered user, as `list` shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// The connection.
    pub client: ClientId,
    /// Nick.
    pub nick: String,
    /// User name.
    pub user: String,
    /// Host as others see it.
    pub host: String,
    /// Address it connects from.
    pub address: IpAddr,
    /// Real name.
    pub realname: String,
    /// Channels, with the prefix that it has there.
    pub channels: Vec<String>,
    /// User modes, with a leading `+`.
    pub modes: String,
    /// When it connected, in [`Time::unix_ms`].
    pub connected_unix_ms: u64,
    /// Milliseconds since it last sent a message to somebody.
    pub idle_ms: u64,
    /// Lines from it.
    pub messages_in: u64,
}

/// A channel, as `list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Name.
    pub name: String,
    /// How many members it has.
    pub members: u64,
    /// Modes, with a leading `+`; no key is shown.
    pub modes: String,
    /// Topic; empty if there is none.
    pub topic: String,
    /// When it was created, in [`Time::unix_ms`].
    pub created_unix_ms: u64,
}

impl Server {
    /// An empty server. All its randomness comes from `seed`.
    pub fn new(config: Rc<Config>, seed: [u64; 2], now: Time) -> Self {
        let _ = (seed, now);
        Self { config, effects: Vec::new() }
    }

    /// Takes one input. What is to be said goes to `out`; what else is to be done, to [`Server::effects`].
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Outbox) {
        let _ = (now, input, out);
    }

    /// Effects since this was last asked, oldest first.
    pub fn effects(&mut self) -> std::vec::Drain<'_, Effect> {
        self.effects.drain(..)
    }

    /// When [`Input::Tick`] is due, in [`Time::mono_ms`]; in the past when long work waits for the next turn.
    pub fn deadline(&self) -> Option<u64> {
        None
    }

    /// Whether the next line of this client may be fed: it is not slowed down, and no long reply is under way.
    /// When it becomes ready again, [`Effect::Resume`] says so. False for a client that is gone.
    pub fn ready(&self, client: ClientId) -> bool {
        let _ = client;
        true
    }

    /// Whether one more connection from `address` is welcome. Cheap: asked before anything is allocated.
    ///
    /// # Errors
    /// Why it is not.
    pub fn admit(&self, address: IpAddr) -> Result<(), Refusal> {
        let _ = address;
        Ok(())
    }

    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// The configuration in force.
    pub fn config(&self) -> &Rc<Config> {
        &self.config
    }

    /// The user of that nick, whatever its case.
    pub fn find_nick(&self, nick: &str) -> Option<ClientId> {
        let _ = nick;
        None
    }

    /// Whether there is such a channel; if so, its name as it is spelt.
    pub fn find_channel(&self, name: &str) -> Option<&str> {
        let _ = name;
        None
    }

    /// Whether this user is in that channel.
    pub fn is_member(&self, client: ClientId, channel: &str) -> bool {
        let _ = (client, channel);
        false
    }

    /// `nick!user@host` of a registered user, the nick alone of a client that has only that yet.
    pub fn describe(&self, client: ClientId) -> Option<String> {
        let _ = client;
        None
    }

    /// The registered user behind a connection.
    pub fn user_info(&self, now: Time, client: ClientId) -> Option<UserInfo> {
        let _ = (now, client);
        None
    }

    /// The first channel whose index is at least `from`, and its index: a cursor over all channels, stable
    /// while others come and go.
    pub fn channel_from(&self, from: u32) -> Option<(u32, ChannelInfo)> {
        let _ = from;
        None
    }

    /// Checks every invariant.
    ///
    /// # Panics
    /// When one does not hold.
    pub fn check(&self, out: &Outbox) {
        let _ = out;
    }
}
