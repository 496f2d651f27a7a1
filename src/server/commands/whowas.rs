//! WHOWAS: who had a nick before.

use super::super::ctx::Ctx;
use super::super::policy;
use super::super::work::Work;
use super::Outcome;
use super::server::must_be_me;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};
use crate::proto::text::Iso;

/// A WHOWAS that is not finished.
pub(in super::super) struct WhowasWork {
    nick: String,
    /// How many more may be shown.
    left: usize,
    /// The number of the entry that was shown last.
    last: Option<u64>,
}

/// `WHOWAS <nick> [count [server]]`
pub(super) fn whowas(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let nick = m.get(0).filter(|nick| !nick.is_empty());
    let nick = nick.ok_or_else(|| Reply::from(numeric::err_nonicknamegiven()))?;
    must_be_me(c, m.get(2))?;
    // Anything but a positive number asks for all of them (Modern IRC, WHOWAS).
    let left = m.get(1).and_then(|count| count.parse().ok()).filter(|&count| count > 0);
    if c.server.whowas.before(nick, None).is_none() {
        c.reply(numeric::err_wasnosuchnick(nick));
    }
    let left = left.unwrap_or(usize::MAX);
    c.begin(Work::Whowas(WhowasWork { nick: nick.to_owned(), left, last: None }));
    Ok(())
}

/// The next entry of a WHOWAS; false after the last.
pub(in super::super) fn whowas_step(c: &mut Ctx<'_>, work: &mut WhowasWork) -> bool {
    let found = c.server.whowas.before(&work.nick, work.last).filter(|_| work.left > 0);
    let Some((number, past)) = found else {
        c.reply(numeric::rpl_endofwhowas(&work.nick));
        return false;
    };
    (work.last, work.left) = (Some(number), work.left - 1);
    let [nick, user, host, real_host, realname] =
        [past.nick, past.user, past.host, past.real_host, past.realname].map(ToOwned::to_owned);
    let (address, until) = (past.address, Iso(past.until_unix_ms));
    let config = c.config();
    c.reply(numeric::rpl_whowasuser(&nick, &user, &host, realname));
    if policy::sees_all(c.server, c.me) {
        c.reply(numeric::rpl_whoisactually(&nick, user, real_host, names::host(address)));
    }
    c.reply(numeric::rpl_whoisserver(&nick, &config.server.name, until));
    true
}
