//! The shell on a system that costs next to nothing: sockets take all that they are given, and have what was put there.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;

use chatd::net::{BindError, Bound, Driver, Job, Memory, Origin, Process, Ready, Shell};
use chatd::server::Time;

use crate::chat::{SEED, START, address, config};

/// An operating system with one listener.
#[derive(Default)]
pub(crate) struct Machine {
    gate: u64,
    /// How many wait at the listener.
    waiting: usize,
    sockets: Vec<Socket>,
    free: Vec<usize>,
    /// Writes, of one piece or several.
    writes: u64,
}

#[derive(Default)]
struct Socket {
    token: u64,
    /// What has been sent to it and not read.
    input: Vec<u8>,
    /// Nothing more will be.
    ended: bool,
}

impl Driver for Machine {
    type Stream = usize;
    type Listener = ();

    fn bind(&mut self, address: SocketAddr, _: bool, _: Option<&()>) -> Result<Option<Bound<()>>, BindError> {
        Ok(Some(Bound { requested: address.into(), address, socket: () }))
    }

    fn register_listener(&mut self, (): &mut (), token: u64) -> io::Result<()> {
        self.gate = token;
        Ok(())
    }

    fn close_listener(&mut self, (): ()) {}

    fn set_listening(&mut self, (): &(), _: SocketAddr, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn accept(&mut self, (): &()) -> io::Result<(usize, Origin)> {
        self.waiting = self.waiting.checked_sub(1).ok_or(ErrorKind::WouldBlock)?;
        let stream = self.free.pop().unwrap_or_else(|| {
            self.sockets.push(Socket::default());
            self.sockets.len() - 1
        });
        Ok((stream, Origin::Tcp(SocketAddr::from((address(stream as u32), 40_000)))))
    }

    fn register(&mut self, stream: &mut usize, token: u64) -> io::Result<()> {
        self.sockets[*stream].token = token;
        Ok(())
    }

    fn close(&mut self, stream: usize) {
        self.sockets[stream] = Socket::default();
        self.free.push(stream);
    }

    fn read(&mut self, stream: &mut usize, buffer: &mut [u8]) -> io::Result<usize> {
        let Socket { input, ended, .. } = &mut self.sockets[*stream];
        if input.is_empty() {
            return if *ended { Ok(0) } else { Err(ErrorKind::WouldBlock.into()) };
        }
        let count = input.len().min(buffer.len());
        buffer[..count].copy_from_slice(&input[..count]);
        input.drain(..count);
        Ok(count)
    }

    fn write(&mut self, _: &mut usize, bytes: &[u8]) -> io::Result<usize> {
        self.writes += 1;
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, _: &mut usize, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.writes += 1;
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    fn shutdown_write(&mut self, _: &mut usize) -> io::Result<()> {
        Ok(())
    }

    fn begin(&mut self, _: Job) -> bool {
        false
    }

    fn give_memory_back(&mut self) {}

    fn unsent(&self, _: &usize) -> u64 {
        0
    }

    fn memory(&self) -> Memory {
        Memory::default()
    }

    fn process(&self) -> Process {
        Process::default()
    }
}

/// A shell on such a system, and its clients by their numbers.
pub(crate) struct Host {
    shell: Shell<Machine>,
    now: Time,
}

impl Host {
    pub(crate) fn new() -> Self {
        let mut shell = Shell::new(Machine::default(), config(), SEED, START, Box::new(|| 0));
        let address = SocketAddr::from(([127, 0, 0, 1], 6667));
        shell.listen(Bound { requested: address.into(), address, socket: () }).expect("it can be registered");
        Self { shell, now: START }
    }

    /// So many users who are in `channel`.
    pub(crate) fn members(&mut self, count: usize, channel: &str) -> Vec<usize> {
        let clients: Vec<usize> = (0..count).collect();
        for &client in &clients {
            self.connect();
            self.send(client, format!("NICK nick{client}\r\nUSER user 0 * :Some real name\r\n").as_bytes());
            self.send(client, format!("JOIN {channel}\r\n").as_bytes());
            self.read(client);
            self.rest();
        }
        clients
    }

    /// A turn in which somebody is accepted.
    pub(crate) fn connect(&mut self) {
        self.shell.driver_mut().waiting += 1;
        self.begin();
        let gate = self.shell.driver_mut().gate;
        self.shell.event(gate, Ready { readable: true, ..Ready::default() });
        self.shell.end();
    }

    /// Puts bytes where the server will read them.
    pub(crate) fn send(&mut self, client: usize, bytes: &[u8]) {
        self.shell.driver_mut().sockets[client].input.extend_from_slice(bytes);
    }

    /// A turn in which the server is told that somebody has sent something.
    pub(crate) fn read(&mut self, client: usize) {
        self.begin();
        self.handle(client);
        self.end();
    }

    /// A turn in which somebody who has sent all is found to have closed.
    pub(crate) fn hang_up(&mut self, client: usize) {
        let socket = &mut self.shell.driver_mut().sockets[client];
        socket.ended = true;
        let token = socket.token;
        self.begin();
        self.shell.event(token, Ready { readable: true, read_closed: true, ..Ready::default() });
        self.end();
    }

    pub(crate) fn begin(&mut self) {
        self.now.mono_ms += 1;
        self.now.unix_ms += 1;
        self.shell.begin(self.now);
    }

    pub(crate) fn handle(&mut self, client: usize) {
        let token = self.shell.driver_mut().sockets[client].token;
        self.shell.event(token, Ready { readable: true, ..Ready::default() });
    }

    pub(crate) fn end(&mut self) {
        self.shell.end();
    }

    /// Turns without events, until nothing goes on at once.
    pub(crate) fn rest(&mut self) {
        while self.shell.deadline() == Some(0) {
            self.begin();
            self.end();
        }
    }

    /// Writes since the start.
    pub(crate) fn writes(&mut self) -> u64 {
        self.shell.driver_mut().writes
    }
}
