//! What chatd says when it starts: where it listens and what a person does next, and what it warns of.
//!
//! People read sentences on a terminal, everybody else reads log records; nobody gets both.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::log::Quoted;
use crate::place::{self, Env};

/// Writes to stderr as a person reads it. There is nobody to tell when that fails.
pub(super) fn say(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Who is to be told at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Audience {
    /// A person at a terminal.
    pub(super) person: bool,
    /// The log.
    pub(super) log: bool,
}

impl Audience {
    /// For a process that stays in the foreground.
    pub(super) fn foreground(log_on_stderr: bool) -> Self {
        let person = io::stderr().is_terminal();
        Self { person, log: !(person && log_on_stderr) }
    }

    /// For a process that detaches: its parent tells the person, itself the log.
    pub(super) const DETACHED: Self = Self { person: true, log: true };
}

/// Warnings until the log runs.
#[derive(Debug)]
pub(super) struct Warnings {
    audience: Audience,
    records: Vec<String>,
}

impl Warnings {
    pub(super) fn new(audience: Audience) -> Self {
        Self { audience, records: Vec::new() }
    }

    /// Warns with a sentence, which is the log record, too.
    pub(super) fn add(&mut self, sentence: &str) {
        self.add_as(
            format_args!("chatd: warning: {sentence}"),
            format!("warning about={}", Quoted(sentence)),
        );
    }

    /// Warns with a text for people, and a log record.
    pub(super) fn add_as(&mut self, text: impl Display, record: String) {
        if self.audience.person {
            say(text);
        }
        self.records.push(record);
    }

    /// Tells the log, if it is to be told.
    pub(super) fn log(self) {
        if self.audience.log {
            for record in self.records {
                log::warn!("{record}");
            }
        }
    }
}

/// The facts of a start.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) config: Option<PathBuf>,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) admin: PathBuf,
    /// How to reach the admin socket.
    pub(super) chatctl: String,
}

impl Started {
    /// Collects them. To be called before the process becomes another user: the advice is for the one who started it.
    pub(super) fn new(config: Option<PathBuf>, addresses: Vec<SocketAddr>, admin: &Path) -> Self {
        // What chatctl reads of the default configuration, if that is the one in force.
        let configured = config.as_deref().filter(|path| *path == Path::new(place::CONFIG_FILE));
        let env = Env { runtime_directory: None, ..Env::current() };
        let candidates = place::for_client(&env, configured.map(|_| admin.to_owned()));
        let chatctl = if place::find(&env, &candidates).as_deref() == Some(admin) {
            "chatctl stats".to_owned()
        } else {
            format!("chatctl --socket {} stats", admin.display())
        };
        Self { config, addresses, admin: admin.to_owned(), chatctl }
    }

    /// Two lines for a person. Weechat connects only to servers that it has been given a name for, and from
    /// version 4 on without TLS only when told so.
    pub(super) fn sentences(&self) -> String {
        let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        let target = self.target();
        format!(
            "chatd {} listens on {}. The admin socket is {}. Try: {}\n\
             Connect: irssi -c {ip} -p {port}, or in weechat: /server add chatd {ip}/{port} -notls, \
             then /connect chatd",
            env!("CARGO_PKG_VERSION"),
            addresses.join(" and "),
            self.admin.display(),
            self.chatctl,
            ip = target.ip(),
            port = target.port(),
        )
    }

    /// The same as log records.
    pub(super) fn log(&self) {
        let config = self.config.as_deref().map_or("built-in".into(), Path::to_string_lossy);
        let (version, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
        log::info!("start version={version} pid={pid} config={}", Quoted(config));
        for address in &self.addresses {
            log::info!("listen address={address}");
        }
        let target = self.target();
        let irssi = format!("irssi -c {} -p {}", target.ip(), target.port());
        let admin = Quoted(self.admin.display());
        log::info!("ready admin={admin} connect={} control={}", Quoted(irssi), Quoted(&self.chatctl));
    }

    /// An address to connect to from this machine.
    fn target(&self) -> SocketAddr {
        let first = self.addresses.first().copied();
        let mut address = first.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(addresses: &[&str], admin: &str) -> Started {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Started::new(None, addresses, Path::new(admin))
    }

    #[test]
    fn a_person_reads_where_to_connect_and_how_to_control() {
        let text = started(&["0.0.0.0:6667", "[::]:6668"], "/srv/chat/admin.sock").sentences();
        assert_eq!(
            text,
            format!(
                "chatd {} listens on 0.0.0.0:6667 and [::]:6668. \
                 The admin socket is /srv/chat/admin.sock. Try: chatctl --socket /srv/chat/admin.sock stats\n\
                 Connect: irssi -c 127.0.0.1 -p 6667, or in weechat: \
                 /server add chatd 127.0.0.1/6667 -notls, then /connect chatd",
                env!("CARGO_PKG_VERSION")
            )
        );
        let text = started(&["[::]:6668"], "/srv/chat/admin.sock").sentences();
        assert!(text.contains("irssi -c ::1 -p 6668"), "{text}");
    }
}
