//! The pid file: locked while the daemon lives, so that it also keeps a second one from starting.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

/// More than any process id and its line end, in bytes.
const LENGTH: u64 = 32;
/// Attempts to lock a file that others remove meanwhile.
const ATTEMPTS: usize = 10;

/// A locked pid file. The lock belongs to the open file: it survives a fork, and ends with the last process
/// that has it open, however that process ends.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Opens the file at `path`, makes it if need be, and locks it.
    ///
    /// Links are not followed, and what does not look like a pid file is left alone, so that a wrong path
    /// in the configuration destroys nothing.
    ///
    /// # Errors
    /// A sentence: another daemon has it, with its process id; it is no pid file; or the system refuses.
    pub(super) fn lock(path: &Path) -> Result<Self, String> {
        let fail = |reason: &str| format!("pid file {}: {reason}", path.display());
        for _ in 0..ATTEMPTS {
            let file = open(path).map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::ELOOP) => fail("it is a symbolic link, which is not followed"),
                Some(errno) => fail(&format!("cannot be opened: {}", errno.desc().to_lowercase())),
                None => fail(&error.to_string()),
            })?;
            let metadata = file.metadata().map_err(|error| fail(&error.to_string()))?;
            if !metadata.is_file() {
                return Err(fail("it is not a regular file"));
            }
            let content = content(&file).map_err(|_| fail("it holds something else; not overwritten"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let who = content.map_or(String::new(), |pid| format!(", pid {pid}"));
                    return Err(format!("chatd is already running{who} (pid file {})", path.display()));
                }
                Err(TryLockError::Error(error)) => return Err(fail(&format!("cannot be locked: {error}"))),
            }
            let pid_file = Self { path: path.to_owned(), file };
            // The daemon that had it may have removed it just now; then the lock is on nobody's file.
            if pid_file.is_ours() {
                return Ok(pid_file);
            }
        }
        Err(fail("others keep replacing it"))
    }

    /// Writes the id of this process.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0)
    }

    /// Removes the file, if it is still the one that was locked. Where the user that the daemon has become
    /// may not remove it, it is emptied.
    pub(super) fn remove(self) {
        if self.is_ours() && fs::remove_file(&self.path).is_err() {
            let _ = self.file.set_len(0);
        }
    }

    /// Whether the path still names the open file.
    fn is_ours(&self) -> bool {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (self.file.metadata(), fs::symlink_metadata(&self.path)) {
            (Ok(open), Ok(named)) => identity(open) == identity(named),
            _ => false,
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).bits())
        .open(path)
}

/// The process id in the file, if it is not empty.
///
/// # Errors
/// When it is no pid file.
fn content(file: &File) -> io::Result<Option<u32>> {
    let mut text = String::new();
    file.take(LENGTH).read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.trim_end().parse().map(Some).map_err(|_| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn it_is_locked_written_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatd.pid");
        let first = PidFile::lock(&path).unwrap();
        let text = PidFile::lock(&path).unwrap_err();
        assert_eq!(text, format!("chatd is already running (pid file {})", path.display()));
        first.write().unwrap();
        let me = std::process::id();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{me}\n"));
        let text = PidFile::lock(&path).unwrap_err();
        assert!(text.starts_with(&format!("chatd is already running, pid {me} (")), "{text}");
        first.remove();
        assert!(!path.exists());
    }

    #[test]
    fn one_left_by_a_dead_daemon_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatd.pid");
        fs::write(&path, "1234567890\n").unwrap();
        let file = PidFile::lock(&path).unwrap();
        file.write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
    }

    #[test]
    fn what_is_no_pid_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("precious"), folder.path().join("link"));
        for content in
            ["root:x:0:0:root:/root:/bin/bash\n", "-1", "1 2", "\n", "99999999999999999999999999999"]
        {
            fs::write(&path, content).unwrap();
            let error = PidFile::lock(&path).unwrap_err();
            assert!(error.ends_with("it holds something else; not overwritten"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        fs::write(&path, [0xff, 0xfe]).unwrap();
        PidFile::lock(&path).unwrap_err();

        fs::write(&path, "").unwrap();
        symlink(&path, &link).unwrap();
        let error = PidFile::lock(&link).unwrap_err();
        assert!(error.ends_with("it is a symbolic link, which is not followed"), "{error}");
        PidFile::lock(folder.path()).expect_err("a folder");
        let error = PidFile::lock(&folder.path().join("none/chatd.pid")).unwrap_err();
        assert!(error.ends_with("cannot be opened: no such file or directory"), "{error}");
        nix::unistd::mkfifo(&folder.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let error = PidFile::lock(&folder.path().join("fifo")).unwrap_err();
        assert!(error.ends_with("it is not a regular file"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_ours_any_more_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatd.pid");
        let file = PidFile::lock(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "1\n").unwrap();
        file.remove();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chatd.pid");
        let _file = PidFile::lock(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7133, 0, "{mode:o}");
    }
}
