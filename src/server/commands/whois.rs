//! WHOIS (Modern IRC, WHOIS).

use super::super::ctx::Ctx;
use super::super::policy;
use super::server::must_be_me;
use super::{Outcome, for_targets_then, names_nothing};
use crate::proto::caps::Caps;
use crate::proto::message::Message;
use crate::proto::modes::{self, BOT};
use crate::proto::names;
use crate::proto::numeric::{self, Reply};

/// What is said of a user, in this order. Each says nothing where there is nothing to say, or nothing for the client.
const LINES: &[fn(&mut Ctx<'_>, u32)] =
    &[user, channels, server, away, operator, bot, actually, own_modes, idle];

/// `WHOIS [server] <nick>[,...]`
pub(super) fn whois(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let nicks = m.get(1).or(m.get(0)).filter(|nicks| !names_nothing(nicks));
    let nicks = nicks.ok_or_else(|| Reply::from(numeric::err_nonicknamegiven()))?;
    must_be_me(c, m.get(1).and(m.get(0)))?;
    let asked = nicks.to_owned();
    let end = move |c: &mut Ctx<'_>| c.reply(numeric::rpl_endofwhois(&asked));
    let each = |c: &mut Ctx<'_>, nick: &str| {
        let slot = c.find_user(nick)?;
        for line in LINES {
            line(c, slot);
        }
        Ok(())
    };
    for_targets_then(c, nicks, each, end);
    Ok(())
}

fn user(c: &mut Ctx<'_>, slot: u32) {
    let user = c.user_at(slot);
    let (host, user_name) = (user.host().to_owned(), user.user_name().to_owned());
    let (nick, realname) = (user.nick.clone(), user.realname.clone());
    c.reply(numeric::rpl_whoisuser(nick, user_name, host, realname));
}

/// The channels in which the client sees that the user is, with the prefix that they have there.
fn channels(c: &mut Ctx<'_>, slot: u32) {
    let all = c.client().caps.has(Caps::MULTI_PREFIX);
    let user = c.user_at(slot);
    let nick = user.nick.clone();
    let channels = user.channels.iter().map(|&index| c.channel(index));
    let channels: Vec<String> = channels
        .filter(|channel| slot == c.me || policy::sees_member(c.server, c.me, channel, slot))
        .map(|channel| {
            let prefixes = channel.prefixes(slot).unwrap_or(0);
            modes::symbols(prefixes, all).chain(channel.name.chars()).collect()
        })
        .collect();
    c.reply_words(&channels, |line| numeric::rpl_whoischannels(&nick, line));
}

fn server(c: &mut Ctx<'_>, slot: u32) {
    let (config, nick) = (c.config(), c.user_at(slot).nick.clone());
    c.reply(numeric::rpl_whoisserver(nick, &config.server.name, &config.server.description));
}

fn away(c: &mut Ctx<'_>, slot: u32) {
    let user = c.user_at(slot);
    if let Some(message) = user.away.clone() {
        let nick = user.nick.clone();
        c.reply(numeric::rpl_away(nick, message));
    }
}

fn operator(c: &mut Ctx<'_>, slot: u32) {
    if let Some(operator) = c.server.operator(slot) {
        let (nick, title) = (c.user_at(slot).nick.clone(), operator.title.clone());
        c.reply(numeric::rpl_whoisoperator(nick, title));
    }
}

fn bot(c: &mut Ctx<'_>, slot: u32) {
    let (config, user) = (c.config(), c.user_at(slot));
    if user.modes & BOT != 0 {
        let nick = user.nick.clone();
        c.reply(numeric::rpl_whoisbot(nick, &config.server.network));
    }
}

/// Where they connect from: for themselves, and for those who see all.
fn actually(c: &mut Ctx<'_>, slot: u32) {
    if slot != c.me && !policy::sees_all(c.server, c.me) {
        return;
    }
    let Some(client) = c.server.client(slot) else { return };
    let (host, address) = (client.real_host.clone(), names::host(client.peer.address));
    let gateway = client.gateway.clone();
    let user = c.user_at(slot);
    let (nick, user_name) = (user.nick.clone(), user.user_name().to_owned());
    c.reply(numeric::rpl_whoisactually(&nick, user_name, host, address));
    if let Some(gateway) = gateway {
        c.reply(numeric::rpl_whoisspecial(nick, format_args!("comes through the gateway {gateway}")));
    }
}

/// Their modes: for themselves, and for those who see all.
fn own_modes(c: &mut Ctx<'_>, slot: u32) {
    if slot == c.me || policy::sees_all(c.server, c.me) {
        let user = c.user_at(slot);
        let (nick, shown) = (user.nick.clone(), modes::user_modes(user.modes));
        c.reply(numeric::rpl_whoismodes(nick, shown));
    }
}

fn idle(c: &mut Ctx<'_>, slot: u32) {
    let now = c.server.now.mono_ms;
    let Some(client) = c.server.client(slot) else { return };
    let (signon, user) = (client.connected_unix_ms / 1000, c.user_at(slot));
    let (nick, idle) = (user.nick.clone(), now.saturating_sub(user.spoke_ms) / 1000);
    c.reply(numeric::rpl_whoisidle(nick, idle, signon));
}
