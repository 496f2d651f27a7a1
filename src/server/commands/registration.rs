//! Who a client is, what it understands, and whether it is still there.

use super::super::ctx::Ctx;
use super::super::outgoing::Draft;
use super::super::{Cause, Event};
use super::Outcome;
use crate::proto::caps::{self, Caps};
use crate::proto::message::Message;
use crate::proto::names::{self, fold};
use crate::proto::numeric;
use crate::proto::text;

/// Bytes of capability names in one CAP line: what the longest server name and nick leave of it.
const CAP_LINE: usize = 360;
/// The version of capability negotiation from which on lists may have values and several lines.
const MODERN: u16 = 302;
/// Bytes of a QUIT or PART reason.
pub(super) const REASON: usize = 300;
/// Bytes of a real name.
const REALNAME: usize = 150;

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
    if !names::is_nick(wanted, c.server.config.limits.nick_length) {
        return Err(numeric::err_erroneusnickname(wanted).into());
    }
    let folded = fold(wanted);
    if c.server.nicks.get(folded.as_str()).is_some_and(|&slot| slot != c.me) {
        return Err(numeric::err_nicknameinuse(wanted).into());
    }
    let before = c.client().nick().cloned();
    if before.as_deref() == Some(wanted) {
        return Ok(());
    }
    if let Some(before) = &before {
        c.server.nicks.remove(fold(before).as_str());
    }
    c.server.nicks.insert(folded.into(), c.me);
    if let Some(registration) = c.client_mut().registration() {
        registration.nick = Some(wanted.into());
        c.try_register();
        return Ok(());
    }
    let source = c.source();
    c.tell_me(Draft::event(&source, format_args!("NICK {wanted}")));
    c.tell_neighbours(Draft::event(&source, format_args!("NICK {wanted}")));
    let from = before.map_or_else(String::new, |nick| nick.to_string());
    let moved = !names::same(&from, wanted);
    if moved {
        c.remember();
        c.announce_offline(&from);
    }
    let host = c.client().host.clone();
    c.user_mut().rename(wanted.into(), &host);
    if moved {
        c.announce_online();
    }
    let client = c.client().id;
    c.event(Event::Renamed { client, from, to: wanted.to_owned() });
    Ok(())
}

/// `USER <name> <ignored> <ignored> <realname>`
pub(super) fn user(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let (given, realname) = (m.arg(0), m.arg(3));
    if given.is_empty() || realname.is_empty() {
        return Err(numeric::err_needmoreparams("USER").into());
    }
    let Some(name) = names::user_name(given, c.server.config.limits.user_length) else {
        return Err(numeric::err_invalidusername().into());
    };
    if let Some(registration) = c.client_mut().registration() {
        if registration.user.is_some() {
            return Err(numeric::err_alreadyregistered().into());
        }
        registration.user = Some(name);
        text::truncate(realname, REALNAME).clone_into(&mut registration.realname);
        c.try_register();
    }
    Ok(())
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
    let reason = format!("Quit: {}", text::truncate(m.get(0).unwrap_or(""), REASON));
    c.dismiss(Cause::Quit, &reason);
    Ok(())
}

/// `CAP <subcommand> [...]` (IRCv3 capability negotiation)
pub(super) fn cap(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    match m.arg(0).to_ascii_uppercase().as_str() {
        "LS" => {
            list_offered(c, version(m.get(1).unwrap_or("")));
        }
        "LIST" => {
            let enabled = c.client().caps;
            let names = caps::TABLE.iter().filter(|cap| enabled.has(cap.bit)).map(|cap| cap.name);
            let names: Vec<_> = names.collect();
            cap_lines(c, "LIST", &names);
        }
        "REQ" => request(c, m.get(1).unwrap_or("")),
        "END" => {
            if let Some(registration) = c.client_mut().registration() {
                registration.negotiating = false;
                c.try_register();
            }
        }
        _ => return Err(numeric::err_invalidcapcmd(m.arg(0)).into()),
    }
    Ok(())
}

/// The version of a `CAP LS`: a number, however large; 0 if it is none.
fn version(given: &str) -> u16 {
    let is_number = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { given.parse().unwrap_or(u16::MAX) } else { 0 }
}

/// Registration waits for CAP END once capabilities are being talked about.
fn negotiate(c: &mut Ctx<'_>) {
    if let Some(registration) = c.client_mut().registration() {
        registration.negotiating = true;
    }
}

fn list_offered(c: &mut Ctx<'_>, version: u16) {
    negotiate(c);
    let client = c.client_mut();
    client.cap_version = client.cap_version.max(version);
    if client.cap_version >= MODERN {
        // Implied by the version ("cap-notify Capability").
        let caps = client.caps.with(Caps::CAP_NOTIFY);
        set_caps(c, caps);
    }
    // The answer is of this request's version, the lines after it are of the highest ("CAP LS Version").
    let offered: Vec<String> = (caps::TABLE.iter())
        .map(|cap| match cap.value {
            Some(value) if version >= MODERN => format!("{}={value}", cap.name),
            _ => cap.name.to_owned(),
        })
        .collect();
    let offered: Vec<&str> = offered.iter().map(String::as_str).collect();
    cap_lines(c, "LS", &offered);
}

/// A list of capabilities; all lines but the last are marked with an asterisk. Clients of before 302 know of no second
/// line, so they get what fits the first.
fn cap_lines(c: &mut Ctx<'_>, subcommand: &str, words: &[&str]) {
    let nick = c.client().nick().cloned();
    let nick = nick.as_deref().unwrap_or("*");
    let mut lines = text::pack(words, CAP_LINE, |line, word| line.push_str(word));
    if c.client().cap_version < MODERN {
        lines.truncate(1);
    }
    let last = lines.pop().unwrap_or_default();
    for line in lines {
        c.say(format_args!("CAP {nick} {subcommand} * :{line}"));
    }
    c.say(format_args!("CAP {nick} {subcommand} :{last}"));
}

/// All of a request or nothing ("The CAP REQ subcommand").
fn request(c: &mut Ctx<'_>, list: &str) {
    negotiate(c);
    let (before, modern) = (c.client().caps, c.client().cap_version >= MODERN);
    let mut wanted = Some(before);
    for word in list.split_ascii_whitespace() {
        let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
        wanted = match (wanted, caps::find(name)) {
            (Some(_), Some(cap)) if !on && modern && cap.bit == Caps::CAP_NOTIFY => None,
            (Some(set), Some(cap)) => Some(if on { set.with(cap.bit) } else { set.without(cap.bit) }),
            _ => None,
        };
    }
    let nick = c.client().nick().cloned();
    let nick = nick.as_deref().unwrap_or("*");
    let verdict = if wanted.is_some() { "ACK" } else { "NAK" };
    c.say(format_args!("CAP {nick} {verdict} :{list}"));
    // Only lines after the ACK take the new form ("The CAP ACK subcommand").
    if let Some(caps) = wanted {
        set_caps(c, caps);
    }
}

fn set_caps(c: &mut Ctx<'_>, caps: Caps) {
    c.client_mut().caps = caps;
    c.out.set_caps(c.me, caps);
}
