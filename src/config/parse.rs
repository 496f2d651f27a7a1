//! Walks a TOML document key by key, so that every problem in it is found and each has its place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::field::{Field, Value, article, listed, quoted};
use super::report::Lines;
use super::settings::{LISTEN_KEYS, SETTINGS, Setting};
use super::syntax::SyntaxErrors;
use super::{Config, Listen, Problem, Severity, check};
use crate::proto::limits::{CONFIG_PROBLEMS, LISTENERS};
use crate::suggest::closest;

/// What [`parse`] found in a text.
#[derive(Debug)]
pub struct Parsed {
    /// The defaults, changed by every setting of the text that is in order. Only to be used when
    /// [`Parsed::is_good`].
    pub config: Config,
    /// Errors and warnings, in the order of the text; at most [`CONFIG_PROBLEMS`] and one that counts the rest.
    pub problems: Vec<Problem>,
    /// Where the values of the settings are, by the setting's name.
    spans: BTreeMap<&'static str, Range<usize>>,
}

impl Parsed {
    /// Whether there is no error; there may be warnings.
    pub fn is_good(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }

    /// Where the text has the value of the setting of that name, such as `server.motd_file`, in bytes.
    pub fn span(&self, setting: &str) -> Option<Range<usize>> {
        self.spans.get(setting).cloned()
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
        lines: &lines,
        parsed: Parsed { config: Config::default(), problems: Vec::new(), spans: BTreeMap::new() },
        incomplete: !errors.is_empty(),
    };
    walk.root(document.get_ref());
    let mut parsed = walk.parsed;
    check::together(&mut parsed, &lines);
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

type Key<'a> = Spanned<Cow<'a, str>>;

struct Walk<'a> {
    lines: &'a Lines,
    parsed: Parsed,
    /// Something in the text could not be read, so that what is missing may be there after all.
    incomplete: bool,
}

impl Walk<'_> {
    fn error(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.parsed.problems.push(Problem { span, severity: Severity::Error, message, help });
    }

    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in in_order(root) {
            let name = key.get_ref().as_ref();
            if name == "listen" {
                self.listen(key, value);
            } else if let Some(section) = sections().find(|&section| section == name) {
                self.section(section, key, value);
            } else {
                self.unknown_top(key, value);
            }
        }
    }

    /// An unknown name. Advice is only looked for as long as it can be reported.
    fn unknown(&mut self, key: &Key<'_>, message: String, help: impl FnOnce() -> String) {
        let help = (self.parsed.problems.len() <= CONFIG_PROBLEMS).then(help);
        self.error(key.span(), message, help);
    }

    fn unknown_top(&mut self, key: &Key<'_>, value: &Value<'_>) {
        let is_section = match value.get_ref() {
            DeValue::Table(_) => true,
            DeValue::Array(entries) => entries.iter().any(|entry| entry.get_ref().is_table()),
            _ => false,
        };
        let name = key.get_ref();
        let kind = if is_section { "section" } else { "key" };
        self.unknown(key, format!("unknown {kind} {}", quoted(name)), || top_help(name, is_section));
    }

    fn section(&mut self, section: &'static str, key: &Key<'_>, value: &Value<'_>) {
        let DeValue::Table(table) = value.get_ref() else {
            let message = format!("`{section}` must be a section, not {}", article(value.get_ref()));
            return self.error(key.span(), message, Some(format!("write it as {}", heading(section))));
        };
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            let Some(setting) = SETTINGS.iter().find(|it| it.section() == section && it.key() == name) else {
                let known: Vec<_> = of_section(section).map(Setting::key).collect();
                self.unknown_key(section, key, &known);
                continue;
            };
            self.parsed.spans.insert(setting.name, value.span());
            let mut field = Field::new(setting.name, value, &mut self.parsed.problems);
            (setting.read)(&mut field, &mut self.parsed.config);
        }
    }

    fn unknown_key(&mut self, section: &str, key: &Key<'_>, known: &[&str]) {
        let name = key.get_ref();
        let message = format!("unknown key {} in {}", quoted(name), heading(section));
        self.unknown(key, message, || key_help(section, name, known));
    }

    fn listen(&mut self, key: &Key<'_>, value: &Value<'_>) {
        self.parsed.config.listen.clear();
        let help = Some("write it as [[listen]], once for each address".to_owned());
        let DeValue::Array(entries) = value.get_ref() else {
            let message = format!("`listen` must be a list of sections, not {}", article(value.get_ref()));
            return self.error(key.span(), message, help);
        };
        if entries.is_empty() && !self.incomplete {
            let message = "`listen` is empty, so nobody could connect".to_owned();
            let help = Some("delete it to listen on the loopback addresses".to_owned());
            self.error(value.span(), message, help);
        }
        if let Some(entry) = entries.get(LISTENERS) {
            self.error(entry.span(), format!("there are more than {LISTENERS} addresses to listen on"), None);
        }
        let mut taken = Vec::new();
        for entry in entries.iter().take(LISTENERS) {
            let DeValue::Table(table) = entry.get_ref() else {
                let message = format!("`listen` must hold sections, not {}", article(entry.get_ref()));
                self.error(entry.span(), message, help.clone());
                continue;
            };
            self.listen_entry(&entry.span(), table, &mut taken);
        }
    }

    fn listen_entry(
        &mut self,
        head: &Range<usize>,
        table: &DeTable<'_>,
        taken: &mut Vec<(SocketAddr, usize)>,
    ) {
        let mut found = false;
        for (key, value) in in_order(table) {
            if key.get_ref() != "address" {
                self.unknown_key("listen", key, LISTEN_KEYS);
                continue;
            }
            found = true;
            let mut field = Field::new("listen.address", value, &mut self.parsed.problems);
            let Some(address) = check::listen_address(&mut field) else { continue };
            let Some((other, offset)) = taken.iter().find(|(other, _)| check::collide(*other, address))
            else {
                taken.push((address, value.span().start));
                self.parsed.config.listen.push(Listen { address, optional: false });
                continue;
            };
            let line = self.lines.number(*offset);
            let message = if *other == address {
                format!("{address} is given twice, first in line {line}")
            } else {
                format!("{address} cannot be had beside {other} in line {line}")
            };
            self.error(value.span(), message, None);
        }
        if !found && !self.incomplete {
            let help = Some("such as: address = \"127.0.0.1:6667\"".to_owned());
            self.error(head.clone(), "this [[listen]] has no `address`".to_owned(), help);
        }
    }
}

/// What may have been meant by an unknown name outside any section.
fn top_help(name: &str, is_section: bool) -> String {
    let headings = || sections().chain(["listen"]);
    let keys = SETTINGS.iter().map(Setting::key).chain(LISTEN_KEYS.iter().copied());
    if let (Some(home), false) = (home_of(name), is_section) {
        format!("`{name}` belongs in {}", heading(home))
    } else if let Some(near) = closest(name, headings()) {
        format!("did you mean {}?", heading(near))
    } else if let (Some(near), false) = (closest(name, keys), is_section) {
        format!("did you mean `{near}`, in {}?", heading(home_of(near).unwrap_or_default()))
    } else {
        format!("the sections are {}", listed(headings().map(heading)))
    }
}

/// What may have been meant by an unknown key of a section.
fn key_help(section: &str, name: &str, known: &[&str]) -> String {
    /// More are not listed.
    const MANY: usize = 8;
    let section = heading(section);
    if let Some(home) = home_of(name) {
        format!("`{name}` belongs in {}", heading(home))
    } else if let Some(near) = closest(name, known.iter().copied()) {
        format!("did you mean `{near}`?")
    } else if let [only] = known {
        format!("the only key of {section} is `{only}`")
    } else if known.len() > MANY {
        format!("chatd.toml(5) has the {} keys of {section}", known.len())
    } else {
        format!("the keys of {section} are {}", listed(known.iter().map(|key| format!("`{key}`"))))
    }
}

/// The entries in the order of the text.
fn in_order<'a, 'i>(table: &'a DeTable<'i>) -> Vec<(&'a Key<'i>, &'a Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// The sections with one key each, in the order of the sample.
fn sections() -> impl Iterator<Item = &'static str> {
    let mut last = "";
    SETTINGS.iter().filter_map(move |setting| {
        let section = setting.section();
        (std::mem::replace(&mut last, section) != section).then_some(section)
    })
}

fn of_section(section: &str) -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(move |setting| setting.section() == section)
}

/// The section that knows this key.
fn home_of(key: &str) -> Option<&'static str> {
    if LISTEN_KEYS.contains(&key) {
        return Some("listen");
    }
    SETTINGS.iter().find(|setting| setting.key() == key).map(Setting::section)
}

fn heading(section: &str) -> String {
    if section == "listen" { "[[listen]]".to_owned() } else { format!("[{section}]") }
}
