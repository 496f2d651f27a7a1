//! The state file: what outlives a restart, as `state.json` in a folder of chatd's own.
//!
//! It is replaced as a whole: whatever happens to the process or the machine, it is the old one or the new one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Uid, chown};

use crate::load;
use crate::place::{self, Env};
use crate::proto::limits;

/// The file.
const FILE: &str = "state.json";
/// What it is until it is whole.
const NEW: &str = "state.json.new";

/// The folder of the state file, locked: no other chatd uses it meanwhile. The lock belongs to the open folder: it survives
/// a fork, and ends with the last process that has it open, however that process ends.
#[derive(Debug)]
pub struct StateFile {
    folder: PathBuf,
    open: File,
}

/// Where the state is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who says where the state is, and by that who makes the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaidBy {
    /// The configuration: the operator makes it, and chatd changes nothing of it.
    Configuration,
    /// systemd, which makes it for the user of the unit: root, perhaps, where chatd becomes another.
    Systemd,
    /// Nobody: chatd makes it.
    Chatd,
}

/// Where chatd keeps its state: `configured` is `[server] state_directory`. `None` if there is no place for it.
pub fn place(env: &Env, configured: Option<&Path>) -> Option<Place> {
    if let Some(folder) = configured {
        return Some(Place { folder: folder.to_owned(), said_by: SaidBy::Configuration });
    }
    if let Some(folder) = env.state_directory() {
        return Some(Place { folder, said_by: SaidBy::Systemd });
    }
    let own = if env.uid == 0 || env.owns_system_state {
        Some(PathBuf::from(place::SYSTEM_STATE))
    } else {
        let home = env.home.as_ref().map(|home| home.join(".local/state"));
        env.xdg_state_home.clone().or(home).map(|folder| folder.join("chatd"))
    };
    own.map(|folder| Place { folder, said_by: SaidBy::Chatd })
}

impl StateFile {
    /// Makes the folder, if it is chatd's to make, sees to it that `owner`, the user that chatd is going to run as, and
    /// nobody else can write to it, and locks it.
    ///
    /// # Errors
    /// A sentence: the folder cannot be used, or another chatd uses it.
    pub fn open(place: &Place, owner: u32) -> Result<Self, String> {
        let folder = place.folder.clone();
        let fail = |why: &str| format!("the state directory {} {why}", folder.display());
        if place.said_by == SaidBy::Chatd {
            make(&folder).map_err(|error| fail(&format!("cannot be made: {}", reason(&error))))?;
        }
        if fs::symlink_metadata(&folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Err(fail("does not exist; make it, as a folder of the user that chatd runs as"));
        }
        if place.said_by != SaidBy::Configuration {
            hand_over(&folder, owner)
                .map_err(|error| fail(&format!("cannot be given away: {}", reason(&error))))?;
        }
        let meta = fs::symlink_metadata(&folder)
            .map_err(|error| fail(&format!("cannot be used: {}", reason(&error))))?;
        if !meta.is_dir() {
            return Err(fail("is not a folder"));
        }
        if meta.uid() != owner && owner != 0 {
            return Err(fail(&format!(
                "belongs to user {}, but chatd runs as user {owner} (chown it)",
                meta.uid()
            )));
        }
        if meta.mode() & 0o022 != 0 {
            let mode = meta.mode() & 0o7777;
            return Err(fail(&format!("is not safe: others may write to it (mode {mode:04o}; chmod go-w)")));
        }
        let open =
            File::open(&folder).map_err(|error| fail(&format!("cannot be opened: {}", reason(&error))))?;
        match open.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(fail("is another chatd's, which is running")),
            Err(TryLockError::Error(error)) => {
                return Err(fail(&format!("cannot be locked: {}", reason(&error))));
            }
        }
        let it = Self { folder: folder.clone(), open };
        it.try_out().map_err(|error| fail(&format!("cannot be written to: {}", reason(&error))))?;
        Ok(it)
    }

    /// The file's path.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// What is in the file; `None` if there is none yet.
    ///
    /// # Errors
    /// What to say after the file's name.
    pub fn read(&self) -> Result<Option<String>, String> {
        let path = self.path();
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            _ => {}
        }
        let (bytes, _) = load::read(&path, limits::STATE_FILE)?;
        String::from_utf8(bytes).map(Some).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("is not UTF-8 (from byte {} on)", at + 1)
        })
    }

    /// Replaces the content of the file. When this returns without an error, it is on disk and stays there.
    ///
    /// # Errors
    /// Which file could not be written, and why; the old content is still there.
    pub fn write(&self, text: &str) -> Result<(), String> {
        if text.len() > limits::STATE_FILE {
            return Err(format!(
                "{}: it would be larger than {} bytes",
                self.path().display(),
                limits::STATE_FILE
            ));
        }
        let new = self.folder.join(NEW);
        let written = Self::create(&new).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, self.path())
        });
        if let Err(error) = written {
            // A part of it would take room on a disk that may be full.
            let _ = fs::remove_file(&new);
            return Err(format!("{}: {}", new.display(), reason(&error)));
        }
        self.open.sync_all().map_err(|error| format!("{}: {}", self.folder.display(), reason(&error)))
    }

    /// A new file, readable for nobody else. What a process left there that was killed is overwritten.
    fn create(path: &Path) -> io::Result<File> {
        let flags = OFlag::O_NOFOLLOW.bits();
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(flags).open(path)
    }

    /// Whether a file can be made.
    fn try_out(&self) -> io::Result<()> {
        let new = self.folder.join(NEW);
        Self::create(&new)?;
        fs::remove_file(new)
    }
}

/// Makes a folder, unless it is there. What is above it, everybody may see.
fn make(folder: &Path) -> io::Result<()> {
    if let Some(above) = folder.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(above)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Gives a folder of root's to the user that root is about to become.
fn hand_over(folder: &Path, owner: u32) -> io::Result<()> {
    let meta = fs::symlink_metadata(folder)?;
    if Uid::effective().is_root() && meta.is_dir() && meta.uid() == 0 && owner != 0 {
        chown(folder, Some(Uid::from_raw(owner)), None)?;
    }
    Ok(())
}

fn reason(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn me() -> u32 {
        Uid::effective().as_raw()
    }

    fn given(folder: &Path) -> Place {
        Place { folder: folder.to_owned(), said_by: SaidBy::Configuration }
    }

    #[test]
    fn the_first_place_that_applies_is_taken() {
        let user = Env { uid: 1000, home: Some("/users/ann".into()), ..Env::default() };
        let xdg = Env { xdg_state_home: Some("/state".into()), ..user.clone() };
        let unit = Env { state_directory: Some("/var/lib/a:/var/lib/b".into()), ..xdg.clone() };
        let root = Env { uid: 0, ..xdg.clone() };
        let system = Env { owns_system_state: true, ..xdg.clone() };
        for (env, configured, folder, said_by) in [
            (&unit, Some("/srv/state"), "/srv/state", SaidBy::Configuration),
            (&unit, None, "/var/lib/a", SaidBy::Systemd),
            (&root, None, "/var/lib/chatd", SaidBy::Chatd),
            (&system, None, "/var/lib/chatd", SaidBy::Chatd),
            (&xdg, None, "/state/chatd", SaidBy::Chatd),
            (&user, None, "/users/ann/.local/state/chatd", SaidBy::Chatd),
        ] {
            let expected = Place { folder: folder.into(), said_by };
            assert_eq!(place(env, configured.map(Path::new)), Some(expected), "{env:?}");
        }
        assert_eq!(place(&Env { uid: 1000, ..Env::default() }, None), None);
    }

    #[test]
    fn what_is_written_is_read_and_is_nobody_elses() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b/chatd");
        let state = StateFile::open(&Place { folder: folder.clone(), said_by: SaidBy::Chatd }, me()).unwrap();
        assert_eq!(state.read(), Ok(None));
        for text in ["first", "the second", ""] {
            state.write(text).unwrap();
            assert_eq!(state.read().unwrap().as_deref(), Some(text));
        }
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(state.path()).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_part_that_a_killed_process_left_is_no_harm() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(FILE), "old").unwrap();
        fs::write(root.path().join(NEW), "a part of something longer").unwrap();
        let state = StateFile::open(&given(root.path()), me()).unwrap();
        assert_eq!(state.read().unwrap().as_deref(), Some("old"));
        state.write("new").unwrap();
        assert_eq!(state.read().unwrap().as_deref(), Some("new"));
    }

    #[test]
    fn what_cannot_be_written_leaves_the_old_and_says_why() {
        let root = tempfile::tempdir().unwrap();
        let state = StateFile::open(&given(root.path()), me()).unwrap();
        state.write("old").unwrap();
        fs::create_dir(root.path().join(NEW)).unwrap();
        let error = state.write("new").unwrap_err();
        assert!(error.ends_with("state.json.new: Is a directory"), "{error}");
        assert_eq!(state.read().unwrap().as_deref(), Some("old"));
        let large = "x".repeat(limits::STATE_FILE + 1);
        assert!(state.write(&large).unwrap_err().contains("larger than"));
    }

    #[test]
    fn a_file_that_is_no_text_or_not_regular_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let state = StateFile::open(&given(root.path()), me()).unwrap();
        fs::write(state.path(), b"ab\xff").unwrap();
        assert_eq!(state.read(), Err("is not UTF-8 (from byte 3 on)".to_owned()));
        fs::remove_file(state.path()).unwrap();
        symlink("nowhere", state.path()).unwrap();
        assert!(
            state.read().unwrap_err().starts_with("cannot be read"),
            "a link that leads nowhere is a mistake"
        );
    }

    #[test]
    fn a_folder_that_will_not_do_is_refused_with_the_reason() {
        let root = tempfile::tempdir().unwrap();
        let refusal = |folder: &Path, owner| StateFile::open(&given(folder), owner).unwrap_err();
        assert!(refusal(&root.path().join("none"), me()).contains("none does not exist; make it, as a"));
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(refusal(&file, me()).ends_with("is not a folder"));
        let folder = root.path().join("open");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(refusal(&folder, me()).contains("others may write to it (mode 0777"));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refusal(&folder, me() + 1).contains("(chown it)"));
        let first = StateFile::open(&given(&folder), me()).unwrap();
        assert!(refusal(&folder, me()).ends_with("is another chatd's, which is running"));
        drop(first);
        StateFile::open(&given(&folder), me()).unwrap();
    }
}
