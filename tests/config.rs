//! The configuration: reports on bad files, the sample file and the manual page against the table of settings,
//! printing and reading back, and input that is no configuration at all.
//!
//! Each `tests/config/NAME.toml` has the exact report on it in `NAME.txt`. `CHATD_BLESS=1 cargo test --test config`
//! writes these anew; read the difference before you commit it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use chatd::config::{
    Config, Diagnostic, Facility, LISTEN_KEYS, Limits, Listen, LogTarget, SETTINGS, Setting, Severity,
    Timeouts, changes, keep_until_restart, parse, print, restart_needed,
};
use chatd::load::{LoadError, load};

const SAMPLE: &str = include_str!("../etc/chatd.toml");
const MANUAL: &str = include_str!("../packaging/man/chatd.toml.5");

/// What an operator reads about this text.
fn report(name: &str, text: &str) -> String {
    let parsed = parse(text);
    let verdict = if parsed.is_good() { "good" } else { "refused" };
    let problems: Vec<_> =
        parsed.problems.into_iter().map(|problem| Diagnostic::locate(name, text, problem)).collect();
    match problems.as_slice() {
        [] => format!("{verdict}\n"),
        _ => format!("{}\n\n{verdict}\n", LoadError { problems }),
    }
}

/// The lines of both, those of one only marked; equal lines at the beginning and the end are left out.
fn difference(expected: &str, got: &str) -> String {
    let (expected, got): (Vec<_>, Vec<_>) = (expected.lines().collect(), got.lines().collect());
    let same = expected.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let rest = (&expected[same..], &got[same..]);
    let tail = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(a, b)| a == b).count();
    let mut out = format!("  from line {}:\n", same + 1);
    for (mark, lines) in [('-', rest.0), ('+', rest.1)] {
        for line in &lines[..lines.len() - tail] {
            let _ = writeln!(out, "  {mark} {line}");
        }
    }
    out
}

fn files(extension: &str) -> BTreeSet<PathBuf> {
    let folder = fs::read_dir("tests/config").expect("the folder of files");
    let paths = folder.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|it| it == extension)).collect()
}

#[test]
fn every_bad_file_gets_its_exact_report() {
    let bless = std::env::var_os("CHATD_BLESS").is_some();
    let sources = files("toml");
    let mut wrong = String::new();
    for source in &sources {
        let text = fs::read_to_string(source).expect("UTF-8");
        let got = report(&source.to_string_lossy(), &text);
        let expectation = source.with_extension("txt");
        if bless {
            fs::write(&expectation, &got).expect("the expectation is written");
        }
        let expected = fs::read_to_string(&expectation).unwrap_or_default();
        if got != expected {
            let _ = writeln!(wrong, "{}\n{}", expectation.display(), difference(&expected, &got));
        }
    }
    assert!(wrong.is_empty(), "reports differ (- expected, + got):\n{wrong}");
    let reports = files("txt");
    let orphans: Vec<_> =
        reports.iter().filter(|path| !sources.contains(&path.with_extension("toml"))).collect();
    assert!(orphans.is_empty(), "reports on no file: {orphans:?}");
    assert!(sources.len() >= 20, "the files are gone");
}

/// A setting line of the sample: its name, and whether it is an example.
struct SampleLine {
    name: String,
    example: bool,
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
            } else {
                let key = text.split(' ').next().unwrap_or_default();
                let example = comment.contains("Not set by default") && comment.ends_with("; an example:");
                lines.push(SampleLine { name: format!("{section}.{key}"), example });
            }
        }
    }
    lines
}

/// The sample with the settings that `wanted` picks, and every section, uncommented.
fn uncommented(wanted: impl Fn(&SampleLine) -> bool) -> String {
    let lines = sample_lines();
    let mut next = lines.iter();
    let mut out = String::new();
    for line in SAMPLE.lines() {
        let bare = line.trim_start_matches('#');
        let keep = match line.strip_prefix('#') {
            Some(rest) if rest.is_empty() || rest.starts_with(' ') => false,
            Some(rest) if rest.starts_with('[') => true,
            Some(_) => wanted(next.next().expect("a line for each setting")),
            None => false,
        };
        out.push_str(if keep { bare } else { line });
        out.push('\n');
    }
    out
}

fn good(text: &str) -> Config {
    let parsed = parse(text);
    assert!(parsed.is_good() && parsed.problems.is_empty(), "{}", report("text", text));
    parsed.config
}

/// The defaults as a file says them: an address that is named must be there.
fn explicit_defaults() -> Config {
    let mut config = Config::default();
    config.listen.iter_mut().for_each(|listen| listen.optional = false);
    config
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
    let config = good(&uncommented(|line| line.example || line.name == "listen.address"));
    let examples: Vec<_> =
        sample_lines().into_iter().filter(|line| line.example).map(|line| line.name).collect();
    assert_eq!(changes(&explicit_defaults(), &config), examples);
    let unset = SETTINGS.iter().filter(|setting| setting.show(&Config::default()).is_none());
    assert_eq!(
        unset.map(|setting| setting.name).collect::<Vec<_>>(),
        examples,
        "what has no default has an example"
    );
}

/// All settings, those of `[[listen]]` too.
fn all_names() -> BTreeSet<String> {
    let listen = LISTEN_KEYS.iter().map(|key| format!("listen.{key}"));
    SETTINGS.iter().map(|setting| setting.name.to_owned()).chain(listen).collect()
}

#[test]
fn the_sample_has_every_setting_and_says_which_need_a_restart() {
    let names: BTreeSet<_> = sample_lines().into_iter().map(|line| line.name).collect();
    assert_eq!(names, all_names());
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

/// A configuration with no default in it, and text that is not easy to write in TOML.
fn unusual() -> Config {
    let mut config = Config::default();
    config.server.name = "irc.example.org".into();
    config.server.network = "Ex\"am'ple\\".into();
    config.server.description = "Größe 'x' \"y\" \\ #".into();
    config.server.motd =
        ["", "  'a' \"\"\" b\\", "\u{2}bold\u{3}4\ttab\u{7f}", "", "日本", ""].map(str::to_owned).to_vec();
    config.server.password = Some("p'a\"s\\s # wörd".to_owned());
    config.listen = ["0.0.0.0:1", "[::]:65535", "[fe80::1%3]:0"]
        .map(|address| Listen { address: address.parse().unwrap(), optional: false })
        .to_vec();
    config.admin.socket = Some("/a dir/'s.sock".into());
    config.admin.mode = 0o600;
    config.admin.group = Some("adm".to_owned());
    config.log.target = Some(LogTarget::Stderr);
    config.log.level = log::LevelFilter::Off;
    config.log.facility = Facility::Local7;
    config.daemon.pid_file = Some("/run/x.pid".into());
    config.daemon.user = Some("_x".to_owned());
    config.daemon.group = Some("y-1".to_owned());
    config.limits = Limits {
        connections: 1_000_000,
        connections_per_address: 1,
        channels_per_user: 2,
        nick_length: 9,
        user_length: 32,
        channel_length: 128,
        topic_length: 3,
        kick_length: 4,
        away_length: 5,
        targets: 6,
        list_entries: 7,
        send_queue: 1 << 30,
        flood_burst: 8,
        flood_rate: 0,
        lines_per_turn: 9,
        bytes_per_turn: 512,
        deliveries_per_turn: 11,
    };
    config.timeouts = Timeouts { registration: 1, ping_interval: 2, ping_timeout: 3, shutdown: 4 };
    config
}

#[test]
fn what_is_printed_reads_back_the_same() {
    for config in [Config::default(), explicit_defaults(), unusual()] {
        let text = print(&config);
        assert_eq!(good(&text), config, "{text}");
    }
    let mut from_file = unusual();
    from_file.server.motd_file = Some("/etc/chatd/motd.txt".into());
    let text = print(&from_file);
    from_file.server.motd.clear();
    assert_eq!(good(&text), from_file, "{text}");
}

#[test]
fn a_printed_configuration_names_every_setting() {
    let text = print(&Config::default());
    for setting in SETTINGS {
        let (set, unset) = (format!("\n{} = ", setting.key()), format!("\n# {} is not set\n", setting.key()));
        assert!(text.contains(&set) || text.contains(&unset), "{}", setting.name);
    }
}

#[test]
fn differences_are_named_and_those_that_need_a_restart_again() {
    let (old, new) = (Config::default(), unusual());
    let changed = changes(&old, &new);
    let expected: Vec<_> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .filter(|name| *name != "server.motd_file")
        .chain(["listen"])
        .collect();
    assert_eq!(changed, expected);
    assert_eq!(
        restart_needed(&old, &new),
        [
            "server.name",
            "admin.socket",
            "admin.mode",
            "admin.group",
            "log.target",
            "log.facility",
            "daemon.pid_file",
            "daemon.user",
            "daemon.group"
        ]
    );
    assert!(changes(&new, &new).is_empty() && restart_needed(&new, &new).is_empty());

    let mut applied = new.clone();
    keep_until_restart(&old, &mut applied);
    assert!(restart_needed(&old, &applied).is_empty());
    let at_once = changed.iter().filter(|name| !restart_needed(&old, &new).contains(name));
    assert!(changes(&old, &applied).iter().eq(at_once));
}

#[test]
fn both_ends_of_each_range_are_in_it_and_nothing_beyond() {
    for setting in SETTINGS {
        let Some((range, _)) = &setting.range else { continue };
        let with = |value: i64| format!("[{}]\n{} = {value}\n", setting.section(), setting.key());
        let (least, most) = (i64::from(*range.start()), i64::from(*range.end()));
        for value in [least, most] {
            assert_eq!(setting.show(&good(&with(value))), Some(value.to_string()), "{}", setting.name);
        }
        for value in [least - 1, most + 1, i64::MIN, i64::MAX] {
            assert!(!parse(&with(value)).is_good(), "{} = {value}", setting.name);
        }
        let default: u32 = setting.show(&Config::default()).unwrap().parse().unwrap();
        assert!(range.contains(&default), "{}", setting.name);
    }
}

#[test]
fn a_report_of_a_hopeless_file_ends() {
    let text = "nonsense\n".repeat(100_000);
    let problems = parse(&text).problems;
    assert_eq!(problems.len(), 101);
    assert_eq!(problems[100].message, "and 99900 more problems from here on");
    let key = "k".repeat(1 << 20);
    let text = report("long", &format!("{key} = 1"));
    assert!(text.len() < 500, "{} bytes", text.len());
}

#[test]
fn problems_serialize_with_their_place() {
    let text = "[server]\nnmae = 1\n";
    let problem = Diagnostic::locate("x.toml", text, parse(text).problems.remove(0));
    let json = serde_json::to_value(&problem).unwrap();
    let expected = serde_json::json!({
        "file": "x.toml", "line": 2, "column": 1, "severity": "error",
        "message": "unknown key `nmae` in [server]", "help": "did you mean `name`?",
    });
    assert_eq!(json, expected);
    assert_eq!(
        problem.one_line(),
        "x.toml:2:1: error: unknown key `nmae` in [server] (did you mean `name`?)"
    );
}

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const SPLICES: [&[u8]; 16] = [
            b"\"",
            b"'",
            b"\"\"\"",
            b"[",
            b"]",
            b"=",
            b"\n",
            b"\r\n",
            b"\\",
            b"#",
            b"\0",
            b"\xff\xfe",
            b"\xf0\x9f\x92",
            "\u{202e}é日".as_bytes(),
            b"{",
            b"99999999999999999999",
        ];
        let at = self.below(bytes.len() + 1);
        match self.below(4) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, SPLICES[self.below(SPLICES.len())].iter().copied())),
            2 => drop(bytes.drain(at..(at + self.below(40)).min(bytes.len()))),
            _ => bytes[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << self.below(8)),
        }
    }
}

#[test]
fn nothing_that_a_file_may_hold_panics() {
    let mut random = Random(0x5eed);
    let mut sources = vec![uncommented(|_| true).into_bytes(), print(&unusual()).into_bytes()];
    sources.extend(files("toml").iter().map(|path| fs::read(path).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatd.toml");
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..1_500 {
        let mut bytes = sources[round % sources.len()].clone();
        for _ in 0..=random.below(4) {
            random.mutate(&mut bytes);
        }
        fs::write(&path, &bytes).unwrap();
        match load(Some(&path)) {
            Ok(loaded) => {
                accepted += 1;
                assert_eq!(good_but_warned(&print(&loaded.config)), without_motd_file(loaded.config));
            }
            Err(error) => {
                refused += 1;
                let report = error.to_string();
                assert!(error.problems.iter().any(|problem| problem.severity == Severity::Error), "{report}");
                let harmless = |char: char| char == '\n' || !char.is_control();
                assert!(report.chars().all(harmless), "round {round}: {report:?}");
                assert!(error.problems.iter().all(|problem| !problem.one_line().contains('\n')));
            }
        }
    }
    assert!(accepted > 100 && refused > 500, "{accepted} accepted, {refused} refused");
}

fn good_but_warned(text: &str) -> Config {
    let parsed = parse(text);
    assert!(parsed.is_good(), "{}", report("printed", text));
    parsed.config
}

fn without_motd_file(mut config: Config) -> Config {
    if config.server.motd_file.is_some() {
        config.server.motd.clear();
    }
    config
}

#[test]
fn a_relative_path_is_reported_as_it_was_given() {
    let error = load(Some(Path::new("tests/config/nowhere.toml"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tests/config/nowhere.toml: error: cannot be read: No such file or directory"
    );
}
