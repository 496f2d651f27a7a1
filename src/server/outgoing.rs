//! From what happened to bytes: a line is encoded once per form that some recipient needs.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::rc::Rc;

use super::multiline::Lines;
use crate::outbox::{Outbox, Span};
use crate::proto::caps::Caps;
use crate::proto::limits::LINE;
use crate::proto::text::{Iso, truncate_bytes};

/// Who did something, and the id of what they did. Every draft that tells of one event is made with the same source, so
/// that all who hear of it see the same `msgid` (IRCv3 message-ids).
#[derive(Clone)]
pub(super) struct Source {
    /// The server's name, or `nick!user@host`.
    pub(super) mask: Rc<str>,
    /// The account of the user, if they are logged in.
    pub(super) account: Option<Rc<str>>,
    /// The user is marked as a bot.
    pub(super) bot: bool,
    /// The user is a server operator.
    pub(super) operator: bool,
    pub(super) id: MessageId,
}

/// The id of an event, unique over restarts as well: when it happened, which of this run's events it is, and something
/// of the run's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MessageId {
    pub(super) unix_ms: u64,
    pub(super) number: u64,
    pub(super) run: u64,
}

/// Twenty letters and digits: in the order of time as far as the system's clock goes forwards.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        for (value, length) in [(self.unix_ms, 9_u32), (self.number, 7), (self.run, 4)] {
            for place in (0..length).rev() {
                f.write_char(DIGITS[(value >> (5 * place)) as usize % DIGITS.len()].into())?;
            }
        }
        Ok(())
    }
}

/// What happened, with everything that any recipient could be shown of it.
pub(super) struct Draft<'a> {
    /// The server's name, or `nick!user@host`.
    source: &'a str,
    /// What else there is to know of an event; nothing of replies.
    event: Option<&'a Source>,
    /// Whether it has the event's id.
    identified: bool,
    /// Client-only tags, byte for byte; empty if there are none.
    tags: &'a str,
    /// Only recipients with these capabilities get it.
    needs: Caps,
    /// Recipients with these capabilities do not get it; nobody if there are none.
    lacks: Caps,
    /// Command and parameters.
    body: fmt::Arguments<'a>,
    /// Command and parameters for recipients with these capabilities, instead of `body`.
    richer: Option<(Caps, fmt::Arguments<'a>)>,
    /// A message of several lines, instead of `body`.
    lines: Option<&'a Multiline<'a>>,
}

/// A message of several lines (IRCv3 multiline).
pub(super) struct Multiline<'a> {
    /// The reference of the batch.
    pub(super) reference: &'a str,
    /// `PRIVMSG` or `NOTICE`.
    pub(super) command: &'a str,
    pub(super) target: &'a str,
    pub(super) lines: &'a Lines,
}

/// What a recipient must understand to get several lines as one message.
const MULTILINE: Caps = Caps::BATCH.with(Caps::MULTILINE);

impl<'a> Draft<'a> {
    /// A reply, or another line that has no id.
    pub(super) fn plain(source: &'a str, body: fmt::Arguments<'a>) -> Self {
        Self {
            source,
            event: None,
            identified: true,
            tags: "",
            needs: Caps::NONE,
            lacks: Caps::NONE,
            body,
            richer: None,
            lines: None,
        }
    }

    /// Something that somebody did.
    pub(super) fn event(source: &'a Source, body: fmt::Arguments<'a>) -> Self {
        Self { event: Some(source), ..Self::plain(&source.mask, body) }
    }

    /// A reply to one that another caused: whose account it was, and what else there is to know of them, but no id.
    pub(super) fn caused(source: &'a str, by: &'a Source, body: fmt::Arguments<'a>) -> Self {
        Self { event: Some(by), identified: false, ..Self::plain(source, body) }
    }

    /// A message of several lines that somebody sends. It is one batch, or for those who do not know of such messages one
    /// message for each line; in either case one span.
    pub(super) fn multiline(source: &'a Source, message: &'a Multiline<'a>) -> Self {
        Self { lines: Some(message), ..Self::event(source, format_args!("")) }
    }

    /// With client-only tags.
    pub(super) fn tagged(self, tags: &'a str) -> Self {
        Self { tags, ..self }
    }

    /// Only for recipients with all of these capabilities.
    pub(super) fn needing(self, needs: Caps) -> Self {
        Self { needs, ..self }
    }

    /// Only for recipients without these capabilities.
    pub(super) fn lacking(self, lacks: Caps) -> Self {
        Self { lacks, ..self }
    }

    /// With another body for recipients with all of these capabilities.
    pub(super) fn or(self, caps: Caps, body: fmt::Arguments<'a>) -> Self {
        Self { richer: Some((caps, body)), ..self }
    }

    /// The capabilities that make a difference to how this is rendered.
    fn relevant(&self) -> Caps {
        let mut caps = Caps::SERVER_TIME;
        if let Some(event) = self.event {
            caps = caps.with(Caps::MESSAGE_TAGS);
            caps = if event.account.is_some() { caps.with(Caps::ACCOUNT_TAG) } else { caps };
            caps = if event.operator { caps.with(Caps::OPER_TAG) } else { caps };
        } else if !self.tags.is_empty() {
            caps = caps.with(Caps::MESSAGE_TAGS);
        }
        let caps = if self.lines.is_some() { caps.with(MULTILINE) } else { caps };
        self.richer.map_or(caps, |(richer, _)| caps.with(richer))
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

/// Combinations of capabilities whose forms are remembered. Most drafts have no more than four.
const FORMS: usize = 8;

impl<'a> Forms<'a> {
    /// Begins with none encoded.
    pub(super) fn new(draft: Draft<'a>) -> Self {
        let relevant = draft.relevant();
        Self { draft, relevant, known: [None; FORMS], count: 0 }
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
    pub(super) fn span(
        &mut self,
        caps: Caps,
        out: &mut Outbox,
        stamp: &mut Stamp,
        unix_ms: u64,
    ) -> Option<Span> {
        let lacks = self.draft.lacks;
        if !caps.has(self.draft.needs) || (lacks != Caps::NONE && caps.has(lacks)) {
            return None;
        }
        let caps = caps.masked(self.relevant);
        // One of the two alone makes no difference, and no form of its own.
        let caps = if caps.has(MULTILINE) { caps } else { caps.without(MULTILINE) };
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
    if let Some(message) = draft.lines {
        return encode_lines(arena, draft, message, caps, time);
    }
    encode_tags(arena, draft, caps, time, true);
    match draft.richer {
        Some((richer, body)) if caps.has(richer) => encode_line(arena, draft, body),
        _ => encode_line(arena, draft, draft.body),
    }
}

/// Writes one form of a message of several lines.
fn encode_lines(arena: &mut Vec<u8>, draft: &Draft<'_>, message: &Multiline<'_>, caps: Caps, time: &str) {
    let Multiline { reference, command, target, lines } = message;
    if caps.has(MULTILINE) {
        encode_tags(arena, draft, caps, time, true);
        encode_line(arena, draft, format_args!("BATCH +{reference} draft/multiline {target}"));
        for (line, joined) in lines.iter() {
            push(arena, &[b"@batch=", reference.as_bytes()]);
            push(arena, &[if joined { b";draft/multiline-concat " } else { b" " }]);
            encode_line(arena, draft, format_args!("{command} {target} :{line}"));
        }
        encode_line(arena, draft, format_args!("BATCH -{reference}"));
        return;
    }
    // Blank lines would be no messages ("Fallback").
    for (index, (line, _)) in lines.iter().filter(|(line, _)| !line.is_empty()).enumerate() {
        encode_tags(arena, draft, caps, time, index == 0);
        encode_line(arena, draft, format_args!("{command} {target} :{line}"));
    }
}

/// Writes the tags of a line. What only the first line of an event has is its id, and what the client added.
fn encode_tags(arena: &mut Vec<u8>, draft: &Draft<'_>, caps: Caps, time: &str, first: bool) {
    let mut tags = Tags { arena, any: false };
    if !time.is_empty() {
        tags.add(format_args!("time={time}"));
    }
    if let Some(event) = draft.event {
        if caps.has(Caps::MESSAGE_TAGS) && draft.identified && first {
            tags.add(format_args!("msgid={}", event.id));
        }
        if let (true, Some(account)) = (caps.has(Caps::ACCOUNT_TAG), &event.account) {
            tags.add(format_args!("account={account}"));
        }
        if caps.has(Caps::MESSAGE_TAGS) && event.bot {
            tags.add(format_args!("bot"));
        }
        if caps.has(Caps::OPER_TAG) && event.operator {
            tags.add(format_args!("draft/oper"));
        }
    }
    if caps.has(Caps::MESSAGE_TAGS) && !draft.tags.is_empty() && first {
        tags.add(format_args!("{}", draft.tags));
    }
    tags.end();
}

/// Writes source and body of a line.
fn encode_line(arena: &mut Vec<u8>, draft: &Draft<'_>, body: fmt::Arguments<'_>) {
    let start = arena.len();
    push(arena, &[b":", draft.source.as_bytes(), b" "]);
    finish(arena, start, body);
}

/// The tags at the beginning of a line.
struct Tags<'a> {
    arena: &'a mut Vec<u8>,
    any: bool,
}

impl Tags<'_> {
    fn add(&mut self, tag: fmt::Arguments<'_>) {
        self.arena.push(if self.any { b';' } else { b'@' });
        self.any = true;
        // Writing to a Vec cannot fail.
        let _ = self.arena.write_fmt(tag);
    }

    fn end(self) {
        if self.any {
            self.arena.push(b' ');
        }
    }
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

    fn source() -> Source {
        let id = MessageId { unix_ms: 1, number: 32, run: 5 };
        Source { mask: "a!b@c".into(), account: None, bot: false, operator: false, id }
    }

    #[test]
    fn tags_are_for_those_who_asked() {
        let all = Caps::SERVER_TIME.with(Caps::MESSAGE_TAGS);
        let source = source();
        let draft = || Draft::event(&source, format_args!("PRIVMSG #d :e")).tagged("+x=1");
        let id = "msgid=00000000100000100005";
        for (caps, line) in [
            (Caps::NONE, ":a!b@c PRIVMSG #d :e\r\n".to_owned()),
            (Caps::MESSAGE_TAGS, format!("@{id};+x=1 :a!b@c PRIVMSG #d :e\r\n")),
            (Caps::SERVER_TIME, "@time=1970-01-01T00:00:00.000Z :a!b@c PRIVMSG #d :e\r\n".to_owned()),
            (all, format!("@time=1970-01-01T00:00:00.000Z;{id};+x=1 :a!b@c PRIVMSG #d :e\r\n")),
        ] {
            assert_eq!(encoded(draft(), caps), Some(line));
        }
    }

    #[test]
    fn what_is_known_of_a_source_is_for_those_who_asked() {
        let source = Source { account: Some("root".into()), bot: true, operator: true, ..source() };
        let draft = || Draft::event(&source, format_args!("AWAY"));
        for (caps, tags) in [
            (Caps::NONE, ""),
            (Caps::ACCOUNT_TAG, "@account=root "),
            (Caps::OPER_TAG, "@draft/oper "),
            (Caps::MESSAGE_TAGS, "@msgid=00000000100000100005;bot "),
        ] {
            assert_eq!(encoded(draft(), caps), Some(format!("{tags}:a!b@c AWAY\r\n")));
        }
    }

    #[test]
    fn a_richer_body_is_for_those_who_understand_it() {
        let source = source();
        let draft = || {
            let plain = Draft::event(&source, format_args!("JOIN #d"));
            plain.or(Caps::EXTENDED_JOIN, format_args!("JOIN #d * :real"))
        };
        assert_eq!(encoded(draft(), Caps::NONE).as_deref(), Some(":a!b@c JOIN #d\r\n"));
        assert_eq!(encoded(draft(), Caps::EXTENDED_JOIN).as_deref(), Some(":a!b@c JOIN #d * :real\r\n"));
    }

    #[test]
    fn several_lines_are_one_batch_or_as_many_messages_and_one_span() {
        let mut lines = Lines::default();
        for (line, joined) in [("one ", false), ("two", true), ("", false), ("three", false)] {
            lines.push(line, joined);
        }
        let source = Source { bot: true, ..source() };
        let message = Multiline { reference: "b1", command: "PRIVMSG", target: "#d", lines: &lines };
        let draft = || Draft::multiline(&source, &message).tagged("+x");
        let fallback = ":a!b@c PRIVMSG #d :one \r\n:a!b@c PRIVMSG #d :two\r\n:a!b@c PRIVMSG #d :three\r\n";
        for caps in [Caps::NONE, Caps::BATCH, Caps::MULTILINE] {
            assert_eq!(encoded(draft(), caps).as_deref(), Some(fallback));
        }
        let id = "msgid=00000000100000100005";
        assert_eq!(
            encoded(draft(), Caps::MESSAGE_TAGS).unwrap(),
            format!(
                "@{id};bot;+x :a!b@c PRIVMSG #d :one \r\n@bot :a!b@c PRIVMSG #d :two\r\n\
                 @bot :a!b@c PRIVMSG #d :three\r\n"
            )
        );
        assert_eq!(
            encoded(draft(), MULTILINE.with(Caps::MESSAGE_TAGS)).unwrap(),
            format!(
                "@{id};bot;+x :a!b@c BATCH +b1 draft/multiline #d\r\n\
                 @batch=b1 :a!b@c PRIVMSG #d :one \r\n\
                 @batch=b1;draft/multiline-concat :a!b@c PRIVMSG #d :two\r\n\
                 @batch=b1 :a!b@c PRIVMSG #d :\r\n\
                 @batch=b1 :a!b@c PRIVMSG #d :three\r\n:a!b@c BATCH -b1\r\n"
            )
        );
        let mut out = Outbox::default();
        let mut forms = Forms::new(draft());
        let mut span = |caps| forms.span(caps, &mut out, &mut Stamp::default(), 0);
        assert_eq!(span(Caps::NONE), span(Caps::BATCH));
        assert_eq!(span(MULTILINE), span(MULTILINE.with(Caps::MULTI_PREFIX)));
        assert_eq!(out.encoded(), 2);
    }

    #[test]
    fn ids_differ_and_later_ones_sort_behind() {
        let ids = [(1, 1), (1, 2), (2, 0), (1 << 44, 1 << 34)];
        let ids = ids.map(|(unix_ms, number)| MessageId { unix_ms, number, run: 9 }.to_string());
        assert!(ids.is_sorted_by(|a, b| a < b) && ids.iter().all(|id| id.len() == 20));
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
        let draft = || Draft::plain("a", format_args!("TAGMSG b")).tagged("+x").needing(Caps::MESSAGE_TAGS);
        assert_eq!(encoded(draft(), Caps::SERVER_TIME), None);
        assert!(encoded(draft(), Caps::MESSAGE_TAGS).is_some());
    }
}
