//! Reading connections and handing their lines on, a fair share at a time.

use std::io::ErrorKind;

use super::conn::{Frame, Role, State, next_frame, next_of_too_long};
use super::driver::{Driver, Ready};
use super::shell::Shell;
use crate::id::ClientId;
use crate::proto::limits::{ADMIN_REQUESTS_PER_TURN, ADMIN_SEND_QUEUE, DRAIN_MS, READ_BUFFER};
use crate::server::{Gone, Input};

/// Reads of what a peer sent before it closed, when that is to be dropped: more than a kernel keeps for it.
const LAST_READS: usize = 256;

/// What is left of a connection's share of a turn.
struct Budget {
    /// Lines that may be handled; for an admin connection, requests.
    lines: usize,
    /// Bytes that may be read.
    bytes: usize,
    /// The count of deliveries, and of work that is as much, at which it ends.
    work: u64,
}

/// Why no more lines are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// There is no whole line.
    Dry,
    /// The share of this turn is used up.
    Spent,
    /// The server, or a full send queue, says to wait.
    Wait,
    /// The connection is no longer open.
    Over,
}

impl<D: Driver> Shell<D> {
    /// Notes what an event said, and reads. Reading comes before writing, which is done when the turn ends.
    pub(super) fn connection_event(&mut self, id: ClientId, ready: Ready) {
        // A stale event of a connection that was closed in an earlier turn finds none, and of one that was closed in
        // this turn finds nothing to do.
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.blocked && (ready.writable || ready.write_closed || ready.error) {
            conn.blocked = false;
            self.unblocked.push_back(id);
        }
        let ended = ready.read_closed || ready.error;
        if ready.readable || ended {
            conn.readable = true;
            conn.hangup |= ended;
            if conn.queued {
                return;
            }
            if self.crowded || self.is_spent() {
                self.postpone(id);
            } else {
                self.service(id);
            }
        }
    }

    /// Has a connection looked at after those that wait for longer.
    fn postpone(&mut self, id: ClientId) {
        if let Some(conn) = self.conns.get_mut(id) {
            conn.queued = true;
            self.waiting.push(id.to_u64());
        }
    }

    /// Reads a connection and handles what it sent, as far as its share of the turn goes.
    pub(super) fn service(&mut self, id: ClientId) {
        match self.conns.get(id).map(|conn| conn.state) {
            Some(State::Open) => {
                let mut buffer = std::mem::take(&mut self.buffer);
                self.converse(id, &mut buffer);
                self.buffer = buffer;
            }
            Some(State::Lingering) => self.discard(id),
            Some(State::Draining | State::Closed) | None => {}
        }
    }

    /// Handles what waited, then reads on. What cannot be handled yet, or is no whole line, is kept.
    fn converse(&mut self, id: ClientId, buffer: &mut [u8]) {
        let mut budget = self.budget(id);
        let mut end = self.take_input(id, buffer);
        loop {
            let (used, stop) = self.feed(id, &buffer[..end], &mut budget);
            buffer.copy_within(used..end, 0);
            end -= used;
            let Some(conn) = self.conns.get_mut(id) else { return };
            let stop = match stop {
                Stop::Over => return,
                Stop::Dry if conn.ended.is_none() && !conn.readable => {
                    return self.keep_input(id, &buffer[..end]);
                }
                Stop::Dry if conn.ended.is_some() => return self.finish_input(id, &buffer[..end]),
                Stop::Dry if budget.bytes == 0 || budget.is_spent(self.shared_work()) => Stop::Spent,
                stop => stop,
            };
            match stop {
                Stop::Spent => {
                    self.keep_input(id, &buffer[..end]);
                    return self.enqueue(id);
                }
                Stop::Wait => return self.wait(id, &buffer[..end]),
                Stop::Dry | Stop::Over => end += self.read(id, &mut buffer[end..], &mut budget),
            }
        }
    }

    fn budget(&self, id: ClientId) -> Budget {
        let limits = &self.server.config().limits;
        let work = self.shared_work() + u64::from(limits.deliveries_per_turn);
        match self.conns.get(id).map(|conn| conn.role) {
            Some(Role::Admin(_)) => Budget { lines: ADMIN_REQUESTS_PER_TURN, bytes: READ_BUFFER, work },
            _ => {
                Budget { lines: limits.lines_per_turn as usize, bytes: limits.bytes_per_turn as usize, work }
            }
        }
    }

    /// Deliveries, and what takes as long without being one. A reply is no more than one, however long it is.
    fn shared_work(&self) -> u64 {
        self.out.deliveries() + self.server.effort()
    }

    /// Moves what was kept to the front of the buffer, and returns how much it was.
    fn take_input(&mut self, id: ClientId, buffer: &mut [u8]) -> usize {
        let Some(conn) = self.conns.get_mut(id) else { return 0 };
        let input = conn.take_input();
        buffer[..input.len()].copy_from_slice(&input);
        let len = input.len();
        self.pool.give(input);
        len
    }

    /// Keeps what cannot be handled yet: never more than was read in one turn and an unfinished line.
    fn keep_input(&mut self, id: ClientId, rest: &[u8]) {
        if let Some(conn) = self.conns.get_mut(id)
            && !rest.is_empty()
        {
            conn.keep_input(rest, &mut self.pool);
        }
    }

    /// Reads once. `room` begins behind what is unfinished.
    fn read(&mut self, id: ClientId, room: &mut [u8], budget: &mut Budget) -> usize {
        let room = &mut room[..budget.bytes.min(READ_BUFFER)];
        assert!(!room.is_empty(), "a read into nothing would look like the end of input");
        let Some(conn) = self.conns.get_mut(id) else { return 0 };
        let Some(stream) = conn.stream.as_mut() else { return 0 };
        match self.driver.read(stream, room) {
            Ok(0) => conn.ended = Some(Gone::Eof),
            Ok(count) => {
                conn.bytes_in += count as u64;
                if conn.is_chat() {
                    self.counters.bytes_in += count as u64;
                }
                budget.bytes -= count;
                // A short read has emptied the socket: asking again would only tell so. But when the peer has
                // closed, no event will come for that, and only a further read tells.
                conn.readable = count == room.len() || conn.hangup;
                return count;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                (conn.readable, conn.hangup) = (false, false);
                conn.ended = conn.broken.map(Gone::Error);
            }
            Err(error) => conn.ended = Some(Gone::Error(error.kind())),
        }
        0
    }

    /// Handles whole lines until something says stop. Returns how many bytes are done with.
    fn feed(&mut self, id: ClientId, bytes: &[u8], budget: &mut Budget) -> (usize, Stop) {
        let mut used = 0;
        loop {
            let Some(conn) = self.conns.get(id) else { return (used, Stop::Over) };
            if conn.state != State::Open {
                return (used, Stop::Over);
            }
            let (role, rest) = (conn.role, &bytes[used..]);
            let next = if conn.discarding { next_of_too_long } else { next_frame };
            let frame = next(rest, role.line_bound());
            if !self.may_feed(id, role) {
                return (used, Stop::Wait);
            }
            if frame == Frame::Partial {
                return (used, Stop::Dry);
            }
            if budget.is_spent(self.shared_work()) {
                return (used, Stop::Spent);
            }
            let Some(conn) = self.conns.get_mut(id) else { return (used, Stop::Over) };
            let requests = match frame {
                Frame::Line(b"", count) => {
                    used += count;
                    self.noise(id, role)
                }
                Frame::Line(line, count) => {
                    used += count;
                    self.line(id, role, line)
                }
                Frame::TooLong(count) => {
                    used += count;
                    self.oversized(id, role)
                }
                Frame::Endless | Frame::Partial => {
                    used = bytes.len();
                    conn.discarding = true;
                    self.oversized(id, role)
                }
                Frame::Rest(count, ended) => {
                    used += count;
                    conn.discarding = !ended;
                    self.noise(id, role)
                }
            };
            budget.lines = budget.lines.saturating_sub(requests);
            if self.out_is_full() {
                self.flush();
            }
        }
    }

    /// Whether a line may be handled now.
    fn may_feed(&self, id: ClientId, role: Role) -> bool {
        match role {
            Role::Chat(..) => self.server.ready(id),
            Role::Admin(_) => {
                let parked = self.conns.get(id).is_some_and(|conn| conn.parked);
                !parked && self.out.pending(id.slot) <= ADMIN_SEND_QUEUE / 2
            }
        }
    }

    /// Handles a line. Returns what it costs of the turn's lines.
    fn line(&mut self, id: ClientId, role: Role, line: &[u8]) -> usize {
        match role {
            Role::Chat(..) => {
                self.tell(Input::Line { client: id, line });
                1
            }
            Role::Admin(caller) => self.admin_line(id, caller, line),
        }
    }

    fn oversized(&mut self, id: ClientId, role: Role) -> usize {
        match role {
            Role::Chat(..) => self.tell(Input::Oversized { client: id }),
            Role::Admin(caller) => self.admin_oversized(id, caller),
        }
        1
    }

    /// Bytes that say nothing, but had to be read and looked at: otherwise whoever sends nothing but these would keep
    /// the loop busy and never be slowed down.
    fn noise(&mut self, id: ClientId, role: Role) -> usize {
        if let Role::Chat(..) = role {
            self.tell(Input::Noise { client: id });
        }
        1
    }

    /// The connection must wait. Neither read nor handled, what it sends fills its own kernel buffers.
    fn wait(&mut self, id: ClientId, rest: &[u8]) {
        let Some(conn) = self.conns.get_mut(id) else { return };
        if conn.broken.is_some() {
            // Nobody is there to wait for an answer.
            conn.ended = conn.broken.map(Gone::Error);
            return self.finish_input(id, &[]);
        }
        // What a peer sent before it closed counts, but it does not keep the connection for long.
        let deadline = self.now.mono_ms + DRAIN_MS;
        if (conn.ended.is_some() || conn.hangup) && conn.timer.is_none_or(|at| at.get() > deadline) {
            self.set_timer(id, Some(deadline));
        }
        self.keep_input(id, rest);
    }

    /// The time is over in which lines count that a peer sent before it closed, if that is what it did. If it has not, it goes
    /// on, but not once something is dropped that it has sent: the next line would be made of pieces of two.
    pub(super) fn cut_short(&mut self, id: ClientId) {
        let mut dropped = false;
        for _ in 0..LAST_READS {
            let Some(conn) = self.conns.get_mut(id) else { return };
            if conn.ended.is_some() {
                break;
            }
            let Some(stream) = conn.stream.as_mut() else { return };
            match self.driver.read(stream, &mut self.buffer[..READ_BUFFER]) {
                Ok(0) => conn.ended = Some(Gone::Eof),
                Ok(_) => dropped = true,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    (conn.readable, conn.hangup) = (false, false);
                    // With a write that failed this is the end, though the peer has not closed.
                    conn.ended = conn.broken.map(Gone::Error);
                    if dropped || conn.ended.is_some() {
                        break;
                    }
                    return self.renew_deadline(id);
                }
                Err(error) => conn.ended = Some(Gone::Error(error.kind())),
            }
        }
        self.finish_input(id, &[]);
    }

    /// Input has ended and all lines are handled. `rest` has no LF.
    pub(super) fn finish_input(&mut self, id: ClientId, rest: &[u8]) {
        let Some(conn) = self.conns.get(id) else { return };
        let (role, discarding, why) = (conn.role, conn.discarding, conn.ended.unwrap_or(Gone::Eof));
        match role {
            Role::Chat(..) => self.tell(Input::Closed { client: id, why }),
            // `printf '{...}' | nc -U` means it: what a person leaves unfinished is no JSON.
            Role::Admin(caller) if !rest.is_empty() && !discarding => {
                self.admin_line(id, caller, rest);
            }
            Role::Admin(_) => {}
        }
        if let Some(conn) = self.conns.get_mut(id).filter(|conn| conn.parked) {
            // The answer to that line is still to come; then its connection is looked at again, and is over.
            conn.ended = Some(why);
            return self.renew_deadline(id);
        }
        match why {
            // The peer may have closed its own side only: what was said to it is sent.
            Gone::Eof => self.drain(id),
            Gone::Error(_) | Gone::SendQueue | Gone::Stalled => self.abandon(id),
        }
    }

    /// Reads and drops what a lingering connection sends.
    fn discard(&mut self, id: ClientId) {
        let mut left = self.server.config().limits.bytes_per_turn as usize;
        while left > 0 {
            let Some(conn) = self.conns.get_mut(id) else { return };
            let Some(stream) = conn.stream.as_mut().filter(|_| conn.readable) else { return };
            let room = &mut self.buffer[..left.min(READ_BUFFER)];
            match self.driver.read(stream, room) {
                Ok(count) if count > 0 => {
                    conn.readable = count == room.len() || conn.hangup;
                    left -= count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    (conn.readable, conn.hangup) = (false, false);
                }
                Ok(_) | Err(_) => return self.abandon(id),
            }
        }
        self.enqueue(id);
    }

    /// Whether so much was said that it should be sent before more input is handled: otherwise a connection whose
    /// socket would take it could go over its send queue within the turn.
    fn out_is_full(&self) -> bool {
        self.out.is_full() || self.out.fullest() >= self.server.least_send_queue() / 2
    }
}

impl Budget {
    /// Whether no further line may be handled.
    fn is_spent(&self, work: u64) -> bool {
        self.lines == 0 || work >= self.work
    }
}
