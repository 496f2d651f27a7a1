//! The words that the server and the shell exchange.

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;

use super::State;
use super::bans::{Ban, BanKind};
use crate::config::{Config, Endpoint};
use crate::id::ClientId;

/// The time of a turn, read once by the shell: plain numbers, virtual in tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Milliseconds of a clock that never goes back.
    pub mono_ms: u64,
    /// Milliseconds since 1970, as the system's clock has it; may jump.
    pub unix_ms: u64,
}

/// Where a connection comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address, for limits and as the host that others see. IPv4-mapped ones have been unmapped.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The listener, as the configuration has it.
    pub listener: Rc<Endpoint>,
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A chat connection was accepted; [`super::Server::admit`] had agreed and the outbox is open for it.
    Opened {
        /// Its id.
        client: ClientId,
        /// Where it comes from.
        peer: Peer,
    },
    /// A line arrived, without its CR LF. Only fed while [`super::Server::ready`] says so.
    Line {
        /// Whose.
        client: ClientId,
        /// The bytes; at most [`crate::proto::limits::INPUT_LINE`] of them, no LF among them.
        line: &'a [u8],
    },
    /// A line was longer than [`crate::proto::limits::INPUT_LINE`]; it was dropped.
    Oversized {
        /// Whose.
        client: ClientId,
    },
    /// An empty line, or up to [`crate::proto::limits::INPUT_LINE`] bytes more of one that is [`Input::Oversized`]. It
    /// says nothing and costs what a command does. Only fed while [`super::Server::ready`] says so.
    Noise {
        /// Whose.
        client: ClientId,
    },
    /// The connection is gone, or is about to be: nothing more can be said to it.
    Closed {
        /// Whose.
        client: ClientId,
        /// Why.
        why: Gone,
    },
    /// A deadline ([`super::Server::deadline`]) has come, or long work may go on.
    Tick,
    /// A checked configuration is in force from now on.
    Reload(Rc<Config>),
    /// The server is about to stop: say so to everybody and close them all.
    Shutdown {
        /// For the clients.
        reason: &'a str,
    },
    /// An operator disconnects a client through the admin socket.
    Kill {
        /// Whom; registered or not.
        client: ClientId,
        /// For everybody who sees it.
        reason: &'a str,
    },
    /// An operator removes a user from a channel through the admin socket. Both were looked up by
    /// [`super::Server::find_nick`] and [`super::Server::find_channel`]; a user who is not in it is left alone.
    Kick {
        /// Whom.
        client: ClientId,
        /// From where.
        channel: &'a str,
        /// For everybody who sees it.
        reason: &'a str,
    },
    /// An operator sends a notice to every user through the admin socket. Dropped unless
    /// [`Server::may_announce`](super::Server::may_announce).
    Announce {
        /// The notice.
        text: &'a str,
    },
    /// What those want to know who watch through the admin socket.
    Watched {
        /// Who enters channels and leaves them: until this is said, and when it no longer holds, there are no such events.
        channels: bool,
    },
    /// The answer to [`Effect::Verify`].
    Verified {
        /// Whose; it may be gone.
        client: ClientId,
        /// What came of it.
        verdict: Verdict,
    },
    /// The answer to [`Effect::Rehash`], each once, after [`Input::Reload`] if there was one.
    Rehashed {
        /// Whose; it may be gone.
        client: ClientId,
        /// What has changed, or why nothing has, in words for operators.
        outcome: Result<String, String>,
    },
    /// The answer to [`Effect::Save`], and to every one that was asked for before it and has had none.
    Saved {
        /// Which.
        serial: u64,
        /// Why it is not on disk, in words for operators; none if it is there to stay, whatever happens to the process or
        /// the machine.
        problem: Option<String>,
    },
    /// The answer to [`Effect::Resolve`]. It may come late, or never as far as the server is concerned.
    Resolved {
        /// Whose; it may be gone.
        client: ClientId,
        /// The address that was looked up.
        address: IpAddr,
        /// A name that leads back to the address. Whether it can be a host is for the server to judge.
        name: Option<String>,
    },
}

/// What came of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Good,
    /// It is not.
    Wrong,
    /// It was not looked at: too many others are being checked. Worth another try.
    Busy,
}

/// Why a connection ended, from the shell's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The peer closed it.
    Eof,
    /// An error on the socket, such as a reset.
    Error(std::io::ErrorKind),
    /// More was queued for it than its send queue may hold.
    SendQueue,
    /// What waited in its send queue was not read in time.
    Stalled,
}

/// What the shell has to do besides flushing the outbox.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    /// Close this connection after what is queued for it has been flushed. The server has forgotten it.
    Close(ClientId),
    /// This client became [`super::Server::ready`] again: handle what it has sent meanwhile.
    Resume(ClientId),
    /// This client was let in and then not welcome after all.
    Refused {
        /// Whom; the connection is closed.
        client: ClientId,
        /// Why.
        why: Refusal,
    },
    /// Something an operator wants to read of.
    Event(Event),
    /// Read the configuration again for this client. Answered by [`Input::Rehashed`].
    Rehash(ClientId),
    /// Stop, as though the process had been told to; [`Input::Shutdown`] follows.
    Stop {
        /// For the clients.
        reason: String,
    },
    /// Check a password, which takes long on purpose. Answered by [`Input::Verified`], each once.
    Verify {
        /// For whom.
        client: ClientId,
        /// What it should be: a PHC string of argon2.
        hash: String,
        /// What was given.
        password: String,
    },
    /// Write the state file: all of it or nothing, and to stay. Answered by [`Input::Saved`]. A newer one may take the
    /// place of one that waits, whose answer is then the newer one's.
    Save {
        /// Grows with each.
        serial: u64,
        /// What is to be in it; where it is written, [`State::text`] puts it into words.
        state: Box<State>,
    },
    /// Look an address up in the DNS. Answered by [`Input::Resolved`], each once, after a time for which only the system's
    /// resolver has a limit.
    Resolve {
        /// For whom.
        client: ClientId,
        /// Their address.
        address: IpAddr,
    },
}

/// Why a connection ended, for counters and the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// QUIT.
    Quit,
    /// The peer closed the connection.
    Eof,
    /// An error on the socket.
    Error,
    /// No answer to a PING.
    PingTimeout,
    /// Not registered in time.
    RegistrationTimeout,
    /// More was queued than the send queue may hold.
    SendQueue,
    /// What waited in its send queue was not read in time.
    Stalled,
    /// Disconnected by an operator.
    Kill,
    /// A wrong or missing server password.
    Password,
    /// Banned from the server.
    Ban,
    /// Not welcome, as was found out when it had connected.
    Refused,
    /// The server stopped.
    Shutdown,
}

impl Cause {
    /// Every cause, in the order of their counters.
    pub const ALL: [Self; 12] = [
        Self::Quit,
        Self::Eof,
        Self::Error,
        Self::PingTimeout,
        Self::RegistrationTimeout,
        Self::SendQueue,
        Self::Stalled,
        Self::Kill,
        Self::Password,
        Self::Ban,
        Self::Refused,
        Self::Shutdown,
    ];

    /// Its name in `stats` and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Eof => "eof",
            Self::Error => "error",
            Self::PingTimeout => "ping_timeout",
            Self::RegistrationTimeout => "registration_timeout",
            Self::SendQueue => "send_queue",
            Self::Stalled => "stalled",
            Self::Kill => "kill",
            Self::Password => "password",
            Self::Ban => "ban",
            Self::Refused => "refused",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Why a connection is refused: before it has said anything, or once it is known who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `limits.connections` is reached.
    Full,
    /// `connections_per_address` of its class is reached.
    Address,
    /// `connections` of its class is reached.
    Class,
    /// Its network begins connections faster than it may.
    Throttle,
    /// The panic switch is on.
    Lockdown,
    /// The address is banned.
    Banned,
    /// The server is stopping.
    Stopping,
}

impl Refusal {
    /// Its name in `stats` and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Address => "address",
            Self::Class => "class",
            Self::Throttle => "throttle",
            Self::Lockdown => "lockdown",
            Self::Banned => "banned",
            Self::Stopping => "stopping",
        }
    }
}

impl fmt::Display for Refusal {
    /// The sentence for the one who is refused.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "The server is full, try again later",
            Self::Address => "Too many connections from your address",
            Self::Class => "Too many connections of your class, try again later",
            Self::Throttle => "Too many new connections from your network, try again later",
            Self::Lockdown => "No new connections are accepted for now, try again later",
            Self::Banned => "You are banned from this server",
            Self::Stopping => "The server is stopping",
        })
    }
}

/// An event of a life, for the log. No message text; names may hold what users typed, so the log escapes them.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A client became a user.
    Registered {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
    },
    /// A user took another nick.
    Renamed {
        /// Whose.
        client: ClientId,
        /// Before.
        from: String,
        /// After.
        to: String,
    },
    /// A connection ended.
    Disconnected {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`, if it was registered.
        mask: Option<String>,
        /// Why.
        cause: Cause,
        /// What others were told: the client's own words for a QUIT.
        reason: String,
    },
    /// A user was slowed down, and had not been for a while.
    Flooding {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
    },
    /// An operator has banned somebody from the server.
    BanSet(Ban),
    /// An operator has taken a ban away.
    BanUnset {
        /// What it was held against.
        kind: BanKind,
        /// Who was meant.
        mask: String,
        /// Who has taken it away.
        by: String,
    },
    /// The time of a ban was over.
    BanEnded {
        /// What it was held against.
        kind: BanKind,
        /// Who was meant.
        mask: String,
    },
    /// Somebody did not get in for a ban; [`Event::Disconnected`] follows.
    Banned {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
        /// What they were told.
        reason: String,
    },
    /// A user was disconnected by an operator; [`Event::Disconnected`] follows.
    Killed {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
        /// By whom: a nick, or the server's name for the admin socket.
        by: String,
        /// The comment.
        reason: String,
    },
    /// A user became a server operator, or another one.
    Oper {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
        /// The name of the `[[oper]]`.
        name: String,
        /// The name of the `[[oper_class]]`.
        class: String,
    },
    /// A user tried to become a server operator and failed.
    OperRefused {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
        /// Where it comes from, whatever its host shows.
        address: IpAddr,
        /// The name that was given.
        name: String,
        /// Why.
        why: &'static str,
    },
    /// A content filter has found something.
    Filtered {
        /// In what this client said.
        client: ClientId,
        /// `nick!user@host`, if it is registered.
        mask: Option<String>,
        /// The name of the filter.
        filter: String,
        /// The command with the text.
        command: &'static str,
        /// What the filter did: `block`, `warn` or `kill`.
        action: &'static str,
    },
    /// A gateway has said whom it speaks for.
    Gateway {
        /// Whose.
        client: ClientId,
        /// The gateway's name in the configuration.
        gateway: String,
        /// The address that it speaks for.
        address: IpAddr,
        /// Whether the connection to the gateway is encrypted, as the gateway says.
        secure: bool,
    },
    /// Somebody gave WEBIRC without being allowed to, or wrongly.
    GatewayRefused {
        /// Whose.
        client: ClientId,
        /// Why.
        why: &'static str,
    },
    /// The panic switch was turned.
    Lockdown {
        /// Whether it is on now.
        on: bool,
    },
    /// A user stopped being a server operator, and stayed.
    NoOperator {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
        /// The name of the `[[oper]]`.
        name: String,
    },
    /// A server operator has used a privilege.
    Acted {
        /// Whose.
        client: ClientId,
        /// `nick!user@host`.
        mask: String,
        /// The command and what it was about.
        what: String,
    },
    /// A user has entered a channel. Only while [`Input::Watched`] says that somebody wants to know.
    Joined {
        /// Whose.
        client: ClientId,
        /// The nick.
        nick: Rc<str>,
        /// The channel.
        channel: Rc<str>,
    },
    /// A user has left a channel, and stays. Only while [`Input::Watched`] says that somebody wants to know.
    Parted {
        /// Whose.
        client: ClientId,
        /// The nick.
        nick: Rc<str>,
        /// The channel.
        channel: Rc<str>,
    },
    /// A user was removed from a channel.
    Kicked {
        /// Whose.
        client: ClientId,
        /// The user removed.
        nick: String,
        /// From where.
        channel: String,
        /// By whom: a nick, or the server's name for the admin socket.
        by: String,
        /// The comment.
        reason: String,
    },
}
