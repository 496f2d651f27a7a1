//! WHO, with the fields of WHOX (Modern IRC, WHO; IRCv3 whox).

use std::fmt::Write;

use super::super::client::{Client, User};
use super::super::ctx::Ctx;
use super::super::policy;
use super::super::work::Work;
use super::Outcome;
use super::query::shown_address;
use crate::proto::caps::Caps;
use crate::proto::mask;
use crate::proto::message::Message;
use crate::proto::modes::{self, BOT, OPERATOR};
use crate::proto::names;
use crate::proto::numeric;

/// The fields of WHOX, in the order of 354.
const FIELDS: &str = "tcuihsnfdlaor";
/// What a mask may be held against: nick, user, host, address, server, account and real name.
const MATCHED: &str = "nuhisar";
/// What it is held against when the client does not say.
const MATCHED_BY_DEFAULT: &str = "nuhr";
/// Digits of a token.
const TOKEN: usize = 3;

/// A WHO that is not finished.
pub(in super::super) struct WhoWork {
    /// As it was given: what 315 repeats.
    mask: String,
    question: Question,
    /// The index and serial number of a channel; otherwise all users are looked at.
    channel: Option<(u32, u64)>,
    /// The first slot that was not looked at.
    next: u32,
}

/// What follows the mask: `[flags][%fields[,token]]`.
#[derive(Default, PartialEq, Eq, Debug)]
struct Question {
    operators_only: bool,
    /// Letters of [`MATCHED`].
    matched: String,
    /// Letters of [`FIELDS`] and the token: the answer is 354. With none that are known it is 352.
    fields: Option<(String, String)>,
}

impl Question {
    fn parse(text: &str) -> Self {
        let (flags, fields) = text.split_once('%').map_or((text, None), |(flags, it)| (flags, Some(it)));
        // However often a letter is repeated, it costs each user one look.
        let mut matched: String = MATCHED.chars().filter(|it| flags.contains(*it)).collect();
        if matched.is_empty() {
            MATCHED_BY_DEFAULT.clone_into(&mut matched);
        }
        let fields = fields.and_then(|fields| {
            let (fields, token) = fields.split_once(',').unwrap_or((fields, ""));
            let is_token = (1..=TOKEN).contains(&token.len()) && token.bytes().all(|it| it.is_ascii_digit());
            let known: String = fields.chars().filter(|it| FIELDS.contains(*it)).collect();
            (!known.is_empty()).then(|| (known, if is_token { token } else { "0" }.to_owned()))
        });
        Self { operators_only: flags.contains('o'), matched, fields }
    }
}

/// `WHO [<channel|mask> [[flags][%fields[,token]]]]`; without a mask, of all users who are to be seen
pub(super) fn who(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let mask = m.get(0).unwrap_or("");
    let question = Question::parse(m.get(1).unwrap_or(""));
    let mut work = WhoWork { mask: mask.to_owned(), question, channel: None, next: 0 };
    if names::is_channel_like(mask) {
        match c.find_channel(mask) {
            Ok(index) => work.channel = Some((index, c.channel(index).serial)),
            Err(_) => work.next = u32::MAX,
        }
    } else if let Ok(slot) = c.find_user(mask) {
        // Whoever is named is found, invisible or not.
        row(c, &work.question, None, slot);
        work.next = u32::MAX;
    }
    c.begin(Work::Who(work));
    Ok(())
}

/// The next user of a WHO; false after the last.
pub(in super::super) fn who_step(c: &mut Ctx<'_>, work: &mut WhoWork) -> bool {
    let found = match work.channel {
        Some((index, serial)) => next_member(c, index, serial, work.next),
        None => (work.next < c.server.clients.len() as u32).then_some(work.next),
    };
    let Some(slot) = found else {
        c.reply(numeric::rpl_endofwho(&work.mask));
        return false;
    };
    work.next = slot + 1;
    let visible = match work.channel {
        Some((index, _)) => policy::sees_member(c.server, c.me, c.channel(index), slot),
        None => policy::sees_user(c.server, c.me, slot) && is_meant(c, work, slot),
    };
    if visible {
        row(c, &work.question, work.channel.map(|(index, _)| index), slot);
    }
    true
}

/// The first member from a slot on, unless the channel is no longer the one that was asked about.
fn next_member(c: &Ctx<'_>, index: u32, serial: u64, next: u32) -> Option<u32> {
    let channel =
        c.server.channels.get(index as usize)?.as_ref().filter(|channel| channel.serial == serial)?;
    channel.members().from(next).next().map(|member| member.slot)
}

fn is_meant(c: &Ctx<'_>, work: &WhoWork, slot: u32) -> bool {
    if matches!(work.mask.as_str(), "" | "0" | "*") {
        return true;
    }
    let Some(client) = c.server.client(slot) else { return false };
    let Some(user) = client.user() else { return false };
    c.server.effort.add_mask(&work.mask, work.question.matched.len());
    let matches = |text: &str| mask::matches(&work.mask, text);
    work.question.matched.chars().any(|letter| match letter {
        'n' => matches(&user.nick),
        'u' => matches(user.user_name()),
        'h' => matches(user.host()),
        'i' => policy::sees_address(c.server, c.me, slot) && matches(&names::host(client.peer.address)),
        's' => matches(&c.server.config.server.name),
        'a' => user.account.as_deref().is_some_and(matches),
        _ => matches(&user.realname),
    })
}

/// 352 or 354 for one user.
fn row(c: &mut Ctx<'_>, question: &Question, channel: Option<u32>, slot: u32) {
    let config = c.config();
    let Some(client) = c.server.client(slot) else { return };
    let Some(user) = client.user() else { return };
    if question.operators_only && user.modes & OPERATOR == 0 {
        return;
    }
    let channel = channel.or_else(|| shared_channel(c, user, slot));
    let name = channel.map_or_else(|| "*".into(), |index| c.channel(index).name.clone());
    let flags = flags(c, user, channel, slot);
    let Some((fields, token)) = &question.fields else {
        let (mask, nick, realname) = (user.mask.clone(), user.nick.clone(), user.realname.clone());
        let (_, user_name, host) = names::split_source(&mask);
        let (user_name, host) = (user_name.unwrap_or_default(), host.unwrap_or_default());
        c.reply(numeric::rpl_whoreply(name, user_name, host, &config.server.name, nick, flags, realname));
        return;
    };
    let mut values = String::new();
    for field in FIELDS.chars().filter(|field| fields.contains(*field)) {
        if !values.is_empty() {
            values.push(' ');
        }
        match field {
            't' => values.push_str(token),
            'c' => values.push_str(&name),
            'f' => values.push_str(&flags),
            's' => values.push_str(&config.server.name),
            _ => push_field(&mut values, c, field, client, user),
        }
    }
    c.reply(numeric::rpl_whospcrpl(values));
}

/// A field that depends on nothing but the user.
fn push_field(values: &mut String, c: &Ctx<'_>, field: char, client: &Client, user: &User) {
    let idle = c.server.now.mono_ms.saturating_sub(user.spoke_ms) / 1000;
    // Writing to a String cannot fail.
    let _ = match field {
        'u' => values.write_str(user.user_name()),
        'i' => values.write_str(&shown_address(c, client.id.slot, client)),
        'h' => values.write_str(user.host()),
        'n' => values.write_str(&user.nick),
        'd' => values.write_char('0'),
        'l' => write!(values, "{idle}"),
        'a' => values.write_str(user.account.as_deref().unwrap_or("0")),
        'o' => values.write_str("n/a"),
        _ => write!(values, ":{}", user.realname),
    };
}

/// Here or gone, operator, bot, and the prefixes in the channel that is shown.
fn flags(c: &Ctx<'_>, user: &User, channel: Option<u32>, slot: u32) -> String {
    let mut flags = String::from(if user.away.is_some() { "G" } else { "H" });
    for (mode, flag) in [(OPERATOR, '*'), (BOT, 'B')] {
        if user.modes & mode != 0 {
            flags.push(flag);
        }
    }
    if let Some(prefixes) = channel.and_then(|index| c.channel(index).prefixes(slot)) {
        flags.extend(modes::symbols(prefixes, c.client().caps.has(Caps::MULTI_PREFIX)));
    }
    flags
}

/// A channel in which the client sees that a user is.
fn shared_channel(c: &Ctx<'_>, user: &User, slot: u32) -> Option<u32> {
    user.channels.iter().copied().find(|&index| policy::sees_member(c.server, c.me, c.channel(index), slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_flags_fields_and_a_token() {
        let fields = |text: &str| Question::parse(text).fields;
        let some = |fields: &str, token: &str| Some((fields.to_owned(), token.to_owned()));
        assert_eq!(fields(""), None);
        assert_eq!(fields("o"), None);
        assert_eq!((fields("%"), fields("%!z,7")), (None, None));
        assert_eq!(fields("o%zcuhn!,42"), some("cuhn", "42"));
        assert_eq!(fields("%t,1234"), some("t", "0"));
        assert_eq!(fields("%t,4x"), some("t", "0"));
        assert!(Question::parse("no%o").operators_only && !Question::parse("%o").operators_only);
        assert_eq!(Question::parse("zhhh").matched, "h");
        assert_eq!(Question::parse("o").matched, MATCHED_BY_DEFAULT);
    }
}
