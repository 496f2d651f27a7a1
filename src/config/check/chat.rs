//! Checks of what is in the words of IRC: modes, names, tags, and the content filter.

use super::ACTIONS;
use crate::config::field::{Field, quoted};
use crate::config::{Action, Events, TagDeny};
use crate::proto::limits::{CHANNEL, NICK};
use crate::proto::modes::{self, Kind, Prefixes};
use crate::proto::names::{is_channel, is_nick};
use crate::proto::pattern::Pattern;

/// The prefix modes that there are, highest rank first; those of `NEEDED` are always on.
const PREFIXES: &str = "qaohv";
const NEEDED: &str = "ov";

pub(in crate::config) fn prefixes(field: &mut Field<'_>) -> Option<Prefixes> {
    let text = field.text()?;
    let sorted: String = PREFIXES.chars().filter(|&letter| text.contains(letter)).collect();
    if text.chars().any(|letter| !PREFIXES.contains(letter)) || text.len() > PREFIXES.len() {
        return field.refuse(&format!("must be some of the letters `{PREFIXES}`, not {}", quoted(text)));
    }
    if NEEDED.chars().any(|letter| !text.contains(letter)) {
        return field.refuse(&format!("must have `o` and `v` in it, not {}", quoted(text)));
    }
    if text != sorted {
        let message = format!("must have each letter once, the highest rank first, not {}", quoted(text));
        return field.refuse_help(&message, format!("such as \"{sorted}\""));
    }
    Prefixes::of(text)
}

/// Letters of modes, each once, of which all are `allowed`.
fn letters(field: &mut Field<'_>, what: &str, allowed: &str) -> Option<String> {
    let text = field.text()?;
    for (at, letter) in text.char_indices() {
        if !allowed.contains(letter) {
            let message = format!("has {}, which is not {what}", quoted(&letter.to_string()));
            let help = match letter {
                '+' => "without the +".to_owned(),
                _ => format!("the letters are {allowed}"),
            };
            return field.refuse_help(&message, help);
        }
        if text[..at].contains(letter) {
            return field.refuse(&format!("has `{letter}` twice"));
        }
    }
    Some(text.to_owned())
}

pub(in crate::config) fn channel_modes(field: &mut Field<'_>) -> Option<String> {
    letters(field, "a channel mode without a parameter", &Prefixes::default().letters_of(&[Kind::Flag]))
}

/// Of the user modes, those that users may turn on and off as they like.
pub(in crate::config) fn user_modes(field: &mut Field<'_>) -> Option<String> {
    const FREE: &str = "iwBgxD";
    let allowed: String =
        modes::USER.iter().map(|mode| mode.letter).filter(|&letter| FREE.contains(letter)).collect();
    letters(field, "a user mode that new users may have", &allowed)
}

/// A list of client-only tags to drop, or "*" and, each after a hyphen, those to keep.
pub(in crate::config) fn tags(field: &mut Field<'_>) -> Option<TagDeny> {
    let mut every = false;
    let words = field.list(|field| {
        let text = field.text()?;
        if text == "*" {
            every = true;
            return Some(text.to_owned());
        }
        let (kept, name) = text.strip_prefix('-').map_or((false, text), |name| (true, name));
        if !is_tag(name) {
            let help =
                if name.starts_with('+') { "without the +" } else { "such as \"typing\" or \"draft/react\"" };
            return field.refuse_help(&format!("must be the name of a tag, not {}", quoted(text)), help);
        }
        if kept != every {
            let message = if kept {
                "keeps a tag though not all are dropped"
            } else {
                "drops a tag though all are dropped"
            };
            return field
                .refuse_help(message, "[\"*\", \"-typing\"] drops all but one, [\"typing\"] only one");
        }
        Some(name.to_owned())
    })?;
    let names = words.into_iter().filter(|word| word != "*").collect();
    Some(TagDeny { every, names })
}

/// Whether `name` may be the key of a client-only tag, without its `+` (IRCv3 message-tags, "Format"). Its length keeps all
/// of them within a line.
fn is_tag(name: &str) -> bool {
    const LONGEST: usize = 64;
    let (vendor, key) = name.split_once('/').unwrap_or(("a", name));
    let is_word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|char| char.is_ascii_alphanumeric() || more.contains(char))
    };
    name.len() <= LONGEST && !name.starts_with('-') && is_word(vendor, "-.") && is_word(key, "-")
}

/// A mask that matches names of this kind: with letters for its wildcards it is one.
fn name_mask(
    field: &mut Field<'_>,
    kind: &str,
    example: &str,
    is_name: impl Fn(&str) -> bool,
) -> Option<String> {
    let text = field.text()?;
    if text.is_empty() || !is_name(&text.replace(['*', '?'], "x")) {
        return field.refuse_help(&format!("must be a mask of {kind}, not {}", quoted(text)), example);
    }
    Some(text.to_owned())
}

pub(in crate::config) fn nick_masks(field: &mut Field<'_>) -> Option<Vec<String>> {
    let is_name = |text: &str| is_nick(text, NICK as u32);
    field.list(|field| name_mask(field, "nicks", "such as \"NickServ\" or \"*Serv\"", is_name))
}

pub(in crate::config) fn channel_masks(field: &mut Field<'_>) -> Option<Vec<String>> {
    let is_name = |text: &str| is_channel(text, CHANNEL as u32);
    field.list(|field| name_mask(field, "channels", "such as \"#help\" or \"#staff*\"", is_name))
}

pub(in crate::config) fn pattern(field: &mut Field<'_>) -> Option<Pattern> {
    let text = field.text()?;
    match text.parse() {
        Ok(pattern) => Some(pattern),
        Err(reason) => field.refuse(&format!("must be a regular expression: {reason}")),
    }
}

pub(in crate::config) fn events(field: &mut Field<'_>) -> Option<Events> {
    let events: Events = field.flags()?;
    if events.is_empty() {
        return field.refuse("must not be empty");
    }
    Some(events)
}

pub(in crate::config) fn action(field: &mut Field<'_>) -> Option<Action> {
    field.word(ACTIONS)
}
