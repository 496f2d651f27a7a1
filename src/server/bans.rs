//! Bans from the whole server: those of the configuration, and those that operators set while it runs.
//!
//! A network is found by one look-up for each length of prefix that is in use; masks of names are tried one by one.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use super::ban_mask::{is_wide, read, shown};
use super::ctx::Ctx;
use super::{Cause, Event, Keyed, Server};
use crate::config::{self, Exempt};
use crate::outbox::Outbox;
use crate::proto::hostmask::{Host, HostMask};
use crate::proto::limits::{CONFIG_BANS, SERVER_BANS, SLICE_BANS, SLICE_ITEMS};
use crate::proto::mask::Subject;
use crate::proto::network::Network;
use crate::proto::numeric;

pub use super::ban_mask::{Ban, BanError, BanInfo, BanKind};

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

    /// False if somebody with this user name and address cannot be meant, whatever their host. That is quickly said, and so of
    /// most.
    fn may_mean(&self, user: Option<&str>, address: IpAddr) -> bool {
        let there = match &self.mask.host {
            Host::Network(network) => network.contains(address),
            Host::Mask(_) => true,
        };
        there && user.is_none_or(|user| Subject::new(user).matches(&self.mask.user))
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

/// What there is one ban of: its kind, and its mask as it is written.
type Key = (BanKind, Box<str>);

/// A ban that was set.
struct Set {
    /// Shared with states that are on their way to the disk.
    ban: Arc<Ban>,
    entry: Rc<Entry>,
    serial: u64,
}

/// All bans from the server.
pub(super) struct Bans {
    /// By kind and mask, as it is written.
    set: BTreeMap<Key, Set>,
    /// The same in the order in which they were set, for lists: by a number that is never used again.
    order: BTreeMap<u64, Key>,
    /// How many have been set since the start.
    serial: u64,
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
            order: BTreeMap::new(),
            serial: 0,
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
        self.shared().map(|ban| &**ban)
    }

    /// The same, to be kept.
    pub(super) fn shared(&self) -> impl Iterator<Item = &Arc<Ban>> {
        self.set.values().map(|set| &set.ban)
    }

    /// Why the address may not even connect, if it may not.
    pub(super) fn address_reason(&self, address: IpAddr) -> Option<&str> {
        let mut indices = [&self.configured, &self.running].into_iter();
        indices.find_map(|index| index.of_address(address)).map(|entry| &*entry.reason)
    }

    /// Why somebody is banned, if they are.
    fn reason_for(&self, person: &Person<'_>) -> Option<Box<str>> {
        let mut indices = [&self.configured, &self.running].into_iter();
        indices.find_map(|index| index.of_person(person)).map(|entry| entry.reason.clone())
    }

    fn put(&mut self, ban: Arc<Ban>) {
        let Some(entry) = Entry::of(&ban).map(Rc::new) else { return };
        let key = (ban.kind, Box::from(ban.mask.as_str()));
        self.take(&key);
        self.running.add(entry.clone());
        if let Some(at) = ban.expires_unix_ms {
            self.ends.insert((at, key.0, key.1.clone()));
        }
        self.serial += 1;
        let serial = self.serial;
        self.order.insert(serial, key.clone());
        self.set.insert(key, Set { ban, entry, serial });
    }

    fn take(&mut self, key: &Key) -> Option<Arc<Ban>> {
        let Set { ban, entry, serial } = self.set.remove(key)?;
        self.order.remove(&serial);
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
        let ending = self.all().filter(|ban| ban.expires_unix_ms.is_some()).count();
        assert_eq!(ending, self.ends.len(), "each ban that ends has its time");
        let networks: usize = self.running.networks.values().map(Vec::len).sum();
        assert_eq!(networks + self.running.masks.len(), self.set.len(), "each ban can be found");
        assert_eq!(networks, self.running.prefixes.values().sum::<usize>(), "prefixes are counted");
        let ordered = |(serial, key): (&u64, &Key)| self.set.get(key).is_some_and(|it| it.serial == *serial);
        assert!(self.order.len() == self.set.len() && self.order.iter().all(ordered), "bans in order");
        assert!(self.set.len() <= SERVER_BANS && self.sweeps.len() <= SERVER_BANS + 1);
    }
}

impl Server {
    /// Bans that operators have set, by kind and mask. Those of the configuration are in [`Server::config`].
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.bans.all()
    }

    /// The first ban from a place on, those of the configuration first, then the others as they were set; and its place.
    pub fn ban_from(&self, place: u64) -> Option<(u64, BanInfo)> {
        let first = CONFIG_BANS as u64;
        if let Some(ban) = usize::try_from(place).ok().and_then(|index| self.config.ban.get(index)) {
            let Entry { kind, mask, .. } = Entry::configured(ban);
            let (mask, reason) = (shown(kind, &mask), ban.reason.clone());
            return Some((place, BanInfo { kind, mask, reason, set: None, expires_unix_ms: None }));
        }
        let (serial, key) = self.bans.order.range(place.saturating_sub(first)..).next()?;
        Some((first.saturating_add(*serial), BanInfo::from(&*self.bans.set.get(key)?.ban)))
    }

    /// Puts a ban in force, in place of one of the same kind and mask. Those who are there and meant are disconnected in
    /// this and the following turns.
    pub(super) fn set_ban(&mut self, mut ban: Ban) -> Result<Ban, BanError> {
        let mask = read(ban.kind, &ban.mask)?;
        let cloak = &self.config.cloak;
        if is_wide(&mask, cloak.key.as_ref().map(|_| cloak.suffix.as_str())) {
            return Err(BanError::TooWide);
        }
        ban.mask = shown(ban.kind, &mask);
        let key = (ban.kind, Box::from(ban.mask.as_str()));
        if self.bans.set.len() >= SERVER_BANS && !self.bans.set.contains_key(&key) {
            return Err(BanError::Full);
        }
        self.bans.put(Arc::new(ban.clone()));
        let entry = self.bans.set.get(&key).map(|set| set.entry.clone());
        self.bans.sweeps.push_back(Sweep { entry, next: 0 });
        Ok(ban)
    }

    /// Takes a ban away.
    pub(super) fn unset_ban(&mut self, kind: BanKind, mask: &str) -> Result<Ban, BanError> {
        let mask = read(kind, mask)?;
        let key = (kind, shown(kind, &mask).into());
        if let Some(ban) = self.bans.take(&key) {
            return Ok(Arc::unwrap_or_clone(ban));
        }
        let configured = self.config.ban.iter().any(|ban| ban.mask == mask);
        Err(if configured { BanError::Configured } else { BanError::Missing })
    }

    /// Takes over bans that were saved, without those that have ended.
    pub(super) fn restore_bans(&mut self, mut bans: Vec<Arc<Ban>>) {
        let now = self.now.unix_ms;
        bans.sort_by_key(|ban| ban.set_unix_ms);
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
        // When the clock has jumped, many may have ended: those that are left are due at the next turn.
        for _ in 0..SLICE_ITEMS {
            let Some((at, kind, mask)) = self.bans.ends.first().cloned() else { break };
            if at > self.now.unix_ms {
                break;
            }
            self.bans.take(&(kind, mask.clone()));
            self.announce(Event::BanEnded { kind, mask: mask.into() }, out);
        }
        self.sweep(out);
    }

    /// Holds the first ban that waits, or those of the configuration, against some more clients.
    fn sweep(&mut self, out: &mut Outbox) {
        let Some(Sweep { entry, next }) = self.bans.sweeps.pop_front() else { return };
        let each = if entry.is_some() { 1 } else { self.bans.configured.masks.len().max(1) };
        let slots = (SLICE_BANS / each).clamp(1, SLICE_ITEMS) as u32;
        let end = next.saturating_add(slots).min(self.clients.len() as u32);
        // Whoever leaves is heard of by others, and they may be many.
        let (spent, mut me) = (self.part_of_turn(out), next);
        while me < end && self.work_charged(out) < spent {
            if self.client(me).is_some() {
                Ctx { server: self, out, me }.leave_if_banned(entry.as_deref());
            }
            me += 1;
        }
        if me < self.clients.len() as u32 {
            self.bans.sweeps.push_front(Sweep { entry, next: me });
        }
    }
}

impl Ctx<'_> {
    /// Why the client is banned from the server, if `find` finds a ban that means it and its class does not exempt it. Its
    /// cloak counts, too, shown or not.
    fn ban_reason(&self, find: impl FnOnce(&Bans, &Person<'_>) -> Option<Box<str>>) -> Option<Box<str>> {
        if self.exempt(Exempt::BANS) {
            return None;
        }
        let client = self.client();
        let Server { cloaks, effort, .. } = &*self.server;
        let cloak = cloaks.other(&client.real_host, client.cloak.as_deref(), effort);
        let address = client.peer.address.to_string();
        // Who has a cloak that was made with an earlier key keeps it, and is known by it.
        let hosts = [Some(&*address), Some(&*client.real_host), cloak.as_deref(), client.cloak.as_deref()];
        let person = Person {
            user: client.said_user_name().map(Subject::new),
            hosts: hosts.into_iter().flatten().map(Subject::new).collect(),
            address: client.peer.address,
        };
        find(&self.server.bans, &person)
    }

    /// Disconnects the client if it is banned. Called when it registers and has said who it is.
    pub(super) fn refuse_if_banned(&mut self) -> bool {
        let Some(reason) = self.ban_reason(Bans::reason_for) else { return false };
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

    /// Disconnects the client if it is meant by a ban that has come into force: this, or one of the configuration. The others
    /// have been held against it before, and there may be many.
    fn leave_if_banned(&mut self, entry: Option<&Entry>) {
        let client = self.client();
        if entry.is_some_and(|entry| !entry.may_mean(client.said_user_name(), client.peer.address)) {
            return;
        }
        let reason = self.ban_reason(|bans, person| match entry {
            Some(entry) => person.is_named(entry).then(|| entry.reason.clone()),
            None => bans.configured.of_person(person).map(|entry| entry.reason.clone()),
        });
        if let Some(reason) = reason {
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
