//! RENAME (IRCv3 draft/channel-rename).

use super::super::ctx::Ctx;
use super::super::effort;
use super::super::outgoing::Draft;
use super::super::policy;
use super::Outcome;
use super::channel::show_topic;
use super::names::show_names;
use super::registration::REASON;
use crate::config::Privileges;
use crate::proto::caps::Caps;
use crate::proto::limits::{RENAME_MEMBERS, RENAME_MS};
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::Word;
use crate::proto::text;

/// `RENAME <channel> <new name> [reason]`
pub(super) fn rename(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let index = c.find_known(m.arg(0))?;
    let refused = policy::may_rename(c, index).err();
    if let Some(reply) = &refused
        && policy::privileged(c, Privileges::RENAME).is_err()
    {
        return Err(reply.clone());
    }
    let (old, new) = (c.channel(index).name.clone(), m.arg(1));
    let others = if names::same(&old, new) { Vec::new() } else { strangers(c, index) };
    if let Some((code, why)) = obstacle(c, index, new, others.len()) {
        let why = why.to_owned();
        c.fail_about("RENAME", code, format_args!("{old} {}", Word(new)), &why);
        return Ok(());
    }
    if refused.is_some() {
        c.acted(format!("RENAME {old} {new}"));
    }
    let reason = text::truncate(m.get(2).unwrap_or(""), REASON);
    let source = c.source();
    c.server.rename_channel(index, new);
    let body = format_args!("RENAME {old} {new} :{reason}");
    c.tell_channel(index, None, Draft::event(&source, body).needing(Caps::CHANNEL_RENAME));
    for slot in others {
        move_over(&mut Ctx { server: c.server, out: c.out, me: slot }, index, &old, reason);
    }
    Ok(())
}

/// The slots of the members whose clients do not know RENAME.
fn strangers(c: &Ctx<'_>, index: u32) -> Vec<u32> {
    let members = c.channel(index).members();
    c.server.effort.add(members.len() / effort::LOOKS);
    let slots = members.iter().map(|member| member.slot);
    slots.filter(|&slot| !c.out.caps(slot).has(Caps::CHANNEL_RENAME)).collect()
}

/// What is in the way of another name for the channel, to which so many members are to be moved over: a code of `FAIL`, and a
/// description.
fn obstacle<'a>(c: &'a Ctx<'_>, index: u32, new: &str, moved: usize) -> Option<(&'static str, &'a str)> {
    if !names::is_channel(new, c.server.config.limits.channel_length) {
        return Some(("CANNOT_RENAME", "The new name cannot be that of a channel"));
    }
    let channel = c.channel(index);
    let same = *channel.name == *new;
    if same || c.find_channel(new).is_ok_and(|other| other != index) {
        return Some(("CHANNEL_NAME_IN_USE", "The channel name is already taken"));
    }
    // Who has a reserved name already keeps it, as they like to spell it.
    if let Some(reason) = policy::reserved_channel(c, new).filter(|_| !names::same(&channel.name, new)) {
        return Some(("CANNOT_RENAME", reason));
    }
    let recently = channel.renamed_ms.is_some_and(|at| c.server.now.mono_ms < at + RENAME_MS);
    if recently {
        return Some(("CANNOT_RENAME", "The channel has been renamed recently"));
    }
    (moved > RENAME_MEMBERS)
        .then_some(("CANNOT_RENAME", "Too many members have clients that do not know RENAME"))
}

/// For a member whose client does not know RENAME: they leave the old channel and enter the new one ("Fallback").
fn move_over(c: &mut Ctx<'_>, index: u32, old: &str, reason: &str) {
    // There may be thousands of them, so nothing is formatted, and nothing copied that is not asked for.
    let mut source = c.source();
    let part = ["PART ", old, " :", reason];
    c.tell_me(Draft::words(&source, if reason.is_empty() { &part[..2] } else { &part }));
    source.id = c.event_id();
    let name = c.channel(index).name.clone();
    if c.out.caps(c.me).has(Caps::EXTENDED_JOIN) {
        let (account, realname) = (source.account.as_deref().unwrap_or("*"), c.user().realname.clone());
        c.tell_me(Draft::words(&source, &["JOIN ", &name, " ", account, " :", &realname]));
    } else {
        c.tell_me(Draft::words(&source, &["JOIN ", &name]));
    }
    if c.channel(index).topic.is_some() {
        show_topic(c, index);
    }
    show_names(c, index);
}
