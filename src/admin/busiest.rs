//! `busiest`: who says much, and where.

use serde::{Deserialize, Serialize};

/// What `busiest` ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// Chat connections, registered or not, by the lines that they send.
    Clients,
    /// Channels, by the messages to them.
    Channels,
}

impl Busy {
    /// Both, in the order of the table.
    pub const ALL: [Self; 2] = [Self::Clients, Self::Channels];

    /// Its name in `busiest`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Channels => "channels",
        }
    }
}

/// The result of `busiest`: the most active of those that this request has looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busiest<T> {
    /// The most active first; none that have sent nothing.
    pub items: Vec<T>,
    /// What to give as `after` to look at the others; absent when there are no others.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How long the time is in which the messages were counted, in milliseconds: 8 to 16 seconds, less after the start.
    pub period_ms: u64,
}

/// An item of `busiest` clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyClient {
    /// For `kick`; never used again for another connection.
    pub id: u64,
    /// Its nick, if it has one.
    pub nick: Option<String>,
    /// IP address it connects from.
    pub address: String,
    /// Lines from it in the time that was counted.
    pub messages: u64,
    /// Bytes that wait for it in the daemon.
    pub send_queue_bytes: u64,
    /// Bytes that the kernel holds for it.
    pub kernel_queue_bytes: u64,
}

/// An item of `busiest` channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyChannel {
    /// Name.
    pub name: String,
    /// How many members it has.
    pub members: u64,
    /// Messages to it in the time that was counted.
    pub messages: u64,
}
