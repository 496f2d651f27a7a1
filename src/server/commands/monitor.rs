//! MONITOR: being told when others come and go.

use std::ops::Bound;

use super::super::ctx::Ctx;
use super::super::work::Work;
use super::{Outcome, names_nothing};
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};

/// Nicks that one step of a long answer deals with.
const STEP: usize = 64;

/// A MONITOR L or S that is not finished.
pub(in super::super) struct MonitorWork {
    /// The folded nick that came last.
    after: Box<str>,
    /// Whether it is said who of them is there.
    status: bool,
}

/// `MONITOR +|- <nick>[,...]`, `MONITOR C|L|S` (IRCv3 monitor)
pub(super) fn monitor(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let nicks = m.get(1).filter(|nicks| !names_nothing(nicks));
    let nicks = nicks.ok_or_else(|| Reply::from(numeric::err_needmoreparams("MONITOR")));
    match m.arg(0) {
        "+" => add(c, nicks?),
        "-" => nicks?.split(',').for_each(|nick| c.unwatch(nick)),
        "C" | "c" => c.unwatch_all(),
        "L" | "l" => c.begin(Work::Monitor(MonitorWork { after: "".into(), status: false })),
        "S" | "s" => c.begin(Work::Monitor(MonitorWork { after: "".into(), status: true })),
        _ => c.fail("MONITOR", "INVALID_PARAMS", "Use one of + - C L S"),
    }
    Ok(())
}

/// What is no nick is offline for ever: it is answered so, and not kept.
fn add(c: &mut Ctx<'_>, nicks: &str) {
    let config = c.config();
    let (length, most) = (config.limits.nick_length, config.limits.monitor_entries);
    let mut is_done = |nick: &str| !names::is_nick(nick, length) || c.watch(nick, most as usize);
    let nicks = nicks.split(',').filter(|nick| !nick.is_empty()).map(str::to_owned);
    let (watched, full) = nicks.partition::<Vec<_>, _>(|nick| is_done(nick));
    show(c, watched);
    c.reply_list(&full, |nicks| numeric::err_monlistfull(most, nicks));
}

/// The next nicks of a MONITOR L or S; false after the last.
pub(in super::super) fn monitor_step(c: &mut Ctx<'_>, work: &mut MonitorWork) -> bool {
    let after = (Bound::Excluded(&*work.after), Bound::Unbounded);
    let watched = c.user().extras.iter().flat_map(|extras| extras.watched.range::<str, _>(after));
    let next: Vec<_> = watched.take(STEP).collect();
    let last = next.last().map(|(folded, _)| (*folded).clone());
    let nicks: Vec<_> = next.into_iter().map(|(_, nick)| nick.to_string()).collect();
    let Some(last) = last else {
        if !work.status {
            c.reply(numeric::rpl_endofmonlist());
        }
        return false;
    };
    work.after = last;
    if work.status {
        show(c, nicks);
    } else {
        c.reply_list(&nicks, numeric::rpl_monlist);
    }
    true
}

/// 730 for those who are there, 731 for the others.
fn show(c: &mut Ctx<'_>, nicks: Vec<String>) {
    let (mut online, mut offline) = (Vec::new(), Vec::new());
    for nick in nicks {
        match c.find_user(&nick) {
            Ok(slot) => online.push(c.user_at(slot).mask.to_string()),
            Err(_) => offline.push(nick),
        }
    }
    c.reply_list(&online, numeric::rpl_mononline);
    c.reply_list(&offline, numeric::rpl_monoffline);
}
