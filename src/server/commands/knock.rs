//! Asking to be let in, and being asked in: KNOCK, and the list form of INVITE.

use super::super::client::Invitation;
use super::super::ctx::Ctx;
use super::super::outgoing::Draft;
use super::super::policy;
use super::Outcome;
use crate::proto::message::Message;
use crate::proto::modes::HALF_OPERATOR;
use crate::proto::numeric;

/// `KNOCK <channel> [text]`: the text is not passed on, as nobody in there could answer it or be spared it.
pub(super) fn knock(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let index = c.find_known(m.arg(0))?;
    policy::may_knock(c, index)?;
    let (name, serial) = (c.channel(index).name.clone(), c.channel(index).serial);
    let pause_ms = u64::from(c.server.config.limits.knock_seconds) * 1000;
    let now = c.server.now.mono_ms;
    if !c.user_mut().knock(serial, now, pause_ms) {
        return Err(numeric::err_toomanyknock(name).into());
    }
    let source = c.server_source();
    let knock = numeric::rpl_knock(name.clone(), c.mask());
    let body = format_args!("{:03} {name} {knock}", knock.code);
    c.tell_ranked(index, HALF_OPERATOR, Draft::event(&source, body));
    c.reply(numeric::rpl_knockdlvr(&name));
    Ok(())
}

/// `INVITE` without parameters: the channels that the client is invited to.
pub(super) fn show_invitations(c: &mut Ctx<'_>) {
    for Invitation { index, serial, .. } in c.user().invitations() {
        let channel = c.server.channels.get(index as usize).and_then(Option::as_ref);
        if let Some(channel) = channel.filter(|channel| channel.serial == serial) {
            let name = channel.name.clone();
            c.reply(numeric::rpl_invitelist(name));
        }
    }
    c.reply(numeric::rpl_endofinvitelist());
}
