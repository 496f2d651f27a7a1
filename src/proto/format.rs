//! What clients put into the text of messages besides text: formatting codes and CTCP.

use std::borrow::Cow;

/// A colour by number: up to two digits follow, and up to two more after a comma (Modern IRC, formatting, "Color").
const COLOUR: u8 = 0x03;
/// A colour in hexadecimal: six digits follow, and six more after a comma (Modern IRC, formatting, "Hex Color").
const HEX_COLOUR: u8 = 0x04;
/// What a CTCP message begins and ends with.
const CTCP: u8 = 0x01;

/// Whether a byte is a formatting code: bold, colours, reset, monospace, reverse, italics, strikethrough, underline.
fn is_code(byte: u8) -> bool {
    matches!(byte, 0x02 | COLOUR | HEX_COLOUR | 0x0f | 0x11 | 0x16 | 0x1d..=0x1f)
}

/// Whether there is any formatting code in it (Modern IRC, formatting).
pub fn has_formatting(text: &str) -> bool {
    text.bytes().any(is_code)
}

/// Whether there is colour in it.
pub fn has_colours(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, COLOUR | HEX_COLOUR))
}

/// Whether it is a CTCP message (CTCP, "Message Format") other than ACTION, which is speech.
pub fn is_ctcp(text: &str) -> bool {
    let Some(message) = text.as_bytes().strip_prefix(&[CTCP]) else { return false };
    let end = message.iter().position(|&byte| byte == b' ' || byte == CTCP).unwrap_or(message.len());
    !message[..end].eq_ignore_ascii_case(b"ACTION")
}

/// The text as it reads: without formatting codes and the numbers that belong to them.
pub fn strip(text: &str) -> Cow<'_, str> {
    let Some(first) = text.bytes().position(is_code) else { return Cow::Borrowed(text) };
    let mut plain = String::with_capacity(text.len());
    let (done, mut rest) = text.split_at(first);
    plain.push_str(done);
    while let Some(&code) = rest.as_bytes().first() {
        let after = &rest[1..];
        let after = match code {
            COLOUR => skip_colours(after, 1, 2, |byte| byte.is_ascii_digit()),
            HEX_COLOUR => skip_colours(after, 6, 6, |byte| byte.is_ascii_hexdigit()),
            _ => after,
        };
        let next = after.bytes().position(is_code).unwrap_or(after.len());
        plain.push_str(&after[..next]);
        rest = &after[next..];
    }
    Cow::Owned(plain)
}

/// What is left of `text` behind a colour of so many digits and, after a comma, a second one.
fn skip_colours(text: &str, least: usize, most: usize, is_digit: fn(u8) -> bool) -> &str {
    let skip_one = |text: &str| {
        let digits = text.bytes().take(most).take_while(|&byte| is_digit(byte)).count();
        (digits >= least).then_some(digits)
    };
    let Some(digits) = skip_one(text) else { return text };
    let rest = &text[digits..];
    match rest.strip_prefix(',').and_then(skip_one) {
        Some(digits) => &rest[1 + digits..],
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_their_numbers_are_taken_out_and_nothing_else() {
        for (text, plain) in [
            ("", ""),
            ("plain é, 12,3", "plain é, 12,3"),
            ("\x02b\x02 \x1di\x1d \x1fu\x1f \x1es\x1e \x11m\x11 \x16r\x16\x0f", "b i u s m r"),
            ("\x034red\x03 \x0304,12both", "red both"),
            ("\x03123 \x031,234 \x03,5", "3 4 ,5"),
            ("\x031,x \x0312,é", ",x ,é"),
            ("\x04ff0000red \x04FF0000,00ff00both", "red both"),
            ("\x04ff000 \x04ff0000,00ff0", "ff000 ,00ff0"),
            ("s\x02p\x0305,05a\x0fm\x03", "spam"),
            ("\x03\x03\x031\x031é", "é"),
            ("\x01ACTION waves\x01", "\x01ACTION waves\x01"),
        ] {
            assert_eq!(strip(text), plain, "{text:?}");
            assert!(!has_formatting(plain) && has_formatting(text) == (text != plain), "{text:?}");
        }
        assert!(matches!(strip("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn colours_are_told_from_other_formatting() {
        assert!(
            has_colours("a\x03b") && has_colours("\x04") && !has_colours("\x02\x0f\x1f") && !has_colours("")
        );
    }

    #[test]
    fn only_action_is_speech() {
        for text in
            ["\x01VERSION\x01", "\x01", "\x01\x01", "\x01PING 1", "\x01ACTIONS x\x01", "\x01 ACTION\x01"]
        {
            assert!(is_ctcp(text), "{text:?}");
        }
        for text in [
            "",
            "a\x01VERSION\x01",
            "\x01ACTION waves\x01",
            "\x01action waves",
            "\x01ACTION\x01",
            "\x01ACTION",
        ] {
            assert!(!is_ctcp(text), "{text:?}");
        }
    }
}
