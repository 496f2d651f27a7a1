//! The protocol of the admin socket: JSON-RPC 2.0, one object or batch array per line each way.
//!
//! Pure, and shared by the daemon and `chatctl`, so that they cannot drift. [`METHODS`] is the one
//! table of methods: requests are checked against it and `help` prints it. The daemon's side of a
//! line is
//!
//! ```
//! use chatd::admin::{self, Json, Request, RpcError, Version};
//!
//! let line = br#"{"jsonrpc":"2.0","id":1,"method":"version"}"#;
//! let reply = admin::parse(line).answer(|request| match request {
//!     Request::Version => Ok(Json::of(&Version { name: "chatd".into(), version: "1".into(), pid: 7 })),
//!     _ => Err(RpcError::new(admin::NOT_FOUND, "nothing else here")),
//! });
//! assert_eq!(
//!     reply.unwrap(),
//!     b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"name\":\"chatd\",\"version\":\"1\",\"pid\":7}}\n"
//! );
//! ```
//!
//! and that of `chatctl` is [`Request::to_line`] and [`parse_reply`]. What each result holds is in
//! the types named after it: [`Stats`], [`Page`] of [`UserItem`] and so on.

mod busiest;
mod config;
mod details;
mod events;
mod masks;
mod methods;
mod params;
mod request;
mod results;
mod rpc;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use busiest::*;
pub use config::*;
pub use details::*;
pub use events::*;
pub use masks::WatchMasks;
pub use methods::{ACTIONS, BANS, BUSY, Kind, LEVELS, METHODS, Method, Param, SWITCH, TEXTS, WHATS, method};
pub use request::{List, Request, Target, TopicChange, What};
pub use results::*;
pub use rpc::{BadReply, Calls, error_line, parse, parse_reply};

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
/// The new configuration was refused; `data` is [`Problems`].
pub const REFUSED: i64 = 2;
/// The request or its reply is larger than the daemon handles.
pub const TOO_LARGE: i64 = 3;
/// Some of what was asked for, or all of it, was not done; the message says what and why.
pub const NOT_DONE: i64 = 4;

/// The monitor socket is not for what changes something.
pub const NOT_ALLOWED: i64 = 5;

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

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// A refused configuration, and what is wrong with it.
    pub fn refused(message: impl Into<String>, problems: Vec<Problem>) -> Self {
        let data = serde_json::to_value(Problems { problems }).expect("problems are JSON");
        Self { code: REFUSED, message: message.into(), data: Some(data) }
    }

    /// The answer to a line longer than [`crate::proto::limits::ADMIN_LINE`].
    pub fn line_too_long() -> Self {
        let limit = crate::proto::limits::ADMIN_LINE;
        Self::new(TOO_LARGE, format!("the request line is longer than {limit} bytes"))
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}
