//! Connections and listening sockets as the played kernel has them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;

use super::Remote;
use super::faults::{Chance, Fault, Faults};
use crate::net::driver::{Origin, Ready};

/// One connection, both ends.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) origin: Origin,
    pub(super) token: Option<u64>,
    pub(super) accepted: bool,
    /// The server has closed its end.
    pub(super) closed: bool,
    /// Readiness that has begun and not been told of.
    pub(super) edge: bool,
    /// From the client, not read by the server.
    pub(super) up: VecDeque<u8>,
    /// The client sends no more.
    pub(super) fin: bool,
    /// The client has closed: what reaches it is answered with a reset.
    pub(super) gone: bool,
    /// A reset has come; whether the server has been told by an error.
    pub(super) reset: Option<bool>,
    /// A call of the server for it was made to fail.
    pub(super) failed: bool,
    /// A write of the server has failed: it must not make another.
    pub(super) unwritable: bool,
    /// From the server, not read by the client.
    pub(super) down: Vec<u8>,
    /// Bytes that the server wrote and that were not lost on the way.
    pub(super) taken: u64,
    /// Most bytes that `down` holds.
    pub(super) capacity: usize,
    /// A write was not taken whole, and the server has not been told of room since.
    pub(super) starved: bool,
    /// That was because `down` was full, and not by a fault.
    pub(super) full: bool,
    /// The server sends no more.
    pub(super) ended: bool,
    /// The server closed with input unread: the kernel has reset the connection.
    pub(super) destroyed: bool,
}

impl Pipe {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            origin,
            token: None,
            accepted: false,
            closed: false,
            edge: false,
            up: VecDeque::new(),
            fin: false,
            gone: false,
            reset: None,
            failed: false,
            unwritable: false,
            down: Vec::new(),
            taken: 0,
            capacity: 64 * 1024,
            starved: false,
            full: false,
            ended: false,
            destroyed: false,
        }
    }

    /// As the kernel has it now, whether it has told so or not. Who had no room is told of room when half of the buffer is
    /// free, and not before.
    fn readiness(&self) -> Ready {
        let reset = self.reset.is_some();
        Ready {
            readable: !self.up.is_empty() || self.fin,
            writable: reset || self.has_room(),
            read_closed: self.fin,
            write_closed: reset,
            error: self.reset == Some(false),
        }
    }

    fn has_room(&self) -> bool {
        if self.full { 2 * self.down.len() <= self.capacity } else { self.down.len() < self.capacity }
    }

    /// What the system tells of it now, if anything.
    pub(super) fn event(&mut self, chance: &mut Chance, faults: &Faults) -> Option<(u64, Ready)> {
        let token = self.token?;
        self.edge |= self.starved && self.capacity > 0 && self.has_room();
        if self.edge {
            if chance.happens(Fault::Late, faults) {
                return None;
            }
            let ready = self.readiness();
            self.edge = false;
            // Until it has been told of room, it is still to be told.
            if ready.writable {
                (self.starved, self.full) = (false, false);
            }
            return Some((token, ready));
        }
        let spurious = chance.happens(Fault::Spurious, faults);
        spurious.then(|| (token, Ready { readable: true, writable: true, ..self.readiness() }))
    }

    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        chance: &mut Chance,
        faults: &Faults,
    ) -> io::Result<usize> {
        assert!(!buffer.is_empty(), "a read into nothing");
        assert!(self.accepted && !self.closed, "a read from a closed stream");
        if chance.happens(Fault::WouldBlock, faults) {
            self.edge = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut count = buffer.len().min(self.up.len());
        if count > 1 && chance.happens(Fault::ShortRead, faults) {
            count = chance.part(count - 1);
            self.edge = true;
        }
        let (front, back) = self.up.as_slices();
        let first = count.min(front.len());
        buffer[..first].copy_from_slice(&front[..first]);
        buffer[first..count].copy_from_slice(&back[..count - first]);
        self.up.drain(..count);
        match (count, &mut self.reset) {
            (0, Some(told @ false)) => {
                *told = true;
                Err(ErrorKind::ConnectionReset.into())
            }
            (0, None) if !self.fin => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(count),
        }
    }

    pub(super) fn write(
        &mut self,
        pieces: &[IoSlice<'_>],
        chance: &mut Chance,
        faults: &Faults,
    ) -> io::Result<usize> {
        assert!(self.accepted && !self.closed, "a write to a closed stream");
        assert!(!self.ended, "a write after the end");
        assert!(!self.unwritable, "a write after one that failed");
        let len: usize = pieces.iter().map(|piece| piece.len()).sum();
        let refused = chance.happens(Fault::WouldBlock, faults);
        let part = if len > 0 && chance.happens(Fault::ShortWrite, faults) { chance.part(len) } else { len };
        match &mut self.reset {
            Some(told @ false) => {
                (*told, self.unwritable) = (true, true);
                return Err(ErrorKind::ConnectionReset.into());
            }
            Some(true) => {
                self.unwritable = true;
                return Err(ErrorKind::BrokenPipe.into());
            }
            None => {}
        }
        if self.gone {
            // Nobody is there: the kernel takes it, and the answer is a reset.
            (self.reset, self.edge) = (Some(false), true);
            return Ok(len);
        }
        let room = self.capacity.saturating_sub(self.down.len());
        let count = if refused { 0 } else { part.min(room) };
        // Told of again when there is room: at once, if only a fault has kept the rest out.
        self.starved = count < len;
        self.full = self.starved && count == room;
        let mut left = count;
        for piece in pieces {
            let taken = left.min(piece.len());
            self.down.extend_from_slice(&piece[..taken]);
            left -= taken;
        }
        self.taken += count as u64;
        if count == 0 && len > 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }
}

/// A listening socket.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) address: Option<SocketAddr>,
    /// Whether it is for those who may only look, if it has no address.
    pub(super) monitor: bool,
    pub(super) token: Option<u64>,
    pub(super) waiting: VecDeque<Remote>,
    pub(super) edge: bool,
    pub(super) open: bool,
}

impl Door {
    pub(super) fn overlaps(&self, other: SocketAddr) -> bool {
        let any = |address: SocketAddr| address.ip().is_unspecified();
        self.address.is_some_and(|address| {
            address == other
                || (address.port() == other.port()
                    && address.is_ipv4() == other.is_ipv4()
                    && (any(address) || any(other)))
        })
    }

    /// What the system tells of it now, if anything.
    pub(super) fn event(&mut self, chance: &mut Chance, faults: &Faults) -> Option<(u64, Ready)> {
        let token = self.token.filter(|_| self.open)?;
        if self.edge && chance.happens(Fault::Late, faults) {
            return None;
        }
        let told = std::mem::take(&mut self.edge) || chance.happens(Fault::Spurious, faults);
        told.then(|| (token, Ready { readable: true, ..Ready::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::driver::Credentials;

    fn pipe(capacity: usize) -> Pipe {
        let origin = Origin::Unix(Credentials { pid: 1, uid: 0, gid: 0 });
        Pipe { token: Some(1 << 32), accepted: true, capacity, ..Pipe::new(origin) }
    }

    #[test]
    fn room_is_told_of_when_half_of_the_buffer_is_free_and_once() {
        let (mut chance, faults) = (Chance::new(1), Faults::default());
        let mut pipe = pipe(4);
        assert_eq!(pipe.write(&[IoSlice::new(b"abcdef")], &mut chance, &faults).unwrap(), 4);
        for (left, told) in [(4, false), (3, false), (2, true), (1, false)] {
            pipe.down.truncate(left);
            assert_eq!(pipe.event(&mut chance, &faults).is_some(), told, "{left} of 4 bytes wait");
        }
    }

    #[test]
    fn room_is_told_of_though_there_was_none_when_a_fault_had_passed() {
        let (mut chance, calm) = (Chance::new(1), Faults::default());
        let storm = Faults { would_block: 1_000, ..calm };
        let mut pipe = pipe(4);
        assert_eq!(pipe.write(&[IoSlice::new(b"abc")], &mut chance, &calm).unwrap(), 3);
        assert!(pipe.write(&[IoSlice::new(b"def")], &mut chance, &storm).is_err());
        pipe.capacity = 2;
        assert_eq!(pipe.event(&mut chance, &calm), None);
        pipe.down.clear();
        assert!(pipe.event(&mut chance, &calm).is_some_and(|(_, ready)| ready.writable));
    }

    #[test]
    fn room_that_is_told_of_late_is_told_of_though_it_was_gone_for_a_while() {
        let (mut chance, calm) = (Chance::new(1), Faults::default());
        let late = Faults { late: 1_000, ..calm };
        let mut pipe = pipe(4);
        assert_eq!(pipe.write(&[IoSlice::new(b"abcdef")], &mut chance, &calm).unwrap(), 4);
        pipe.down.truncate(2);
        assert_eq!(pipe.event(&mut chance, &late), None);
        pipe.capacity = 1;
        assert!(pipe.event(&mut chance, &calm).is_some_and(|(_, ready)| !ready.writable));
        pipe.down.clear();
        assert!(pipe.event(&mut chance, &calm).is_some_and(|(_, ready)| ready.writable));
        assert_eq!(pipe.event(&mut chance, &calm), None);
    }

    #[test]
    fn what_was_read_in_part_is_told_of_again_and_what_was_left_by_choice_is_not() {
        let (mut chance, calm) = (Chance::new(1), Faults::default());
        let storm = Faults { short_read: 1_000, ..calm };
        let mut pipe = pipe(4);
        pipe.up.extend(b"abcdef");
        assert_eq!(pipe.read(&mut [0; 2], &mut chance, &calm).unwrap(), 2);
        assert_eq!(pipe.event(&mut chance, &calm), None);
        assert!(pipe.read(&mut [0; 9], &mut chance, &storm).unwrap() < 4);
        assert!(pipe.event(&mut chance, &calm).is_some_and(|(_, ready)| ready.readable));
    }
}
