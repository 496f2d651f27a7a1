//! The manual, that is the README and the pages in `docs/`: each command and each configuration in it is run.
//!
//! What is done with a block is decided by the language behind its fence:
//!
//! - `console`: each command is run, in the order of the page, on a machine with a chatd and some users ([`sandbox`]); it must
//!   succeed, unless it is shown to print an error. What it is shown to print is compared; numbers, sizes and times may differ,
//!   and `...` is anything.
//! - `toml`: a configuration, or a part of one, in which `chatd --check-config` finds nothing.
//! - `irc`: what a user types into a client. None of it may be refused.
//! - `text`: lines of the log, messages: each is something that chatd or chatctl says, by its source.
//! - `haproxy`, `stunnel`: configurations of others; `tests/manual/run` runs them.
//!
//! `<!-- file: NAME -->` before a block makes it a file for the commands after it. `<!-- run: WHERE -->` says that it is not run here but
//! there ([`ELSEWHERE`]), such as on a machine that has booted, or `by hand`, which [`BY_HAND`] must allow.

#[path = "manual/blocks.rs"]
mod blocks;
mod common;
#[path = "manual/compare.rs"]
mod compare;
#[path = "manual/provoked.rs"]
mod provoked;
#[path = "manual/sandbox.rs"]
mod sandbox;
#[path = "manual/sayings.rs"]
mod sayings;
#[path = "manual/sentences.rs"]
mod sentences;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use blocks::{Block, pages};
use regex::Regex;
use sandbox::Sandbox;
use sayings::Sayings;

/// Who runs the blocks that are marked to be run elsewhere: scripts, each with the file of it that reads the marks. What is run by
/// `.ci/run` is compared with its steps.
const ELSEWHERE: &[(&str, &str)] = &[
    (".ci/run", ".ci/run"),
    ("tests/manual/run", "tests/manual/run"),
    ("tests/system", "tests/system/manual.py"),
    ("tests/system, without systemd", "tests/system/manual.py"),
];

/// Commands that nothing runs, by their first words, and why.
const BY_HAND: &[(&str, &str)] = &[
    ("apt-get download", "fetches servers to compare with"),
    ("for package in", "unpacks them"),
    ("ln -s", "puts a part of one where it looks for it"),
    ("CHATD_PEERS=", "measures for hours"),
    ("cargo bench --bench load -- --scenario", "one of the scenarios of what .ci/run measures"),
];

/// Commands that go on until they are stopped.
const ENDLESS: &[&str] = &["chatctl watch"];

/// Languages of blocks that `tests/manual/run` runs.
const OTHERS: &[&str] = &["haproxy", "stunnel"];

/// Those of files that a block must say to be run elsewhere.
const FILES: &[&str] = &["fail2ban", "systemd"];

/// A command of a `console` block, with what it is shown to print.
#[derive(Debug, Default)]
struct Typed {
    command: String,
    shown: String,
}

/// Takes a `console` block apart. A command begins behind `$ ` or, if it is root's, `# `, and goes on in the next line after a
/// backslash, a pipe or an operator, and to the end of a document that it contains.
fn typed(block: &Block) -> Vec<Typed> {
    let mut found: Vec<Typed> = Vec::new();
    let mut end: Option<String> = None;
    let mut goes_on = false;
    for line in &block.lines {
        let begun = line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "));
        if let (Some(command), false, None) = (begun, goes_on, &end) {
            found.push(Typed { command: command.to_owned(), shown: String::new() });
            end = command.split_once("<<").map(|(_, rest)| rest.trim().trim_matches('\'').to_owned());
        } else {
            let last = found.last_mut().unwrap_or_else(|| panic!("{}: no command", block.place));
            if goes_on || end.is_some() {
                last.command.extend(["\n", line]);
                end = end.filter(|end| end != line);
            } else {
                last.shown.extend([line, "\n"]);
            }
        }
        goes_on = end.is_none()
            && found.last().is_some_and(|last| last.shown.is_empty())
            && ["\\", "|", "&&"].iter().any(|mark| line.trim_end().ends_with(mark));
    }
    found
}

/// Runs a command as far as it can be run here.
fn run(sandbox: &mut Sandbox, Typed { command, shown }: &Typed) -> Result<(), String> {
    if ENDLESS.iter().any(|begin| command.starts_with(begin)) {
        return sandbox.watch(command, shown);
    }
    // The only use of a program that not every machine has.
    if let Some((request, _)) = command
        .strip_prefix("echo '")
        .filter(|_| command.contains("nc -NU "))
        .and_then(|rest| rest.split_once('\''))
    {
        return sandbox.ask(request, shown);
    }
    sandbox.run(command, shown)
}

/// Does all of a page that needs a machine, in order.
fn run_page(blocks: &[Block]) -> Vec<String> {
    let mut sandbox = Sandbox::start();
    let mut wrong = Vec::new();
    for block in blocks.iter().filter(|block| block.elsewhere.is_none()) {
        let mut note = |outcome: Result<(), String>, what: &str| {
            if let Err(why) = outcome {
                wrong.push(format!("{}: {what}\n{why}", block.place));
            }
        };
        match (block.language.as_str(), &block.file) {
            (_, Some(name)) => sandbox.write(name, &block.text()),
            ("console", _) => {
                for it in typed(block) {
                    note(run(&mut sandbox, &it), &it.command);
                }
            }
            ("irc", _) => block.lines.iter().for_each(|line| note(sandbox.type_in(line), line)),
            _ => {}
        }
    }
    wrong
}

/// Fails with all that is wrong.
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

#[test]
fn every_command_does_what_is_shown() {
    let mut wrong = Vec::new();
    for page in pages() {
        let blocks = page.blocks();
        if blocks.iter().any(|block| matches!(block.language.as_str(), "console" | "irc")) {
            wrong.extend(run_page(&blocks));
        }
    }
    none(&wrong);
}

#[test]
fn every_configuration_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatd.toml");
    // The one credential that the manual has.
    fs::write(folder.path().join("password"), "open sesame\n").unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "toml") {
            // One that is shown with its errors is a file, and checked by the command that follows.
            if block.file.as_ref().is_some_and(|name| !name.starts_with('/')) {
                continue;
            }
            seen += 1;
            fs::write(&path, block.text()).unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
            command.env("CREDENTIALS_DIRECTORY", folder.path());
            let output = command.arg("--config").arg(&path).arg("--check-config").output().unwrap();
            if !output.status.success() || !output.stderr.is_empty() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                wrong.push(format!("{}: {}{said}", block.place, String::from_utf8_lossy(&output.stdout)));
            }
        }
    }
    assert!(seen > 5, "the configurations are found");
    none(&wrong);
}

#[test]
fn every_quoted_line_is_one_that_is_said() {
    let sayings = Sayings::read();
    let time = Regex::new(r"^\S+Z (?:error|warn|info|debug) ").unwrap();
    let value = Regex::new(r#" (\w+)="([^"]* [^"]*)""#).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for block in page.blocks().iter().filter(|block| block.language == "text") {
            for line in block.lines.iter().filter(|line| !line.is_empty()) {
                seen += 1;
                let said = time.replace(line, "");
                let mut texts = vec![said.to_string()];
                // Reasons in the README are those of users.
                let own = value.captures_iter(&said).filter(|_| page.name != "README.md");
                texts.extend(own.map(|found| found[2].to_owned()));
                let unsaid = texts.iter().filter(|text| {
                    let advice = text.strip_prefix("   = help: ").unwrap_or(text);
                    !sayings.say(text) && !sayings.say(advice)
                });
                wrong.extend(unsaid.map(|text| format!("{}: nothing says {text:?}", block.place)));
            }
        }
    }
    assert!(seen > 30, "the lines are found");
    none(&wrong);
}

#[test]
fn what_troubleshooting_quotes_is_really_said() {
    let pages = pages();
    let page = pages.iter().find(|page| page.name == "docs/troubleshooting.md").expect("the page");
    let blocks = page.blocks().into_iter().filter(|block| block.language == "text");
    let lines: Vec<_> = blocks.flat_map(|block| block.lines).filter(|line| !line.is_empty()).collect();
    assert_eq!(provoked::wrong_exceptions(&lines), [""; 0], "these exceptions are none");
    let shown = pages.iter().flat_map(blocks::Page::blocks).filter(|block| block.language == "console");
    let shown: Vec<_> =
        shown.flat_map(|block| block.lines).filter(|line| !line.starts_with(['$', '#'])).collect();
    assert_eq!(provoked::unheard(&lines, &shown), [""; 0], "nothing says these lines");
}

#[test]
fn tables_of_reasons_have_all_of_them() {
    let sayings = Sayings::read();
    let stats = common::Daemon::start("").rpc("stats", &serde_json::json!({})).unwrap();
    let pages = pages();
    let page = pages.iter().find(|page| page.name == "docs/troubleshooting.md").expect("the page");
    for (heading, counted) in [("| `reason` |", "refused"), ("| `cause` |", "disconnects")] {
        let rows = page.text.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
        let rows: Vec<Vec<_>> = rows
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let named: BTreeSet<_> = rows.iter().flat_map(|row| row[1].split('`').skip(1).step_by(2)).collect();
        let known = stats[counted].as_object().expect("counters by name");
        assert_eq!(named, known.keys().map(String::as_str).collect(), "{heading}");
        if counted == "refused" {
            for row in rows.iter().filter(|row| !row[2].starts_with("nothing")) {
                assert!(
                    sayings.say(row[2]) || sayings.say(&format!("ERROR :{}\\r", row[2])),
                    "nobody is told {:?}",
                    row[2]
                );
            }
        }
    }
}

#[test]
fn every_block_is_of_a_kind_that_is_run() {
    let known = ["console", "irc", "text", "toml"];
    let mut wrong = Vec::new();
    let mut languages = BTreeSet::new();
    for block in pages().iter().flat_map(blocks::Page::blocks) {
        let language = block.language.as_str();
        let file = FILES.contains(&language) && block.file.is_some() && block.elsewhere.is_some();
        if !known.contains(&language) && !OTHERS.contains(&language) && !file {
            wrong.push(format!("{}: what is to be done with {language:?}?", block.place));
        }
        languages.insert(block.language);
    }
    none(&wrong);
    let unused: Vec<_> = OTHERS.iter().filter(|language| !languages.contains(**language)).collect();
    assert!(unused.is_empty(), "no page has {unused:?}");
}

#[test]
fn what_is_run_elsewhere_is_run_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ci = fs::read_to_string(root.join(".ci/run")).unwrap();
    let mut by_hand: BTreeSet<&(&str, &str)> = BTreeSet::new();
    let mut wrong = Vec::new();
    for block in pages().iter().flat_map(blocks::Page::blocks) {
        let Some(place) = &block.elsewhere else { continue };
        let commands = typed_if_console(&block);
        if commands.is_empty() && block.file.is_none() {
            wrong.push(format!("{}: there is nothing to run", block.place));
        }
        for command in commands {
            let hand = BY_HAND.iter().find(|(begin, _)| command.starts_with(begin));
            by_hand.extend(hand.filter(|_| place == "by hand"));
            let said = match place.as_str() {
                ".ci/run" => has_step(&ci, &command),
                "by hand" => hand.is_some(),
                other => ELSEWHERE.iter().any(|(there, _)| *there == other),
            };
            if !said {
                wrong.push(format!("{}: {place} does not run {command:?}", block.place));
            }
        }
    }
    none(&wrong);
    assert_eq!(by_hand.len(), BY_HAND.len(), "of these some are not in the manual: {BY_HAND:?}");
    for (place, reader) in ELSEWHERE.iter().filter(|(place, _)| *place != ".ci/run") {
        let code = fs::read_to_string(root.join(reader)).unwrap_or_default();
        assert!(code.contains(&format!("(\"{place}\")")), "{reader} does not look for the blocks of {place}");
        let script = place.split(',').next().unwrap_or_default();
        assert!(ci.contains(script), ".ci/run does not run {script}");
    }
}

fn typed_if_console(block: &Block) -> Vec<String> {
    let commands = if block.language == "console" { typed(block) } else { Vec::new() };
    commands.into_iter().map(|typed| typed.command).collect()
}

/// Whether `.ci/run` installs these packages, or has a step with all words of this command in their order.
fn has_step(ci: &str, command: &str) -> bool {
    if let Some(packages) = command.strip_prefix("apt-get install ") {
        let installed: BTreeSet<_> = ci
            .lines()
            .filter(|line| line.contains("packages+=(") || line.starts_with("packages=("))
            .collect();
        let words: BTreeSet<_> = installed.iter().flat_map(|line| line.split(['(', ')', ' '])).collect();
        return packages.split(' ').all(|package| words.contains(package));
    }
    let mut steps = ci.lines().filter(|line| line.starts_with("step "));
    steps.any(|step| {
        let mut words = step.split([' ', '\'']);
        command.split(' ').all(|wanted| words.any(|word| word == wanted))
    })
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for page in &pages {
        let folder = Path::new(&page.name).parent().expect("a file has a folder");
        for link in page.links() {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { root.join(&page.name) } else { root.join(folder).join(path) };
            let Ok(target) = target.canonicalize() else {
                wrong.push(format!("{}: there is no {path}", page.name));
                continue;
            };
            let other =
                pages.iter().find(|other| root.join(&other.name).canonicalize().is_ok_and(|it| it == target));
            if let Some(other) = other.filter(|_| !anchor.is_empty())
                && !other.anchors().iter().any(|it| it == anchor)
            {
                wrong.push(format!("{}: {} has no heading for #{anchor}", page.name, other.name));
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_setting_that_is_named_exists() {
    none(&sentences::wrong_settings(&pages()));
}

#[test]
fn commands_within_sentences_are_such() {
    none(&sentences::wrong_commands(&pages()));
}

#[test]
fn what_differs_from_run_to_run_is_no_difference() {
    let same = |shown: &str, printed: &str| compare::pattern(shown, true).is_match(printed);
    assert!(same("up 3s, 46 B\nof 20,000", "up   1m 5s, 1.6 KiB\n of 9"));
    assert!(same("a ... z", "a b c z") && same("x", " x\n"));
    assert!(!same("4 users", "users") && !same("off", "on") && !same("a", "a b"));
    assert!(compare::pattern("b", false).is_match("a b c"));
}

#[test]
fn a_block_is_taken_apart_into_commands() {
    let lines = ["$ a |", "    b", "out", "# cat <<'END'", "$ x", "END", "shown"].map(str::to_owned);
    let block = Block {
        place: "page:1".into(),
        language: "console".into(),
        file: None,
        elsewhere: None,
        lines: lines.into(),
    };
    let found: Vec<_> = typed(&block).into_iter().map(|it| (it.command, it.shown)).collect();
    let expected = [("a |\n    b", "out\n"), ("cat <<'END'\n$ x\nEND", "shown\n")];
    assert_eq!(found, expected.map(|(command, shown)| (command.to_owned(), shown.to_owned())));
}

#[test]
fn what_is_said_is_read_from_code() {
    let code = r#"let a = "one \"two\""; // "no"
        let b = ('"', r"raw three"); let c: &'a str = "fo\
        ur";"#;
    assert_eq!(sayings::literals(code), ["one \"two\"", "raw three", "four"]);
    let sayings = Sayings::read();
    assert!(sayings.say("connect client=42 address=192.0.2.7:50312"));
    assert!(!sayings.say("connects client=42 address=192.0.2.7:50312"));
    assert!(sayings.say(&std::io::Error::from_raw_os_error(24).to_string()));
}
