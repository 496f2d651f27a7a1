//! What all clients are told: some in this turn, the others in the turns that follow.
//!
//! A round goes from the highest slot down: when all of them leave, each is the last in the lists of members, where removal
//! moves nobody. Rounds are made one after the other, so that everybody hears of things in their order.

use std::rc::Rc;

use super::ctx::Ctx;
use super::outgoing::Source;
use super::{Server, commands};
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::caps;
use crate::proto::limits::{ROUNDS, SLICE_ITEMS};

/// What is told.
pub(super) enum News {
    /// A notice of an operator, one event for all.
    Announcement { source: Option<Source>, text: Rc<str> },
    /// What a reload has changed: capabilities, and tokens of 005.
    Changes { offers: caps::Changes, tokens: Vec<String> },
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
    /// Tells everybody who is there, beginning now.
    pub(super) fn tell_all(&mut self, mut news: News, out: &mut Outbox) {
        if let News::Announcement { source, .. } = &mut news
            && let Some(me) = (0..self.clients.len() as u32).find(|&slot| self.client(slot).is_some())
        {
            *source = Some(Ctx { server: self, out, me }.server_source());
        }
        let (next, newest) = (self.clients.len() as u32, self.newest);
        self.rounds.push_back(Round { news: Rc::new(news), next, newest });
        // Whoever begins more of them than can be made waits for the first.
        while self.rounds.len() > ROUNDS {
            self.go_round(u32::MAX, u64::MAX, out);
        }
        if self.rounds.len() == 1 {
            self.make_rounds(out);
        }
    }

    /// Whether somebody is still to be told something.
    pub(super) fn is_going_round(&self) -> bool {
        !self.rounds.is_empty()
    }

    /// Tells some more.
    pub(super) fn make_rounds(&mut self, out: &mut Outbox) {
        let end = self.part_of_turn(out);
        self.go_round(SLICE_ITEMS as u32, end, out);
    }

    /// Goes on with the first round, for so many slots or so much work.
    fn go_round(&mut self, slots: u32, end: u64, out: &mut Outbox) {
        let Some(Round { news, next, newest }) = self.rounds.front_mut() else { return };
        let (news, newest, from) = (news.clone(), *newest, *next);
        let last = from.saturating_sub(slots);
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
            if let Some(source) = source {
                c.notice_as(source, text);
            }
        }
        News::Changes { offers, tokens } => {
            commands::capabilities_changed(c, offers);
            commands::isupport_changed(c, tokens);
        }
        News::Shutdown { reason } => c.shut_down(reason),
    }
}
