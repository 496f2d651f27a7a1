//! The admin socket's file: who may own the path, with which permissions, and who removes it.
//!
//! A lock on `PATH.lock`, held for life, decides whether another daemon owns the path. The lock belongs
//! to the open file, so it survives a fork and ends with the last process that has it open, however
//! that process ends. A socket that still accepts a connection is never replaced, locked or not, and
//! what is not a socket is never removed.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::{Gid, Uid, chown, fchownat};
use socket2::{Domain, SockAddr, Socket, Type};

use super::listener::BindError;
use crate::proto::limits::ADMIN_BACKLOG;

/// What fails for a user who is no member of the group, under the filter of system calls of a unit, and in its user namespace; and what
/// to do.
const FOREIGN_GROUP: &str = "chatd may not give it to that group, or not in its unit; a socket unit may, such as \
    chatd-monitor.socket";

/// The listening admin socket and its file. It does not block and is closed on exec, but survives a fork.
///
/// Dropping it closes the socket and leaves the files, so that a parent that forked may drop its copy;
/// [`crate::net::run`] removes them when it returns.
#[derive(Debug)]
pub struct AdminSocket {
    pub(super) listener: UnixListener,
    pub(super) path: PathBuf,
    /// `None` if the socket's file is somebody else's.
    pub(super) file: Option<SocketFile>,
}

/// The files of an admin socket.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    lock_path: PathBuf,
    /// Device and inode of the socket that we made.
    identity: (u64, u64),
    /// Holds the lock by being open.
    lock: File,
}

impl AdminSocket {
    /// Creates the socket at `path` with permissions `mode`, and `group` as its group if there is one. A
    /// socket that a dead daemon left there is replaced.
    ///
    /// Nobody can connect before owner and permissions are as asked: the socket listens last.
    ///
    /// # Errors
    /// When a live daemon owns the path, something that is no socket is there, or the system refuses.
    pub fn bind(path: &Path, mode: u32, group: Option<Gid>) -> Result<Self, BindError> {
        let place = path.display();
        let fail =
            |doing: &str, error: &io::Error| BindError::new(&place, format!("{doing}: {}", plain(error)));
        let lock_path = lock_path(path);
        let lock = lock(&lock_path)
            .map_err(|error| match path.parent() {
                Some(folder) if error.kind() == ErrorKind::NotFound => {
                    BindError::new(&place, format!("there is no folder {}", folder.display()))
                }
                _ => fail(&format!("cannot make its lock file {}", lock_path.display()), &error),
            })?
            .ok_or_else(|| BindError::new(&place, "another chatd owns it"))?;
        clear_stale(path).map_err(|reason| BindError::new(&place, reason))?;
        let socket =
            Socket::new(Domain::UNIX, Type::STREAM, None).map_err(|error| fail("no socket", &error))?;
        let address = SockAddr::unix(path).map_err(|error| fail("not a usable path", &error))?;
        socket.bind(&address).map_err(|error| fail("cannot create it", &error))?;
        let ready = || -> io::Result<(u64, u64)> {
            if group.is_some() {
                chown(path, None, group)?;
            }
            fs::set_permissions(path, Permissions::from_mode(mode))?;
            socket.set_nonblocking(true)?;
            socket.listen(ADMIN_BACKLOG)?;
            let metadata = fs::symlink_metadata(path)?;
            Ok((metadata.dev(), metadata.ino()))
        };
        match ready() {
            Ok(identity) => {
                let path = path.to_owned();
                let file = SocketFile { path: path.clone(), lock_path, identity, lock };
                Ok(Self { listener: socket.into(), path, file: Some(file) })
            }
            Err(error) => {
                let _ = fs::remove_file(path);
                let code = error.raw_os_error().map(Errno::from_raw);
                let foreign = group.is_some() && matches!(code, Some(Errno::EPERM | Errno::EINVAL));
                let doing = if foreign { FOREIGN_GROUP } else { "cannot set its group and permissions" };
                Err(fail(doing, &error))
            }
        }
    }

    /// A socket that somebody else has made, with the owner, the group and the permissions that it is to have, and will remove.
    pub fn inherited(path: PathBuf, listener: UnixListener) -> Self {
        Self { listener, path, file: None }
    }

    /// Gives the socket to `owner`, and to `group` if there is one: the user that the process is about to become. One that
    /// somebody else has made stays as it is.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn give_to(&self, owner: Uid, group: Option<Gid>) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        std::os::unix::fs::fchown(&file.lock, Some(owner.as_raw()), group.map(Gid::as_raw))?;
        let no_link = AtFlags::AT_SYMLINK_NOFOLLOW;
        Ok(fchownat(AT_FDCWD, &file.path, Some(owner), group, no_link)?)
    }

    /// Closes the socket and removes its files, for a start that fails later on.
    pub fn remove(self) {
        if let Some(file) = self.file {
            file.remove();
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl SocketFile {
    /// Removes the socket and the lock file, unless somebody has put another socket in its place.
    pub(super) fn remove(self) {
        let own = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if own {
            let _ = fs::remove_file(&self.path);
        }
        // Safe while the lock is held: whoever waits for it looks again whether the file is still there.
        let _ = fs::remove_file(&self.lock_path);
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".lock");
    PathBuf::from(name)
}

/// Locks the file at `path`, made if there is none; `None` when another process has the lock.
fn lock(path: &Path) -> io::Result<Option<File>> {
    // The former owner removes the file: what was locked may no longer be what the path names.
    for _ in 0..10 {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).bits())
            .open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let held = file.metadata()?;
        match fs::symlink_metadata(path) {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => return Ok(Some(file)),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Makes room at `path` if a dead daemon's socket is there.
fn clear_stale(path: &Path) -> Result<(), String> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(plain(&error)),
    };
    if !metadata.file_type().is_socket() {
        return Err("something that is not a socket is there; it is left alone".to_owned());
    }
    match connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| format!("cannot remove the old socket: {}", plain(&error)))
        }
        Ok(()) => Err("a running program accepts connections there".to_owned()),
        // Its queue of connections is full.
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Err("a running program listens there".to_owned())
        }
        Err(error) => Err(format!("cannot tell whether its owner still runs: {}", plain(&error))),
    }
}

/// Connects without waiting for a program that does not accept.
fn connect(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// The system's words for an error, without its number.
fn plain(error: &io::Error) -> String {
    let Some(code) = error.raw_os_error() else { return error.to_string() };
    Errno::from_raw(code).desc().to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn bind(path: &Path) -> Result<AdminSocket, String> {
        AdminSocket::bind(path, 0o660, None).map_err(|error| error.reason)
    }

    #[test]
    fn permissions_are_those_asked_for_and_the_files_go_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let socket = AdminSocket::bind(&path, 0o606, Some(Gid::current())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o606);
        assert_eq!(socket.path(), path);
        UnixStream::connect(&path).unwrap();
        socket.remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_that_somebody_else_has_made_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let before = fs::metadata(&path).unwrap();
        let socket = AdminSocket::inherited(path.clone(), listener);
        socket.give_to(Uid::from_raw(65_534), None).unwrap();
        socket.remove();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((before.uid(), before.mode()), (after.uid(), after.mode()));
    }

    #[test]
    fn it_can_be_given_to_the_user_that_the_daemon_becomes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let socket = bind(&path).unwrap();
        // Only root can give files away; others can give them to themselves.
        let root = Uid::effective().is_root();
        let (uid, gid) =
            if root { (65_534, 65_534) } else { (Uid::effective().as_raw(), Gid::effective().as_raw()) };
        socket.give_to(Uid::from_raw(uid), Some(Gid::from_raw(gid))).unwrap();
        for file in [path.clone(), lock_path(&path)] {
            let metadata = fs::metadata(&file).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (uid, gid), "{}", file.display());
        }
        socket.remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_dead_daemons_socket_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        drop(bind(&path).unwrap());
        assert!(path.exists(), "dropping leaves the file");
        let second = bind(&path).unwrap();
        UnixStream::connect(second.path()).unwrap();
    }

    #[test]
    fn a_live_daemons_socket_is_not_even_when_nobody_accepts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let first = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err(), "another chatd owns it");
        // Somebody removed the socket's file: the lock still says that its owner lives.
        fs::remove_file(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err(), "another chatd owns it");
        drop(first);
    }

    #[test]
    fn a_live_socket_without_a_lock_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let _other = UnixListener::bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err(), "a running program accepts connections there");
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn nor_is_one_whose_queue_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let other = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        other.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        other.listen(0).unwrap();
        let _waiting: Vec<_> = (0..4).map(|_| connect(&path)).collect();
        assert_eq!(bind(&path).unwrap_err(), "a running program listens there");
    }

    #[test]
    fn what_is_not_a_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        fs::write(&path, "precious").unwrap();
        assert!(bind(&path).unwrap_err().contains("not a socket"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        // A link to a socket is not a socket, either.
        let link = folder.path().join("link.sock");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(bind(&link).unwrap_err().contains("not a socket"));
    }

    #[test]
    fn another_daemons_socket_at_the_path_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let socket = bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        socket.remove();
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn the_reason_names_what_failed() {
        let error = AdminSocket::bind(Path::new("/nonexistent/admin.sock"), 0o660, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot listen on /nonexistent/admin.sock: there is no folder /nonexistent"
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        fs::create_dir(lock_path(&path)).unwrap();
        let reason = bind(&path).unwrap_err();
        assert_eq!(
            reason,
            format!("cannot make its lock file {}: is a directory", lock_path(&path).display())
        );
    }
}
