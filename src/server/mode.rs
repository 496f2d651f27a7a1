//! Changes of channel modes: reading them, applying them, and showing what they changed.

use std::rc::Rc;

use super::channel::Entry;
use super::ctx::Ctx;
use super::outgoing::Draft;
use super::policy;
use crate::proto::limits::{CHANNEL, LINE, MODES, NICK};
use crate::proto::mask;
use crate::proto::modes::{self, ChannelMode, Kind};
use crate::proto::names::{self, HOST_LENGTH};
use crate::proto::numeric::{self, Reply};
use crate::proto::text::truncate;

/// Bytes of a channel key.
const KEY_LENGTH: usize = 32;
/// Bytes of a mask in a list.
const MASK_LENGTH: usize = 160;
// A line of the list is never cut: what stands at its end are the setter's nick and the time.
const _: () =
    assert!(": 367      1234567890\r\n".len() + HOST_LENGTH + 2 * NICK + CHANNEL + MASK_LENGTH <= LINE);
/// Most members that `+l` can allow.
const LIMIT_MOST: u32 = 1_000_000;

/// A change that took place.
struct Change {
    add: bool,
    letter: char,
    parameter: String,
}

/// `MODE <channel> <modes> [parameters]`: applies what it may, in order, and tells the channel what changed.
pub(super) fn change(c: &mut Ctx<'_>, index: u32, letters: &str, parameters: &[&str]) {
    let mut parameters = parameters.iter().copied();
    let mut with_parameter = 0;
    let mut changes = Vec::new();
    let mut shown = Vec::new();
    let mut said = Vec::new();
    let mut add = true;
    for letter in letters.chars() {
        match letter {
            '+' => add = true,
            '-' => add = false,
            _ => {}
        }
        if matches!(letter, '+' | '-') {
            continue;
        }
        let Some(mode) = modes::channel_mode(letter) else {
            complain(c, &mut said, numeric::err_unknownmode(letter).into());
            continue;
        };
        let parameter = if takes_parameter(mode.kind, add) { parameters.next() } else { None };
        if mode.kind == Kind::List && parameter.is_none() {
            if !shown.contains(&letter) {
                shown.push(letter);
                show_list(c, index);
            }
            continue;
        }
        if parameter.is_some() {
            with_parameter += 1;
            if with_parameter > MODES {
                continue;
            }
        }
        let outcome = policy::operator(c, index).and_then(|()| apply(c, index, mode, add, parameter));
        match outcome {
            Ok(change) => changes.extend(change),
            Err(reply) => complain(c, &mut said, reply),
        }
    }
    announce(c, index, &changes);
}

/// Refuses something, but each thing once and no more than [`MODES`] of them: a line has room for hundreds of letters.
fn complain(c: &mut Ctx<'_>, said: &mut Vec<Reply>, reply: Reply) {
    if said.len() < MODES && !said.contains(&reply) {
        c.refuse(&reply);
        said.push(reply);
    }
}

fn takes_parameter(kind: Kind, add: bool) -> bool {
    match kind {
        Kind::List | Kind::Setting | Kind::Prefix => true,
        Kind::SettingOnly => add,
        Kind::Flag => false,
    }
}

/// Applies one change; `None` if it changed nothing.
fn apply(
    c: &mut Ctx<'_>,
    index: u32,
    mode: &ChannelMode,
    add: bool,
    parameter: Option<&str>,
) -> Result<Option<Change>, Reply> {
    let needed = || parameter.ok_or_else(|| Reply::from(numeric::err_needmoreparams("MODE")));
    let parameter = match mode.kind {
        Kind::Flag => set_flag(c, index, mode.bit, add).then(String::new),
        Kind::Prefix => set_prefix(c, index, mode.bit as u8, add, needed()?)?,
        Kind::List => set_ban(c, index, add, needed()?)?,
        // A key can be taken away without naming it.
        Kind::Setting if !add => c.channel_mut(index).key.take().map(|_| "*".to_owned()),
        Kind::Setting => set_key(c, index, needed()?)?,
        Kind::SettingOnly if !add => c.channel_mut(index).limit.take().map(|_| String::new()),
        Kind::SettingOnly => set_limit(c, index, needed()?)?,
    };
    Ok(parameter.map(|parameter| Change { add, letter: mode.letter, parameter }))
}

fn set_flag(c: &mut Ctx<'_>, index: u32, flag: u32, add: bool) -> bool {
    let channel = c.channel_mut(index);
    let before = channel.flags;
    channel.flags = if add { before | flag } else { before & !flag };
    channel.flags != before
}

fn set_prefix(c: &mut Ctx<'_>, index: u32, bit: u8, add: bool, nick: &str) -> Result<Option<String>, Reply> {
    let slot = c.find_user(nick)?;
    let nick = c.user_at(slot).nick.to_string();
    if !c.channel(index).has(slot) {
        return Err(numeric::err_usernotinchannel(nick, &c.channel(index).name).into());
    }
    Ok(c.channel_mut(index).set_prefix(slot, bit, add).then_some(nick))
}

fn set_ban(c: &mut Ctx<'_>, index: u32, add: bool, given: &str) -> Result<Option<String>, Reply> {
    let name = c.channel(index).name.clone();
    let full = mask::complete(given);
    if given.is_empty() || given.starts_with(':') || given.contains(' ') || full.len() > MASK_LENGTH {
        let shown = truncate(given, KEY_LENGTH);
        return Err(
            numeric::err_invalidmodeparam(name, 'b', shown, "Not a mask of the form nick!user@host").into()
        );
    }
    let most = c.server.config.limits.list_entries as usize;
    let now_unix_ms = c.server.now.unix_ms;
    let by = c.user().nick.clone();
    let channel = c.channel_mut(index);
    let place = channel.bans.iter().position(|entry| names::same(&entry.mask, &full));
    match (add, place) {
        (true, Some(_)) | (false, None) => Ok(None),
        (true, None) if channel.bans.len() >= most => Err(numeric::err_banlistfull(name, full).into()),
        (true, None) => {
            channel.bans.push(Entry { mask: full.clone(), by, at_unix_ms: now_unix_ms });
            Ok(Some(full))
        }
        (false, Some(place)) => Ok(Some(channel.bans.remove(place).mask)),
    }
}

fn set_key(c: &mut Ctx<'_>, index: u32, key: &str) -> Result<Option<String>, Reply> {
    let bad = |char: char| char == ',' || char == ' ' || char.is_control();
    if key.is_empty() || key.len() > KEY_LENGTH || key.starts_with(':') || key.contains(bad) {
        let name = &c.channel(index).name;
        return Err(numeric::err_invalidmodeparam(name, 'k', "*", "Not a valid key").into());
    }
    let channel = c.channel_mut(index);
    let changed = channel.key.as_deref() != Some(key);
    channel.key = Some(key.to_owned());
    Ok(changed.then(|| key.to_owned()))
}

fn set_limit(c: &mut Ctx<'_>, index: u32, given: &str) -> Result<Option<String>, Reply> {
    let digits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
    let limit = given.parse().ok().filter(|limit| digits && (1..=LIMIT_MOST).contains(limit));
    let channel = c.channel_mut(index);
    let Some(limit) = limit else {
        let shown = truncate(given, KEY_LENGTH);
        return Err(
            numeric::err_invalidmodeparam(&channel.name, 'l', shown, "Not a number of members").into()
        );
    };
    let changed = channel.limit != Some(limit);
    channel.limit = Some(limit);
    Ok(changed.then(|| limit.to_string()))
}

fn show_list(c: &mut Ctx<'_>, index: u32) {
    if let Err(reply) = policy::may_look(c, index) {
        c.refuse(&reply);
        return;
    }
    let name = c.channel(index).name.clone();
    let bans: Vec<(String, Rc<str>, u64)> = (c.channel(index).bans.iter())
        .map(|entry| (entry.mask.clone(), entry.by.clone(), entry.at_unix_ms / 1000))
        .collect();
    for (mask, by, at) in bans {
        c.reply(numeric::rpl_banlist(&name, mask, by, at));
    }
    c.reply(numeric::rpl_endofbanlist(name));
}

/// Tells the channel what changed, in as few lines as length and the number of parameters allow.
fn announce(c: &mut Ctx<'_>, index: u32, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let name = c.channel(index).name.clone();
    // ":source MODE name " and CR LF.
    let room = LINE - c.mask().len() - name.len() - 10;
    let mut rest = changes;
    while !rest.is_empty() {
        let (line, taken) = render(rest, room);
        let source = c.source();
        c.tell_channel(index, None, Draft::event(&source, format_args!("MODE {name} {line}")));
        rest = &rest[taken..];
    }
}

/// As many changes as fit: signs and letters merged, then the parameters; and how many they are.
fn render(changes: &[Change], room: usize) -> (String, usize) {
    let (mut letters, mut parameters) = (String::new(), String::new());
    let mut sign = None;
    let mut taken = 0;
    for change in changes {
        if taken > 0 && letters.len() + parameters.len() + change.parameter.len() + 3 > room {
            break;
        }
        if sign != Some(change.add) {
            letters.push(if change.add { '+' } else { '-' });
            sign = Some(change.add);
        }
        letters.push(change.letter);
        if !change.parameter.is_empty() {
            parameters.push(' ');
            parameters.push_str(&change.parameter);
        }
        taken += 1;
    }
    (letters + &parameters, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(add: bool, letter: char, parameter: &str) -> Change {
        Change { add, letter, parameter: parameter.to_owned() }
    }

    #[test]
    fn changes_are_merged() {
        let changes =
            [change(true, 'o', "a"), change(true, 'n', ""), change(false, 'v', "b"), change(true, 'k', "c")];
        assert_eq!(render(&changes, 400), ("+on-v+k a b c".to_owned(), 4));
    }

    #[test]
    fn a_line_takes_what_fits_and_never_nothing() {
        let changes = [change(true, 'b', &"a".repeat(50)), change(true, 'b', &"b".repeat(50))];
        assert_eq!(render(&changes, 60).1, 1);
        assert_eq!(render(&changes, 10).1, 1);
        assert_eq!(render(&changes, 110).1, 2);
    }
}
