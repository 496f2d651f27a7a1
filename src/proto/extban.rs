//! The one table of extended bans (`EXTBAN`), and entries of lists as they are written.

use super::limits::MASK;
use super::{mask, names};

/// What extended bans begin with; announced in `EXTBAN`.
pub const PREFIX: char = '$';

/// A row of the table of extended bans.
#[derive(Debug)]
pub struct ExtendedBan {
    /// The letter behind the prefix, or behind `~`, which turns the meaning round.
    pub letter: char,
    /// Whether it means something without an argument.
    pub bare: bool,
    /// How it is written and whom it is about, for HELP and the manual.
    pub help: (&'static str, &'static str),
}

/// Every extended ban, by letter; announced in `EXTBAN`.
pub const TABLE: &[ExtendedBan] = &[
    ExtendedBan {
        letter: 'a',
        bare: true,
        help: ("$a[:account]", "who is logged in, or to an account like this"),
    },
    ExtendedBan {
        letter: 'j',
        bare: false,
        help: ("$j:#channel", "who is in that channel, where everybody sees that"),
    },
    ExtendedBan {
        letter: 'm',
        bare: false,
        help: ("$m:mask", "whoever the mask is about, for speaking but not for joining"),
    },
    ExtendedBan {
        letter: 'r',
        bare: false,
        help: ("$r:realname", "whose real name is like this; ? stands for a space"),
    },
];

/// An entry that is an extended ban, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Extended<'a> {
    /// Whether it is about everybody else.
    pub negated: bool,
    /// Its kind.
    pub letter: char,
    /// What follows the colon.
    pub argument: Option<&'a str>,
}

impl<'a> Extended<'a> {
    /// Takes an entry apart; `None` if it is no extended ban.
    pub fn parse(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let (negated, rest) = rest.strip_prefix('~').map_or((false, rest), |rest| (true, rest));
        let mut chars = rest.chars();
        let letter = chars.next()?;
        let rest = chars.as_str();
        let argument = rest.strip_prefix(':');
        (rest.is_empty() || argument.is_some()).then_some(Self { negated, letter, argument })
    }
}

/// The form in which an entry is kept: masks completed, extended bans checked. `None` if it is not valid.
pub fn normal(given: &str) -> Option<String> {
    if given.is_empty() || given.starts_with(':') || given.contains(' ') {
        return None;
    }
    let text = if given.starts_with(PREFIX) { normal_extended(given)? } else { mask::complete(given) };
    (text.len() <= MASK).then_some(text)
}

fn normal_extended(given: &str) -> Option<String> {
    let ban = Extended::parse(given)?;
    let row = TABLE.iter().find(|row| row.letter == ban.letter)?;
    let head = format!("{PREFIX}{}{}", if ban.negated { "~" } else { "" }, ban.letter);
    let argument = match (ban.letter, ban.argument) {
        (_, None) => return row.bare.then_some(head),
        (_, Some("")) => return None,
        // What is about speaking can be about everything but speaking again.
        ('m', Some(inner)) if Extended::parse(inner).is_some_and(|inner| inner.letter == 'm') => return None,
        ('m', Some(inner)) => normal(inner)?,
        ('j', Some(name)) => names::is_channel_like(name).then(|| name.to_owned())?,
        (_, Some(argument)) => argument.to_owned(),
    };
    Some(format!("{head}:{argument}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_how_each_is_written() {
        assert!(TABLE.is_sorted_by(|a, b| a.letter < b.letter));
        for row in TABLE {
            assert!(row.help.0.starts_with(&format!("{PREFIX}{}", row.letter)) && !row.help.1.is_empty());
        }
    }

    #[test]
    fn entries_are_completed_and_nonsense_is_refused() {
        for (given, kept) in [
            ("nick", "nick!*@*"),
            ("$a", "$a"),
            ("$~a", "$~a"),
            ("$a:bob", "$a:bob"),
            ("$m:nick", "$m:nick!*@*"),
            ("$m:$r:spam*", "$m:$r:spam*"),
            ("$~m:*@h", "$~m:*!*@h"),
            ("$j:#c", "$j:#c"),
            ("$r:a?b:c", "$r:a?b:c"),
        ] {
            assert_eq!(normal(given).as_deref(), Some(kept), "{given}");
        }
        for bad in [
            "", ":x", "a b", "$", "$~", "$x", "$x:y", "$a:", "$r", "$r:", "$j:c", "$m", "$ab", "$m:$m:x",
            "$m:$x:y",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
        assert_eq!(normal(&"a".repeat(MASK)), None, "as completed it is too long");
    }
}
