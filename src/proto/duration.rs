//! Lengths of time as operators write them.

use std::fmt;

/// The longest, in seconds: ten years.
pub const LONGEST: u64 = 3650 * 86_400;

/// Letters and their seconds, the longest first.
const UNITS: [(char, u64); 5] = [('w', 7 * 86_400), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Seconds from `90`, which is minutes, or `1d12h`. `None` if it is neither, or longer than [`LONGEST`].
pub fn parse(text: &str) -> Option<u64> {
    let (mut total, mut number) = (0_u64, None);
    for char in text.chars() {
        if let Some(digit) = char.to_digit(10) {
            number = Some(number.unwrap_or(0_u64).checked_mul(10)?.checked_add(digit.into())?);
        } else {
            let (_, seconds) = UNITS.iter().find(|(letter, _)| *letter == char.to_ascii_lowercase())?;
            total = total.checked_add(number.take()?.checked_mul(*seconds)?)?;
        }
    }
    match number {
        // A number alone; behind a unit it would be a riddle.
        Some(minutes) if text.bytes().all(|byte| byte.is_ascii_digit()) => total = minutes.checked_mul(60)?,
        Some(_) => return None,
        None if text.is_empty() => return None,
        None => {}
    }
    (total <= LONGEST).then_some(total)
}

/// Seconds as [`parse`] reads them: `1d12h`.
pub struct Shown(pub u64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (letter, seconds) in UNITS {
            if rest >= seconds {
                write!(f, "{}{letter}", rest / seconds)?;
                rest %= seconds;
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, seconds, shown) in [
            ("10", 600, "10m"),
            ("90m", 5400, "1h30m"),
            ("1D12h", 129_600, "1d12h"),
            ("2w", 1_209_600, "2w"),
            ("5s", 5, "5s"),
            ("0", 0, "0s"),
        ] {
            assert_eq!(parse(text), Some(seconds), "{text}");
            assert_eq!(Shown(seconds).to_string(), shown);
            assert_eq!(parse(shown), Some(seconds));
        }
        for bad in
            ["", "m", "1m2", "1x", "-1", "1.5h", "99999999999999999999", "99999999999999999999w", "600w"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
