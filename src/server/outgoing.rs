//! From what happened to bytes: a line is encoded once per form that some recipient needs.

use std::fmt;
use std::io::Write;

use crate::outbox::{Outbox, Span};
use crate::proto::caps::Caps;
use crate::proto::limits::LINE;
use crate::proto::text::{Iso, truncate_bytes};

/// What happened, with everything that any recipient could be shown of it.
pub(super) struct Draft<'a> {
    /// The server's name, or `nick!user@host`.
    pub(super) source: &'a str,
    /// Client-only tags, byte for byte; empty if there are none.
    pub(super) tags: &'a str,
    /// Only recipients with these capabilities get it.
    pub(super) needs: Caps,
    /// Command and parameters.
    pub(super) body: fmt::Arguments<'a>,
}

impl<'a> Draft<'a> {
    /// A line without tags, for everybody.
    pub(super) fn plain(source: &'a str, body: fmt::Arguments<'a>) -> Self {
        Self { source, tags: "", needs: Caps::NONE, body }
    }
}

/// The `time` tag of a turn, written when the first recipient needs it.
#[derive(Default)]
pub(super) struct Stamp {
    unix_ms: u64,
    text: String,
}

impl Stamp {
    /// The turn's time as text.
    pub(super) fn at(&mut self, unix_ms: u64) -> &str {
        if self.text.is_empty() || self.unix_ms != unix_ms {
            self.unix_ms = unix_ms;
            self.text = Iso(unix_ms).to_string();
        }
        &self.text
    }
}

/// The forms of one draft that were encoded so far. At most one for each combination of the capabilities that
/// can make a difference to it.
pub(super) struct Forms<'a> {
    draft: Draft<'a>,
    relevant: Caps,
    known: [Option<(Caps, Span)>; FORMS],
    count: usize,
}

/// Combinations of the capabilities that [`encode`] looks at.
const FORMS: usize = 4;

impl<'a> Forms<'a> {
    /// Begins with none encoded.
    pub(super) fn new(draft: Draft<'a>) -> Self {
        let tagged = if draft.tags.is_empty() { Caps::NONE } else { Caps::MESSAGE_TAGS };
        Self { draft, relevant: Caps::SERVER_TIME.with(tagged), known: [None; FORMS], count: 0 }
    }

    /// Gives whoever is in `slot` the form that is theirs, if there is one. All that is sent with a source goes
    /// through here.
    #[inline]
    pub(super) fn send(&mut self, slot: u32, out: &mut Outbox, stamp: &mut Stamp, unix_ms: u64) {
        if let Some(span) = self.span(out.caps(slot), out, stamp, unix_ms) {
            out.send(slot, span);
        }
    }

    /// The form for a recipient with these capabilities; `None` if it is not for them.
    #[inline]
    fn span(&mut self, caps: Caps, out: &mut Outbox, stamp: &mut Stamp, unix_ms: u64) -> Option<Span> {
        if !caps.has(self.draft.needs) {
            return None;
        }
        let caps = caps.masked(self.relevant);
        if let Some((_, span)) = self.known.iter().flatten().find(|(known, _)| *known == caps) {
            return Some(*span);
        }
        let time = if caps.has(Caps::SERVER_TIME) { stamp.at(unix_ms) } else { "" };
        let span = out.encode(|arena| encode(arena, &self.draft, caps, time));
        // Beyond that many combinations a form is encoded again; it is never a reason to stop.
        if let Some(free) = self.known.get_mut(self.count) {
            *free = Some((caps, span));
            self.count += 1;
        }
        Some(span)
    }
}

/// Writes one form of a draft. What is longer than a line may be is cut between two characters.
fn encode(arena: &mut Vec<u8>, draft: &Draft<'_>, caps: Caps, time: &str) {
    let mut lead = b'@';
    if !time.is_empty() {
        push(arena, &[&[lead], b"time=", time.as_bytes()]);
        lead = b';';
    }
    if caps.has(Caps::MESSAGE_TAGS) && !draft.tags.is_empty() {
        push(arena, &[&[lead], draft.tags.as_bytes()]);
        lead = b';';
    }
    if lead == b';' {
        arena.push(b' ');
    }
    let start = arena.len();
    push(arena, &[b":", draft.source.as_bytes(), b" "]);
    finish(arena, start, draft.body);
}

/// Writes a line without tags and source, cut in the same way.
pub(super) fn encode_bare(arena: &mut Vec<u8>, line: fmt::Arguments<'_>) {
    finish(arena, arena.len(), line);
}

/// Completes the line that begins at `start`, tags not counted.
fn finish(arena: &mut Vec<u8>, start: usize, body: fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = arena.write_fmt(body);
    truncate_bytes(arena, start + LINE - 2);
    arena.extend_from_slice(b"\r\n");
}

fn push(arena: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        arena.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(draft: Draft<'_>, caps: Caps) -> Option<String> {
        let mut out = Outbox::default();
        out.open(0, 10_000);
        let span = Forms::new(draft).span(caps, &mut out, &mut Stamp::default(), 0)?;
        out.send(0, span);
        let bytes: Vec<u8> = out.spans(0).flatten().copied().collect();
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn tags_are_for_those_who_asked() {
        let all = Caps::SERVER_TIME.with(Caps::MESSAGE_TAGS);
        let draft = || Draft {
            source: "a!b@c",
            tags: "+x=1",
            needs: Caps::NONE,
            body: format_args!("PRIVMSG #d :e"),
        };
        for (caps, line) in [
            (Caps::NONE, ":a!b@c PRIVMSG #d :e\r\n"),
            (Caps::MESSAGE_TAGS, "@+x=1 :a!b@c PRIVMSG #d :e\r\n"),
            (Caps::SERVER_TIME, "@time=1970-01-01T00:00:00.000Z :a!b@c PRIVMSG #d :e\r\n"),
            (all, "@time=1970-01-01T00:00:00.000Z;+x=1 :a!b@c PRIVMSG #d :e\r\n"),
        ] {
            assert_eq!(encoded(draft(), caps).as_deref(), Some(line));
        }
    }

    #[test]
    fn a_line_is_cut_between_characters_and_tags_do_not_count() {
        let text = "é".repeat(300);
        let line = encoded(Draft::plain("a", format_args!("N b :{text}")), Caps::SERVER_TIME).unwrap();
        let body = line.split_once(' ').unwrap().1;
        assert!(body.len() <= LINE && body.len() > LINE - 3 && body.ends_with("é\r\n"));
    }

    #[test]
    fn equal_recipients_share_bytes() {
        let mut out = Outbox::default();
        let mut stamp = Stamp::default();
        let mut forms = Forms::new(Draft::plain("a", format_args!("N b :c")));
        let mut span = |caps| forms.span(caps, &mut out, &mut stamp, 0);
        assert_eq!(span(Caps::NONE), span(Caps::MULTI_PREFIX.with(Caps::MESSAGE_TAGS)));
        assert_ne!(span(Caps::NONE), span(Caps::SERVER_TIME));
        assert_eq!(forms.count, 2);
    }

    #[test]
    fn what_needs_a_capability_is_not_for_others() {
        let draft =
            || Draft { source: "a", tags: "+x", needs: Caps::MESSAGE_TAGS, body: format_args!("TAGMSG b") };
        assert_eq!(encoded(draft(), Caps::SERVER_TIME), None);
        assert!(encoded(draft(), Caps::MESSAGE_TAGS).is_some());
    }
}
