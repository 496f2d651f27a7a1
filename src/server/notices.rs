//! Notices of the server for its operators (user mode `s`), said of the same events as the log tells of.

use super::ctx::Ctx;
use super::outgoing::Draft;
use super::{Cause, Effect, Event, Server};
use crate::outbox::Outbox;
use crate::proto::limits::NOTICES_PER_SECOND;

/// A kind of notices.
pub(super) struct Kind {
    /// Its letter in the parameter of mode `s`.
    pub(super) letter: char,
    /// What the notices are about.
    pub(super) help: &'static str,
}

const fn kind(letter: char, help: &'static str) -> Kind {
    Kind { letter, help }
}

/// Every kind, by letter.
pub(super) const TABLE: &[Kind] = &[
    kind('b', "bans from the server"),
    kind('c', "users who connect and disconnect"),
    kind('f', "floods: who is slowed down, and who does not read"),
    kind('k', "kills"),
    kind('n', "changes of nick"),
    kind('o', "operators: who becomes one or fails to, and what they do past the rules"),
    kind('r', "who is refused for a ban, what content filters find, and gateways that are refused"),
];

/// All kinds at once.
pub(super) const ALL: u16 = (1 << TABLE.len()) - 1;

/// How many notices of each kind were said in the present second.
#[derive(Default)]
pub(super) struct Spoken([Second; TABLE.len()]);

#[derive(Clone, Copy, Default)]
struct Second {
    second: u64,
    said: u32,
    left_out: u64,
}

impl Spoken {
    /// Whether one more of this kind may be said; if so, how many were left out before it.
    fn one_more(&mut self, kind: usize, now_ms: u64) -> Option<u64> {
        let it = &mut self.0[kind];
        if it.second != now_ms / 1000 {
            (it.second, it.said) = (now_ms / 1000, 0);
        }
        if it.said == NOTICES_PER_SECOND {
            it.left_out += 1;
            return None;
        }
        it.said += 1;
        Some(std::mem::take(&mut it.left_out))
    }
}

/// The kinds that are on, after `change`, such as `+ck-o`, was made to `before`, and the first letter that is of no kind.
pub(super) fn change(before: u16, change: &str) -> (u16, Option<char>) {
    let (mut add, mut after, mut unknown) = (true, before, None);
    for letter in change.chars() {
        match TABLE.iter().position(|kind| kind.letter == letter) {
            Some(kind) if add => after |= 1 << kind,
            Some(kind) => after &= !(1 << kind),
            None if matches!(letter, '+' | '-') => add = letter == '+',
            None => unknown = unknown.or(Some(letter)),
        }
    }
    (after, unknown)
}

/// Kinds as they are shown: `+` and the letters.
pub(super) fn letters(kinds: u16) -> String {
    let on = TABLE.iter().enumerate().filter(|(bit, _)| kinds & 1 << bit != 0);
    std::iter::once('+').chain(on.map(|(_, kind)| kind.letter)).collect()
}

/// What operators are told of an event: the letter of the kind, and the text.
fn text(event: &Event) -> Option<(char, String)> {
    Some(match event {
        Event::Registered { mask, .. } => ('c', format!("{mask} has connected")),
        Event::Disconnected { mask: Some(mask), cause: Cause::SendQueue, .. } => {
            ('f', format!("{mask} is disconnected: more waits for it than its send queue may hold"))
        }
        Event::Disconnected { mask: Some(mask), cause: Cause::Stalled, .. } => {
            ('f', format!("{mask} is disconnected: it does not read in time what waits for it"))
        }
        Event::Disconnected { mask: Some(mask), reason, .. } => {
            ('c', format!("{mask} has disconnected: {reason}"))
        }
        Event::Renamed { from, to, .. } => ('n', format!("{from} is now known as {to}")),
        Event::Flooding { mask, .. } => ('f', format!("{mask} sends too fast and is slowed down")),
        Event::Filtered { mask, filter, command, action, .. } => {
            let who = mask.as_deref().unwrap_or("somebody who is not registered");
            ('r', format!("the filter {filter} has found something in a {command} of {who}: {action}"))
        }
        Event::BanSet(ban) => {
            ('b', format!("{} sets the {} of {}: {}", ban.by, ban.kind.name(), ban.mask, ban.reason))
        }
        Event::BanUnset { kind, mask, by } => ('b', format!("{by} takes the {} of {mask} away", kind.name())),
        Event::BanEnded { kind, mask } => ('b', format!("the {} of {mask} has ended", kind.name())),
        Event::Banned { mask, reason, .. } => ('r', format!("{mask} is refused: {reason}")),
        Event::Killed { mask, by, reason, .. } => ('k', format!("{by} kills {mask}: {reason}")),
        Event::Oper { mask, name, class, .. } => {
            ('o', format!("{mask} is now the server operator {name} of the class {class}"))
        }
        Event::OperRefused { mask, name, why, .. } => {
            ('o', format!("{mask} is not let be the server operator {name}: {why}"))
        }
        Event::NoOperator { mask, name, .. } => {
            ('o', format!("{mask} is no longer the server operator {name}"))
        }
        Event::GatewayRefused { client, why } => {
            ('r', format!("client {client} is no gateway for WEBIRC: {why}"))
        }
        Event::Lockdown { on } => {
            ('o', format!("the panic switch (lockdown) is turned {}", if *on { "on" } else { "off" }))
        }
        Event::Acted { mask, what, .. } => ('o', format!("{mask} uses {what}")),
        Event::Disconnected { mask: None, .. }
        | Event::Gateway { .. }
        | Event::Joined { .. }
        | Event::Kicked { .. }
        | Event::Parted { .. } => return None,
    })
}

impl Server {
    /// Tells of something that no client has done.
    pub(super) fn announce(&mut self, event: Event, out: &mut Outbox) {
        if let Some(&me) = self.operators.first() {
            Ctx { server: self, out, me }.note(&event);
        }
        self.effects.push(Effect::Event(event));
    }

    fn wants_notices(&self, slot: u32) -> u16 {
        self.operator(slot).map_or(0, |operator| operator.notices)
    }
}

impl Ctx<'_> {
    /// Tells operators of an event who want to know.
    pub(super) fn note(&mut self, event: &Event) {
        let listening: Vec<u32> = (self.server.operators.iter().copied())
            .filter(|&slot| self.server.wants_notices(slot) != 0)
            .collect();
        // Most of the time nobody listens, and then the text is not made.
        if listening.is_empty() || self.server.stopping {
            return;
        }
        let Some((letter, text)) = text(event) else { return };
        let Some(kind) = TABLE.iter().position(|kind| kind.letter == letter) else { return };
        let now = self.server.now.mono_ms;
        let Some(left_out) = self.server.notices.one_more(kind, now) else { return };
        let (counted, source) = (self.server_source(), self.server_source());
        for slot in listening {
            if self.server.wants_notices(slot) & 1 << kind == 0 {
                continue;
            }
            let nick = self.user_at(slot).nick.clone();
            if left_out > 0 {
                let missing =
                    format_args!("NOTICE {nick} :*** {left_out} notices of the kind {letter} were left out");
                self.deliver(slot, Draft::event(&counted, missing));
            }
            self.deliver(slot, Draft::event(&source, format_args!("NOTICE {nick} :*** {text}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_sorted_and_changed_by_letter() {
        assert!(TABLE.is_sorted_by(|a, b| a.letter < b.letter) && TABLE.len() < 16);
        let (some, unknown) = change(0, "ck?");
        assert_eq!((letters(some).as_str(), unknown), ("+ck", Some('?')));
        assert_eq!(letters(change(some, "-c+o").0), "+ko");
        assert_eq!(change(ALL, "-bcfknor").0, 0);
    }

    #[test]
    fn a_storm_is_cut_and_what_was_left_out_is_counted() {
        let mut spoken = Spoken::default();
        let said = (0..2 * NOTICES_PER_SECOND).filter(|_| spoken.one_more(0, 1_500).is_some()).count();
        assert_eq!(said as u32, NOTICES_PER_SECOND);
        assert_eq!(spoken.one_more(1, 1_999), Some(0), "other kinds are not concerned");
        assert_eq!(spoken.one_more(0, 2_000), Some(u64::from(NOTICES_PER_SECOND)));
        assert_eq!(spoken.one_more(0, 2_001), Some(0));
    }
}
