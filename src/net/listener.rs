//! Sockets that are bound at start, before the process detaches or gives up its privileges, and at a reload.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};

use nix::errno::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::inherited::Inherited;
use crate::config::{Endpoint, Listen};
use crate::proto::limits::BACKLOG;

/// Why a socket could not be set up: what was tried, and the reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindError {
    /// The address or path.
    pub place: String,
    /// Why not, without the place.
    pub reason: String,
}

impl BindError {
    pub(super) fn new(place: impl fmt::Display, reason: impl Into<String>) -> Self {
        Self { place: place.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot listen on {}: {}", self.place, self.reason)
    }
}

impl std::error::Error for BindError {}

/// The listening socket of one `[[listen]]`.
#[derive(Debug)]
pub struct Bound<L> {
    /// As the configuration has it; its port may be 0.
    pub requested: Endpoint,
    /// As the kernel has it.
    pub address: SocketAddr,
    /// The socket.
    pub socket: L,
}

/// The listening chat sockets: bound, not yet accepting. They do not block and are closed on exec, but survive a fork.
#[derive(Debug)]
pub struct Listeners {
    pub(super) bound: Vec<Bound<TcpListener>>,
}

impl Listeners {
    /// Binds all of `listen`, in order, and takes those that are `inherited`. Optional ones whose address the machine lacks are
    /// left out.
    ///
    /// # Errors
    /// The first address that cannot be listened on, or the first inherited socket that is none for chat; those bound
    /// before it are closed again.
    pub fn bind(listen: &[Listen], inherited: &mut Inherited) -> Result<Self, BindError> {
        let mut all = Vec::new();
        for listen in listen {
            match &listen.address {
                Endpoint::Address(address) => all.extend(bind(*address, listen.optional)?),
                Endpoint::Inherited(name) => {
                    let sockets = inherited.chat(name)?;
                    all.extend(sockets.into_iter().map(|(address, socket)| Bound {
                        requested: listen.address.clone(),
                        address,
                        socket,
                    }));
                }
            }
        }
        Ok(Self { bound: all })
    }

    /// Where they listen, with the port that the kernel chose where port 0 was asked for.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.bound.iter().map(|bound| bound.address).collect()
    }
}

/// Binds one address; `None` if it is optional and the machine lacks it.
pub(super) fn bind(address: SocketAddr, optional: bool) -> Result<Option<Bound<TcpListener>>, BindError> {
    name(address, optional, open(address, false))
}

/// Binds an address that may overlap with that of `old`, a listening socket of ours that is about to go: no
/// connection is refused between the two. For this moment only, both let others of the same user share the port.
pub(super) fn bind_beside(
    address: SocketAddr,
    optional: bool,
    old: &Socket,
) -> Result<Option<Bound<TcpListener>>, BindError> {
    let opened = old.set_reuse_port(true).and_then(|()| open(address, true));
    // Neither can fail where setting it has not.
    let _ = old.set_reuse_port(false);
    if let Ok(socket) = &opened {
        let _ = SockRef::from(socket).set_reuse_port(false);
    }
    name(address, optional, opened)
}

/// What came of opening a socket, by the address of the configuration.
fn name(
    requested: SocketAddr,
    optional: bool,
    opened: io::Result<TcpListener>,
) -> Result<Option<Bound<TcpListener>>, BindError> {
    match opened {
        Ok(socket) => {
            let address =
                socket.local_addr().map_err(|error| BindError::new(requested, explain(&error, requested)))?;
            Ok(Some(Bound { requested: requested.into(), address, socket }))
        }
        Err(error) if optional && is_missing(&error) => Ok(None),
        Err(error) => Err(BindError::new(requested, explain(&error, requested))),
    }
}

fn open(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for connections of the last run that are in TIME_WAIT. On Linux this
    // does not let two daemons share a port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can both be listed, whatever the system's default.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_port(shared)?;
    socket.bind(&address.into())?;
    listen(&socket)?;
    Ok(socket.into())
}

/// Has a listening socket refuse whoever connects, and those who have not been accepted yet, until it is to [`listen`] again. Nobody
/// else can listen there meanwhile.
///
/// Linux takes the listening away by a shutdown, and the port with it if the kernel had chosen that: so it is bound once more, and
/// has to have listened there, or others would be let in as before a first `listen`.
pub(super) fn silence(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.shutdown(Shutdown::Read)?;
    match socket.bind(&address.into()) {
        // It has its port still.
        Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => {}
        Err(error) => return Err(error),
        Ok(()) => {
            socket.listen(BACKLOG)?;
            socket.shutdown(Shutdown::Read)?;
        }
    }
    // With it, any user who asks for the same may take an address on which nobody listens.
    socket.set_reuse_address(false)
}

/// Has a bound socket accept connections.
pub(super) fn listen(socket: &Socket) -> io::Result<()> {
    // Without it, those who are connected to it would be in its way.
    socket.set_reuse_address(true)?;
    socket.listen(BACKLOG)
}

/// Whether the machine has no such address, or no such family of addresses.
fn is_missing(error: &io::Error) -> bool {
    let missing = [Errno::EADDRNOTAVAIL, Errno::EAFNOSUPPORT];
    error.raw_os_error().is_some_and(|code| missing.contains(&Errno::from_raw(code)))
}

fn explain(error: &io::Error, address: SocketAddr) -> String {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EADDRINUSE) => "another program listens there".to_owned(),
        Some(Errno::EADDRNOTAVAIL) => "this machine has no such address".to_owned(),
        Some(Errno::EAFNOSUPPORT) => "this machine has no such family of addresses".to_owned(),
        Some(Errno::EACCES) if address.port() < 1024 => {
            "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE or a start as root".to_owned()
        }
        Some(errno) => errno.desc().to_lowercase(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Listen {
        Listen { address: address.parse().unwrap(), optional: false }
    }

    fn listeners(listen: &[Listen]) -> Result<Listeners, BindError> {
        Listeners::bind(listen, &mut Inherited::default())
    }

    #[test]
    fn the_port_that_the_kernel_chose_is_told() {
        let bound = listeners(&[at("127.0.0.1:0"), at("127.0.0.1:0")]).unwrap();
        let addresses = bound.addresses();
        assert!(addresses.iter().all(|address| address.port() != 0));
        assert_ne!(addresses[0], addresses[1]);
    }

    #[test]
    fn an_address_in_use_is_refused_with_its_name_and_the_reason() {
        let first = listeners(&[at("127.0.0.1:0")]).unwrap();
        let taken = first.addresses()[0];
        let error = listeners(&[Listen { address: taken.into(), optional: true }]).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot listen on {taken}: another program listens there"));
    }

    #[test]
    fn an_address_that_overlaps_with_an_old_listener_is_bound_beside_it() {
        for (old, new) in [("127.0.0.1", "0.0.0.0"), ("0.0.0.0", "127.0.0.1")] {
            let first = listeners(&[at(&format!("{old}:0"))]).unwrap();
            let port = first.addresses()[0].port();
            let wanted = format!("{new}:{port}").parse().unwrap();
            assert!(bind(wanted, false).is_err(), "{new} overlaps with {old}");
            let second = bind_beside(wanted, false, &SockRef::from(&first.bound[0].socket)).unwrap().unwrap();
            drop(first);
            let client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            assert_eq!(second.socket.accept().unwrap().1, client.local_addr().unwrap());
        }
    }

    #[test]
    fn a_listener_that_is_silent_refuses_and_has_its_address_again() {
        use std::io::{ErrorKind, Read};
        use std::net::TcpStream;
        let chosen = listeners(&[at("127.0.0.1:0")]).unwrap();
        let given = {
            let free = listeners(&[at("127.0.0.1:0")]).unwrap().addresses()[0];
            listeners(&[at(&free.to_string())]).unwrap()
        };
        // The kernel keeps a port that it was given, and one that it has chosen it does not.
        for bound in [chosen, given] {
            let (address, socket) = (bound.addresses()[0], SockRef::from(&bound.bound[0].socket));
            // One who is there while nobody listens must not be in the way of it afterwards.
            let stays = TcpStream::connect(address).unwrap();
            let (there, _) = bound.bound[0].socket.accept().unwrap();
            let waits = TcpStream::connect(address).unwrap();
            silence(&socket, address).unwrap();
            assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
            assert_eq!((&waits).read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
            let taken = open(address, false).map(|_| "somebody else has it");
            assert_eq!(taken.unwrap_err().kind(), ErrorKind::AddrInUse);
            listen(&socket).unwrap();
            let client = TcpStream::connect(address).unwrap();
            assert_eq!(bound.bound[0].socket.accept().unwrap().1, client.local_addr().unwrap());
            assert_eq!(there.peer_addr().unwrap(), stays.local_addr().unwrap());
        }
    }

    #[test]
    fn an_address_the_machine_lacks_is_an_error_unless_it_is_optional() {
        // TEST-NET-1 (RFC 5737) is nobody's own address.
        let foreign = at("192.0.2.1:0");
        let error = listeners(std::slice::from_ref(&foreign)).unwrap_err();
        assert_eq!(error.to_string(), "cannot listen on 192.0.2.1:0: this machine has no such address");
        let optional = [Listen { optional: true, ..foreign }, at("127.0.0.1:0")];
        assert_eq!(listeners(&optional).unwrap().addresses().len(), 1);
    }
}
