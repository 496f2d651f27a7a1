//! A configuration as TOML that chatd accepts.

use std::fmt::Write as _;
use std::path::PathBuf;

use log::LevelFilter;

use super::check::{FACILITIES, LEVELS, TARGETS};
use super::settings::SETTINGS;
use super::{Config, Facility, LogTarget};

/// The configuration as TOML. [`super::parse`] makes the same configuration of it, except that the lines of a
/// message of the day that was read from a file are left in that file. The password is shown.
pub fn print(config: &Config) -> String {
    let mut out = String::from("# The configuration in force.\n");
    let mut last = "";
    for setting in SETTINGS {
        if setting.section() != last {
            last = setting.section();
            let _ = write!(out, "\n[{last}]\n");
        }
        let from_file = setting.name == "server.motd" && config.server.motd_file.is_some();
        match setting.show(config).filter(|_| !from_file) {
            Some(value) => {
                if setting.name == "server.password" {
                    out.push_str("# A secret, shown because you asked for it.\n");
                }
                let _ = writeln!(out, "{} = {value}", setting.key());
            }
            None => {
                let _ = writeln!(out, "# {} is not set", setting.key());
            }
        }
        if setting.name == "server.password" {
            listeners(config, &mut out);
        }
    }
    out
}

/// The built-in addresses are those of a file that names none; naming them would make them compulsory.
fn listeners(config: &Config, out: &mut String) {
    let mark = if config.listen == Config::default().listen {
        out.push_str("\n# Built in; one that this machine lacks is left out.\n");
        "# "
    } else {
        "\n"
    };
    for listen in &config.listen {
        let below = mark.trim_start();
        let _ = write!(out, "{mark}[[listen]]\n{below}address = \"{}\"\n", listen.address);
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

impl Show for Vec<String> {
    fn show(&self) -> Option<String> {
        Some(quote(&self.iter().fold(String::new(), |text, line| text + line + "\n")))
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
