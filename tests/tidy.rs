//! The invariants of `ARCHITECTURE.md` that can be read off the source, enforced.
//!
//! Rules about code look at identifiers only: comments and texts may speak of what code must not use.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Parts that are pure: no descriptors, threads, clocks, files, environment or shared state.
const PURE: &[&str] = &["src/proto/", "src/config/", "src/server/", "src/admin/", "src/outbox.rs"];

/// What pure code does not name.
const IMPURE: &[&str] = &[
    "mio",
    "nix",
    "socket2",
    "signal_hook",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "UnixListener",
    "UnixDatagram",
    "thread",
    "thread_local",
    "fs",
    "File",
    "Instant",
    "SystemTime",
    "Mutex",
    "RwLock",
    "RefCell",
    "Condvar",
    "mpsc",
];

/// What the shell may use of the wire language: bounds, cutting text, and the masks of `list`. What a channel
/// or a mode is, it does not know.
const SHELL_MAY_USE: &[&str] = &["limits", "mask", "text"];

/// Exceptions: a word, where it stands all the same, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("sleep", "src/log/writer.rs", "the log's own thread, between two tries of a sink that fails"),
    ("sleep", "tests/log.rs", "between two looks at a condition that nothing tells of"),
    ("try_clone_to_owned", "src/log/mod.rs", "standard error, which is in no Poll"),
    ("unsafe", "src/net/system.rs", "calls that nothing safe offers, with their proofs; the only ones"),
    ("unsafe_code", "src/net/system.rs", "the lint, allowed for them"),
];

/// Most lines of a file.
const LINES: usize = 600;

/// A source file.
struct Source {
    /// Relative to the package, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }
}

/// All files of the package whose name ends with one of `endings`, but for what is built or fetched.
fn files(endings: &[&str]) -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder is read") {
            let path = entry.expect("an entry is read").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && name != ".git" {
                    walk(&path, found);
                }
            } else {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(root, &mut paths);
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
        if endings.iter().any(|ending| name.ends_with(ending)) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            sources.push(Source { path: name, text });
        }
    }
    sources
}

fn rust() -> Vec<Source> {
    let sources = files(&[".rs"]);
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the sources are found");
    sources
}

/// An identifier or a punctuation character of code, with its line.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

/// The code of a file: no comments, no literals of text.
fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = source[at..].chars().next() {
        let skipped = comment(&source[at..]).or_else(|| literal(&source[at..]));
        let length = skipped.unwrap_or_else(|| {
            let word =
                source[at..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(source.len() - at);
            let length = word.max(first.len_utf8());
            if !first.is_whitespace() {
                tokens.push(Token { text: &source[at..at + length], line });
            }
            length
        });
        line += source[at..at + length].matches('\n').count();
        at += length;
    }
    tokens
}

/// The length of the comment that `rest` begins with.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    rest.strip_prefix("/*")?;
    let (mut depth, mut at) = (1, 2);
    while depth > 0 && at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(at)
}

/// The length of the text or character literal that `rest` begins with; a lifetime is none.
fn literal(rest: &str) -> Option<usize> {
    let bare = rest.strip_prefix(['b', 'c']).unwrap_or(rest);
    let prefix = rest.len() - bare.len();
    if let Some(raw) = bare.strip_prefix('r') {
        let hashes = raw.find(|c| c != '#').unwrap_or(0);
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = hashes + 1;
            let length = raw[from..].find(&close).map_or(raw.len() - from, |at| at + close.len());
            return Some(prefix + 1 + from + length);
        }
    }
    let quote = bare.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    if quote == '\'' && !bare[1..].starts_with('\\') && bare.chars().nth(2) != Some('\'') {
        return None;
    }
    let mut escaped = false;
    for (at, c) in bare.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(prefix + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// Fails with all `faults`, one to a line.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Where code of `sources` names one of `words`.
fn named(sources: &[Source], words: &[&str], fault: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources {
        for token in tokens(&source.text) {
            let excepted =
                EXCEPTIONS.iter().any(|(word, path, _)| *word == token.text && *path == source.path);
            if words.contains(&token.text) && !excepted {
                faults.push(format!("{}:{}: `{}`: {fault}", source.path, token.line, token.text));
            }
        }
    }
    faults
}

#[test]
fn pure_code_names_nothing_impure() {
    let mut sources = rust();
    sources.retain(|source| source.is_in(PURE));
    assert!(sources.len() > 10, "the pure parts are found");
    let mut faults = named(&sources, IMPURE, "pure code takes what it needs as input");
    for source in &sources {
        // The macro `env!` reads at build time, which is no impurity.
        for pair in tokens(&source.text).windows(2) {
            if pair[0].text == "env" && pair[1].text != "!" {
                faults.push(format!("{}:{}: the environment is read elsewhere", source.path, pair[0].line));
            }
        }
    }
    none(&faults);
}

#[test]
fn the_shell_knows_no_channels_and_no_modes() {
    let mut faults = Vec::new();
    for source in rust().iter().filter(|source| source.path.starts_with("src/net/")) {
        let tokens = tokens(&source.text);
        for (index, token) in tokens.iter().enumerate() {
            if token.text != "proto" {
                continue;
            }
            // `proto::name`, or `proto::{name, other::{…}}`: the names directly below.
            let mut depth = 0;
            let mut after_colon = false;
            for token in &tokens[index + 1..] {
                match token.text {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    ":" | "," => {}
                    name if depth == 0 || (depth == 1 && !after_colon) => {
                        if !SHELL_MAY_USE.contains(&name) {
                            let line = token.line;
                            faults.push(format!(
                                "{}:{line}: `proto::{name}` is none of its business",
                                source.path
                            ));
                        }
                        if depth == 0 {
                            break;
                        }
                    }
                    _ => {}
                }
                after_colon = token.text == ":";
                if depth == 0 && token.text == "}" {
                    break;
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn descriptors_have_one_owner() {
    let mut sources = rust();
    sources.retain(|source| source.path.starts_with("src/"));
    let words = ["try_clone", "try_clone_to_owned", "dup", "dup2", "dup3", "F_DUPFD", "F_DUPFD_CLOEXEC"];
    none(&named(&sources, &words, "a copy of a descriptor keeps its registration alive"));
}

#[test]
fn nothing_is_unsafe_or_unfinished() {
    let sources = rust();
    let mut faults = named(&sources, &["unsafe", "unsafe_code"], "there is a safe way");
    faults.extend(named(&sources, &["todo", "unimplemented"], "finish it"));
    // Spelt in two parts, so that this file has none of them.
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    for source in files(&[".rs", ".toml", ".md", ".service", ".txt", ".ci/run"]) {
        for (index, line) in source.text.lines().enumerate() {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric());
            for word in words.filter(|word| marks.contains(word)) {
                faults.push(format!("{}:{}: {word}", source.path, index + 1));
            }
        }
    }
    none(&faults);
}

#[test]
fn no_test_is_ignored_and_nothing_waits_by_sleeping() {
    let sources = rust();
    let mut faults = named(&sources, &["ignore"], "a test that does not run proves nothing");
    faults.extend(named(&sources, &["sleep", "sleep_ms"], "wait for what you are waiting for"));
    none(&faults);
}

#[test]
fn every_exception_is_needed() {
    let sources = rust();
    for (word, path, _) in EXCEPTIONS {
        let source =
            sources.iter().find(|source| source.path == *path).unwrap_or_else(|| panic!("no {path}"));
        assert!(tokens(&source.text).iter().any(|token| token.text == *word), "{path}: there is no {word}");
    }
}

#[test]
fn the_lessons_name_tests_that_exist() {
    let pages = files(&["ARCHITECTURE.md"]);
    let lessons = pages[0].text.split("## The loop's lessons").nth(1).expect("the section is there");
    let rows = lessons.split("\n## ").next().unwrap_or_default().lines().filter(|line| line.starts_with('|'));
    let tests: Vec<_> = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next()).collect();
    let sources = rust();
    let mut there = BTreeSet::new();
    for source in sources.iter().filter(|source| source.is_in(&["src/", "tests/"])) {
        there.insert(source.path.as_str());
        let tokens = tokens(&source.text);
        there.extend(tokens.windows(2).filter(|pair| pair[0].text == "fn").map(|pair| pair[1].text));
    }
    let names: Vec<_> = tests.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 20, "the table is read: {names:?}");
    none(
        &names
            .into_iter()
            .filter(|name| !there.contains(name))
            .map(|name| format!("no {name}"))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn files_are_short_enough_to_read() {
    let long = |source: &Source| {
        let lines = source.text.lines().count();
        (lines > LINES).then(|| format!("{}: {lines} lines; split it along a seam with a name", source.path))
    };
    none(&rust().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn nothing_names_a_place_on_somebodys_machine() {
    let places = ["work", "farm", "root", "home"].map(|top| format!("/{top}/"));
    let shared = concat!("..", "/shared");
    let mut faults = Vec::new();
    for source in files(&[".rs", ".toml", ".md", ".service", ".txt", ".ci/run", ".sh", ".lock"]) {
        for (index, line) in source.text.lines().enumerate() {
            let named = places.iter().find(|place| {
                line.match_indices(place.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_' | '~' | '}'))
                })
            });
            if named.is_some() || line.contains(shared) {
                faults.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none(&faults);
}

#[test]
fn comments_and_texts_are_not_code() {
    let code = r##"
        //! Mutex
        /* Mutex /* nested */ Mutex */ let a = "Mutex \" Mutex"; // Mutex
        let b = r#"Mutex " Mutex"#; let c = 'M'; let d = '\''; let e: &'static str = b"Mutex\\"; 'x: loop {}
        let f = Mutex::new(b'"', "é");
    "##;
    let words: Vec<_> = tokens(code).into_iter().map(|token| token.text).filter(|t| t.len() > 2).collect();
    assert_eq!(words, ["let", "let", "let", "let", "let", "static", "str", "loop", "let", "Mutex", "new"]);
    let mutex = tokens(code).into_iter().find(|token| token.text == "Mutex").expect("found");
    assert_eq!(mutex.line, 5);
}
