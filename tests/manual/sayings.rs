//! What chatd and chatctl can say: the texts in the source, with their places for values.

use std::fs;
use std::path::Path;

use regex::{Regex, escape};

/// Letters that a text must have to count: less would be said by accident.
const LETTERS: usize = 6;

/// The highest number of an error of the system.
const ERRNO: i32 = 133;

/// Everything that is said somewhere in `src/`.
pub(crate) struct Sayings(Vec<Regex>);

impl Sayings {
    /// Reads the source.
    pub(crate) fn read() -> Self {
        let mut found = Vec::new();
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 500, "the texts are found");
        Self(found)
    }

    /// Whether chatd or chatctl says this, or the system does. `...` is what somebody else says.
    pub(crate) fn say(&self, text: &str) -> bool {
        if text == "..." {
            return true;
        }
        let of_the_system = |number| {
            let said = std::io::Error::from_raw_os_error(number).to_string();
            let bare = said.split(" (os error").next().unwrap_or_default();
            // Behind the file that it is about, as a rule without its number.
            text == said
                || text.split_once(": ").is_some_and(|(file, rest)| file.starts_with('/') && rest == bare)
        };
        self.0.iter().any(|saying| saying.is_match(text)) || (1..=ERRNO).any(of_the_system)
    }
}

fn walk(folder: &Path, found: &mut Vec<Regex>) {
    for entry in fs::read_dir(folder).expect("a folder is read") {
        let path = entry.expect("an entry is read").path();
        let name = path.to_string_lossy();
        if path.is_dir() && !name.ends_with("tests") {
            walk(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            // What only tests say is not said.
            let said = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            found.extend(literals(said).iter().flat_map(|literal| literal.lines()).filter_map(pattern));
        }
    }
}

/// The literals of text in a piece of code, with their escapes resolved.
pub(crate) fn literals(code: &str) -> Vec<String> {
    let token = r##"(?s)//[^\n]*|r#"(.*?)"#|r"([^"]*)"|'(?:\\u\{[^}]*\}|\\.|[^\\'])'|"((?:\\.|[^"\\])*)""##;
    let token = Regex::new(token).expect("a pattern");
    let mut found = Vec::new();
    for part in token.captures_iter(code) {
        if let Some(raw) = part.get(1).or(part.get(2)) {
            found.push(raw.as_str().to_owned());
        } else if let Some(text) = part.get(3) {
            found.push(unescape(text.as_str()));
        }
    }
    found
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            // A line that goes on.
            Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// What a line with `{}` in it can become; none if it says next to nothing by itself.
fn pattern(line: &str) -> Option<Regex> {
    let mut pattern = String::new();
    let mut letters = 0;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        if let Some(end) = rest.find('}').filter(|_| c == '{' && !doubled) {
            pattern.push_str(".*");
            rest = &rest[end + 1..];
            continue;
        }
        letters += usize::from(c.is_alphabetic());
        pattern.push_str(&escape(&c.to_string()));
        rest = &rest[c.len_utf8() * (1 + usize::from(doubled))..];
    }
    (letters >= LETTERS).then(|| Regex::new(&format!("^{pattern}$")).expect("a pattern"))
}
