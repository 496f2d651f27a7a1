//! Walks a TOML document key by key, so that every problem in it is found and each has its place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::field::{Field, Value, article, quoted};
use super::help::{self, heading};
use super::repeated::{Key, REPEATED, Repeated};
use super::report::Lines;
use super::settings::SETTINGS;
use super::syntax::SyntaxErrors;
use super::{Config, Problem, Severity, check};
use crate::proto::limits::CONFIG_PROBLEMS;

/// What [`parse`] found in a text.
#[derive(Debug)]
pub struct Parsed {
    /// The defaults, changed by every setting of the text that is in order. Only to be used when
    /// [`Parsed::is_good`].
    pub config: Config,
    /// Errors and warnings, in the order of the text; at most [`CONFIG_PROBLEMS`] and one that counts the rest.
    pub problems: Vec<Problem>,
    /// Where the values of the settings are, by the setting's name and the number of the entry, which is 0 for what
    /// stands once.
    spans: BTreeMap<(&'static str, usize), Given>,
    /// Where the entries of repeated sections begin, by section and number.
    heads: BTreeMap<(&'static str, usize), Range<usize>>,
}

/// A value that the text has.
#[derive(Debug)]
struct Given {
    span: Range<usize>,
    /// Whether it can be used.
    good: bool,
}

impl Parsed {
    /// Whether there is no error; there may be warnings.
    pub fn is_good(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }

    /// Where the text has the value of the setting of that name, such as `server.motd_file`, in bytes.
    pub fn span(&self, setting: &str) -> Option<Range<usize>> {
        self.spans.get(&(setting, 0)).map(|given| given.span.clone())
    }

    /// Where the text has the values of a key of a repeated section that can be used, such as `oper.class`, with the
    /// numbers of their entries.
    pub(crate) fn spans_of(&self, key: &'static str) -> Vec<(usize, Range<usize>)> {
        let found = self.spans.range((key, 0)..=(key, usize::MAX)).filter(|(_, given)| given.good);
        found.map(|((_, entry), given)| (*entry, given.span.clone())).collect()
    }

    /// Whether the entry of that number has a value of the key that cannot be used.
    pub(super) fn refused(&self, key: &'static str, entry: usize) -> bool {
        self.spans.get(&(key, entry)).is_some_and(|given| !given.good)
    }

    /// Where the entries of a repeated section begin, with their numbers.
    pub(super) fn heads_of(&self, section: &'static str) -> Vec<(usize, Range<usize>)> {
        let found = self.heads.range((section, 0)..=(section, usize::MAX));
        found.map(|((_, entry), span)| (*entry, span.clone())).collect()
    }

    /// Where the text has what nobody but the operator may know: the key and the place of its value.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, Range<usize>)> {
        let settings = SETTINGS.iter().filter(|setting| setting.secret).map(|it| (it.name, it.key()));
        let keys = REPEATED.iter().flat_map(|section| section.keys).filter(|key| key.secret);
        let secret = settings.chain(keys.map(|key| (key.name, key.key())));
        secret.flat_map(|(name, key)| self.spans_of(name).into_iter().map(move |(_, span)| (key, span)))
    }
}

/// Reads a configuration: TOML text in, configuration and all problems out. Pure; never panics.
///
/// Of a text that is not TOML everywhere the rest is still checked, without what may only follow from the
/// syntax error.
pub fn parse(text: &str) -> Parsed {
    let lines = Lines::new(text);
    let (errors, readable) = SyntaxErrors::find(text, &lines);
    let (document, _) = DeTable::parse_recoverable(&readable);
    let mut walk = Walk {
        parsed: Parsed {
            config: Config::default(),
            problems: Vec::new(),
            spans: BTreeMap::new(),
            heads: BTreeMap::new(),
        },
        incomplete: !errors.is_empty(),
    };
    walk.root(document.get_ref());
    let mut parsed = walk.parsed;
    check::together(&mut parsed, &lines, !errors.is_empty());
    parsed.problems.retain(|problem| !errors.touch(&problem.span, &lines));
    parsed.problems.extend(errors.into_problems(text));
    parsed.problems.sort_by_key(|problem| problem.span.start);
    bound(&mut parsed.problems);
    parsed
}

/// Keeps the first [`CONFIG_PROBLEMS`], and counts the rest in one more.
fn bound(problems: &mut Vec<Problem>) {
    if let Some(next) = problems.get(CONFIG_PROBLEMS) {
        let more = format!("and {} more problems from here on", problems.len() - CONFIG_PROBLEMS);
        let last = Problem::error(next.span.clone(), more);
        problems.truncate(CONFIG_PROBLEMS);
        problems.push(last);
    }
}

type Name<'a> = Spanned<Cow<'a, str>>;

struct Walk {
    parsed: Parsed,
    /// Something in the text could not be read, so that what is missing may be there after all.
    incomplete: bool,
}

impl Walk {
    fn error(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.parsed.problems.push(Problem { span, severity: Severity::Error, message, help });
    }

    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in in_order(root) {
            let name = key.get_ref().as_ref();
            if let Some(section) = REPEATED.iter().find(|section| section.name == name) {
                self.repeated(section, key, value);
            } else if let Some(section) = help::sections().find(|&section| section == name) {
                self.section(section, key, value);
            } else {
                self.unknown_top(key, value);
            }
        }
    }

    /// An unknown name. Advice is only looked for as long as it can be reported.
    fn unknown(&mut self, key: &Name<'_>, message: String, help: impl FnOnce() -> String) {
        let help = (self.parsed.problems.len() <= CONFIG_PROBLEMS).then(help);
        self.error(key.span(), message, help);
    }

    fn unknown_top(&mut self, key: &Name<'_>, value: &Value<'_>) {
        let is_section = match value.get_ref() {
            DeValue::Table(_) => true,
            DeValue::Array(entries) => entries.iter().any(|entry| entry.get_ref().is_table()),
            _ => false,
        };
        let name = key.get_ref();
        let kind = if is_section { "section" } else { "key" };
        self.unknown(key, format!("unknown {kind} {}", quoted(name)), || help::of_top(name, is_section));
    }

    fn section(&mut self, section: &'static str, key: &Name<'_>, value: &Value<'_>) {
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("`{section}` must be a section, not {}", article(value.get_ref()));
            return self.error(key.span(), message, Some(format!("write it as {}", heading(section))));
        };
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            let Some(setting) = SETTINGS.iter().find(|it| it.section() == section && it.key() == name) else {
                self.unknown_key(section, key);
                continue;
            };
            self.read(setting.name, 0, value, |field, config, _| (setting.read)(field, config));
        }
    }

    fn read(
        &mut self,
        name: &'static str,
        entry: usize,
        value: &Value<'_>,
        read: impl FnOnce(&mut Field<'_>, &mut Config, usize),
    ) {
        let before = self.parsed.problems.len();
        read(&mut Field::new(name, value, &mut self.parsed.problems), &mut self.parsed.config, entry);
        let mut new = self.parsed.problems[before..].iter();
        let good = new.all(|problem| problem.severity != Severity::Error);
        self.parsed.spans.insert((name, entry), Given { span: value.span(), good });
    }

    fn unknown_key(&mut self, section: &str, key: &Name<'_>) {
        let name = key.get_ref();
        let message = format!("unknown key {} in {}", quoted(name), heading(section));
        self.unknown(key, message, || help::of_key(section, name));
    }

    fn repeated(&mut self, section: &'static Repeated, key: &Name<'_>, value: &Value<'_>) {
        (section.clear)(&mut self.parsed.config);
        let (name, (one, many)) = (section.name, section.thing);
        let help = Some(format!("write it as {}, once for each {one}", heading(name)));
        let DeValue::Array(entries) = value.get_ref() else {
            let message = format!("`{name}` must be a list of sections, not {}", article(value.get_ref()));
            return self.error(key.span(), message, help);
        };
        if let (true, false, Some((message, help))) = (entries.is_empty(), self.incomplete, section.empty) {
            self.error(value.span(), message.to_owned(), Some(help.to_owned()));
        }
        if let Some(entry) = entries.get(section.most) {
            self.error(entry.span(), format!("there are more than {} {many}", section.most), None);
        }
        for entry in entries.iter().take(section.most) {
            let DeValue::Table(table) = entry.get_ref() else {
                let message = format!("`{name}` must hold sections, not {}", article(entry.get_ref()));
                self.error(entry.span(), message, help.clone());
                continue;
            };
            self.entry(section, entry.span(), table);
        }
    }

    fn entry(&mut self, section: &'static Repeated, head: Range<usize>, table: &DeTable<'_>) {
        let number = section.len(&self.parsed.config);
        (section.push)(&mut self.parsed.config);
        for (name, value) in in_order(table) {
            let Some(key) = section.keys.iter().find(|key| key.key() == name.get_ref()) else {
                self.unknown_key(section.name, name);
                continue;
            };
            self.read(key.name, number, value, key.read);
        }
        if !self.incomplete {
            let given = |name: &str| table.contains_key(name);
            let missing =
                |key: &&Key| key.needed.is_some() && !given(key.key()) && !key.instead.is_some_and(given);
            for key in section.keys.iter().filter(missing) {
                let help = key.needed.map(|example| format!("such as: {} = {example}", key.key()));
                let message = format!("this {} has no `{}`", heading(section.name), key.key());
                self.error(head.clone(), message, help);
            }
        }
        self.parsed.heads.insert((section.name, number), head);
    }
}

/// The entries in the order of the text.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Name<'i>, &'a Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}
