//! How others are shown that somebody is in a channel: JOIN, and that they are away.

use super::ctx::Ctx;
use super::outgoing::Draft;
use crate::proto::caps::Caps;

/// Who is shown that a member is in a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// All who see them, themselves included: they have just entered.
    Entered,
    /// Those in an auditorium who have not seen them before.
    Appeared,
}

impl Ctx<'_> {
    /// Shows that the member in `slot` is in a channel. Others who have asked for it are told that they are away (IRCv3
    /// away-notify), which is a message of its own.
    pub(super) fn show_arrival(&mut self, index: u32, slot: u32, arrival: Arrival) {
        let Some(source) = self.source_of(slot) else { return };
        let user = self.user_at(slot);
        let (realname, away) = (user.realname.clone(), user.away.clone());
        let name = self.channel(index).name.clone();
        let account = source.account.as_deref().unwrap_or("*");
        let (body, richer) = (format_args!("JOIN {name}"), format_args!("JOIN {name} {account} :{realname}"));
        let join = Draft::event(&source, body).or(Caps::EXTENDED_JOIN, richer);
        match arrival {
            Arrival::Entered => self.tell_seeing(index, slot, None, join),
            Arrival::Appeared => self.tell_blind(index, slot, join),
        }
        let Some(message) = away else { return };
        let Some(source) = self.source_of(slot) else { return };
        let body = format_args!("AWAY :{message}");
        let away = Draft::event(&source, body).needing(Caps::AWAY_NOTIFY);
        match arrival {
            Arrival::Entered => self.tell_seeing(index, slot, Some(slot), away),
            Arrival::Appeared => self.tell_blind(index, slot, away),
        }
    }
}
