//! Becoming an unprivileged user for good.

use std::collections::BTreeSet;
use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{self, Gid, Group, Uid, User};

use crate::config;

/// The user and the groups that the daemon is going to run as.
#[derive(Debug)]
pub(super) struct Identity {
    name: String,
    uid: Uid,
    gid: Gid,
    /// All groups of the user, [`Identity::gid`] among them.
    groups: Vec<Gid>,
}

/// Looks up whom to become; `None` when the process is to stay what it is.
///
/// # Errors
/// A sentence: no such user or group, or this process may not become that user.
pub(super) fn resolve(config: &config::Daemon) -> Result<Option<Identity>, String> {
    let Some(name) = &config.user else {
        return match &config.group {
            None => Ok(None),
            Some(_) => Err("[daemon] has a group but no user; set both, or user alone".to_owned()),
        };
    };
    let user = user(name)?;
    let gid = config.group.as_deref().map_or(Ok(user.gid), group)?;
    if !Uid::effective().is_root() {
        let already = user.uid == Uid::effective() && user.uid == Uid::current() && gid == Gid::effective();
        return if already { Ok(None) } else { Err(not_root(name)) };
    }
    if user.uid.is_root() {
        return Err(format!("[daemon] user {name:?} is root; name an unprivileged user, or none"));
    }
    let c_name = CString::new(user.name.as_str()).map_err(|_| format!("[daemon] user {name:?} has a NUL"))?;
    let groups = unistd::getgrouplist(&c_name, gid)
        .map_err(|error| format!("cannot look up the groups of user {name:?}: {}", error.desc()))?;
    Ok(Some(Identity { name: user.name, uid: user.uid, gid, groups }))
}

/// Looks up a group by its name, or by its number.
///
/// # Errors
/// A sentence: there is no such group.
pub(super) fn group(name: &str) -> Result<Gid, String> {
    let missing = |reason: &str| format!("there is no group {name:?}{reason}");
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => name.parse().map(Gid::from_raw).map_err(|_| missing("")),
        Err(error) => Err(missing(&format!(": {}", error.desc()))),
    }
}

/// Looks up a user by name, or by number.
fn user(name: &str) -> Result<User, String> {
    let found = match (User::from_name(name), name.parse()) {
        (Ok(None), Ok(number)) => User::from_uid(Uid::from_raw(number)),
        (found, _) => found,
    };
    match found {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(format!("there is no user {name:?}")),
        Err(error) => Err(format!("there is no user {name:?}: {}", error.desc())),
    }
}

fn not_root(name: &str) -> String {
    let uid = Uid::effective();
    let me = match User::from_uid(uid) {
        Ok(Some(user)) => format!("{:?}", user.name),
        _ => uid.to_string(),
    };
    format!(
        "cannot become the user and group that [daemon] names, user {name:?}: only root can, and this is user {me}"
    )
}

impl Identity {
    /// The user's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The user.
    pub(super) fn uid(&self) -> Uid {
        self.uid
    }

    /// The group.
    pub(super) fn gid(&self) -> Gid {
        self.gid
    }

    /// Becomes that user, and makes sure of it: no id and no group is left of the former user, and there
    /// is no way back. All threads of the process follow.
    ///
    /// # Errors
    /// A sentence. The process must then end: part of the way may be behind it.
    pub(super) fn assume(&self) -> Result<(), String> {
        let failed = |doing: &str, error: Errno| {
            format!("cannot become user {:?}: {doing}: {}", self.name, error.desc().to_lowercase())
        };
        // In this order: once the user is another, the groups can no longer be changed.
        unistd::setgroups(&self.groups).map_err(|error| failed("setgroups", error))?;
        unistd::setresgid(self.gid, self.gid, self.gid).map_err(|error| failed("setresgid", error))?;
        unistd::setresuid(self.uid, self.uid, self.uid).map_err(|error| failed("setresuid", error))?;
        match self.verify() {
            Ok(()) => Ok(()),
            Err(left) => Err(format!("cannot become user {:?}: {left}", self.name)),
        }
    }

    /// Whether the process is this user and nobody else, and cannot become root.
    fn verify(&self) -> Result<(), String> {
        let ask = |error: Errno| error.desc().to_owned();
        let uids = unistd::getresuid().map_err(ask)?;
        if [uids.real, uids.effective, uids.saved] != [self.uid; 3] {
            return Err(format!("user ids are {} {} {}", uids.real, uids.effective, uids.saved));
        }
        let gids = unistd::getresgid().map_err(ask)?;
        if [gids.real, gids.effective, gids.saved] != [self.gid; 3] {
            return Err(format!("group ids are {} {} {}", gids.real, gids.effective, gids.saved));
        }
        let set = |groups: &[Gid]| groups.iter().map(|group| group.as_raw()).collect::<BTreeSet<_>>();
        let groups = set(&unistd::getgroups().map_err(ask)?);
        if groups != set(&self.groups) {
            return Err(format!("supplementary groups are {groups:?}"));
        }
        let root = Uid::from_raw(0);
        if unistd::seteuid(root).is_ok() || unistd::setuid(root).is_ok() {
            return Err("the process can still become root".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daemon(user: Option<&str>, group: Option<&str>) -> config::Daemon {
        config::Daemon {
            pid_file: None,
            user: user.map(ToOwned::to_owned),
            group: group.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn without_a_user_the_process_stays_what_it_is() {
        assert!(resolve(&daemon(None, None)).unwrap().is_none());
        let error = resolve(&daemon(None, Some("root"))).unwrap_err();
        assert_eq!(error, "[daemon] has a group but no user; set both, or user alone");
    }

    #[test]
    fn names_that_do_not_exist_are_told() {
        let error = resolve(&daemon(Some("no such user"), None)).unwrap_err();
        assert_eq!(error, "there is no user \"no such user\"");
        let error = resolve(&daemon(Some("root"), Some("no such group"))).unwrap_err();
        assert_eq!(error, "there is no group \"no such group\"");
        assert_eq!(group("root").unwrap(), Gid::from_raw(0));
        assert_eq!(group("12345").unwrap(), Gid::from_raw(12345));
    }

    #[test]
    fn root_is_nobody_to_become() {
        let result = resolve(&daemon(Some("root"), None));
        let error = result.expect_err("root, or not permitted");
        let expected = if Uid::effective().is_root() { "is root" } else { "only root can" };
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn an_identity_that_was_not_assumed_does_not_verify() {
        let (uid, gid) = (Uid::from_raw(4_000_000), Gid::from_raw(4_000_000));
        let other = Identity { name: "other".to_owned(), uid, gid, groups: vec![gid] };
        other.verify().expect_err("this process is somebody else");
    }
}
