//! Who wants to know when whom comes and goes (IRCv3 monitor).

use std::collections::{BTreeMap, HashMap};

use super::ctx::Ctx;
use super::outgoing::Draft;
use super::{Keyed, Server, slim};
use crate::proto::names::{fold, folded};

/// The nicks that somebody watches: folded, and as they spelt them.
pub(super) type Watched = BTreeMap<Box<str>, Box<str>>;

/// From folded nicks to the slots of those who watch them, sorted. No nick is here that nobody watches.
pub(super) struct Watchers(HashMap<Box<str>, Vec<u32>, Keyed>);

impl Watchers {
    /// Nobody watches anybody.
    pub(super) fn new(keyed: Keyed) -> Self {
        Self(HashMap::with_hasher(keyed))
    }

    /// Those who watch a nick.
    pub(super) fn of(&self, nick: &str) -> &[u32] {
        self.0.get(&*folded(nick)).map_or(&[], Vec::as_slice)
    }

    /// Adds somebody who watches a nick; says whether there was memory for it. Of what clients can have kept, this table grows in the
    /// largest steps, and the process would end with the first one that there is no room for.
    fn add(&mut self, folded: &str, slot: u32) -> bool {
        if self.0.try_reserve(1).is_err() {
            return false;
        }
        let slots = self.0.entry(folded.into()).or_default();
        if let Err(index) = slots.binary_search(&slot) {
            slots.insert(index, slot);
        }
        true
    }

    fn remove(&mut self, folded: &str, slot: u32) {
        let Some(slots) = self.0.get_mut(folded) else { return };
        if let Ok(index) = slots.binary_search(&slot) {
            slots.remove(index);
        }
        if slots.is_empty() {
            self.0.remove(folded);
            slim(&mut self.0);
        }
    }
}

impl Ctx<'_> {
    /// Has the client watch a nick, unless it watches `most` already or there is no memory for more; whether it does now.
    pub(super) fn watch(&mut self, nick: &str, most: usize) -> bool {
        let (folded, me) = (fold(nick), self.me);
        let watched = &mut self.user_mut().extras_mut().watched;
        if watched.contains_key(folded.as_str()) {
            return true;
        }
        if watched.len() >= most || !self.server.watchers.add(&folded, me) {
            return false;
        }
        self.user_mut().extras_mut().watched.insert(folded.as_str().into(), nick.into());
        true
    }

    /// Has the client watch a nick no longer.
    pub(super) fn unwatch(&mut self, nick: &str) {
        let (folded, me) = (fold(nick), self.me);
        let extras = self.user_mut().extras.as_mut();
        if extras.is_some_and(|extras| extras.watched.remove(folded.as_str()).is_some()) {
            self.server.watchers.remove(&folded, me);
        }
    }

    /// Has the client watch nobody.
    pub(super) fn unwatch_all(&mut self) {
        let Some(extras) = &mut self.user_mut().extras else { return };
        for folded in std::mem::take(&mut extras.watched).into_keys() {
            self.server.watchers.remove(&folded, self.me);
        }
    }

    /// Tells those who watch the client's nick that it is there.
    pub(super) fn announce_online(&mut self) {
        let (config, user) = (self.config(), self.user());
        let (nick, mask) = (user.nick.clone(), user.mask.clone());
        // An asterisk instead of the recipient's nick, so that the line is the same for all ("730 - RPL_MONONLINE").
        self.tell_watchers(&nick, Draft::plain(&config.server.name, format_args!("730 * :{mask}")));
    }

    /// Tells those who watch a nick that it is there no longer.
    pub(super) fn announce_offline(&mut self, nick: &str) {
        let config = self.config();
        self.tell_watchers(nick, Draft::plain(&config.server.name, format_args!("731 * :{nick}")));
    }
}

impl Server {
    /// Checks that those who watch and those who are watched agree.
    ///
    /// # Panics
    /// When they do not.
    pub(super) fn check_watchers(&self) {
        let mut count = 0;
        for (slot, client) in self.clients.iter().enumerate() {
            let Some(user) = client.as_ref().and_then(|client| client.user()) else { continue };
            for (folded, nick) in user.extras.iter().flat_map(|extras| &extras.watched) {
                count += 1;
                assert_eq!(**folded, *fold(nick));
                let watchers = self.watchers.of(nick);
                assert!(watchers.binary_search(&(slot as u32)).is_ok(), "{} watches {nick}", user.nick);
            }
        }
        assert!(self.watchers.0.values().all(|slots| !slots.is_empty() && slots.is_sorted()));
        // Everybody who watches is known to do so, so equal counts mean that nobody else is.
        assert_eq!(self.watchers.0.values().map(Vec::len).sum::<usize>(), count, "watchers of a nick");
    }
}
