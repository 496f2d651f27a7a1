//! Output as the manual shows it, against what a command printed.

use regex::{Captures, Regex, escape};

/// Parts of an output that differ from run to run: sizes, times and numbers; `...`, which stands for anything; and space.
const PARTS: &str = concat!(
    r"(?P<size>\d[\d.,]* (?:B|KiB|MiB|GiB)\b)",
    r"|(?P<time>\d[\d.,]* ?(?:µs|ms|s|m|h|d|w)\b(?: \d+(?:s|m|h|d|w)\b)*)",
    r"|(?P<number>\d[\d.,]*)",
    r"|(?P<anything>\.\.\.)",
    r"|(?P<space>\s+)",
);

/// What each of them may be instead.
const INSTEAD: &[(&str, &str)] = &[
    ("size", r"\d[\d.,]* (?:B|KiB|MiB|GiB)"),
    ("time", r"\d[\d.,]* ?(?:µs|ms|s|m|h|d|w)(?: \d+(?:s|m|h|d|w))*"),
    ("number", r"\d[\d.,]*"),
    ("anything", r"(?s:.*?)"),
    ("space", r"\s+"),
];

/// The pattern of an output: of a part of one, if `all` is false.
pub(crate) fn pattern(shown: &str, all: bool) -> Regex {
    let parts = Regex::new(PARTS).expect("a pattern");
    let shown = shown.trim();
    let mut pattern = String::from(if all { r"^\s*" } else { "" });
    let mut at = 0;
    let instead = |part: &Captures| {
        let found = INSTEAD.iter().find(|(name, _)| part.name(name).is_some());
        found.map_or("", |(_, pattern)| pattern)
    };
    for part in parts.captures_iter(shown) {
        let whole = part.get(0).expect("a match");
        pattern.push_str(&escape(&shown[at..whole.start()]));
        pattern.push_str(instead(&part));
        at = whole.end();
    }
    pattern.push_str(&escape(&shown[at..]));
    pattern.push_str(if all { r"\s*$" } else { "" });
    Regex::new(&pattern).expect("a pattern")
}
