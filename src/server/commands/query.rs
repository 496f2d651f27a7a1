//! Short questions about users.

use super::super::client::Client;
use super::super::ctx::Ctx;
use super::super::policy;
use super::Outcome;
use crate::proto::message::Message;
use crate::proto::modes::OPERATOR;
use crate::proto::names;
use crate::proto::numeric;

/// Nicks that one USERHOST answers (RFC 2812 section 4.8).
const USERHOST_NICKS: usize = 5;

/// Stands for an address that is not shown (IRCv3 whox).
const HIDDEN_ADDRESS: &str = "255.255.255.255";

/// The address of a user, as the client may see it.
pub(super) fn shown_address(c: &Ctx<'_>, slot: u32, client: &Client) -> String {
    let seen = policy::sees_address(c.server, c.me, slot);
    if seen { names::host(client.peer.address) } else { HIDDEN_ADDRESS.to_owned() }
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
    let replies = people(c, m, |c, slot, client| {
        let real = slot == c.me || policy::sees_all(c.server, c.me);
        if real { &client.real_host } else { client.host() }.to_owned()
    });
    if replies.is_empty() {
        c.reply(numeric::rpl_userhost(""));
    }
    c.reply_words(&replies, numeric::rpl_userhost);
    Ok(())
}

/// `USERIP <nick> [<nick> ...]`
pub(super) fn userip(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let replies = people(c, m, shown_address);
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
            Some(format!("{}{operator}={away}{}@{}", user.nick, user.user_name(), place(c, slot, client)))
        })
        .collect()
}
