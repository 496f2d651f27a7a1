//! What all clients are told: some in this turn, the others in the turns that follow.
//!
//! A round goes from the highest slot down: when all of them leave, each is the last in the lists of members, where removal
//! moves nobody. Rounds are made one after the other, so that everybody hears of things in their order. How many may wait is
//! bounded: an announcement beyond that is refused, changes that nobody has heard of yet become one with those that follow, and
//! the shutdown comes once.

use std::rc::Rc;

use super::ctx::Ctx;
use super::outgoing::Source;
use super::{Server, commands};
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::caps;
use crate::proto::isupport;
use crate::proto::limits::{ROUNDS, SLICE_ITEMS};

/// What is told.
#[derive(Clone)]
pub(super) enum News {
    /// A notice of an operator, one event for all.
    Announcement { source: Source, text: Rc<str> },
    /// What a reload has changed: capabilities, and tokens of 005 with the lines that say so.
    Changes { offers: caps::Changes, tokens: Vec<String>, lines: Vec<String> },
    /// The server stops.
    Shutdown { reason: Rc<str> },
}

/// Who is still to be told something.
pub(super) struct Round {
    news: Rc<News>,
    /// Those in slots below this one.
    next: u32,
    /// Nobody who has connected after this one: they know already.
    newest: u32,
}

impl Server {
    /// Whether there is room for an announcement: [`super::Input::Announce`] is dropped if not. There is again when some of what
    /// all are being told has been told, which is soon.
    pub fn may_announce(&self) -> bool {
        self.rounds.len() < ROUNDS
    }

    /// Tells everybody who is there of something that an operator says.
    pub(super) fn send_announcement(&mut self, text: &str, out: &mut Outbox) {
        if !self.may_announce() {
            return;
        }
        let first = (0..self.clients.len() as u32).find(|&slot| self.client(slot).is_some());
        let Some(me) = first else { return };
        let source = Ctx { server: self, out, me }.server_source();
        self.tell_all(News::Announcement { source, text: text.into() }, out);
    }

    /// Tells everybody who is there of changes.
    pub(super) fn tell_changes(&mut self, offers: caps::Changes, tokens: Vec<String>, out: &mut Outbox) {
        let mut all = (offers, tokens);
        let untold = self.rounds.back().filter(|round| matches!(*round.news, News::Changes { .. }));
        // The first round may have begun.
        if untold.is_some()
            && self.rounds.len() > 1
            && let Some(Round { news, .. }) = self.rounds.pop_back()
            && let News::Changes { offers, tokens, .. } = Rc::unwrap_or_clone(news)
        {
            all = (offers.then(&all.0), isupport::then(tokens, &all.1));
        }
        let (offers, tokens) = all;
        let lines = isupport::lines(&self.config, &tokens);
        self.tell_all(News::Changes { offers, tokens, lines }, out);
    }

    /// Tells everybody who is there, beginning now.
    pub(super) fn tell_all(&mut self, news: News, out: &mut Outbox) {
        let (next, newest) = (self.clients.len() as u32, self.newest);
        self.rounds.push_back(Round { news: Rc::new(news), next, newest });
        if self.rounds.len() == 1 {
            self.make_rounds(out);
        }
    }

    /// Whether somebody is still to be told something.
    pub(super) fn is_going_round(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Goes on with the first round.
    pub(super) fn make_rounds(&mut self, out: &mut Outbox) {
        let end = self.part_of_turn(out);
        let Some(Round { news, next, newest }) = self.rounds.front_mut() else { return };
        let (news, newest, from) = (news.clone(), *newest, *next);
        let last = from.saturating_sub(SLICE_ITEMS as u32);
        let mut at = from;
        while at > last && self.work_charged(out) < end {
            at -= 1;
            self.effort.add(1);
            let known = |id: ClientId| id.generation.wrapping_sub(newest).cast_signed() <= 0;
            if self.client(at).is_some_and(|client| known(client.id)) {
                tell(&mut Ctx { server: self, out, me: at }, &news);
            }
        }
        if at == 0 {
            self.rounds.pop_front();
        } else if let Some(round) = self.rounds.front_mut() {
            round.next = at;
        }
    }
}

fn tell(c: &mut Ctx<'_>, news: &News) {
    match news {
        News::Announcement { source, text } => {
            c.notice_as(source, text);
        }
        News::Changes { offers, lines, .. } => {
            commands::capabilities_changed(c, offers);
            commands::isupport_changed(c, lines);
        }
        News::Shutdown { reason } => c.shut_down(reason),
    }
}
