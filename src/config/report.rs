//! Problems with a configuration, and how they are shown: `file:line:column`, the line, a caret.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Range;

use serde::Serialize;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but is probably not what was meant.
    Warning,
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something wrong at a place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place, in bytes of the text. Empty means between two bytes, or the text's end.
    pub span: Range<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// An error at `span`.
    pub fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, severity: Severity::Error, message: message.into(), help: None }
    }

    /// A warning at `span`.
    pub fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// The same problem with advice.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// A problem as it is reported. `Display` writes the whole report, in several lines without a last newline;
/// `Serialize` gives the fields; [`Diagnostic::one_line`] is for logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file, as the operator named it.
    pub file: String,
    /// The line, from 1. `None` when the problem is with the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column, from 1, in characters; a tab is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line and the caret.
    #[serde(skip)]
    excerpt: Option<(String, String)>,
}

impl Diagnostic {
    /// A problem with `file` as a whole.
    pub fn of_file(file: impl Into<String>, severity: Severity, message: impl Into<String>) -> Self {
        let (file, message) = (file.into(), message.into());
        Self { file, line: None, column: None, severity, message, help: None, excerpt: None }
    }

    /// Finds the place of `problem` in `text`, which `file` holds.
    pub fn locate(file: &str, text: &str, problem: Problem) -> Self {
        let place = Place::find(text, &problem.span);
        Self {
            file: file.to_owned(),
            line: Some(place.number),
            column: Some(place.line[..place.span.start].chars().count() + 1),
            severity: problem.severity,
            message: problem.message,
            help: problem.help,
            excerpt: Some(place.excerpt()),
        }
    }

    /// `file:line:column: error: message (help)`, in one line and without control characters.
    pub fn one_line(&self) -> String {
        let mut text = self.to_head();
        if let Some(help) = &self.help {
            let _ = write!(text, " ({})", escaped(help));
        }
        text
    }

    fn to_head(&self) -> String {
        let mut place = escaped(&self.file);
        for number in [self.line, self.column].into_iter().flatten() {
            let _ = write!(place, ":{number}");
        }
        format!("{place}: {}: {}", self.severity.name(), escaped(&self.message))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_head())?;
        let number = self.line.map(|line| line.to_string()).unwrap_or_default();
        let margin = number.len();
        if let Some((line, caret)) = &self.excerpt {
            write!(f, "\n {number} | {line}\n {:margin$} | {caret}", "")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n {:margin$} = help: {}", "", escaped(help))?;
        }
        Ok(())
    }
}

/// Where the lines of a text end, to number many places of it.
pub(super) struct Lines {
    newlines: Vec<usize>,
    end: usize,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        Self { newlines: memchr::memchr_iter(b'\n', text.as_bytes()).collect(), end: text.len() }
    }

    /// The line of `offset`, from 1.
    pub(super) fn number(&self, offset: usize) -> usize {
        1 + self.newlines.partition_point(|&newline| newline < offset)
    }

    /// The place of a line without its newline.
    pub(super) fn range(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(2).map_or(0, |before| self.newlines[before] + 1);
        start..self.newlines.get(number - 1).copied().unwrap_or(self.end)
    }
}

/// A span within one line.
struct Place<'a> {
    number: usize,
    line: &'a str,
    /// Whether the section that the line is in holds a key that nobody may see.
    in_cloak: bool,
    /// In bytes of `line`.
    span: Range<usize>,
}

impl<'a> Place<'a> {
    fn find(text: &'a str, span: &Range<usize>) -> Self {
        let mut start = text.floor_char_boundary(span.start);
        let mut end = text.ceil_char_boundary(span.end).max(start);
        // What is missing at the end of the file is missing after its last word, not in an empty line below it.
        if text[start..].trim_start().is_empty() {
            start = text.trim_end().len();
            end = start;
        }
        let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[from..to].trim_end_matches('\r');
        let (line, from) = match line.strip_prefix('\u{feff}') {
            Some(rest) if from == 0 => (rest, '\u{feff}'.len_utf8()),
            _ => (line, from),
        };
        let heading = text[..from].lines().rev().map(str::trim_start).find(|line| line.starts_with('['));
        let in_cloak =
            heading.is_some_and(|line| line.contains("cloak")) && !line.trim_start().starts_with('[');
        let within = |offset: usize| offset.saturating_sub(from).min(line.len());
        Self {
            number: 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..start]).count(),
            line,
            in_cloak,
            span: within(start)..within(end),
        }
    }

    /// Where the name begins of what may be a secret: a password, or in `[cloak]` whatever is not the suffix.
    fn secret(&self) -> Option<usize> {
        let first = self.line.len() - self.line.trim_start().len();
        let cloak = self.in_cloak && !self.line[first..].starts_with("suffix");
        let word =
            self.line.find("pass").or_else(|| self.line.find("cloak").filter(|_| self.line.contains('=')));
        word.or_else(|| cloak.then_some(first))
    }

    /// The line and the place in it without what may be a secret: reports go to logs and terminals.
    fn without_secrets(&self) -> (Cow<'a, str>, Range<usize>) {
        const HIDDEN: &str = " (not shown)";
        let value = self.secret().map(|word| {
            let in_key = |char: char| char.is_ascii_alphanumeric() || "_-\"'".contains(char);
            let after_key = self.line[word..].trim_start_matches(in_key);
            let after_equal = after_key.trim_start().strip_prefix('=').unwrap_or(after_key);
            self.line.len() - after_equal.len()
        });
        let Some(value) = value else { return (Cow::Borrowed(self.line), self.span.clone()) };
        let span = if self.span.start >= value {
            value + 1..value + HIDDEN.len()
        } else {
            self.span.start..self.span.end.min(value)
        };
        (Cow::Owned(self.line[..value].to_owned() + HIDDEN), span)
    }

    /// The line and the caret below it; of a long line, the part around the place.
    fn excerpt(&self) -> (String, String) {
        /// Characters shown before and from the place.
        const AROUND: usize = 60;
        let (line, span) = self.without_secrets();
        let (before, rest) = line.split_at(span.start);
        let first = before.char_indices().rev().nth(AROUND - 1).map_or(0, |(index, _)| index);
        let last = rest.char_indices().nth(AROUND).map_or(rest.len(), |(index, _)| index);
        let (marked, after) = rest[..last].split_at(span.len().min(last));

        let mut shown = String::new();
        let mut width = 0;
        if first > 0 {
            shown.push_str("... ");
            width += 4;
        }
        width += show(&before[first..], &mut shown);
        let run = show(marked, &mut shown).max(1);
        show(after, &mut shown);
        if last < rest.len() {
            shown.push_str(" ...");
        }
        (shown.trim_end().to_owned(), format!("{}{}", " ".repeat(width), "^".repeat(run)))
    }
}

/// Appends `text` as a terminal may be given it, and counts the terminal's columns that it takes.
fn show(text: &str, out: &mut String) -> usize {
    text.chars()
        .map(|char| match char {
            '\t' => {
                out.push_str("    ");
                4
            }
            _ if is_invisible(char) => {
                let escape = char.escape_unicode();
                out.extend(escape.clone());
                escape.count()
            }
            _ => {
                out.push(char);
                columns(char)
            }
        })
        .sum()
}

/// `text` without characters that could do something to a terminal or a log.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        if is_invisible(char) {
            out.extend(char.escape_unicode());
        } else {
            out.push(char);
        }
        out
    })
}

/// Controls, and those that reorder or hide other text.
fn is_invisible(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Columns of a terminal, near enough for a caret: the wide and the combining blocks of Unicode.
const fn columns(char: char) -> usize {
    match char as u32 {
        0x0300..=0x036f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
