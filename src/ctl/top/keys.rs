//! Keys from the bytes that a terminal sends for them.

/// A key, with what is held down beside it where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl, in lower case.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Backspace.
    Backspace,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first.
    Home,
    /// The last.
    End,
}

/// The longest sequence that is waited for, in bytes; a longer one is none.
const LONGEST: usize = 32;

/// Takes bytes as they come, which may be in the middle of a key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    rest: Vec<u8>,
}

impl Keys {
    /// The keys of what has come.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.rest.extend_from_slice(bytes);
        let mut keys = Vec::new();
        while !self.rest.is_empty() {
            let Some((length, key)) = first(&self.rest) else { break };
            keys.extend(key);
            self.rest.drain(..length);
        }
        if self.rest.len() > LONGEST {
            self.rest.clear();
        }
        keys
    }

    /// Whether a key has begun that may be another one if more comes.
    pub(super) fn waits(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The key when nothing more has come for a moment: Escape, if it began like that. What else was cut off is nothing.
    pub(super) fn give_up(&mut self) -> Option<Key> {
        let rest = std::mem::take(&mut self.rest);
        (rest == [0x1b]).then_some(Key::Esc)
    }
}

/// The length of the first key, and which it is; none is one that does nothing here. `None` if more must come.
fn first(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    Some(match bytes[0] {
        0x1b => return escape(bytes),
        b'\r' | b'\n' => (1, Some(Key::Enter)),
        b'\t' => (1, Some(Key::Tab)),
        0x08 | 0x7f => (1, Some(Key::Backspace)),
        control @ 0x01..=0x1a => (1, Some(Key::Ctrl(char::from(control + b'a' - 1)))),
        0x00..0x20 => (1, None),
        _ => return character(bytes),
    })
}

/// A character of UTF-8.
fn character(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if bytes.len() < length {
        // What cannot become one any more is not waited for.
        let more = bytes[1..].iter().all(|byte| (0x80..0xc0).contains(byte));
        return (!more).then_some((1, None));
    }
    let char = std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next());
    Some((if char.is_some() { length } else { 1 }, char.map(Key::Char)))
}

/// What begins with Escape: `ESC [ parameters letter`, or `ESC O letter` (ECMA-48 sections 5.4 and 8.3.117).
fn escape(bytes: &[u8]) -> Option<(usize, Option<Key>)> {
    match *bytes.get(1)? {
        b'[' => {
            let end = 2 + bytes[2..].iter().position(|byte| (0x40..0x7f).contains(byte))?;
            let parameters = &bytes[2..end];
            // Another key's beginning is no part of this one.
            if let Some(broken) = parameters.iter().position(|byte| !(0x20..0x40).contains(byte)) {
                return Some((2 + broken, None));
            }
            Some((end + 1, named(bytes[end], parameters)))
        }
        b'O' => Some((3, named(*bytes.get(2)?, &[]))),
        0x1b => Some((1, Some(Key::Esc))),
        // Alt and a key.
        _ => Some((2, None)),
    }
}

fn named(letter: u8, parameters: &[u8]) -> Option<Key> {
    // Shift and the like stand after a semicolon, and change nothing here.
    let number = parameters.split(|byte| *byte == b';').next().unwrap_or_default();
    Some(match (letter, number) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'H', _) | (b'~', b"1" | b"7") => Key::Home,
        (b'F', _) | (b'~', b"4" | b"8") => Key::End,
        (b'Z', _) => Key::BackTab,
        (b'~', b"5") => Key::PageUp,
        (b'~', b"6") => Key::PageDown,
        (b'M', _) => Key::Enter,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        Keys::default().feed(bytes)
    }

    #[test]
    fn characters_and_controls_are_keys() {
        assert_eq!(keys("aé日🦀".as_bytes()), ['a', 'é', '日', '🦀'].map(Key::Char));
        assert_eq!(
            keys(b"\r\t\x7f\x08\x03\x15\x00\x1f"),
            [Key::Enter, Key::Tab, Key::Backspace, Key::Backspace, Key::Ctrl('c'), Key::Ctrl('u')]
        );
        assert_eq!(keys(b"\xff\x80\xc3(a"), [Key::Char('('), Key::Char('a')], "what is no UTF-8 is nothing");
    }

    #[test]
    fn sequences_of_terminals_are_keys() {
        for (bytes, key) in [
            (&b"\x1b[A"[..], Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[1;5B", Key::Down),
            (b"\x1b[Z", Key::BackTab),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6~", Key::PageDown),
            (b"\x1b[H", Key::Home),
            (b"\x1b[1~", Key::Home),
            (b"\x1bOF", Key::End),
            (b"\x1bOM", Key::Enter),
        ] {
            assert_eq!(keys(bytes), [key], "{bytes:?}");
        }
        assert_eq!(keys(b"\x1b[15~\x1b[3~\x1bxq"), [Key::Char('q')], "others do nothing");
    }

    #[test]
    fn a_key_may_come_in_pieces() {
        for bytes in [&b"\x1b[A"[..], b"\x1b[1;2A", b"\x1bOA"] {
            let mut keys = Keys::default();
            let (last, first) = bytes.split_last().unwrap();
            for byte in first {
                assert_eq!(keys.feed(&[*byte]), []);
                assert!(keys.waits());
            }
            assert_eq!(keys.feed(&[*last]), [Key::Up]);
            assert!(!keys.waits());
        }
        let mut keys = Keys::default();
        assert_eq!(keys.feed(&"é".as_bytes()[..1]), []);
        assert_eq!(keys.feed(&"é".as_bytes()[1..]), [Key::Char('é')]);
    }

    #[test]
    fn escape_alone_is_escape_after_a_moment() {
        let mut keys = Keys::default();
        assert_eq!(keys.feed(b"\x1b"), []);
        assert!(keys.waits());
        assert_eq!(keys.give_up(), Some(Key::Esc));
        assert!(!keys.waits());
        assert_eq!((keys.feed(b"\x1b["), keys.give_up()), (vec![], None));
        assert_eq!(keys.feed(b"\x1b\x1b"), [Key::Esc]);
        // An endless sequence is given up.
        keys.feed(b"\x1b[");
        assert_eq!(keys.feed(&[b'1'; 100]), []);
        assert!(!keys.waits());
        assert_eq!(keys.feed(b"\x1b[1\x1b[A"), [Key::Up], "one that is cut off by another");
    }
}
