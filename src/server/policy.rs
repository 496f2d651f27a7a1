//! Every question of permission. The answer to "no" is what the client is told.

use super::Server;
use super::ban::{Person, Wish};
use super::channel::{Channel, Entry};
use super::commands::Said;
use super::ctx::Ctx;
use crate::config::{Oper, Privileges, Reserve};
use crate::proto::format;
use crate::proto::hostmask::HostMask;
use crate::proto::mask::Subject;
use crate::proto::modes::{
    AUDITORIUM, BANS, CALLER_ID, EXCEPTIONS, HALF_OPERATOR, INVISIBLE, INVITE_EXCEPTIONS, INVITE_ONLY,
    MODERATED, NO_COLOURS, NO_CTCP, NO_EXTERNAL, NO_NICKS, NO_NOTICES, OP, OPERATOR, PRIVATE,
    PROTECTED_TOPIC, Prefix, QUIETS, SECRET, SECURE_ONLY, VOICE,
};
use crate::proto::names;
use crate::proto::numeric::{self, Reply};

/// Why somebody may not join a channel.
pub(super) struct Closed {
    pub(super) reply: Reply,
    /// Whether the channel's forward (`+f`) concerns it: not where a key is wrong or the connection not encrypted.
    pub(super) forwards: bool,
}

/// Whether the client may join a channel that exists (Modern IRC, JOIN).
pub(super) fn may_join(c: &Ctx<'_>, index: u32, key: Option<&str>) -> Result<(), Closed> {
    let (channel, user) = (c.channel(index), c.user());
    let name = &channel.name;
    // Whoever could take these modes away wants this person in there. A member without rank has no say in them.
    let invited = user.is_let_in(channel.serial);
    let stays = |reply: Reply| Err(Closed { reply, forwards: false });
    let forwards = |reply: Reply| Err(Closed { reply, forwards: true });
    if let Err(reply) = may_be_in(c, index) {
        return stays(reply);
    }
    if let Some(expected) = &channel.key
        && key != Some(expected)
    {
        return stays(numeric::err_badchannelkey(name).into());
    }
    if channel.is(INVITE_ONLY) && !invited && !needs_no_invitation(c, channel) {
        return forwards(numeric::err_inviteonlychan(name).into());
    }
    if is_banned(c, channel, Wish::Join) && !invited {
        return forwards(numeric::err_bannedfromchan(name).into());
    }
    if channel.limit.is_some_and(|limit| channel.members().len() >= limit as usize) && !invited {
        return forwards(numeric::err_channelisfull(name).into());
    }
    if channel.join_throttle.is_some_and(|it| it.is_closed(c.server.now.mono_ms)) && !invited {
        return forwards(numeric::err_throttle(name).into());
    }
    Ok(())
}

/// Whether the connection is good enough for a channel. That is promised to those who are there, so nobody is let past it.
pub(super) fn may_be_in(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    if channel.is(SECURE_ONLY) && !c.client().secure {
        return Err(numeric::err_secureonlychan(&channel.name).into());
    }
    Ok(())
}

/// Whether the client may take another nick, for a channel it is in.
pub(super) fn may_change_nick(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    if channel.prefixes(c.me).is_none_or(|prefixes| prefixes >= VOICE) {
        return Ok(());
    }
    if channel.is(NO_NICKS) {
        return Err(numeric::err_nonickchange(&channel.name).into());
    }
    // A ban would be shaken off.
    if is_banned(c, channel, Wish::Speak) {
        return Err(numeric::err_bannickchange(&channel.name).into());
    }
    Ok(())
}

/// The client's channels in which it is not even voiced.
fn without_rank<'a>(c: &'a Ctx<'_>) -> impl Iterator<Item = &'a Channel> {
    let channels = c.user().channels.iter().map(|&index| c.channel(index));
    channels.filter(|channel| channel.prefixes(c.me).is_some_and(|prefixes| prefixes < VOICE))
}

/// How many masks are held against the client before it may take another nick.
pub(super) fn masks_for_nick(c: &Ctx<'_>) -> usize {
    let lists = |channel: &Channel| {
        [BANS, QUIETS, EXCEPTIONS].map(|list| channel.lists[list].len()).iter().sum::<usize>()
    };
    without_rank(c).map(lists).sum()
}

/// Whether the client may knock at a channel, but for how often.
pub(super) fn may_knock(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    let name = &channel.name;
    if channel.has(c.me) {
        return Err(numeric::err_knockonchan(name).into());
    }
    let full = channel.limit.is_some_and(|limit| channel.members().len() >= limit as usize);
    if !channel.is(INVITE_ONLY) && channel.key.is_none() && !full {
        return Err(numeric::err_chanopen(name).into());
    }
    let why = match () {
        () if channel.is(PRIVATE) => "+p",
        () if is_banned(c, channel, Wish::Speak) => "+b",
        () => return Ok(()),
    };
    Err(numeric::err_cannotsendtochan(name, why).into())
}

/// Whether the client may take a nick: nobody may have reserved it. Who has it already keeps it.
pub(super) fn may_take_nick(c: &Ctx<'_>, nick: &str) -> Result<(), Reply> {
    let mine = c.client().nick().is_some_and(|mine| names::same(mine, nick));
    match reserved(c, nick, |reserve| &reserve.nicks) {
        Some(reason) if !mine => Err(numeric::err_erroneusnickname(nick, reason).into()),
        _ => Ok(()),
    }
}

/// Whether the client may be in a channel of that name: nobody may have reserved it.
pub(super) fn may_name_channel(c: &Ctx<'_>, name: &str) -> Result<(), Reply> {
    match reserved_channel(c, name) {
        Some(reason) => Err(numeric::err_badchanname(name, reason).into()),
        None => Ok(()),
    }
}

/// Why the client may not be in a channel of that name, nor give one that name.
pub(super) fn reserved_channel<'a>(c: &'a Ctx<'_>, name: &str) -> Option<&'a str> {
    reserved(c, name, |reserve| &reserve.channels)
}

/// Why a name is reserved. For operators none is.
fn reserved<'a>(c: &'a Ctx<'_>, name: &str, masks: fn(&Reserve) -> &[String]) -> Option<&'a str> {
    if c.client().user().is_some_and(|user| user.modes & OPERATOR != 0) {
        return None;
    }
    let name = Subject::new(name);
    let is_meant = |reserve: &&Reserve| masks(reserve).iter().any(|mask| name.matches(mask));
    c.server.config.reserve.iter().find(is_meant).map(|reserve| &*reserve.reason)
}

/// Whether the client may be in one channel more.
pub(super) fn may_join_more(c: &Ctx<'_>, name: &str) -> Result<(), Reply> {
    let most = c.server.config.limits.channels_per_user as usize;
    if c.user().channels.len() < most { Ok(()) } else { Err(numeric::err_toomanychannels(name).into()) }
}

/// Whether the client may send a message to a channel (Modern IRC, PRIVMSG).
pub(super) fn may_speak(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    let why = match channel.prefixes(c.me) {
        Some(prefixes) if prefixes >= VOICE => return Ok(()),
        None if channel.is(NO_EXTERNAL) => "+n",
        _ if channel.is(MODERATED) => "+m",
        _ if is_banned(c, channel, Wish::Speak) => "+b",
        _ => return Ok(()),
    };
    Err(numeric::err_cannotsendtochan(&channel.name, why).into())
}

/// Whether what the client says may be said in a channel where it may speak. Whoever set these modes meant everybody, so
/// they hold for channel operators as well.
pub(super) fn may_say(c: &Ctx<'_>, index: u32, said: &Said<'_>) -> Result<(), Reply> {
    let channel = c.channel(index);
    let any = |is: fn(&str) -> bool| said.lines().any(is);
    let why = if channel.is(NO_NOTICES) && said.is_notice() {
        "+T"
    } else if channel.is(NO_CTCP) && any(format::is_ctcp) {
        "+C"
    } else if channel.is(NO_COLOURS) && any(format::has_formatting) {
        "+c"
    } else {
        return Ok(());
    };
    Err(numeric::err_cannotsendtochan(&channel.name, why).into())
}

/// Whether the one in `slot` has silenced the client (SILENCE). The client is not told.
pub(super) fn is_silenced(c: &Ctx<'_>, slot: u32) -> bool {
    let extras = c.server.user(slot).and_then(|user| user.extras.as_deref());
    let Some(masks) = extras.map(|extras| &extras.silenced).filter(|masks| !masks.is_empty()) else {
        return false;
    };
    // The cloak counts, too, shown or not, and what it hides: else mode x would be the way out.
    let is_meant = |person: &Person<'_>| masks.iter().any(|mask| person.is_like(mask));
    c.server.judge(c.me, is_meant).unwrap_or(false)
}

/// Whether mode `g` of the one in `slot` lets the client through.
pub(super) fn is_accepted(c: &Ctx<'_>, slot: u32) -> bool {
    c.me == slot || c.user_at(slot).modes & CALLER_ID == 0 || accepts(c.server, slot, c.me)
}

/// Whether the one in `slot` has accepted `other` (ACCEPT).
pub(super) fn accepts(server: &Server, slot: u32, other: u32) -> bool {
    let extras = server.user(slot).and_then(|user| user.extras.as_deref());
    extras.is_some_and(|extras| extras.accepted.iter().any(|entry| entry.means(server, other)))
}

/// Whether the client may set the topic (Modern IRC, TOPIC). A topic is heard by all, so where everybody may set it, it takes
/// who may speak.
pub(super) fn may_set_topic(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    if c.channel(index).is(PROTECTED_TOPIC) {
        return moderator(c, index);
    }
    member(c, index)?;
    may_speak(c, index)
}

/// Whether the client may invite somebody. Where everybody may join, every member may invite.
pub(super) fn may_invite(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    if c.channel(index).is(INVITE_ONLY) { moderator(c, index) } else { member(c, index) }
}

/// Whether the client may give the channel another name: a channel operator or higher, if nobody there is of higher rank.
pub(super) fn may_rename(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    member(c, index)?;
    let channel = c.channel(index);
    let mine = channel.prefixes(c.me).unwrap_or(0);
    if mine >= OP && channel.members().iter().all(|member| rank(member.prefixes) <= rank(mine)) {
        Ok(())
    } else {
        Err(numeric::err_chanoprivsneeded(&channel.name).into())
    }
}

/// Whether a member with these prefixes is told whom others invite: those who may invite are (IRCv3 invite-notify, "Notes").
pub(super) fn hears_of_invitations(channel: &Channel, prefixes: u8) -> bool {
    !channel.is(INVITE_ONLY) || prefixes >= HALF_OPERATOR
}

/// Whether the client is in the channel.
pub(super) fn member(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    if channel.has(c.me) { Ok(()) } else { Err(numeric::err_notonchannel(&channel.name).into()) }
}

/// Whether the client is at least a half-operator there: needed for KICK and for changes of modes.
pub(super) fn moderator(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    match channel.prefixes(c.me) {
        Some(prefixes) if prefixes >= HALF_OPERATOR => Ok(()),
        Some(_) => Err(numeric::err_chanoprivsneeded(&channel.name).into()),
        None => Err(numeric::err_notonchannel(&channel.name).into()),
    }
}

/// Whether the client is at least a channel operator there.
pub(super) fn operator(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    moderator(c, index)?;
    let channel = c.channel(index);
    let operates = channel.prefixes(c.me).is_some_and(|prefixes| prefixes >= OP);
    if operates { Ok(()) } else { Err(numeric::err_chanoprivsneeded(&channel.name).into()) }
}

/// Whether the client may learn what is in the channel: members, modes and topic.
pub(super) fn may_look(c: &Ctx<'_>, index: u32) -> Result<(), Reply> {
    let channel = c.channel(index);
    if sees_channel(c.server, c.me, channel) {
        Ok(())
    } else {
        Err(numeric::err_notonchannel(&channel.name).into())
    }
}

/// Whether the client may know that a channel is there. JOIN tells everybody, as it either makes the channel or does not.
pub(super) fn knows_channel(c: &Ctx<'_>, index: u32) -> bool {
    let privileges = c.server.privileges(c.me);
    sees_channel(c.server, c.me, c.channel(index))
        || privileges.has(Privileges::OVERRIDE)
        || privileges.has(Privileges::RENAME)
}

/// Whether a channel exists for the one in `viewer`.
pub(super) fn sees_channel(server: &Server, viewer: u32, channel: &Channel) -> bool {
    !channel.is(SECRET) || channel.has(viewer) || sees_all(server, viewer)
}

/// Whether the one in `viewer` comes across a channel without having named it.
pub(super) fn lists_channel(server: &Server, viewer: u32, channel: &Channel) -> bool {
    !channel.is(SECRET | PRIVATE) || channel.has(viewer) || sees_all(server, viewer)
}

/// Whether the one in `viewer` sees that a user is a member of a channel.
pub(super) fn sees_member(server: &Server, viewer: u32, channel: &Channel, member: u32) -> bool {
    let Some(other) = channel.member(member) else { return false };
    if sees_all(server, viewer) {
        return true;
    }
    if let Some(inside) = channel.member(viewer) {
        return channel.shows(inside, other);
    }
    let shown = !channel.is(SECRET | PRIVATE) && (!channel.is(AUDITORIUM) || other.prefixes != 0);
    shown && server.user(member).is_some_and(|user| user.modes & INVISIBLE == 0)
}

/// Whether the one in `viewer` comes across a user without having named them.
pub(super) fn sees_user(server: &Server, viewer: u32, slot: u32) -> bool {
    let Some(user) = server.user(slot) else { return false };
    if user.modes & INVISIBLE != 0 {
        server.effort.add(2 * user.channels.len());
    }
    viewer == slot
        || user.modes & INVISIBLE == 0
        || sees_all(server, viewer)
        || user.channels.iter().any(|&index| {
            let channel = server.channel(index);
            channel.has(viewer) && sees_member(server, viewer, channel, slot)
        })
}

/// Whether the one in `viewer` is told the address that a user connects from: those whose address is their host hide
/// nothing, and operators see all.
pub(super) fn sees_address(server: &Server, viewer: u32, slot: u32) -> bool {
    let shown = server.client(slot).is_some_and(|client| client.host() == names::host(client.peer.address));
    shown || viewer == slot || sees_all(server, viewer)
}

/// Whether the one in `viewer` sees what others keep to themselves.
pub(super) fn sees_all(server: &Server, viewer: u32) -> bool {
    server.privileges(viewer).has(Privileges::SEE_ALL)
}

/// Whether the client may give a member a prefix, or take it away. Who has one may always give it up.
pub(super) fn may_give(c: &Ctx<'_>, index: u32, prefix: &Prefix, slot: u32, add: bool) -> Result<(), Reply> {
    let channel = c.channel(index);
    let Some(mine) = channel.prefixes(c.me) else {
        return Err(numeric::err_notonchannel(&channel.name).into());
    };
    if slot == c.me && !add {
        return Ok(());
    }
    let theirs = channel.prefixes(slot).unwrap_or(0);
    if mine < prefix.given_by || (!add && rank(theirs) > rank(mine)) {
        return Err(numeric::err_chanoprivsneeded(&channel.name).into());
    }
    Ok(())
}

/// Whether the client may remove a member: who is of higher rank cannot be removed, and a half-operator removes no
/// other.
pub(super) fn may_kick(c: &Ctx<'_>, index: u32, slot: u32) -> Result<(), Reply> {
    moderator(c, index)?;
    let channel = c.channel(index);
    let (mine, theirs) = (channel.prefixes(c.me).unwrap_or(0), channel.prefixes(slot).unwrap_or(0));
    if slot != c.me && (rank(theirs) > rank(mine) || (mine < OP && theirs >= HALF_OPERATOR)) {
        return Err(numeric::err_chanoprivsneeded(&channel.name).into());
    }
    Ok(())
}

/// The highest prefix alone.
fn rank(prefixes: u8) -> u32 {
    u8::BITS - prefixes.leading_zeros()
}

/// Whether a ban, or for speaking a quiet, concerns the client, and no exception does.
fn is_banned(c: &Ctx<'_>, channel: &Channel, wish: Wish) -> bool {
    if channel.lists[BANS].is_empty() && channel.lists[QUIETS].is_empty() {
        return false;
    }
    c.server.judge(c.me, |person| bans(channel, person, wish)).unwrap_or(false)
}

fn bans(channel: &Channel, person: &Person<'_>, wish: Wish) -> bool {
    let is_on = |list: &[Entry]| person.is_on(list, channel.serial, wish);
    let lists = &channel.lists;
    (is_on(&lists[BANS]) || (wish == Wish::Speak && is_on(&lists[QUIETS]))) && !is_on(&lists[EXCEPTIONS])
}

/// Whether an exception to `+i` is about the client.
fn needs_no_invitation(c: &Ctx<'_>, channel: &Channel) -> bool {
    let list = &channel.lists[INVITE_EXCEPTIONS];
    !list.is_empty()
        && c.server.judge(c.me, |person| person.is_on(list, channel.serial, Wish::Join)).unwrap_or(false)
}

/// Whether the client may act in channels whatever their modes, bans and ranks.
pub(super) fn may_override(c: &Ctx<'_>) -> bool {
    c.server.privileges(c.me).has(Privileges::OVERRIDE)
}

/// What becomes of an answer if the client may override it: whether it had to. To be told of with [`Ctx::overrides`].
pub(super) fn overridden(c: &Ctx<'_>, answer: Result<(), Reply>) -> Result<bool, Reply> {
    match answer {
        Ok(()) => Ok(false),
        Err(_) if may_override(c) => Ok(true),
        Err(reply) => Err(reply),
    }
}

/// Whether the client is a server operator with this privilege.
pub(super) fn privileged(c: &Ctx<'_>, needed: Privileges) -> Result<(), Reply> {
    if c.server.privileges(c.me).has(needed) {
        return Ok(());
    }
    let names: Vec<_> = needed.names().collect();
    Err(numeric::err_noprivileges(names.join(" and ")).into())
}

/// Whether the client may become this operator, if it knows the password; if not, why, for those who watch over it.
pub(super) fn may_be_operator(c: &Ctx<'_>, oper: &Oper) -> Result<(), &'static str> {
    let (client, user) = (c.client(), c.user());
    // No listener speaks TLS.
    if oper.tls {
        return Err("only with TLS");
    }
    let here = |mask: &HostMask| mask.matches(user.user_name(), &client.real_host, client.peer.address);
    if oper.masks.is_empty() || oper.masks.iter().any(here) { Ok(()) } else { Err("not from there") }
}
