//! Bans from the whole server: those of the configuration, and those that operators set while it runs.
//!
//! A network is found by one look-up for each length of prefix that is in use; masks of names are tried one by one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::client::Stage;
use super::ctx::Ctx;
use super::{Cause, Event, Keyed, Server};
use crate::config::{self, Exempt};
use crate::outbox::Outbox;
use crate::proto::hostmask::{Host, HostMask, NotAMask};
use crate::proto::limits::{SERVER_BANS, SLICE_BANS, SLICE_ITEMS};
use crate::proto::mask::Subject;
use crate::proto::network::Network;
use crate::proto::numeric;

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
}

/// A ban that an operator has set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
fn read(kind: BanKind, mask: &str) -> Result<HostMask, BanError> {
    let no_network = |_| BanError::Invalid("is neither an address nor a network");
    match kind {
        BanKind::Address => mask.parse::<Network>().map(Into::into).map_err(no_network),
        BanKind::User => mask.parse().map_err(|error: NotAMask| BanError::Invalid(error.0)),
    }
}

/// Whether a mask may mean too many.
fn is_wide(mask: &HostMask) -> bool {
    match &mask.host {
        Host::Network(network) if network.address.is_ipv4() => network.prefix < SHORTEST.0,
        Host::Network(network) => network.prefix < SHORTEST.1,
        Host::Mask(host) => {
            let narrow = |byte: &u8| !matches!(byte, b'*' | b'?' | b'.' | b':' | b'~');
            mask.user.bytes().chain(host.bytes()).filter(narrow).count() < NARROW
        }
    }
}

/// How a mask of this kind is written.
fn shown(kind: BanKind, mask: &HostMask) -> String {
    match (&mask.host, kind) {
        (Host::Network(network), BanKind::Address) => network.to_string(),
        _ => mask.to_string(),
    }
}

/// A ban in force, whoever has set it.
#[derive(Debug)]
struct Entry {
    kind: BanKind,
    mask: HostMask,
    reason: Box<str>,
}

impl Entry {
    fn of(ban: &Ban) -> Option<Self> {
        let mask = read(ban.kind, &ban.mask).ok()?;
        Some(Self { kind: ban.kind, mask, reason: ban.reason.as_str().into() })
    }

    /// One of the configuration. Without a user name in it, an address is banned as by DLINE.
    fn configured(ban: &config::Ban) -> Self {
        let address = ban.mask.user == "*" && matches!(ban.mask.host, Host::Network(_));
        let kind = if address { BanKind::Address } else { BanKind::User };
        Self { kind, mask: ban.mask.clone(), reason: ban.reason.as_str().into() }
    }
}

/// Somebody whom bans are held against.
struct Person<'a> {
    /// None before it was said: then only the address counts.
    user: Option<Subject<'a>>,
    /// The host in every form that a ban may name, the address among them.
    hosts: Vec<Subject<'a>>,
    address: IpAddr,
}

impl Person<'_> {
    fn is_named(&self, entry: &Entry) -> bool {
        let here = || match &entry.mask.host {
            Host::Network(network) => network.contains(self.address),
            Host::Mask(mask) => self.hosts.iter().any(|host| host.matches(mask)),
        };
        match &self.user {
            None => entry.kind == BanKind::Address && here(),
            Some(user) => user.matches(&entry.mask.user) && here(),
        }
    }
}

/// Bans, to be found by whom they mean.
struct Index {
    networks: HashMap<Network, Vec<Rc<Entry>>, Keyed>,
    /// How many networks have a prefix of this length, of IPv6 and of IPv4.
    prefixes: BTreeMap<(bool, u8), usize>,
    masks: Vec<Rc<Entry>>,
}

impl Index {
    fn new(keyed: Keyed) -> Self {
        Self { networks: HashMap::with_hasher(keyed), prefixes: BTreeMap::new(), masks: Vec::new() }
    }

    fn add(&mut self, entry: Rc<Entry>) {
        match entry.mask.host {
            Host::Network(network) => {
                *self.prefixes.entry((network.address.is_ipv6(), network.prefix)).or_insert(0) += 1;
                self.networks.entry(network).or_default().push(entry);
            }
            Host::Mask(_) => self.masks.push(entry),
        }
    }

    fn remove(&mut self, entry: &Rc<Entry>) {
        let Host::Network(network) = entry.mask.host else {
            self.masks.retain(|other| !Rc::ptr_eq(other, entry));
            return;
        };
        if let Some(there) = self.networks.get_mut(&network) {
            there.retain(|other| !Rc::ptr_eq(other, entry));
            if there.is_empty() {
                self.networks.remove(&network);
            }
        }
        let key = (network.address.is_ipv6(), network.prefix);
        if let Some(count) = self.prefixes.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.prefixes.remove(&key);
            }
        }
    }

    /// Every ban of a network that the address is in.
    fn around(&self, address: IpAddr) -> impl Iterator<Item = &Rc<Entry>> {
        let six = address.is_ipv6();
        let lengths = self.prefixes.range((six, 0)..=(six, u8::MAX));
        lengths.flat_map(move |(&(_, prefix), _)| {
            self.networks.get(&Network::new(address, prefix)).into_iter().flatten()
        })
    }

    fn of_address(&self, address: IpAddr) -> Option<&Rc<Entry>> {
        self.around(address).find(|entry| entry.kind == BanKind::Address)
    }

    fn of_person(&self, person: &Person<'_>) -> Option<&Rc<Entry>> {
        let mut all = self.around(person.address).chain(&self.masks);
        all.find(|entry| person.is_named(entry))
    }
}

/// Whom a ban that has come into force is still to be held against: those in slots from `next` on.
struct Sweep {
    /// One ban; `None` means all of the configuration.
    entry: Option<Rc<Entry>>,
    next: u32,
}

/// All bans from the server.
pub(super) struct Bans {
    /// By kind and mask, as it is written.
    set: BTreeMap<(BanKind, Box<str>), (Ban, Rc<Entry>)>,
    running: Index,
    configured: Index,
    /// When each that ends does.
    ends: BTreeSet<(u64, BanKind, Box<str>)>,
    /// At most one for each ban, and one for the configuration.
    sweeps: VecDeque<Sweep>,
    keyed: Keyed,
}

impl Bans {
    pub(super) fn new(config: &[config::Ban], keyed: Keyed) -> Self {
        let mut bans = Self {
            set: BTreeMap::new(),
            running: Index::new(keyed),
            configured: Index::new(keyed),
            ends: BTreeSet::new(),
            sweeps: VecDeque::new(),
            keyed,
        };
        bans.configure(config);
        bans
    }

    fn configure(&mut self, config: &[config::Ban]) {
        self.configured = Index::new(self.keyed);
        for ban in config {
            self.configured.add(Rc::new(Entry::configured(ban)));
        }
    }

    /// Takes over the bans of the configuration, after a reload.
    pub(super) fn reconfigure(&mut self, config: &[config::Ban]) {
        self.configure(config);
        self.sweeps.retain(|sweep| sweep.entry.is_some());
        self.sweeps.push_back(Sweep { entry: None, next: 0 });
    }

    /// Those that operators have set, by kind and mask.
    pub(super) fn all(&self) -> impl Iterator<Item = &Ban> {
        self.set.values().map(|(ban, _)| ban)
    }

    /// Whether the address may not even connect.
    pub(super) fn is_address_banned(&self, address: IpAddr) -> bool {
        [&self.configured, &self.running].iter().any(|index| index.of_address(address).is_some())
    }

    /// Why somebody is banned, if they are.
    fn reason_for(&self, person: &Person<'_>) -> Option<Box<str>> {
        let mut indices = [&self.configured, &self.running].into_iter();
        indices.find_map(|index| index.of_person(person)).map(|entry| entry.reason.clone())
    }

    fn put(&mut self, ban: Ban) {
        let Some(entry) = Entry::of(&ban).map(Rc::new) else { return };
        let key = (ban.kind, Box::from(ban.mask.as_str()));
        self.take(&key);
        self.running.add(entry.clone());
        if let Some(at) = ban.expires_unix_ms {
            self.ends.insert((at, key.0, key.1.clone()));
        }
        self.set.insert(key, (ban, entry));
    }

    fn take(&mut self, key: &(BanKind, Box<str>)) -> Option<Ban> {
        let (ban, entry) = self.set.remove(key)?;
        self.running.remove(&entry);
        self.sweeps.retain(|sweep| sweep.entry.as_ref().is_none_or(|other| !Rc::ptr_eq(other, &entry)));
        if let Some(at) = ban.expires_unix_ms {
            self.ends.remove(&(at, key.0, key.1.clone()));
        }
        Some(ban)
    }

    /// Whether a sweep waits for the next turn.
    pub(super) fn is_sweeping(&self) -> bool {
        !self.sweeps.is_empty()
    }

    /// When the next ban ends, in [`super::Time::unix_ms`].
    pub(super) fn next_end(&self) -> Option<u64> {
        self.ends.first().map(|(at, ..)| *at)
    }

    /// Checks every invariant.
    pub(super) fn check(&self) {
        let ending = self.set.values().filter(|(ban, _)| ban.expires_unix_ms.is_some()).count();
        assert_eq!(ending, self.ends.len(), "each ban that ends has its time");
        let networks: usize = self.running.networks.values().map(Vec::len).sum();
        assert_eq!(networks + self.running.masks.len(), self.set.len(), "each ban can be found");
        assert_eq!(networks, self.running.prefixes.values().sum::<usize>(), "prefixes are counted");
        assert!(self.set.len() <= SERVER_BANS && self.sweeps.len() <= SERVER_BANS + 1);
    }
}

impl Server {
    /// Bans that operators have set, by kind and mask. Those of the configuration are in [`Server::config`].
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.bans.all()
    }

    /// Puts a ban in force, in place of one of the same kind and mask. Those who are there and meant are disconnected in
    /// this and the following turns.
    pub(super) fn set_ban(&mut self, mut ban: Ban) -> Result<Ban, BanError> {
        let mask = read(ban.kind, &ban.mask)?;
        if is_wide(&mask) {
            return Err(BanError::TooWide);
        }
        ban.mask = shown(ban.kind, &mask);
        let key = (ban.kind, Box::from(ban.mask.as_str()));
        if self.bans.set.len() >= SERVER_BANS && !self.bans.set.contains_key(&key) {
            return Err(BanError::Full);
        }
        self.bans.put(ban.clone());
        let entry = self.bans.set.get(&key).map(|(_, entry)| entry.clone());
        self.bans.sweeps.push_back(Sweep { entry, next: 0 });
        Ok(ban)
    }

    /// Takes a ban away.
    pub(super) fn unset_ban(&mut self, kind: BanKind, mask: &str) -> Result<Ban, BanError> {
        let mask = read(kind, mask)?;
        let key = (kind, shown(kind, &mask).into());
        if let Some(ban) = self.bans.take(&key) {
            return Ok(ban);
        }
        let configured = self.config.ban.iter().any(|ban| ban.mask == mask);
        Err(if configured { BanError::Configured } else { BanError::Missing })
    }

    /// Takes over bans that were saved, without those that have ended.
    pub(super) fn restore_bans(&mut self, bans: Vec<Ban>) {
        let now = self.now.unix_ms;
        for ban in bans.into_iter().take(SERVER_BANS) {
            if ban.expires_unix_ms.is_none_or(|at| at > now) {
                self.bans.put(ban);
            }
        }
    }

    /// When something is to be done about bans, in [`super::Time::mono_ms`].
    pub(super) fn bans_deadline(&self) -> Option<u64> {
        if self.bans.is_sweeping() {
            return Some(0);
        }
        let at = self.bans.next_end()?;
        Some(self.now.mono_ms.saturating_add(at.saturating_sub(self.now.unix_ms)))
    }

    /// Ends bans whose time has come, and goes on with looking for those who are meant by new ones.
    pub(super) fn tick_bans(&mut self, out: &mut Outbox) {
        while let Some((at, kind, mask)) = self.bans.ends.first().cloned()
            && at <= self.now.unix_ms
        {
            self.bans.take(&(kind, mask.clone()));
            self.announce(Event::BanEnded { kind, mask: mask.into() }, out);
        }
        self.sweep(out);
    }

    /// Holds the first ban that waits against some more clients.
    fn sweep(&mut self, out: &mut Outbox) {
        let Some(Sweep { entry, next }) = self.bans.sweeps.pop_front() else { return };
        let each = if entry.is_some() { 1 } else { self.bans.configured.masks.len().max(1) };
        let slots = (SLICE_BANS / each).clamp(1, SLICE_ITEMS) as u32;
        let end = next.saturating_add(slots).min(self.clients.len() as u32);
        if end < self.clients.len() as u32 {
            self.bans.sweeps.push_front(Sweep { entry, next: end });
        }
        for me in next..end {
            if self.client(me).is_some() {
                Ctx { server: self, out, me }.leave_if_banned();
            }
        }
    }
}

impl Ctx<'_> {
    /// Why the client is banned from the server, if it is and its class does not exempt it. Its cloak counts, too, shown or
    /// not.
    fn ban_reason(&mut self) -> Option<Box<str>> {
        if self.exempt(Exempt::BANS) {
            return None;
        }
        let cloaks = self.server.cloaks.as_ref();
        let client = self.client();
        let cloak = cloaks.map(|cloaks| cloaks.name(&client.real_host));
        let address = client.peer.address.to_string();
        let user = match &client.stage {
            Stage::Registering(registration) => registration.user.as_deref(),
            Stage::Registered(user) => Some(&*user.user),
        };
        let hosts = [Some(&*address), Some(&*client.real_host), cloak.as_deref()];
        self.server.bans.reason_for(&Person {
            user: user.map(Subject::new),
            hosts: hosts.into_iter().flatten().map(Subject::new).collect(),
            address: client.peer.address,
        })
    }

    /// Disconnects the client if it is banned. Called when it registers and has said who it is.
    pub(super) fn refuse_if_banned(&mut self) -> bool {
        let Some(reason) = self.ban_reason() else { return false };
        let client = self.client_mut();
        let (id, host) = (client.id, client.real_host.clone());
        let nick = client.nick().map_or("*", |nick| nick).to_owned();
        let user = client.registration().and_then(|it| it.user.clone()).unwrap_or_default();
        self.event(Event::Banned {
            client: id,
            mask: format!("{nick}!{user}@{host}"),
            reason: reason.to_string(),
        });
        self.dismiss_banned(&reason);
        true
    }

    fn leave_if_banned(&mut self) {
        if let Some(reason) = self.ban_reason() {
            self.dismiss_banned(&reason);
        }
    }

    fn dismiss_banned(&mut self, reason: &str) {
        self.reply(numeric::err_yourebannedcreep(reason));
        self.dismiss_as(Cause::Ban, &format!("Banned: {reason}"), "Banned");
    }
}

#[cfg(test)]
#[path = "bans_tests.rs"]
mod tests;
