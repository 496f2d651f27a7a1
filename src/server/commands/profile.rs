//! What users say of themselves: whether they are away, and their real name.

use super::super::ctx::Ctx;
use super::super::outgoing::Draft;
use super::Outcome;
use crate::config::Events;
use crate::proto::caps::Caps;
use crate::proto::message::Message;
use crate::proto::numeric;
use crate::proto::text;

/// `AWAY [message]` (Modern IRC, AWAY; before registration IRCv3 draft/pre-away, whose `*` is a message like any other)
pub(super) fn away(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let most = c.server.config.limits.away_length as usize;
    let message = m.get(0).filter(|message| !message.is_empty());
    let message = message.map(|message| text::truncate(message, most).to_owned());
    if let Some(message) = &message
        && c.is_refused(Events::AWAY, "AWAY", message)
    {
        return Ok(());
    }
    let is_away = message.is_some();
    let able = c.client().caps.has(Caps::PRE_AWAY);
    match c.client_mut().registration() {
        None => change_away(c, message),
        Some(registration) if able => registration.away = message,
        Some(_) => return Err(numeric::err_notregistered().into()),
    }
    if is_away {
        c.reply(numeric::rpl_nowaway());
    } else {
        c.reply(numeric::rpl_unaway());
    }
    Ok(())
}

/// Sets or clears the away message, and tells those who want to know.
pub(in super::super) fn change_away(c: &mut Ctx<'_>, message: Option<String>) {
    let before = std::mem::replace(&mut c.user_mut().away, message.as_deref().map(Into::into));
    if message.as_deref() == before.as_deref() {
        return;
    }
    let source = c.source();
    match message {
        Some(message) => {
            c.tell_change(Caps::AWAY_NOTIFY, Draft::event(&source, format_args!("AWAY :{message}")));
        }
        None => c.tell_change(Caps::AWAY_NOTIFY, Draft::event(&source, format_args!("AWAY"))),
    }
}

/// `SETNAME <realname>` (IRCv3 setname)
pub(super) fn setname(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let realname = m.arg(0);
    let most = c.server.config.limits.realname_length as usize;
    if realname.is_empty() || realname.len() > most {
        let why = format!("A real name must have 1 to {most} bytes");
        c.fail("SETNAME", "INVALID_REALNAME", &why);
        return Ok(());
    }
    if let Some(reason) = c.filtered(Events::REALNAME, "SETNAME", realname) {
        c.fail("SETNAME", "CANNOT_CHANGE_REALNAME", &reason);
        return Ok(());
    }
    c.user_mut().realname = realname.into();
    let source = c.source();
    let body = format!("SETNAME :{realname}");
    c.tell_me(Draft::event(&source, format_args!("{body}")).needing(Caps::SETNAME));
    c.tell_change(Caps::SETNAME, Draft::event(&source, format_args!("{body}")));
    Ok(())
}
