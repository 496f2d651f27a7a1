//! Many clients on one thread, without waiting: what all scenarios drive a server with.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use memchr::memchr;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// The longest line that a server may send: the tags' bound and the line's, with room to spare.
const LINE: usize = 16 * 1024;
/// How long a server may take for anything at all before the run is given up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Who is told what clients hear.
pub(crate) trait Ear {
    /// Client `to` got this line, which has no line end, at `now` nanoseconds since the swarm began.
    fn line(&mut self, to: usize, line: &[u8], now: u64);

    /// The server closed the connection of client `who`.
    fn closed(&mut self, who: usize);
}

/// One client.
pub(crate) struct Client {
    pub(crate) stream: Option<TcpStream>,
    /// The beginning of a line whose end has not come yet.
    rest: Vec<u8>,
    /// What the socket has not taken yet.
    out: Vec<u8>,
    /// Is not read, whatever arrives.
    pub(crate) deaf: bool,
}

/// Clients of one server.
pub(crate) struct Swarm {
    poll: Poll,
    events: Events,
    pub(crate) clients: Vec<Client>,
    buffer: Vec<u8>,
    began: Instant,
    address: SocketAddr,
    /// Where clients connect from, if that is not up to the system.
    source: Option<Ipv4Addr>,
    /// Sends so far.
    pub(crate) sends: u64,
}

impl Swarm {
    /// No clients yet.
    pub(crate) fn new(address: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            clients: Vec::new(),
            buffer: vec![0; 256 * 1024],
            began: Instant::now(),
            address,
            source: None,
            sends: 0,
        })
    }

    /// How many clients there are or were.
    pub(crate) fn len(&self) -> usize {
        self.clients.len()
    }

    /// Nanoseconds since the swarm began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Starts to connect one client more, and says which it is.
    pub(crate) fn connect(&mut self) -> io::Result<usize> {
        self.clients.push(Client { stream: None, rest: Vec::new(), out: Vec::new(), deaf: false });
        let who = self.clients.len() - 1;
        self.connect_as(who)?;
        Ok(who)
    }

    /// Has clients connect from this address from now on.
    pub(crate) fn come_from(&mut self, source: Ipv4Addr) {
        self.source = Some(source);
    }

    /// Starts to connect in the place of a client that is gone.
    pub(crate) fn connect_as(&mut self, who: usize) -> io::Result<()> {
        let mut stream = match self.source {
            Some(source) => connect_from(source, self.address)?,
            None => TcpStream::connect(self.address)?,
        };
        stream.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(who), both)?;
        let client = &mut self.clients[who];
        client.stream = Some(stream);
        client.rest.clear();
        client.out.clear();
        Ok(())
    }

    /// Takes the clients from this one on out, as a swarm of their own, where they count from 0.
    ///
    /// # Errors
    /// When the poll fails.
    pub(crate) fn split_off(&mut self, at: usize) -> io::Result<Self> {
        let mut other = Self::new(self.address)?;
        other.clients = self.clients.split_off(at);
        for (who, client) in other.clients.iter_mut().enumerate() {
            if let Some(stream) = &mut client.stream {
                self.poll.registry().deregister(stream)?;
                let both = Interest::READABLE | Interest::WRITABLE;
                other.poll.registry().register(stream, Token(who), both)?;
            }
        }
        Ok(other)
    }

    /// Sends, or keeps what the socket does not take until it does.
    pub(crate) fn send(&mut self, who: usize, bytes: &[u8]) {
        let client = &mut self.clients[who];
        if client.out.is_empty() {
            let Some(stream) = &mut client.stream else { return };
            self.sends += 1;
            let sent = stream.write(bytes).unwrap_or(0);
            client.out.extend_from_slice(&bytes[sent..]);
        } else {
            client.out.extend_from_slice(bytes);
        }
    }

    /// Whether something waits for this client's socket to take it.
    pub(crate) fn is_full(&self, who: usize) -> bool {
        !self.clients[who].out.is_empty()
    }

    /// Whether this client is connected, or is about to be.
    pub(crate) fn is_open(&self, who: usize) -> bool {
        self.clients[who].stream.is_some()
    }

    /// Reads nothing for this client from now on, in a socket that holds little (`SO_RCVBUF`, in bytes).
    pub(crate) fn deafen(&mut self, who: usize, holds: usize) -> io::Result<()> {
        self.clients[who].deaf = true;
        match &self.clients[who].stream {
            Some(stream) => SockRef::from(stream).set_recv_buffer_size(holds),
            None => Ok(()),
        }
    }

    /// Reads one byte of what a deaf client got; says whether its connection is still there.
    pub(crate) fn sip(&mut self, who: usize) -> bool {
        let Some(stream) = &mut self.clients[who].stream else { return false };
        let alive = match stream.read(&mut [0]) {
            Ok(length) => length > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        if !alive {
            self.clients[who].stream = None;
        }
        alive
    }

    /// Handles what has come, and waits for it for as long as `wait` says: not at all while something is measured.
    ///
    /// # Errors
    /// When the poll fails, or a server sends a line that no client would take.
    pub(crate) fn turn(&mut self, wait: Duration, ear: &mut impl Ear) -> io::Result<()> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            let who = event.token().0;
            let client = &mut self.clients[who];
            if event.is_writable() && !client.out.is_empty() {
                self.sends += 1;
                client.write();
            }
            if event.is_readable() && !client.deaf {
                let open = client.read(who, &mut self.buffer, event.is_read_closed(), self.began, ear)?;
                if !open {
                    // Gone before the ear hears of it, so that it can connect anew.
                    client.stream = None;
                    ear.closed(who);
                }
            }
        }
        Ok(())
    }
}

impl Client {
    fn write(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let sent = stream.write(&self.out).unwrap_or(0);
        self.out.drain(..sent);
    }

    /// Reads what is there; says whether the connection is.
    fn read(
        &mut self,
        who: usize,
        buffer: &mut [u8],
        closed: bool,
        began: Instant,
        ear: &mut impl Ear,
    ) -> io::Result<bool> {
        loop {
            let Some(stream) = &mut self.stream else { return Ok(true) };
            let length = match stream.read(buffer) {
                Ok(0) => return Ok(false),
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Ok(false),
            };
            let now = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.lines(who, &buffer[..length], now, ear);
            if self.rest.len() > LINE {
                return Err(io::Error::new(ErrorKind::InvalidData, "a line without end from the server"));
            }
            // A short read has emptied the socket, but for the end.
            if length < buffer.len() && !closed {
                return Ok(true);
            }
        }
    }

    fn lines(&mut self, who: usize, mut bytes: &[u8], now: u64, ear: &mut impl Ear) {
        while let Some(end) = memchr(b'\n', bytes) {
            if self.rest.is_empty() {
                self.line(who, &bytes[..end], now, ear);
            } else {
                let mut line = std::mem::take(&mut self.rest);
                line.extend_from_slice(&bytes[..end]);
                self.line(who, &line, now, ear);
            }
            bytes = &bytes[end + 1..];
        }
        self.rest.extend_from_slice(bytes);
    }

    fn line(&mut self, who: usize, line: &[u8], now: u64, ear: &mut impl Ear) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(rest) = line.strip_prefix(b"PING ") {
            self.out.extend_from_slice(&[b"PONG ", rest, b"\r\n"].concat());
            self.write();
            return;
        }
        ear.line(who, line, now);
    }
}

/// The command or numeric of a line, and what follows it.
pub(crate) fn command(line: &[u8]) -> (&[u8], &[u8]) {
    let line = if line.first() == Some(&b':') { after_space(line) } else { line };
    let end = memchr(b' ', line).unwrap_or(line.len());
    (&line[..end], line.get(end + 1..).unwrap_or_default())
}

/// The nick that a line is from; empty if it is from none.
pub(crate) fn sender(line: &[u8]) -> &[u8] {
    let Some(line) = line.strip_prefix(b":") else { return &[] };
    memchr(b'!', line).map_or(&[], |end| &line[..end])
}

fn after_space(line: &[u8]) -> &[u8] {
    memchr(b' ', line).map_or(&[], |at| &line[at + 1..])
}

/// Who wants something to come true: turns until it has, or fails with what was waited for.
pub(crate) struct Deadline {
    end: Instant,
    what: String,
}

impl Deadline {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { end: Instant::now() + PATIENCE, what: what.into() }
    }

    /// Begins anew: something has moved.
    pub(crate) fn moved(&mut self) {
        self.end = Instant::now() + PATIENCE;
    }

    pub(crate) fn check(&self) -> io::Result<()> {
        if Instant::now() < self.end {
            return Ok(());
        }
        Err(io::Error::new(ErrorKind::TimedOut, format!("waited too long for {}", self.what)))
    }
}

fn connect_from(source: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}
