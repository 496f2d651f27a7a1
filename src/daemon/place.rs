//! Where the admin socket is when nobody says: chatd puts it there and chatctl looks for it there.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

/// The socket of a daemon that systemd or root has started.
const SYSTEM: &str = "/run/chatd/chatd.sock";
/// The socket's name in the folder of a user.
const NAME: &str = "chatd.sock";

/// Where a daemon of this user or of the system may have its admin socket: the places to try, best first.
/// None of them need exist.
pub fn candidates() -> Vec<PathBuf> {
    let uid = Uid::effective();
    if uid.is_root() {
        return vec![SYSTEM.into()];
    }
    let mut places = Vec::new();
    places.extend(runtime_folder().map(|folder| folder.join(NAME)));
    let temporary = temporary_folder(uid);
    // Anybody can make a folder of that name; only our own is to be trusted.
    if check_private(&temporary, uid).is_ok() {
        places.push(temporary.join(NAME));
    }
    places.push(SYSTEM.into());
    places
}

/// Where this process puts its admin socket. Creates the folder if need be.
///
/// # Errors
/// When the folder cannot be created or belongs to somebody else; the error names it.
pub fn choose() -> io::Result<PathBuf> {
    // Set by systemd for RuntimeDirectory=; the unit that comes with chatd makes it /run/chatd.
    let given = env::var("RUNTIME_DIRECTORY").ok();
    if let Some(folder) = given.as_deref().and_then(|folders| folders.split(':').next())
        && Path::new(folder).is_absolute()
    {
        return Ok(Path::new(folder).join(NAME));
    }
    let uid = Uid::effective();
    if uid.is_root() {
        let path = PathBuf::from(SYSTEM);
        create(path.parent().unwrap_or(&path), 0o755)?;
        return Ok(path);
    }
    if let Some(folder) = runtime_folder() {
        return Ok(folder.join(NAME));
    }
    let folder = temporary_folder(uid);
    create(&folder, 0o700)?;
    check_private(&folder, uid)?;
    Ok(folder.join(NAME))
}

/// The folder that a login session gives its user, if there is one.
fn runtime_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os("XDG_RUNTIME_DIR")?);
    (folder.is_absolute() && folder.is_dir()).then_some(folder)
}

fn temporary_folder(uid: Uid) -> PathBuf {
    PathBuf::from(format!("/tmp/chatd-{uid}"))
}

fn create(folder: &Path, mode: u32) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(describe(folder, &error)),
        _ => Ok(()),
    }
}

/// Refuses a folder in which others could put a socket of theirs.
fn check_private(folder: &Path, uid: Uid) -> io::Result<()> {
    let metadata = fs::symlink_metadata(folder).map_err(|error| describe(folder, &error))?;
    if metadata.is_dir() && metadata.uid() == uid.as_raw() && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    let reason = format!("{}: not a folder that only its owner can write to", folder.display());
    Err(io::Error::new(ErrorKind::PermissionDenied, reason))
}

fn describe(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_folder_that_others_write_to_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let (own, link) = (folder.path().join("own"), folder.path().join("link"));
        create(&own, 0o700).unwrap();
        create(&own, 0o700).expect("it is there already");
        symlink(&own, &link).unwrap();
        let me = Uid::effective();
        check_private(&own, me).unwrap();
        let error = check_private(&link, me).expect_err("a link");
        assert!(error.to_string().contains("link"), "{error}");
        check_private(&own, Uid::from_raw(me.as_raw() + 1)).expect_err("somebody else's");
        fs::set_permissions(&own, PermissionsExt::from_mode(0o770)).unwrap();
        check_private(&own, me).expect_err("the group may write");
        check_private(&folder.path().join("none"), me).expect_err("there is none");
    }

    #[test]
    fn chatctl_looks_where_the_system_daemon_is() {
        assert!(candidates().iter().any(|place| place == Path::new(SYSTEM)));
    }
}
