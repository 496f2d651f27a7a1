//! Sockets that whoever started the process has bound and passed on, as systemd does for a socket unit.
//!
//! They are found by the names that they were passed with, and each is checked to be what it is needed for. Their files,
//! addresses and permissions are not chatd's: none is bound, changed or removed.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use nix::errno::Errno;
use socket2::{Domain, Socket, Type};

use super::listener::BindError;
use super::system;

/// Sockets with their names. Those that nobody takes are closed with this.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(String, OwnedFd)>,
}

impl Inherited {
    /// Takes as many descriptors as there are `names`, which the process was started with, from the one after standard error on.
    /// To be called first, before the process opens anything of its own.
    ///
    /// # Errors
    /// When one of them is not open, or they have been taken before.
    pub fn take(names: Vec<String>) -> io::Result<Self> {
        let descriptors = system::passed(names.len())?;
        Ok(Self { sockets: names.into_iter().zip(descriptors).collect() })
    }

    /// The names of those that are left, each once.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.sockets.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes all of this name, for chat, with their addresses.
    ///
    /// # Errors
    /// When there is none, or one of them is no listening TCP socket.
    pub(super) fn chat(&mut self, name: &str) -> Result<Vec<(SocketAddr, TcpListener)>, BindError> {
        let taken = self.extract(name);
        if taken.is_empty() {
            return Err(fail(name, "it was not passed to chatd"));
        }
        let wanted = [Domain::IPV4, Domain::IPV6];
        let chat = |socket| {
            let socket = checked(socket, &wanted, "a listening TCP socket").map_err(|why| fail(name, why))?;
            let socket = TcpListener::from(socket);
            let address = socket.local_addr().map_err(|error| fail(name, error))?;
            Ok((address, socket))
        };
        taken.into_iter().map(chat).collect()
    }

    /// Takes the one of this name, for those who operate the server, with its path; `None` if there is none.
    ///
    /// # Errors
    /// When there are several, or it is no listening stream socket with a path.
    pub fn control(&mut self, name: &str) -> Result<Option<(PathBuf, UnixListener)>, BindError> {
        let mut taken = self.extract(name);
        let Some(socket) = taken.pop() else { return Ok(None) };
        if !taken.is_empty() {
            return Err(fail(name, "several sockets of this name were passed to chatd"));
        }
        let wanted = "a listening stream socket with a path";
        let socket = checked(socket, &[Domain::UNIX], wanted).map_err(|why| fail(name, why))?;
        let socket = UnixListener::from(socket);
        let address = socket.local_addr().map_err(|error| fail(name, error))?;
        let path = address.as_pathname().ok_or_else(|| fail(name, format!("it is not {wanted}")))?;
        Ok(Some((path.to_owned(), socket)))
    }

    fn extract(&mut self, name: &str) -> Vec<OwnedFd> {
        self.sockets.extract_if(.., |(other, _)| other == name).map(|(_, socket)| socket).collect()
    }
}

fn fail(name: &str, reason: impl fmt::Display) -> BindError {
    BindError::new(format_args!("the inherited socket `{name}`"), reason.to_string())
}

/// The socket, if it listens, is of one of these families, and carries a stream; it no longer blocks then.
fn checked(socket: OwnedFd, families: &[Domain], wanted: &str) -> Result<OwnedFd, String> {
    let socket = Socket::from(socket);
    let ask = || -> io::Result<bool> {
        let fits = families.contains(&socket.domain()?) && socket.r#type()? == Type::STREAM;
        Ok(fits && socket.is_listener()?)
    };
    match ask() {
        Ok(true) => {}
        Ok(false) => return Err(format!("it is not {wanted}")),
        Err(error) if error.raw_os_error() == Some(Errno::ENOTSOCK as i32) => {
            return Err("it is no socket".to_owned());
        }
        Err(error) => return Err(error.to_string()),
    }
    socket.set_nonblocking(true).map_err(|error| error.to_string())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::UdpSocket;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn inherited(sockets: impl IntoIterator<Item = (&'static str, OwnedFd)>) -> Inherited {
        Inherited { sockets: sockets.into_iter().map(|(name, fd)| (name.to_owned(), fd)).collect() }
    }

    fn tcp(address: &str) -> OwnedFd {
        TcpListener::bind(address).unwrap().into()
    }

    #[test]
    fn all_of_a_name_are_taken_and_the_others_are_left() {
        let mut all = inherited([
            ("chat", tcp("127.0.0.1:0")),
            ("other", tcp("127.0.0.1:0")),
            ("chat", tcp("[::1]:0")),
            ("other", tcp("127.0.0.1:0")),
        ]);
        let chat = all.chat("chat").unwrap();
        assert_eq!(chat.iter().map(|(address, _)| address.is_ipv4()).collect::<Vec<_>>(), [true, false]);
        assert_eq!(chat[0].1.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(all.names(), ["other"]);
        let error = all.chat("chat").unwrap_err();
        let text = "cannot listen on the inherited socket `chat`: it was not passed to chatd";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn what_is_no_listening_tcp_socket_is_none_for_chat() {
        let (one, _other) = UnixStream::pair().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(folder.path().join("s")).unwrap();
        let idle = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let not = "it is not a listening TCP socket";
        for (socket, reason) in [
            (OwnedFd::from(File::open("/dev/null").unwrap()), "it is no socket"),
            (one.into(), not),
            (unix.into(), not),
            (idle.into(), not),
            (UdpSocket::bind("127.0.0.1:0").unwrap().into(), not),
        ] {
            assert_eq!(inherited([("chat", socket)]).chat("chat").unwrap_err().reason, reason);
        }
    }

    #[test]
    fn the_socket_of_operators_is_one_with_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let mut all = inherited([("admin", UnixListener::bind(&path).unwrap().into())]);
        assert!(all.control("monitor").unwrap().is_none());
        assert_eq!(all.control("admin").unwrap().unwrap().0, path);
        assert!(all.control("admin").unwrap().is_none());

        let bind = |name: &str| OwnedFd::from(UnixListener::bind(folder.path().join(name)).unwrap());
        let mut two = inherited([("admin", bind("1")), ("admin", bind("2"))]);
        assert!(two.control("admin").unwrap_err().reason.starts_with("several sockets"));
        let datagrams = UnixDatagram::bind(folder.path().join("3")).unwrap();
        for socket in [tcp("127.0.0.1:0"), datagrams.into()] {
            let error = inherited([("admin", socket)]).control("admin").unwrap_err();
            assert_eq!(error.reason, "it is not a listening stream socket with a path");
        }
    }
}
