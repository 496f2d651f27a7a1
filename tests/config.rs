//! The configuration: reports on bad files, the sample file and the manual page against the table of settings,
//! printing and reading back, and input that is no configuration at all.
//!
//! Each `tests/config/NAME.toml` has the exact report on it in `NAME.txt`. `CHATD_BLESS=1 cargo test --test config`
//! writes these anew; read the difference before you commit it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "config/documents.rs"]
mod documents;
#[path = "config/tables.rs"]
mod tables;
#[path = "config/unusual.rs"]
mod unusual;

use chatd::config::{
    Config, Diagnostic, REPEATED, SETTINGS, Severity, changes, keep_until_restart, parse, print,
    restart_needed,
};
use chatd::load::{LoadError, load};

use documents::uncommented;
use unusual::unusual;

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
    let text = print(&unusual());
    for section in REPEATED {
        let (_, entry) = text.split_once(&format!("\n[[{}]]\n", section.name)).expect(section.name);
        let entry = format!("\n{}", entry.split("\n\n").next().unwrap());
        for key in section.keys {
            let (set, unset) = (format!("\n{} = ", key.key()), format!("\n# {} is not set", key.key()));
            assert!(entry.contains(&set) || entry.contains(&unset), "{}: {entry}", key.name);
        }
    }
}

#[test]
fn differences_are_named_and_those_that_need_a_restart_again() {
    let (old, new) = (Config::default(), unusual());
    let changed = changes(&old, &new);
    let expected: Vec<_> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .filter(|name| !["server.motd_file", "server.password_file", "cloak.key_file"].contains(name))
        .chain(REPEATED.iter().map(|section| section.name))
        .collect();
    assert_eq!(changed, expected);
    assert_eq!(
        restart_needed(&old, &new),
        [
            "server.name",
            "server.state_directory",
            "server.sandbox",
            "admin.socket",
            "admin.mode",
            "admin.group",
            "monitor.socket",
            "monitor.mode",
            "monitor.group",
            "channels.prefixes",
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
        match load(Some(&path), None) {
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
    let error = load(Some(Path::new("tests/config/nowhere.toml")), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tests/config/nowhere.toml: error: cannot be read: No such file or directory"
    );
}
