//! The protocol of the admin socket: JSON-RPC 2.0, one object or batch array per line each way.
//!
//! Shared by the daemon and `chatctl`, so that they cannot drift. [`METHODS`] is the one table of
//! methods; `help` prints it. Parsing and checking of requests is here, answering them is
//! [`crate::net`]'s.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// JSON-RPC: the line is not JSON.
pub const PARSE_ERROR: i64 = -32700;
/// JSON-RPC: the JSON is not a request.
pub const INVALID_REQUEST: i64 = -32600;
/// JSON-RPC: there is no such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: a parameter is missing, unknown or of the wrong kind.
pub const INVALID_PARAMS: i64 = -32602;
/// No user, client or channel of that name.
pub const NOT_FOUND: i64 = 1;
/// The new configuration was refused; `data.problems` says why.
pub const REFUSED: i64 = 2;
/// The request or its reply is larger than the daemon handles.
pub const TOO_LARGE: i64 = 3;

/// A JSON-RPC error object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RpcError {
    /// One of this module's codes.
    pub code: i64,
    /// A sentence that names the fault and its place.
    pub message: String,
    /// More for programs, such as the problems of a refused configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Param {
    /// Its name in `params`.
    pub name: &'static str,
    /// Its JSON type: "string", "integer" or "string or integer".
    pub kind: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
    /// What it means.
    pub help: &'static str,
}

/// A method of the admin protocol.
#[derive(Debug)]
pub struct Method {
    /// Its name in `method`, and the verb of `chatctl`.
    pub name: &'static str,
    /// One line about it.
    pub help: &'static str,
    /// Its parameters, in the order of a positional request.
    pub params: &'static [Param],
    /// Whether it changes something: then it is logged with its caller.
    pub changes: bool,
}

const fn optional(name: &'static str, kind: &'static str, help: &'static str) -> Param {
    Param { name, kind, required: false, help }
}

const fn required(name: &'static str, kind: &'static str, help: &'static str) -> Param {
    Param { name, kind, required: true, help }
}

/// Every method, by name.
pub const METHODS: &[Method] = &[
    Method {
        name: "announce",
        help: "Send a notice to every user",
        params: &[required("text", "string", "the notice")],
        changes: true,
    },
    Method { name: "help", help: "List the methods and their parameters", params: &[], changes: false },
    Method {
        name: "kick",
        help: "Disconnect a client, or remove a user from one channel",
        params: &[
            optional("nick", "string", "the user, by nick"),
            optional("id", "integer", "the client, by id; either this or nick"),
            optional("channel", "string", "remove from this channel only"),
            optional("reason", "string", "shown to everybody who sees it"),
        ],
        changes: true,
    },
    Method {
        name: "list",
        help: "List users, channels, connections or listeners, a page at a time",
        params: &[
            optional("what", "string", "users (default), channels, connections or listeners"),
            optional(
                "match",
                "string",
                "a mask of nicks, nick!user@host, channel names or addresses; * and ? are wild",
            ),
            optional("channel", "string", "only users in this channel"),
            optional("limit", "integer", "at most so many items, 100 if absent, 1000 at most"),
            optional("after", "string or integer", "the cursor `next` of the page before"),
        ],
        changes: false,
    },
    Method {
        name: "log_level",
        help: "Show the log level, or change it until the next reload",
        params: &[optional("level", "string", "off, error, warn, info or debug")],
        changes: true,
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
        params: &[optional("reason", "string", "shown to every client")],
        changes: true,
    },
    Method { name: "stats", help: "Show counters and gauges", params: &[], changes: false },
    Method { name: "version", help: "Show name, version and process id", params: &[], changes: false },
];

/// The kinds of things that `list` lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Registered users.
    #[default]
    Users,
    /// Channels.
    Channels,
    /// Chat connections, registered or not, and admin connections.
    Connections,
    /// Listening sockets.
    Listeners,
}

/// A request whose parameters have been checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `announce`
    Announce {
        /// The notice.
        text: String,
    },
    /// `help`
    Help,
    /// `kick`
    Kick {
        /// Whom.
        target: KickTarget,
        /// From this channel only.
        channel: Option<String>,
        /// Shown to everybody who sees it.
        reason: Option<String>,
    },
    /// `list`
    List(List),
    /// `log_level`
    LogLevel {
        /// The new level; `None` only shows it.
        level: Option<log::LevelFilter>,
    },
    /// `reload`
    Reload,
    /// `shutdown`
    Shutdown {
        /// Shown to every client.
        reason: Option<String>,
    },
    /// `stats`
    Stats,
    /// `version`
    Version,
}

/// Whom `kick` is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KickTarget {
    /// A registered user.
    Nick(String),
    /// A connection, by the `id` that `list` shows.
    Id(u64),
}

/// The parameters of `list`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct List {
    /// What to list.
    pub what: What,
    /// Only those that match this mask.
    pub mask: Option<String>,
    /// Only users in this channel.
    pub channel: Option<String>,
    /// At most so many items; checked, 1 to [`crate::proto::limits::ADMIN_PAGE`].
    pub limit: usize,
    /// The cursor of the page before.
    pub after: u64,
}
