//! One message from a client, taken apart without copying (RFC 1459 section 2.3.1, IRCv3 message-tags).

use std::collections::BTreeSet;

use super::limits::PARAMS;

/// A message, borrowed from the line it was parsed from.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The tags as they were sent, without `@`; empty if there are none.
    pub tags: Tags<'a>,
    /// The source, without `:`. Clients have no business sending one; the server ignores it.
    pub source: Option<&'a str>,
    /// The command, in the case it was sent in.
    pub command: &'a str,
    params: [&'a str; PARAMS],
    count: usize,
}

impl<'a> Message<'a> {
    /// Parses a line without its CR LF. `None` if there is no command in it.
    ///
    /// Any number of spaces separates the parts. The parameter that begins with `:`, or else the
    /// fifteenth, takes the rest of the line.
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut rest = skip_spaces(line);
        let mut tags = Tags("");
        if let Some(after) = rest.strip_prefix('@') {
            let at = memchr::memchr(b' ', after.as_bytes()).unwrap_or(after.len());
            let (word, after) = after.split_at(at);
            (tags, rest) = (Tags(word), skip_spaces(after));
        }
        let mut source = None;
        if let Some(after) = rest.strip_prefix(':') {
            let (word, after) = split_word(after);
            (source, rest) = (Some(word), after);
        }
        let (command, mut rest) = split_word(rest);
        if command.is_empty() {
            return None;
        }
        let mut message = Self { tags, source, command, params: [""; PARAMS], count: 0 };
        while !rest.is_empty() && message.count < PARAMS {
            let (param, after) = match rest.strip_prefix(':') {
                Some(trailing) => (trailing, ""),
                None if message.count == PARAMS - 1 => (rest, ""),
                None => split_word(rest),
            };
            message.params[message.count] = param;
            message.count += 1;
            rest = after;
        }
        Some(message)
    }

    /// The parameters.
    pub fn params(&self) -> &[&'a str] {
        &self.params[..self.count]
    }

    /// The parameter at `index`, counted from 0, if it was given.
    pub fn get(&self, index: usize) -> Option<&'a str> {
        self.params().get(index).copied()
    }

    /// The parameter at `index`, or the empty string: for those that dispatch has made sure of.
    pub fn arg(&self, index: usize) -> &'a str {
        self.params[index]
    }
}

/// The word up to the next space, and what follows the spaces after it.
fn split_word(text: &str) -> (&str, &str) {
    // Words are short: a search for many bytes at a time would take longer to begin.
    match text.bytes().position(|byte| byte == b' ') {
        Some(at) => {
            let (word, rest) = text.split_at(at);
            (word, skip_spaces(rest))
        }
        None => (text, ""),
    }
}

fn skip_spaces(text: &str) -> &str {
    &text[text.bytes().take_while(|&byte| byte == b' ').count()..]
}

/// The tags of a message, as they were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags<'a>(pub &'a str);

impl<'a> Tags<'a> {
    /// Keys and values, the values still escaped; a tag without a value has an empty one.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.split(';').filter(|tag| !tag.is_empty()).map(|tag| tag.split_once('=').unwrap_or((tag, "")))
    }

    /// The unescaped value of the last tag of that name (the last one counts where a name is repeated).
    pub fn get(self, key: &str) -> Option<String> {
        self.iter().filter(|(name, _)| *name == key).last().map(|(_, value)| unescape(value))
    }

    /// The client-only tags with valid names that `allowed` lets pass (it is asked without the `+`), byte for byte as they
    /// were sent, joined with `;`. Of a name that is repeated the last one counts, and others are shown that one only
    /// (IRCv3 message-tags, "Format").
    pub fn client_only(self, allowed: impl Fn(&str) -> bool) -> String {
        let name = |tag: &'a str| tag.split_once('=').map_or(tag, |(name, _)| name);
        let mut seen = BTreeSet::new();
        let passes = |name: &str| is_client_only_key(name) && allowed(&name[1..]);
        let mut kept: Vec<&str> = self.0.split(';').filter(|tag| passes(name(tag))).collect();
        kept.reverse();
        kept.retain(|tag| seen.insert(name(tag)));
        kept.reverse();
        kept.join(";")
    }
}

/// `+`, an optional vendor (a host name) and `/`, then letters, digits and hyphens
/// (IRCv3 message-tags, "Format").
fn is_client_only_key(key: &str) -> bool {
    let Some(name) = key.strip_prefix('+') else { return false };
    let (vendor, name) = name.split_once('/').unwrap_or(("v", name));
    let letters = |text: &str, dots: bool| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || (dots && b == b'.'))
    };
    letters(vendor, true) && letters(name, false)
}

/// Undoes the escaping of a tag's value (IRCv3 message-tags, "Escaping values"). An escape that means
/// nothing stands for its character; a lone backslash at the end is dropped.
fn unescape(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some(':') => plain.push(';'),
            Some('s') => plain.push(' '),
            Some('r') => plain.push('\r'),
            Some('n') => plain.push('\n'),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifteenth_parameter_takes_the_rest() {
        let message = Message::parse("C 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 and more").unwrap();
        assert_eq!(message.params().len(), 15);
        assert_eq!(message.arg(14), "15 and more");
    }

    #[test]
    fn lines_without_a_command_are_no_messages() {
        for line in ["", "   ", "@a=b", "@a=b ", ":src", ":src  ", "@a :b "] {
            assert!(Message::parse(line).is_none(), "{line:?}");
        }
    }

    #[test]
    fn client_only_tags_are_kept_to_the_byte_and_others_dropped() {
        let kept = |tags| Tags(tags).client_only(|name| name != "denied");
        assert_eq!(kept("+a=\\b;c=d;+example.com/e;time=x;+f="), "+a=\\b;+example.com/e;+f=");
        assert_eq!(kept("account=root;msgid=1"), "");
        assert_eq!(kept("+a=1;+b;+a;+A=3;+a=2"), "+b;+A=3;+a=2");
        assert_eq!(kept("+denied=1;+a;+denied;+Denied;+x/denied"), "+a;+Denied;+x/denied");
        assert_eq!(kept("+;+/x;+a/;+b c;+ü=1;;"), "");
    }
}
