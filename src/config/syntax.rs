//! What of a text is not TOML, and as much of the rest as can be read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, Error};

use super::Problem;
use super::field::quoted;
use super::report::Lines;
use crate::proto::limits::CONFIG_PROBLEMS;

/// The first syntax error of each line, by the line's number: the others of the line only follow from it.
#[derive(Default)]
pub(super) struct SyntaxErrors(BTreeMap<usize, (Range<usize>, String)>);

impl SyntaxErrors {
    /// Finds them in `text`. Of the text that is returned the rest can be read; its places are the same.
    pub(super) fn find<'a>(text: &'a str, lines: &Lines) -> (Self, Cow<'a, str>) {
        let mut found = Self::default();
        found.add(&DeTable::parse_recoverable(text).1, text, lines);
        // More could not be reported.
        if found.0.len() > CONFIG_PROBLEMS {
            return (found, Cow::Borrowed(text));
        }
        let repaired = found.without_bare_keys(text, lines);
        if let Cow::Owned(repaired) = &repaired {
            found.add(&DeTable::parse_recoverable(repaired).1, text, lines);
        }
        (found, repaired)
    }

    fn add(&mut self, errors: &[Error], text: &str, lines: &Lines) {
        for error in errors {
            let span = error.span().unwrap_or(text.len()..text.len());
            let first = self
                .0
                .entry(lines.number(span.start))
                .or_insert_with(|| (span.clone(), error.message().to_owned()));
            if span.start < first.0.start {
                *first = (span, error.message().to_owned());
            }
        }
    }

    /// `text` with blanks for each line that has a key and no `=`. The parser would go on reading its value in the
    /// next line, and lose that one. A line in which a string of several lines begins must stay.
    fn without_bare_keys<'a>(&self, text: &'a str, lines: &Lines) -> Cow<'a, str> {
        let bare = self.0.iter().filter(|(_, (_, message))| message.starts_with("key with no value"));
        let mut repaired = Cow::Borrowed(text);
        for range in bare.map(|(&number, _)| lines.range(number)) {
            let line = &text[range.clone()];
            if !line.contains("\"\"\"") && !line.contains("'''") {
                repaired.to_mut().replace_range(range, &" ".repeat(line.len()));
            }
        }
        repaired
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is in a line of `span`.
    pub(super) fn touch(&self, span: &Range<usize>, lines: &Lines) -> bool {
        self.0.range(lines.number(span.start)..=lines.number(span.end)).next().is_some()
    }

    /// For the report on `text`.
    pub(super) fn into_problems(self, text: &str) -> impl Iterator<Item = Problem> {
        self.0.into_values().map(|(span, message)| {
            let found = text.get(span.clone()).unwrap_or_default();
            problem(found, span, &message)
        })
    }
}

/// An error in an operator's words where the parser's need a reader of the TOML specification.
fn problem(found: &str, span: Range<usize>, message: &str) -> Problem {
    let is = |start: &str| message.starts_with(start);
    if is("string values must be quoted") {
        // The parser takes anything that is no value for text without quotes, even nothing.
        return if found.is_empty() {
            Problem::error(span, "a value is missing here").help("delete the key to have the default")
        } else if found.starts_with(|char: char| char.is_ascii_digit()) {
            Problem::error(span, "this is neither a number nor a text in quotes").help("numbers have no unit")
        } else {
            Problem::error(span, "this is no value").help("text stands in quotes: \"...\"")
        };
    }
    if message == "duplicate key" {
        return Problem::error(span, format!("{} is given twice", quoted(found)));
    }
    if is("key with no value") {
        return Problem::error(span, "a key without a value").help("write it as: key = value");
    }
    if is("missing escaped value") {
        let help = "write it twice, or the text between apostrophes: '...'";
        return Problem::error(span, "a backslash that means nothing in this string").help(help);
    }
    let open_string = ["basic string, expected `\"`", "literal string, expected `'`"]
        .iter()
        .any(|end| message.ends_with(end));
    if open_string {
        return Problem::error(span, "a string without its closing quotation mark");
    }
    Problem::error(span, message.trim_end_matches(", expected nothing"))
}
