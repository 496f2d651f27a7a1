//! What it takes to hold 1,000 masks against one text, hostile and ordinary: `cargo bench --bench masks`.
//!
//! Beside the matcher of `chatd::proto::mask` stands the usual one, which goes back to the last `*` when it cannot go on.

use std::hint::black_box;
use std::time::{Duration, Instant};

use chatd::proto::mask::Subject;

/// Masks held against each text, as in a channel whose ban list is full.
const MASKS: usize = 1_000;
/// Bytes of a hostile mask.
const MASK: usize = 160;
/// Bytes of a hostile text: `nick!user@host` with the longest parts that can be configured.
const TEXT: usize = 191;
/// Measurements of each case; the best one counts.
const ROUNDS: usize = 15;

/// The usual matcher, on bytes: quadratic at worst.
fn backtracking(mask: &str, text: &str) -> bool {
    let (mask, text) = (mask.as_bytes(), text.as_bytes());
    let (mut m, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match mask.get(m) {
            Some(b'*') => {
                retry = Some((m + 1, t));
                m += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&text[t]) => {
                m += 1;
                t += 1;
            }
            _ => {
                let Some((after, taken)) = retry else { return false };
                retry = Some((after, taken + 1));
                (m, t) = (after, taken + 1);
            }
        }
    }
    mask[m..].iter().all(|&byte| byte == b'*')
}

/// Masks that differ in nothing, each allocated on its own, as in a list of bans.
fn same(mask: String) -> Vec<String> {
    vec![mask; MASKS]
}

/// `part` again and again, then `end`, [`MASK`] bytes in all.
fn repeated(part: &str, end: &str) -> Vec<String> {
    let mut mask = part.repeat(MASK);
    mask.truncate(MASK - end.len());
    same(mask + end)
}

/// The least time of some rounds in which all masks are held against a text, and how many matched.
fn best(mut all: impl FnMut() -> usize) -> (Duration, usize) {
    let mut best = (Duration::MAX, 0);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let matched = black_box(all());
        best = best.min((begun.elapsed(), matched));
    }
    best
}

fn main() {
    let hostile = "a".repeat(TEXT);
    let wide = "é".repeat(TEXT / 2);
    let user = "alice_w!~alice@dsl-203-0-113-77.access.example.net";
    let ordinary = |form: fn(usize) -> String| (0..MASKS).map(form).collect::<Vec<_>>();
    let half = format!("*{}b*", "a".repeat(TEXT / 2));
    let cases = [
        ("`*aaa...b` on a...", &hostile, repeated("a", "b").iter().map(|mask| format!("*{mask}")).collect()),
        ("`*aaa...b*` on a...", &hostile, same(half)),
        ("`*a*a...b*` on a...", &hostile, repeated("*a", "b*")),
        ("`?a?a...*b*` on a...", &hostile, repeated("?a", "*b*")),
        ("`*?*?...b*` on a...", &hostile, repeated("*?", "b*")),
        ("`*?????...b*` on é...", &wide, same(format!("*{}b*", "?".repeat(TEXT / 4)))),
        ("`nick!*@*`", &user.to_owned(), ordinary(|n| format!("nick{n}!*@*"))),
        ("`*!*@host`", &user.to_owned(), ordinary(|n| format!("*!*@dsl-{n}.access.example.net"))),
        ("`*!*@*.net` with digits", &user.to_owned(), ordinary(|n| format!("*!*@*{n}.access.example.net"))),
        ("`*word*!*@*`", &user.to_owned(), ordinary(|n| format!("*word{n}*!*@*"))),
    ];
    println!("{MASKS} masks on one text, in microseconds, the best of {ROUNDS} rounds");
    println!("{:<26}{:>14}{:>14}{:>10}", "masks", "backtracking", "chatd", "matched");
    for (name, text, masks) in cases {
        let masks: Vec<String> = masks;
        let (usual, _) =
            best(|| masks.iter().filter(|mask| backtracking(black_box(mask), black_box(text))).count());
        let (ours, matched) = best(|| {
            let subject = Subject::new(black_box(text));
            masks.iter().filter(|mask| subject.matches(black_box(mask))).count()
        });
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        println!("{name:<26}{:>14.0}{:>14.0}{matched:>10}", micros(usual), micros(ours));
    }
}
