//! Changes of channel modes: reading them, applying them, and showing what they changed.

use std::rc::Rc;

use super::arrival::Arrival;
use super::channel::{Entry, Member};
use super::ctx::Ctx;
use super::outgoing::Draft;
use super::{policy, setting};
use crate::proto::extban;
use crate::proto::limits::{CHANNEL, LINE, MASK, MODES, NICK};
use crate::proto::mask;
use crate::proto::modes::{self, AUDITORIUM, BANS, ChannelMode, EXCEPTIONS, INVITE_EXCEPTIONS, Kind, QUIETS};
use crate::proto::names::{self, HOST_LENGTH};
use crate::proto::numeric::{self, Reply};
use crate::proto::text::truncate;

// A line of the list is never cut: what stands at its end are the setter's nick and the time.
const _: () = assert!(": 728  q   1234567890\r\n".len() + HOST_LENGTH + 2 * NICK + CHANNEL + MASK <= LINE);

/// Who changes modes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The client, which needs the rank for it.
    Client,
    /// The server, for an operator: it may change everything.
    Server,
}

/// What there is to be said to whoever asked for changes.
pub(super) enum Answer {
    /// A change was refused.
    Refusal(Reply),
    /// A list is to be shown.
    List(&'static ChannelMode),
}

/// A change that took place.
pub(super) struct Change {
    add: bool,
    letter: char,
    parameter: String,
    before: Before,
    /// Whether it took the privilege `override`.
    overrides: bool,
}

/// What there was before a change.
enum Before {
    /// The opposite: of a flag, or of an entry in a list.
    Opposite,
    /// Whose prefix changed, and all that they had.
    Member(Member),
    /// The value of a setting, if it had one.
    Value(Option<String>),
}

/// `MODE` or `SAMODE <channel> <modes> [parameters]` of the client: applies what it may, in order, and tells the channel what
/// changed.
pub(super) fn request(c: &mut Ctx<'_>, index: u32, letters: &str, parameters: &[&str], by: By) {
    let (answers, changes) = change(c, index, letters, parameters, by);
    for answer in answers {
        match answer {
            Answer::Refusal(reply) => c.refuse(&reply),
            Answer::List(mode) => show_list(c, index, mode, by),
        }
    }
    let overridden = changes.iter().any(|change| change.overrides);
    c.overrides(overridden, |c| format!("MODE {}", asked(&c.channel(index).name, letters, parameters)));
    announce(c, index, &changes, by);
}

/// What was asked for, for log and notices. A key is nobody's business.
pub(super) fn asked(name: &str, letters: &str, parameters: &[&str]) -> String {
    let changes = format!("{letters} {}", parameters.join(" "));
    format!("{name} {}", modes::without_key(changes.trim_end()))
}

/// Applies changes, in order. Nobody is told yet.
pub(super) fn change(
    c: &mut Ctx<'_>,
    index: u32,
    letters: &str,
    parameters: &[&str],
    by: By,
) -> (Vec<Answer>, Vec<Change>) {
    let prefixes = c.server.config.channels.prefixes;
    let mut parameters = parameters.iter().copied();
    let mut with_parameter = 0;
    let (mut changes, mut answers) = (Vec::new(), Vec::new());
    let mut add = true;
    for letter in letters.chars() {
        if matches!(letter, '+' | '-') {
            add = letter == '+';
            continue;
        }
        let Some(mode) = prefixes.channel_mode(letter) else {
            complain(&mut answers, numeric::err_unknownmode(letter).into());
            continue;
        };
        let parameter = if takes_parameter(mode.kind, add) { parameters.next() } else { None };
        if mode.kind == Kind::List && parameter.is_none() {
            if !answers.iter().any(|it| matches!(it, Answer::List(shown) if shown.letter == letter)) {
                answers.push(Answer::List(mode));
            }
            continue;
        }
        if parameter.is_some() {
            with_parameter += 1;
            if with_parameter > MODES {
                if with_parameter == MODES + 1 {
                    complain(&mut answers, too_many(c, index, letter, parameter));
                }
                continue;
            }
        }
        match apply(c, index, mode, add, parameter, by) {
            Ok(change) => changes.extend(change),
            Err(reply) => complain(&mut answers, reply),
        }
    }
    (answers, changes)
}

/// Refuses something, but each thing once and no more than [`MODES`] of them: a line has room for hundreds of letters.
fn complain(answers: &mut Vec<Answer>, reply: Reply) {
    let said =
        || answers.iter().filter_map(|it| if let Answer::Refusal(reply) = it { Some(reply) } else { None });
    if said().count() < MODES && said().all(|other| *other != reply) {
        answers.push(Answer::Refusal(reply));
    }
}

fn too_many(c: &Ctx<'_>, index: u32, letter: char, parameter: Option<&str>) -> Reply {
    let shown = truncate(parameter.unwrap_or("*"), setting::SHOWN);
    let why = format!("Only {MODES} modes with a parameter at a time; the rest is left out");
    numeric::err_invalidmodeparam(&c.channel(index).name, letter, shown, why).into()
}

/// Whether a change of such a mode takes the next parameter, if there is one.
pub(super) fn takes_parameter(kind: Kind, add: bool) -> bool {
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
    mode: &'static ChannelMode,
    add: bool,
    parameter: Option<&str>,
    by: By,
) -> Result<Option<Change>, Reply> {
    let needed = || parameter.ok_or_else(|| Reply::from(numeric::err_needmoreparams("MODE")));
    let mut overrides = false;
    if by == By::Client && mode.kind != Kind::Prefix {
        overrides = policy::overridden(c, policy::moderator(c, index))?;
    }
    let mut before = Before::Opposite;
    let parameter = match mode.kind {
        Kind::Flag => set_flag(c, index, mode.id, add).then(String::new),
        Kind::Prefix => set_prefix(c, index, mode, add, parameter, by)?.map(|(nick, member, past)| {
            (before, overrides) = (Before::Member(member), past);
            nick
        }),
        Kind::List => set_entry(c, index, mode, add, needed()?, by)?,
        Kind::Setting | Kind::SettingOnly => {
            before = Before::Value(c.server.setting(c.channel(index), mode.id, true));
            if add {
                setting::set(c, index, mode.id, needed()?, by)?
            } else {
                setting::unset(c, index, mode.id)
            }
        }
    };
    Ok(parameter.map(|parameter| Change { add, letter: mode.letter, parameter, before, overrides }))
}

fn set_flag(c: &mut Ctx<'_>, index: u32, flag: u32, add: bool) -> bool {
    let channel = c.channel_mut(index);
    let before = channel.flags;
    channel.flags = if add { before | flag } else { before & !flag };
    channel.flags != before
}

fn set_prefix(
    c: &mut Ctx<'_>,
    index: u32,
    mode: &ChannelMode,
    add: bool,
    nick: Option<&str>,
    by: By,
) -> Result<Option<(String, Member, bool)>, Reply> {
    let row = modes::prefix_row(mode.id as u8);
    let mut overrides = false;
    if by == By::Client {
        // Without any rank, nothing is said about who is here.
        let mine = nick.is_some_and(|nick| names::same(nick, &c.user().nick));
        let allowed = if mine { policy::member(c, index) } else { policy::moderator(c, index) };
        overrides = policy::overridden(c, allowed)?;
    }
    let nick = nick.ok_or_else(|| Reply::from(numeric::err_needmoreparams("MODE")))?;
    let slot = c.find_user(nick)?;
    let nick = c.user_at(slot).nick.to_string();
    let Some(before) = c.channel(index).member(slot) else {
        return Err(numeric::err_usernotinchannel(nick, &c.channel(index).name).into());
    };
    if by == By::Client {
        overrides |= policy::overridden(c, policy::may_give(c, index, row, slot, add))?;
    }
    Ok(c.channel_mut(index).set_prefix(slot, row.bit, add).then_some((nick, before, overrides)))
}

fn set_entry(
    c: &mut Ctx<'_>,
    index: u32,
    mode: &ChannelMode,
    add: bool,
    given: &str,
    by: By,
) -> Result<Option<String>, Reply> {
    let name = c.channel(index).name.clone();
    let Some(mask) = extban::normal(given) else {
        let shown = truncate(given, setting::SHOWN);
        return Err(numeric::err_invalidmodeparam(name, mode.letter, shown, mask::fault(given, MASK)).into());
    };
    let most = c.server.config.limits.list_entries as usize;
    let at_unix_ms = c.server.now.unix_ms;
    let setter =
        if by == By::Client { c.user().nick.clone() } else { c.server.config.server.name.as_str().into() };
    let channel = c.channel_mut(index);
    // All lists together, as MAXLIST says.
    let full = channel.lists.iter().map(Vec::len).sum::<usize>() >= most;
    let list = &mut channel.lists[mode.id as usize];
    let place = list.iter().position(|entry| names::same(&entry.mask, &mask));
    match (add, place) {
        (true, Some(_)) | (false, None) => Ok(None),
        (true, None) if full => Err(numeric::err_banlistfull(name, mask).into()),
        (true, None) => {
            list.push(Entry { mask: mask.clone(), by: setter, at_unix_ms });
            Ok(Some(mask))
        }
        (false, Some(place)) => Ok(Some(list.remove(place).mask)),
    }
}

/// Shows a list. Bans and quiets are for those who may look, the others for those who may change them.
fn show_list(c: &mut Ctx<'_>, index: u32, mode: &ChannelMode, by: By) {
    let id = mode.id as usize;
    let allowed = match id {
        _ if by == By::Server || policy::may_override(c) => Ok(()),
        BANS | QUIETS => policy::may_look(c, index),
        _ => policy::moderator(c, index),
    };
    if let Err(reply) = allowed {
        c.refuse(&reply);
        return;
    }
    let name = c.channel(index).name.clone();
    let entries: Vec<(String, Rc<str>, u64)> = (c.channel(index).lists[id].iter())
        .map(|entry| (entry.mask.clone(), entry.by.clone(), entry.at_unix_ms / 1000))
        .collect();
    for (mask, by, at) in entries {
        match id {
            EXCEPTIONS => c.reply(numeric::rpl_exceptlist(&name, mask, by, at)),
            INVITE_EXCEPTIONS => c.reply(numeric::rpl_invexlist(&name, mask, by, at)),
            QUIETS => c.reply(numeric::rpl_quietlist(&name, mask, by, at)),
            _ => c.reply(numeric::rpl_banlist(&name, mask, by, at)),
        }
    }
    match id {
        EXCEPTIONS => c.reply(numeric::rpl_endofexceptlist(name)),
        INVITE_EXCEPTIONS => c.reply(numeric::rpl_endofinvexlist(name)),
        QUIETS => c.reply(numeric::rpl_endofquietlist(name)),
        _ => c.reply(numeric::rpl_endofbanlist(name)),
    }
}

/// Tells the channel what changed, in as few lines as length and the number of parameters allow.
pub(super) fn announce(c: &mut Ctx<'_>, index: u32, changes: &[Change], by: By) {
    let name = c.channel(index).name.clone();
    let shown = net(changes);
    let letter = modes::CHANNEL.iter().find(|mode| mode.kind == Kind::Flag && mode.id == AUDITORIUM);
    if shown.iter().any(|change| change.add && letter.is_some_and(|mode| mode.letter == change.letter)) {
        c.channel_mut(index).become_auditorium();
    }
    let moved = if c.channel(index).is(AUDITORIUM) { moved(c, index, changes) } else { Vec::new() };
    for &(member, _) in moved.iter().filter(|(_, appears)| *appears) {
        c.show_arrival(index, member, Arrival::Appeared);
    }
    let mut rest = &shown[..];
    while !rest.is_empty() {
        let source = if by == By::Client { c.source() } else { c.server_source() };
        // ":source MODE name " and CR LF.
        let room = LINE - source.mask.len() - name.len() - 10;
        let (line, taken) = render(rest, room);
        c.tell_channel(index, None, Draft::event(&source, format_args!("MODE {name} {line}")));
        rest = &rest[taken..];
    }
    for &(member, _) in moved.iter().filter(|(_, appears)| !*appears) {
        vanish(c, index, member);
    }
}

/// What is left of changes where some take others back.
fn net(changes: &[Change]) -> Vec<&Change> {
    let is_last = |at: usize| changes[at + 1..].iter().all(|other| !changes[at].is_of(other));
    let counts = |at: usize| {
        let change = &changes[at];
        let mut same = changes.iter().filter(|other| change.is_of(other));
        match same.next() {
            Some(Change { before: Before::Value(before), .. }) => {
                before.as_ref() != change.add.then_some(&change.parameter)
            }
            // Each of them turned it over.
            _ => same.count() % 2 == 0,
        }
    };
    (0..changes.len()).filter(|&at| is_last(at) && counts(at)).map(|at| &changes[at]).collect()
}

impl Change {
    /// Whether both change the same thing.
    fn is_of(&self, other: &Self) -> bool {
        let has_value = matches!(self.before, Before::Value(_));
        self.letter == other.letter && (has_value || self.parameter == other.parameter)
    }
}

/// The members of an auditorium who have got their first prefix, and those who have lost their last.
fn moved(c: &Ctx<'_>, index: u32, changes: &[Change]) -> Vec<(u32, bool)> {
    let mut first: Vec<Member> = Vec::new();
    for change in changes {
        let Before::Member(member) = change.before else { continue };
        if first.iter().all(|other| other.slot != member.slot) {
            first.push(member);
        }
    }
    let moved = first.into_iter().filter_map(|before| {
        let after = c.channel(index).prefixes(before.slot)?;
        ((before.prefixes == 0) != (after == 0)).then_some((before.slot, after != 0))
    });
    moved.collect()
}

/// Hides a member of an auditorium from those who no longer see them.
fn vanish(c: &mut Ctx<'_>, index: u32, slot: u32) {
    let Some(source) = c.source_of(slot) else { return };
    let name = c.channel(index).name.clone();
    c.tell_blind(index, slot, Draft::event(&source, format_args!("PART {name}")));
}

/// As many changes as fit: signs and letters merged, then the parameters; and how many they are.
fn render(changes: &[&Change], room: usize) -> (String, usize) {
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
        Change { add, letter, parameter: parameter.to_owned(), before: Before::Opposite, overrides: false }
    }

    fn rendered(changes: &[Change], room: usize) -> (String, usize) {
        render(&changes.iter().collect::<Vec<_>>(), room)
    }

    #[test]
    fn what_is_taken_back_is_not_shown() {
        let shown = |changes: &[Change]| render(&net(changes), 400).0;
        assert_eq!(shown(&[change(true, 'i', ""), change(false, 'i', "")]), "");
        let to_and_fro =
            ["+i", "-i", "+m", "+i"].map(|it| change(it.starts_with('+'), it.as_bytes()[1].into(), ""));
        assert_eq!(shown(&to_and_fro), "+mi");
        let entries = [change(true, 'b', "a!*@*"), change(true, 'b', "b!*@*"), change(false, 'b', "a!*@*")];
        assert_eq!(shown(&entries), "+b b!*@*");
        let value = |add, parameter, before: Option<&str>| Change {
            before: Before::Value(before.map(str::to_owned)),
            ..change(add, 'l', parameter)
        };
        assert_eq!(shown(&[value(true, "5", None), value(true, "6", Some("5"))]), "+l 6");
        assert_eq!(shown(&[value(true, "5", Some("9")), value(false, "", Some("5"))]), "-l");
        assert_eq!(shown(&[value(false, "", Some("9")), value(true, "9", None)]), "");
    }

    #[test]
    fn changes_are_merged() {
        let changes =
            [change(true, 'o', "a"), change(true, 'n', ""), change(false, 'v', "b"), change(true, 'k', "c")];
        assert_eq!(rendered(&changes, 400), ("+on-v+k a b c".to_owned(), 4));
    }

    #[test]
    fn a_line_takes_what_fits_and_never_nothing() {
        let changes = [change(true, 'b', &"a".repeat(50)), change(true, 'b', &"b".repeat(50))];
        assert_eq!(rendered(&changes, 60).1, 1);
        assert_eq!(rendered(&changes, 10).1, 1);
        assert_eq!(rendered(&changes, 110).1, 2);
    }
}
