//! The way to the daemon: finding its socket, connecting, and one request and answer at a time, each
//! with a deadline. What goes wrong is said with what to do about it.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use nix::unistd::{Gid, Group, Uid, User};
use serde_json::value::RawValue;
use socket2::{Domain, SockAddr, Socket, Type};

use super::Failure;
use crate::admin::{Request, parse_reply};
use crate::place::{self, Candidate, Env, LONGEST_PATH};
use crate::proto::limits::ADMIN_REPLY;

/// The longest line that can be an answer, in bytes: twice what a chatd of this version sends.
const LONGEST: usize = 2 * ADMIN_REPLY;
const START: &str =
    "start it (\"systemctl start chatd\", or just \"chatd\"), or name its socket with --socket PATH";

/// A connection to the daemon's admin socket.
#[derive(Debug)]
pub(super) struct Daemon {
    stream: UnixStream,
    path: PathBuf,
    timeout: Duration,
    /// Requests made so far; the id of the next.
    calls: u64,
    /// What was read and is not yet a line.
    unread: Vec<u8>,
}

impl Daemon {
    /// Connects to the socket that was named, or to the one that is found. Whoever only `looks` and may not connect to the one that
    /// is found has the monitor socket, if there is one for them.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with what to do.
    pub(super) fn connect(named: Option<PathBuf>, looks: bool, timeout: Duration) -> Result<Self, Failure> {
        let (path, monitors) = match named {
            Some(path) => (path, Vec::new()),
            None => search(looks)?,
        };
        match first(path, monitors, |path| open(path, timeout)) {
            Ok((path, stream)) => Ok(Self { stream, path, timeout, calls: 0, unread: Vec::new() }),
            Err((path, error)) => Err(Failure::Unreachable(explain(&path, &error, timeout))),
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`Failure::Refused`] with the daemon's reason; [`Failure::Unreachable`] when there is no answer in
    /// time, or none that makes sense.
    pub(super) fn call(&mut self, request: &Request) -> Result<Box<RawValue>, Failure> {
        self.calls += 1;
        let deadline = Instant::now() + self.timeout;
        let written = self.send(&request.to_line(self.calls), deadline);
        // A daemon that hangs up may have said why before it did, so its last words come first.
        let line = match (self.line(Some(deadline)), written) {
            (Ok(line), _) => line,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(self.lost(&error)),
        };
        match parse_reply(&line, self.calls) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(refusal)) => Err(Failure::Refused(refusal)),
            Err(bad) => Err(self.nonsense(&bad.to_string())),
        }
    }

    /// Waits for the next line that the daemon sends of its own accord, as long as that takes.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] when the daemon ends the connection, or sends what is no line.
    pub(super) fn next_line(&mut self) -> Result<Vec<u8>, Failure> {
        self.line(None).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                let path = self.path.display();
                Failure::Unreachable(format!(
                    "chatd closed the connection on {path}: it has stopped or died; its log says why"
                ))
            }
            _ => self.lost(&error),
        })
    }

    /// What the daemon says makes no sense.
    pub(super) fn nonsense(&self, what: &str) -> Failure {
        let path = self.path.display();
        Failure::Unreachable(format!(
            "what listens on {path} does not answer like a chatd of version {}: {what}\n\
             is it chatd, and is its version that of chatctl?",
            env!("CARGO_PKG_VERSION")
        ))
    }

    fn lost(&self, error: &io::Error) -> Failure {
        let path = self.path.display();
        Failure::Unreachable(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => format!(
                "chatd did not answer on {path} within {} s: it is very busy or stuck; \
                 wait longer with --timeout SECONDS, or look into its log",
                self.timeout.as_secs()
            ),
            ErrorKind::InvalidData => return self.nonsense(&error.to_string()),
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => format!(
                "chatd closed the connection on {path} before it had answered: it is stopping or died; its log says why"
            ),
            _ => format!("the connection on {path} was lost: {error}"),
        })
    }

    fn send(&mut self, line: &[u8], deadline: Instant) -> io::Result<()> {
        self.stream.set_write_timeout(Some(left(deadline)?))?;
        self.stream.write_all(line)
    }

    /// The next line, without its LF; until `deadline`, if there is one.
    fn line(&mut self, deadline: Option<Instant>) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.unread[searched..]) {
                let rest = self.unread.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.unread, rest);
                line.pop();
                return Ok(line);
            }
            searched = self.unread.len();
            if searched > LONGEST {
                return Err(io::Error::new(
                    ErrorKind::InvalidData,
                    format!("a line of more than {LONGEST} bytes"),
                ));
            }
            self.stream.set_read_timeout(deadline.map(left).transpose()?)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.unread.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The time left until the deadline.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Connects; a listener whose backlog stays full makes it fail after the timeout.
fn open(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_write_timeout(Some(timeout))?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(socket.into())
}

/// Opens the admin socket; if that is not permitted, the first of the others that can be opened. What is wrong is what is wrong with
/// the admin socket.
fn first<T>(
    admin: PathBuf,
    monitors: Vec<PathBuf>,
    mut open: impl FnMut(&Path) -> io::Result<T>,
) -> Result<(PathBuf, T), (PathBuf, io::Error)> {
    match open(&admin) {
        Ok(opened) => Ok((admin, opened)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let opened = monitors.into_iter().find_map(|path| Some((open(&path).ok()?, path)));
            opened.map(|(opened, path)| (path, opened)).ok_or((admin, error))
        }
        Err(error) => Err((admin, error)),
    }
}

/// Finds the socket where chatd may have put it, and for those who only look where the monitor socket may be.
fn search(looks: bool) -> Result<(PathBuf, Vec<PathBuf>), Failure> {
    let env = Env::current();
    let text = fs::read_to_string(place::CONFIG_FILE).ok();
    let configured = text.as_deref().and_then(place::configured);
    let candidates = place::for_client(&env, configured);
    if let Some(socket) = &env.chatd_socket {
        return Ok((socket.clone(), Vec::new()));
    }
    let found = place::find(&env, &candidates);
    let admin = found.ok_or_else(|| Failure::Unreachable(nowhere(&candidates)))?;
    let monitor = text.as_deref().and_then(place::configured_monitor);
    let monitors = if looks { place::monitors(&admin, monitor) } else { Vec::new() };
    Ok((admin, monitors))
}

/// There is no socket in any of these places.
fn nowhere(candidates: &[Candidate]) -> String {
    let tried: Vec<_> = candidates.iter().map(|place| format!("  {}", place.socket.display())).collect();
    format!(
        "chatd does not seem to run: there is no admin socket in any of its places\n{}\n{START}",
        tried.join("\n")
    )
}

/// Why connecting failed, and what to do about it.
fn explain(path: &Path, error: &io::Error, timeout: Duration) -> String {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound => {
            format!("there is no socket {shown}: chatd does not run, or its socket is elsewhere\n{START}")
        }
        ErrorKind::PermissionDenied => format!("you may not connect to {shown}\n{}", who_may(path)),
        ErrorKind::ConnectionRefused
            if fs::metadata(path).is_ok_and(|meta| !meta.file_type().is_socket()) =>
        {
            format!("{shown} is not a socket\nname chatd's admin socket with --socket PATH")
        }
        ErrorKind::ConnectionRefused => format!(
            "nobody listens on {shown}: a chatd that died left it behind\n\
             start chatd again, it replaces the socket: systemctl start chatd"
        ),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!(
                "chatd did not accept a connection on {shown} within {} s: it is very busy or stuck",
                timeout.as_secs()
            )
        }
        _ if path.as_os_str().len() > LONGEST_PATH => format!(
            "{shown} cannot be a socket: its path has {} bytes, a socket's may have {LONGEST_PATH}\n\
             name chatd's admin socket with --socket PATH",
            path.as_os_str().len()
        ),
        _ => format!("cannot connect to {shown}: {error}"),
    }
}

/// Who may connect to the socket, and how to become one of them.
fn who_may(path: &Path) -> String {
    let Ok(meta) = fs::metadata(path) else {
        let folder = path.parent().unwrap_or(path).display();
        return format!(
            "its folder {folder} does not let you in: try it as root or as the user that runs chatd"
        );
    };
    let owner = match User::from_uid(Uid::from_raw(meta.uid())) {
        _ if meta.uid() == 0 => String::new(),
        Ok(Some(user)) => format!(", the user {}", user.name),
        _ => format!(", the user {}", meta.uid()),
    };
    // Nobody should join root's group for this.
    if meta.mode() & 0o020 == 0 || meta.gid() == 0 {
        return format!("only root{owner} may: try it with sudo");
    }
    let group = match Group::from_gid(Gid::from_raw(meta.gid())) {
        Ok(Some(group)) => group.name,
        _ => meta.gid().to_string(),
    };
    format!(
        "only root{owner} and members of the group {group} may: \
         \"sudo usermod -aG {group} YOU\" makes you one from the next login on"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn when_nothing_is_found_the_places_are_named() {
        let env = Env { uid: 1000, xdg_runtime_dir: Some("/run/user/1000".into()), ..Env::default() };
        assert_eq!(
            nowhere(&place::for_client(&env, None)),
            "chatd does not seem to run: there is no admin socket in any of its places\n  \
             /run/user/1000/chatd/admin.sock\n  /tmp/chatd-1000/admin.sock\n  /run/chatd/admin.sock\n\
             start it (\"systemctl start chatd\", or just \"chatd\"), or name its socket with --socket PATH"
        );
    }

    #[test]
    fn who_may_not_use_the_admin_socket_has_the_first_other_one_that_works() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let tried = |refusal: ErrorKind, monitors: &[&str], works: &str| {
            let mut tried = Vec::new();
            let outcome = first("/admin".into(), paths(monitors), |path| {
                tried.push(path.to_owned());
                let error = if path == Path::new("/admin") { refusal } else { ErrorKind::NotFound };
                if path == Path::new(works) { Ok(()) } else { Err(error.into()) }
            });
            (outcome.map(|(path, ())| path).map_err(|(path, error)| (path, error.kind())), tried)
        };
        let denied = ErrorKind::PermissionDenied;
        let refused = |kind| Err(("/admin".into(), kind));
        assert_eq!(tried(denied, &["/a", "/b"], "/admin"), (Ok("/admin".into()), paths(&["/admin"])));
        assert_eq!(tried(denied, &["/a", "/b"], "/b"), (Ok("/b".into()), paths(&["/admin", "/a", "/b"])));
        assert_eq!(tried(denied, &["/a"], ""), (refused(denied), paths(&["/admin", "/a"])));
        // What is not there has no other.
        let gone = ErrorKind::ConnectionRefused;
        assert_eq!(tried(gone, &["/a"], "/a"), (refused(gone), paths(&["/admin"])));
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_told_as_such() {
        let path = PathBuf::from(format!("/{}", "x".repeat(119)));
        let error = open(&path, Duration::from_secs(1)).unwrap_err();
        let text = explain(&path, &error, Duration::from_secs(1));
        assert!(text.contains("its path has 120 bytes, a socket's may have 107"), "{text}");
    }

    #[test]
    fn who_may_connect_is_read_off_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        fs::write(&path, "").unwrap();
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        let only = who_may(&path);
        assert!(only.starts_with("only root") && only.ends_with("may: try it with sudo"), "{only}");
        mode(0o660);
        if Uid::effective().is_root() {
            assert_eq!(who_may(&path), "only root may: try it with sudo");
            chown(&path, Some(12_345), Some(23_456)).unwrap();
            assert_eq!(
                who_may(&path),
                "only root, the user 12345 and members of the group 23456 may: \
                 \"sudo usermod -aG 23456 YOU\" makes you one from the next login on"
            );
        } else {
            assert!(who_may(&path).contains("and members of the group"));
        }
        let hidden = who_may(Path::new("/no/such/admin.sock"));
        assert_eq!(
            hidden,
            "its folder /no/such does not let you in: try it as root or as the user that runs chatd"
        );
    }
}
