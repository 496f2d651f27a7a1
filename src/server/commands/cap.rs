//! What a client understands (IRCv3 capability negotiation).

use std::fmt;

use super::super::ctx::Ctx;
use super::Outcome;
use crate::proto::caps::{self, Caps};
use crate::proto::limits::LINE;
use crate::proto::message::Message;
use crate::proto::numeric;
use crate::proto::text;

/// The version of capability negotiation from which on lists may have values and several lines.
const MODERN: u16 = 302;

/// `CAP <subcommand> [...]` (IRCv3 capability negotiation)
pub(super) fn cap(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    match m.arg(0).to_ascii_uppercase().as_str() {
        "LS" => {
            list_offered(c, version(m.get(1).unwrap_or("")));
        }
        "LIST" => {
            let enabled = c.client().caps;
            let names = caps::TABLE.iter().filter(|cap| enabled.has(cap.bit)).map(|cap| cap.name);
            let names: Vec<String> = names.map(str::to_owned).collect();
            list(c, "LIST", &names);
        }
        // The list is one parameter, but it is also seen as several.
        "REQ" => request(c, &m.params()[1..].join(" ")),
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
    let config = c.config();
    let offered: Vec<String> = (caps::TABLE.iter())
        .filter_map(|cap| {
            let shown = cap.shown(&config)?;
            Some(if version >= MODERN { shown } else { cap.name.to_owned() })
        })
        .collect();
    list(c, "LS", &offered);
}

/// A list of capabilities; all lines but the last are marked with an asterisk. Clients of before 302 know of no second
/// line, so they get what fits the first.
fn list(c: &mut Ctx<'_>, subcommand: &str, words: &[String]) {
    let mut lines = lines(c, subcommand, words);
    if c.client().cap_version < MODERN {
        lines.truncate(1);
    }
    let last = lines.pop().unwrap_or_default();
    for line in lines {
        say(c, format_args!("{subcommand} * :{line}"));
    }
    say(c, format_args!("{subcommand} :{last}"));
}

/// Words in as many lines as it takes for each to be whole.
fn lines<T: AsRef<str>>(c: &Ctx<'_>, subcommand: &str, words: &[T]) -> Vec<String> {
    text::pack(words, room(c, subcommand), |line, word| line.push_str(word.as_ref()))
}

/// Bytes that a list can have in one line.
fn room(c: &Ctx<'_>, subcommand: &str) -> usize {
    let nick = c.client().nick().map_or(1, |nick| nick.len());
    LINE - (": CAP   * :\r\n".len() + c.server.config.server.name.len() + nick + subcommand.len())
}

fn say(c: &mut Ctx<'_>, rest: fmt::Arguments<'_>) {
    let nick = c.client().nick().cloned();
    let nick = nick.as_deref().unwrap_or("*");
    c.say(format_args!("CAP {nick} {rest}"));
}

/// All of a request or nothing ("The CAP REQ subcommand").
fn request(c: &mut Ctx<'_>, list: &str) {
    negotiate(c);
    let config = c.config();
    let (before, modern) = (c.client().caps, c.client().cap_version >= MODERN);
    let mut wanted = Some(before);
    for word in list.split_ascii_whitespace() {
        let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
        let cap = caps::find(name).filter(|cap| !on || (cap.offer)(&config).is_some());
        wanted = match (wanted, cap) {
            (Some(_), Some(cap)) if !on && modern && cap.bit == Caps::CAP_NOTIFY => None,
            (Some(set), Some(cap)) => Some(if on { set.with(cap.bit) } else { set.without(cap.bit) }),
            _ => None,
        };
    }
    let verdict = if wanted.is_some() { "ACK" } else { "NAK" };
    let words: Vec<&str> = list.split_ascii_whitespace().collect();
    if list.len() <= room(c, verdict) {
        // As it was written.
        say(c, format_args!("{verdict} :{list}"));
    } else if words.is_empty() {
        say(c, format_args!("{verdict} :"));
    } else {
        for line in lines(c, verdict, &words) {
            say(c, format_args!("{verdict} :{line}"));
        }
    }
    // Only lines after the ACK take the new form ("The CAP ACK subcommand").
    if let Some(caps) = wanted {
        set_caps(c, caps);
    }
}

fn set_caps(c: &mut Ctx<'_>, caps: Caps) {
    c.client_mut().caps = caps;
    c.out.set_caps(c.me, caps);
}

/// Tells a client of a change to what is offered, if it wants to know, and takes from it what is gone ("The CAP NEW
/// subcommand", "The CAP DEL subcommand").
pub(in super::super) fn changed(c: &mut Ctx<'_>, changes: &caps::Changes) {
    let before = c.client().caps;
    if before.has(Caps::CAP_NOTIFY) {
        for line in lines(c, "DEL", &changes.gone) {
            say(c, format_args!("DEL :{line}"));
        }
    }
    set_caps(c, before.without(changes.gone_bits));
    if before.has(Caps::CAP_NOTIFY) {
        let modern = c.client().cap_version >= MODERN;
        let name = |shown: &String| match shown.split_once('=') {
            Some((name, _)) if !modern => name.to_owned(),
            _ => shown.clone(),
        };
        let new: Vec<String> = changes.new.iter().map(name).collect();
        for line in lines(c, "NEW", &new) {
            say(c, format_args!("NEW :{line}"));
        }
    }
}
