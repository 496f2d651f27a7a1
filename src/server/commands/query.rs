//! Questions about users.

use super::super::client::Client;
use super::super::ctx::Ctx;
use super::super::policy;
use super::super::work::Work;
use super::Outcome;
use crate::proto::caps::Caps;
use crate::proto::mask;
use crate::proto::message::Message;
use crate::proto::modes::{self, OPERATOR};
use crate::proto::names;
use crate::proto::numeric::{self, Reply};

/// Nicks that one USERHOST answers (RFC 2812 section 4.8).
const USERHOST_NICKS: usize = 5;

/// Stands for an address that is not shown (IRCv3 whox).
const HIDDEN_ADDRESS: &str = "255.255.255.255";

/// A WHO that is not finished.
pub(in super::super) struct WhoWork {
    /// As it was given: what 315 repeats.
    mask: String,
    /// The index and serial number of a channel; otherwise all users are looked at.
    channel: Option<(u32, u64)>,
    operators_only: bool,
    /// The first slot that was not looked at.
    next: u32,
}

/// `WHO <channel|mask> [o]`
pub(super) fn who(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let mask = m.arg(0);
    let operators_only = m.get(1) == Some("o");
    let mut work = WhoWork { mask: mask.to_owned(), channel: None, operators_only, next: 0 };
    if names::is_channel_like(mask) {
        match c.find_channel(mask) {
            Ok(index) => work.channel = Some((index, c.channel(index).serial)),
            Err(_) => work.next = u32::MAX,
        }
    } else if let Ok(slot) = c.find_user(mask) {
        // Whoever is named is found, invisible or not.
        row(c, None, slot, operators_only);
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
        None => policy::sees_user(c.server, c.me, slot) && is_meant(c, &work.mask, slot),
    };
    if visible {
        row(c, work.channel.map(|(index, _)| index), slot, work.operators_only);
    }
    true
}

/// The first member from a slot on, unless the channel is no longer the one that was asked about.
fn next_member(c: &Ctx<'_>, index: u32, serial: u64, next: u32) -> Option<u32> {
    let channel =
        c.server.channels.get(index as usize)?.as_ref().filter(|channel| channel.serial == serial)?;
    let members = channel.members();
    members.get(members.partition_point(|member| member.slot < next)).map(|member| member.slot)
}

fn is_meant(c: &Ctx<'_>, mask: &str, slot: u32) -> bool {
    let Some(client) = c.server.client(slot) else { return false };
    let Some(user) = client.user() else { return false };
    let matches = |text: &str| mask::matches(mask, text);
    mask == "0"
        || matches(&user.nick)
        || matches(&user.user)
        || matches(&client.host)
        || matches(&user.realname)
}

/// 352 for one user.
fn row(c: &mut Ctx<'_>, channel: Option<u32>, slot: u32, operators_only: bool) {
    let config = c.config();
    let all = c.client().caps.has(Caps::MULTI_PREFIX);
    let Some(client) = c.server.client(slot) else { return };
    let Some(user) = client.user() else { return };
    if operators_only && user.modes & OPERATOR == 0 {
        return;
    }
    let mut flags = String::from(if user.away.is_some() { "G" } else { "H" });
    if user.modes & OPERATOR != 0 {
        flags.push('*');
    }
    let channel = channel.map(|index| c.channel(index));
    if let Some(prefixes) = channel.and_then(|channel| channel.prefixes(slot)) {
        flags.extend(modes::symbols(prefixes, all));
    }
    let name = channel.map_or_else(|| "*".into(), |channel| channel.name.clone());
    let (user_name, host, nick) = (user.user.clone(), client.host.clone(), user.nick.clone());
    let realname = user.realname.clone();
    c.reply(numeric::rpl_whoreply(name, user_name, host, &config.server.name, nick, flags, realname));
}

/// `WHOIS [server] <nick>`
pub(super) fn whois(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let nick = m.get(1).or(m.get(0)).filter(|nick| !nick.is_empty());
    let nick = nick.ok_or_else(|| Reply::from(numeric::err_nonicknamegiven()))?;
    match c.find_user(nick) {
        Ok(slot) => show_whois(c, slot),
        Err(reply) => c.refuse(&reply),
    }
    c.reply(numeric::rpl_endofwhois(nick));
    Ok(())
}

fn show_whois(c: &mut Ctx<'_>, slot: u32) {
    let config = c.config();
    let now = c.server.now.mono_ms;
    let Some(client) = c.server.client(slot) else { return };
    let (host, signon) = (client.host.clone(), client.connected_unix_ms / 1000);
    let user = c.user_at(slot);
    let (nick, user_name, realname) = (user.nick.clone(), user.user.clone(), user.realname.clone());
    let (modes, away, idle) = (user.modes, user.away.clone(), now.saturating_sub(user.spoke_ms) / 1000);
    c.reply(numeric::rpl_whoisuser(&nick, user_name, host, realname));
    let channels = visible_channels(c, slot);
    c.reply_words(&channels, |line| numeric::rpl_whoischannels(&nick, line));
    c.reply(numeric::rpl_whoisserver(&nick, &config.server.name, &config.server.description));
    if let Some(message) = away {
        c.reply(numeric::rpl_away(&nick, message));
    }
    if modes & OPERATOR != 0 {
        c.reply(numeric::rpl_whoisoperator(&nick));
    }
    c.reply(numeric::rpl_whoisidle(&nick, idle, signon));
}

/// The channels in which the client sees that a user is, with the prefix that they have there.
fn visible_channels(c: &Ctx<'_>, slot: u32) -> Vec<String> {
    let all = c.client().caps.has(Caps::MULTI_PREFIX);
    let channels = c.user_at(slot).channels.iter().map(|&index| c.channel(index));
    channels
        .filter(|channel| slot == c.me || policy::sees_member(c.server, c.me, channel, slot))
        .map(|channel| {
            let prefixes = channel.prefixes(slot).unwrap_or(0);
            modes::symbols(prefixes, all).chain(channel.name.chars()).collect()
        })
        .collect()
}

/// `ISON <nick> [<nick> ...]`
pub(super) fn ison(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let asked = m.params().iter().flat_map(|param| param.split_ascii_whitespace());
    let there = asked.filter_map(|nick| c.find_user(nick).ok());
    let there: Vec<String> = there.map(|slot| c.user_at(slot).nick.to_string()).collect();
    if there.is_empty() {
        c.reply(numeric::rpl_ison(""));
    }
    c.reply_words(&there, numeric::rpl_ison);
    Ok(())
}

/// `USERHOST <nick> [<nick> ...]`
pub(super) fn userhost(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let replies = people(c, m, |_, _, client| client.host.clone());
    if replies.is_empty() {
        c.reply(numeric::rpl_userhost(""));
    }
    c.reply_words(&replies, numeric::rpl_userhost);
    Ok(())
}

/// `USERIP <nick> [<nick> ...]`
pub(super) fn userip(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let replies = people(c, m, |c, slot, client| {
        let seen = policy::sees_address(c.server, c.me, slot);
        if seen { names::host(client.peer.address) } else { HIDDEN_ADDRESS.to_owned() }
    });
    if replies.is_empty() {
        c.reply(numeric::rpl_userip(""));
    }
    c.reply_words(&replies, numeric::rpl_userip);
    Ok(())
}

/// `nick=+user@where` for the first few of those asked about, with `*` after an operator's nick and `-` for
/// those who are away.
fn people(c: &Ctx<'_>, m: &Message<'_>, place: impl Fn(&Ctx<'_>, u32, &Client) -> String) -> Vec<String> {
    let asked = m.params().iter().flat_map(|param| param.split_ascii_whitespace()).take(USERHOST_NICKS);
    (asked.filter_map(|nick| c.find_user(nick).ok()))
        .filter_map(|slot| {
            let client = c.server.client(slot)?;
            let user = client.user()?;
            let operator = if user.modes & OPERATOR != 0 { "*" } else { "" };
            let away = if user.away.is_some() { '-' } else { '+' };
            Some(format!("{}{operator}={away}{}@{}", user.nick, user.user, place(c, slot, client)))
        })
        .collect()
}
