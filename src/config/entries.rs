//! What the repeated sections hold: one value for each `[[section]]` of the file.

use std::fmt;
use std::net::{AddrParseError, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use argon2::Params;
use argon2::password_hash::phc::PasswordHash as Phc;

use super::flags::flags;
use super::privileges::Privileges;
use crate::proto::hostmask::HostMask;
use crate::proto::limits::{HASH_MEMORY, HASH_PASSES};
use crate::proto::network::Network;
use crate::proto::pattern::Pattern;

/// `[[listen]]`: where chat connections are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Where.
    pub address: Endpoint,
    /// Whether a machine that lacks the address (no IPv6) starts without it. Only for built-in defaults.
    pub optional: bool,
}

/// Where chat connections are accepted, as the configuration says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Address and port; port 0 asks the kernel for a free one.
    Address(SocketAddr),
    /// All sockets of this name that whoever started chatd has bound and passed on (`FileDescriptorName=` of systemd.socket(5)).
    Inherited(String),
}

impl Endpoint {
    /// The address, if it is one.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Inherited(_) => None,
        }
    }

    /// The name of inherited sockets, if it is one.
    pub fn socket(&self) -> Option<&str> {
        match self {
            Self::Address(_) => None,
            Self::Inherited(name) => Some(name),
        }
    }
}

impl<T: Into<SocketAddr>> From<T> for Endpoint {
    fn from(address: T) -> Self {
        Self::Address(address.into())
    }
}

impl FromStr for Endpoint {
    type Err = AddrParseError;

    /// Of an address; names of sockets have no form of their own.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Inherited(name) => f.write_str(name),
        }
    }
}

/// `[[class]]`: what holds for some connections. The first class that matches a client is the client's; who is in none is in
/// the built-in class [`Class::DEFAULT`], which is made of `[limits]` and `[timeouts]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Its name; no other class has it, nor is it [`Class::DEFAULT`].
    pub name: String,
    /// Where its clients are; empty means anywhere.
    pub networks: Vec<Network>,
    /// On which listeners they come, as in `[[listen]]`; empty means any.
    pub listeners: Vec<Endpoint>,
    /// What they give with PASS; `None` means that they need not give anything.
    pub password: Option<String>,
    /// Where that is read from, if it is not in the configuration itself.
    pub password_file: Option<PathBuf>,
    /// Connections of the class in all, where not [`super::Limits::connections`] is the only bound.
    pub connections: Option<u32>,
    /// In place of [`super::Limits::connections_per_address`].
    pub connections_per_address: Option<u32>,
    /// In place of [`super::Limits::send_queue`], in bytes.
    pub send_queue: Option<u32>,
    /// In place of [`super::Limits::flood_burst`], in commands.
    pub flood_burst: Option<u32>,
    /// In place of [`super::Limits::flood_rate`], in commands a second; 0 lifts the limit.
    pub flood_rate: Option<u32>,
    /// In place of [`super::Timeouts::ping_interval`], in seconds.
    pub ping_interval: Option<u32>,
    /// In place of [`super::Timeouts::ping_timeout`], in seconds.
    pub ping_timeout: Option<u32>,
    /// What does not apply to its clients.
    pub exempt: Exempt,
}

impl Class {
    /// The name of the class of those who are in no other.
    pub const DEFAULT: &str = "default";
}

flags! {
    /// What a `[[class]]` is exempt from.
    Exempt {
        THROTTLE = 0, "throttle", "how many connections a network may begin, [throttle]";
        BANS = 1, "bans", "bans from the server";
        FILTERS = 2, "filters", "the content filter";
        LOCKDOWN = 3, "lockdown", "the panic switch";
        TARGETS = 4, "targets", "how many people one may begin to write to, limits.target_changes";
    }
}

/// `[[webirc]]`: a gateway that may say whom it speaks for (IRCv3 WEBIRC).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Webirc {
    /// Its name; no other gateway has it.
    pub name: String,
    /// What it gives with WEBIRC.
    pub password: String,
    /// Where that is read from, if it is not in the configuration itself.
    pub password_file: Option<PathBuf>,
    /// Where it is; never empty.
    pub networks: Vec<Network>,
}

/// `[[oper]]`: somebody who may become a server operator with OPER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Oper {
    /// The name given to OPER; no other has it.
    pub name: String,
    /// The hash of the password given to OPER.
    pub password: PasswordHash,
    /// Where that is read from, if it is not in the configuration itself.
    pub password_file: Option<PathBuf>,
    /// The name of an [`OperClass`] of the configuration.
    pub class: String,
    /// Where the operator may come from; empty means anywhere.
    pub masks: Vec<HostMask>,
    /// Whether only a connection with TLS will do.
    pub tls: bool,
}

/// `[[oper_class]]`: what some operators may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperClass {
    /// Its name; no other class of operators has it.
    pub name: String,
    /// What WHOIS says of its operators.
    pub title: String,
    /// What they may do.
    pub privileges: Privileges,
}

impl Default for OperClass {
    fn default() -> Self {
        Self {
            name: String::new(),
            title: "is an IRC operator".to_owned(),
            privileges: Privileges::default(),
        }
    }
}

/// `[[reserve]]`: names that nobody but server operators may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// Masks of nicks.
    pub nicks: Vec<String>,
    /// Masks of channels.
    pub channels: Vec<String>,
    /// What those are told who want one.
    pub reason: String,
}

impl Default for Reserve {
    fn default() -> Self {
        Self { nicks: Vec::new(), channels: Vec::new(), reason: "This name is reserved".to_owned() }
    }
}

/// `[[filter]]`: a pattern that texts must not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Its name; no other filter has it.
    pub name: String,
    /// What it looks for.
    pub pattern: Pattern,
    /// In which texts.
    pub on: Events,
    /// What happens then.
    pub action: Action,
    /// What the sender is told.
    pub reason: String,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            name: String::new(),
            pattern: Pattern::default(),
            on: Events::MESSAGE.with(Events::NOTICE),
            action: Action::Block,
            reason: "This is not allowed here".to_owned(),
        }
    }
}

flags! {
    /// The texts that a `[[filter]]` looks at.
    Events {
        MESSAGE = 0, "message", "the text of a PRIVMSG";
        NOTICE = 1, "notice", "the text of a NOTICE";
        PART = 2, "part", "the reason of a PART";
        QUIT = 3, "quit", "the reason of a QUIT";
        TOPIC = 4, "topic", "a topic";
        NICK = 5, "nick", "a nick";
        REALNAME = 6, "realname", "a real name";
        AWAY = 7, "away", "an away message";
    }
}

/// What a `[[filter]]` does with what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// It goes no further, and the sender is told.
    #[default]
    Block,
    /// It goes on, and operators are told.
    Warn,
    /// The sender is disconnected.
    Kill,
}

impl Action {
    /// Its name in the configuration and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Warn => "warn",
            Self::Kill => "kill",
        }
    }
}

/// `[[ban]]`: who may not connect, beside those who are banned while chatd runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub mask: HostMask,
    /// What they are told.
    pub reason: String,
}

/// The hash of a password: a PHC string of argon2 that has been checked, so that verifying can only fail because the
/// password is another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The PHC string. That of the default value is empty and no password's.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PasswordHash {
    /// Why not: the end of a sentence that begins with what it is about.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no_hash =
            if text.starts_with('$') { "is no hash of argon2" } else { "must be a hash of the password" };
        let hash = Phc::new(text).map_err(|_| no_hash.to_owned())?;
        if !matches!(hash.algorithm.as_str(), "argon2id" | "argon2i" | "argon2d") {
            return Err("is no hash of argon2".to_owned());
        }
        if hash.salt.is_none() || hash.hash.is_none() {
            return Err("has no salt or no hash in it".to_owned());
        }
        let params =
            Params::try_from(&hash).map_err(|_| "has parameters that argon2 does not take".to_owned())?;
        if params.m_cost() > HASH_MEMORY {
            return Err(format!(
                "would take {} KiB of memory to check, at most {HASH_MEMORY} are allowed",
                params.m_cost()
            ));
        }
        if params.t_cost() > HASH_PASSES {
            return Err(format!(
                "would take {} passes to check, at most {HASH_PASSES} are allowed",
                params.t_cost()
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `tags.deny`: which client-only tags (IRCv3 message-tags) are dropped. `Display` is the value of the token
/// `CLIENTTAGDENY`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagDeny {
    /// Whether all are dropped but those of `names`, or none but those.
    pub every: bool,
    /// Names of tags, without the `+`.
    pub names: Vec<String>,
}

impl TagDeny {
    /// Whether the client-only tag of that name, given without the `+`, is dropped.
    pub fn denies(&self, name: &str) -> bool {
        self.every != self.names.iter().any(|it| it == name)
    }

    /// The words, as they stand in the file and in the token.
    pub(super) fn words(&self) -> impl Iterator<Item = String> {
        let mark = if self.every { "-" } else { "" };
        self.every
            .then(|| "*".to_owned())
            .into_iter()
            .chain(self.names.iter().map(move |it| format!("{mark}{it}")))
    }
}

impl fmt::Display for TagDeny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.words().enumerate() {
            write!(f, "{}{word}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use argon2::{Argon2, PasswordVerifier};

    use super::*;

    /// Of "example".
    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM";

    #[test]
    fn hashes_of_argon2_are_taken_as_they_are() {
        let hash: PasswordHash = HASH.parse().unwrap();
        assert_eq!((hash.as_str(), hash.to_string().as_str()), (HASH, HASH));
        assert!(Argon2::default().verify_password(b"example", hash.as_str()).is_ok());
        assert!(Argon2::default().verify_password(b"example2", hash.as_str()).is_err());
        assert!(Argon2::default().verify_password(b"", PasswordHash::default().as_str()).is_err());
    }

    #[test]
    fn what_is_no_hash_or_too_costly_is_refused() {
        let with = |old: &str, new: &str| HASH.replacen(old, new, 1).parse::<PasswordHash>().unwrap_err();
        assert_eq!("secret".parse::<PasswordHash>().unwrap_err(), "must be a hash of the password");
        assert_eq!(
            "$argon2id$v=19$m=8,t=1,p=1".parse::<PasswordHash>().unwrap_err(),
            "has no salt or no hash in it"
        );
        assert_eq!(with("argon2id", "scrypt"), "is no hash of argon2");
        assert_eq!(with("p=1", "p=0"), "has parameters that argon2 does not take");
        assert_eq!(
            with("19456", "262145"),
            "would take 262145 KiB of memory to check, at most 262144 are allowed"
        );
        assert_eq!(with("t=2", "t=65"), "would take 65 passes to check, at most 64 are allowed");
    }

    #[test]
    fn tags_are_denied_by_name_or_all_but_some() {
        let names = || vec!["typing".to_owned(), "draft/react".to_owned()];
        let some = TagDeny { every: false, names: names() };
        assert!(some.denies("typing") && !some.denies("reply"));
        assert_eq!(some.to_string(), "typing,draft/react");
        let most = TagDeny { every: true, names: names() };
        assert!(!most.denies("typing") && most.denies("reply"));
        assert_eq!(most.to_string(), "*,-typing,-draft/react");
        assert!(!TagDeny::default().denies("typing") && TagDeny::default().to_string().is_empty());
    }
}
