//! An operating system for tests: [`FakeDriver`] plays the kernel and every client of a
//! [`Shell`](super::Shell), without a socket.
//!
//! It keeps the promises of [`Driver`] and no more: readiness is told once, when it begins, and told
//! again only after a call has found its end. On request it also does all that a kernel may do: takes
//! a part of a write, says `WouldBlock` and then becomes ready, tells of readiness that is none, runs
//! out of descriptors, fails any call. All of it is chosen by a generator that the caller seeds. What a
//! shell must never do makes it panic: to read into nothing, to use a closed stream, to register twice.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;

use nix::errno::Errno;

use super::driver::{Credentials, Driver, Origin, Process, Ready};
use super::jobs::Job;
use super::listener::{BindError, Bound};
use super::memory::Memory;
use crate::config::Listen;

/// A client, by the order in which they connected.
pub type Remote = usize;

/// The accepted end of a connection.
#[derive(Debug)]
pub struct FakeStream(Remote);

/// A listening socket.
#[derive(Debug)]
pub struct FakeListener(usize);

/// How often each fault happens, in 1,000 chances.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A read or write says `WouldBlock` although it could go on; readiness is told again.
    pub would_block: u32,
    /// A write takes a part only; writability is told again.
    pub short_write: u32,
    /// An event tells a registered stream that all is ready.
    pub spurious: u32,
}

/// Calls that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Call {
    Bind,
    Accept,
    Register,
    Read,
    Write,
}

/// How often the shell made calls that cost something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Accepts, failed ones included.
    pub accepts: u64,
    /// Reads.
    pub reads: u64,
    /// Writes of one piece.
    pub writes: u64,
    /// Writes of several pieces.
    pub vectored: u64,
    /// Streams registered.
    pub registers: u64,
}

/// One connection, both ends.
#[derive(Debug)]
struct Pipe {
    origin: Origin,
    token: Option<u64>,
    accepted: bool,
    /// The server has closed its end.
    closed: bool,
    /// Readiness that has begun and not been told of.
    edge: bool,
    /// From the client, not read by the server.
    up: VecDeque<u8>,
    /// The client sends no more.
    fin: bool,
    /// The client has closed: what reaches it is answered with a reset.
    gone: bool,
    /// A reset has come; whether the server has been told by an error.
    reset: Option<bool>,
    /// From the server, not read by the client.
    down: Vec<u8>,
    /// Most bytes that `down` holds.
    capacity: usize,
    /// A write has found `down` full.
    starved: bool,
    /// The server sends no more.
    ended: bool,
    /// The server closed with input unread: the kernel has reset the connection.
    destroyed: bool,
}

#[derive(Debug)]
struct Door {
    address: Option<SocketAddr>,
    token: Option<u64>,
    waiting: VecDeque<Remote>,
    edge: bool,
    open: bool,
}

impl Door {
    fn overlaps(&self, other: SocketAddr) -> bool {
        let any = |address: SocketAddr| address.ip().is_unspecified();
        self.address.is_some_and(|address| {
            address == other
                || (address.port() == other.port()
                    && address.is_ipv4() == other.is_ipv4()
                    && (any(address) || any(other)))
        })
    }
}

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
    pipes: Vec<Pipe>,
    doors: Vec<Door>,
    /// Accepted and not closed.
    open: Vec<Remote>,
    failures: Vec<(Call, Errno)>,
    random: u64,
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
            pipes: Vec::new(),
            doors: Vec::new(),
            open: Vec::new(),
            failures: Vec::new(),
            random: seed,
            next_port: 40_000,
            loads: 0,
            jobs: VecDeque::new(),
        }
    }

    /// A listening socket for the admin protocol, as [`AdminSocket`](super::AdminSocket) is one.
    pub fn admin_listener(&mut self) -> FakeListener {
        self.open_door(None)
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
        self.failures.push((call, errno));
    }

    /// A client connects to a chat listener.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect(&mut self, to: SocketAddr, from: SocketAddr) -> Remote {
        self.knock(Some(to), Origin::Tcp(from))
    }

    /// A process connects to the admin socket.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn connect_admin(&mut self, from: Credentials) -> Remote {
        self.knock(None, Origin::Unix(from))
    }

    fn knock(&mut self, to: Option<SocketAddr>, origin: Origin) -> Remote {
        let remote = self.pipes.len();
        self.pipes.push(Pipe {
            origin,
            token: None,
            accepted: false,
            closed: false,
            edge: false,
            up: VecDeque::new(),
            fin: false,
            gone: false,
            reset: None,
            down: Vec::new(),
            capacity: 64 * 1024,
            starved: false,
            ended: false,
            destroyed: false,
        });
        let door = self.doors.iter_mut().find(|door| door.open && door.address == to);
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
        pipe.down.drain(..count).collect()
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

    /// Streams that are open: accepted and not closed.
    pub fn open_streams(&self) -> usize {
        self.open.len()
    }

    /// What has become ready, in no particular order.
    pub fn poll(&mut self) -> Vec<(u64, Ready)> {
        let mut events = Vec::new();
        for door in self.doors.iter_mut().filter(|door| door.open) {
            if let Some(token) = door.token.filter(|_| std::mem::take(&mut door.edge)) {
                events.push((token, Ready { readable: true, ..Ready::default() }));
            }
        }
        for index in 0..self.open.len() {
            let spurious = self.chance(self.faults.spurious);
            let pipe = &mut self.pipes[self.open[index]];
            let Some(token) = pipe.token else { continue };
            if pipe.starved && pipe.down.len() < pipe.capacity {
                (pipe.starved, pipe.edge) = (false, true);
            }
            if std::mem::take(&mut pipe.edge) {
                events.push((token, pipe.readiness()));
            } else if spurious {
                events.push((token, Ready { readable: true, writable: true, ..pipe.readiness() }));
            }
        }
        for index in (1..events.len()).rev() {
            let other = self.below(index as u64 + 1) as usize;
            events.swap(index, other);
        }
        events
    }

    fn open_door(&mut self, address: Option<SocketAddr>) -> FakeListener {
        self.doors.push(Door { address, token: None, waiting: VecDeque::new(), edge: false, open: true });
        FakeListener(self.doors.len() - 1)
    }

    /// The failure that was asked for, if this is the call.
    fn injected(&mut self, call: Call) -> io::Result<()> {
        match self.failures.iter().position(|(failing, _)| *failing == call) {
            Some(index) => Err(self.failures.remove(index).1.into()),
            None => Ok(()),
        }
    }

    /// A number below `bound` (the generator `SplitMix64`).
    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn chance(&mut self, in_a_thousand: u32) -> bool {
        in_a_thousand > 0 && self.below(1_000) < u64::from(in_a_thousand)
    }

    fn write_all(
        &mut self,
        remote: Remote,
        bytes: impl Iterator<Item = u8>,
        len: usize,
    ) -> io::Result<usize> {
        self.injected(Call::Write)?;
        let refused = self.chance(self.faults.would_block);
        let part =
            if self.chance(self.faults.short_write) { self.below(len as u64 + 1) as usize } else { len };
        let pipe = &mut self.pipes[remote];
        assert!(pipe.accepted && !pipe.closed, "a write to a closed stream");
        assert!(!pipe.ended, "a write after the end");
        match &mut pipe.reset {
            Some(told @ false) => {
                *told = true;
                return Err(ErrorKind::ConnectionReset.into());
            }
            Some(true) => return Err(ErrorKind::BrokenPipe.into()),
            None => {}
        }
        if pipe.gone {
            // Nobody is there: the kernel takes it, and the answer is a reset.
            (pipe.reset, pipe.edge) = (Some(false), true);
            return Ok(len);
        }
        let room = pipe.capacity.saturating_sub(pipe.down.len());
        let count = if refused { 0 } else { part.min(room) };
        if count < len {
            // Told of again when there is room: at once, if only a fault has kept the rest out.
            pipe.starved = count == room;
            pipe.edge |= count < room;
        }
        pipe.down.extend(bytes.take(count));
        if count == 0 && len > 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(count) }
    }
}

impl Pipe {
    /// As the kernel has it now, whether it has told so or not.
    fn readiness(&self) -> Ready {
        let reset = self.reset.is_some();
        Ready {
            readable: !self.up.is_empty() || self.fin,
            writable: reset || self.down.len() < self.capacity,
            read_closed: self.fin,
            write_closed: reset,
            error: self.reset == Some(false),
        }
    }
}

impl Driver for FakeDriver {
    type Stream = FakeStream;
    type Listener = FakeListener;

    fn bind(
        &mut self,
        listen: &Listen,
        beside: Option<&FakeListener>,
    ) -> Result<Option<Bound<FakeListener>>, BindError> {
        let failed = self.injected(Call::Bind);
        failed.map_err(|error| BindError::new(listen.address, error.to_string()))?;
        let mut address = listen.address;
        if address.port() == 0 {
            address.set_port(self.next_port);
            self.next_port += 1;
        }
        let old = beside.and_then(|listener| self.doors[listener.0].address);
        if self.doors.iter().any(|door| door.open && door.address != old && door.overlaps(address)) {
            return Err(BindError::new(address, "another program listens there"));
        }
        let socket = self.open_door(Some(address));
        Ok(Some(Bound { requested: listen.address, address, socket }))
    }

    fn register_listener(&mut self, listener: &mut FakeListener, token: u64) -> io::Result<()> {
        let door = &mut self.doors[listener.0];
        assert!(door.token.replace(token).is_none(), "a listener is registered once");
        door.edge = !door.waiting.is_empty();
        Ok(())
    }

    fn close_listener(&mut self, listener: FakeListener) {
        let door = &mut self.doors[listener.0];
        door.open = false;
        for remote in std::mem::take(&mut door.waiting) {
            self.pipes[remote].closed = true;
            self.pipes[remote].destroyed = true;
        }
    }

    fn accept(&mut self, listener: &FakeListener) -> io::Result<(FakeStream, Origin)> {
        self.calls.accepts += 1;
        if self.open.len() >= self.most_open {
            return Err(Errno::EMFILE.into());
        }
        self.injected(Call::Accept)?;
        let door = &mut self.doors[listener.0];
        assert!(door.open, "a closed listener accepts nobody");
        let Some(remote) = door.waiting.pop_front() else { return Err(ErrorKind::WouldBlock.into()) };
        self.pipes[remote].accepted = true;
        self.open.push(remote);
        Ok((FakeStream(remote), self.pipes[remote].origin))
    }

    fn register(&mut self, stream: &mut FakeStream, token: u64) -> io::Result<()> {
        self.injected(Call::Register)?;
        self.calls.registers += 1;
        let pipe = &mut self.pipes[stream.0];
        assert!(pipe.token.replace(token).is_none(), "a stream is registered once");
        pipe.edge = true;
        Ok(())
    }

    fn close(&mut self, stream: FakeStream) {
        let pipe = &mut self.pipes[stream.0];
        assert!(pipe.accepted && !pipe.closed, "a stream is closed once");
        (pipe.closed, pipe.token) = (true, None);
        if !pipe.up.is_empty() && !pipe.gone {
            pipe.destroyed = true;
            pipe.down.clear();
        }
        pipe.up.clear();
        self.open.retain(|open| *open != stream.0);
    }

    fn read(&mut self, stream: &mut FakeStream, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls.reads += 1;
        self.injected(Call::Read)?;
        let refused = self.chance(self.faults.would_block);
        assert!(!buffer.is_empty(), "a read into nothing");
        let pipe = &mut self.pipes[stream.0];
        assert!(pipe.accepted && !pipe.closed, "a read from a closed stream");
        if refused {
            pipe.edge = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = buffer.len().min(pipe.up.len());
        for (slot, byte) in buffer.iter_mut().zip(pipe.up.drain(..count)) {
            *slot = byte;
        }
        match (count, &mut pipe.reset) {
            (0, Some(told @ false)) => {
                *told = true;
                Err(ErrorKind::ConnectionReset.into())
            }
            (0, None) if !pipe.fin => Err(ErrorKind::WouldBlock.into()),
            _ => Ok(count),
        }
    }

    fn write(&mut self, stream: &mut FakeStream, bytes: &[u8]) -> io::Result<usize> {
        self.calls.writes += 1;
        self.write_all(stream.0, bytes.iter().copied(), bytes.len())
    }

    fn write_vectored(&mut self, stream: &mut FakeStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls.vectored += 1;
        let len = pieces.iter().map(|piece| piece.len()).sum();
        self.write_all(stream.0, pieces.iter().flat_map(|piece| piece.iter().copied()), len)
    }

    fn shutdown_write(&mut self, stream: &mut FakeStream) -> io::Result<()> {
        let pipe = &mut self.pipes[stream.0];
        if pipe.reset.is_some() {
            return Err(ErrorKind::NotConnected.into());
        }
        pipe.ended = true;
        Ok(())
    }

    fn begin(&mut self, job: Job) -> bool {
        match job {
            Job::Load => self.loads += 1,
            _ if self.busy => return false,
            job => self.jobs.push_back(job),
        }
        true
    }

    fn unsent(&self, stream: &FakeStream) -> u64 {
        self.pipes[stream.0].down.len() as u64
    }

    fn memory(&self) -> Memory {
        self.memory
    }

    fn process(&self) -> Process {
        Process::default()
    }
}
