//! What the shell asks of the operating system, and mio's answer.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use mio::event::{Event, Source};
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Events, Interest, Poll, Token, Waker};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::SockRef;

use super::crews::Crews;
use super::jobs::{Job, Outcome, Tools};
use super::listener::{self, BindError, Bound};
use super::memory::{self, Memory, Sources};
use super::supervision::Notice;
use super::{Tell, system};
use crate::proto::limits::NOTSENT_LOWAT;

/// What an event said of a descriptor. Hints, all of them: what counts is what `read` and `write` return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// There may be something to read or to accept.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer may have sent all that it will: a read may return 0 without any further event.
    pub read_closed: bool,
    /// Writing may be pointless.
    pub write_closed: bool,
    /// A read or write may report an error.
    pub error: bool,
}

impl From<&Event> for Ready {
    fn from(event: &Event) -> Self {
        Self {
            readable: event.is_readable(),
            writable: event.is_writable(),
            read_closed: event.is_read_closed(),
            write_closed: event.is_write_closed(),
            error: event.is_error(),
        }
    }
}

/// Who is at the other end of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A process of this machine, as it was when it connected.
    Unix(Credentials),
}

/// `SO_PEERCRED`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid={} uid={} gid={}", self.pid, self.uid, self.gid)
    }
}

/// Facts about the process, for `stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Resident memory, in bytes.
    pub rss: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// How many may be open.
    pub descriptors_limit: u64,
}

/// The operating system as the shell sees it. Streams and listeners are handles with one owner each;
/// they do not block, and readiness is edge-triggered: a descriptor is registered once, for reading
/// and writing, and told of again only after a call has returned `WouldBlock`, read less than it asked
/// for, or written less than it was given. No call is interrupted by signals: the driver repeats it.
pub trait Driver {
    /// A connection.
    type Stream;
    /// A listening socket.
    type Listener;

    /// Binds an address of the configuration; `None` if it is `optional` and the machine lacks it. It may overlap
    /// with the address of `beside`, a listener that is about to go, as 0.0.0.0 does with any other.
    ///
    /// # Errors
    /// Which address cannot be listened on, and why.
    fn bind(
        &mut self,
        address: SocketAddr,
        optional: bool,
        beside: Option<&Self::Listener>,
    ) -> Result<Option<Bound<Self::Listener>>, BindError>;

    /// Makes events of `listener` come with `token`.
    ///
    /// # Errors
    /// The system's.
    fn register_listener(&mut self, listener: &mut Self::Listener, token: u64) -> io::Result<()>;

    /// Deregisters and closes a listening socket.
    fn close_listener(&mut self, listener: Self::Listener);

    /// Has a chat listener at `address` refuse whoever connects and who waits there, as if nobody listened; or listen again. The
    /// address stays its own meanwhile, and no privilege is needed to have it back.
    ///
    /// # Errors
    /// The system's.
    fn set_listening(
        &mut self,
        listener: &Self::Listener,
        address: SocketAddr,
        listening: bool,
    ) -> io::Result<()>;

    /// Accepts one connection.
    ///
    /// # Errors
    /// The system's; `WouldBlock` when nobody waits.
    fn accept(&mut self, listener: &Self::Listener) -> io::Result<(Self::Stream, Origin)>;

    /// Makes events of `stream` come with `token`.
    ///
    /// # Errors
    /// The system's.
    fn register(&mut self, stream: &mut Self::Stream, token: u64) -> io::Result<()>;

    /// Deregisters and closes a connection.
    fn close(&mut self, stream: Self::Stream);

    /// Reads into `buffer`, which is never empty: 0 means that the peer sends no more.
    ///
    /// # Errors
    /// The system's.
    fn read(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes with one `send`.
    ///
    /// # Errors
    /// The system's.
    fn write(&mut self, stream: &mut Self::Stream, bytes: &[u8]) -> io::Result<usize>;

    /// Writes with one `writev`.
    ///
    /// # Errors
    /// The system's.
    fn write_vectored(&mut self, stream: &mut Self::Stream, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Tells the peer that nothing more will be sent.
    ///
    /// # Errors
    /// The system's.
    fn shutdown_write(&mut self, stream: &mut Self::Stream) -> io::Result<()>;

    /// Begins something that may take its time; what comes of it is told by [`Shell::finished`](super::Shell::finished),
    /// for jobs of one kind in any order. False when it cannot be begun, and nothing will be told of it.
    fn begin(&mut self, job: Job) -> bool;

    /// Tells whoever looks after the process; false when it could not be told. There is nobody unless
    /// [`Shell::supervise`](super::Shell::supervise) was called.
    fn notify(&mut self, _notice: Notice) -> bool {
        true
    }

    /// Bytes that were written to a connection and that its peer has not taken yet.
    fn unsent(&self, stream: &Self::Stream) -> u64;

    /// Has memory that was freed, and is kept for what may come, given back to the system.
    fn give_memory_back(&mut self);

    /// What is used of the memory that the process may have, of the limit that is nearest.
    fn memory(&self) -> Memory;

    /// Facts about the process; zero where the system does not tell.
    fn process(&self) -> Process;
}

/// The real thing: the one `Poll`, and the sockets in it.
pub(super) struct MioDriver {
    poll: Poll,
    crews: Option<Crews>,
    memory: Sources,
    supervisor: Option<Tell>,
}

pub(super) enum MioStream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

pub(super) enum MioListener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl MioStream {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        }
    }
}

impl MioListener {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(listener) => listener,
            Self::Unix(listener) => listener,
        }
    }
}

/// `mio::Token` is as wide as a pointer; ids need 64 bits.
fn token(raw: u64) -> Token {
    const { assert!(usize::BITS >= 64, "connection ids are 64 bits wide") };
    Token(raw as usize)
}

impl MioDriver {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, crews: None, memory: Sources::find(), supervisor: None })
    }

    pub(super) fn poll(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.poll.poll(events, timeout)
    }

    /// Makes ready for jobs: the threads that do them wake the loop with this token when they have something to tell. To
    /// be called once: a `Poll` has one `Waker`.
    pub(super) fn hire(&mut self, tools: Tools, raw: u64) -> io::Result<()> {
        self.crews = Some(Crews::new(tools, Waker::new(self.poll.registry(), token(raw))?));
        Ok(())
    }

    /// From now on, notices are for this supervisor.
    pub(super) fn report_to(&mut self, supervisor: Tell) {
        self.supervisor = Some(supervisor);
    }

    /// What has come of jobs since this was last asked.
    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        self.crews.as_mut().map(Crews::outcomes).unwrap_or_default()
    }

    /// Registers a source of the loop's own, to be read.
    pub(super) fn watch(&mut self, source: &mut impl Source, raw: u64) -> io::Result<()> {
        self.poll.registry().register(source, token(raw), Interest::READABLE)
    }
}

impl Bound<std::net::TcpListener> {
    pub(super) fn into_mio(self) -> Bound<MioListener> {
        let socket = MioListener::Tcp(TcpListener::from_std(self.socket));
        Bound { requested: self.requested, address: self.address, socket }
    }
}

/// Makes a call again that a signal has interrupted.
fn repeat<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

impl Driver for MioDriver {
    type Stream = MioStream;
    type Listener = MioListener;

    fn bind(
        &mut self,
        address: SocketAddr,
        optional: bool,
        beside: Option<&MioListener>,
    ) -> Result<Option<Bound<MioListener>>, BindError> {
        let bound = match beside {
            Some(MioListener::Tcp(old)) => listener::bind_beside(address, optional, &SockRef::from(old))?,
            Some(MioListener::Unix(_)) | None => listener::bind(address, optional)?,
        };
        Ok(bound.map(Bound::into_mio))
    }

    fn register_listener(&mut self, listener: &mut MioListener, raw: u64) -> io::Result<()> {
        self.poll.registry().register(listener.source(), token(raw), Interest::READABLE)
    }

    fn close_listener(&mut self, mut listener: MioListener) {
        // Fails only for what was never registered; then closing it is enough.
        let _ = self.poll.registry().deregister(listener.source());
    }

    fn set_listening(
        &mut self,
        listener: &MioListener,
        address: SocketAddr,
        listening: bool,
    ) -> io::Result<()> {
        match listener {
            MioListener::Tcp(socket) if listening => listener::listen(&SockRef::from(socket)),
            MioListener::Tcp(socket) => listener::silence(&SockRef::from(socket), address),
            MioListener::Unix(_) => Err(ErrorKind::Unsupported.into()),
        }
    }

    fn accept(&mut self, listener: &MioListener) -> io::Result<(MioStream, Origin)> {
        match listener {
            MioListener::Tcp(listener) => {
                let (stream, address) = repeat(|| listener.accept())?;
                // Neither can fail on a fresh socket but for a peer that has left, which a read will tell. There
                // is no SO_KEEPALIVE: the server's own PINGs find dead peers, and sooner.
                let _ = stream.set_nodelay(true);
                let _ = SockRef::from(&stream).set_tcp_notsent_lowat(NOTSENT_LOWAT);
                Ok((MioStream::Tcp(stream), Origin::Tcp(address)))
            }
            MioListener::Unix(listener) => {
                let (stream, _) = repeat(|| listener.accept())?;
                let peer = getsockopt(&stream, PeerCredentials).map_err(|_| ErrorKind::ConnectionAborted)?;
                let peer = Credentials { pid: peer.pid(), uid: peer.uid(), gid: peer.gid() };
                Ok((MioStream::Unix(stream), Origin::Unix(peer)))
            }
        }
    }

    fn register(&mut self, stream: &mut MioStream, raw: u64) -> io::Result<()> {
        self.poll.registry().register(stream.source(), token(raw), Interest::READABLE | Interest::WRITABLE)
    }

    fn close(&mut self, mut stream: MioStream) {
        // Fails only for what was never registered; then closing it is enough.
        let _ = self.poll.registry().deregister(stream.source());
    }

    fn read(&mut self, stream: &mut MioStream, buffer: &mut [u8]) -> io::Result<usize> {
        match stream {
            MioStream::Tcp(stream) => repeat(|| stream.read(buffer)),
            MioStream::Unix(stream) => repeat(|| stream.read(buffer)),
        }
    }

    fn write(&mut self, stream: &mut MioStream, bytes: &[u8]) -> io::Result<usize> {
        match stream {
            MioStream::Tcp(stream) => repeat(|| stream.write(bytes)),
            MioStream::Unix(stream) => repeat(|| stream.write(bytes)),
        }
    }

    fn write_vectored(&mut self, stream: &mut MioStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match stream {
            MioStream::Tcp(stream) => repeat(|| stream.write_vectored(pieces)),
            MioStream::Unix(stream) => repeat(|| stream.write_vectored(pieces)),
        }
    }

    fn shutdown_write(&mut self, stream: &mut MioStream) -> io::Result<()> {
        match stream {
            MioStream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            MioStream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    fn begin(&mut self, job: Job) -> bool {
        self.crews.as_mut().is_some_and(|crews| crews.give(job))
    }

    fn notify(&mut self, notice: Notice) -> bool {
        self.supervisor.as_mut().is_none_or(|tell| tell(notice))
    }

    fn unsent(&self, stream: &MioStream) -> u64 {
        match stream {
            MioStream::Tcp(stream) => system::unsent(stream),
            MioStream::Unix(stream) => system::unsent(stream),
        }
    }

    fn give_memory_back(&mut self) {
        system::give_memory_back();
    }

    fn memory(&self) -> Memory {
        self.memory.tightest()
    }

    fn process(&self) -> Process {
        process()
    }
}

/// Facts about this process, from `/proc`.
pub(super) fn process() -> Process {
    // Not from `statm`, which counts in pages of a size that it does not tell.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Process {
        id: std::process::id(),
        rss: memory::field(&status, "VmRSS").unwrap_or(0),
        // The directory that is being read is one of its own entries.
        descriptors: fs::read_dir("/proc/self/fd")
            .map_or(0, |entries| entries.count().saturating_sub(1) as u64),
        descriptors_limit: getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_sockets_send_at_once_and_hide_little_in_the_kernel() {
        let mut driver = MioDriver::new().unwrap();
        let bound = driver.bind("127.0.0.1:0".parse().unwrap(), false, None).unwrap().unwrap();
        let _client = std::net::TcpStream::connect(bound.address).unwrap();
        let (MioStream::Tcp(stream), Origin::Tcp(_)) = driver.accept(&bound.socket).unwrap() else {
            panic!("a TCP listener accepts TCP connections")
        };
        assert!(stream.nodelay().unwrap());
        assert_eq!(SockRef::from(&stream).tcp_notsent_lowat().unwrap(), NOTSENT_LOWAT);
    }

    #[test]
    fn a_loader_that_panics_is_a_refused_reload_and_not_the_last_one() {
        let mut driver = MioDriver::new().unwrap();
        let tools = Tools { loader: Box::new(|| panic!("a bug")), state: None };
        driver.hire(tools, 1).unwrap();
        let mut events = Events::with_capacity(8);
        for _ in 0..2 {
            assert!(driver.begin(Job::Load));
            driver.poll(&mut events, Some(Duration::from_secs(30))).unwrap();
            let Some(Outcome::Loaded(loading)) = driver.outcomes().pop() else { panic!("no answer") };
            let refused = loading.unwrap_err();
            assert!(refused.to_string().contains("failed while it read this"), "{refused}");
        }
    }

    #[test]
    fn the_system_tells_of_the_process() {
        let before = process();
        assert_eq!(before.id, std::process::id());
        assert!(before.rss > 100_000 && before.descriptors > 2 && before.descriptors_limit > 2, "{before:?}");
    }
}
