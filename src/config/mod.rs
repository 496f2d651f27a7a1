//! The configuration as the program uses it: no options that mean "default", no strings that are secretly addresses.
//!
//! Pure: text in, [`Config`] and located problems out. Files are read by [`crate::load`].
//!
//! [`SETTINGS`] is the one table of keys. [`parse()`] walks a TOML document along it and collects every problem,
//! [`Diagnostic`] shows them, [`print()`] writes a configuration back, and [`changes`] and [`restart_needed`]
//! compare two.

mod check;
mod field;
mod parse;
mod print;
mod report;
mod settings;
mod syntax;

use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use check::motd_lines;
pub use parse::{Parsed, parse};
pub use print::print;
pub use report::{Diagnostic, Problem, Severity};
pub use settings::{LISTEN_KEYS, SETTINGS, Setting, changes, keep_until_restart, restart_needed};

/// Everything an operator can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[[listen]]`, in the order of the file.
    pub listen: Vec<Listen>,
    /// `[admin]`
    pub admin: Admin,
    /// `[limits]`
    pub limits: Limits,
    /// `[timeouts]`
    pub timeouts: Timeouts,
    /// `[log]`
    pub log: Log,
    /// `[daemon]`
    pub daemon: Daemon,
}

/// `[server]`: what the server says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// The server's name, the source of its messages; looks like a host name. Needs a restart.
    pub name: String,
    /// The network's name, shown in 001 and as `NETWORK`.
    pub network: String,
    /// One line about the server, shown in WHOIS.
    pub description: String,
    /// The message of the day, by line. From `motd`, or from `motd_file` when that was read.
    pub motd: Vec<String>,
    /// Where the message of the day is read from, at start and at each reload.
    pub motd_file: Option<PathBuf>,
    /// What a client must give with PASS.
    pub password: Option<String>,
}

/// `[[listen]]`: one address to accept chat connections on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Address and port; port 0 asks the kernel for a free one.
    pub address: SocketAddr,
    /// Whether a machine that lacks the address (no IPv6) starts without it. Only for built-in defaults.
    pub optional: bool,
}

/// `[admin]`: the admin socket. Needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// The socket's path; `None` means the place that [`crate::daemon`] finds for it.
    pub socket: Option<PathBuf>,
    /// Permissions of the socket, such as `0o660`.
    pub mode: u32,
    /// Group of the socket; `None` leaves it to the process's own.
    pub group: Option<String>,
}

/// `[limits]`: bounds that an operator may want to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Chat connections in all.
    pub connections: u32,
    /// Chat connections from one address.
    pub connections_per_address: u32,
    /// Channels that a user may be in.
    pub channels_per_user: u32,
    /// Bytes of a nick; announced as `NICKLEN`.
    pub nick_length: u32,
    /// Bytes of a user name; announced as `USERLEN`.
    pub user_length: u32,
    /// Bytes of a channel name; announced as `CHANNELLEN`.
    pub channel_length: u32,
    /// Bytes of a topic; announced as `TOPICLEN`.
    pub topic_length: u32,
    /// Bytes of a KICK comment; announced as `KICKLEN`.
    pub kick_length: u32,
    /// Bytes of an away message; announced as `AWAYLEN`.
    pub away_length: u32,
    /// Targets of one command; announced in `TARGMAX`.
    pub targets: u32,
    /// Entries of each of a channel's lists; announced as `MAXLIST`.
    pub list_entries: u32,
    /// Bytes that may wait for a client before it is disconnected.
    pub send_queue: u32,
    /// Commands a client may send at once before it is slowed down.
    pub flood_burst: u32,
    /// Commands a second a client may go on sending; 0 lifts the limit.
    pub flood_rate: u32,
    /// Lines of one client handled in a turn of the loop.
    pub lines_per_turn: u32,
    /// Bytes of one client read in a turn of the loop.
    pub bytes_per_turn: u32,
    /// Deliveries that one client may cause in a turn of the loop.
    pub deliveries_per_turn: u32,
}

/// `[timeouts]`, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From connecting to being registered.
    pub registration: u32,
    /// Silence after which a client is sent a PING.
    pub ping_interval: u32,
    /// Silence after that PING until the client is disconnected.
    pub ping_timeout: u32,
    /// For clients to take their last lines at shutdown.
    pub shutdown: u32,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Where records go. `None`: stderr in the foreground, syslog when detached. Needs a restart.
    pub target: Option<LogTarget>,
    /// The least severe level that is logged.
    pub level: log::LevelFilter,
    /// The syslog facility. Needs a restart.
    pub facility: Facility,
}

/// Where log records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard error.
    Stderr,
    /// `/dev/log`.
    Syslog,
}

/// A syslog facility (RFC 3164 section 4.1.1) that suits a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Facility {
    Daemon,
    User,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

/// `[daemon]`: for starts outside systemd. Needs a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Daemon {
    /// Where the process id is written; locked while the daemon lives.
    pub pid_file: Option<PathBuf>,
    /// The user to become, when started as root.
    pub user: Option<String>,
    /// The group to become, when started as root; `None` means the user's own.
    pub group: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        let loopback =
            |address: &str| Listen { address: address.parse().expect("a literal address"), optional: true };
        Self {
            server: Server::default(),
            listen: vec![loopback("127.0.0.1:6667"), loopback("[::1]:6667")],
            admin: Admin { socket: None, mode: 0o660, group: None },
            limits: Limits::default(),
            timeouts: Timeouts { registration: 30, ping_interval: 120, ping_timeout: 60, shutdown: 5 },
            log: Log { target: None, level: log::LevelFilter::Info, facility: Facility::Daemon },
            daemon: Daemon::default(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            name: "chat.localhost".to_owned(),
            network: "chatd".to_owned(),
            description: "A chat server".to_owned(),
            motd: Vec::new(),
            motd_file: None,
            password: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 64,
            channels_per_user: 100,
            nick_length: 30,
            user_length: 20,
            channel_length: 64,
            topic_length: 390,
            kick_length: 300,
            away_length: 300,
            targets: 10,
            list_entries: 100,
            send_queue: 1 << 20,
            flood_burst: 30,
            flood_rate: 4,
            lines_per_turn: 32,
            bytes_per_turn: 16 * 1024,
            deliveries_per_turn: 4096,
        }
    }
}
