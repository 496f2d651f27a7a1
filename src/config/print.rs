//! A configuration as TOML that chatd accepts.

use std::fmt::Write as _;
use std::path::PathBuf;

use log::LevelFilter;

use super::check::{ACTIONS, FACILITIES, LEVELS, TARGETS};
use super::flags::Flags;
use super::repeated::{REPEATED, Repeated};
use super::settings::SETTINGS;
use super::{Action, Config, Endpoint, Facility, LogTarget, PasswordHash, TagDeny};
use crate::proto::hostmask::HostMask;
use crate::proto::modes::Prefixes;
use crate::proto::network::Network;
use crate::proto::pattern::Pattern;

/// The configuration as TOML. [`super::parse`] makes the same configuration of it, except that the lines of a
/// message of the day that was read from a file are left in that file. Secrets are shown.
pub fn print(config: &Config) -> String {
    let mut out = String::from("# The configuration in force.\n");
    let mut last = "";
    for setting in SETTINGS {
        if setting.section() != last {
            last = setting.section();
            let _ = write!(out, "\n[{last}]\n");
        }
        let from_file = setting.name == "server.motd" && config.server.motd_file.is_some();
        let value = setting.show(config).filter(|_| !from_file);
        let file = setting.instead.filter(|other| {
            let mut others = SETTINGS.iter().filter(|it| it.section() == last && it.key() == *other);
            others.any(|it| it.show(config).is_some())
        });
        match file {
            Some(file) => elsewhere(&mut out, "", setting.key(), file),
            None => line(&mut out, "", setting.key(), value, setting.secret),
        }
    }
    for section in REPEATED {
        entries(&mut out, section, config);
    }
    out
}

fn line(out: &mut String, mark: &str, key: &str, value: Option<String>, secret: bool) {
    let Some(value) = value else {
        let _ = writeln!(out, "# {key} is not set");
        return;
    };
    if secret {
        out.push_str("# A secret, shown because you asked for it.\n");
    }
    let _ = writeln!(out, "{mark}{key} = {value}");
}

/// A setting that is given by another one.
fn elsewhere(out: &mut String, mark: &str, key: &str, by: &str) {
    let _ = writeln!(out, "{mark}# {key} is what {by} says");
}

/// The built-in addresses are those of a file that names none; naming them would make them compulsory.
fn entries(out: &mut String, section: &Repeated, config: &Config) {
    let built_in = section.same(config, &Config::default());
    let mark = if built_in { "# " } else { "" };
    if built_in && section.len(config) > 0 {
        out.push_str("\n# Built in; one that this machine lacks is left out.\n");
    } else if built_in {
        let _ = write!(out, "\n# There is no [[{}]].\n", section.name);
    }
    for entry in 0..section.len(config) {
        let _ = writeln!(out, "{}{mark}[[{}]]", if built_in { "" } else { "\n" }, section.name);
        for key in section.keys {
            let file = key.instead.filter(|other| {
                let mut others = section.keys.iter().filter(|it| it.key() == *other);
                others.any(|it| it.show(config, entry).is_some())
            });
            match file {
                Some(file) => elsewhere(out, mark, key.key(), file),
                None => line(out, mark, key.key(), key.show(config, entry), key.secret),
            }
        }
    }
}

fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A value as TOML; `None` when it is not set.
pub(super) trait Show {
    fn show(&self) -> Option<String>;
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Show::show)
    }
}

impl Show for u32 {
    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Show for String {
    fn show(&self) -> Option<String> {
        Some(quote(self))
    }
}

impl Show for PathBuf {
    fn show(&self) -> Option<String> {
        Some(quote(&self.to_string_lossy()))
    }
}

impl Show for bool {
    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self) -> Option<String> {
        Some(list(self.iter().filter_map(Show::show)))
    }
}

/// Values that are written as the text that they are displayed as.
macro_rules! shown_as_text {
    ($($kind:ty),+) => {
        $(impl Show for $kind {
            fn show(&self) -> Option<String> {
                Some(quote(&self.to_string()))
            }
        })+
    };
}

shown_as_text!(Endpoint, Network, HostMask, Pattern, PasswordHash);

impl Show for TagDeny {
    fn show(&self) -> Option<String> {
        Some(list(self.words().map(|word| quote(&word))))
    }
}

impl<T: Flags> Show for T {
    fn show(&self) -> Option<String> {
        Some(list(self.names().map(quote)))
    }
}

/// An array of values that are TOML already.
fn list(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

/// A text of several lines, each with its end.
pub(super) fn lines(lines: &[String]) -> String {
    quote(&lines.iter().fold(String::new(), |text, line| text + line + "\n"))
}

impl Show for Action {
    fn show(&self) -> Option<String> {
        word(ACTIONS, self)
    }
}

impl Show for Prefixes {
    fn show(&self) -> Option<String> {
        Some(quote(&self.letters()))
    }
}

impl Show for LogTarget {
    fn show(&self) -> Option<String> {
        word(TARGETS, self)
    }
}

impl Show for LevelFilter {
    fn show(&self) -> Option<String> {
        word(LEVELS, self)
    }
}

impl Show for Facility {
    fn show(&self) -> Option<String> {
        word(FACILITIES, self)
    }
}

fn word<T: PartialEq>(words: &[(&str, T)], value: &T) -> Option<String> {
    words.iter().find(|(_, other)| other == value).map(|(word, _)| quote(word))
}

/// Permissions, as `admin.mode` has them.
pub(super) fn mode(mode: u32) -> String {
    quote(&format!("{mode:04o}"))
}
