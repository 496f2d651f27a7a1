//! Masks: patterns in which `*` stands for any text and `?` for any one character.

/// Whether `mask` matches the whole of `text`, whatever the case of ASCII letters.
///
/// Takes at most `mask.len() * text.len()` steps, whatever the mask.
pub fn matches(mask: &str, text: &str) -> bool {
    let (mask, text) = (mask.as_bytes(), text.as_bytes());
    let (mut m, mut t) = (0, 0);
    // Where to go on after a mismatch: behind the last `*`, with one more byte of text given to it.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match mask.get(m) {
            Some(b'*') => {
                retry = Some((m + 1, t));
                m += 1;
                continue;
            }
            Some(b'?') => {
                m += 1;
                t += char_len(text[t]).min(text.len() - t);
                continue;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[t]) => {
                m += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, taken)) = retry else { return false };
        retry = Some((after, taken + 1));
        (m, t) = (after, taken + 1);
    }
    mask[m..].iter().all(|&byte| byte == b'*')
}

/// The length of the UTF-8 character that begins with `first`; 1 inside a character.
fn char_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// The full form `nick!user@host` of a user mask: parts that are left out become `*`
/// (`nick`, `user@host` and `nick!user` are all accepted). Runs of `*` become one.
pub fn complete(mask: &str) -> String {
    let (nick, rest) = match mask.split_once('!') {
        Some((nick, rest)) => (nick, Some(rest)),
        None => ("*", None),
    };
    let (nick, user, host) = match (rest, rest.unwrap_or(mask).rsplit_once('@')) {
        (_, Some((user, host))) => (nick, user, host),
        (Some(user), None) => (nick, user, "*"),
        (None, None) if mask.contains(['.', ':']) => ("*", "*", mask),
        (None, None) => (mask, "*", "*"),
    };
    let or_any = |part: &'_ str| if part.is_empty() { "*".to_owned() } else { part.to_owned() };
    let mut full = format!("{}!{}@{}", or_any(nick), or_any(user), or_any(host));
    while full.contains("**") {
        full = full.replace("**", "*");
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_characters_not_bytes() {
        assert!(matches("?", "é") && matches("a?b", "a€b") && !matches("??", "é"));
        assert!(matches("*é", "ééé") && !matches("é?", "é"));
    }

    #[test]
    fn the_whole_text_must_match_and_case_does_not_matter() {
        assert!(matches("", "") && matches("*", "") && matches("***", "abc") && matches("A*C", "abxC"));
        assert!(!matches("", "a") && !matches("a", "") && !matches("a*c", "abcd") && !matches("ab", "abc"));
        assert!(matches("*a*b*c*", "xxaxxbxxcxx") && !matches("*a*c*b*", "abc"));
    }

    #[test]
    fn a_hostile_mask_takes_no_more_than_its_square() {
        let text = "a".repeat(400);
        let mask = format!("{}b", "a*".repeat(200));
        assert!(!matches(&mask, &text));
    }

    #[test]
    fn short_masks_are_completed() {
        for (short, full) in [
            ("nick", "nick!*@*"),
            ("n!u@h", "n!u@h"),
            ("u@h", "*!u@h"),
            ("n!u", "n!u@*"),
            ("*.example.org", "*!*@*.example.org"),
            ("2001:db8::1", "*!*@2001:db8::1"),
            ("!@", "*!*@*"),
            ("n@h!u", "n@h!u@*"),
            ("a***b!**@**", "a*b!*@*"),
            ("", "*!*@*"),
        ] {
            assert_eq!(complete(short), full, "{short:?}");
        }
    }
}
