//! MODE, of channels and of users.

use super::super::ctx::Ctx;
use super::super::mode::{self as channel_mode, By};
use super::super::outgoing::Draft;
use super::super::{notices, policy};
use super::{Outcome, charge};
use crate::config::Privileges;
use crate::proto::message::Message;
use crate::proto::modes::{self, CLOAKED, OPERATOR, SERVER_NOTICES};
use crate::proto::names;
use crate::proto::numeric;

/// What another visible host costs besides the command, of `limits.flood_burst`.
const HOST_CHANGE: u32 = 3;

/// `MODE <channel|nick> [modes] [parameters]`
pub(super) fn mode(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if !names::is_channel_like(m.arg(0)) {
        return user_mode(c, m);
    }
    let index = c.find_known(m.arg(0))?;
    match m.get(1).filter(|letters| !letters.is_empty()) {
        Some(letters) => channel_mode::request(c, index, letters, &m.params()[2..], By::Client),
        None => {
            policy::may_look(c, index)?;
            let channel = c.channel(index);
            let (name, created) = (channel.name.clone(), channel.created_unix_ms / 1000);
            let modes = c.server.channel_modes(channel, channel.has(c.me));
            c.reply(numeric::rpl_channelmodeis(&name, modes));
            c.reply(numeric::rpl_creationtime(&name, created));
        }
    }
    Ok(())
}

fn user_mode(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if c.find_user(m.arg(0))? != c.me {
        return Err(numeric::err_usersdontmatch().into());
    }
    let before = c.user().modes;
    let Some(letters) = m.get(1).filter(|letters| !letters.is_empty()) else {
        c.reply(numeric::rpl_umodeis(modes::user_modes(before)));
        return Ok(());
    };
    let (mut add, mut after) = (true, before);
    let mut unknown = None;
    let mut parameters = m.params()[2..].iter();
    let (mut kinds, mut refused) = (None, None);
    for letter in letters.chars() {
        match (letter, modes::USER.iter().find(|known| known.letter == letter).map(|mode| mode.bit)) {
            ('+' | '-', _) => add = letter == '+',
            // Only OPER gives it; giving it up is free.
            (_, Some(OPERATOR)) if add => {}
            // Who connected before there was a key has had none so far.
            (_, Some(CLOAKED)) if !c.find_cloak() => unknown = unknown.or(Some(letter)),
            (_, Some(SERVER_NOTICES)) if add => {
                let change = parameters.next().copied().unwrap_or("");
                match policy::privileged(c, Privileges::NOTICES) {
                    Ok(()) => kinds = Some(change),
                    Err(reply) => refused = Some(reply),
                }
            }
            (_, Some(bit)) => after = if add { after | bit } else { after & !bit },
            (_, None) => unknown = unknown.or(Some(letter)),
        }
    }
    if let Some(letter) = unknown {
        c.reply(numeric::err_umodeunknownflag(letter));
    }
    if let Some(reply) = refused {
        c.refuse(&reply);
    }
    if let Some(change) = kinds {
        after = choose_notices(c, change, after);
    }
    set_user_modes(c, after);
    if kinds.is_some() {
        let on = c.server.operator(c.me).map_or(0, |operator| operator.notices);
        c.reply(numeric::rpl_snomask(notices::letters(on)));
    }
    Ok(())
}

/// Changes which notices of the server the client gets; all of them if nothing is said. Returns its modes then.
fn choose_notices(c: &mut Ctx<'_>, change: &str, modes: u16) -> u16 {
    let Some(operator) = &mut c.user_mut().extras_mut().operator else { return modes };
    let (kinds, unknown) = match change {
        "" => (notices::ALL, None),
        change => notices::change(operator.notices, change),
    };
    operator.notices = kinds;
    let on = kinds != 0;
    if let Some(letter) = unknown {
        c.reply(numeric::err_umodeunknownflag(letter));
    }
    if on { modes | SERVER_NOTICES } else { modes & !SERVER_NOTICES }
}

/// Gives the client these modes, and tells it what has changed. What goes with a mode goes with it.
pub(in super::super) fn set_user_modes(c: &mut Ctx<'_>, wanted: u16) {
    let before = c.user().modes;
    let after = if wanted & OPERATOR == 0 { wanted & !SERVER_NOTICES } else { wanted };
    if after == before {
        return;
    }
    let user = c.user_mut();
    user.modes = after;
    if after & SERVER_NOTICES == 0
        && let Some(operator) = user.extras.as_mut().and_then(|extras| extras.operator.as_mut())
    {
        operator.notices = 0;
    }
    c.server.count_modes(c.me, before, after);
    tell_modes(c, before);
    if before & !after & OPERATOR != 0 {
        c.forget_operator();
    }
    if (before ^ after) & CLOAKED != 0 {
        // Everybody in the channels hears of it, as of a JOIN and a PART.
        charge(c, HOST_CHANGE);
        c.follow_cloak_mode();
    }
}

/// Tells the user what has changed in their modes.
pub(super) fn tell_modes(c: &mut Ctx<'_>, before: u16) {
    let (source, nick) = (c.source(), c.user().nick.clone());
    let change = difference(before, c.user().modes);
    c.tell_me(Draft::event(&source, format_args!("MODE {nick} :{change}")));
}

/// What leads from one set of user modes to the other.
fn difference(before: u16, after: u16) -> String {
    let letters = |sign: char, bits: u16| -> String {
        let letters: String = modes::user_modes(bits).chars().skip(1).collect();
        if letters.is_empty() { letters } else { format!("{sign}{letters}") }
    };
    letters('+', after & !before) + &letters('-', before & !after)
}
