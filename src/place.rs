//! Where the admin socket is: where chatd puts it when `[admin] socket` does not say, and where
//! `chatctl` looks for it.
//!
//! The decisions are pure functions over [`Env`]; what touches files is [`Place::prepare`] and [`find`].

use std::ffi::OsString;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use nix::unistd::{Uid, chown};

/// The configuration file that chatd reads when `--config` names no other.
pub const CONFIG_FILE: &str = "/etc/chatd/chatd.toml";
/// The file name of the socket in a folder of chatd's own.
const SOCKET: &str = "admin.sock";
/// The file name of a monitor socket that `chatctl` finds beside the admin socket.
const MONITOR: &str = "monitor.sock";
/// The folder of a daemon that root started.
const SYSTEM: &str = "/run/chatd";
/// The folder of the state of a daemon that root started.
pub const SYSTEM_STATE: &str = "/var/lib/chatd";
/// The longest path that fits into a socket address, in bytes (`sun_path` of unix(7), less its NUL).
pub const LONGEST_PATH: usize = 107;

/// What decides on the place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    /// The effective user.
    pub uid: u32,
    /// `$RUNTIME_DIRECTORY`, which systemd sets for a unit with `RuntimeDirectory=`.
    pub runtime_directory: Option<OsString>,
    /// `$XDG_RUNTIME_DIR`, if it is a folder of the user's own.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `$CHATD_SOCKET`, which only `chatctl` looks at.
    pub chatd_socket: Option<PathBuf>,
    /// `$STATE_DIRECTORY`, which systemd sets for a unit with `StateDirectory=`.
    pub state_directory: Option<OsString>,
    /// `$XDG_STATE_HOME`.
    pub xdg_state_home: Option<PathBuf>,
    /// `$HOME`.
    pub home: Option<PathBuf>,
    /// Whether [`SYSTEM_STATE`] is there and belongs to the user.
    pub owns_system_state: bool,
}

impl Env {
    /// The process's own. A variable that is empty counts as not set, as does an `$XDG_RUNTIME_DIR` that
    /// is relative or another user's (the XDG base directory specification says to ignore it; `su` leaves one behind).
    pub fn current() -> Self {
        let uid = Uid::effective().as_raw();
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let owned = |path: &PathBuf| {
            path.is_absolute() && fs::metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)
        };
        Self {
            uid,
            runtime_directory: variable("RUNTIME_DIRECTORY"),
            xdg_runtime_dir: variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(owned),
            chatd_socket: variable("CHATD_SOCKET").map(PathBuf::from),
            state_directory: variable("STATE_DIRECTORY"),
            xdg_state_home: variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()),
            home: variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute()),
            owns_system_state: owned(&PathBuf::from(SYSTEM_STATE)),
        }
    }

    /// The socket in the folder that systemd made.
    fn systemd(&self) -> Option<PathBuf> {
        first(self.runtime_directory.as_ref()?).map(|folder| folder.join(SOCKET))
    }

    /// The folder for state that systemd made.
    pub(crate) fn state_directory(&self) -> Option<PathBuf> {
        first(self.state_directory.as_ref()?)
    }

    /// The socket of a daemon that this user, not being root, started from a session.
    fn session(&self) -> Option<PathBuf> {
        self.xdg_runtime_dir.as_ref().map(|folder| folder.join("chatd").join(SOCKET))
    }

    /// The socket of a daemon that this user, not being root, started where there is no session.
    fn temporary(&self) -> PathBuf {
        PathBuf::from(format!("/tmp/chatd-{}", self.uid)).join(SOCKET)
    }
}

/// The first of the folders that systemd lists.
fn first(folders: &OsString) -> Option<PathBuf> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let first = folders.as_bytes().split(|&byte| byte == b':').next().filter(|first| !first.is_empty())?;
    Some(PathBuf::from(OsString::from_vec(first.to_vec())))
}

/// Where chatd puts its admin socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The socket.
    pub socket: PathBuf,
    /// Permissions of its folder, when that is chatd's to make; `None` when somebody else made it.
    folder_mode: Option<u32>,
}

/// Where chatd puts its admin socket: `configured` is `[admin] socket`.
pub fn of_daemon(env: &Env, configured: Option<&Path>) -> Place {
    if let Some(socket) = configured {
        return Place { socket: socket.to_owned(), folder_mode: None };
    }
    if let Some(socket) = env.systemd() {
        return Place { socket, folder_mode: None };
    }
    if env.uid == 0 {
        // Everybody may pass; the socket's own mode and group say who may connect.
        return Place { socket: Path::new(SYSTEM).join(SOCKET), folder_mode: Some(0o755) };
    }
    Place { socket: env.session().unwrap_or_else(|| env.temporary()), folder_mode: Some(0o700) }
}

impl Place {
    /// Makes the socket's folder, if it is chatd's to make, or sees to it that the one that is there can
    /// be trusted: a real folder of root's or of `owner`'s that nobody else may write to. `owner` is the
    /// user that the daemon is going to run as; a folder made by root is handed to it, as the daemon
    /// removes its socket in the end.
    ///
    /// # Errors
    /// Why the socket cannot be there, in a sentence.
    pub fn prepare(&self, owner: u32) -> Result<(), PlaceError> {
        let length = self.socket.as_os_str().len();
        if length > LONGEST_PATH {
            return Err(PlaceError::TooLong(self.socket.clone(), length));
        }
        let (Some(mode), Some(folder)) = (self.folder_mode, self.socket.parent()) else { return Ok(()) };
        match fs::DirBuilder::new().mode(mode).create(folder) {
            Ok(()) => own(folder, mode, owner).map_err(|error| PlaceError::Folder(folder.to_owned(), error)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => trusted(folder, owner),
            Err(error) => Err(PlaceError::Folder(folder.to_owned(), error)),
        }
    }

    /// Gives a folder of chatd's own that root made at an earlier start to `owner`, the user that the daemon is going to
    /// run as: it could not remove its socket otherwise. To be called once the socket is there, so that no other daemon's is.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn hand_over(&self, owner: u32) -> Result<(), PlaceError> {
        let (Some(_), Some(folder)) = (self.folder_mode, self.socket.parent()) else { return Ok(()) };
        trusted(folder, owner)?;
        let give = || match fs::symlink_metadata(folder)?.uid() {
            now if now == owner || !Uid::effective().is_root() => Ok(()),
            _ => std::os::unix::fs::lchown(folder, Some(owner), None),
        };
        give().map_err(|error| PlaceError::Folder(folder.to_owned(), error))
    }
}

/// Gives a folder just made its mode, whatever the umask, and its owner.
fn own(folder: &Path, mode: u32, owner: u32) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
    if Uid::effective().as_raw() != owner {
        chown(folder, Some(Uid::from_raw(owner)), None)?;
    }
    Ok(())
}

/// Whether nobody but root and `owner` can have put something into this folder.
fn trusted(folder: &Path, owner: u32) -> Result<(), PlaceError> {
    let refuse = |why| Err(PlaceError::Untrusted(folder.to_owned(), why));
    let meta = fs::symlink_metadata(folder).map_err(|error| PlaceError::Folder(folder.to_owned(), error))?;
    if meta.is_symlink() {
        refuse("it is a symbolic link".to_owned())
    } else if !meta.is_dir() {
        refuse("it is not a folder".to_owned())
    } else if meta.uid() != owner && meta.uid() != 0 {
        refuse(format!("it belongs to user {}, not to user {owner}", meta.uid()))
    } else if meta.mode() & 0o022 != 0 {
        refuse(format!("others may write to it (mode {:04o})", meta.mode() & 0o7777))
    } else {
        Ok(())
    }
}

/// Why the admin socket cannot be where it should.
#[derive(Debug)]
pub enum PlaceError {
    /// The path is longer than [`LONGEST_PATH`]: it, and how long it is.
    TooLong(PathBuf, usize),
    /// The folder cannot be made or looked at.
    Folder(PathBuf, io::Error),
    /// The folder is there, but somebody else may have put something into it: it, and why.
    Untrusted(PathBuf, String),
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(path, length) => write!(
                f,
                "the admin socket's path {} has {length} bytes, a socket's may have {LONGEST_PATH}; \
                 set a shorter one as [admin] socket",
                path.display()
            ),
            Self::Folder(folder, error) => write!(
                f,
                "the admin socket's folder {} cannot be made: {error}; set another place as [admin] socket",
                folder.display()
            ),
            Self::Untrusted(folder, why) => write!(
                f,
                "the admin socket's folder {} is not safe: {why}; remove it, or set another place as [admin] socket",
                folder.display()
            ),
        }
    }
}

impl std::error::Error for PlaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(_, error) => Some(error),
            Self::TooLong(..) | Self::Untrusted(..) => None,
        }
    }
}

/// A place where `chatctl` may find the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The socket.
    pub socket: PathBuf,
    /// Whether anybody could have made its folder, so that it counts only if the user owns it.
    shared: bool,
}

/// Where `chatctl` looks when `--socket` does not say, best first. `$CHATD_SOCKET` is then the only
/// place; `configured` is what [`CONFIG_FILE`] sets, if it can be read.
pub fn for_client(env: &Env, configured: Option<PathBuf>) -> Vec<Candidate> {
    let place = |socket| Candidate { socket, shared: false };
    if let Some(socket) = &env.chatd_socket {
        return vec![place(socket.clone())];
    }
    let mut candidates: Vec<_> = env.systemd().map(place).into_iter().collect();
    if env.uid != 0 {
        candidates.extend(env.session().map(place));
        candidates.push(Candidate { socket: env.temporary(), shared: true });
    }
    candidates.extend(configured.map(place));
    candidates.push(place(Path::new(SYSTEM).join(SOCKET)));
    let mut seen = Vec::new();
    candidates.retain(|candidate| {
        let new = !seen.contains(&candidate.socket);
        seen.push(candidate.socket.clone());
        new
    });
    candidates
}

/// The first candidate that is there. One that cannot be looked at, as its folder lets the user in
/// no further, counts as there: connecting to it says why it does not work.
pub fn find(env: &Env, candidates: &[Candidate]) -> Option<PathBuf> {
    let there = |candidate: &&Candidate| match fs::symlink_metadata(&candidate.socket) {
        Ok(_) => {
            !candidate.shared
                || candidate.socket.parent().is_some_and(|folder| trusted(folder, env.uid).is_ok())
        }
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied && !candidate.shared,
    };
    candidates.iter().find(there).map(|candidate| candidate.socket.clone())
}

/// Where `chatctl` looks for a monitor socket when it may not connect to the admin socket, best first. `configured` is what
/// [`CONFIG_FILE`] sets, if it can be read: those who only look can often not.
pub fn monitors(admin: &Path, configured: Option<PathBuf>) -> Vec<PathBuf> {
    let beside = admin.with_file_name(MONITOR);
    let other = configured.filter(|configured| *configured != beside);
    other.into_iter().chain([beside]).collect()
}

/// The `[admin] socket` of a configuration file, whatever else may be wrong with the file: `chatctl`
/// is what an operator needs when it is.
pub fn configured(text: &str) -> Option<PathBuf> {
    socket_of("admin", text)
}

/// The same of `[monitor]`.
pub fn configured_monitor(text: &str) -> Option<PathBuf> {
    socket_of("monitor", text)
}

fn socket_of(section: &str, text: &str) -> Option<PathBuf> {
    let table: toml::Table = text.parse().ok()?;
    let socket = table.get(section)?.get("socket")?.as_str()?;
    Some(PathBuf::from(socket))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn env(uid: u32, runtime: Option<&str>, xdg: Option<&str>) -> Env {
        Env {
            uid,
            runtime_directory: runtime.map(OsString::from),
            xdg_runtime_dir: xdg.map(PathBuf::from),
            ..Env::default()
        }
    }

    fn places(env: &Env, configured: Option<&str>) -> Vec<String> {
        let candidates = for_client(env, configured.map(PathBuf::from));
        candidates.iter().map(|candidate| candidate.socket.display().to_string()).collect()
    }

    #[test]
    fn the_daemon_takes_the_first_place_that_applies() {
        let user = Some("/run/user/1000");
        for (env, configured, expected) in [
            (env(0, Some("/run/a"), None), Some("/x.sock"), "/x.sock"),
            (env(0, Some("/run/chatd"), None), None, "/run/chatd/admin.sock"),
            (env(7, Some("/run/a:/run/b"), user), None, "/run/a/admin.sock"),
            (env(0, Some(":"), user), None, "/run/chatd/admin.sock"),
            (env(0, None, user), None, "/run/chatd/admin.sock"),
            (env(1000, None, user), None, "/run/user/1000/chatd/admin.sock"),
            (env(1000, None, None), None, "/tmp/chatd-1000/admin.sock"),
        ] {
            assert_eq!(of_daemon(&env, configured.map(Path::new)).socket, Path::new(expected), "{env:?}");
        }
    }

    #[test]
    fn the_client_looks_in_the_users_own_places_first() {
        let user = env(1000, None, Some("/run/user/1000"));
        assert_eq!(
            places(&user, Some("/srv/chat.sock")),
            [
                "/run/user/1000/chatd/admin.sock",
                "/tmp/chatd-1000/admin.sock",
                "/srv/chat.sock",
                "/run/chatd/admin.sock"
            ]
        );
        assert_eq!(places(&env(0, None, Some("/run/user/0")), None), ["/run/chatd/admin.sock"]);
        let unit = env(0, Some("/run/chatd"), None);
        assert_eq!(places(&unit, Some("/run/chatd/admin.sock")), ["/run/chatd/admin.sock"], "each once");
        let told = Env { chatd_socket: Some("/told".into()), ..user };
        assert_eq!(places(&told, Some("/srv/chat.sock")), ["/told"]);
    }

    #[test]
    fn wherever_the_daemon_puts_it_the_client_of_the_same_user_looks() {
        for uid in [0, 1000] {
            for runtime in [None, Some("/run/unit")] {
                for xdg in [None, Some("/run/user/1000")] {
                    let env = env(uid, runtime, xdg);
                    let socket = of_daemon(&env, None).socket.display().to_string();
                    assert!(places(&env, None).contains(&socket), "{env:?}");
                }
            }
        }
    }

    #[test]
    fn the_configured_place_is_read_from_a_file_with_other_faults() {
        let text = "[admin]\nsocket = \"/srv/chat.sock\"\ncolour = 7\n[nonsense]\n[monitor]\nsocket = \"/m\"";
        assert_eq!(configured(text), Some("/srv/chat.sock".into()));
        assert_eq!(configured_monitor(text), Some("/m".into()));
        for text in ["", "[admin]\nmode = \"0660\"", "[admin]\nsocket = 7", "[admin"] {
            assert_eq!(configured(text), None, "{text}");
        }
    }

    #[test]
    fn a_monitor_socket_is_looked_for_where_it_is_configured_and_beside_the_admin_socket() {
        let admin = Path::new("/run/chatd/admin.sock");
        let beside = PathBuf::from("/run/chatd/monitor.sock");
        for configured in [None, Some(beside.clone())] {
            assert!(monitors(admin, configured).iter().eq([&beside]), "once");
        }
        assert_eq!(monitors(admin, Some("/srv/m".into())), [PathBuf::from("/srv/m"), beside]);
    }

    fn made(folder: &Path) -> Place {
        Place { socket: folder.join(SOCKET), folder_mode: Some(0o700) }
    }

    #[test]
    fn the_folder_is_made_private_and_then_accepted() {
        let root = tempfile::tempdir().unwrap();
        let me = Uid::effective().as_raw();
        let place = made(&root.path().join("chatd"));
        for _ in 0..2 {
            place.prepare(me).unwrap();
            assert_eq!(fs::metadata(place.socket.parent().unwrap()).unwrap().mode() & 0o7777, 0o700);
        }
        let given = of_daemon(&Env::default(), Some(&root.path().join("no/such/a.sock")));
        given.prepare(me).unwrap();
        assert!(!root.path().join("no").exists(), "a configured folder is the operator's to make");
    }

    #[test]
    fn a_folder_that_somebody_else_could_write_to_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let me = Uid::effective().as_raw();
        let refusal = |folder: &Path, owner| made(folder).prepare(owner).unwrap_err().to_string();

        let open = root.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(refusal(&open, me).contains("is not safe: others may write to it (mode 0770)"));

        let link = root.path().join("link");
        symlink(root.path(), &link).unwrap();
        assert!(refusal(&link, me).contains("it is a symbolic link"));

        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(refusal(&file, me).contains("it is not a folder"));

        let missing = root.path().join("no/such");
        assert!(refusal(&missing, me).contains("cannot be made: No such file"));
        let long = root.path().join("x".repeat(120));
        assert!(refusal(&long, me).contains("a socket's may have 107"));
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let me = Uid::effective().as_raw();
        let folder = root.path().join("theirs");
        fs::create_dir(&folder).unwrap();
        // Root may give it away; somebody else says that they are another user.
        let owner = if me == 0 {
            chown(&folder, Some(Uid::from_raw(12_345)), None).unwrap();
            0
        } else {
            me + 1
        };
        let refusal = made(&folder).prepare(owner).unwrap_err().to_string();
        assert!(refusal.contains("it belongs to user"), "{refusal}");
        if me == 0 {
            made(&folder).prepare(12_345).unwrap();
        }
    }

    #[test]
    fn a_folder_that_root_made_is_handed_to_the_user_that_the_daemon_becomes() {
        let root = tempfile::tempdir().unwrap();
        let me = Uid::effective().as_raw();
        let place = made(&root.path().join("chatd"));
        place.prepare(me).unwrap();
        let owner = if me == 0 { 12_345 } else { me };
        place.prepare(owner).unwrap();
        place.hand_over(owner).unwrap();
        let folder = place.socket.parent().unwrap();
        assert_eq!(fs::metadata(folder).unwrap().uid(), owner);
        // One that the operator made stays the operator's.
        let given = of_daemon(&Env::default(), Some(&root.path().join("a.sock")));
        given.hand_over(owner).unwrap();
        assert_eq!(fs::metadata(root.path()).unwrap().uid(), me);
    }

    #[test]
    fn the_first_candidate_that_is_there_is_found() {
        let root = tempfile::tempdir().unwrap();
        let env = Env { uid: Uid::effective().as_raw(), ..Env::default() };
        let candidate =
            |name: &str, shared| Candidate { socket: root.path().join(name).join(SOCKET), shared };
        let candidates = [candidate("none", false), candidate("shared", true), candidate("last", false)];
        assert_eq!(find(&env, &candidates), None);
        for name in ["shared", "last"] {
            fs::create_dir(root.path().join(name)).unwrap();
            fs::write(root.path().join(name).join(SOCKET), "").unwrap();
        }
        fs::set_permissions(root.path().join("shared"), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(
            find(&env, &candidates),
            Some(candidates[2].socket.clone()),
            "others could have put it there"
        );
        fs::set_permissions(root.path().join("shared"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(find(&env, &candidates), Some(candidates[1].socket.clone()));
    }
}
