//! What differs between two configurations, value by value, for people: secrets are named and not shown.

use std::collections::BTreeMap;

use super::Config;
use super::repeated::{Key, REPEATED, Repeated};
use super::settings::SETTINGS;

/// The longest value that is shown, in bytes; of a longer one the beginning is.
const VALUE: usize = 400;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The setting: `server.network`; of an entry that has a name, `class["bots"].flood_rate`; a whole entry as
    /// `class["bots"]`, or `listen` where entries have no names.
    pub setting: String,
    /// Its value as TOML before; `None` if it was not set, or is not to be shown.
    pub before: Option<String>,
    /// Its value as TOML after; `None` if it is not set, or is not to be shown.
    pub after: Option<String>,
    /// Whether the values are not shown, as nobody but the operator may know them.
    pub secret: bool,
    /// Whether only a restart puts it in force.
    pub restart: bool,
}

/// What differs, in the order of the tables.
pub fn differences(before: &Config, after: &Config) -> Vec<Difference> {
    let mut all = Vec::new();
    for setting in SETTINGS.iter().filter(|setting| !setting.same(before, after)) {
        let values = [before, after].map(|config| setting.show(config).filter(|_| !setting.secret));
        let [before, after] = values.map(|value| value.map(shortened));
        let (setting, secret, restart) = (setting.name.to_owned(), setting.secret, setting.restart);
        all.push(Difference { setting, before, after, secret, restart });
    }
    for section in REPEATED.iter().filter(|section| !section.same(before, after)) {
        let found = entries(section, before, after);
        // Nothing but what the entries do not say, such as that they are built in.
        if found.is_empty() {
            let list = |config| Some(shortened(format!("[{}]", texts(section, config).join(", "))));
            all.push(changed(section.name.to_owned(), list(before), list(after)));
        }
        all.extend(found);
    }
    all
}

fn changed(setting: String, before: Option<String>, after: Option<String>) -> Difference {
    Difference { setting, before, after, secret: false, restart: false }
}

/// The differences of the entries of a section.
fn entries(section: &Repeated, before: &Config, after: &Config) -> Vec<Difference> {
    match section.keys.iter().find(|key| key.unique) {
        Some(name) => named_entries(section, name, before, after),
        None => nameless_entries(section, before, after),
    }
}

fn named_entries(section: &Repeated, name: &Key, before: &Config, after: &Config) -> Vec<Difference> {
    let names = |config: &Config| -> Vec<String> {
        (0..section.len(config)).map(|entry| name.show(config, entry).unwrap_or_default()).collect()
    };
    let (old, new) = (names(before), names(after));
    let (old_places, new_places) = (places(&old), places(&new));
    let heading = |name: &String| format!("{}[{name}]", section.name);
    let mut all = Vec::new();
    for (entry, name) in old.iter().enumerate() {
        let Some(&now) = new_places.get(name.as_str()) else {
            all.push(changed(heading(name), Some(text(section, before, entry)), None));
            continue;
        };
        for key in section.keys {
            let (was, is) = (key.show(before, entry), key.show(after, now));
            if was != is {
                let shown = |value: Option<String>| value.filter(|_| !key.secret).map(shortened);
                let setting = format!("{}.{}", heading(name), key.key());
                let secret = key.secret;
                all.push(Difference { secret, ..changed(setting, shown(was), shown(is)) });
            }
        }
    }
    for (entry, name) in new.iter().enumerate().filter(|(_, name)| !old_places.contains_key(name.as_str())) {
        all.push(changed(heading(name), None, Some(text(section, after, entry))));
    }
    let kept = |list: &[String], others: &BTreeMap<&str, usize>| -> Vec<String> {
        list.iter().filter(|name| others.contains_key(name.as_str())).cloned().collect()
    };
    // The first that matches counts, so their order does, too.
    let (was, is) = (kept(&old, &new_places), kept(&new, &old_places));
    if was != is {
        let list = |names: Vec<String>| Some(shortened(format!("[{}]", names.join(", "))));
        all.push(changed(format!("{} (order)", section.name), list(was), list(is)));
    }
    all
}

/// Which entry has which name.
fn places(names: &[String]) -> BTreeMap<&str, usize> {
    names.iter().enumerate().map(|(entry, name)| (name.as_str(), entry)).collect()
}

fn nameless_entries(section: &Repeated, before: &Config, after: &Config) -> Vec<Difference> {
    let (old, mut new) = (texts(section, before), texts(section, after));
    let mut gone = Vec::new();
    for text in old {
        match new.iter().position(|it| *it == text) {
            Some(place) => drop(new.remove(place)),
            None => gone.push(changed(section.name.to_owned(), Some(text), None)),
        }
    }
    gone.extend(new.into_iter().map(|text| changed(section.name.to_owned(), None, Some(text))));
    gone
}

/// All entries, as [`text`] has them.
fn texts(section: &Repeated, config: &Config) -> Vec<String> {
    (0..section.len(config)).map(|entry| text(section, config, entry)).collect()
}

/// An entry as an inline table of TOML, without secrets.
fn text(section: &Repeated, config: &Config, entry: usize) -> String {
    let values = section.keys.iter().filter_map(|key| {
        let value = key.show(config, entry)?;
        Some(if key.secret {
            format!("{} = (secret)", key.key())
        } else {
            format!("{} = {value}", key.key())
        })
    });
    shortened(format!("{{ {} }}", values.collect::<Vec<_>>().join(", ")))
}

/// The text in one line, and of one that is too long the beginning.
fn shortened(text: String) -> String {
    let lines = text.strip_prefix("\"\"\"\n").and_then(|text| text.strip_suffix("\"\"\""));
    let mut text = lines.map_or_else(|| text.clone(), |lines| format!("\"{lines}\"")).replace('\n', "\\n");
    if text.len() > VALUE {
        text.truncate(text.floor_char_boundary(VALUE));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn read(text: &str) -> Config {
        let parsed = parse(text);
        assert!(parsed.is_good(), "{:?}", parsed.problems);
        parsed.config
    }

    /// Each difference in a line.
    fn told(before: &str, after: &str) -> Vec<String> {
        let value = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let told = differences(&read(before), &read(after)).into_iter().map(|it| {
            let marks = [(it.secret, " secret"), (it.restart, " restart")];
            let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, word)| *word).collect();
            format!("{}: {} > {}{marks}", it.setting, value(it.before), value(it.after))
        });
        told.collect()
    }

    #[test]
    fn settings_are_told_with_both_values_and_what_they_need() {
        assert_eq!(told("", ""), [""; 0]);
        assert_eq!(
            told(
                "[server]\nname = \"a.example\"\nlocation = \"Here\"\n",
                "[server]\nname = \"b.example\"\nmotd = \"one\\ntwo\"\n[limits]\ntargets = 7\n"
            ),
            [
                "server.name: \"a.example\" > \"b.example\" restart",
                "server.motd: \"\" > \"one\\ntwo\\n\"",
                "server.location: \"Here\" > -",
                "limits.targets: 10 > 7",
            ]
        );
    }

    #[test]
    fn secrets_are_named_and_never_shown() {
        let with = |word: &str| {
            format!(
                "[server]\npassword = \"{word}\"\n[[class]]\nname = \"bots\"\nnetworks = [\"::1\"]\npassword = \"{word}\"\n"
            )
        };
        let secret = ["server.password: - > - secret", "class[\"bots\"].password: - > - secret"];
        assert_eq!(told(&with("sesame-one"), &with("sesame-two")), secret);
        let added = told("", &with("sesame-one"));
        assert!(added[1].contains("password = (secret)"), "{added:?}");
        assert!(!added.concat().contains("sesame"), "{added:?}");
        assert!(!told(&with("sesame-one"), "").concat().contains("sesame"));
    }

    #[test]
    fn entries_are_known_by_their_names_wherever_they_stand() {
        let class = |name: &str, rate: u32| {
            format!("[[class]]\nname = \"{name}\"\nnetworks = [\"::1\"]\nflood_rate = {rate}\n")
        };
        let both = class("a", 1) + &class("b", 2);
        assert_eq!(told(&both, &(class("a", 1) + &class("b", 3))), ["class[\"b\"].flood_rate: 2 > 3"]);
        assert_eq!(
            told(&both, &(class("b", 2) + &class("a", 1))),
            ["class (order): [\"a\", \"b\"] > [\"b\", \"a\"]"]
        );
        let gone = "class[\"a\"]: { name = \"a\", networks = [\"::1\"], listeners = [], flood_rate = 1, exempt = [] } > -";
        assert_eq!(told(&both, &class("b", 2)), [gone]);
        assert_eq!(told(&class("b", 2), &both), [gone.replace(": {", ": - > {").replace(" > -", "")],);
    }

    #[test]
    fn addresses_come_and_go() {
        let listen = |ports: &[u16]| -> String {
            let entry = |port| format!("[[listen]]\naddress = \"127.0.0.1:{port}\"\n");
            ports.iter().map(entry).collect()
        };
        assert_eq!(
            told(&listen(&[1, 2]), &listen(&[2, 3])),
            ["listen: { address = \"127.0.0.1:1\" } > -", "listen: - > { address = \"127.0.0.1:3\" }"]
        );
        // Those that are built in may be missing on a machine, the same of a file may not.
        let built_in = "[[listen]]\naddress = \"127.0.0.1:6667\"\n[[listen]]\naddress = \"[::1]:6667\"\n";
        let [line] = told("", built_in).try_into().unwrap();
        assert!(line.starts_with("listen: [{ address"), "{line}");
    }

    #[test]
    fn long_values_are_shortened() {
        let motd = |line: &str| format!("[server]\nmotd = \"{line}\\n{line}\\n{line}\"\n");
        let found = differences(&read(&motd(&"é".repeat(150))), &read(&motd("x")));
        let before = found[0].before.as_ref().unwrap();
        assert!(before.len() <= VALUE + '…'.len_utf8() && before.ends_with("é…"), "{before}");
        assert_eq!(found[0].after.as_deref(), Some("\"x\\nx\\nx\\n\""));
    }
}
