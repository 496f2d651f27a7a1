//! What operators do in channels and to users in the server's name: SAMODE, SAJOIN, SAPART, SANICK.

use super::super::ctx::Ctx;
use super::super::mode::{self, By};
use super::super::policy;
use super::registration::{REASON, may_be_taken, take};
use super::{Outcome, channel, for_targets, must_name, names as lists};
use crate::id::ClientId;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};
use crate::proto::text::truncate;

/// `SAMODE <channel> <modes> [parameters]`
pub(super) fn samode(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if m.arg(1).is_empty() {
        return Err(numeric::err_needmoreparams("SAMODE").into());
    }
    let index = c.find_channel(m.arg(0))?;
    let name = c.channel(index).name.clone();
    let (letters, parameters) = (m.arg(1), &m.params()[2..]);
    c.acted(format!("SAMODE {}", mode::asked(&name, letters, parameters)));
    mode::request(c, index, letters, parameters, By::Server);
    Ok(())
}

/// A user, and the nick by which they were named.
fn find(c: &Ctx<'_>, nick: &str) -> Result<(ClientId, Box<str>), Reply> {
    let slot = c.find_user(nick)?;
    let client = c.server.client(slot).ok_or_else(|| numeric::err_nosuchnick(nick))?;
    Ok((client.id, nick.into()))
}

/// The slot of somebody who was found, and may have left since.
fn still_there(c: &Ctx<'_>, (id, nick): &(ClientId, Box<str>)) -> Result<u32, Reply> {
    let there = c.server.client(id.slot).is_some_and(|client| client.id == *id);
    if there { Ok(id.slot) } else { Err(numeric::err_nosuchnick(nick).into()) }
}

/// `SAJOIN <nick> <channel>[,...]`
pub(super) fn sajoin(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_name("SAJOIN", m.arg(1))?;
    let them = find(c, m.arg(0))?;
    for_targets(c, m.arg(1), move |c, name| {
        let slot = still_there(c, &them)?;
        let nick = c.user_at(slot).nick.clone();
        let found = c.find_channel(name).ok();
        if found.is_none() && !names::is_channel(name, c.server.config.limits.channel_length) {
            return Err(numeric::err_nosuchchannel(name).into());
        }
        if found.is_some_and(|index| c.channel(index).has(slot)) {
            return Err(numeric::err_useronchannel(nick, name).into());
        }
        let theirs = Ctx { server: c.server, out: c.out, me: slot };
        let full = policy::may_join_more(&theirs, name).is_err();
        let (code, why) = if full {
            ("TOO_MANY_CHANNELS", "They are in as many channels as one may be")
        } else if found.is_some_and(|index| policy::may_be_in(&theirs, index).is_err()) {
            ("NOT_SECURE", "The channel is +S, and their connection is not encrypted")
        } else {
            put_in(c, slot, found, name);
            return Ok(());
        };
        c.fail_about("SAJOIN", code, format_args!("{nick} {name}"), why);
        Ok(())
    });
    Ok(())
}

fn put_in(c: &mut Ctx<'_>, slot: u32, found: Option<u32>, name: &str) {
    c.acted(format!("SAJOIN {} {name}", c.user_at(slot).nick));
    let mut theirs = Ctx { server: c.server, out: c.out, me: slot };
    let index = channel::go_in(&mut theirs, found, name);
    lists::show_names(&mut theirs, index);
}

/// `SAPART <nick> <channel>[,...] [reason]`
pub(super) fn sapart(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_name("SAPART", m.arg(1))?;
    let them = find(c, m.arg(0))?;
    let reason = m.get(2).filter(|reason| !reason.is_empty());
    let reason = reason.map(|reason| truncate(reason, REASON).to_owned());
    for_targets(c, m.arg(1), move |c, name| {
        let slot = still_there(c, &them)?;
        let index = c.find_channel(name)?;
        let (name, nick) = (c.channel(index).name.clone(), c.user_at(slot).nick.clone());
        if !c.channel(index).has(slot) {
            return Err(numeric::err_usernotinchannel(nick, name).into());
        }
        c.acted(format!("SAPART {nick} {name}"));
        channel::leave(&mut Ctx { server: c.server, out: c.out, me: slot }, index, reason.as_deref());
        Ok(())
    });
    Ok(())
}

/// `SANICK <nick> <nick>`: also a reserved one, as for every operator.
pub(super) fn sanick(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let (slot, wanted) = (c.find_user(m.arg(0))?, m.arg(1));
    may_be_taken(c, wanted, slot)?;
    let nick = c.user_at(slot).nick.clone();
    c.acted(format!("SANICK {nick} {wanted}"));
    take(&mut Ctx { server: c.server, out: c.out, me: slot }, wanted);
    Ok(())
}
