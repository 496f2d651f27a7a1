//! OPER: becoming a server operator.

use super::super::ctx::Ctx;
use super::super::{Event, Verdict};
use super::{Outcome, charge, mode};
use crate::config::Oper;
use crate::proto::message::Message;
use crate::proto::modes::OPERATOR;
use crate::proto::numeric;
use crate::proto::text;

/// What a refused attempt costs besides the command, of `limits.flood_burst`: guessing is slow.
const REFUSED: u32 = 10;
/// Bytes of a name that was not known, in the log.
const NAME: usize = 64;

/// `OPER <name> <password>`
pub(super) fn oper(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let (name, password) = (m.arg(0), m.arg(1));
    let config = c.config();
    let Some(oper) = config.oper.iter().find(|oper| oper.name == name) else {
        return Err(refuse(c, name, "no such operator", numeric::err_nooperhost()));
    };
    if let Err(why) = may_be(c, oper) {
        return Err(refuse(c, name, why, numeric::err_nooperhost()));
    }
    let (oper, hash) = (oper.clone(), oper.password.clone());
    c.verify(hash.as_str(), password, move |c, verdict| match verdict {
        Verdict::Good => become_operator(c, &oper),
        Verdict::Wrong => {
            let reply = refuse(c, &oper.name, "wrong password", numeric::err_passwdmismatch());
            c.refuse(&reply);
        }
        Verdict::Busy => c.reply(numeric::rpl_tryagain("OPER")),
    });
    Ok(())
}

/// Whether the client may be this operator, as far as can be told without the password; or why not.
fn may_be(c: &Ctx<'_>, oper: &Oper) -> Result<(), &'static str> {
    let (client, user) = (c.client(), c.user());
    let here = |mask: &crate::proto::hostmask::HostMask| {
        mask.matches(&user.user, &client.real_host, client.peer.address)
    };
    if !oper.masks.is_empty() && !oper.masks.iter().any(here) {
        return Err("not from there");
    }
    // No connection has TLS.
    if oper.tls { Err("without TLS") } else { Ok(()) }
}

/// Logs an attempt that failed and takes its price; what the client is told is the same for all reasons but the password.
fn refuse(
    c: &mut Ctx<'_>,
    name: &str,
    why: &'static str,
    reply: impl Into<numeric::Reply>,
) -> numeric::Reply {
    charge(c, REFUSED);
    let (client, mask) = (c.client().id, c.mask().to_string());
    c.event(Event::OperRefused { client, mask, name: text::truncate(name, NAME).to_owned(), why });
    reply.into()
}

fn become_operator(c: &mut Ctx<'_>, oper: &Oper) {
    // It was good under the configuration of when it was asked; another may be in force now.
    if !c.config().oper.contains(oper) {
        let reply = refuse(c, &oper.name, "no such operator", numeric::err_nooperhost());
        c.refuse(&reply);
        return;
    }
    let (client, mask) = (c.client().id, c.mask().to_string());
    c.user_mut().operator = Some(oper.class.as_str().into());
    c.reply(numeric::rpl_youreoper());
    let modes = c.user().modes | OPERATOR;
    mode::set_user_modes(c, modes);
    let (name, class) = (oper.name.clone(), oper.class.clone());
    c.event(Event::Oper { client, mask, name, class });
}
