//! The sample file and the manual page against the tables of settings.

use std::collections::BTreeSet;

use chatd::config::{Config, Events, Exempt, Key, Privileges, REPEATED, SETTINGS, Setting, changes, parse};

use super::tables::minimal;
use super::{explicit_defaults, good};

const SAMPLE: &str = include_str!("../../etc/chatd.toml");
const MANUAL: &str = include_str!("../../packaging/man/chatd.toml.5");
const README: &str = include_str!("../../README.md");

/// A line of the sample that may be uncommented: a setting, or the beginning of a section that there is only as an
/// example.
pub(super) struct SampleLine {
    /// `section.key`, or `section`.
    pub(super) name: String,
    /// Whether it shows what is not so by default.
    pub(super) example: bool,
}

/// Whether the sample has a section of this name only as an example.
fn is_example(section: &str) -> bool {
    section != "listen" && REPEATED.iter().any(|it| it.name == section)
}

/// Lines that begin with `#` and no space are settings. Those whose comment says so are examples.
fn sample_lines() -> Vec<SampleLine> {
    let mut lines = Vec::new();
    let (mut section, mut comment) = (String::new(), String::new());
    for line in SAMPLE.lines() {
        if line.is_empty() {
            comment.clear();
        } else if line.starts_with("# ") || line == "#" {
            comment.push_str(line);
        } else {
            let text = line.trim_start_matches('#').to_owned();
            if let Some(name) = text.strip_prefix('[') {
                section = name.trim_matches(['[', ']']).into();
                if is_example(&section) {
                    assert!(comment.ends_with("# An example:"), "{section}: {comment}");
                    lines.push(SampleLine { name: section.clone(), example: true });
                }
            } else {
                let key = text.split(' ').next().unwrap_or_default();
                let unset = comment.contains("Not set by default") && comment.ends_with("; an example:");
                let example = unset || is_example(&section);
                lines.push(SampleLine { name: format!("{section}.{key}"), example });
            }
        }
    }
    lines
}

/// The sample with the settings that `wanted` picks, and every section, uncommented.
pub(super) fn uncommented(wanted: impl Fn(&SampleLine) -> bool) -> String {
    let lines = sample_lines();
    let mut next = lines.iter();
    let mut out = String::new();
    for line in SAMPLE.lines() {
        let bare = line.trim_start_matches('#');
        let keep = match line.strip_prefix('#') {
            Some(rest) if rest.is_empty() || rest.starts_with(' ') => false,
            Some(rest) if rest.starts_with('[') && !is_example(rest.trim_matches(['[', ']'])) => true,
            Some(_) => wanted(next.next().expect("a line for each setting")),
            None => false,
        };
        out.push_str(if keep { bare } else { line });
        out.push('\n');
    }
    out
}

#[test]
fn the_sample_as_shipped_is_the_defaults() {
    assert_eq!(good(SAMPLE), Config::default());
    assert_eq!(good(""), Config::default());
}

#[test]
fn the_sample_shows_the_defaults() {
    let text = uncommented(|line| !line.example);
    assert_eq!(good(&text), explicit_defaults(), "{text}");
}

#[test]
fn the_examples_of_the_sample_can_be_used() {
    let parsed =
        parse(&uncommented(|line| line.example && !is_instead(&line.name) || line.name == "listen.address"));
    let warnings = parsed.problems.iter().map(|problem| problem.message.as_str());
    let published = "of the sample configuration";
    assert!(warnings.clone().all(|text| text.contains(published)) && warnings.count() == 2);
    let config = parsed.config;
    let examples: Vec<_> =
        sample_lines().into_iter().filter(|line| line.example).map(|line| line.name).collect();
    let examples: Vec<_> = examples.into_iter().filter(|name| !is_instead(name)).collect();
    let unset = SETTINGS.iter().filter(|setting| setting.show(&Config::default()).is_none());
    let unset = unset.filter(|setting| !is_instead(setting.name));
    let sections = REPEATED.iter().map(|section| section.name).filter(|name| is_example(name));
    let expected: Vec<_> = unset.map(|setting| setting.name).chain(sections).collect();
    assert_eq!(changes(&explicit_defaults(), &config), expected);
    let keys = |name: &String| !is_example(name.split('.').next().unwrap_or_default()) || !name.contains('.');
    assert!(examples.iter().filter(|name| keys(name)).eq(&expected), "what has no default has an example");
}

/// Whether it is given in place of something else, beside which it is not allowed.
fn is_instead(name: &str) -> bool {
    let keys = REPEATED.iter().flat_map(|section| section.keys.iter().map(|key| (section.name, key.instead)));
    let settings = SETTINGS.iter().map(|setting| (setting.section(), setting.instead));
    let mut all = keys.chain(settings).filter_map(|(section, instead)| Some((section, instead?)));
    all.any(|(section, instead)| name == format!("{section}.{instead}"))
}

/// The keys of all repeated sections.
fn all_keys() -> impl Iterator<Item = &'static Key> {
    REPEATED.iter().flat_map(|section| section.keys)
}

/// All settings, those of repeated sections too.
fn all_names() -> BTreeSet<String> {
    let keys = all_keys().map(|key| key.name);
    SETTINGS.iter().map(|setting| setting.name).chain(keys).map(str::to_owned).collect()
}

#[test]
fn the_sample_has_every_setting_and_says_which_need_a_restart() {
    let lines = sample_lines().into_iter().map(|line| line.name).filter(|name| name.contains('.'));
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.iter().cloned().collect::<BTreeSet<_>>(), all_names());
    let mut in_order: Vec<_> = lines.iter().filter(|name| all_keys().any(|key| key.name == **name)).collect();
    in_order.dedup();
    assert!(in_order.into_iter().eq(all_keys().map(|key| key.name)), "each once, in the order of the table");
    for setting in SETTINGS {
        let (head, tail) = SAMPLE.split_at(SAMPLE.find(&format!("[{}]\n", setting.section())).unwrap());
        let line = tail.find(&format!("\n#{} = ", setting.key())).unwrap() + head.len();
        let comment = SAMPLE[..line].rsplit("\n\n").next().unwrap();
        assert_eq!(comment.contains("Needs a restart."), setting.restart, "{}", setting.name);
    }
}

/// The settings that the manual describes, with what it says of each.
fn manual_items() -> Vec<(String, String)> {
    let mut items: Vec<(String, String)> = Vec::new();
    let mut section = String::new();
    for line in MANUAL.lines() {
        if let Some(heading) = line.strip_prefix(".Ss ") {
            section = heading.trim_matches(['[', ']']).into();
        } else if let Some(item) = line.strip_prefix(".It Ic ") {
            let key = item.split(' ').next().unwrap_or_default();
            items.push((format!("{section}.{key}"), String::new()));
        } else if let Some((_, text)) = items.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    items
}

#[test]
fn the_readme_has_every_section_and_no_other() {
    let once = SETTINGS.iter().map(|setting| format!("[{}]", setting.section()));
    let lists = REPEATED.iter().map(|list| format!("[[{}]]", list.name));
    let rows = README.lines().filter_map(|line| Some(line.strip_prefix("| `[")?.split_once('`')?.0));
    let listed: BTreeSet<_> = rows.map(|name| format!("[{name}")).collect();
    assert_eq!(listed, once.chain(lists).collect());
}

#[test]
fn the_manual_page_has_every_setting_and_no_other() {
    let names: Vec<_> = manual_items().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.iter().cloned().collect::<BTreeSet<_>>(), all_names());
    assert_eq!(names.len(), all_names().len(), "one of them is described twice: {names:?}");
}

#[test]
fn the_manual_page_states_ranges_defaults_and_restarts() {
    let items = manual_items();
    let text_of = |setting: &Setting| &items.iter().find(|(name, _)| name == setting.name).unwrap().1;
    for setting in SETTINGS {
        let text = text_of(setting);
        if let Some((range, _)) = &setting.range {
            let range = format!("From {} to {}", range.start(), range.end());
            assert!(text.contains(&range), "{}: {range}, not\n{text}", setting.name);
        }
        let default = match setting.show(&Config::default()) {
            Some(value) => format!("Default: {value}."),
            None => "Not set by default".to_owned(),
        };
        assert!(text.contains(&default), "{}: {default}, not\n{text}", setting.name);
        assert_eq!(text.contains("Needs a restart."), setting.restart, "{}", setting.name);
    }
}

#[test]
fn the_manual_page_states_what_entries_need_and_have_by_default() {
    let items = manual_items();
    for section in REPEATED {
        let blank = parse(&minimal(section)).config;
        for key in section.keys {
            let text = &items.iter().find(|(name, _)| name == key.name).unwrap().1;
            if let Some((range, _)) = &key.range {
                let range = format!("From {} to {}", range.start(), range.end());
                assert!(text.contains(&range), "{}: {range}, not\n{text}", key.name);
            }
            let default = match key.show(&blank, 0) {
                _ if key.needed.is_some() => "Must be given.".to_owned(),
                Some(value) => format!("Default: {value}."),
                None => "Not set by default".to_owned(),
            };
            assert!(text.contains(&default), "{}: {default}, not\n{text}", key.name);
        }
        let (_, rest) = MANUAL.split_once(&format!(".Ss [[{}]]\n", section.name)).expect(section.name);
        let about = rest.split(".Bl").next().unwrap_or_default().replace('\n', " ");
        assert!(about.contains(&format!("at most {} ", section.most)), "{}: {about}", section.name);
    }
}

#[test]
fn the_manual_page_has_every_word_of_the_tables() {
    for (key, table) in [
        ("oper_class.privileges", Privileges::TABLE),
        ("class.exempt", Exempt::TABLE),
        ("filter.on", Events::TABLE),
    ] {
        let text = manual_items().into_iter().find(|(name, _)| name == key).unwrap().1;
        let words: Vec<_> =
            table.iter().map(|word| format!(".It Ql {}\n{}\n", word.name, word.help)).collect();
        let words = words.concat();
        assert!(text.contains(&words), "{key}:\n{words}\nnot\n{text}");
    }
}
