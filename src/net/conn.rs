//! One connection: its state, its line framing, and the buffers that it owns while it needs them.

use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::rc::Rc;

use super::driver::Credentials;
use crate::proto::limits::{ADMIN_LINE, INPUT_LINE, POOL_BUFFER, POOL_BUFFERS};
use crate::server::Gone;

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// IRC, from this address and port.
    Chat(IpAddr, u16),
    /// The admin protocol, with this process.
    Admin(Caller),
}

/// Who is on the other side of a connection that speaks the admin protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// The process, as it was when it connected.
    pub(super) peer: Credentials,
    /// What it may do.
    pub(super) power: Power,
}

/// What those may do who connect to a socket of the admin protocol: the socket's mode and group say who may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Power {
    /// All there is: the admin socket.
    Admin,
    /// Look, and change nothing: the monitor socket.
    Monitor,
}

impl Power {
    /// Its name in the log.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Monitor => "monitor",
        }
    }
}

impl fmt::Display for Caller {
    /// As the log has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} socket={}", self.peer, self.power.name())
    }
}

impl Role {
    /// The longest line, LF included, in bytes.
    pub(super) fn line_bound(self) -> usize {
        match self {
            Self::Chat(..) => INPUT_LINE,
            Self::Admin(_) => ADMIN_LINE,
        }
    }
}

/// How far a connection is. It only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its lines are handled.
    Open,
    /// Nothing it sends counts any more; what is queued for it is still sent.
    Draining,
    /// All is sent and the peer has been told so. What it still sends is read and dropped, as closing with
    /// unread input would make the kernel send a reset, which destroys lines that the peer has not read.
    Lingering,
    /// Its descriptor is closed. The slot is freed at the end of the turn.
    Closed,
}

/// What a connection owns only while something waits.
#[derive(Debug, Default)]
struct Kept {
    input: Vec<u8>,
    output: Queue,
}

/// A connection. While it is idle it owns no buffer.
pub(super) struct Conn<S> {
    /// `None` when closed.
    pub(super) stream: Option<S>,
    pub(super) role: Role,
    /// The token of the listener that accepted it.
    pub(super) listener: u64,
    pub(super) state: State,
    /// The socket may have input: the last read has not emptied it.
    pub(super) readable: bool,
    /// An event said that the peer has sent its last byte, so no event will tell of the end: read up to it.
    pub(super) hangup: bool,
    /// The socket was full; a writable event will come. Then, and only then, output waits between turns.
    pub(super) blocked: bool,
    /// A line was too long; bytes are dropped up to the next LF.
    pub(super) discarding: bool,
    /// A line of requests of this admin connection waits for a reload; until it is answered, no other is handled.
    pub(super) parked: bool,
    /// Its token is on the ready list.
    pub(super) queued: bool,
    /// How input ended.
    pub(super) ended: Option<Gone>,
    /// A write failed.
    pub(super) broken: Option<ErrorKind>,
    /// Its entry among the timers.
    pub(super) timer: Option<NonZeroU64>,
    /// What waits; nothing if nothing does.
    kept: Option<Box<Kept>>,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// Lines handed to it.
    pub(super) messages_out: u64,
    /// When it was accepted, in milliseconds of the monotonic clock.
    pub(super) since_ms: u64,
}

impl<S> Conn<S> {
    pub(super) fn new(stream: S, role: Role, listener: u64, now_ms: u64) -> Self {
        Self {
            stream: Some(stream),
            role,
            listener,
            state: State::Open,
            readable: false,
            hangup: false,
            blocked: false,
            discarding: false,
            parked: false,
            queued: false,
            ended: None,
            broken: None,
            timer: None,
            kept: None,
            bytes_in: 0,
            bytes_out: 0,
            messages_out: 0,
            since_ms: now_ms,
        }
    }

    /// Whether input waits: an unfinished line, or lines that may not be handled yet.
    pub(super) fn has_input(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| !kept.input.is_empty())
    }

    /// Takes out the input that waits.
    pub(super) fn take_input(&mut self) -> Vec<u8> {
        let input = self.kept.as_mut().map(|kept| std::mem::take(&mut kept.input));
        self.forget_empty();
        input.unwrap_or_default()
    }

    /// Has input wait. None does now.
    pub(super) fn keep_input(&mut self, rest: &[u8], pool: &mut Pool) {
        let kept = self.kept.get_or_insert_default();
        kept.input = pool.take(rest.len());
        kept.input.extend_from_slice(rest);
    }

    /// What the socket has refused.
    pub(super) fn output(&self) -> &[u8] {
        self.kept.as_ref().map_or(&[][..], |kept| kept.output.as_slice())
    }

    /// The stream, and what it has refused.
    pub(super) fn stream_and_output(&mut self) -> (Option<&mut S>, &[u8]) {
        let output = self.kept.as_ref().map_or(&[][..], |kept| kept.output.as_slice());
        (self.stream.as_mut(), output)
    }

    /// Has bytes wait that the socket has refused.
    pub(super) fn keep_output(&mut self, bytes: &[u8], pool: &mut Pool) {
        self.kept.get_or_insert_default().output.push(bytes, pool);
    }

    /// Has bytes wait that others wait for as well. None do now.
    pub(super) fn share_output(&mut self, bytes: Rc<[u8]>) {
        debug_assert!(self.output().is_empty(), "what waits would be lost");
        self.kept.get_or_insert_default().output = Queue { bytes: Bytes::Shared(bytes), start: 0 };
    }

    /// Drops the first `count` bytes of what the socket had refused.
    pub(super) fn consume_output(&mut self, count: usize, pool: &mut Pool) {
        if let Some(kept) = &mut self.kept {
            kept.output.consume(count, pool);
        }
        self.forget_empty();
    }

    /// Drops all that the socket had refused.
    pub(super) fn clear_output(&mut self, pool: &mut Pool) {
        if let Some(kept) = &mut self.kept {
            kept.output.clear(pool);
        }
        self.forget_empty();
    }

    fn forget_empty(&mut self) {
        self.kept.take_if(|kept| kept.input.is_empty() && kept.output.is_empty());
    }

    /// Whether each buffer that it owns holds something.
    pub(super) fn owns_only_what_it_needs(&self) -> bool {
        let Some(Kept { input, output }) = self.kept.as_deref() else { return true };
        let no_input = input.is_empty() && input.capacity() == 0;
        let no_output = output.is_empty() && output.bytes.capacity() == 0;
        !(no_input && no_output) && (no_input || !input.is_empty()) && (no_output || !output.is_empty())
    }

    pub(super) fn is_chat(&self) -> bool {
        matches!(self.role, Role::Chat(..))
    }
}

/// Bytes that wait for a socket: appended at the back, taken from the front.
#[derive(Debug, Default)]
struct Queue {
    bytes: Bytes,
    start: usize,
}

/// What a queue is made of.
#[derive(Debug)]
enum Bytes {
    /// A buffer of its own.
    Own(Vec<u8>),
    /// What thousands wait for alike.
    Shared(Rc<[u8]>),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Bytes of memory that it owns, or has a share in.
    fn capacity(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.capacity(),
            Self::Shared(bytes) => bytes.len(),
        }
    }
}

impl Queue {
    fn len(&self) -> usize {
        self.bytes.as_slice().len() - self.start
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes.as_slice()[self.start..]
    }

    /// Appends; an empty queue takes a buffer from the pool first, and so does one that has shared what it is made of.
    fn push(&mut self, bytes: &[u8], pool: &mut Pool) {
        // Moves each byte at most once on the whole: only when as much is free as must be moved.
        let sparse = self.start >= self.len();
        let own = match &mut self.bytes {
            Bytes::Own(own) if own.capacity() > 0 => {
                if sparse {
                    own.drain(..self.start);
                    self.start = 0;
                }
                own
            }
            other => {
                let rest = &other.as_slice()[self.start..];
                let mut own = pool.take(2 * (rest.len() + bytes.len()));
                own.extend_from_slice(rest);
                (*other, self.start) = (Bytes::Own(own), 0);
                return self.push(bytes, pool);
            }
        };
        own.extend_from_slice(bytes);
    }

    /// Drops the first `count` bytes; an empty queue gives its buffer back.
    fn consume(&mut self, count: usize, pool: &mut Pool) {
        assert!(count <= self.len(), "a socket takes no more than it is given");
        self.start += count;
        if self.is_empty() {
            self.clear(pool);
        }
    }

    fn clear(&mut self, pool: &mut Pool) {
        self.start = 0;
        if let Bytes::Own(bytes) = std::mem::take(&mut self.bytes) {
            pool.give(bytes);
        }
    }
}

/// Least bytes of a new buffer.
const NEW_BUFFER: usize = 512;

/// Spare buffers, so that a connection that needs one for a moment costs no allocation.
#[derive(Debug, Default)]
pub(super) struct Pool {
    spare: Vec<Vec<u8>>,
    /// Their capacity, together.
    bytes: usize,
}

impl Pool {
    /// A spare buffer, or a new one of so many bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let buffer = self.spare.pop();
        self.bytes -= buffer.as_ref().map_or(0, Vec::capacity);
        buffer.unwrap_or_else(|| Vec::with_capacity(bytes.clamp(NEW_BUFFER, POOL_BUFFER)))
    }

    /// Bytes of memory in the pool.
    pub(super) fn kept_bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a buffer for the next who needs one, unless it has grown large or there are enough.
    pub(super) fn give(&mut self, mut buffer: Vec<u8>) {
        if (1..=POOL_BUFFER).contains(&buffer.capacity()) && self.spare.len() < POOL_BUFFERS {
            buffer.clear();
            self.bytes += buffer.capacity();
            self.spare.push(buffer);
        }
    }
}

/// What comes next in a run of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A line, without its CR LF, and how many bytes it took.
    Line(&'a [u8], usize),
    /// A line that is longer than the bound, and how many bytes it took.
    TooLong(usize),
    /// More than the bound, and still no LF: all of it belongs to a line that is too long.
    Endless,
    /// So many bytes more of a line that is too long, and whether it ends with them.
    Rest(usize, bool),
    /// No whole line.
    Partial,
}

/// Finds the first line. LF ends a line; one CR before it is dropped. `bound` includes the LF.
pub(super) fn next_frame(bytes: &[u8], bound: usize) -> Frame<'_> {
    match memchr::memchr(b'\n', bytes) {
        Some(at) if at < bound => {
            let line = &bytes[..at];
            Frame::Line(line.strip_suffix(b"\r").unwrap_or(line), at + 1)
        }
        Some(at) => Frame::TooLong(at + 1),
        None if bytes.len() >= bound => Frame::Endless,
        None => Frame::Partial,
    }
}

/// What is still to be dropped of a line that is too long, up to `bound` bytes at a time.
pub(super) fn next_of_too_long(bytes: &[u8], bound: usize) -> Frame<'_> {
    let bytes = &bytes[..bytes.len().min(bound)];
    match memchr::memchr(b'\n', bytes) {
        Some(at) => Frame::Rest(at + 1, true),
        None if bytes.is_empty() => Frame::Partial,
        None => Frame::Rest(bytes.len(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lf_ends_a_line_and_one_cr_before_it_goes() {
        assert_eq!(next_frame(b"a\r\nb", 10), Frame::Line(b"a", 3));
        assert_eq!(next_frame(b"a\nb", 10), Frame::Line(b"a", 2));
        assert_eq!(next_frame(b"a\r\r\n", 10), Frame::Line(b"a\r", 4));
        assert_eq!(next_frame(b"\r\n", 10), Frame::Line(b"", 2));
        assert_eq!(next_frame(b"a\rb", 10), Frame::Partial);
        assert_eq!(next_frame(b"", 10), Frame::Partial);
    }

    #[test]
    fn the_bound_counts_the_line_end() {
        assert_eq!(next_frame(b"abc\n", 4), Frame::Line(b"abc", 4));
        assert_eq!(next_frame(b"abcd\n", 4), Frame::TooLong(5));
        assert_eq!(next_frame(b"abc", 4), Frame::Partial);
        assert_eq!(next_frame(b"abcd", 4), Frame::Endless);
    }

    #[test]
    fn what_is_left_of_a_line_goes_in_pieces_of_the_bound() {
        assert_eq!(next_of_too_long(b"abc\nd", 4), Frame::Rest(4, true));
        assert_eq!(next_of_too_long(b"abcd\n", 4), Frame::Rest(4, false));
        assert_eq!(next_of_too_long(b"a", 4), Frame::Rest(1, false));
        assert_eq!(next_of_too_long(b"", 4), Frame::Partial);
    }

    #[test]
    fn a_queue_keeps_order_and_gives_its_buffer_back_when_empty() {
        let (mut queue, mut pool) = (Queue::default(), Pool::default());
        queue.push(b"abc", &mut pool);
        queue.consume(2, &mut pool);
        queue.push(b"def", &mut pool);
        assert_eq!(queue.as_slice(), b"cdef");
        queue.consume(4, &mut pool);
        assert!(queue.is_empty());
        assert_eq!((queue.bytes.capacity(), pool.spare.len()), (0, 1));
        queue.push(b"g", &mut pool);
        assert_eq!((queue.as_slice(), pool.spare.len()), (&b"g"[..], 0));
    }

    #[test]
    fn a_shared_queue_becomes_one_of_its_own_when_more_comes() {
        let mut pool = Pool::default();
        let all: Rc<[u8]> = b"0123456789"[..].into();
        for (taken, more, rest) in
            [(0, &b"ab"[..], &b"0123456789ab"[..]), (7, b"c", b"789c"), (3, b"", b"3456789")]
        {
            let mut queue = Queue { bytes: Bytes::Shared(all.clone()), start: 0 };
            queue.consume(taken, &mut pool);
            queue.push(more, &mut pool);
            assert_eq!((queue.as_slice(), Rc::strong_count(&all)), (rest, 1));
            queue.consume(rest.len(), &mut pool);
            assert!(queue.is_empty() && queue.bytes.capacity() == 0);
        }
        let mut queue = Queue { bytes: Bytes::Shared(all.clone()), start: 0 };
        queue.consume(10, &mut pool);
        assert_eq!((Rc::strong_count(&all), queue.bytes.capacity()), (1, 0));
    }

    #[test]
    fn the_pool_keeps_neither_large_buffers_nor_many() {
        let mut pool = Pool::default();
        pool.give(Vec::with_capacity(POOL_BUFFER + 1));
        pool.give(Vec::new());
        assert!(pool.spare.is_empty());
        for _ in 0..POOL_BUFFERS + 5 {
            pool.give(vec![0; 8]);
        }
        assert_eq!(pool.spare.len(), POOL_BUFFERS);
        assert!(pool.take(1).is_empty());
    }
}
