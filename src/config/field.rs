//! One value of a configuration text, and the complaints about it.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::DeValue;

use super::Problem;
use super::flags::Flags;
use super::report::escaped;
use crate::proto::limits::CONFIG_LIST;
use crate::suggest::closest;

/// A value with its place.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: impl Iterator<Item = String>) -> String {
    joined(words, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn one_of(words: impl Iterator<Item = String>) -> String {
    joined(words, "or")
}

fn joined(words: impl Iterator<Item = String>, word: &str) -> String {
    let words: Vec<_> = words.collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Text of the operator in a message: in backquotes, short, harmless to a terminal.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        _ if text.is_empty() => "an empty string".to_owned(),
        Some((end, _)) => format!("`{}...`", escaped(&text[..end])),
        None => format!("`{}`", escaped(text)),
    }
}

pub(super) fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a section",
    }
}

/// The value of one setting, and where to complain about it.
pub(super) struct Field<'a> {
    /// Section and key, such as `server.name`.
    name: &'static str,
    /// Whether it is one of a list.
    in_list: bool,
    value: &'a DeValue<'a>,
    span: Range<usize>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Field<'a> {
    pub(super) fn new(name: &'static str, value: &'a Value<'a>, problems: &'a mut Vec<Problem>) -> Self {
        Self { name, in_list: false, value: value.get_ref(), span: value.span(), problems }
    }

    /// Of a value that is not in the text: complaints are about what stands at `span` for it.
    pub(super) fn from_elsewhere(
        name: &'static str,
        value: &'a DeValue<'a>,
        span: Range<usize>,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self { name, in_list: false, value, span, problems }
    }

    /// What a complaint is about.
    fn subject(&self) -> String {
        if self.in_list { format!("an entry of `{}`", self.name) } else { format!("`{}`", self.name) }
    }

    /// The key without its section.
    fn key(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// Notes an error with this value: "`name` MESSAGE". Always `None`, for the caller to return.
    pub(super) fn refuse<T>(&mut self, message: &str) -> Option<T> {
        let message = format!("{} {message}", self.subject());
        self.problems.push(Problem::error(self.span.clone(), message));
        None
    }

    /// As [`Field::refuse`], with advice.
    pub(super) fn refuse_help<T>(&mut self, message: &str, help: impl Into<String>) -> Option<T> {
        let message = format!("{} {message}", self.subject());
        self.problems.push(Problem::error(self.span.clone(), message).help(help));
        None
    }

    /// Notes a warning.
    pub(super) fn warn(&mut self, message: &str, help: &str) {
        let message = format!("{} {message}", self.subject());
        self.problems.push(Problem::warning(self.span.clone(), message).help(help));
    }

    /// The digits of the value, if it is an integer without a sign, decimal or octal.
    pub(super) fn digits(&self) -> Option<&'a str> {
        match self.value {
            DeValue::Integer(number) if matches!(number.radix(), 8 | 10) => Some(number.as_str()),
            _ => None,
        }
    }

    /// A string.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let message = match self.value {
            DeValue::String(text) => return Some(text.as_ref()),
            value => format!("must be a string, not {}", article(value)),
        };
        match self.value {
            DeValue::Table(_) | DeValue::Array(_) => self.refuse(&message),
            _ => self.refuse_help(&message, "write it in quotes"),
        }
    }

    /// An integer in `range`, counted in `unit`.
    pub(super) fn number(&mut self, range: &RangeInclusive<u32>, unit: &str) -> Option<u32> {
        let (least, most) = (range.start(), range.end());
        let wanted = format!("must be from {least} to {most} {unit}");
        let kind = format!(
            "must be a whole number{}{unit}, not {}",
            if unit.is_empty() { "" } else { " of " },
            article(self.value)
        );
        match self.value {
            DeValue::Integer(number) => {
                let value = i128::from_str_radix(number.as_str(), number.radix()).ok();
                match value.and_then(|value| u32::try_from(value).ok()) {
                    Some(value) if range.contains(&value) => Some(value),
                    _ => self.refuse(&format!("{}, not {}", wanted.trim_end(), quoted(&number.to_string()))),
                }
            }
            DeValue::String(text) if text.parse::<u32>().is_ok() => {
                self.refuse_help(&kind, format!("without quotes: {} = {text}", self.key()))
            }
            _ => self.refuse(&kind),
        }
    }

    /// `true` or `false`.
    pub(super) fn switch(&mut self) -> Option<bool> {
        const WANTED: &str = "must be true or false";
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            DeValue::String(text) if matches!(text.as_ref(), "true" | "false") => {
                let help = format!("without quotes: {} = {text}", self.key());
                self.refuse_help(&format!("{WANTED}, not a string"), help)
            }
            value => self.refuse(&format!("{WANTED}, not {}", article(value))),
        }
    }

    /// A list of what `read` makes of each entry; `None` if one of them is refused.
    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Field<'_>) -> Option<T>) -> Option<Vec<T>> {
        let entries = match self.value {
            DeValue::Array(entries) => entries,
            value => {
                let message = format!("must be a list, not {}", article(value));
                return match value {
                    DeValue::String(_) => {
                        self.refuse_help(&message, format!("in brackets: {} = [\"...\"]", self.key()))
                    }
                    _ => self.refuse(&message),
                };
            }
        };
        if entries.len() > CONFIG_LIST {
            return self.refuse(&format!("must have at most {CONFIG_LIST} entries, not {}", entries.len()));
        }
        let mut values = Vec::with_capacity(entries.len());
        for entry in entries {
            let mut field = Field {
                name: self.name,
                in_list: true,
                value: entry.get_ref(),
                span: entry.span(),
                problems: self.problems,
            };
            values.extend(read(&mut field));
        }
        (values.len() == entries.len()).then_some(values)
    }

    /// A list of words of a table.
    pub(super) fn flags<T: Flags>(&mut self) -> Option<T> {
        let words: Vec<_> = T::TABLE.iter().map(|word| (word.name, word.bit)).collect();
        let bits = self.list(|field| field.word(&words))?;
        Some(T::from(bits.into_iter().fold(0, |all, bit| all | bit)))
    }

    /// The one of `words` that the value names.
    pub(super) fn word<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all = one_of(words.iter().map(|(word, _)| format!("`{word}`")));
        let message = format!("must be {all}, not {}", quoted(text));
        match closest(text, words.iter().map(|(word, _)| *word)) {
            Some(near) => self.refuse_help(&message, format!("did you mean `{near}`?")),
            None => self.refuse(&message),
        }
    }
}
