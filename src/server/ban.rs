//! Whom an entry of a channel's list is about: a mask, or an extended ban (`EXTBAN`).

use super::Server;
use super::channel::Entry;
use crate::proto::extban::Extended;
use crate::proto::mask::Subject;
use crate::proto::modes::{AUDITORIUM, INVISIBLE, PRIVATE, SECRET};

/// What somebody wants to do who may be on a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Join,
    Speak,
}

/// A user as lists see them. Made once, and held against any number of entries.
pub(super) struct Person<'a> {
    server: &'a Server,
    slot: u32,
    /// `nick!user@host`, in every form of the host that is no secret.
    masks: Vec<Subject<'a>>,
    /// The same with what the shown host hides. Only masks that name all of the host are held against these: others would
    /// find it out, bit by bit.
    hidden: Vec<Subject<'a>>,
    realname: Subject<'a>,
    account: Option<Subject<'a>>,
}

impl Server {
    /// Asks something about a user in `slot` who may be on lists of channels.
    pub(super) fn judge<R>(&self, slot: u32, ask: impl FnOnce(&Person<'_>) -> R) -> Option<R> {
        let client = self.client(slot)?;
        let user = client.user()?;
        let (masks, hidden) = (client.open_masks(user), client.hidden_masks(user));
        let person = Person {
            server: self,
            slot,
            masks: masks.iter().map(|mask| Subject::new(mask)).collect(),
            hidden: hidden.iter().map(|mask| Subject::new(mask)).collect(),
            realname: Subject::new(&user.realname),
            account: user.account.as_deref().map(Subject::new),
        };
        Some(ask(&person))
    }
}

impl Person<'_> {
    /// Whether one of the entries of a list, of the channel with this serial number, is about them.
    pub(super) fn is_on(&self, list: &[Entry], channel: u64, wish: Wish) -> bool {
        list.iter().any(|entry| self.is_meant(&entry.mask, channel, wish))
    }

    /// Whether a mask is about them.
    pub(super) fn is_like(&self, mask: &str) -> bool {
        let whole = mask.rsplit_once('@').is_some_and(|(_, host)| !host.contains(['*', '?']));
        let hidden = if whole { &self.hidden[..] } else { &[] };
        self.server.effort.add_mask(mask, self.masks.len() + hidden.len());
        self.masks.iter().chain(hidden).any(|subject| subject.matches(mask))
    }

    fn is_meant(&self, entry: &str, channel: u64, wish: Wish) -> bool {
        self.server.effort.add(1);
        let Some(ban) = Extended::parse(entry) else { return self.is_like(entry) };
        let like = |subject: &Subject<'_>| ban.argument.is_none_or(|pattern| subject.matches(pattern));
        let meant = match (ban.letter, ban.argument) {
            ('a', _) => self.account.as_ref().is_some_and(like),
            ('j', Some(name)) => self.is_in(name, channel),
            // A mute concerns nobody who does not speak, turned round or not.
            ('m', _) if wish == Wish::Join => return false,
            ('m', Some(inner)) => self.is_meant(inner, channel, wish),
            ('r', _) => like(&self.realname),
            _ => return false,
        };
        meant != ban.negated
    }

    /// Whether they are in a channel. Bans in another find out no more than everybody sees.
    fn is_in(&self, name: &str, asked: u64) -> bool {
        let index = self.server.index_of(name);
        let Some(channel) = index.map(|index| self.server.channel(index)) else { return false };
        let Some(member) = channel.member(self.slot) else { return false };
        let hidden = channel.is(SECRET | PRIVATE)
            || (channel.is(AUDITORIUM) && member.prefixes == 0)
            || self.server.user(self.slot).is_none_or(|user| user.modes & INVISIBLE != 0);
        !hidden || channel.serial == asked
    }
}
