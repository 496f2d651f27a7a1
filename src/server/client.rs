//! One connection: its way to being registered, and the person behind it afterwards.

use std::num::NonZeroU64;
use std::rc::Rc;

use smallvec::SmallVec;

use super::Peer;
use super::admission::Admission;
use super::extras::Extras;
use super::jobs::Parked;
use super::recent::Recent;
use super::response::Response;
use super::throttle::Throttle;
use super::timers::Armed;
use super::work::Work;
use crate::id::ClientId;
use crate::proto::caps::Caps;
use crate::proto::names;

/// Invitations a user can hold at a time; the oldest is forgotten for a new one.
const INVITATIONS: usize = 32;

/// Channels at which a user may knock within the pause that one channel asks for.
const KNOCKS: usize = 8;

/// A chat connection.
pub(super) struct Client {
    pub(super) id: ClientId,
    pub(super) peer: Peer,
    /// Whether the way from the client is encrypted.
    pub(super) secure: bool,
    /// The name of its address, or the address: what the cloak hides.
    pub(super) real_host: Box<str>,
    /// The cloak, shown or not; none before 001, nor where there are no cloaks.
    pub(super) cloak: Option<Box<str>>,
    /// The gateway that speaks for it.
    pub(super) gateway: Option<Box<str>>,
    pub(super) stage: Stage,
    /// Its connection class.
    pub(super) class: usize,
    pub(super) caps: Caps,
    /// The version given with `CAP LS`; 0 if none was.
    pub(super) cap_version: u16,
    pub(super) connected_unix_ms: u64,
    /// When it last gave a sign of life, in monotonic milliseconds.
    pub(super) heard_ms: u64,
    /// Whether it was sent a PING since.
    pub(super) pinged: bool,
    pub(super) messages_in: u64,
    /// Its lines of late, up to `heard_ms`.
    pub(super) lines: Recent,
    pub(super) throttle: Throttle,
    /// When operators were last told that it sends too fast, in monotonic milliseconds.
    pub(super) flooded_ms: Option<NonZeroU64>,
    /// A long reply that is not finished; until it is, no further line is read.
    pub(super) work: Option<Box<Work>>,
    /// The labelled response that goes on with it.
    pub(super) response: Option<Box<Response>>,
    /// A command that waits for another thread; until it has its answer, no further line is read.
    pub(super) parked: Option<Box<Parked>>,
    pub(super) armed: Armed,
}

/// Servers are chosen for how many can be idle on them.
const _: () = assert!(size_of::<Client>() <= 344);

/// How far a connection has come.
pub(super) enum Stage {
    /// Before 001.
    Registering(Registration),
    /// After 001.
    Registered(User),
}

impl Stage {
    /// Whether registration waits for the name of the address.
    pub(super) fn resolving(&self) -> bool {
        matches!(self, Self::Registering(registration) if registration.resolving)
    }
}

/// What is known of a connection before 001.
#[derive(Default)]
pub(super) struct Registration {
    pub(super) nick: Option<Rc<str>>,
    pub(super) user: Option<String>,
    pub(super) realname: String,
    pub(super) password: Option<String>,
    /// The message of an AWAY that came early (IRCv3 draft/pre-away).
    pub(super) away: Option<String>,
    /// Whether `CAP END` is awaited.
    pub(super) negotiating: bool,
    /// What is to be asked of it when it registers.
    pub(super) admission: Admission,
    /// Whether the name of its address is awaited.
    pub(super) resolving: bool,
}

/// A registered person.
pub(super) struct User {
    pub(super) nick: Rc<str>,
    /// How often they have changed it.
    pub(super) renames: u32,
    pub(super) realname: Box<str>,
    /// `nick!user@host`, the source of what they say. User name and host are kept nowhere else.
    pub(super) mask: Rc<str>,
    /// The account they are logged in to.
    pub(super) account: Option<Rc<str>>,
    pub(super) modes: u16,
    pub(super) away: Option<Box<str>>,
    /// The channels they are in, in the order of joining. The first few are no memory of their own: what one gets while a crowd joins
    /// lies between what waits for the others for a moment, and keeps that from being given back.
    pub(super) channels: SmallVec<[u32; 4]>,
    /// When they last spoke to somebody, in monotonic milliseconds.
    pub(super) spoke_ms: u64,
    /// What few users have.
    pub(super) extras: Option<Box<Extras>>,
}

/// An invitation to a channel.
#[derive(Clone, Copy)]
pub(super) struct Invitation {
    /// The channel's index.
    pub(super) index: u32,
    /// The channel's serial number.
    pub(super) serial: u64,
    /// Whether it lets in past the modes that keep others out: it was made by somebody who could change them.
    pub(super) opens: bool,
}

impl Client {
    /// Whether the reply to its last command is not finished.
    pub(super) fn is_waiting(&self) -> bool {
        self.work.is_some() || self.parked.is_some()
    }

    /// Notes that it has given a sign of life.
    pub(super) fn heard(&mut self, now_ms: u64) {
        self.lines.roll(self.heard_ms, now_ms);
        (self.heard_ms, self.pinged) = (now_ms, false);
    }

    /// The person, after 001.
    pub(super) fn user(&self) -> Option<&User> {
        match &self.stage {
            Stage::Registered(user) => Some(user),
            Stage::Registering(_) => None,
        }
    }

    /// The person, after 001, to be changed.
    pub(super) fn user_mut(&mut self) -> Option<&mut User> {
        match &mut self.stage {
            Stage::Registered(user) => Some(user),
            Stage::Registering(_) => None,
        }
    }

    /// What is known before 001, to be changed.
    pub(super) fn registration(&mut self) -> Option<&mut Registration> {
        match &mut self.stage {
            Stage::Registering(registration) => Some(registration),
            Stage::Registered(_) => None,
        }
    }

    /// The user name, if it was said: while registering it may not have been.
    pub(super) fn said_user_name(&self) -> Option<&str> {
        match &self.stage {
            Stage::Registering(registration) => registration.user.as_deref(),
            Stage::Registered(user) => Some(user.user_name()),
        }
    }

    /// `nick!user@host` in every form of the host that is no secret: as others see it, the cloak, also when it is not shown,
    /// and the address where the shown host is not there to hide it.
    pub(super) fn open_masks(&self, user: &User) -> Vec<String> {
        let address = (!self.hides_address()).then(|| self.peer.address.to_string());
        let mut masks = vec![user.mask.to_string()];
        for host in [self.cloak.as_deref(), address.as_deref()].into_iter().flatten() {
            let mask = mask_text(&user.nick, user.user_name(), host);
            if !masks.contains(&mask) {
                masks.push(mask);
            }
        }
        masks
    }

    /// The same with what the shown host hides: the address and its name.
    pub(super) fn hidden_masks(&self, user: &User) -> Vec<String> {
        if !self.hides_address() {
            return Vec::new();
        }
        let address = self.peer.address.to_string();
        [&*address, &*self.real_host].map(|host| mask_text(&user.nick, user.user_name(), host)).into()
    }

    /// Whether the host that others see keeps from them where the client is: a cloak does, and so does what a gateway
    /// says. The name of an address is found out by anybody who asks the DNS.
    fn hides_address(&self) -> bool {
        let named = self.gateway.is_some() && self.host() != names::host(self.peer.address);
        self.host() != &*self.real_host || named
    }

    /// The host that others see.
    pub(super) fn host(&self) -> &str {
        self.user().map_or(&self.real_host, User::host)
    }

    /// The nick, registered or not.
    pub(super) fn nick(&self) -> Option<&Rc<str>> {
        match &self.stage {
            Stage::Registering(registration) => registration.nick.as_ref(),
            Stage::Registered(user) => Some(&user.nick),
        }
    }
}

impl User {
    /// A person who has just registered.
    pub(super) fn new(nick: Rc<str>, user: &str, realname: Box<str>, host: &str, now_ms: u64) -> Self {
        let mask = mask_text(&nick, user, host).into();
        Self {
            nick,
            renames: 0,
            realname,
            mask,
            account: None,
            modes: 0,
            away: None,
            channels: SmallVec::new(),
            spoke_ms: now_ms,
            extras: None,
        }
    }

    /// What few users have, for one more to have.
    pub(super) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// The user name, with a `~`.
    pub(super) fn user_name(&self) -> &str {
        names::split_source(&self.mask).1.unwrap_or_default()
    }

    /// The host that others see.
    pub(super) fn host(&self) -> &str {
        names::split_source(&self.mask).2.unwrap_or_default()
    }

    /// Shows another host.
    pub(super) fn move_to(&mut self, host: &str) {
        self.mask = mask_text(&self.nick, self.user_name(), host).into();
    }

    /// Takes another nick.
    pub(super) fn rename(&mut self, nick: Rc<str>) {
        self.mask = mask_text(&nick, self.user_name(), self.host()).into();
        if !names::same(&nick, &self.nick) {
            self.renames = self.renames.wrapping_add(1);
        }
        self.nick = nick;
    }

    /// Notes an invitation. Of several to one channel the one that opens more counts.
    pub(super) fn invite(&mut self, invitation: Invitation) {
        let invitations = &mut self.extras_mut().invitations;
        let known = invitations.iter_mut().find(|known| known.serial == invitation.serial);
        if let Some(known) = known {
            known.opens |= invitation.opens;
            return;
        }
        if invitations.len() == INVITATIONS {
            invitations.pop_front();
        }
        invitations.push_back(invitation);
    }

    /// Their invitations, those to channels that are no more included.
    pub(super) fn invitations(&self) -> Vec<Invitation> {
        self.extras.iter().flat_map(|extras| &extras.invitations).copied().collect()
    }

    /// Whether an invitation opens the channel with that serial number to them.
    pub(super) fn is_let_in(&self, serial: u64) -> bool {
        let mut invitations = self.extras.iter().flat_map(|extras| &extras.invitations);
        invitations.any(|invitation| invitation.serial == serial && invitation.opens)
    }

    /// Uses an invitation up.
    pub(super) fn forget_invitation(&mut self, serial: u64) {
        if let Some(extras) = &mut self.extras {
            extras.invitations.retain(|invitation| invitation.serial != serial);
        }
    }

    /// Notes that they knock at the channel with that serial number. False if they did so less than `pause_ms` ago, there
    /// or at [`KNOCKS`] others.
    pub(super) fn knock(&mut self, serial: u64, now_ms: u64, pause_ms: u64) -> bool {
        let knocks = &mut self.extras_mut().knocks;
        knocks.retain(|(_, at_ms)| now_ms < at_ms + pause_ms);
        let may = knocks.len() < KNOCKS && knocks.iter().all(|(other, _)| *other != serial);
        if may {
            knocks.push((serial, now_ms));
        }
        may
    }
}

fn mask_text(nick: &str, user: &str, host: &str) -> String {
    format!("{nick}!{user}@{host}")
}
