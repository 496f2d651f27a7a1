//! What a ban from the server says: kinds, masks, and which masks will do.

use serde::{Deserialize, Serialize};

use crate::proto::hostmask::{Host, HostMask, NotAMask};
use crate::proto::limits::{BAN_REASON, SERVER_BANS};
use crate::proto::mask;
use crate::proto::network::Network;

/// What a ban is held against, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BanKind {
    /// User name and host, when somebody registers (KLINE).
    User,
    /// The address, before anything is read (DLINE).
    Address,
}

impl BanKind {
    /// Its name among operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "K-line",
            Self::Address => "D-line",
        }
    }

    /// The kind that is meant by a mask where none is said: an address or a network alone is one of an address.
    pub fn of(mask: &str) -> Self {
        if mask.parse::<Network>().is_ok() { Self::Address } else { Self::User }
    }
}

/// A ban that an operator has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Ban {
    /// What it is held against.
    pub kind: BanKind,
    /// Who is meant, as [`HostMask`] or, of an address, [`Network`] writes it.
    pub mask: String,
    /// What those are told who are meant.
    pub reason: String,
    /// Who has set it: `nick!user@host`, or whoever used the admin socket.
    pub by: String,
    /// When it was set, in [`super::Time::unix_ms`].
    pub set_unix_ms: u64,
    /// When it ends, in [`super::Time::unix_ms`]; `None` if it does not.
    pub expires_unix_ms: Option<u64>,
}

/// A ban as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanInfo {
    /// What it is held against.
    pub kind: BanKind,
    /// Who is meant.
    pub mask: String,
    /// What those are told who are meant.
    pub reason: String,
    /// Who has set it, and when, in [`super::Time::unix_ms`]; `None` of one of the configuration.
    pub set: Option<(String, u64)>,
    /// When it ends, in [`super::Time::unix_ms`]; `None` if it does not.
    pub expires_unix_ms: Option<u64>,
}

impl From<&Ban> for BanInfo {
    fn from(ban: &Ban) -> Self {
        Self {
            kind: ban.kind,
            mask: ban.mask.clone(),
            reason: ban.reason.clone(),
            set: Some((ban.by.clone(), ban.set_unix_ms)),
            expires_unix_ms: ban.expires_unix_ms,
        }
    }
}

/// A ban as it is saved, which an operator may have edited.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    kind: BanKind,
    mask: String,
    reason: String,
    by: String,
    set_unix_ms: u64,
    expires_unix_ms: Option<u64>,
}

impl TryFrom<Raw> for Ban {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let Raw { kind, mask, reason, by, set_unix_ms, expires_unix_ms } = raw;
        // What IRC can carry is what operators can have given, formats included.
        if reason.len() > BAN_REASON || [&reason, &by].iter().any(|text| text.contains(['\0', '\r', '\n'])) {
            return Err(format!(
                "the reason of the {} of `{mask}` is too long, or no line of text",
                kind.name()
            ));
        }
        match read(kind, &mask) {
            Ok(read) => Ok(Self { kind, mask: shown(kind, &read), reason, by, set_unix_ms, expires_unix_ms }),
            Err(BanError::Invalid(why)) => Err(format!("the mask `{mask}` of a {} {why}", kind.name())),
            Err(other) => Err(other.to_string()),
        }
    }
}

/// Why a ban was not set or not taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BanError {
    /// It is no mask, or no network: the end of a sentence that begins with what was given.
    Invalid(&'static str),
    /// It would mean too many people.
    TooWide,
    /// There are [`SERVER_BANS`] bans.
    Full,
    /// There is none of that kind and mask.
    Missing,
    /// It stands in the configuration.
    Configured,
}

impl BanError {
    /// A word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_MASK",
            Self::TooWide => "MASK_TOO_WIDE",
            Self::Full => "BANS_FULL",
            Self::Missing => "NO_SUCH_BAN",
            Self::Configured => "BAN_CONFIGURED",
        }
    }
}

impl std::fmt::Display for BanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "what you give {why}"),
            Self::TooWide => {
                f.write_str("this would ban too many; name more of the host or a smaller network")
            }
            Self::Full => write!(f, "there are {SERVER_BANS} bans already"),
            Self::Missing => f.write_str("there is no such ban"),
            Self::Configured => {
                f.write_str("this ban stands in the configuration; take it out there, and reload")
            }
        }
    }
}

/// Characters of a mask that are no wildcards and no separators: so many make it narrow enough.
const NARROW: usize = 4;
/// The shortest prefixes of networks that may be banned while the server runs, of IPv4 and IPv6.
const SHORTEST: (u8, u8) = (8, 16);

/// Reads a mask of this kind.
pub(super) fn read(kind: BanKind, mask: &str) -> Result<HostMask, BanError> {
    let no_network = |_| BanError::Invalid("is neither an address nor a network");
    match kind {
        BanKind::Address => mask.parse::<Network>().map(Into::into).map_err(no_network),
        BanKind::User => mask.parse().map_err(|error: NotAMask| BanError::Invalid(error.0)),
    }
}

/// Whether a mask may mean too many, where cloaks end with `suffix`: that is part of everybody's host.
pub(super) fn is_wide(mask: &HostMask, suffix: Option<&str>) -> bool {
    match &mask.host {
        Host::Network(network) if network.address.is_ipv4() => network.prefix < SHORTEST.0,
        Host::Network(network) => network.prefix < SHORTEST.1,
        Host::Mask(host) => {
            let narrow = |byte: &u8| !matches!(byte, b'*' | b'?' | b'.' | b':' | b'~');
            let own = suffix.map_or(&**host, |suffix| without(host, suffix));
            let everybody =
                suffix.is_some_and(|suffix| NOBODYS.iter().all(|it| mask_matches(host, it, suffix)));
            let named = mask.user.bytes().filter(narrow).count();
            named + if everybody { 0 } else { own.bytes().filter(narrow).count() } < NARROW
        }
    }
}

/// The beginnings of two cloaks with nothing in common: a mask that matches both means whoever has a cloak.
const NOBODYS: [&str; 2] = ["aaaaaaaaaa.aaaaaaaaaa.aaaaaaaaaa", "7777777777.7777777777.7777777777"];

fn mask_matches(host: &str, beginning: &str, suffix: &str) -> bool {
    mask::matches(host, &format!("{beginning}.{suffix}"))
}

/// A mask of a host without the labels that it ends with, if it does.
fn without<'a>(host: &'a str, labels: &str) -> &'a str {
    let cut = host.len().checked_sub(labels.len()).and_then(|at| host.split_at_checked(at));
    match cut {
        Some((rest, end)) if end.eq_ignore_ascii_case(labels) && rest.ends_with(['.', '*', '?']) => rest,
        _ => host,
    }
}

/// How a mask of this kind is written.
pub(super) fn shown(kind: BanKind, mask: &HostMask) -> String {
    match (&mask.host, kind) {
        (Host::Network(network), BanKind::Address) => network.to_string(),
        _ => mask.to_string(),
    }
}
