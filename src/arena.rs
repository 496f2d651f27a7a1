//! The bytes of a turn's lines, on shelves: lines that the same recipients are likely to get lie side by side.
//!
//! Whoever gets lines that follow each other gets them as one range. What one recipient alone is told would come between the
//! lines that it hears together with others, and so would the form of a line for those with other capabilities: each has a shelf
//! of its own.

use crate::proto::caps::Caps;

/// Shelves: one for what single recipients are told, the others for forms. With more forms in a turn, some share the last one.
const SHELVES: usize = 16;

/// Bits of an offset on a shelf; the others are its number.
const OFFSET_BITS: u32 = u32::BITS - SHELVES.ilog2();

/// A shelf's hard bound, 256 MiB. The shell flushes when a turn has encoded 1 MiB, before it handles more input, and no single input
/// can say this much: what is told to each of many on their own is bounded in lines, and a line with its tags has 8,703 bytes at
/// most, 30,000 of which fit. A round tells 512 clients in a turn, a tick meets 512 deadlines, long replies and steps put
/// 12,000 lines into words together (`TICK_WORK`, `TURN_WORK`, 8 for each), and RENAME tells 5,000 members four lines
/// each, of which none has tags of a client. The 32 requests of one line of the admin socket go on with a round once, and announce
/// no more than waits.
const MAX_SHELF: usize = (1 << OFFSET_BITS) - 1;

/// A shelf that grew beyond this many bytes in a turn gives the memory back afterwards.
const KEEP_SHELF: usize = 2 << 20;

/// A range of the turn's arena: one or more whole lines, CR LF included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Where it begins: shelf and offset.
    pub(crate) start: u32,
    /// Where it ends, on the same shelf.
    pub(crate) end: u32,
}

impl Span {
    /// How many bytes it has.
    pub(crate) fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether it is for one recipient.
    pub(crate) fn is_own(self) -> bool {
        self.shelf() == 0
    }

    fn shelf(self) -> usize {
        (self.start >> OFFSET_BITS) as usize
    }

    fn offsets(self) -> std::ops::Range<usize> {
        let offset = |place: u32| place as usize & MAX_SHELF;
        offset(self.start)..offset(self.end)
    }
}

/// Where a line is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// With others that are for one recipient.
    Own,
    /// With others in the form for recipients with these capabilities.
    Form(Caps),
}

/// The lines of a turn.
#[derive(Default)]
pub(crate) struct Arena {
    shelves: [Vec<u8>; SHELVES],
    /// The forms of the second shelf and those after it, in the order in which the turn came to need them.
    forms: Vec<Caps>,
    bytes: usize,
}

impl Arena {
    /// Appends to a shelf what `encode` writes.
    pub(crate) fn encode(&mut self, shelf: Shelf, encode: impl FnOnce(&mut Vec<u8>)) -> Span {
        let number = match shelf {
            Shelf::Own => 0,
            Shelf::Form(caps) => self.number(caps),
        };
        let bytes = &mut self.shelves[number];
        let start = bytes.len();
        encode(bytes);
        self.put(number, start)
    }

    fn number(&mut self, caps: Caps) -> usize {
        let known = self.forms.iter().position(|form| *form == caps);
        let index = known.unwrap_or_else(|| {
            let index = self.forms.len();
            if index < SHELVES - 1 {
                self.forms.push(caps);
            }
            index.min(SHELVES - 2)
        });
        index + 1
    }

    /// What was written to a shelf behind `start`, as a span.
    fn put(&mut self, number: usize, start: usize) -> Span {
        let end = self.shelves[number].len();
        assert!(end <= MAX_SHELF, "the shell flushes long before");
        self.bytes += end - start;
        let place = |offset: usize| (number as u32) << OFFSET_BITS | offset as u32;
        Span { start: place(start), end: place(end) }
    }

    /// The bytes of a span.
    pub(crate) fn slice(&self, span: Span) -> &[u8] {
        &self.shelves[span.shelf()][span.offsets()]
    }

    /// Appends a copy of `span` whose first line has one tag more.
    pub(crate) fn retag(&mut self, span: Span, tag: &str) -> Span {
        let start = self.shelves[0].len();
        self.append_tagged(span, tag);
        self.put(0, start)
    }

    /// Appends a copy of `span` that is in the batch of this tag. A span of several lines is a batch itself, of which the
    /// first and the last line say so (IRCv3 batch).
    pub(crate) fn enclose(&mut self, span: Span, tag: &str) -> Span {
        let start = self.shelves[0].len();
        let bytes = self.slice(span);
        let first = memchr::memrchr(b'\n', &bytes[..bytes.len() - 1]).map_or(0, |feed| feed + 1);
        let last = span.start + first as u32;
        if first > 0 {
            self.append_tagged(Span { end: last, ..span }, tag);
        }
        self.append_tagged(Span { start: last, ..span }, tag);
        self.put(0, start)
    }

    fn append_tagged(&mut self, from: Span, tag: &str) {
        let tagged = self.slice(from)[0] == b'@';
        let mut offsets = from.offsets();
        offsets.start += usize::from(tagged);
        let [own, forms @ ..] = &mut self.shelves;
        own.push(b'@');
        own.extend_from_slice(tag.as_bytes());
        own.push(if tagged { b';' } else { b' ' });
        match from.shelf() {
            0 => own.extend_from_within(offsets),
            number => own.extend_from_slice(&forms[number - 1][offsets]),
        }
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// Bytes of memory that it keeps for the next turn.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.shelves.iter().map(Vec::capacity).sum()
    }

    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        for shelf in &mut self.shelves[..=self.forms.len()] {
            shelf.clear();
            if shelf.capacity() > KEEP_SHELF {
                shelf.shrink_to(KEEP_SHELF);
            }
        }
        self.forms.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(arena: &mut Arena, shelf: Shelf, text: &str) -> Span {
        arena.encode(shelf, |bytes| bytes.extend_from_slice(text.as_bytes()))
    }

    #[test]
    fn lines_of_a_form_lie_side_by_side_whatever_is_said_between_them() {
        let mut arena = Arena::default();
        let form = Shelf::Form(Caps::SERVER_TIME);
        let a = put(&mut arena, form, "a\n");
        put(&mut arena, Shelf::Own, "own\n");
        put(&mut arena, Shelf::Form(Caps::NONE), "other\n");
        let b = put(&mut arena, form, "b\n");
        assert_eq!(a.end, b.start);
        assert_eq!(arena.slice(Span { start: a.start, end: b.end }), b"a\nb\n");
        assert_eq!(arena.len(), 14);
        arena.clear();
        assert_eq!((arena.len(), put(&mut arena, Shelf::Form(Caps::NONE), "c\n").len()), (0, 2));
    }

    #[test]
    fn more_forms_than_shelves_share_one() {
        let mut arena = Arena::default();
        let forms: Vec<Caps> = crate::proto::caps::TABLE.iter().map(|row| row.bit).collect();
        assert!(forms.len() > SHELVES);
        let spans: Vec<_> =
            forms.iter().map(|&caps| put(&mut arena, Shelf::Form(caps), &format!("{caps:?}\n"))).collect();
        for (caps, span) in forms.iter().zip(spans) {
            assert_eq!(arena.slice(span), format!("{caps:?}\n").as_bytes());
        }
    }

    #[test]
    fn a_large_turn_gives_its_memory_back() {
        let mut arena = Arena::default();
        for shelf in [Shelf::Own, Shelf::Form(Caps::NONE)] {
            arena.encode(shelf, |bytes| bytes.resize(8 << 20, b'x'));
        }
        arena.clear();
        assert!(arena.kept_bytes() <= 2 * KEEP_SHELF);
    }
}
