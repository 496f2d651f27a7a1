//! A machine whose calls cost next to nothing, so that what is measured is the server's own work.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv6Addr, SocketAddr};

use chatd::net::{BindError, Bound, Credentials, Driver, Job, Memory, Origin, Process};

/// Where clients connect.
const CHAT: u32 = 0;
/// Where operators connect.
pub(crate) const ADMIN: u32 = 1;

/// What one connection has in its socket.
#[derive(Default)]
struct Socket {
    token: u64,
    input: Vec<u8>,
    read: usize,
    closed: bool,
}

/// Takes all that is written at once, and forgets it.
#[derive(Default)]
pub(crate) struct Machine {
    sockets: Vec<Socket>,
    /// By listener.
    waiting: [VecDeque<u32>; 2],
    gates: [u64; 2],
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) sends: u64,
}

impl Machine {
    /// Somebody connects. They are known by a number.
    pub(crate) fn connect(&mut self, gate: u32) -> u32 {
        let number = self.sockets.len() as u32;
        self.sockets.push(Socket::default());
        self.waiting[gate as usize].push_back(number);
        number
    }

    pub(crate) fn send(&mut self, number: u32, bytes: &[u8]) {
        self.sockets[number as usize].input.extend_from_slice(bytes);
    }

    pub(crate) fn close_remote(&mut self, number: u32) {
        self.sockets[number as usize].closed = true;
    }

    pub(crate) fn token(&self, number: u32) -> u64 {
        self.sockets[number as usize].token
    }

    /// The tokens of listeners where somebody waits.
    pub(crate) fn knocked(&self) -> impl Iterator<Item = u64> {
        let waiting = self.waiting.iter().zip(self.gates);
        waiting.filter(|(waiting, _)| !waiting.is_empty()).map(|(_, token)| token)
    }
}

impl Driver for Machine {
    type Stream = u32;
    type Listener = u32;

    fn bind(
        &mut self,
        address: SocketAddr,
        _: bool,
        _: Option<&u32>,
    ) -> Result<Option<Bound<u32>>, BindError> {
        Ok(Some(Bound { requested: address.into(), address, socket: CHAT }))
    }

    fn register_listener(&mut self, gate: &mut u32, token: u64) -> io::Result<()> {
        self.gates[*gate as usize] = token;
        Ok(())
    }

    fn close_listener(&mut self, _: u32) {}

    fn set_listening(&mut self, _: &u32, _: SocketAddr, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn accept(&mut self, gate: &u32) -> io::Result<(u32, Origin)> {
        let number = self.waiting[*gate as usize].pop_front().ok_or(ErrorKind::WouldBlock)?;
        let origin = if *gate == ADMIN {
            Origin::Unix(Credentials { pid: 1, uid: 0, gid: 0 })
        } else {
            // As long as an address can be.
            let address = Ipv6Addr::from_bits(0x2001_0db8_1111_2222_3333_4444_5555_0000 | u128::from(number));
            Origin::Tcp(SocketAddr::new(address.into(), 40_000))
        };
        Ok((number, origin))
    }

    fn register(&mut self, stream: &mut u32, token: u64) -> io::Result<()> {
        self.sockets[*stream as usize].token = token;
        Ok(())
    }

    fn close(&mut self, stream: u32) {
        self.sockets[stream as usize] = Socket::default();
    }

    fn read(&mut self, stream: &mut u32, buffer: &mut [u8]) -> io::Result<usize> {
        let socket = &mut self.sockets[*stream as usize];
        let rest = &socket.input[socket.read..];
        let count = rest.len().min(buffer.len());
        if count == 0 && !socket.closed {
            return Err(ErrorKind::WouldBlock.into());
        }
        buffer[..count].copy_from_slice(&rest[..count]);
        socket.read += count;
        if socket.read == socket.input.len() {
            (socket.input, socket.read) = (Vec::new(), 0);
        }
        Ok(count)
    }

    fn write(&mut self, _: &mut u32, bytes: &[u8]) -> io::Result<usize> {
        self.sends += 1;
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, _: &mut u32, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.sends += 1;
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }

    fn shutdown_write(&mut self, _: &mut u32) -> io::Result<()> {
        Ok(())
    }

    fn begin(&mut self, job: Job) -> bool {
        self.jobs.push_back(job);
        true
    }

    fn give_memory_back(&mut self) {}

    fn unsent(&self, _: &u32) -> u64 {
        0
    }

    fn memory(&self) -> Memory {
        Memory::default()
    }

    fn process(&self) -> Process {
        Process::default()
    }
}
