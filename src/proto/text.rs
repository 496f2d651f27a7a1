//! Cutting text to size, and writing times.

use std::fmt;

/// The longest prefix of `text` that has at most `max` bytes and ends between two characters.
pub fn truncate(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Bytes of a parameter that repeats what a client sent: more of it would leave no room for what follows.
const WORD: usize = 200;

/// What a client sent, as it can be repeated in the middle of a line: one word, or `*` where it could be misread as
/// something else.
pub fn one_word(text: &str) -> &str {
    let is_word = !text.is_empty() && !text.starts_with(':') && !text.contains(' ');
    if is_word { truncate(text, WORD) } else { "*" }
}

/// Shortens `bytes`, which are UTF-8, to at most `max` bytes without cutting a character.
pub fn truncate_bytes(bytes: &mut Vec<u8>, max: usize) {
    if bytes.len() <= max {
        return;
    }
    let mut end = max;
    // Continuation bytes look like 10xxxxxx; a character has at most three.
    while end > 0 && bytes[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    bytes.truncate(end);
}

/// Joins words with spaces into lines, as [`pack_with`] does.
pub fn pack<T>(
    words: impl IntoIterator<Item = T>,
    room: usize,
    write: impl FnMut(&mut String, T),
) -> Vec<String> {
    pack_with(' ', words, room, write)
}

/// Joins words into lines of at most `room` bytes, with an ASCII character between them. `write` appends a word to the line, so that a word of
/// several parts needs no buffer of its own. One that is longer than a line stands alone on it.
pub fn pack_with<T>(
    separator: char,
    words: impl IntoIterator<Item = T>,
    room: usize,
    mut write: impl FnMut(&mut String, T),
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::with_capacity(room);
    for word in words {
        let end = line.len();
        if end > 0 {
            line.push(separator);
        }
        write(&mut line, word);
        if end > 0 && line.len() > room {
            let mut next = String::with_capacity(room);
            next.push_str(&line[end + 1..]);
            line.truncate(end);
            lines.push(std::mem::replace(&mut line, next));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// A time in milliseconds since 1970, shown as `2026-11-22T12:30:00.123Z` (IRCv3 server-time, "Format"), up to the
/// year 9999.
#[derive(Clone, Copy, Debug)]
pub struct Iso(pub u64);

/// Year, month and day of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the leap day is the last one; 719,468 days lie before 1970-01-01.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    (year + era * 400 + u64::from(month <= 2), month, day)
}

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        // Digit by digit: this is written for every turn in which somebody wants to know the time.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let fields =
            [(0..4, year), (5..7, month), (8..10, day), (11..13, hour), (14..16, minute), (17..19, second)];
        for (place, mut value) in fields.into_iter().chain([(20..23, millis)]) {
            for digit in text[place].iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_never_splits_a_character() {
        let text = "aé€😀";
        for max in 0..=text.len() + 1 {
            let cut = truncate(text, max);
            assert!(cut.len() <= max && text.starts_with(cut));
            let mut bytes = text.as_bytes().to_vec();
            truncate_bytes(&mut bytes, max);
            assert_eq!(bytes, cut.as_bytes(), "at {max}");
        }
    }

    #[test]
    fn packing_fills_lines_to_the_last_byte() {
        let lines = |words: &[&str]| pack(words, 5, |line, word| line.push_str(word));
        assert_eq!(lines(&["aa", "bb", "cc", "ddddddd", "e"]), ["aa bb", "cc", "ddddddd", "e"]);
        assert_eq!(lines(&["ddddddd"]), ["ddddddd"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (4_102_444_799_001, "2099-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Iso(millis).to_string(), text);
        }
    }
}
