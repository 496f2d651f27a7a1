//! Messages to channels and users.

use super::super::ctx::Ctx;
use super::super::outgoing::{Draft, Source};
use super::super::policy;
use super::{Outcome, for_targets};
use crate::proto::caps::Caps;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};

/// What PRIVMSG, NOTICE and TAGMSG have in common.
struct Said<'a> {
    command: &'static str,
    tags: &'a str,
    /// None for TAGMSG.
    text: Option<&'a str>,
}

impl Said<'_> {
    /// NOTICE is never answered, so that two robots cannot talk each other to death (RFC 2812 section 3.3.2).
    fn is_answered(&self) -> bool {
        self.command != "NOTICE"
    }

    /// Hands the draft of this message to `send`, as often as it is called.
    fn with_draft(&self, source: &Source, target: &str, mut send: impl FnMut(Draft<'_>)) {
        let (command, tags) = (self.command, self.tags);
        match self.text {
            Some(text) => {
                send(Draft::event(source, format_args!("{command} {target} :{text}")).tagged(tags));
            }
            None => {
                let body = format_args!("{command} {target}");
                send(Draft::event(source, body).tagged(tags).needing(Caps::MESSAGE_TAGS));
            }
        }
    }
}

/// `PRIVMSG <target>[,...] <text>`
pub(super) fn privmsg(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    with_text(c, m, "PRIVMSG")
}

/// `NOTICE <target>[,...] <text>`
pub(super) fn notice(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    // No numeric ever answers it.
    let _ = with_text(c, m, "NOTICE");
    Ok(())
}

/// `TAGMSG <target>[,...]` (IRCv3 message-tags)
pub(super) fn tagmsg(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let targets = m.get(0).filter(|targets| !targets.is_empty());
    let targets = targets.ok_or_else(|| Reply::from(numeric::err_norecipient("TAGMSG")))?;
    let tags = client_tags(c, m);
    // The command is part of the capability. One that was sent without tags that others see is relayed all the same, but
    // one of which the configuration leaves nothing says nothing.
    let denied = tags.is_empty() && !m.tags.client_only(|_| true).is_empty();
    if c.client().caps.has(Caps::MESSAGE_TAGS) && !denied {
        deliver(c, targets, &Said { command: "TAGMSG", tags: &tags, text: None });
    }
    Ok(())
}

/// The tags that go on to others: client-only ones that the configuration does not deny, from a client that negotiated
/// them.
fn client_tags(c: &Ctx<'_>, m: &Message<'_>) -> String {
    if !c.client().caps.has(Caps::MESSAGE_TAGS) {
        return String::new();
    }
    let deny = &c.server.config.tags.deny;
    m.tags.client_only(|name| !deny.denies(name))
}

fn with_text(c: &mut Ctx<'_>, m: &Message<'_>, command: &'static str) -> Outcome {
    let targets = m.get(0).filter(|targets| !targets.is_empty());
    let targets = targets.ok_or_else(|| Reply::from(numeric::err_norecipient(command)))?;
    let text = m.get(1).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Reply::from(numeric::err_notexttosend()))?;
    let now = c.server.now.mono_ms;
    c.user_mut().spoke_ms = now;
    let tags = client_tags(c, m);
    deliver(c, targets, &Said { command, tags: &tags, text: Some(text) });
    Ok(())
}

fn deliver(c: &mut Ctx<'_>, targets: &str, said: &Said<'_>) {
    if said.is_answered() {
        for_targets(c, targets, |c, target| to_target(c, target, said));
    } else {
        for target in super::targets(c, targets).0 {
            let _ = to_target(c, target, said);
        }
    }
}

fn to_target(c: &mut Ctx<'_>, target: &str, said: &Said<'_>) -> Outcome {
    let source = c.source();
    if names::is_channel_like(target) {
        let index = c.find_channel(target)?;
        policy::may_speak(c, index)?;
        let (name, me) = (c.channel(index).name.clone(), c.me);
        said.with_draft(&source, &name, |draft| c.tell_channel(index, Some(me), draft));
        said.with_draft(&source, &name, |draft| c.echo(draft));
        return Ok(());
    }
    let slot = c.find_user(target)?;
    let nick = c.user_at(slot).nick.clone();
    said.with_draft(&source, &nick, |draft| c.deliver(slot, draft));
    said.with_draft(&source, &nick, |draft| c.echo(draft));
    if said.command == "PRIVMSG"
        && let Some(message) = c.user_at(slot).away.clone()
    {
        c.reply(numeric::rpl_away(nick, message));
    }
    Ok(())
}
