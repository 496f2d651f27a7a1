//! Messages to channels and users.

use std::rc::Rc;

use super::super::ctx::{Ctx, To};
use super::super::extras::Accepted;
use super::super::multiline::Lines;
use super::super::outgoing::{Draft, Multiline, Source};
use super::super::policy;
use super::super::targets::Addressed;
use super::{Outcome, for_targets, go_through, is_one, names_nothing};
use crate::config::Events;
use crate::proto::caps::Caps;
use crate::proto::limits::CALLER_ID_PAUSE_MS;
use crate::proto::message::Message;
use crate::proto::modes::CALLER_ID;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};

/// What PRIVMSG, NOTICE and TAGMSG have in common.
pub(in super::super) struct Said<'a> {
    pub(super) command: &'static str,
    /// Client-only tags.
    pub(super) tags: &'a str,
    pub(super) body: Body<'a>,
}

/// What is said.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// Nothing but the tags (TAGMSG).
    Tags,
    Text(&'a str),
    /// Several lines, and the reference of the batch that they become.
    Lines(&'a Lines, &'a str),
}

impl<'a> Said<'a> {
    /// NOTICE is never answered, so that two robots cannot talk each other to death (RFC 2812 section 3.3.2).
    fn is_answered(&self) -> bool {
        !self.is_notice()
    }

    pub(in super::super) fn is_notice(&self) -> bool {
        self.command == "NOTICE"
    }

    /// The text, line by line.
    pub(in super::super) fn lines(&self) -> impl Iterator<Item = &'a str> {
        let (text, lines) = match self.body {
            Body::Tags => (None, None),
            Body::Text(text) => (Some(text), None),
            Body::Lines(lines, _) => (None, Some(lines)),
        };
        text.into_iter().chain(lines.into_iter().flat_map(Lines::iter).map(|(line, _)| line))
    }

    fn send(&self, c: &mut Ctx<'_>, source: &Source, to: To, target: &str) {
        let command = self.command;
        match self.body {
            Body::Text(text) => {
                let words = [command, " ", target, " :", text];
                c.send_message(to, Draft::words(source, &words).tagged(self.tags));
            }
            Body::Tags => {
                let body = format_args!("{command} {target}");
                let draft = Draft::event(source, body).tagged(self.tags);
                c.send_message(to, draft.needing(Caps::MESSAGE_TAGS));
            }
            Body::Lines(lines, reference) => {
                let message = Multiline { reference, command, target, lines };
                c.send_message(to, Draft::multiline(source, &message).tagged(self.tags));
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
    let targets = m.get(0).filter(|targets| !names_nothing(targets));
    let targets = targets.ok_or_else(|| Reply::from(numeric::err_norecipient("TAGMSG")))?;
    let tags = client_tags(c, m);
    // The command is part of the capability. One that was sent without tags that others see is relayed all the same, but
    // one of which the configuration leaves nothing says nothing.
    let denied = tags.is_empty() && !m.tags.client_only(|_| true).is_empty();
    if c.client().caps.has(Caps::MESSAGE_TAGS) && !denied {
        deliver(c, targets, &Said { command: "TAGMSG", tags: &tags, body: Body::Tags });
    }
    Ok(())
}

/// The tags that go on to others: client-only ones that the configuration does not deny, from a client that negotiated
/// them.
pub(super) fn client_tags(c: &Ctx<'_>, m: &Message<'_>) -> String {
    if m.tags.0.is_empty() || !c.client().caps.has(Caps::MESSAGE_TAGS) {
        return String::new();
    }
    let deny = &c.server.config.tags.deny;
    m.tags.client_only(|name| !deny.denies(name))
}

fn with_text(c: &mut Ctx<'_>, m: &Message<'_>, command: &'static str) -> Outcome {
    let targets = m.get(0).filter(|targets| !names_nothing(targets));
    let targets = targets.ok_or_else(|| Reply::from(numeric::err_norecipient(command)))?;
    let text = m.get(1).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Reply::from(numeric::err_notexttosend()))?;
    let tags = client_tags(c, m);
    deliver(c, targets, &Said { command, tags: &tags, body: Body::Text(text) });
    Ok(())
}

/// Sends a message to every target of a comma list, to each once.
pub(super) fn deliver(c: &mut Ctx<'_>, targets: &str, said: &Said<'_>) {
    if !matches!(said.body, Body::Tags) {
        let now = c.server.now.mono_ms;
        c.user_mut().spoke_ms = now;
    }
    if is_filtered(c, said) {
        return;
    }
    if !is_one(targets) {
        deliver_to_several(c, targets, said);
    } else if let Err(reply) = to_target(c, targets, said, None)
        && said.is_answered()
    {
        c.refuse(&reply);
    }
}

fn deliver_to_several(c: &mut Ctx<'_>, targets: &str, said: &Said<'_>) {
    let (command, tags) = (said.command, said.tags.to_owned());
    let text = match said.body {
        Body::Tags => None,
        Body::Text(text) => Some(text.to_owned()),
        Body::Lines(..) => unreachable!("a batch has one target"),
    };
    let mut done = Vec::new();
    let each = move |c: &mut Ctx<'_>, target: &str| {
        let body = text.as_deref().map_or(Body::Tags, Body::Text);
        to_target(c, target, &Said { command, tags: &tags, body }, Some(&mut done))
    };
    if said.is_answered() {
        for_targets(c, targets, each);
    } else {
        let mut each = each;
        let (targets, _) = super::targets(c, targets);
        go_through(c, &targets, move |c, target| each(c, target).or(Ok(())), |_| {});
    }
}

fn is_filtered(c: &mut Ctx<'_>, said: &Said<'_>) -> bool {
    let whole;
    let text = match said.body {
        Body::Tags => return false,
        Body::Text(text) => text,
        Body::Lines(lines, _) => {
            whole = lines.whole();
            &whole
        }
    };
    let on = if said.is_answered() { Events::MESSAGE } else { Events::NOTICE };
    let reason = c.filtered(on, said.command, text);
    match &reason {
        // The answer to a batch is of the command BATCH, whatever is in it (IRCv3 multiline, "Errors").
        Some(reason) if matches!(said.body, Body::Lines(..)) => c.fail("BATCH", "MULTILINE_INVALID", reason),
        Some(reason) if said.is_answered() => c.fail(said.command, "TEXT_REFUSED", reason),
        _ => {}
    }
    reason.is_some()
}

/// Whom a target means, and how recipients are shown it.
struct Target {
    to: To,
    shown: Rc<str>,
}

fn resolve(c: &Ctx<'_>, target: &str, said: &Said<'_>) -> Result<Target, Reply> {
    let prefixes = c.server.config.channels.prefixes;
    let is_symbol = |char| prefixes.rows().any(|prefix| prefix.symbol == char);
    // Nearly always there are none.
    let name = if names::is_channel_like(target) { target } else { target.trim_start_matches(is_symbol) };
    if names::is_channel_like(name) {
        let index = c.find_channel(name)?;
        // A secret channel that takes messages from outside is known by that. Others are not there.
        let heard = || policy::may_speak(c, index).and_then(|()| policy::may_say(c, index, said)).is_ok();
        if !policy::knows_channel(c, index) && !heard() {
            return Err(numeric::err_nosuchchannel(name).into());
        }
        let shown = c.channel(index).name.clone();
        if name.len() == target.len() {
            return Ok(Target { to: To::Channel { index, least: 0 }, shown });
        }
        let symbols = &target[..target.len() - name.len()];
        // Of several the least counts, and it alone is shown: those of higher ranks get it anyway.
        let named = prefixes.rows().filter(|prefix| symbols.contains(prefix.symbol));
        let least = named.min_by_key(|prefix| prefix.bit).expect("nothing else was taken off");
        let shown = format!("{}{shown}", least.symbol).into();
        return Ok(Target { to: To::Channel { index, least: least.bit }, shown });
    }
    if name.is_empty() {
        return Err(numeric::err_norecipient(said.command).into());
    }
    let slot = find_person(c, target)?;
    Ok(Target { to: To::User(slot), shown: c.user_at(slot).nick.clone() })
}

/// The user that is meant by `nick`, by `nick!user@host` where all of it is true, or by `nick@server`
/// (RFC 2812 section 3.3.1).
fn find_person(c: &Ctx<'_>, target: &str) -> Result<u32, Reply> {
    let nobody = || Reply::from(numeric::err_nosuchnick(target));
    match names::split_source(target) {
        (nick, None, None) => c.find_user(nick),
        ("", _, _) => Err(nobody()),
        (nick, None, Some(server)) if names::same(server, &c.server.config.server.name) => {
            c.find_user(nick).map_err(|_| nobody())
        }
        (_, None, Some(server)) => Err(numeric::err_nosuchserver(server).into()),
        _ => {
            let nick = names::split_source(target).0;
            let slot = c.server.registered(nick).filter(|&slot| names::same(&c.user_at(slot).mask, target));
            slot.ok_or_else(nobody)
        }
    }
}

/// Sends a message to a target, but for one of those to whom it is `done`: whom it is for, and the number that tells them
/// from whoever is in their place later.
fn to_target(c: &mut Ctx<'_>, target: &str, said: &Said<'_>, done: Option<&mut Vec<(To, u64)>>) -> Outcome {
    let Target { to, shown } = resolve(c, target, said)?;
    if let Some(done) = done {
        let number = match to {
            To::Channel { index, .. } => c.channel(index).serial,
            To::User(slot) => c.server.client(slot).map_or(0, |client| client.id.to_u64()),
            To::Nobody => 0,
        };
        if done.contains(&(to, number)) {
            return Ok(());
        }
        done.push((to, number));
    }
    match to {
        To::Channel { index, .. } => {
            let allowed = policy::may_speak(c, index);
            let overridden = match said.body {
                // Nobody means to override anything by typing.
                Body::Tags => allowed.map(|()| false)?,
                _ => policy::overridden(c, allowed)?,
            };
            policy::may_say(c, index, said)?;
            c.address(Addressed::Channel(index), &shown)?;
            c.overrides(overridden, |_| format!("{} {shown}", said.command));
            let source = c.source();
            said.send(c, &source, to, &shown);
        }
        To::User(slot) => to_user(c, slot, &shown, said)?,
        To::Nobody => {}
    }
    Ok(())
}

fn to_user(c: &mut Ctx<'_>, slot: u32, nick: &Rc<str>, said: &Said<'_>) -> Outcome {
    c.address(Addressed::User(slot), nick)?;
    let is_message = said.command == "PRIVMSG";
    let silenced = policy::is_silenced(c, slot);
    let accepted = policy::is_accepted(c, slot);
    if !accepted {
        // Nobody has said anything who sends tags: typing is not worth a word.
        if matches!(said.body, Body::Tags) {
            return Ok(());
        }
        if !policy::may_override(c) {
            keep_away(c, slot, nick, said.is_answered(), silenced);
            return Ok(());
        }
    }
    if is_message {
        expect_answer(c, slot, nick)?;
    }
    c.overrides(!accepted && !silenced, |_| format!("{} {nick}", said.command));
    let source = c.source();
    // Whoever is silenced does not learn it.
    said.send(c, &source, if silenced { To::Nobody } else { To::User(slot) }, nick);
    if !silenced {
        c.has_written_to(slot);
    }
    if is_message && let Some(message) = c.user_at(slot).away.clone() {
        c.reply(numeric::rpl_away(nick, message));
    }
    Ok(())
}

/// Tells both sides that mode `g` has kept a message or an invitation away, the one who has it not too often, and not at all
/// of somebody whom they have silenced. What the other is told is the same either way.
pub(super) fn keep_away(c: &mut Ctx<'_>, slot: u32, nick: &str, answered: bool, silenced: bool) {
    if answered {
        c.reply(numeric::err_targumodeg(nick));
    }
    let now = c.server.now.mono_ms;
    let Some(user) = c.server.client_mut(slot).and_then(|client| client.user_mut()) else { return };
    let extras = user.extras_mut();
    let over = |since: Option<u64>| since.is_none_or(|since| now >= since + CALLER_ID_PAUSE_MS);
    let (informs, said) = (!silenced && over(extras.informed_ms), over(extras.seemed_informed_ms));
    if informs {
        extras.informed_ms = Some(now);
    }
    if said {
        extras.seemed_informed_ms = Some(now);
    }
    if informs {
        let mine = c.mask();
        let (from, user_host) = mine.split_once('!').unwrap_or((&mine, ""));
        let told = numeric::rpl_umodegmsg(from, user_host);
        let server = c.config();
        let source = c.source();
        let body = format_args!("{:03} {nick} {told}", told.code);
        c.tell(slot, Draft::caused(&server.server.name, &source, body));
    }
    if answered && said {
        c.reply(numeric::rpl_targnotify(nick));
    }
}

/// Whoever is written to by somebody with mode `g` may answer: they are accepted from then on.
fn expect_answer(c: &mut Ctx<'_>, slot: u32, nick: &str) -> Outcome {
    if c.user().modes & CALLER_ID == 0 || slot == c.me || policy::accepts(c.server, c.me, slot) {
        return Ok(());
    }
    if !super::accept::has_room(c) {
        return Err(numeric::err_ownmode(nick).into());
    }
    let entry = Accepted::new(c.server, slot);
    c.user_mut().extras_mut().accepted.extend(entry);
    Ok(())
}
