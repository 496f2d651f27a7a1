//! What the methods answer: written by the daemon, read by `chatctl`.
//!
//! Durations are whole seconds, sizes are bytes, counters start with the process.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{METHODS, Method};
use crate::proto::limits::ADMIN_PAGE_BYTES;

/// A result as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Writes a result as JSON.
    pub fn of<T: Serialize + ?Sized>(result: &T) -> Self {
        Self(serde_json::to_string(result).expect("results have string keys and finite numbers"))
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The result of `announce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// How many users the notice went to.
    pub users: u64,
}

/// The result of `help`.
#[derive(Debug, Serialize)]
pub struct Help {
    /// Every method that may be used on the socket, with its parameters.
    pub methods: Vec<&'static Method>,
}

impl Default for Help {
    fn default() -> Self {
        Self { methods: METHODS.iter().collect() }
    }
}

/// The result of `kick`: who it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kicked {
    /// The connection's id.
    pub id: u64,
    /// Its nick, if it had one.
    pub nick: Option<String>,
    /// The channel it was removed from, as that is spelt; `None` when it was disconnected.
    pub channel: Option<String>,
}

/// The result of `log_level`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLevel {
    /// The level in force.
    pub level: String,
    /// The level before, when this call set it.
    pub before: Option<String>,
}

/// The result of `reload`: what took effect. A refused configuration is an error with [`Problems`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Settings that changed, such as `limits.send_queue`.
    pub changed: Vec<String>,
    /// Settings that changed in the file, but not in the running daemon.
    pub restart_needed: Vec<String>,
    /// What an operator may want to look at, located like problems.
    pub warnings: Vec<String>,
    /// Addresses that are listened on from now on, with the real port.
    pub listeners_added: Vec<String>,
    /// Addresses that are no longer listened on.
    pub listeners_removed: Vec<String>,
}

/// The data of a [`super::REFUSED`] error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

/// One problem of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file; `None` when it is about no file.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column in characters, from 1.
    pub column: Option<u64>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The problem as `chatd --check-config` prints it: place, message, the line and a caret; may have several lines.
    pub report: String,
}

/// The result of `shutdown`, sent before the daemon stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShuttingDown {
    /// Chat connections that are told.
    pub connections: u64,
    /// How long they have to take their last lines.
    pub timeout_seconds: u64,
}

/// The result of `watch`: what this connection is told of from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// Kinds of events, some of [`super::EVENTS`].
    pub events: Vec<String>,
}

/// The result of `unwatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwatched {
    /// Whether this connection was told of events.
    pub ended: bool,
}

/// The result of `version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The program: `chatd`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
}

/// The result of `stats`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// The daemon's version.
    pub version: String,
    /// Since the start.
    pub uptime_seconds: u64,
    /// Chat connections now, registered or not.
    pub connections_now: u64,
    /// Most chat connections at a time.
    pub connections_peak: u64,
    /// Chat connections accepted since the start.
    pub connections_total: u64,
    /// Registered users now.
    pub users: u64,
    /// Channels now.
    pub channels: u64,
    /// Whether the panic switch is on.
    #[serde(default)]
    pub lockdown: bool,
    /// Whether new clients are refused, as `drain` was asked for.
    #[serde(default)]
    pub draining: bool,
    /// Connections that watch events.
    #[serde(default)]
    pub watchers: u64,
    /// Lines from clients.
    pub messages_in: u64,
    /// Lines written for clients, each counted once however many clients got it.
    pub messages_out: u64,
    /// Lines handed to clients: a message to 100 others is 100.
    pub deliveries: u64,
    /// Bytes read from clients.
    pub bytes_in: u64,
    /// Bytes that the sockets of clients took.
    pub bytes_out: u64,
    /// Bytes that wait for clients, in the daemon.
    pub send_queue_bytes: u64,
    /// Bytes that the kernel holds for those clients for which some wait in the daemon.
    #[serde(default)]
    pub kernel_queue_bytes: u64,
    /// Connections refused before they said anything, or once it was known who they were, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Connections that ended, by reason.
    pub disconnects: BTreeMap<String, u64>,
    /// Log records dropped as the log could not keep up.
    pub log_lines_dropped: u64,
    /// Turns of the loop since the start.
    pub loop_turns: u64,
    /// Time a turn took, without the wait for events, in microseconds: the median of the last minute.
    pub turn_p50_us: u64,
    /// The same: 99 of 100 turns took no longer.
    pub turn_p99_us: u64,
    /// The same: the longest.
    pub turn_max_us: u64,
    /// Memory of the process that is in RAM.
    pub rss_bytes: u64,
    /// Memory in use, as the limit that is nearest counts it.
    #[serde(default)]
    pub memory_used_bytes: u64,
    /// That limit; 0 where none is known.
    #[serde(default)]
    pub memory_limit_bytes: u64,
    /// Descriptors open.
    pub descriptors_open: u64,
    /// Descriptors that may be open.
    pub descriptors_limit: u64,
    /// So many seconds are left for `config.confirm`, or the daemon goes back; `None` if nothing waits for it.
    #[serde(default)]
    pub confirm_seconds: Option<u64>,
}

/// A page of `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items; a page may have fewer than were asked for, or none, and yet not be the last.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; absent on the last.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An item of `list` users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserItem {
    /// For `kick`; never used again for another connection.
    pub id: u64,
    /// Nick.
    pub nick: String,
    /// User name.
    pub user: String,
    /// Host as others see it.
    pub host: String,
    /// IP address it connects from.
    pub address: String,
    /// Real name.
    pub realname: String,
    /// Channels, each with the prefix that the user has there.
    pub channels: Vec<String>,
    /// User modes, with a leading `+`.
    pub modes: String,
    /// Its connection class.
    #[serde(default)]
    pub class: String,
    /// Since it connected.
    pub connected_seconds: u64,
    /// Since it last sent a message to somebody.
    pub idle_seconds: u64,
    /// Bytes from it.
    pub bytes_in: u64,
    /// Bytes its socket took.
    pub bytes_out: u64,
    /// Lines from it.
    pub messages_in: u64,
    /// Lines handed to it.
    pub messages_out: u64,
    /// Bytes that wait for it in the daemon.
    pub send_queue_bytes: u64,
    /// Bytes that the kernel holds for it.
    #[serde(default)]
    pub kernel_queue_bytes: u64,
}

/// An item of `list` channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelItem {
    /// Name.
    pub name: String,
    /// How many members it has.
    pub members: u64,
    /// Modes, with a leading `+`; a key is not shown.
    pub modes: String,
    /// Topic; empty if there is none.
    pub topic: String,
    /// Since it was created.
    pub age_seconds: u64,
}

/// What a connection or a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// IRC.
    Chat,
    /// The admin socket.
    Admin,
    /// The monitor socket, where nothing can be changed.
    Monitor,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// A chat connection that has not finished registration.
    Registering,
    /// A user.
    Registered,
    /// An admin connection.
    Open,
    /// Closed on this side, its last lines are on their way.
    Closing,
}

/// An item of `list` connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionItem {
    /// For `kick`, if it is a chat connection; never used again for another connection.
    pub id: u64,
    /// What it is for.
    pub role: Role,
    /// How far it is.
    pub state: ConnectionState,
    /// IP address and port it connects from; `unix` for an admin connection.
    pub address: String,
    /// The listener that accepted it: its address, or its path.
    pub listener: String,
    /// Its nick, if it has one.
    pub nick: Option<String>,
    /// The connection class of a chat connection that is not closing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Since it connected.
    pub connected_seconds: u64,
    /// Bytes from it.
    pub bytes_in: u64,
    /// Bytes its socket took.
    pub bytes_out: u64,
    /// Bytes that wait for it in the daemon.
    pub send_queue_bytes: u64,
    /// Bytes that the kernel holds for it.
    #[serde(default)]
    pub kernel_queue_bytes: u64,
    /// The process on the other side of an admin connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerCredentials>,
}

/// Who is on the other side of an admin connection, as `SO_PEERCRED` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerCredentials {
    /// Process id.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// What a listener does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListenerState {
    /// It accepts connections.
    Accepting,
    /// It pauses, as descriptors ran out.
    Paused,
    /// It refuses connections, as `drain` was asked for.
    Draining,
}

/// An item of `list` listeners.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerItem {
    /// IP address and real port, or the path of the admin socket.
    pub address: String,
    /// What its connections are for.
    pub role: Role,
    /// What it does.
    pub state: ListenerState,
    /// Connections accepted since it was opened.
    pub accepted: u64,
}

/// A [`Page`] being written: it ends at a number of items and at [`crate::proto::limits::ADMIN_PAGE_BYTES`].
#[derive(Debug)]
pub struct PageWriter {
    json: String,
    items: usize,
    limit: usize,
}

impl PageWriter {
    /// An empty page that takes `limit` items.
    pub fn new(limit: usize) -> Self {
        Self { json: "{\"items\":[".to_owned(), items: 0, limit }
    }

    /// Whether the page should end here, before the next item.
    pub fn is_full(&self) -> bool {
        self.items >= self.limit || self.json.len() >= ADMIN_PAGE_BYTES
    }

    /// Adds an item.
    pub fn push<T: Serialize>(&mut self, item: &T) {
        if self.items > 0 {
            self.json.push(',');
        }
        self.items += 1;
        self.json.push_str(Json::of(item).as_str());
    }

    /// Ends the page; `next` is the cursor for the next one, `None` on the last.
    pub fn finish(mut self, next: Option<u64>) -> Json {
        self.json.push(']');
        if let Some(next) = next {
            // A string, as ids and cursors may pass the 2⁵³ that some programs' numbers hold.
            self.json.push_str(",\"next\":\"");
            self.json.push_str(&next.to_string());
            self.json.push('"');
        }
        self.json.push('}');
        Json(self.json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str, topic: &str) -> ChannelItem {
        ChannelItem {
            name: name.into(),
            members: 2,
            modes: "+nt".into(),
            topic: topic.into(),
            age_seconds: 9,
        }
    }

    #[test]
    fn a_page_as_written_reads_as_the_page_type() {
        let mut writer = PageWriter::new(2);
        let items = vec![channel("#a", "\"quoted\"\u{1}"), channel("#b", "")];
        for item in &items {
            assert!(!writer.is_full());
            writer.push(item);
        }
        assert!(writer.is_full());
        let json = writer.finish(Some(u64::MAX));
        let page: Page<ChannelItem> = serde_json::from_str(json.as_str()).unwrap();
        assert_eq!(page, Page { items, next: Some(u64::MAX.to_string()) });
        assert_eq!(json, Json::of(&page));

        let last: Page<ChannelItem> = serde_json::from_str(PageWriter::new(1).finish(None).as_str()).unwrap();
        assert_eq!(last, Page { items: vec![], next: None });
    }

    #[test]
    fn a_page_of_large_items_ends_by_its_bytes() {
        let mut writer = PageWriter::new(1000);
        let item = channel("#big", &"x".repeat(ADMIN_PAGE_BYTES / 4));
        let mut pushed = 0;
        while !writer.is_full() {
            writer.push(&item);
            pushed += 1;
        }
        assert_eq!(pushed, 4);
    }

    #[test]
    fn help_holds_every_method() {
        let help = serde_json::to_value(Help::default()).unwrap();
        let names: Vec<_> = help["methods"].as_array().unwrap().iter().map(|m| m["name"].clone()).collect();
        assert_eq!(names, METHODS.iter().map(|m| m.name).collect::<Vec<_>>());
    }
}
