//! Sending what was said, once per connection and turn, and closing connections.

use std::io::{self, ErrorKind, IoSlice};

use super::conn::{Conn, Pool, Power, Role, State};
use super::driver::Driver;
use super::shell::Shell;
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::limits::{ADMIN_SEND_QUEUE, ADMIN_STALL_MS, DRAIN_MS, IOVECS, LINGER_MS};
use crate::server::{Gone, Input};

/// Up to so many bytes, pieces are gathered and sent as one, which takes less time than to tell the kernel of each.
const GATHERED: u32 = 16 * 1024;

/// So many copies of lines for those whose turn has not come take as long as a send.
const COPIES: usize = 16;

/// Bytes that may wait for a connection because others come first. One for which more waits is sent to at once, so that to be
/// last costs no send queue.
const DEFERRED: u32 = 32 * 1024;
const _: () = assert!(DEFERRED <= ADMIN_SEND_QUEUE / 8);

/// A scratch buffer that grew beyond this many bytes gives the memory back.
const KEEP_SCRATCH: usize = 1 << 20;

impl<D: Driver> Shell<D> {
    /// Hands each connection what it was told since the last flush, in one call each, and empties the arena. With more than may
    /// be sent to in a turn, the others get theirs in the turns that follow, in the order in which they were told; whoever
    /// waits for that from earlier turns has at least half of this one.
    pub(super) fn flush(&mut self) {
        let told = self.out.dirty().len();
        let reserved = self.unblocked.len().min(self.sends_left / 2);
        let left = self.sends_left - reserved;
        if told <= left {
            for index in 0..told {
                self.send_lines(self.out.dirty()[index], true);
            }
        } else {
            self.send_some(left);
        }
        self.out.clear();
        while self.sends_left > 0
            && let Some(id) = self.unblocked.pop_front()
        {
            self.send_backlog(id);
        }
    }

    /// The same for more than `left` sends allow. First are those who were told something that is for them alone, as
    /// somebody is likely to wait for it.
    #[inline(never)]
    fn send_some(&mut self, left: usize) {
        let (told, reserved) = (self.out.dirty().len(), self.sends_left - left);
        self.sends_left = left;
        self.send_told(true);
        // To keep what the others are told takes time as well. Where some wait already, all get in line: so whoever has been
        // sent something is next sent all at once that is said until the others have been.
        let left = self.sends_left;
        let now =
            if self.unblocked.is_empty() { left.saturating_sub(told / COPIES).max(left / 4) } else { 0 };
        self.sends_left = now;
        self.send_told(false);
        self.sends_left += left - now + reserved;
    }

    /// Sends to those who were told something for them alone, or to the others.
    fn send_told(&mut self, own: bool) {
        for index in 0..self.out.dirty().len() {
            let slot = self.out.dirty()[index];
            if self.out.got_own(slot) == own {
                self.send_lines(slot, own);
            }
        }
    }

    /// Sends what waits for a socket that was full, or until others were sent theirs.
    fn send_backlog(&mut self, id: ClientId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let (Some(stream), output @ [_, ..]) = conn.stream_and_output() else { return };
        self.sends_left = self.sends_left.saturating_sub(1);
        match accepted(self.driver.write(stream, output)) {
            Ok(count) => {
                conn.consume_output(count, &mut self.pool);
                conn.blocked = !conn.output().is_empty();
                let refused = conn.blocked;
                self.sent(id, count, count);
                if refused && !self.backlogs.contains_key(&id.to_u64()) {
                    self.begin_backlog(id);
                }
            }
            Err(kind) => self.broke(id, kind),
        }
    }

    /// Sends this turn's lines to the connection in `slot`; what its socket refuses waits in its own queue. One that is `urgent` is
    /// not sent later only because it waits for its turn already.
    fn send_lines(&mut self, slot: u32, urgent: bool) {
        let Some((id, conn)) = self.conns.at_mut(slot) else { return };
        let lines = u64::from(self.out.lines(slot));
        conn.messages_out += lines;
        if conn.is_chat() {
            self.counters.deliveries += lines;
        }
        // A write after one that failed would leave a hole in what the peer reads.
        if conn.broken.is_some() {
            return;
        }
        let (Some(stream), output) = conn.stream_and_output() else { return };
        if !output.is_empty() || (self.sends_left == 0 && self.out.bytes(slot) < DEFERRED) {
            return self.keep_for_later(id, urgent);
        }
        self.sends_left = self.sends_left.saturating_sub(1);
        match write_spans(&mut self.driver, stream, &self.out, slot, &mut self.scratch) {
            Ok(count) => {
                if self.out.bytes(slot) as usize > count {
                    return self.keep_refused(id, count);
                }
                if !conn.is_chat() {
                    return self.sent(id, count, 0);
                }
                // Nearly all sends are this: nothing waited, and nothing does.
                conn.bytes_out += count as u64;
                self.counters.bytes_out += count as u64;
            }
            Err(kind) => self.broke(id, kind),
        }
    }

    /// Keeps this turn's lines for a connection for which others wait already, or whose turn has not come.
    #[inline(never)]
    fn keep_for_later(&mut self, id: ClientId, urgent: bool) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.output().is_empty() {
            self.unblocked.push_back(id);
        }
        if conn.output().is_empty()
            && let Some(bytes) = self.out.keep(id.slot)
        {
            conn.share_output(bytes);
            self.kept_lines(id, self.out.bytes(id.slot) as usize, 0);
        } else {
            self.keep_lines(id, 0);
        }
        let Some(conn) = self.conns.get(id) else { return };
        let now = urgent && self.sends_left > 0 || self.out.pending(id.slot) >= DEFERRED;
        if !conn.blocked && now {
            // It is among the unblocked, where nothing will be left to do.
            self.send_backlog(id);
        }
    }

    /// Keeps for a full socket what it has not taken of this turn's lines.
    #[cold]
    fn keep_refused(&mut self, id: ClientId, taken: usize) {
        self.keep_lines(id, taken);
        if let Some(conn) = self.conns.get_mut(id) {
            conn.blocked = true;
            self.begin_backlog(id);
        }
    }

    /// Keeps all but the first `taken` bytes of this turn's lines in the connection's own queue.
    fn keep_lines(&mut self, id: ClientId, taken: usize) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        let rest = self.out.bytes(id.slot) as usize - taken;
        queue_rest(conn, &self.out, id.slot, taken, &mut self.pool);
        self.kept_lines(id, rest, taken);
    }

    /// Takes note that of this turn's lines so many bytes wait and so many were taken.
    fn kept_lines(&mut self, id: ClientId, waiting: usize, taken: usize) {
        if self.conns.get(id).is_some_and(Conn::is_chat) {
            self.counters.waiting += waiting as u64;
        }
        self.sent(id, taken, 0);
    }

    /// Takes note of `count` bytes that a socket took, `dequeued` of them from the connection's own queue.
    fn sent(&mut self, id: ClientId, count: usize, dequeued: usize) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.bytes_out += count as u64;
        let waiting = conn.output().len();
        match conn.role {
            Role::Chat(..) => {
                self.counters.bytes_out += count as u64;
                self.counters.waiting -= dequeued as u64;
                if waiting + dequeued > 0 {
                    self.out.set_backlog(id.slot, waiting as u32);
                }
            }
            Role::Admin(_) => {
                self.out.set_backlog(id.slot, waiting as u32);
                self.admin_sent(id, count > 0);
            }
        }
        if dequeued > 0 && waiting == 0 {
            self.end_backlog(id);
            self.closing_if_drained(id);
        }
    }

    /// An admin connection that takes nothing does not keep its queue for ever; one that takes something is read again.
    pub(super) fn admin_sent(&mut self, id: ClientId, progress: bool) {
        let Some(conn) = self.conns.get(id).filter(|conn| conn.state == State::Open) else { return };
        let (waits, timed) = (!conn.output().is_empty(), conn.timer.is_some());
        let unread = conn.readable || conn.has_input();
        if !waits {
            self.set_timer(id, None);
        } else if progress || !timed {
            self.set_timer(id, Some(self.now.mono_ms + ADMIN_STALL_MS));
        }
        if progress && unread {
            self.enqueue(id);
        }
    }

    /// A write has failed: nothing more can be sent. What the peer had sent before is still read, in the next turn.
    fn broke(&mut self, id: ClientId, kind: ErrorKind) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.broken = Some(kind);
        conn.blocked = false;
        (conn.readable, conn.hangup) = (true, true);
        let draining = conn.state == State::Draining;
        self.drop_output(id);
        self.out.close(id.slot);
        if draining {
            self.closing.push(id);
        } else {
            self.enqueue(id);
        }
    }

    fn drop_output(&mut self, id: ClientId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.is_chat() {
            self.counters.waiting -= conn.output().len() as u64;
        }
        conn.clear_output(&mut self.pool);
        self.out.set_backlog(id.slot, 0);
        self.end_backlog(id);
    }

    /// Closes a connection after what waits for it has been sent. What it sends no longer counts.
    pub(super) fn drain(&mut self, id: ClientId) {
        // At shutdown, the end of the process comes first.
        let deadline = self.stopping.unwrap_or(self.now.mono_ms) + DRAIN_MS;
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.state != State::Open {
            return;
        }
        conn.state = State::Draining;
        self.pool.give(conn.take_input());
        self.unwatch(id);
        self.out.close(id.slot);
        self.set_timer(id, Some(deadline));
        self.closing.push(id);
    }

    fn closing_if_drained(&mut self, id: ClientId) {
        if self.conns.get(id).is_some_and(|conn| conn.state == State::Draining) {
            self.closing.push(id);
        }
    }

    /// Says goodbye to those that wait for nothing more.
    pub(super) fn finish_closing(&mut self) {
        let mut closing = std::mem::take(&mut self.closing);
        for id in closing.drain(..) {
            let Some(conn) = self.conns.get_mut(id) else { continue };
            if conn.state != State::Draining || !conn.output().is_empty() {
                continue;
            }
            let Some(stream) = conn.stream.as_mut() else { continue };
            let over = conn.ended.is_some() || conn.broken.is_some();
            if over || self.driver.shutdown_write(stream).is_err() {
                self.abandon(id);
                continue;
            }
            conn.state = State::Lingering;
            if self.stopping.is_some() {
                self.set_timer(id, Some(self.now.mono_ms + LINGER_MS));
            }
            // What came while nobody read will not be told of again.
            self.service(id);
        }
        self.closing = closing;
    }

    /// Closes a connection now. Its slot is freed when the turn ends.
    pub(super) fn abandon(&mut self, id: ClientId) {
        self.set_timer(id, None);
        let Some(conn) = self.conns.get_mut(id) else { return };
        let Some(stream) = conn.stream.take() else { return };
        (conn.state, conn.blocked) = (State::Closed, false);
        self.pool.give(conn.take_input());
        match conn.role {
            Role::Chat(..) => self.chats -= 1,
            Role::Admin(caller) => {
                self.admins -= 1;
                self.monitors -= usize::from(caller.power == Power::Monitor);
                self.unwatch(id);
            }
        }
        self.drop_output(id);
        self.out.close(id.slot);
        self.driver.close(stream);
        self.closed.push(id);
        self.unpause_all();
    }

    /// Disconnects a connection that has more waiting than its send queue may hold.
    pub(super) fn overflow(&mut self, id: ClientId) {
        let Some(conn) = self.conns.get(id) else { return };
        if conn.state != State::Open {
            return;
        }
        match conn.role {
            Role::Chat(..) => self.tell(Input::Closed { client: id, why: Gone::SendQueue }),
            Role::Admin(caller) => log::warn!("admin quit client={id} {caller} cause=send_queue"),
        }
        self.abandon(id);
    }

    /// The timer of a connection has run out.
    pub(super) fn expire(&mut self, id: ClientId) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        conn.timer = None;
        // It is not late because others were sent theirs first.
        let behind = !conn.blocked && !conn.output().is_empty();
        if behind {
            self.send_backlog(id);
        }
        let Some(conn) = self.conns.get_mut(id) else { return };
        match (conn.state, conn.role) {
            // It closed long ago, and what it had sent before may still not be handled.
            (State::Open, _) if conn.ended.is_some() || conn.hangup => self.cut_short(id),
            (State::Open, Role::Admin(_)) if behind && (conn.timer.is_some() || conn.output().is_empty()) => {
            }
            // One that watches misses events instead.
            (State::Open, Role::Admin(_)) if self.watchers.has(id) => self.admin_sent(id, false),
            (State::Open, Role::Admin(caller)) => {
                log::warn!("admin quit client={id} {caller} cause=stalled");
                self.abandon(id);
            }
            (State::Open, Role::Chat(..)) => self.check_backlog(id),
            (State::Closed, _) => {}
            (State::Draining, _) if behind && conn.output().is_empty() => {
                self.set_timer(id, Some(self.now.mono_ms + LINGER_MS));
            }
            (State::Draining | State::Lingering, _) => self.abandon(id),
        }
    }
}

/// What a write came to: bytes taken, none if the socket is full.
fn accepted(result: io::Result<usize>) -> Result<usize, ErrorKind> {
    match result {
        Ok(count) => Ok(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error.kind()),
    }
}

/// Sends all spans of `slot` with one call.
#[inline]
fn write_spans<D: Driver>(
    driver: &mut D,
    stream: &mut D::Stream,
    out: &Outbox,
    slot: u32,
    scratch: &mut Vec<u8>,
) -> Result<usize, ErrorKind> {
    match out.only_span(slot) {
        Some(span) => accepted(driver.write(stream, span)),
        None => accepted(write_several(driver, stream, out, slot, scratch)),
    }
}

/// The same for several spans: gathered first, or with `writev` if they are few and long.
#[inline(never)]
fn write_several<D: Driver>(
    driver: &mut D,
    stream: &mut D::Stream,
    out: &Outbox,
    slot: u32,
    scratch: &mut Vec<u8>,
) -> io::Result<usize> {
    if out.bytes(slot) > GATHERED {
        let mut pieces = [IoSlice::new(&[]); IOVECS];
        let mut spans = out.spans(slot);
        let mut count = 0;
        for (piece, span) in pieces.iter_mut().zip(&mut spans) {
            *piece = IoSlice::new(span);
            count += 1;
        }
        if spans.next().is_none() {
            return driver.write_vectored(stream, &pieces[..count]);
        }
    }
    scratch.clear();
    for span in out.spans(slot) {
        scratch.extend_from_slice(span);
    }
    let result = driver.write(stream, scratch);
    scratch.clear();
    scratch.shrink_to(KEEP_SCRATCH);
    result
}

/// Copies all but the first `taken` bytes of this turn's lines to the connection's own queue.
fn queue_rest<S>(conn: &mut Conn<S>, out: &Outbox, slot: u32, mut taken: usize, pool: &mut Pool) {
    for span in out.spans(slot) {
        let skip = taken.min(span.len());
        taken -= skip;
        if skip < span.len() {
            conn.keep_output(&span[skip..], pool);
        }
    }
}
