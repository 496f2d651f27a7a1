//! What the admin socket shows: read-only views of users and channels.

use std::net::IpAddr;

use super::{Cause, Server, Time};
use crate::id::ClientId;
use crate::proto::modes;

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
    /// Its connection class.
    pub class: String,
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
    /// Counters and gauges.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }

    /// Registered users.
    pub fn users(&self) -> u64 {
        self.stats.users
    }

    /// The user of that nick, whatever its case.
    pub fn find_nick(&self, nick: &str) -> Option<ClientId> {
        self.registered(nick).and_then(|slot| self.client(slot)).map(|client| client.id)
    }

    /// Whether there is such a channel; if so, its name as it is spelt.
    pub fn find_channel(&self, name: &str) -> Option<&str> {
        self.index_of(name).map(|index| &*self.channel(index).name)
    }

    /// Whether this user is in that channel.
    pub fn is_member(&self, client: ClientId, channel: &str) -> bool {
        let index = self.index_of(channel);
        index.is_some_and(|index| self.channel(index).has(client.slot)) && self.is_current(client)
    }

    fn is_current(&self, client: ClientId) -> bool {
        self.client(client.slot).is_some_and(|it| it.id == client)
    }

    /// `nick!user@host` of a registered user, the nick alone of a client that has only that yet.
    pub fn describe(&self, client: ClientId) -> Option<String> {
        let it = self.client(client.slot).filter(|it| it.id == client)?;
        match it.user() {
            Some(user) => Some(user.mask.to_string()),
            None => it.nick().map(ToString::to_string),
        }
    }

    /// The registered user behind a connection.
    pub fn user_info(&self, now: Time, client: ClientId) -> Option<UserInfo> {
        let it = self.client(client.slot).filter(|it| it.id == client)?;
        let user = it.user()?;
        let channel = |&index: &u32| {
            let channel = self.channel(index);
            let prefixes = channel.prefixes(client.slot).unwrap_or(0);
            modes::symbols(prefixes, false).chain(channel.name.chars()).collect()
        };
        Some(UserInfo {
            client,
            nick: user.nick.to_string(),
            user: user.user_name().to_owned(),
            host: user.host().to_owned(),
            address: it.peer.address,
            realname: user.realname.to_string(),
            channels: user.channels.iter().map(channel).collect(),
            modes: modes::user_modes(user.modes),
            connected_unix_ms: it.connected_unix_ms,
            idle_ms: now.mono_ms.saturating_sub(user.spoke_ms),
            messages_in: it.messages_in,
            class: self.classes.at(it.class).name.to_string(),
        })
    }

    /// The first channel whose index is at least `from`, and its index: a cursor over all channels, stable
    /// while others come and go.
    pub fn channel_from(&self, from: u32) -> Option<(u32, ChannelInfo)> {
        let (index, channel) = (from..self.channels.len() as u32)
            .find_map(|index| Some((index, self.channels[index as usize].as_ref()?)))?;
        Some((index, self.channel_info(channel)))
    }
}
