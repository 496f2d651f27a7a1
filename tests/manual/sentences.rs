//! What the manual names within sentences and tables, in `code`: settings and commands.

use std::collections::BTreeSet;
use std::process::Command;

use chatd::admin::METHODS;
use chatd::config::{REPEATED, SETTINGS};

use crate::blocks::Page;

/// What stands in backquotes in a line.
fn codes(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
}

/// Settings, and sections in brackets, that there are not.
///
/// # Panics
/// When it finds few settings at all.
pub(crate) fn wrong_settings(pages: &[Page]) -> Vec<String> {
    let once = SETTINGS.iter().map(|setting| setting.name);
    let known: BTreeSet<_> =
        once.chain(REPEATED.iter().flat_map(|list| list.keys).map(|key| key.name)).collect();
    let sections: BTreeSet<_> = known.iter().filter_map(|name| Some(name.split_once('.')?.0)).collect();
    let is_known = |code: &str| {
        if let Some(section) = code.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let section = section.trim_start_matches('[').trim_end_matches(']');
            // `[[section]]` is any.
            return is_word(section).then(|| sections.contains(section) || section == "section");
        }
        let (section, key) = code.split_once('.')?;
        // Else it is a file, such as `state.json`, or a tag of the protocol.
        let ours = sections.contains(section) && is_word(key) && !["toml", "json"].contains(&key);
        ours.then(|| known.contains(code) || METHODS.iter().any(|method| method.name == code))
    };
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages {
        for line in page.text.lines() {
            // In a table of others' settings only the first column is ours.
            let others = page.name.ends_with("migrating.md") && line.starts_with("| ");
            let line = if others { line[2..].split(" | ").next().unwrap_or_default() } else { line };
            for (code, is_one) in codes(line).filter_map(|code| Some((code, is_known(code)?))) {
                seen += 1;
                if !is_one {
                    wrong.push(format!("{}: there is no setting {code}", page.name));
                }
            }
        }
    }
    assert!(seen > 100, "the settings are found: {seen}");
    wrong
}

/// Commands that a program does not know: its verbs and its options.
///
/// # Panics
/// When it finds few commands at all.
pub(crate) fn wrong_commands(pages: &[Page]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages {
        for code in page.outside().flat_map(codes) {
            let known = match code.split_once(' ') {
                Some(("chatctl", rest)) => chatctl_knows(rest),
                Some(("chatd", rest)) => options_are_in(rest, help(env!("CARGO_BIN_EXE_chatd"), &[])),
                _ => continue,
            };
            seen += 1;
            wrong.extend(known.err().map(|what| format!("{}: there is no {what} in {code}", page.name)));
        }
    }
    assert!(seen > 50, "the commands are found: {seen}");
    wrong
}

/// What `--help` says behind these words, if they are verbs.
fn help(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).arg("--help").output().expect("it is started");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn chatctl_knows(rest: &str) -> Result<(), String> {
    let verbs = rest.split([' ', '[', ']']).filter(|word| !word.is_empty());
    let is_verb =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let verbs: Vec<_> = verbs.take_while(is_verb).collect();
    // The longest way that is one; what follows are values, unless it must be another verb.
    let known =
        (1..=verbs.len()).rev().find_map(|n| Some((n, help(env!("CARGO_BIN_EXE_chatctl"), &verbs[..n])?)));
    let known = known.filter(|(n, text)| *n == verbs.len() || !text.contains("\nCommands:"));
    let (_, text) = known.ok_or_else(|| format!("verb {}", verbs.join(" ")))?;
    options_are_in(rest, Some(text))
}

fn options_are_in(rest: &str, help: Option<String>) -> Result<(), String> {
    let help = help.unwrap_or_default();
    let mut options = rest.split([' ', '[', ']']).filter(|word| word.starts_with("--"));
    options.find(|option| !help.contains(*option)).map_or(Ok(()), |option| Err(format!("option {option}")))
}
