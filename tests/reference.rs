//! `docs/reference.md` is written by this program from the tables of the source, and held against them.
//!
//! `CHATD_BLESS=1 cargo test --test reference` writes it anew; read the difference before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

#[path = "reference/source.rs"]
mod source;
#[path = "reference/specs.rs"]
mod specs;

use chatd::config::{Config, Events, Exempt, Privileges, REPEATED, SETTINGS, TagDeny, Word};
use chatd::proto::modes::{CHANNEL, Kind, PREFIXES, USER};
use chatd::proto::{caps, extban, isupport, numeric};
use chatd::server::{COMMANDS, Who};

use specs::Spec;

const FILE: &str = "docs/reference.md";

const HEAD: &str = "# Reference

Everything that chatd understands and bounds, with where it is specified. This file is written by a test, from the tables in the
source; `CHATD_BLESS=1 cargo test --test reference` writes it anew. What chatd does where specifications leave a choice is in
[client-authors.md](client-authors.md), how to run it in [operators.md](operators.md).

“As” some server says that no specification has it, and whom chatd follows. The names IRCv3, Modern and RFC 2812 are links.
";

#[test]
fn the_reference_says_what_the_tables_say() {
    let text = reference();
    if std::env::var_os("CHATD_BLESS").is_some() {
        fs::write(FILE, &text).expect("the reference is written");
    }
    let there = fs::read_to_string(FILE).expect("the reference is read");
    let differs = there.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        there == text,
        "{FILE} is not what the tables say, from line {}; `CHATD_BLESS=1 cargo test --test reference` writes it anew",
        1 + differs.unwrap_or_else(|| there.lines().count().min(text.lines().count()))
    );
}

fn reference() -> String {
    let mut out = HEAD.to_owned();
    commands(&mut out);
    capabilities(&mut out);
    tokens(&mut out);
    channel_modes(&mut out);
    user_modes(&mut out);
    extended_bans(&mut out);
    numerics(&mut out);
    settings(&mut out);
    sections(&mut out);
    words(&mut out, "Privileges of server operators", "For `oper_class.privileges`.", Privileges::TABLE);
    words(&mut out, "Exemptions of classes", "For `class.exempt`.", Exempt::TABLE);
    words(&mut out, "Events that filters look at", "For `filter.on`.", Events::TABLE);
    limits(&mut out);
    out
}

/// A heading, what is to be said before the table, and the head of the table.
fn table(out: &mut String, title: &str, text: &str, columns: &[&str]) {
    let _ = write!(out, "\n## {title}\n\n{text}\n\n");
    row(out, columns);
    row(out, &vec!["---"; columns.len()]);
}

fn row(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

/// The row of `rows` that has this key.
fn of<K: PartialEq + std::fmt::Debug, T>(rows: &[T], key: K, name: impl Fn(&T) -> K) -> &T {
    let found = rows.iter().find(|row| name(row) == key);
    found.unwrap_or_else(|| panic!("{key:?} needs a row in tests/reference/specs.rs"))
}

/// A sentence with its first letter in upper case and a full stop.
fn sentence(text: &str) -> String {
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}.", first.to_uppercase())
}

fn commands(out: &mut String) {
    let text = "HELP says the same. Fewer parameters than the least are answered 461; commands for users, before registration, 451; commands \
                for registration, after it, 462; those of operators, without the privilege that is named, 481; names of no command 421. What a command costs is taken from `limits.flood_burst`.";
    table(
        out,
        "Commands",
        text,
        &["Command", "Use", "For", "Least", "Cost", "What it does", "Specification"],
    );
    for command in COMMANDS {
        let (_, spec) = of(specs::COMMANDS, command.name, |row| row.0);
        let who = match command.who {
            Who::Anyone => "everybody",
            Who::Unregistered => "registration",
            Who::Registered => "users",
        };
        let needed = command.privilege.into_iter().flat_map(Privileges::names);
        let who = needed.fold(who.to_owned(), |_, name| format!("operators: `{name}`"));
        let (usage, help) = command.help;
        let help = [&[sentence(help).as_str()], command.more].concat().join(" ").replace('<', "\\<");
        let cells = [
            command.name,
            &format!("`{usage}`"),
            &who,
            &command.min.to_string(),
            &command.cost.to_string(),
            &help,
            &spec.link(),
        ];
        row(out, &cells);
    }
}

fn capabilities(out: &mut String) {
    let text = "As in `CAP LS 302`; values are those of the built-in configuration.";
    table(out, "Capabilities", text, &["Capability", "Value", "What it changes", "Specification"]);
    let config = Config::default();
    for cap in caps::TABLE {
        let name = cap.name.trim_start_matches("draft/");
        let page = specs::CAPABILITIES.iter().find(|(cap, _)| *cap == name).map_or(name, |(_, page)| page);
        let spec = Spec::Ircv3(&format!("extensions/{page}")).link();
        let value = (cap.offer)(&config).unwrap_or_default();
        row(out, &[cap.name, &code(&value), cap.help, &spec]);
    }
}

/// Text as code, if there is any.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

fn tokens(out: &mut String) {
    let text = "Of 005, with the values of the built-in configuration; those without one are there only if something is configured.";
    table(out, "ISUPPORT", text, &["Token", "Value", "What it says", "Specification"]);
    let split = |token: String| {
        token.split_once('=').map_or((token.clone(), String::new()), |(a, b)| (a.into(), b.into()))
    };
    let built_in: BTreeMap<String, String> =
        isupport::tokens(&Config::default()).into_iter().map(split).collect();
    let mut config = Config::default();
    config.server.icon = Some("https://example.org/icon.png".to_owned());
    config.tags.deny = TagDeny { every: true, names: Vec::new() };
    for (name, _) in isupport::tokens(&config).into_iter().map(split) {
        let (_, spec, help) = of(specs::TOKENS, name.as_str(), |row| row.0);
        let value = match built_in.get(&name) {
            Some(value) => code(value),
            None => "(if configured)".to_owned(),
        };
        row(out, &[&name, &value, &sentence(help), &spec.link()]);
    }
}

fn channel_modes(out: &mut String) {
    let text =
        "`channels.prefixes` chooses the ranks that there are; where there is an owner, `q` is no list.";
    table(out, "Channel modes", text, &["Mode", "Parameter", "What it does", "Specification"]);
    for mode in CHANNEL {
        let parameter = match mode.kind {
            Kind::List => "entry of a list (type A)",
            Kind::Setting => "to set and to unset (type B)",
            Kind::SettingOnly => "to set (type C)",
            Kind::Flag => "none (type D)",
            Kind::Prefix => "nick",
        };
        let symbol = PREFIXES.iter().find(|prefix| mode.kind == Kind::Prefix && prefix.letter == mode.letter);
        let letter =
            symbol.map_or(format!("`{}`", mode.letter), |it| format!("`{}` `{}`", it.letter, it.symbol));
        let (_, spec) = of(specs::CHANNEL_MODES, mode.letter, |row| row.0);
        row(out, &[&letter, parameter, &sentence(mode.help), &spec.link()]);
    }
}

fn user_modes(out: &mut String) {
    table(out, "User modes", "What the letters of users say.", &["Mode", "What it does", "Specification"]);
    for mode in USER {
        let (_, spec) = of(specs::USER_MODES, mode.letter, |row| row.0);
        row(out, &[&format!("`{}`", mode.letter), &sentence(mode.help), &spec.link()]);
    }
}

fn extended_bans(out: &mut String) {
    let text = "In the lists of channels. `~` before the letter turns the meaning round.";
    table(out, "Extended bans", text, &["Ban", "Who", "Specification"]);
    for ban in extban::TABLE {
        let (_, spec) = of(specs::EXTENDED_BANS, ban.letter, |row| row.0);
        row(out, &[&format!("`{}`", ban.help.0), &sentence(ban.help.1), &spec.link()]);
    }
}

fn numerics(out: &mut String) {
    let text = "All that chatd sends, with the parameters after the client's nick. A conversation in `tests/scenarios/` shows each.";
    table(out, "Numerics", text, &["Code", "Name", "Parameters"]);
    for numeric in numeric::TABLE {
        let format = numeric.format.replace('{', "<").replace('}', ">");
        row(out, &[&format!("{:03}", numeric.code), &numeric.name.to_uppercase(), &code(&format)]);
    }
}

/// The least and the greatest value.
fn range(range: Option<&(std::ops::RangeInclusive<u32>, &str)>) -> String {
    let Some((range, unit)) = range else { return String::new() };
    format!("{} to {} {unit}", range.start(), range.end()).trim_end().to_owned()
}

fn settings(out: &mut String) {
    let text = "Of `chatd.toml`; chatd.toml(5) says more. Those that are marked keep their value until chatd is restarted, the others \
                take effect at a reload.";
    table(out, "Settings", text, &["Setting", "Default", "From", "Restart", "What it is"]);
    let (config, help) = (Config::default(), source::settings());
    for setting in SETTINGS {
        let default = setting.show(&config).map_or("(not set)".to_owned(), |value| format!("`{value}`"));
        let restart = if setting.restart { "yes" } else { "" };
        let help = help
            .get(setting.name)
            .unwrap_or_else(|| panic!("{} has no text in etc/chatd.toml", setting.name));
        row(out, &[&format!("`{}`", setting.name), &default, &range(setting.range.as_ref()), restart, help]);
    }
}

fn sections(out: &mut String) {
    let text = "Lists of the configuration: one `[[section]]` for each entry.";
    table(out, "Sections that are lists", text, &["Key", "From", "Must be given", "Entries"]);
    for section in REPEATED {
        for key in section.keys {
            let needed = key.needed.map_or(String::new(), |example| format!("such as `{example}`"));
            let range = range(key.range.as_ref());
            row(out, &[&format!("`{}`", key.name), &range, &needed, &section.most.to_string()]);
        }
    }
}

fn words(out: &mut String, title: &str, text: &str, rows: &[Word]) {
    table(out, title, text, &["Word", "What it means"]);
    for word in rows {
        row(out, &[&format!("`{}`", word.name), &sentence(word.help)]);
    }
}

fn limits(out: &mut String) {
    let text = format!(
        "Those that cannot be configured, from `src/proto/limits.rs` ({}). Who meets one is told in the way that \
         [client-authors.md](client-authors.md) says.",
        specs::OWN.link()
    );
    table(out, "Limits", &text, &["Limit", "Value", "What it bounds"]);
    for limit in source::limits() {
        row(out, &[&format!("`{}`", limit.name), &format!("{}{}", limit.value, limit.unit), &limit.help]);
    }
}
