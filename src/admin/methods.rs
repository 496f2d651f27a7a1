//! The one table of methods.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::EVENTS;
use crate::proto::duration;
use crate::proto::limits::{
    ADMIN_BUSIEST, ADMIN_BUSIEST_DEFAULT, ADMIN_PAGE, ADMIN_PAGE_DEFAULT, WATCH_MASK, WATCH_MASKS,
};

/// What a parameter's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string that is not empty and holds no NUL, CR or LF.
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// An array of some of these strings.
    Words(&'static [&'static str]),
    /// An array of 1 to [`WATCH_MASKS`] strings like [`Kind::Text`], each of at most [`WATCH_MASK`] bytes.
    Masks,
    /// A whole number in this range, both ends included.
    Integer(u64, u64),
    /// `true` or `false`; absent is `false`.
    Switch,
    /// A whole number, or the string of one: what a page's `next` is.
    Cursor,
    /// A length of time as [`duration::parse`] reads it.
    Duration,
}

impl Kind {
    /// The JSON type.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Choice(_) | Self::Duration => "string",
            Self::Words(_) | Self::Masks => "array",
            Self::Integer(..) => "integer",
            Self::Switch => "boolean",
            Self::Cursor => "string or integer",
        }
    }
}

impl fmt::Display for Kind {
    /// What was expected, for an error message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string that is not empty"),
            Self::Choice(words) => either(words, f),
            Self::Words(words) => {
                f.write_str("an array of some of ")?;
                either(words, f)
            }
            Self::Masks => write!(f, "an array of 1 to {WATCH_MASKS} masks of at most {WATCH_MASK} bytes"),
            Self::Integer(min, u64::MAX) => write!(f, "an integer from {min} on"),
            Self::Integer(min, max) => write!(f, "an integer from {min} to {max}"),
            Self::Switch => f.write_str("true or false"),
            Self::Cursor => f.write_str("the `next` of the page before"),
            Self::Duration => {
                let years = duration::LONGEST / (365 * 86_400);
                write!(f, "a length of time of at most {years} years, such as 12h, 1w3d or 90 (minutes)")
            }
        }
    }
}

/// One word or the other.
fn either(words: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (last, others) = words.split_last().expect("a choice has words");
    write!(f, "{} or {last}", others.join(", "))
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Param {
    /// Its name in `params`.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What it means.
    pub help: &'static str,
}

/// A method of the admin protocol.
#[derive(Debug, Serialize)]
pub struct Method {
    /// Its name in `method`; the verb of `chatctl` is the same, with `-` for `_` and a space for `.`.
    pub name: &'static str,
    /// One line about it.
    pub help: &'static str,
    /// Its parameters, in the order of a positional request.
    pub params: &'static [Param],
    /// Whether it changes something: then it is logged with its caller.
    pub changes: bool,
}

impl Serialize for Param {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("type", self.kind.name())?;
        match self.kind {
            Kind::Choice(words) | Kind::Words(words) => map.serialize_entry("values", words)?,
            Kind::Integer(min, max) => {
                map.serialize_entry("minimum", &min)?;
                if max < u64::MAX {
                    map.serialize_entry("maximum", &max)?;
                }
            }
            Kind::Text | Kind::Masks | Kind::Switch | Kind::Cursor | Kind::Duration => {}
        }
        map.serialize_entry("required", &self.required)?;
        map.serialize_entry("help", self.help)?;
        map.end()
    }
}

const fn optional(name: &'static str, kind: Kind, help: &'static str) -> Param {
    Param { name, kind, required: false, help }
}

const fn required(name: &'static str, kind: Kind, help: &'static str) -> Param {
    Param { name, kind, required: true, help }
}

/// Every method, by name.
pub const METHODS: &[Method] = &[
    Method {
        name: "announce",
        help: "Send a notice to every user",
        params: &[required("text", Kind::Text, "the notice")],
        changes: true,
    },
    Method {
        name: "ban.add",
        help: "Ban somebody from the server, which a restart keeps",
        params: &[
            required("mask", Kind::Text, "user@host, an address or a network"),
            required("reason", Kind::Text, "what those are told who are meant"),
            optional("duration", Kind::Duration, "how long it lasts; for ever if absent or 0"),
            optional("kind", Kind::Choice(&BANS), BAN_KIND_HELP),
        ],
        changes: true,
    },
    Method {
        name: "ban.del",
        help: "Remove a ban that was set while chatd runs",
        params: &[
            required("mask", Kind::Text, "the mask, as the list shows it"),
            optional("kind", Kind::Choice(&BANS), BAN_KIND_HELP),
        ],
        changes: true,
    },
    Method {
        name: "ban.list",
        help: "List the bans from the server, a page at a time",
        params: &[
            optional("match", Kind::Text, "only masks that match this one; * and ? are wild"),
            optional("limit", Kind::Integer(1, ADMIN_PAGE as u64), LIMIT_HELP),
            optional("after", Kind::Cursor, "the cursor next of the page before"),
        ],
        changes: false,
    },
    Method {
        name: "busiest",
        help: "Find the clients or channels with most messages now, some at a time",
        params: &[
            optional("what", Kind::Choice(&BUSY), "what to rank; clients if absent"),
            optional("limit", Kind::Integer(1, ADMIN_BUSIEST as u64), "at most so many items; 10 if absent"),
            optional("after", Kind::Cursor, "the cursor next of the answer before"),
        ],
        changes: false,
    },
    Method {
        name: "channel.info",
        help: "Show all that is known of a channel",
        params: &[required("channel", Kind::Text, "the channel")],
        changes: false,
    },
    Method {
        name: "channel.mode",
        help: "Change modes of a channel, as the server",
        params: &[
            required("channel", Kind::Text, "the channel"),
            required("modes", Kind::Text, "the changes as in MODE, such as +o-b nick mask"),
        ],
        changes: true,
    },
    Method {
        name: "channel.topic",
        help: "Show, set or clear the topic of a channel",
        params: &[
            required("channel", Kind::Text, "the channel"),
            optional("topic", Kind::Text, "the new topic; neither this nor clear only shows it"),
            optional("clear", Kind::Switch, "whether to clear it"),
        ],
        changes: true,
    },
    Method {
        name: "config.apply",
        help: "Read the configuration again, to stay or to be confirmed",
        params: &[optional(
            "confirm_within",
            Kind::Duration,
            "how long to wait for config.confirm before going back; for ever if absent",
        )],
        changes: true,
    },
    Method {
        name: "config.confirm",
        help: "Keep the configuration that waits for this",
        params: &[],
        changes: true,
    },
    Method {
        name: "config.diff",
        help: "Show what the configuration file has otherwise than the running daemon",
        params: &[],
        changes: false,
    },
    Method {
        name: "config.status",
        help: "Show since when the configuration is in force, and whether it waits to be confirmed",
        params: &[],
        changes: false,
    },
    Method {
        name: "drain",
        help: "Refuse new clients, or take them again; those who are there stay",
        params: &[optional("undo", Kind::Switch, "whether to take new clients again")],
        changes: true,
    },
    Method {
        name: "filter.add",
        help: "Add a filter, which a restart keeps",
        params: &[
            required("name", Kind::Text, "its name"),
            required("pattern", Kind::Text, "the regular expression it looks for"),
            optional("on", Kind::Text, "in which texts, separated by commas; message,notice if absent"),
            optional("action", Kind::Choice(&ACTIONS), "what happens then; block if absent"),
            optional("reason", Kind::Text, "what the sender is told"),
        ],
        changes: true,
    },
    Method {
        name: "filter.del",
        help: "Remove a filter that was added",
        params: &[required("name", Kind::Text, "its name")],
        changes: true,
    },
    Method { name: "filter.list", help: "List the filters", params: &[], changes: false },
    Method {
        name: "filter.test",
        help: "Show how the filters would judge a text",
        params: &[
            required("text", Kind::Text, "the text"),
            optional("on", Kind::Choice(&TEXTS), "what kind of text it is; message if absent"),
        ],
        changes: false,
    },
    Method { name: "help", help: "List the methods and their parameters", params: &[], changes: false },
    Method {
        name: "kick",
        help: "Disconnect a client, or remove a user from one channel",
        params: &[
            optional("nick", Kind::Text, "the user, by nick; either this or id"),
            optional("id", Kind::Integer(0, u64::MAX), "the client, by the id that list shows"),
            optional("channel", Kind::Text, "remove from this channel only"),
            optional("reason", Kind::Text, "shown to everybody who sees it"),
        ],
        changes: true,
    },
    Method {
        name: "list",
        help: "List users, channels, connections or listeners, a page at a time",
        params: &[
            optional("what", Kind::Choice(&WHATS), "what to list; users if absent"),
            optional(
                "match",
                Kind::Text,
                "a mask of nicks, nick!user@host, channel names or addresses; * and ? are wild",
            ),
            optional("channel", Kind::Text, "only users in this channel"),
            optional("limit", Kind::Integer(1, ADMIN_PAGE as u64), LIMIT_HELP),
            optional("after", Kind::Cursor, "the cursor next of the page before"),
        ],
        changes: false,
    },
    Method {
        name: "lockdown",
        help: "Turn the panic switch on or off, or show it",
        params: &[optional("state", Kind::Choice(&SWITCH), "what it is to be; show if absent")],
        changes: true,
    },
    Method {
        name: "log_level",
        help: "Show the log level, or change it until the next reload",
        params: &[optional("level", Kind::Choice(&LEVELS), "the new level")],
        changes: true,
    },
    Method {
        name: "oper.list",
        help: "List who is a server operator, a page at a time",
        params: &[
            optional("limit", Kind::Integer(1, ADMIN_PAGE as u64), LIMIT_HELP),
            optional("after", Kind::Cursor, "the cursor next of the page before"),
        ],
        changes: false,
    },
    Method {
        name: "reload",
        help: "Read the configuration again: all of it or nothing",
        params: &[],
        changes: true,
    },
    Method {
        name: "shutdown",
        help: "Tell every client, flush what is queued, and stop",
        params: &[optional("reason", Kind::Text, "shown to every client")],
        changes: true,
    },
    Method { name: "stats", help: "Show counters and gauges", params: &[], changes: false },
    Method { name: "unwatch", help: "End what watch has begun", params: &[], changes: false },
    Method {
        name: "user.info",
        help: "Show all that is known of a user",
        params: &[
            optional("nick", Kind::Text, "the user, by nick; either this or id"),
            optional("id", Kind::Integer(0, u64::MAX), "the user, by the id that list shows"),
        ],
        changes: false,
    },
    Method { name: "version", help: "Show name, version and process id", params: &[], changes: false },
    Method {
        name: "watch",
        help: "Tell this connection of events as they happen",
        params: &[
            optional("events", Kind::Words(&EVENTS), "only these kinds; all if absent"),
            optional("nick", Kind::Masks, "only events about users with such a nick; * and ? are wild"),
            optional("channel", Kind::Masks, "only events in channels with such a name"),
            optional("address", Kind::Masks, "only events about connections from such an IP address"),
        ],
        changes: false,
    },
];

/// The methods that change something or, without the parameter that says what to change, show how it is.
const SHOW_OR_CHANGE: [&str; 3] = ["channel.topic", "lockdown", "log_level"];

impl Method {
    /// Whether there is a request of it that changes nothing, so that it has a place on the monitor socket.
    pub fn can_look(&self) -> bool {
        !self.changes || SHOW_OR_CHANGE.contains(&self.name)
    }
}

/// What `list` lists.
pub const WHATS: [&str; 4] = ["users", "channels", "connections", "listeners"];
/// What `busiest` ranks.
pub const BUSY: [&str; 2] = ["clients", "channels"];
/// The kinds of bans from the server.
pub const BANS: [&str; 2] = ["dline", "kline"];
const BAN_KIND_HELP: &str =
    "what it is held against; if absent, dline for an address or network alone, else kline";
/// What a filter does.
pub const ACTIONS: [&str; 3] = ["block", "warn", "kill"];
/// The texts that filters look at.
pub const TEXTS: [&str; 8] = ["message", "notice", "part", "quit", "topic", "nick", "realname", "away"];
/// What `lockdown` does.
pub const SWITCH: [&str; 3] = ["on", "off", "show"];
/// Log levels.
pub const LEVELS: [&str; 5] = ["off", "error", "warn", "info", "debug"];
const LIMIT_HELP: &str = "at most so many items; 100 if absent";
const _: () = assert!(ADMIN_PAGE_DEFAULT == 100, "LIMIT_HELP says so");
const _: () = assert!(ADMIN_BUSIEST_DEFAULT == 10, "the row of busiest says so");

/// The method of that name.
pub fn method(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_required_parameters_come_first() {
        assert!(METHODS.is_sorted_by(|a, b| a.name < b.name));
        for method in METHODS {
            assert!(method.params.is_sorted_by_key(|param| !param.required), "{}", method.name);
            assert!(!method.help.is_empty() && method.params.iter().all(|param| !param.help.is_empty()));
        }
    }

    #[test]
    fn help_names_types_values_and_bounds() {
        let list = serde_json::to_value(method("list").unwrap()).unwrap();
        assert_eq!(list["params"][0]["values"], serde_json::json!(WHATS));
        assert_eq!(list["params"][3]["type"], "integer");
        assert_eq!(list["params"][3]["maximum"], 1000);
        assert_eq!(list["params"][4]["type"], "string or integer");
    }
}
