//! What `watch` tells of: the events, and the notifications that carry them.
//!
//! A notification is a JSON-RPC request without an id, on a line of its own: method `event` with an [`Event`], or method
//! `gap` with a [`Gap`]. No event has the text of a message in it. What users typed is there as it is in the log: nicks,
//! names of channels, and the words of QUIT and KICK.

use serde::{Deserialize, Serialize};

/// The method of a notification with an [`Event`].
pub const EVENT: &str = "event";
/// The method of a notification with a [`Gap`].
pub const GAP: &str = "gap";

/// The kinds of events, by name.
pub const EVENTS: [&str; 20] = [
    "ban", "banned", "connect", "drain", "filter", "flood", "gateway", "join", "kick", "kill", "limit",
    "listener", "lockdown", "nick", "oper", "part", "quit", "register", "reload", "shutdown",
];

/// The parameters of a notification with the method `event`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The number of the event among those that this connection watches, from 1. With those that are missing behind a
    /// gap, none is left out.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970.
    pub time: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// The parameters of a notification with the method `gap`: here events are missing, as they came faster than they were
/// read, or than they can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The number of the last event that is missing.
    pub seq: u64,
    /// When this was written, in milliseconds since 1970.
    pub time: u64,
    /// How many events are missing.
    pub missed: u64,
}

/// Something that an operator may want to see happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Happening {
    /// A ban from the server was set or removed, or its time was over.
    Ban {
        /// What became of it.
        step: BanStep,
        /// One of [`super::BANS`].
        ban: String,
        /// Who is meant.
        mask: String,
        /// Who did it: `nick!user@host`, or which user through the admin socket; `None` when its time was over.
        by: Option<String>,
        /// What those are told who are meant, when it was set.
        reason: Option<String>,
        /// When it ends, in milliseconds since 1970; `None` if it does not, or is no more.
        expires: Option<u64>,
    },
    /// Somebody did not get in for a ban.
    Banned {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// `nick!user@host`.
        user: String,
        /// What they were told.
        reason: String,
    },
    /// A client has connected.
    Connect {
        /// The connection's id.
        client: u64,
        /// IP address and port it comes from.
        address: String,
        /// The listener that accepted it.
        listener: String,
    },
    /// New connections are refused from now on, or accepted again.
    Drain {
        /// Whether they are refused.
        on: bool,
    },
    /// A content filter has found something.
    Filter {
        /// The connection's id.
        client: u64,
        /// Nick, of a user.
        nick: Option<String>,
        /// `nick!user@host`, of a user.
        user: Option<String>,
        /// The name of the filter.
        filter: String,
        /// The command with the text.
        command: String,
        /// What the filter did: one of [`super::ACTIONS`].
        action: String,
    },
    /// A user sends too fast and is slowed down.
    Flood {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// `nick!user@host`.
        user: String,
    },
    /// A gateway has said whom it speaks for, or was not let to.
    Gateway {
        /// The connection's id.
        client: u64,
        /// The gateway's name in the configuration; `None` if it was refused.
        gateway: Option<String>,
        /// The address that it speaks for; `None` if it was refused.
        address: Option<String>,
        /// Why it was refused.
        refused: Option<String>,
    },
    /// A user has entered a channel.
    Join {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// The channel.
        channel: String,
    },
    /// A user was removed from a channel.
    Kick {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// The channel.
        channel: String,
        /// By whom: a nick, or the server's name for the admin socket.
        by: String,
        /// The comment.
        reason: String,
    },
    /// A user is disconnected by an operator.
    Kill {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// `nick!user@host`.
        user: String,
        /// By whom: a nick, or the server's name for the admin socket.
        by: String,
        /// The comment.
        reason: String,
    },
    /// A limit was met. Of each, one event a second tells.
    Limit {
        /// Which: a reason of `refused` in `stats`, or `send_queues` for connections that were cut off as all together
        /// held too much.
        limit: String,
        /// How often since the event before.
        count: u64,
        /// The last one: an address, or what was short.
        last: Option<String>,
    },
    /// A listener was opened or closed.
    Listener {
        /// Its address.
        address: String,
        /// What became of it.
        step: ListenerStep,
    },
    /// The panic switch was turned.
    Lockdown {
        /// Whether it is on.
        on: bool,
    },
    /// A user has taken another nick.
    Nick {
        /// The connection's id.
        client: u64,
        /// The nick before.
        from: String,
        /// The nick now.
        to: String,
    },
    /// A user became a server operator or failed to, stopped being one, or used a privilege.
    Oper {
        /// What happened.
        step: OperStep,
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// `nick!user@host`.
        user: String,
        /// The name of the `[[oper]]`, or what was given as that; `None` for the use of a privilege.
        name: Option<String>,
        /// The name of the `[[oper_class]]`, for who became one.
        class: Option<String>,
        /// Why it failed, or for what a privilege was used.
        what: Option<String>,
    },
    /// A user has left a channel.
    Part {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// The channel.
        channel: String,
    },
    /// A connection has ended.
    Quit {
        /// The connection's id.
        client: u64,
        /// Nick, of a user.
        nick: Option<String>,
        /// `nick!user@host`, of a user.
        user: Option<String>,
        /// Why: a reason of `disconnects` in `stats`.
        cause: String,
        /// What others were told.
        reason: String,
    },
    /// A client became a user.
    Register {
        /// The connection's id.
        client: u64,
        /// Nick.
        nick: String,
        /// `nick!user@host`.
        user: String,
    },
    /// The configuration was read again.
    Reload {
        /// Whether it is in force; if not, nothing has changed.
        done: bool,
        /// Settings that changed.
        changed: Vec<String>,
        /// Settings that changed in the file, but not in the running daemon.
        restart_needed: Vec<String>,
        /// Problems for which it was refused.
        problems: u64,
    },
    /// The daemon stops.
    Shutdown {
        /// Chat connections that are told.
        connections: u64,
        /// What they are told.
        reason: String,
    },
}

/// What became of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BanStep {
    /// It is in force.
    Set,
    /// It was removed.
    Unset,
    /// Its time was over.
    Ended,
}

/// What became of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerStep {
    /// It accepts connections.
    Opened,
    /// It does not any more.
    Closed,
    /// It was closed, as the system had an error for it.
    Broken,
}

/// What happened to a server operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperStep {
    /// The user is one from now on.
    Became,
    /// The user is none, and tried to be.
    Refused,
    /// The user is none any more.
    Ceased,
    /// The operator used a privilege.
    Acted,
}

impl Happening {
    /// The kind, one of [`EVENTS`].
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ban { .. } => "ban",
            Self::Banned { .. } => "banned",
            Self::Connect { .. } => "connect",
            Self::Drain { .. } => "drain",
            Self::Filter { .. } => "filter",
            Self::Flood { .. } => "flood",
            Self::Gateway { .. } => "gateway",
            Self::Join { .. } => "join",
            Self::Kick { .. } => "kick",
            Self::Kill { .. } => "kill",
            Self::Limit { .. } => "limit",
            Self::Listener { .. } => "listener",
            Self::Lockdown { .. } => "lockdown",
            Self::Nick { .. } => "nick",
            Self::Oper { .. } => "oper",
            Self::Part { .. } => "part",
            Self::Quit { .. } => "quit",
            Self::Register { .. } => "register",
            Self::Reload { .. } => "reload",
            Self::Shutdown { .. } => "shutdown",
        }
    }
}

/// Some of the kinds of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u32);

const _: () = assert!(EVENTS.len() <= u32::BITS as usize);

impl Kinds {
    /// All of them.
    pub const ALL: Self = Self((1 << EVENTS.len()) - 1);

    /// Those of these names; all if there are none. What is no kind is left out.
    pub fn of<T: AsRef<str>>(names: &[T]) -> Self {
        if names.is_empty() {
            return Self::ALL;
        }
        Self(names.iter().filter_map(|name| bit(name.as_ref())).fold(0, |all, bit| all | bit))
    }

    /// Whether the kind of this name is among them.
    pub fn has(self, name: &str) -> bool {
        bit(name).is_some_and(|bit| self.0 & bit != 0)
    }

    /// These and those.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Their names, in the order of [`EVENTS`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        EVENTS.into_iter().filter(move |name| self.has(name))
    }
}

fn bit(name: &str) -> Option<u32> {
    EVENTS.binary_search(&name).ok().map(|index| 1 << index)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_sorted_and_found_by_name() {
        assert!(EVENTS.is_sorted());
        assert_eq!(Kinds::of(&EVENTS), Kinds::ALL);
        assert_eq!(Kinds::of::<&str>(&[]), Kinds::ALL);
        let some = Kinds::of(&["part", "join", "nonsense"]);
        assert_eq!(some.names().collect::<Vec<_>>(), ["join", "part"]);
        assert!(some.has("join") && !some.has("kick") && !some.has("nonsense"));
        assert_eq!(some.or(Kinds::of(&["kick"])).names().count(), 3);
    }

    #[test]
    fn an_event_is_one_flat_object_and_reads_back() {
        let what = Happening::Join { client: u64::MAX, nick: "ann".into(), channel: "#c".into() };
        let event = Event { seq: 7, time: 1_700_000_000_000, what };
        let json = serde_json::to_value(&event).unwrap();
        let expected = json!({
            "seq": 7, "time": 1_700_000_000_000_u64, "kind": "join", "client": u64::MAX, "nick": "ann", "channel": "#c"
        });
        assert_eq!(json, expected);
        assert_eq!(json["kind"], event.what.kind());
        assert_eq!(serde_json::from_value::<Event>(json).unwrap(), event);
    }
}
