//! Who a client is, what it understands, and whether it is still there.

use super::super::ctx::Ctx;
use super::super::outgoing::Draft;
use super::super::{Cause, Event, policy};
use super::{Outcome, charge};
use crate::config::Events;
use crate::proto::limits::MASKS_PER_COST;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric;
use crate::proto::text;

/// Bytes of the parameter of AUTHENTICATE (IRCv3 SASL 3.1, "The AUTHENTICATE command").
const SASL_CHUNK: usize = 400;
/// Bytes of a QUIT or PART reason.
pub(super) const REASON: usize = 300;

/// `PASS <password>`
pub(super) fn pass(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if let Some(registration) = c.client_mut().registration() {
        registration.password = Some(m.arg(0).to_owned());
    }
    Ok(())
}

/// `NICK <nick>`
pub(super) fn nick(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let wanted = match m.get(0) {
        None | Some("") => return Err(numeric::err_nonicknamegiven().into()),
        Some(wanted) => wanted,
    };
    may_be_taken(c, wanted, c.me)?;
    if c.client().nick().is_some_and(|before| &**before == wanted) {
        return Ok(());
    }
    if c.client().user().is_none() {
        return take_if_unfiltered(c, wanted);
    }
    charge(c, (policy::masks_for_nick(c) / MASKS_PER_COST) as u32);
    let (wanted, mut rest) = (wanted.to_owned(), c.my_channels());
    c.in_steps(move |c| {
        let next = rest.pop();
        let outcome = match next {
            Some((index, serial)) if c.is_still_in(index, serial) => policy::may_change_nick(c, index),
            Some(_) => Ok(()),
            None => is_free(c, &wanted, c.me).and_then(|()| take_if_unfiltered(c, &wanted)),
        };
        match outcome {
            Ok(()) => next.is_some(),
            Err(reply) => {
                c.refuse(&reply);
                false
            }
        }
    });
    Ok(())
}

fn take_if_unfiltered(c: &mut Ctx<'_>, wanted: &str) -> Outcome {
    if c.filtered(Events::NICK, "NICK", wanted).is_some() {
        return Err(numeric::err_erroneusnickname(wanted, "Erroneous nickname").into());
    }
    take(c, wanted);
    Ok(())
}

/// Whether a nick is one, and nobody's but the one's in `slot`.
pub(super) fn may_be_taken(c: &Ctx<'_>, wanted: &str, slot: u32) -> Outcome {
    if !names::is_nick(wanted, c.server.config.limits.nick_length) {
        return Err(numeric::err_erroneusnickname(wanted, "Erroneous nickname").into());
    }
    policy::may_take_nick(c, wanted)?;
    is_free(c, wanted, slot)
}

/// Whether a nick is nobody's but the one's in `slot`.
fn is_free(c: &Ctx<'_>, wanted: &str, slot: u32) -> Outcome {
    if c.server.slot_of(wanted).is_some_and(|other| other != slot) {
        return Err(numeric::err_nicknameinuse(wanted).into());
    }
    Ok(())
}

/// Gives the client a nick that may be taken, and tells everybody concerned.
pub(super) fn take(c: &mut Ctx<'_>, wanted: &str) {
    let before = c.client().nick().cloned();
    if before.as_deref() == Some(wanted) {
        return;
    }
    if let Some(registration) = c.client_mut().registration() {
        registration.nick = Some(wanted.into());
        list(c, before.as_deref(), wanted);
        c.try_register();
        return;
    }
    let from = before.as_deref().unwrap_or_default().to_owned();
    // First: if the client gets the notice itself, it is to the nick that they still have.
    let client = c.client().id;
    c.event(Event::Renamed { client, from: from.clone(), to: wanted.to_owned() });
    let source = c.source();
    c.tell_me(Draft::event(&source, format_args!("NICK {wanted}")));
    c.tell_neighbours(Draft::event(&source, format_args!("NICK {wanted}")));
    let moved = !names::same(&from, wanted);
    if moved {
        c.remember();
        c.announce_offline(&from);
    }
    c.user_mut().rename(wanted.into());
    list(c, before.as_deref(), wanted);
    if moved {
        c.announce_online();
    }
}

/// Enters the client's nick in the table, which it has taken just now.
fn list(c: &mut Ctx<'_>, before: Option<&str>, nick: &str) {
    if let Some(before) = before {
        c.server.nicks.remove(before, c.me);
    }
    c.server.nicks.insert(nick, c.me);
}

/// `USER <name> <ignored> <ignored> <realname>`
pub(super) fn user(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let (given, realname) = (m.arg(0), m.arg(3));
    let most = c.server.config.limits.realname_length as usize;
    if given.is_empty() || realname.is_empty() {
        return Err(numeric::err_needmoreparams("USER").into());
    }
    let Some(name) = names::user_name(given, c.server.config.limits.user_length) else {
        return Err(numeric::err_invalidusername().into());
    };
    if c.is_refused(Events::REALNAME, "USER", realname) {
        return Ok(());
    }
    if let Some(registration) = c.client_mut().registration() {
        if registration.user.is_some() {
            return Err(numeric::err_alreadyregistered().into());
        }
        registration.user = Some(name);
        text::truncate(realname, most).clone_into(&mut registration.realname);
        c.try_register();
    }
    Ok(())
}

/// `AUTHENTICATE <mechanism>|<response>|*`: at any time, as SASL 3.2 has it. There is no mechanism, nor the capability
/// `sasl`, so an exchange never gets further than the refusal of its mechanism. 908 would have to list none.
pub(super) fn authenticate(_: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    Err(match m.arg(0) {
        "*" => numeric::err_saslaborted().into(),
        given if given.len() > SASL_CHUNK => numeric::err_sasltoolong().into(),
        _ => numeric::err_saslfail().into(),
    })
}

/// `PING <token>`
pub(super) fn ping(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let token = match m.get(0) {
        None => return Err(numeric::err_needmoreparams("PING").into()),
        Some("") => return Err(numeric::err_noorigin().into()),
        Some(token) => token,
    };
    let config = c.config();
    c.say(format_args!("PONG {} :{token}", config.server.name));
    Ok(())
}

/// `PONG <token>`: that something was heard is all there is to know, and dispatch has noted it.
pub(super) fn pong(_: &mut Ctx<'_>, _: &Message<'_>) -> Outcome {
    Ok(())
}

/// `QUIT [reason]`
pub(super) fn quit(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    // The prefix shows that it was their own wish, also without a reason (Modern IRC, "QUIT message").
    let given = text::truncate(m.get(0).unwrap_or(""), REASON);
    let given = if c.filtered(Events::QUIT, "QUIT", given).is_some() { "" } else { given };
    let reason = format!("Quit: {given}");
    c.dismiss(Cause::Quit, &reason);
    Ok(())
}
