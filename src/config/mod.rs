//! The configuration as the program uses it: no options that mean "default", no strings that are secretly addresses.
//!
//! Pure: text in, [`Config`] and located problems out. Files are read by [`crate::load`].
//!
//! [`SETTINGS`] is the one table of the settings that stand once, [`REPEATED`] that of the sections that are lists of
//! entries. [`parse()`] walks a TOML document along them and collects every problem, [`Diagnostic`] shows them,
//! [`print()`] writes a configuration back, and [`changes`] and [`restart_needed`] compare two.

mod check;
mod differences;
mod entries;
mod field;
mod flags;
mod help;
mod parse;
mod print;
mod privileges;
mod repeated;
mod report;
pub(crate) mod secrets;
mod settings;
mod syntax;

use std::path::PathBuf;

use crate::proto::modes::Prefixes;

use crate::proto::network::Network;

pub(crate) use check::{motd_lines, name_fault};
pub use differences::{Difference, differences};
pub use entries::{
    Action, Ban, Class, Endpoint, Events, Exempt, Filter, Listen, Oper, OperClass, PasswordHash, Reserve,
    TagDeny, Webirc,
};
pub use flags::Word;
pub use parse::{Parsed, parse};
pub use print::print;
pub use privileges::Privileges;
pub use repeated::{Key, REPEATED, Repeated};
pub use report::{Diagnostic, Problem, Severity};
pub use settings::{SETTINGS, Setting, changes, keep_until_restart, restart_needed};

/// Everything an operator can set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[admin]`
    pub admin: Admin,
    /// `[monitor]`
    pub monitor: Monitor,
    /// `[channels]`
    pub channels: Channels,
    /// `[users]`
    pub users: Users,
    /// `[limits]`
    pub limits: Limits,
    /// `[timeouts]`
    pub timeouts: Timeouts,
    /// `[throttle]`
    pub throttle: Throttle,
    /// `[cloak]`
    pub cloak: Cloak,
    /// `[dns]`
    pub dns: Dns,
    /// `[tags]`
    pub tags: Tags,
    /// `[lockdown]`
    pub lockdown: Lockdown,
    /// `[log]`
    pub log: Log,
    /// `[daemon]`
    pub daemon: Daemon,
    /// `[[listen]]`; these and the following in the order of the file.
    pub listen: Vec<Listen>,
    /// `[[class]]`
    pub class: Vec<Class>,
    /// `[[webirc]]`
    pub webirc: Vec<Webirc>,
    /// `[[oper_class]]`
    pub oper_class: Vec<OperClass>,
    /// `[[oper]]`
    pub oper: Vec<Oper>,
    /// `[[reserve]]`
    pub reserve: Vec<Reserve>,
    /// `[[filter]]`
    pub filter: Vec<Filter>,
    /// `[[ban]]`
    pub ban: Vec<Ban>,
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
    /// Where that is read from, if it is not in the configuration itself; as for the secrets of other sections.
    pub password_file: Option<PathBuf>,
    /// Where the server is, for ADMIN (257).
    pub location: Option<String>,
    /// Who runs it, for ADMIN (258).
    pub organization: Option<String>,
    /// How to reach them, for ADMIN (259).
    pub contact: Option<String>,
    /// The URL of the network's icon, announced as `draft/ICON`.
    pub icon: Option<String>,
    /// The absolute path of the folder for what must survive a restart; `None` means the place that [`crate::place`]
    /// finds for it. Needs a restart.
    pub state_directory: Option<PathBuf>,
    /// Whether chatd gives up, before it serves anybody, what it has no need of. Needs a restart.
    pub sandbox: bool,
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

/// `[monitor]`: a second socket, for those who may look and change nothing. Needs a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitor {
    /// The socket's path; `None` means that there is none.
    pub socket: Option<PathBuf>,
    /// Permissions of the socket, such as `0o660`.
    pub mode: u32,
    /// Group of the socket; `None` leaves it to the process's own.
    pub group: Option<String>,
}

/// `[channels]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// The prefix modes that are on. Needs a restart.
    pub prefixes: Prefixes,
    /// The letters of the flags that a new channel has.
    pub default_modes: String,
}

/// `[users]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Users {
    /// The letters of the modes that a new user has.
    pub default_modes: String,
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
    /// Bytes of a real name; announced as `NAMELEN`.
    pub realname_length: u32,
    /// Targets of one command; announced in `TARGMAX`.
    pub targets: u32,
    /// Entries of all of a channel's lists together; announced as `MAXLIST`.
    pub list_entries: u32,
    /// Nicks that a user may MONITOR; announced as `MONITOR`.
    pub monitor_entries: u32,
    /// Entries of a user's ACCEPT list; announced as `ACCEPT`.
    pub accept_entries: u32,
    /// Entries of a user's SILENCE list; announced as `SILENCE`.
    pub silence_entries: u32,
    /// Users that have left and that WHOWAS remembers, of the whole server; 0 remembers nobody.
    pub whowas_entries: u32,
    /// Bytes of the text of a multiline message; announced in `draft/multiline`.
    pub multiline_bytes: u32,
    /// Lines of a multiline message; announced in `draft/multiline`.
    pub multiline_lines: u32,
    /// People that a user may begin to write to at once before it is refused for a while.
    pub target_changes: u32,
    /// People a minute that a user may go on beginning to write to; 0 lifts the limit.
    pub target_change_rate: u32,
    /// Seconds between two KNOCKs of one user at one channel.
    pub knock_seconds: u32,
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
    /// Connections that are sent something in a turn of the loop.
    pub sends_per_turn: u32,
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

/// `[throttle]`: how fast the clients of a network may connect, and what a network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// New connections from one network within [`Throttle::seconds`]; 0 lifts the limit.
    pub connections: u32,
    /// See [`Throttle::connections`].
    pub seconds: u32,
    /// The bits of an IPv4 address that make its network, here and for [`Limits::connections_per_address`].
    pub ipv4_prefix: u32,
    /// The bits of an IPv6 address that make its network, here and for [`Limits::connections_per_address`].
    pub ipv6_prefix: u32,
}

/// `[cloak]`: hosts that hide the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloak {
    /// The secret that cloaks are made with; without one there are none, and no user mode x.
    pub key: Option<String>,
    /// Where it is read from, if it is not in the configuration itself.
    pub key_file: Option<PathBuf>,
    /// The last label of a cloaked address.
    pub suffix: String,
}

/// `[dns]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Whether the names of clients' addresses are looked up, with forward confirmation.
    pub reverse: bool,
    /// Seconds that a look-up may take.
    pub timeout: u32,
}

/// `[tags]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags {
    /// Which client-only tags are dropped; announced as `CLIENTTAGDENY`.
    pub deny: TagDeny,
}

/// `[lockdown]`: what the panic switch leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lockdown {
    /// Networks from which clients may still connect.
    pub networks: Vec<Network>,
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
            admin: Admin { socket: None, mode: 0o660, group: None },
            monitor: Monitor { socket: None, mode: 0o660, group: None },
            channels: Channels { prefixes: Prefixes::default(), default_modes: "nt".to_owned() },
            users: Users::default(),
            limits: Limits::default(),
            timeouts: Timeouts { registration: 30, ping_interval: 120, ping_timeout: 60, shutdown: 5 },
            throttle: Throttle { connections: 30, seconds: 60, ipv4_prefix: 32, ipv6_prefix: 64 },
            cloak: Cloak { key: None, key_file: None, suffix: "ip".to_owned() },
            dns: Dns { reverse: false, timeout: 5 },
            tags: Tags::default(),
            lockdown: Lockdown::default(),
            log: Log { target: None, level: log::LevelFilter::Info, facility: Facility::Daemon },
            daemon: Daemon::default(),
            listen: vec![loopback("127.0.0.1:6667"), loopback("[::1]:6667")],
            class: Vec::new(),
            webirc: Vec::new(),
            oper_class: Vec::new(),
            oper: Vec::new(),
            reserve: Vec::new(),
            filter: Vec::new(),
            ban: Vec::new(),
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
            password_file: None,
            location: None,
            organization: None,
            contact: None,
            icon: None,
            state_directory: None,
            sandbox: true,
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
            realname_length: 150,
            targets: 10,
            list_entries: 100,
            monitor_entries: 100,
            accept_entries: 32,
            silence_entries: 32,
            whowas_entries: 1000,
            multiline_bytes: 4096,
            multiline_lines: 32,
            target_changes: 20,
            target_change_rate: 20,
            knock_seconds: 60,
            send_queue: 1 << 20,
            flood_burst: 30,
            flood_rate: 4,
            lines_per_turn: 32,
            bytes_per_turn: 16 * 1024,
            deliveries_per_turn: 4096,
            sends_per_turn: 1024,
        }
    }
}
