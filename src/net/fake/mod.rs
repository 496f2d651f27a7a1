//! An operating system for tests: [`FakeDriver`] plays the kernel and every client of a
//! [`Shell`](super::Shell), without a socket.
//!
//! It keeps the promises of [`Driver`](super::Driver) and no more: readiness is told once, when it begins, and told
//! again only after a call has found its end. On request it also does all that a kernel may do: gives a part of
//! what there is to read, takes a part of a write, down to one byte, says `WouldBlock` and then becomes ready, tells
//! of readiness that is none, or does so late, runs out of descriptors, fails any call. All of it is chosen by a
//! generator that the caller seeds. What a shell must never do makes it panic: to read into nothing, to use a closed
//! stream, to register twice, to write after a write that failed.

mod calls;
mod faults;
mod pipe;

use std::collections::VecDeque;
use std::net::SocketAddr;

use nix::errno::Errno;

use super::driver::{Credentials, Origin, Ready};
use super::jobs::Job;
use super::supervision::Notice;
use faults::Chance;
use pipe::{Door, Pipe};

pub use super::memory::Memory;
pub use faults::{Call, Calls, Fault, Faults, Happened};

/// A client, by the order in which they connected.
pub type Remote = usize;

/// The accepted end of a connection.
#[derive(Debug)]
pub struct FakeStream(Remote);

/// A listening socket.
#[derive(Debug)]
pub struct FakeListener(usize);

/// The kernel and the clients.
#[derive(Debug)]
pub struct FakeDriver {
    /// Faults from now on.
    pub faults: Faults,
    /// Calls so far.
    pub calls: Calls,
    /// Streams that may be open at a time; accepting one more is `EMFILE`.
    pub most_open: usize,
    /// Whether jobs of the server cannot be begun, as too many wait.
    pub busy: bool,
    /// How much memory is used and may be; at first there is no limit.
    pub memory: Memory,
    /// How often memory was given back.
    pub given_back: u32,
    /// What a supervisor was told.
    pub notices: Vec<Notice>,
    /// Whether the supervisor hears nothing, as too much waits for it.
    pub deaf: bool,
    pipes: Vec<Pipe>,
    doors: Vec<Door>,
    /// Accepted and not closed.
    open: Vec<Remote>,
    /// Who was registered last with each slot of a token.
    slots: Vec<Remote>,
    chance: Chance,
    next_port: u16,
    loads: usize,
    /// Other jobs, begun and not told of.
    jobs: VecDeque<Job>,
}

impl FakeDriver {
    /// A machine without clients or faults.
    pub fn new(seed: u64) -> Self {
        Self {
            faults: Faults::default(),
            calls: Calls::default(),
            most_open: usize::MAX,
            busy: false,
            memory: Memory::default(),
            given_back: 0,
            notices: Vec::new(),
            deaf: false,
            pipes: Vec::new(),
            doors: Vec::new(),
            open: Vec::new(),
            slots: Vec::new(),
            chance: Chance::new(seed),
            next_port: 40_000,
            loads: 0,
            jobs: VecDeque::new(),
        }
    }

    /// A listening socket for the admin protocol, as [`AdminSocket`](super::AdminSocket) is one.
    pub fn admin_listener(&mut self) -> FakeListener {
        self.open_door(None)
    }

    /// The same for those who may only look.
    pub fn monitor_listener(&mut self) -> FakeListener {
        let listener = self.open_door(None);
        self.doors[listener.0].monitor = true;
        listener
    }

    /// Whether the configuration is to be read, which [`Shell::loaded`](super::Shell::loaded) has not been told of.
    /// Each request is told of once.
    pub fn take_load(&mut self) -> bool {
        let wanted = self.loads > 0;
        self.loads = self.loads.saturating_sub(1);
        wanted
    }

    /// A job for the server that has been begun, oldest first; [`Shell::finished`](super::Shell::finished) is to be told
    /// what comes of it. Each is told of once.
    pub fn take_job(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// Makes the next such call fail.
    pub fn fail(&mut self, call: Call, errno: Errno) {
        self.chance.asked.push((call, errno));
    }

    /// What went wrong so far.
    pub fn happened(&self) -> Happened {
        self.chance.happened
    }

    /// A client connects to a chat listener.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect(&mut self, to: SocketAddr, from: SocketAddr) -> Remote {
        self.knock(Some(to), false, Origin::Tcp(from))
    }

    /// A process connects to the admin socket.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect_admin(&mut self, from: Credentials) -> Remote {
        self.knock(None, false, Origin::Unix(from))
    }

    /// A process connects to the monitor socket.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect_monitor(&mut self, from: Credentials) -> Remote {
        self.knock(None, true, Origin::Unix(from))
    }

    fn knock(&mut self, to: Option<SocketAddr>, monitor: bool, origin: Origin) -> Remote {
        let remote = self.pipes.len();
        self.pipes.push(Pipe::new(origin));
        let door = self.doors.iter_mut().find(|it| it.open && it.address == to && it.monitor == monitor);
        let door = door.unwrap_or_else(|| panic!("nobody listens on {to:?}"));
        door.waiting.push_back(remote);
        door.edge = true;
        remote
    }

    /// Whether somebody listens on an address.
    pub fn is_listening(&self, address: SocketAddr) -> bool {
        self.doors.iter().any(|door| door.open && door.address == Some(address))
    }

    /// The client sends bytes.
    pub fn send(&mut self, remote: Remote, bytes: &[u8]) {
        let pipe = &mut self.pipes[remote];
        assert!(!pipe.fin && pipe.reset.is_none(), "the client has closed its end");
        // Sent to a closed end, it is lost.
        if !pipe.closed {
            pipe.up.extend(bytes);
            pipe.edge = true;
        }
    }

    /// The client sends no more, but still reads.
    pub fn finish(&mut self, remote: Remote) {
        let pipe = &mut self.pipes[remote];
        pipe.fin = true;
        pipe.edge = true;
    }

    /// The client closes. If it has not read everything, its kernel resets the connection.
    pub fn close_remote(&mut self, remote: Remote) {
        self.finish(remote);
        self.pipes[remote].gone = true;
        if !self.pipes[remote].down.is_empty() {
            self.reset(remote);
        }
    }

    /// The client resets the connection. What it sent before can still be read.
    pub fn reset(&mut self, remote: Remote) {
        let pipe = &mut self.pipes[remote];
        (pipe.fin, pipe.gone, pipe.edge) = (true, true, true);
        pipe.reset.get_or_insert(false);
        pipe.down.clear();
    }

    /// The client reads up to `most` bytes.
    pub fn receive(&mut self, remote: Remote, most: usize) -> Vec<u8> {
        let pipe = &mut self.pipes[remote];
        let count = most.min(pipe.down.len());
        let rest = pipe.down.split_off(count);
        std::mem::replace(&mut pipe.down, rest)
    }

    /// How many bytes the kernel holds for a client that does not read.
    pub fn set_capacity(&mut self, remote: Remote, bytes: usize) {
        self.pipes[remote].capacity = bytes;
    }

    /// Whether the server has closed its end.
    pub fn is_closed(&self, remote: Remote) -> bool {
        self.pipes[remote].closed
    }

    /// Whether the client, having read everything, would see the end of the connection.
    pub fn has_ended(&self, remote: Remote) -> bool {
        let pipe = &self.pipes[remote];
        (pipe.ended || pipe.closed) && !pipe.destroyed
    }

    /// Whether the client sees a reset, and not what it had not read: the server closed with input unread.
    pub fn is_destroyed(&self, remote: Remote) -> bool {
        self.pipes[remote].destroyed
    }

    /// The token of an accepted stream that is not closed.
    pub fn token(&self, remote: Remote) -> Option<u64> {
        self.pipes[remote].token
    }

    /// Who was registered last with a token of this slot, which may be closed by now.
    pub fn at_slot(&self, slot: u32) -> Option<Remote> {
        self.slots.get(slot as usize).copied()
    }

    /// Whether a call for it was made to fail, or the client has reset it or is gone.
    pub fn is_broken(&self, remote: Remote) -> bool {
        let pipe = &self.pipes[remote];
        pipe.failed || pipe.gone
    }

    /// Whether the server has said that it sends no more.
    pub fn is_finished(&self, remote: Remote) -> bool {
        self.pipes[remote].ended
    }

    /// Bytes that the server wrote, whether the client has read them or not.
    pub fn bytes_taken(&self, remote: Remote) -> u64 {
        self.pipes[remote].taken
    }

    /// Streams that are open: accepted and not closed.
    pub fn open_streams(&self) -> usize {
        self.open.len()
    }

    /// What has become ready, in no particular order.
    pub fn poll(&mut self) -> Vec<(u64, Ready)> {
        let (chance, faults) = (&mut self.chance, &self.faults);
        let mut events: Vec<_> =
            self.doors.iter_mut().filter_map(|door| door.event(chance, faults)).collect();
        for &remote in &self.open {
            events.extend(self.pipes[remote].event(chance, faults));
        }
        for index in (1..events.len()).rev() {
            events.swap(index, chance.below(index + 1));
        }
        events
    }

    fn open_door(&mut self, address: Option<SocketAddr>) -> FakeListener {
        let waiting = VecDeque::new();
        self.doors.push(Door { address, monitor: false, token: None, waiting, edge: false, open: true });
        FakeListener(self.doors.len() - 1)
    }
}
