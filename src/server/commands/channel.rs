//! Channels: entering and leaving, topic, members, and who may be there.

use super::super::arrival::Arrival;
use super::super::channel::{Channel, Member, Topic};
use super::super::client::Invitation;
use super::super::ctx::Ctx;
use super::super::outgoing::{Draft, Source};
use super::super::targets::Addressed;
use super::super::{Event, policy};
use super::registration::REASON;
use super::{Outcome, for_targets, knock, message, must_name};
use crate::config::Events;
use crate::proto::caps::Caps;
use crate::proto::message::Message;
use crate::proto::modes;
use crate::proto::names;
use crate::proto::numeric::{self, Reply};
use crate::proto::text;

/// `JOIN 0`
pub(super) fn leave_all(c: &mut Ctx<'_>) {
    let mut rest = c.my_channels();
    c.in_steps(move |c| {
        let Some((index, serial)) = rest.pop() else { return false };
        if c.is_still_in(index, serial) {
            leave(c, index, None);
        }
        true
    });
}

/// Enters a channel; its index, unless the client is there already.
pub(super) fn enter(c: &mut Ctx<'_>, name: &str, key: Option<&str>) -> Result<Option<u32>, Reply> {
    let found = c.find_channel(name).ok();
    // One that is there may have a longer name than a new one, since a reload.
    if found.is_none() && !names::is_channel(name, c.server.config.limits.channel_length) {
        return Err(numeric::err_nosuchchannel(name).into());
    }
    if found.is_some_and(|index| c.channel(index).has(c.me)) {
        return Ok(None);
    }
    policy::may_name_channel(c, name)?;
    policy::may_join_more(c, name)?;
    let (index, prefixes) = match found {
        Some(index) => match policy::may_join(c, index, key) {
            Ok(()) => (index, 0),
            Err(_) if policy::may_override(c) && policy::may_be_in(c, index).is_ok() => {
                c.overrides(true, |c| format!("JOIN {}", c.channel(index).name));
                (index, 0)
            }
            Err(closed) => (forwarded(c, index, closed)?, 0),
        },
        None => (c.server.create_channel(name), modes::OP),
    };
    admit(c, index, prefixes);
    Ok(Some(index))
}

/// Puts the client into a channel, which is made if it was not found, whoever may join it. Returns its index.
pub(super) fn go_in(c: &mut Ctx<'_>, found: Option<u32>, name: &str) -> u32 {
    let (index, prefixes) = match found {
        Some(index) => (index, 0),
        None => (c.server.create_channel(name), modes::OP),
    };
    admit(c, index, prefixes);
    index
}

/// The channel that somebody is sent to instead of one they may not join: once, and if they may join that.
fn forwarded(c: &mut Ctx<'_>, index: u32, closed: policy::Closed) -> Result<u32, Reply> {
    let name = c.channel(index).name.clone();
    let forward = c.server.forward_of(c.channel(index)).filter(|_| closed.forwards);
    let Some(other) = forward else { return Err(closed.reply) };
    if c.channel(other).has(c.me) || policy::may_join(c, other, None).is_err() {
        return Err(closed.reply);
    }
    let other_name = c.channel(other).name.clone();
    c.reply(numeric::err_linkchannel(name, other_name));
    Ok(other)
}

/// Makes the client a member of a channel that it may join.
fn admit(c: &mut Ctx<'_>, index: u32, prefixes: u8) {
    let (me, now) = (c.me, c.server.now.mono_ms);
    let channel = c.channel_mut(index);
    channel.add(me, prefixes);
    if let Some(throttle) = &mut channel.join_throttle {
        throttle.count(now);
    }
    let serial = channel.serial;
    let user = c.user_mut();
    user.channels.push(index);
    user.forget_invitation(serial);
    c.passes(index, |client, nick, channel| Event::Joined { client, nick, channel });
    c.show_arrival(index, me, Arrival::Entered);
    if c.channel(index).topic.is_some() {
        show_topic(c, index);
    }
}

/// `PART <channel>[,...] [reason]`
pub(super) fn part(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_name("PART", m.arg(0))?;
    let reason = m.get(1).filter(|reason| !reason.is_empty()).map(|reason| text::truncate(reason, REASON));
    // Whoever wants to leave may, with a bad word or without.
    let reason = reason.filter(|reason| c.filtered(Events::PART, "PART", reason).is_none());
    let reason = reason.map(str::to_owned);
    for_targets(c, m.arg(0), move |c, name| {
        let index = c.find_known(name)?;
        policy::member(c, index)?;
        // Nobody says in parting what they may not say.
        leave(c, index, reason.as_deref().filter(|_| policy::may_speak(c, index).is_ok()));
        Ok(())
    });
    Ok(())
}

/// Takes the client out of a channel that it is in.
pub(super) fn leave(c: &mut Ctx<'_>, index: u32, reason: Option<&str>) {
    let (source, name) = (c.source(), c.channel(index).name.clone());
    match reason {
        Some(reason) => {
            c.tell_seeing(index, c.me, None, Draft::event(&source, format_args!("PART {name} :{reason}")));
        }
        None => c.tell_seeing(index, c.me, None, Draft::event(&source, format_args!("PART {name}"))),
    }
    c.passes(index, |client, nick, channel| Event::Parted { client, nick, channel });
    c.server.part(c.me, index);
}

/// `TOPIC <channel> [text]`
pub(super) fn topic(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let index = c.find_known(m.arg(0))?;
    let Some(given) = m.get(1) else {
        policy::may_look(c, index)?;
        show_topic(c, index);
        return Ok(());
    };
    let overridden = policy::overridden(c, policy::may_set_topic(c, index))?;
    let topic = text::truncate(given, c.server.config.limits.topic_length as usize);
    if c.is_refused(Events::TOPIC, "TOPIC", topic) {
        return Ok(());
    }
    c.overrides(overridden, |c| format!("TOPIC {}", c.channel(index).name));
    let (source, at_unix_ms) = (c.source(), c.server.now.unix_ms);
    let channel = c.channel_mut(index);
    let name = channel.name.clone();
    channel.topic =
        (!topic.is_empty()).then(|| Topic { text: topic.to_owned(), by: source.mask.clone(), at_unix_ms });
    c.tell_channel(index, None, Draft::event(&source, format_args!("TOPIC {name} :{topic}")));
    Ok(())
}

pub(super) fn show_topic(c: &mut Ctx<'_>, index: u32) {
    let channel = c.channel(index);
    let name = channel.name.clone();
    let Some(topic) = &channel.topic else { return c.reply(numeric::rpl_notopic(name)) };
    let (text, by, at) = (topic.text.clone(), topic.by.clone(), topic.at_unix_ms / 1000);
    c.reply(numeric::rpl_topic(&name, text));
    c.reply(numeric::rpl_topicwhotime(&name, by, at));
}

/// `INVITE [<nick> <channel>]`
pub(super) fn invite(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    match m.params().len() {
        0 => {
            knock::show_invitations(c);
            return Ok(());
        }
        1 => return Err(numeric::err_needmoreparams("INVITE").into()),
        _ => {}
    }
    let slot = c.find_user(m.arg(0))?;
    let index = c.find_known(m.arg(1))?;
    let nick = c.user_at(slot).nick.clone();
    let allowed = policy::member(c, index).and_then(|()| policy::may_invite(c, index));
    let overridden = policy::overridden(c, allowed)?;
    let opens = overridden || policy::moderator(c, index).is_ok();
    let channel = c.channel(index);
    let (name, serial) = (channel.name.clone(), channel.serial);
    let there = channel.has(slot);
    if there && policy::sees_member(c.server, c.me, channel, slot) {
        return Err(numeric::err_useronchannel(nick, name).into());
    }
    c.address(Addressed::User(slot), &nick)?;
    let silenced = policy::is_silenced(c, slot);
    if !policy::is_accepted(c, slot) {
        message::keep_away(c, slot, &nick, true, silenced);
        return Ok(());
    }
    c.overrides(overridden, |_| format!("INVITE {nick} {name}"));
    // Whoever is silenced does not learn it, and has no say in what the other is invited to. Nor does anybody learn who is
    // there already, but hidden in an auditorium.
    let heard = !silenced && !there;
    if heard {
        if let Some(user) = c.server.client_mut(slot).and_then(|client| client.user_mut()) {
            user.invite(Invitation { index, serial, opens });
        }
        c.has_written_to(slot);
    }
    let source = c.source();
    c.reply(numeric::rpl_inviting(&nick, &name));
    if let Some(message) = c.user_at(slot).away.clone() {
        c.reply(numeric::rpl_away(&nick, message));
    }
    if heard {
        c.deliver(slot, Draft::event(&source, format_args!("INVITE {nick} {name}")));
    }
    let me = c.me;
    let mine = c.channel(index).member(me);
    let others = |channel: &Channel, member: &Member| {
        let sees = mine.is_none_or(|mine| channel.shows(*member, mine));
        sees && member.slot != me && policy::hears_of_invitations(channel, member.prefixes)
    };
    let body = format_args!("INVITE {nick} {name}");
    c.tell_members(index, others, Draft::event(&source, body).needing(Caps::INVITE_NOTIFY));
    Ok(())
}

/// `KICK <channel>[,...] <nick>[,...] [comment]`: of one channel, or of as many as there are nicks (Modern IRC, KICK)
pub(super) fn kick(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let (channels, nicks) = (m.arg(0), m.arg(1));
    must_name("KICK", channels)?;
    must_name("KICK", nicks)?;
    let named = |list: &str| list.split(',').filter(|name| !name.is_empty()).count();
    match named(channels) {
        1 => {
            let index = c.find_known(channels.trim_matches(','))?;
            policy::overridden(c, policy::moderator(c, index))?;
        }
        several if several != named(nicks) => return Err(numeric::err_needmoreparams("KICK").into()),
        _ => {}
    }
    let kicker = c.user().nick.clone();
    let most = c.server.config.limits.kick_length as usize;
    let comment = m.get(2).filter(|comment| !comment.is_empty());
    let comment =
        comment.map_or_else(|| kicker.to_string(), |comment| text::truncate(comment, most).to_owned());
    let names: Vec<String> = channels.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let mut next = 0;
    for_targets(c, nicks, move |c, nick| {
        // A kicker who kicks themselves first has nothing to say about the others.
        let index = c.find_known(&names[next % names.len()]);
        next += 1;
        let index = index?;
        policy::overridden(c, policy::moderator(c, index))?;
        let (slot, name) = (c.find_user(nick)?, c.channel(index).name.clone());
        if !c.channel(index).has(slot) {
            return Err(numeric::err_usernotinchannel(&c.user_at(slot).nick, &name).into());
        }
        let overridden = policy::overridden(c, policy::may_kick(c, index, slot))?;
        c.overrides(overridden, |_| format!("KICK {name} {nick}"));
        let source = c.source();
        remove(c, index, slot, &source, &kicker, &comment);
        Ok(())
    });
    Ok(())
}

/// An operator of the server removes the client from a channel.
pub(in super::super) fn kick_by_server(c: &mut Ctx<'_>, name: &str, reason: &str) {
    if let Ok(index) = c.find_channel(name)
        && c.channel(index).has(c.me)
    {
        let source = c.server_source();
        remove(c, index, c.me, &source, &source.mask, reason);
    }
}

fn remove(c: &mut Ctx<'_>, index: u32, slot: u32, source: &Source, by: &str, comment: &str) {
    let (name, nick) = (c.channel(index).name.clone(), c.user_at(slot).nick.clone());
    c.tell_seeing(index, slot, None, Draft::event(source, format_args!("KICK {name} {nick} :{comment}")));
    c.server.part(slot, index);
    if let Some(client) = c.server.client(slot).map(|client| client.id) {
        c.event(Event::Kicked {
            client,
            nick: nick.to_string(),
            channel: name.to_string(),
            by: by.to_owned(),
            reason: comment.to_owned(),
        });
    }
}
