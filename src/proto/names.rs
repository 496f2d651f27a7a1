//! Names: nicks, user names, channels and hosts, what may be in them, and when two are the same.

use std::borrow::Cow;
use std::net::IpAddr;

/// Channel name prefixes; announced as `CHANTYPES`.
pub const CHANNEL_TYPES: &str = "#";
/// Bytes of a host name; announced as `HOSTLEN`.
pub const HOST_LENGTH: usize = 63;

/// The form under which a name is compared and looked up (`CASEMAPPING=ascii`).
pub fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The same for a look-up: most names are written like that, and take no memory of their own.
pub fn folded(name: &str) -> Cow<'_, str> {
    // All bytes are looked at, as that is done many at a time.
    if name.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Sixteen bytes of a name, or fewer and NULs behind them, as [`fold`] has them: as one number, and all at once.
pub const fn fold_bytes(bytes: [u8; 16]) -> u128 {
    const fn each(byte: u8) -> u128 {
        u128::from_ne_bytes([byte; 16])
    }
    let name = u128::from_le_bytes(bytes);
    // The highest bit of each byte is free to tell, of the others, from which number on they are.
    let others = name & each(0x7f);
    let from_a = others + each(0x80 - b'A');
    let behind_z = others + each(0x7f - b'Z');
    let capital = from_a & !behind_z & !name & each(0x80);
    name | capital >> 2
}

/// Whether two names are the same (`CASEMAPPING=ascii`).
pub fn same(a: &str, b: &str) -> bool {
    // Most names are written as they are kept, which takes less time to see.
    a == b || a.eq_ignore_ascii_case(b)
}

/// Whether `text` may be a nick: a letter or one of ``[]\`_^{|}``, then these, digits and `-`,
/// at most `max` bytes in all (RFC 2812 section 2.3.1).
pub fn is_nick(text: &str, max: u32) -> bool {
    let special = |byte: u8| matches!(byte, b'['..=b'`' | b'{'..=b'}');
    let first = |byte: u8| byte.is_ascii_alphabetic() || special(byte);
    match text.as_bytes() {
        [head, tail @ ..] => {
            text.len() <= max as usize
                && first(*head)
                && tail.iter().all(|&byte| first(byte) || byte.is_ascii_digit() || byte == b'-')
        }
        [] => false,
    }
}

/// Whether `text` may be a channel: `#`, then anything but controls, space and comma, at most `max` bytes
/// in all (RFC 2812 section 1.3). Spaces of Unicode are refused as well: they make names that look alike.
pub fn is_channel(text: &str, max: u32) -> bool {
    text.len() <= max as usize
        && text.len() > 1
        && is_channel_like(text)
        && !text.chars().any(|char| char == ',' || char.is_control() || char.is_whitespace())
}

/// Whether a target means a channel, valid or not.
pub fn is_channel_like(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| CHANNEL_TYPES.as_bytes().contains(&first))
}

/// The user name that others see for the one given with USER: `~`, because nobody has vouched for it, and
/// what is harmless of it, at most `max` bytes in all. `None` when nothing is left.
pub fn user_name(given: &str, max: u32) -> Option<String> {
    let mut name = String::from("~");
    let harmless =
        given.chars().filter(|char| char.is_ascii_alphanumeric() || "-_.[]{}\\^|`".contains(*char));
    name.extend(harmless.take((max as usize).saturating_sub(1)));
    (name.len() > 1).then_some(name)
}

/// An address as a host in `nick!user@host`. One that would begin with a colon gets a zero in front, because
/// a parameter must not begin with one.
pub fn host(address: IpAddr) -> String {
    let text = address.to_string();
    if text.starts_with(':') { format!("0{text}") } else { text }
}

/// Whether `name` can name a server: labels of letters, digits and inner hyphens, with at least one dot,
/// at most [`HOST_LENGTH`] bytes (RFC 1123 section 2.1; Modern IRC).
pub fn is_server(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= HOST_LENGTH
        && name.contains('.')
        && name.strip_suffix('.').unwrap_or(name).split('.').all(label)
}

/// The parts of `nick!user@host`; user and host may be missing.
pub fn split_source(source: &str) -> (&str, Option<&str>, Option<&str>) {
    // As nearly always: a nick.
    if memchr::memchr2(b'!', b'@', source.as_bytes()).is_none() {
        return (source, None, None);
    }
    let (left, host) = match source.rsplit_once('@') {
        Some((left, host)) => (left, Some(host)),
        None => (source, None),
    };
    match left.split_once('!') {
        Some((nick, user)) => (nick, Some(user), host),
        None => (left, None, host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_as_it_is_kept() {
        for name in ["", "#rust", "#RuSt", "Éa[", "ÉA["] {
            assert_eq!(folded(name), fold(name));
        }
        assert!(matches!(folded("#rüst"), Cow::Borrowed(_)));
    }

    #[test]
    fn all_bytes_are_folded_at_once_as_they_are_one_by_one() {
        for byte in 0..=u8::MAX {
            for at in 0..16 {
                let mut bytes = *b"@AZ[`az{\0\x7f\x80\xc1\xda\xff#9";
                bytes[at] = byte;
                assert_eq!(fold_bytes(bytes).to_le_bytes(), bytes.map(|byte| byte.to_ascii_lowercase()));
            }
        }
    }

    #[test]
    fn nicks_are_those_of_the_rfc() {
        for good in ["a", "Alice", "[x]", "a-1", "`_^{|}\\", "x2345678901234567890123456789x"] {
            assert!(is_nick(good, 30), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "a!b", "a@b", "*", "é", "#a", "a,b", "a.b", "a:b", "a\0"] {
            assert!(!is_nick(bad, 30), "{bad}");
        }
        assert!(!is_nick(&"a".repeat(31), 30));
    }

    #[test]
    fn channels_may_be_any_text_without_separators() {
        for good in ["#a", "##", "#é€", "#a:b", "#!"] {
            assert!(is_channel(good, 64), "{good}");
        }
        for bad in ["", "#", "a", "#a,b", "#a b", "#a\u{7}", "#a\0", "&a", "#a\u{a0}b", "#a\u{85}"] {
            assert!(!is_channel(bad, 64), "{bad:?}");
        }
        assert!(!is_channel(&format!("#{}", "a".repeat(64)), 64));
    }

    #[test]
    fn user_names_keep_what_is_harmless() {
        assert_eq!(user_name("alice", 10).as_deref(), Some("~alice"));
        assert_eq!(user_name("a b@c!d é*", 10).as_deref(), Some("~abcd"));
        assert_eq!(user_name("abcdefghij", 5).as_deref(), Some("~abcd"));
        assert_eq!(user_name("@@ !", 10), None);
    }

    #[test]
    fn hosts_never_begin_with_a_colon() {
        assert_eq!(host("::1".parse().unwrap()), "0::1");
        assert_eq!(host("127.0.0.1".parse().unwrap()), "127.0.0.1");
        assert_eq!(host("2001:db8::1".parse().unwrap()), "2001:db8::1");
    }
}
