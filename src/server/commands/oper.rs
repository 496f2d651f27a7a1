//! Becoming a server operator, and what operators do to the server and to users.

use super::super::ctx::Ctx;
use super::super::outgoing::Draft;
use super::super::policy;
use super::super::{Effect, Event, Verdict};
use super::registration::REASON;
use super::{Outcome, charge};
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};
use crate::proto::text::truncate;

/// What an OPER that fails costs beside the command, of `limits.flood_burst`: guessing is slow.
const FAILURE: u32 = 10;

/// Bytes of a name that was given to OPER, in the log and in notices.
const NAME: usize = 64;

/// `OPER <name> <password>`
pub(super) fn oper(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let name = m.arg(0).to_owned();
    let config = c.config();
    let Some(block) = config.oper.iter().find(|block| block.name == name) else {
        return Err(failed(c, &name, "there is no such operator", numeric::err_nooperhost().into()));
    };
    if let Err(why) = policy::may_be_operator(c, block) {
        return Err(failed(c, &name, why, numeric::err_nooperhost().into()));
    }
    let hash = block.password.as_str().to_owned();
    c.verify(&hash.clone(), m.arg(1), move |c, verdict| {
        if let Err(reply) = conclude(c, &name, &hash, verdict) {
            c.refuse(&reply);
        }
    });
    Ok(())
}

/// The password has been checked against `hash`. The configuration may be another by now.
fn conclude(c: &mut Ctx<'_>, name: &str, hash: &str, verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Good => {}
        Verdict::Busy => return Err(numeric::rpl_tryagain("OPER").into()),
        Verdict::Wrong => {
            return Err(failed(c, name, "wrong password", numeric::err_passwdmismatch().into()));
        }
    }
    let config = c.config();
    let block = config.oper.iter().find(|block| block.name == name && block.password.as_str() == hash);
    let allowed =
        block.ok_or("there is no such operator now").and_then(|block| policy::may_be_operator(c, block));
    if let Err(why) = allowed {
        return Err(failed(c, name, why, numeric::err_nooperhost().into()));
    }
    c.become_operator(name);
    Ok(())
}

fn failed(c: &mut Ctx<'_>, name: &str, why: &'static str, reply: Reply) -> Reply {
    charge(c, FAILURE);
    let (client, mask, address) = (c.client().id, c.mask().to_string(), c.client().peer.address);
    c.event(Event::OperRefused { client, mask, address, name: truncate(name, NAME).to_owned(), why });
    reply
}

/// `KILL <nick> <reason>`
pub(super) fn kill(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    if names::same(m.arg(0), &c.server.config.server.name) {
        return Err(numeric::err_cantkillserver().into());
    }
    let slot = c.find_user(m.arg(0))?;
    let reason = m.get(1).filter(|reason| !reason.is_empty());
    let reason = truncate(reason.ok_or_else(|| Reply::from(numeric::err_needmoreparams("KILL")))?, REASON);
    let (source, by) = (c.source(), c.user().nick.clone());
    Ctx { server: c.server, out: c.out, me: slot }.kill(&source, &by, reason);
    Ok(())
}

/// `REHASH`: the answer comes when the configuration has been read.
pub(super) fn rehash(c: &mut Ctx<'_>, _: &Message<'_>) -> Outcome {
    c.reply(numeric::rpl_rehashing("chatd.toml"));
    c.acted("REHASH".to_owned());
    c.rehash(|c, outcome| match outcome {
        Ok(report) => c.notice(format_args!("*** The configuration is read: {report}")),
        Err(problem) => c.notice(format_args!("*** The configuration stays as it was: {problem}")),
    });
    Ok(())
}

/// `DIE [reason]`
pub(super) fn die(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let nick = c.user().nick.clone();
    let reason = match m.get(0).filter(|reason| !reason.is_empty()) {
        Some(reason) => truncate(reason, REASON).to_owned(),
        None => format!("stopped by {nick}"),
    };
    c.acted("DIE".to_owned());
    c.server.effects.push(Effect::Stop { reason });
    Ok(())
}

/// `RESTART`: what starts a daemon again is the one that has started it.
pub(super) fn restart(c: &mut Ctx<'_>, _: &Message<'_>) -> Outcome {
    c.notice("*** chatd does not restart itself: on its machine, use systemctl restart chatd");
    Ok(())
}

/// `WALLOPS <text>`
pub(super) fn wallops(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let text = m.get(0).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Reply::from(numeric::err_needmoreparams("WALLOPS")))?;
    let source = c.source();
    c.tell_wallops(Draft::event(&source, format_args!("WALLOPS :{text}")));
    Ok(())
}
