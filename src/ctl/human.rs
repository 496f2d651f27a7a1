//! Numbers, sizes and times as people read them, and text of strangers made harmless.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

/// 1234567 as `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number, and the word for one or several of them: `1 user`, `2 users`.
pub(super) fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { several })
}

/// Bytes as `512 B` or `1.2 MiB`: never more than four digits.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // The unit in which less than 1024 are left, once rounded to a tenth; in tenths, so that no digit is lost.
    let tenths = |exponent: u32| (u128::from(bytes) * 10 + (1 << (10 * exponent - 1))) >> (10 * exponent);
    let exponent = (1..=6).find(|&exponent| tenths(exponent) < 10_240).unwrap_or(6);
    let value = tenths(exponent);
    format!("{}.{} {}", value / 10, value % 10, UNITS[exponent as usize - 1])
}

/// Seconds as `45s`, `3m 20s`, `3h 12m` or `12d 4h`.
pub(super) fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{}d {}h", count(days), hours % 24),
    }
}

/// Microseconds as `12 µs`, `1.2 ms` or `3.4 s`.
pub(super) fn microseconds(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", count(us / 1_000_000), us % 1_000_000 / 100_000),
    }
}

/// Whether a character could steer the terminal, reorder what is around it, or not be seen.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with what could steer the terminal written as `\x1b` or `\u{202e}`.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if !is_unsafe(c) => safe.push(c),
            '\0'..='\u{ff}' => write!(safe, "\\x{:02x}", u32::from(c)).expect("a string takes all"),
            _ => write!(safe, "\\u{{{:x}}}", u32::from(c)).expect("a string takes all"),
        }
    }
    safe
}

/// Like [`printable`] for text of several lines.
pub(super) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// JSON with what could steer the terminal as JSON escapes: it can only be inside of strings.
pub(super) fn printable_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("a string takes all");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Columns of a terminal that the text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text, cut with `…` to at most so many columns.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut shorter = String::new();
    for c in text.chars() {
        shorter.push(c);
        if width(&shorter) + 1 > columns {
            shorter.pop();
            break;
        }
    }
    if columns > 0 {
        shorter.push('…');
    }
    shorter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
        {
            assert_eq!(count(number), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(
            (counted(1, "user", "users"), counted(0, "user", "users")),
            ("1 user".into(), "0 users".into())
        );
    }

    #[test]
    fn sizes_have_a_unit_and_one_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1_258_291, "1.2 MiB"),
            // One byte less than a MiB does not become 1024.0 KiB.
            ((1 << 20) - 1, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (3_599, "59m 59s"),
            (11_520, "3h 12m"),
            (86_399, "23h 59m"),
            (86_400, "1d 0h"),
            (1_052_000, "12d 4h"),
        ] {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(
            (microseconds(999), microseconds(1_250), microseconds(3_400_000)),
            ("999 µs".into(), "1.2 ms".into(), "3.4 s".into())
        );
    }

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(
            printable("\u{2}bold\u{2} \x1b[2J\u{9b}1m é 日本"),
            "\\x02bold\\x02 \\x1b[2J\\x9b1m é 日本"
        );
        assert_eq!(printable("a\u{202e}b\u{200b}c"), "a\\u{202e}b\\u{200b}c");
        assert_eq!(printable_lines("one\x07\ntwo\r\n"), "one\\x07\ntwo");
        let text = "\u{9b}\u{202e}\u{e0001}é";
        let json = printable_json(&serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"\\u009b\\u202e\\udb40\\udc01é\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("longer", 5), "long…");
        assert_eq!((cut("longer", 1), cut("longer", 0)), ("…".into(), String::new()));
        // A wide character takes two columns, a combining one none.
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("e\u{301}e\u{301}", 2), "e\u{301}e\u{301}");
    }
}
