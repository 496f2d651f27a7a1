//! What is said in a turn, and to whom: the seam between the server and the sockets.
//!
//! All lines of a turn are encoded once, into one buffer, the *arena*. What a connection gets is a list of [`Span`]s of it. A span
//! that begins where the connection's last one ends merely moves that end, so a channel that everybody in it hears costs one
//! comparison and one store per member, and becomes one `send` at the end of the turn. No line is counted, copied or allocated
//! per recipient. The shell hands each connection its spans once per turn, copies what a socket refuses, or what others come
//! before, to the connection's own queue, and calls [`Outbox::clear`].
//!
//! A connection's send-queue limit is enforced here, when bytes are appended: over it the connection is marked, gets nothing
//! more, and the shell disconnects it in this turn or, if there are many, one of the next.

#[cfg(debug_assertions)]
mod record;

use std::rc::Rc;

use crate::arena::Arena;
use crate::proto::caps::Caps;
use crate::proto::limits::{ARENA_FLUSH, SPANS_FLUSH};

pub use crate::arena::{Shelf, Span};
#[cfg(debug_assertions)]
pub use record::Record;

/// The end of a connection's list of earlier spans.
const NONE: u32 = u32::MAX;

/// Pieces that are kept beyond a turn and looked for again. With more, some are kept more than once.
const KEPT: usize = 16;

/// Earlier spans that a turn needed beyond this number give the memory back afterwards.
const KEEP_EARLIER: usize = 128 * 1024;

/// All a delivery needs to know of its recipient, in little more than half a cache line.
#[derive(Clone, Copy)]
struct Entry {
    /// The latest span of this turn; empty when nothing was sent to this connection.
    last: Span,
    /// The earliest of the spans before `last`, an index into `earlier`, or `NONE`.
    first: u32,
    /// The newest of the spans before `last`.
    newest: u32,
    /// Bytes of this turn.
    bytes: u32,
    /// Bytes of earlier turns that the socket has not taken yet; kept by the shell.
    backlog: u32,
    /// Most that `bytes + backlog` may be. Zero: closed or over its limit, takes nothing.
    limit: u32,
    /// Lines of this turn.
    lines: u32,
    caps: Caps,
}

impl Entry {
    const CLOSED: Self = Self {
        last: Span { start: 0, end: 0 },
        first: NONE,
        newest: NONE,
        bytes: 0,
        backlog: 0,
        limit: 0,
        lines: 0,
        caps: Caps::NONE,
    };
}

impl Entry {
    /// Takes a span that follows the last one, if there is one and room for it.
    #[inline]
    fn extend(&mut self, span: Span) -> bool {
        let waiting = u64::from(self.bytes) + u64::from(span.len()) + u64::from(self.backlog);
        if self.last.end != span.start || self.bytes == 0 || waiting > u64::from(self.limit) {
            return false;
        }
        self.last.end = span.end;
        self.bytes += span.len();
        self.lines += 1;
        true
    }
}

const _: () = assert!(size_of::<Entry>() <= 40);

/// The lines of a turn and their recipients, by slot.
#[derive(Default)]
pub struct Outbox {
    arena: Arena,
    entries: Vec<Entry>,
    /// Spans before a connection's last one, as linked lists: (span, next).
    earlier: Vec<(Span, u32)>,
    dirty: Vec<u32>,
    /// Pieces of this turn that some will be sent later.
    kept: Vec<(Span, Rc<[u8]>)>,
    overflowed: Vec<u32>,
    /// Recipients whose lines are set aside, the innermost last.
    captures: Vec<Capture>,
    /// Most bytes of this turn that one connection got.
    fullest: u32,
    encoded: u64,
    deliveries: u64,
    #[cfg(debug_assertions)]
    record: Option<Record>,
}

/// What is set aside for a recipient, to be given to it in another form.
struct Capture {
    slot: u32,
    /// The limit that holds again afterwards. Meanwhile it is 0, so that other recipients pay nothing for the check.
    limit: u32,
    spans: Vec<Span>,
}

impl Outbox {
    /// Begins to take bytes for `slot`, at most `limit` of them unsent at a time. A slot is reused only after
    /// [`Outbox::clear`]: the shell frees slots at the end of a turn.
    pub fn open(&mut self, slot: u32, limit: u32) {
        if self.entries.len() <= slot as usize {
            self.entries.resize(slot as usize + 1, Entry::CLOSED);
        }
        debug_assert_eq!(self.entries[slot as usize].bytes, 0, "slots are freed between turns");
        self.entries[slot as usize] = Entry { limit, ..Entry::CLOSED };
    }

    /// Takes nothing more for `slot`; what was queued this turn can still be read until [`Outbox::clear`].
    pub fn close(&mut self, slot: u32) {
        self.entries[slot as usize].limit = 0;
        for capture in self.captures.iter_mut().filter(|capture| capture.slot == slot) {
            capture.limit = 0;
        }
    }

    /// Whether `slot` takes bytes: opened, not closed, not over its limit.
    pub fn is_open(&self, slot: u32) -> bool {
        self.entries.get(slot as usize).is_some_and(|entry| entry.limit > 0)
    }

    /// Changes the send-queue limit of an open `slot`, in bytes.
    pub fn set_limit(&mut self, slot: u32, limit: u32) {
        // What is set aside holds the limit for afterwards.
        let aside = self.captures.iter_mut().find(|capture| capture.slot == slot && capture.limit > 0);
        if let Some(capture) = aside {
            capture.limit = limit;
        } else if self.is_open(slot) {
            self.entries[slot as usize].limit = limit;
        }
    }

    /// Notes how many bytes of earlier turns the socket of `slot` has still to take.
    pub fn set_backlog(&mut self, slot: u32, bytes: u32) {
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.backlog = bytes;
        }
    }

    /// Unsent bytes of `slot`, this turn's and earlier ones'.
    pub fn pending(&self, slot: u32) -> u32 {
        self.entries.get(slot as usize).map_or(0, |entry| entry.bytes.saturating_add(entry.backlog))
    }

    /// The capabilities that decide how lines are rendered for `slot`.
    pub fn caps(&self, slot: u32) -> Caps {
        self.entries.get(slot as usize).map_or(Caps::NONE, |entry| entry.caps)
    }

    /// Changes the capabilities that decide how lines are rendered for `slot`.
    pub fn set_caps(&mut self, slot: u32, caps: Caps) {
        if let Some(entry) = self.entries.get_mut(slot as usize) {
            entry.caps = caps;
        }
    }

    /// Appends to the arena what `encode` writes, and names it.
    pub fn encode(&mut self, shelf: Shelf, encode: impl FnOnce(&mut Vec<u8>)) -> Span {
        self.encoded += 1;
        self.arena.encode(shelf, encode)
    }

    /// Gives `span` to `slot`. Costs little when it follows the last one given, as it does for all who hear the same.
    #[inline]
    pub fn send(&mut self, slot: u32, span: Span) {
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        if entry.extend(span) {
            let bytes = entry.bytes;
            self.given(slot, span, bytes);
        } else {
            self.send_apart(slot, span);
        }
    }

    /// The same if the capabilities of `slot` among `decisive` are these; whether they are.
    #[inline]
    pub fn send_if(&mut self, slot: u32, decisive: Caps, caps: Caps, span: Span) -> bool {
        let Some(entry) = self.entries.get_mut(slot as usize) else { return false };
        if entry.caps.masked(decisive) != caps {
            return false;
        }
        if entry.extend(span) {
            let bytes = entry.bytes;
            self.given(slot, span, bytes);
        } else {
            self.send_apart(slot, span);
        }
        true
    }

    /// Counts a span that was given to `slot`, which has so many bytes now.
    #[inline]
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "the record is kept for tests"))]
    fn given(&mut self, slot: u32, span: Span, bytes: u32) {
        self.fullest = self.fullest.max(bytes);
        self.deliveries += 1;
        #[cfg(debug_assertions)]
        if let Some(record) = &mut self.record {
            record.add(slot, self.arena.slice(span));
        }
    }

    /// The same for a span that does not follow the last one given, or cannot be given.
    #[inline(never)]
    fn send_apart(&mut self, slot: u32, span: Span) {
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        let bytes = entry.bytes.saturating_add(span.len());
        if bytes.saturating_add(entry.backlog) > entry.limit {
            if entry.limit > 0 {
                entry.limit = 0;
                self.overflowed.push(slot);
            } else if let Some(capture) = self.captures.iter_mut().rfind(|capture| capture.slot == slot) {
                capture.spans.push(span);
            }
            return;
        }
        if entry.bytes == 0 {
            self.dirty.push(slot);
            entry.last = span;
        } else {
            let index = self.earlier.len() as u32;
            self.earlier.push((entry.last, NONE));
            if entry.first == NONE {
                entry.first = index;
            } else {
                self.earlier[entry.newest as usize].1 = index;
            }
            entry.newest = index;
            entry.last = span;
        }
        entry.bytes = bytes;
        entry.lines += 1;
        self.given(slot, span, bytes);
    }

    /// Sets aside what `slot` is given from now on, until [`Outbox::release`]. May be nested.
    pub fn capture(&mut self, slot: u32) {
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        let limit = std::mem::take(&mut entry.limit);
        self.captures.push(Capture { slot, limit, spans: Vec::new() });
    }

    /// Ends the latest [`Outbox::capture`] of `slot`: what it set aside, which nobody has been given yet.
    pub fn release(&mut self, slot: u32) -> Vec<Span> {
        let Some(index) = self.captures.iter().rposition(|capture| capture.slot == slot) else {
            return Vec::new();
        };
        let capture = self.captures.remove(index);
        self.entries[slot as usize].limit = capture.limit;
        capture.spans
    }

    /// Gives `span` to `slot` although what it gets is being set aside.
    pub fn send_aside(&mut self, slot: u32, span: Span) {
        let Some(index) = self.captures.iter().position(|capture| capture.slot == slot) else {
            return self.send(slot, span);
        };
        // Taken out of the list while it sends: a full queue must overflow and not be set aside.
        let capture = self.captures.remove(index);
        self.entries[slot as usize].limit = capture.limit;
        self.send(slot, span);
        let limit = std::mem::take(&mut self.entries[slot as usize].limit);
        self.captures.insert(index, Capture { limit, ..capture });
    }

    /// Appends a copy of `span` whose first line has one tag more.
    pub fn retag(&mut self, span: Span, tag: &str) -> Span {
        self.arena.retag(span, tag)
    }

    /// Appends a copy of `span` that is in the batch of this tag.
    pub fn enclose(&mut self, span: Span, tag: &str) -> Span {
        self.arena.enclose(span, tag)
    }

    /// Makes one span of several that follow each other in the arena.
    ///
    /// # Panics
    /// When they do not.
    pub fn join(&self, spans: &[Span]) -> Option<Span> {
        let (first, last) = (spans.first()?, spans.last()?);
        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start), "one after the other");
        Some(Span { start: first.start, end: last.end })
    }

    /// The slots that got something since the last [`Outbox::clear`], each once, in order of first delivery.
    pub fn dirty(&self) -> &[u32] {
        &self.dirty
    }

    /// The slots that went over their limit since this was last asked, each once.
    pub fn take_overflowed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.overflowed)
    }

    /// What `slot` got this turn, in order.
    pub fn spans(&self, slot: u32) -> impl Iterator<Item = &[u8]> {
        let entry = self.entries.get(slot as usize).copied().unwrap_or(Entry::CLOSED);
        let mut next = entry.first;
        std::iter::from_fn(move || {
            let (span, after) = *self.earlier.get(next as usize)?;
            next = after;
            Some(span)
        })
        .chain((entry.bytes > 0).then_some(entry.last))
        .map(|span| self.arena.slice(span))
    }

    /// The same if it is all in one piece, as it nearly always is.
    #[inline]
    pub fn only_span(&self, slot: u32) -> Option<&[u8]> {
        let entry = self.entries.get(slot as usize).filter(|entry| entry.first == NONE && entry.bytes > 0)?;
        Some(self.arena.slice(entry.last))
    }

    /// Whether something that `slot` got this turn was for it alone.
    pub fn got_own(&self, slot: u32) -> bool {
        let Some(entry) = self.entries.get(slot as usize).filter(|entry| entry.bytes > 0) else {
            return false;
        };
        let mut next = entry.first;
        let mut span = entry.last;
        while !span.is_own() {
            let Some(&(earlier, after)) = self.earlier.get(next as usize) else { return false };
            (span, next) = (earlier, after);
        }
        true
    }

    /// What `slot` got this turn, to be kept beyond [`Outbox::clear`], if it is in one piece and others got the same: they share
    /// it.
    pub fn keep(&mut self, slot: u32) -> Option<Rc<[u8]>> {
        let entry = self.entries.get(slot as usize).filter(|entry| entry.first == NONE && entry.bytes > 0)?;
        let span = entry.last;
        if span.is_own() {
            return None;
        }
        if let Some((_, bytes)) = self.kept.iter().find(|(kept, _)| *kept == span) {
            return Some(bytes.clone());
        }
        let bytes: Rc<[u8]> = self.arena.slice(span).into();
        if self.kept.len() < KEPT {
            self.kept.push((span, bytes.clone()));
        }
        Some(bytes)
    }

    /// How many bytes `slot` got this turn.
    pub fn bytes(&self, slot: u32) -> u32 {
        self.entries.get(slot as usize).map_or(0, |entry| entry.bytes)
    }

    /// How many lines `slot` was handed this turn.
    pub fn lines(&self, slot: u32) -> u32 {
        self.entries.get(slot as usize).map_or(0, |entry| entry.lines)
    }

    /// Most bytes that one connection got since the last [`Outbox::clear`].
    pub fn fullest(&self) -> u32 {
        self.fullest
    }

    /// Empties the arena after everybody has been handed what is theirs.
    pub fn clear(&mut self) {
        for &slot in &self.dirty {
            let entry = &mut self.entries[slot as usize];
            entry.bytes = 0;
            entry.lines = 0;
            entry.first = NONE;
            entry.newest = NONE;
            entry.last = Span { start: 0, end: 0 };
        }
        self.dirty.clear();
        self.kept.clear();
        self.earlier.clear();
        self.arena.clear();
        self.fullest = 0;
        if self.earlier.capacity() > KEEP_EARLIER {
            self.earlier.shrink_to(KEEP_EARLIER);
        }
    }

    /// Bytes of memory that it keeps for the next turn.
    pub fn kept_bytes(&self) -> usize {
        self.arena.kept_bytes() + self.earlier.capacity() * size_of::<(Span, u32)>()
    }

    /// Gives back what it keeps for the next turn, and what it keeps for slots from `bound` on, none of which is in use.
    /// Between turns.
    pub fn trim(&mut self, bound: u32) {
        debug_assert!(self.dirty.is_empty(), "all was sent when the turn ended");
        self.entries.truncate(bound as usize);
        self.entries.shrink_to_fit();
        self.arena = Arena::default();
        self.earlier = Vec::new();
        self.dirty = Vec::new();
    }

    /// Whether so much was encoded, or handed out in so many pieces, that the shell should flush before it handles more input.
    pub fn is_full(&self) -> bool {
        self.arena.len() >= ARENA_FLUSH || self.earlier.len() >= SPANS_FLUSH
    }

    /// What connections were given since the record was last cleared. From the first call on it is kept; only builds that check
    /// their assertions have it, as a delivery costs others next to nothing.
    #[cfg(debug_assertions)]
    pub fn record(&mut self) -> &mut Record {
        self.record.get_or_insert_default()
    }

    /// Lines encoded since the start, each once for each form that some recipient needed.
    pub fn encoded(&self) -> u64 {
        self.encoded
    }

    /// Lines handed to recipients since the start: the unit of a turn's work.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(outbox: &mut Outbox, text: &str) -> Span {
        outbox.encode(Shelf::Own, |arena| arena.extend_from_slice(text.as_bytes()))
    }

    fn got(outbox: &Outbox, slot: u32) -> Vec<&str> {
        outbox.spans(slot).map(|bytes| std::str::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn what_several_got_alike_is_kept_once() {
        let mut outbox = Outbox::default();
        (0..4).for_each(|slot| outbox.open(slot, 1000));
        let [one, two] = ["one\n", "two\n"].map(|text| {
            outbox.encode(Shelf::Form(Caps::NONE), |arena| arena.extend_from_slice(text.as_bytes()))
        });
        let own = line(&mut outbox, "own\n");
        for (slot, spans) in [(0, &[one, two][..]), (1, &[one, two]), (2, &[two]), (3, &[two, own])] {
            for &span in spans {
                outbox.send(slot, span);
            }
        }
        let kept: Vec<_> = (0..4).map(|slot| outbox.keep(slot)).collect();
        let [Some(first), Some(second), Some(third), None] = &kept[..] else { panic!("{kept:?}") };
        assert!(Rc::ptr_eq(first, second) && !Rc::ptr_eq(first, third));
        outbox.clear();
        assert_eq!((&**first, &**third), (&b"one\ntwo\n"[..], &b"two\n"[..]));
        assert_eq!(Rc::strong_count(first), 2, "the outbox has forgotten it");
    }

    #[test]
    fn neighbouring_spans_merge_and_others_keep_their_order() {
        let mut outbox = Outbox::default();
        for slot in 0..3 {
            outbox.open(slot, 1000);
        }
        let lines: Vec<_> = ["a\n", "b\n", "c\n", "d\n", "e\n"].map(|text| line(&mut outbox, text)).to_vec();
        for &span in &lines {
            outbox.send(0, span);
        }
        for index in [0, 2, 4] {
            outbox.send(1, lines[index]);
        }
        outbox.send(2, lines[3]);
        outbox.send(2, lines[4]);
        outbox.send(2, lines[0]);
        assert_eq!(got(&outbox, 0), ["a\nb\nc\nd\ne\n"]);
        assert_eq!(got(&outbox, 1), ["a\n", "c\n", "e\n"]);
        assert_eq!(got(&outbox, 2), ["d\ne\n", "a\n"]);
        assert_eq!(outbox.dirty(), [0, 1, 2]);
        outbox.clear();
        assert!(outbox.dirty().is_empty());
        assert_eq!(got(&outbox, 1), [""; 0]);
        let again = line(&mut outbox, "f\n");
        outbox.send(1, again);
        assert_eq!(got(&outbox, 1), ["f\n"]);
    }

    #[test]
    fn a_connection_over_its_limit_is_marked_once_and_gets_nothing_more() {
        let mut outbox = Outbox::default();
        outbox.open(0, 5);
        outbox.set_backlog(0, 2);
        let span = line(&mut outbox, "ab\n");
        outbox.send(0, span);
        assert!(outbox.take_overflowed().is_empty());
        outbox.send(0, span);
        outbox.send(0, span);
        assert_eq!(outbox.take_overflowed(), [0]);
        assert!(outbox.take_overflowed().is_empty());
        assert_eq!(got(&outbox, 0), ["ab\n"]);
        assert!(!outbox.is_open(0));
        assert_eq!(outbox.deliveries(), 1);
    }

    #[test]
    fn a_closed_or_unknown_slot_takes_nothing() {
        let mut outbox = Outbox::default();
        outbox.open(0, 100);
        outbox.close(0);
        let span = line(&mut outbox, "x\n");
        outbox.send(0, span);
        outbox.send(99, span);
        assert!(outbox.dirty().is_empty());
        assert!(outbox.take_overflowed().is_empty());
    }

    #[test]
    fn what_is_captured_is_sent_by_whoever_releases_it() {
        let mut outbox = Outbox::default();
        outbox.open(0, 100);
        outbox.open(1, 100);
        let lines = [line(&mut outbox, "@a ax\n"), line(&mut outbox, "bx\n"), line(&mut outbox, "c\n")];
        outbox.capture(0);
        outbox.send(0, lines[0]);
        outbox.send(1, lines[1]);
        outbox.capture(0);
        outbox.send(0, lines[1]);
        outbox.send_aside(0, lines[2]);
        assert_eq!(outbox.release(0), [lines[1]]);
        assert_eq!(outbox.release(0), [lines[0]]);
        assert!(outbox.release(0).is_empty() && outbox.is_open(0));
        assert_eq!((got(&outbox, 0), got(&outbox, 1)), (vec!["c\n"], vec!["bx\n"]));
        let tagged = [outbox.retag(lines[0], "l=1"), outbox.retag(lines[1], "l=1")];
        let joined = outbox.join(&tagged).unwrap();
        outbox.send(1, joined);
        assert_eq!(got(&outbox, 1), ["bx\n", "@l=1;a ax\n@l=1 bx\n"]);
    }

    #[test]
    fn a_queue_overflows_though_its_lines_are_set_aside() {
        let mut outbox = Outbox::default();
        outbox.open(0, 3);
        let span = line(&mut outbox, "ab\n");
        outbox.capture(0);
        outbox.send(0, span);
        outbox.send_aside(0, span);
        outbox.send_aside(0, span);
        assert_eq!(outbox.take_overflowed(), [0]);
        assert_eq!(outbox.release(0), [span]);
        assert!(!outbox.is_open(0));
    }

    #[test]
    fn lines_that_do_not_merge_fill_the_turn_as_well() {
        let mut outbox = Outbox::default();
        outbox.open(0, u32::MAX);
        let lines = [line(&mut outbox, "a\n"), line(&mut outbox, "b\n")];
        for index in 0..=SPANS_FLUSH {
            assert!(!outbox.is_full());
            outbox.send(0, lines[1 - index % 2]);
            if index % 2 == 1 {
                outbox.send(0, lines[0]);
            }
            if outbox.is_full() {
                break;
            }
        }
        assert!(outbox.is_full());
        outbox.clear();
        assert!(!outbox.is_full());
    }

    #[test]
    fn memory_of_a_burst_is_given_back() {
        let mut outbox = Outbox::default();
        outbox.open(0, u32::MAX);
        let big = outbox.encode(Shelf::Own, |arena| arena.resize(8 << 20, b'x'));
        outbox.send(0, big);
        assert!(outbox.is_full() && outbox.fullest() == 8 << 20);
        outbox.clear();
        assert_eq!(outbox.fullest(), 0);
        outbox.trim(1);
        assert_eq!(outbox.kept_bytes(), 0);
    }
}
