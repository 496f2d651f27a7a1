//! The mask matcher against the simplest one there is. The input is a mask, a line feed, and a text.

#![no_main]

use chatd::proto::mask::{Subject, complete};
use libfuzzer_sys::fuzz_target;

/// Masks beyond this are left alone: the matcher that is compared with is slow.
const MASK: usize = 300;

fuzz_target!(|data: &str| {
    let (mask, text) = data.split_once('\n').unwrap_or((data, data));
    if mask.len() > MASK {
        return;
    }
    let subject = Subject::new(text);
    let expected = reference(mask, subject.text());
    assert_eq!(subject.matches(mask), expected);
    // With the text prepared, too.
    assert_eq!(subject.matches(mask), expected);
    // What lies between the ends is all of it now, so that the ends decide nothing.
    let inner = format!("*{mask}*");
    assert_eq!(subject.matches(&inner), reference(&inner, subject.text()));

    let full = complete(mask);
    assert!(full.starts_with('$') || full.contains('!') && full.contains('@') && !full.contains("**"));
    assert_eq!(complete(&full), full);
});

/// The prefixes of the text that each part of the mask can match.
fn reference(mask: &str, text: &str) -> bool {
    let text: Vec<char> = text.to_ascii_lowercase().chars().collect();
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for part in mask.to_ascii_lowercase().chars() {
        let before = ends.clone();
        for at in 0..ends.len() {
            ends[at] = match part {
                '*' => before[at] || at > 0 && ends[at - 1],
                _ => at > 0 && before[at - 1] && (part == '?' || part == text[at - 1]),
            };
        }
    }
    ends[text.len()]
}
