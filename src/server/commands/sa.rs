//! What operators do in channels and to users in the server's name: SAMODE, SAJOIN, SAPART, SANICK.

use super::super::ctx::Ctx;
use super::super::mode;
use super::oper::acted;
use super::registration::{REASON, may_be_taken, take};
use super::{Outcome, channel, for_targets, must_name, names as lists};
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric;
use crate::proto::text::truncate;

/// `SAMODE <channel> <modes> [parameters]`
pub(super) fn samode(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if m.arg(1).is_empty() {
        return Err(numeric::err_needmoreparams("SAMODE").into());
    }
    let index = c.find_channel(m.arg(0))?;
    let name = c.channel(index).name.clone();
    acted(c, format!("SAMODE {name} {}", m.params()[1..].join(" ")));
    mode::force(c, index, m.arg(1), &m.params()[2..]);
    Ok(())
}

/// `SAJOIN <nick> <channel>[,...]`
pub(super) fn sajoin(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_name("SAJOIN", m.arg(1))?;
    let slot = c.find_user(m.arg(0))?;
    for_targets(c, m.arg(1), |c, name| {
        if !names::is_channel(name, c.server.config.limits.channel_length) {
            return Err(numeric::err_nosuchchannel(name).into());
        }
        let nick = c.user_at(slot).nick.clone();
        let found = c.find_channel(name).ok();
        if found.is_some_and(|index| c.channel(index).has(slot)) {
            return Err(numeric::err_useronchannel(nick, name).into());
        }
        acted(c, format!("SAJOIN {nick} {name}"));
        let mut theirs = Ctx { server: c.server, out: c.out, me: slot };
        let index = channel::go_in(&mut theirs, found, name);
        lists::show_names(&mut theirs, index);
        Ok(())
    });
    Ok(())
}

/// `SAPART <nick> <channel>[,...] [reason]`
pub(super) fn sapart(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_name("SAPART", m.arg(1))?;
    let slot = c.find_user(m.arg(0))?;
    let reason = m.get(2).filter(|reason| !reason.is_empty()).map(|reason| truncate(reason, REASON));
    for_targets(c, m.arg(1), |c, name| {
        let index = c.find_channel(name)?;
        let (name, nick) = (c.channel(index).name.clone(), c.user_at(slot).nick.clone());
        if !c.channel(index).has(slot) {
            return Err(numeric::err_usernotinchannel(nick, name).into());
        }
        acted(c, format!("SAPART {nick} {name}"));
        channel::leave(&mut Ctx { server: c.server, out: c.out, me: slot }, index, reason);
        Ok(())
    });
    Ok(())
}

/// `SANICK <nick> <nick>`
pub(super) fn sanick(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let (slot, wanted) = (c.find_user(m.arg(0))?, m.arg(1));
    may_be_taken(c, wanted, slot)?;
    let nick = c.user_at(slot).nick.clone();
    acted(c, format!("SANICK {nick} {wanted}"));
    take(&mut Ctx { server: c.server, out: c.out, me: slot }, wanted);
    Ok(())
}
