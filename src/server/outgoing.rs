//! From what happened to bytes: a line is encoded once per form that some recipient needs.

use std::fmt::{self, Write as _};
use std::rc::Rc;

use super::multiline::Lines;
use crate::outbox::{Outbox, Shelf, Span};
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

impl MessageId {
    /// Twenty letters and digits: in the order of time as far as the system's clock goes forwards.
    fn text(self) -> String {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut text = String::with_capacity(20);
        for (value, length) in [(self.unix_ms, 9_u32), (self.number, 7), (self.run, 4)] {
            let places = (0..length).rev();
            text.extend(
                places.map(|place| char::from(DIGITS[(value >> (5 * place)) as usize % DIGITS.len()])),
            );
        }
        text
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
    /// Command and parameters.
    body: Body<'a>,
    /// Command and parameters for recipients with these capabilities, instead of `body`.
    richer: Option<(Caps, fmt::Arguments<'a>)>,
    /// A message of several lines, instead of `body`.
    lines: Option<&'a Multiline<'a>>,
}

/// Command and parameters of a line.
#[derive(Clone, Copy)]
enum Body<'a> {
    Written(fmt::Arguments<'a>),
    /// To be copied one behind the other, which is the most of what is said and cheaper.
    Words(&'a [&'a str]),
    /// A numeric, the nick that it is for, and its other parameters.
    Reply(u16, &'a str, fmt::Arguments<'a>),
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
            body: Body::Written(body),
            richer: None,
            lines: None,
        }
    }

    /// A numeric.
    pub(super) fn reply(source: &'a str, code: u16, nick: &'a str, parameters: fmt::Arguments<'a>) -> Self {
        Self { body: Body::Reply(code, nick, parameters), ..Self::plain(source, format_args!("")) }
    }

    /// Something that somebody did.
    pub(super) fn event(source: &'a Source, body: fmt::Arguments<'a>) -> Self {
        Self { event: Some(source), ..Self::plain(&source.mask, body) }
    }

    /// The same for what is in pieces, one behind the other, and happens often.
    pub(super) fn words(source: &'a Source, words: &'a [&'a str]) -> Self {
        Self { body: Body::Words(words), ..Self::event(source, format_args!("")) }
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

    /// With another body for recipients with all of these capabilities.
    pub(super) fn or(self, caps: Caps, body: fmt::Arguments<'a>) -> Self {
        Self { richer: Some((caps, body)), ..self }
    }

    /// The capabilities that make a difference to how this is rendered, or whether it is.
    fn decisive(&self) -> Caps {
        self.relevant().with(self.needs)
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
    decisive: Caps,
    /// Whether it is for one recipient.
    own: bool,
    /// Combinations, and what is for those who have them.
    known: [(Caps, Option<Span>); FORMS],
    count: usize,
    /// What the first recipient was given, and the last one who was not given the same: most often the next one is given
    /// one of the two.
    likely: [Option<(Caps, Span)>; 2],
}

/// Combinations of capabilities whose forms are remembered. Most drafts have no more than four.
const FORMS: usize = 8;

impl<'a> Forms<'a> {
    /// Begins with none encoded.
    pub(super) fn new(draft: Draft<'a>) -> Self {
        let decisive = draft.decisive();
        Self { draft, decisive, own: false, known: [(Caps::NONE, None); FORMS], count: 0, likely: [None; 2] }
    }

    /// The same for a draft that one recipient alone gets.
    pub(super) fn own(draft: Draft<'a>) -> Self {
        Self { own: true, ..Self::new(draft) }
    }

    /// Gives whoever is in `slot` the form that is theirs, if there is one. All that is sent with a source goes
    /// through here.
    #[inline]
    pub(super) fn send(&mut self, slot: u32, out: &mut Outbox, stamp: &mut Stamp, unix_ms: u64) {
        if let Some((caps, span)) = self.likely[0]
            && out.send_if(slot, self.decisive, caps, span)
        {
            return;
        }
        self.send_other(slot, out, stamp, unix_ms);
    }

    /// The same for one who is not given what the first one was.
    #[inline(never)]
    fn send_other(&mut self, slot: u32, out: &mut Outbox, stamp: &mut Stamp, unix_ms: u64) {
        if let Some((caps, span)) = self.likely[1]
            && out.send_if(slot, self.decisive, caps, span)
        {
            return;
        }
        let caps = out.caps(slot).masked(self.decisive);
        if let Some(span) = self.span(caps, out, stamp, unix_ms) {
            self.likely[usize::from(self.likely[0].is_some())] = Some((caps, span));
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
        let caps = caps.masked(self.decisive);
        match self.known.iter().take(self.count).find(|(known, _)| *known == caps) {
            Some((_, form)) => *form,
            None => self.new_form(caps, out, stamp, unix_ms),
        }
    }

    /// The form for recipients with a combination that is met for the first time.
    #[inline(never)]
    fn new_form(&mut self, caps: Caps, out: &mut Outbox, stamp: &mut Stamp, unix_ms: u64) -> Option<Span> {
        let form = if !caps.has(self.draft.needs) {
            None
        } else if self.draft.lines.is_some() && !caps.has(MULTILINE) && caps.masked(MULTILINE) != Caps::NONE {
            // One of the two alone makes no difference, and no form of its own.
            self.span(caps.without(MULTILINE), out, stamp, unix_ms)
        } else {
            let time = if caps.has(Caps::SERVER_TIME) { stamp.at(unix_ms) } else { "" };
            let shelf = if self.own { Shelf::Own } else { Shelf::Form(caps) };
            Some(out.encode(shelf, |arena| encode(arena, &self.draft, caps, time)))
        };
        // Beyond that many combinations a form is encoded again; it is never a reason to stop.
        if let Some(free) = self.known.get_mut(self.count) {
            *free = (caps, form);
            self.count += 1;
        }
        form
    }
}

/// Writes one form of a draft. What is longer than a line may be is cut between two characters.
fn encode(arena: &mut Vec<u8>, draft: &Draft<'_>, caps: Caps, time: &str) {
    if let Some(message) = draft.lines {
        return encode_lines(arena, draft, message, caps, time);
    }
    encode_tags(arena, draft, caps, time, true);
    match draft.richer {
        Some((richer, body)) if caps.has(richer) => encode_line(arena, draft, Body::Written(body)),
        _ => encode_line(arena, draft, draft.body),
    }
}

/// Writes one form of a message of several lines.
fn encode_lines(arena: &mut Vec<u8>, draft: &Draft<'_>, message: &Multiline<'_>, caps: Caps, time: &str) {
    let Multiline { reference, command, target, lines } = message;
    if caps.has(MULTILINE) {
        encode_tags(arena, draft, caps, time, true);
        encode_line(arena, draft, Body::Words(&["BATCH +", reference, " draft/multiline ", target]));
        for (line, joined) in lines.iter() {
            push(arena, &[b"@batch=", reference.as_bytes()]);
            push(arena, &[if joined { b";draft/multiline-concat " } else { b" " }]);
            encode_line(arena, draft, Body::Words(&[command, " ", target, " :", line]));
        }
        encode_line(arena, draft, Body::Words(&["BATCH -", reference]));
        return;
    }
    // Blank lines would be no messages ("Fallback").
    for (index, (line, _)) in lines.iter().filter(|(line, _)| !line.is_empty()).enumerate() {
        encode_tags(arena, draft, caps, time, index == 0);
        encode_line(arena, draft, Body::Words(&[command, " ", target, " :", line]));
    }
}

/// Writes the tags of a line. What only the first line of an event has is its id, and what the client added.
fn encode_tags(arena: &mut Vec<u8>, draft: &Draft<'_>, caps: Caps, time: &str, first: bool) {
    if caps == Caps::NONE {
        return;
    }
    let mut tags = Tags { arena, any: false };
    if !time.is_empty() {
        tags.add("time=", time);
    }
    if let Some(event) = draft.event {
        if caps.has(Caps::MESSAGE_TAGS) && draft.identified && first {
            tags.add("msgid=", &event.id.text());
        }
        if let (true, Some(account)) = (caps.has(Caps::ACCOUNT_TAG), &event.account) {
            tags.add("account=", account);
        }
        if caps.has(Caps::MESSAGE_TAGS) && event.bot {
            tags.add("bot", "");
        }
        if caps.has(Caps::OPER_TAG) && event.operator {
            tags.add("draft/oper", "");
        }
    }
    if caps.has(Caps::MESSAGE_TAGS) && !draft.tags.is_empty() && first {
        tags.add("", draft.tags);
    }
    tags.end();
}

/// Writes source and body of a line.
fn encode_line(arena: &mut Vec<u8>, draft: &Draft<'_>, body: Body<'_>) {
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
    fn add(&mut self, key: &str, value: &str) {
        self.arena.push(if self.any { b';' } else { b'@' });
        self.any = true;
        push(self.arena, &[key.as_bytes(), value.as_bytes()]);
    }

    fn end(self) {
        if self.any {
            self.arena.push(b' ');
        }
    }
}

/// Writes a line without tags and source, cut in the same way.
pub(super) fn encode_bare(arena: &mut Vec<u8>, line: fmt::Arguments<'_>) {
    finish(arena, arena.len(), Body::Written(line));
}

/// Completes the line that begins at `start`, tags not counted.
fn finish(arena: &mut Vec<u8>, start: usize, body: Body<'_>) {
    match body {
        Body::Written(body) => write(arena, body),
        Body::Words(words) => words.iter().for_each(|word| arena.extend_from_slice(word.as_bytes())),
        Body::Reply(code, nick, parameters) => {
            let digits = [code / 100, code / 10 % 10, code % 10].map(|digit| b'0' + digit as u8);
            push(arena, &[&digits, b" ", nick.as_bytes(), b" "]);
            write(arena, parameters);
        }
    }
    truncate_bytes(arena, start + LINE - 2);
    arena.extend_from_slice(b"\r\n");
}

/// The arena as text, which cannot fail: what [`std::io::Write`] has for errors would cost more than what is written.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

fn write(arena: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = Text(arena).write_fmt(text);
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
        let ids = ids.map(|(unix_ms, number)| MessageId { unix_ms, number, run: 9 }.text());
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
    fn everybody_gets_the_form_that_is_theirs_whoever_was_before() {
        let (time, other, needed) = (Caps::SERVER_TIME, Caps::MULTI_PREFIX, Caps::CHGHOST);
        let of = [Caps::NONE, other, time, Caps::NONE, Caps::CHGHOST, time.with(other), time, Caps::CHGHOST];
        let of = of.map(|caps| if caps == needed { time } else { caps.with(needed) });
        let mut out = Outbox::default();
        let mut stamp = Stamp::default();
        for (slot, caps) in (0..).zip(of) {
            out.open(slot, 1000);
            out.set_caps(slot, caps);
        }
        for _ in 0..2 {
            let mut forms = Forms::new(Draft::plain("a", format_args!("N b :c")).needing(needed));
            (0..of.len() as u32).for_each(|slot| forms.send(slot, &mut out, &mut stamp, 0));
        }
        for (slot, caps) in (0..).zip(of) {
            let line = match () {
                () if !caps.has(needed) => "",
                () if caps.has(time) => "@time=1970-01-01T00:00:00.000Z :a N b :c\r\n",
                () => ":a N b :c\r\n",
            };
            let got: Vec<u8> = out.spans(slot).flatten().copied().collect();
            assert_eq!(String::from_utf8(got).unwrap(), line.repeat(2), "{caps:?}");
        }
        assert_eq!(out.encoded(), 4);
    }

    #[test]
    fn what_several_hear_is_one_span_whatever_their_capabilities_and_what_others_are_told_between() {
        fn tell(text: &str, own: bool, out: &mut Outbox, slots: std::ops::Range<u32>) {
            let body = format_args!("N b :{text}");
            let draft = Draft::plain("a", body);
            let mut forms = if own { Forms::own(draft) } else { Forms::new(draft) };
            slots.for_each(|slot| forms.send(slot, out, &mut Stamp::default(), 0));
        }
        let mut out = Outbox::default();
        for (slot, caps) in (0..).zip([Caps::NONE, Caps::SERVER_TIME, Caps::SERVER_TIME, Caps::NONE]) {
            out.open(slot, 10_000);
            out.set_caps(slot, caps);
        }
        for text in ["one", "two", "three"] {
            tell(text, false, &mut out, 0..4);
            tell("reply", true, &mut out, 3..4);
        }
        let spans = |slot| out.spans(slot).count();
        assert_eq!([spans(0), spans(1), spans(2), spans(3)], [1, 1, 1, 6]);
    }

    #[test]
    fn what_needs_a_capability_is_not_for_others() {
        let draft = || Draft::plain("a", format_args!("TAGMSG b")).tagged("+x").needing(Caps::MESSAGE_TAGS);
        assert_eq!(encoded(draft(), Caps::SERVER_TIME), None);
        assert!(encoded(draft(), Caps::MESSAGE_TAGS).is_some());
    }
}
