//! The sandbox that the process makes for itself before it serves anybody, whoever has started it.
//!
//! Two walls of the kernel's, which nobody inside can take down: Landlock bounds files and outgoing connections ([`enter`]), seccomp
//! what can be asked of the kernel (`calls`). Where the kernel lacks one, or a part of one, chatd does without and the log says so.
//! Both hold for threads that are started later, so they come before the first one.

mod calls;

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, Scope, make_bitflags, path_beneath_rules,
};

use crate::config::Config;
use crate::config::secrets;
use crate::load::Given;
use crate::log::Quoted;

/// What the C library reads to look up names, and to load what it looks them up with. Whole folders, as many of these files are
/// replaced by renaming others over them, and a file that was allowed is not the one that comes after it.
const SYSTEM: &[&str] = &[
    "/etc",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/run/NetworkManager",
    "/run/nscd",
    "/run/resolvconf",
    "/run/systemd/resolve",
    "/var/lib/sss",
];

/// What chatd and the C library read of the kernel. `/proc/self` is the process itself, whatever its threads.
const KERNEL: &[&str] = &[
    "/dev/null",
    "/dev/urandom",
    "/proc/meminfo",
    "/proc/self",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
];

/// The port of name servers, which are asked by TCP when an answer is long.
const DNS: u16 = 53;

/// What must go on working inside.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Folders that are read, at a reload too.
    readable: Vec<PathBuf>,
    /// The folder of the state file.
    state: Option<PathBuf>,
    /// Folders in which files are removed in the end.
    leaving: Vec<PathBuf>,
}

impl Plan {
    /// For a configuration that was read from this file.
    pub(super) fn new(config: &Config, path: Option<&Path>, given: &Given) -> Self {
        let beside = path.and_then(Path::parent).unwrap_or(Path::new("/etc/chatd"));
        let named = secrets::files(config).filter(|path| secrets::credential(path).is_none());
        let files = named.chain(config.server.motd_file.as_ref()).map(|path| beside.join(path));
        let mut readable: Vec<_> =
            path.map(Path::to_owned).into_iter().chain(files).flat_map(folders).collect();
        readable.extend(given.credentials.clone());
        readable.sort_unstable();
        readable.dedup();
        Self { readable, ..Self::default() }
    }

    /// Lets files in this folder be written.
    pub(super) fn keeps_state_in(&mut self, folder: Option<&Path>) {
        self.state = folder.map(Path::to_owned);
    }

    /// Lets this file be removed.
    pub(super) fn removes(&mut self, file: &Path) {
        self.leaving.extend(file.parent().map(Path::to_owned));
    }
}

/// The folder of a file, and that of what it links to.
fn folders(file: PathBuf) -> Vec<PathBuf> {
    let real = file.canonicalize().ok();
    [Some(file), real].into_iter().flatten().filter_map(|it| it.parent().map(Path::to_owned)).collect()
}

/// What is in force.
#[derive(Debug)]
pub(super) struct Sandbox {
    /// Below which folders files can be read; `None` where that has no bound.
    pub(super) readable: Option<Vec<PathBuf>>,
    files: String,
    calls: Result<(), String>,
}

impl Sandbox {
    /// Says it in one line.
    pub(super) fn log(&self) {
        match &self.calls {
            Ok(()) => log::info!("sandbox landlock={} seccomp=on", self.files),
            Err(why) => log::warn!("sandbox landlock={} seccomp=off reason={}", self.files, Quoted(why)),
        }
    }
}

/// Enters the sandbox, for good. There must be no other thread.
pub(super) fn enter(plan: &Plan) -> Sandbox {
    let restricted = restrict(plan);
    let readable = || {
        let system = SYSTEM.iter().map(PathBuf::from);
        plan.readable.iter().cloned().chain(plan.state.clone()).chain(system).collect()
    };
    let (bounded, files) = match restricted {
        Ok(status) => match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => (true, in_words(effective_abi)),
            LandlockStatus::NotEnabled => (false, "off reason=\"not enabled in the kernel\"".to_owned()),
            LandlockStatus::NotImplemented => (false, "off reason=\"the kernel has none\"".to_owned()),
        },
        Err(error) => (false, format!("off reason={}", Quoted(error))),
    };
    Sandbox { readable: bounded.then(readable), files, calls: calls::forbid() }
}

/// Which version it is, and what a kernel of that version lacks.
fn in_words(abi: ABI) -> String {
    let lacks: Vec<_> = [
        (ABI::V2, "rename"),
        (ABI::V3, "truncate"),
        (ABI::V4, "network"),
        (ABI::V5, "devices"),
        (ABI::V6, "signals"),
    ]
    .into_iter()
    .filter(|(since, _)| (abi as i32) < (*since as i32))
    .map(|(_, what)| what)
    .collect();
    let lacks = if lacks.is_empty() { String::new() } else { format!(" lacks={}", lacks.join(",")) };
    format!("{}{lacks}", abi as i32)
}

fn restrict(plan: &Plan) -> Result<RestrictionStatus, RulesetError> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let keep: BitFlags<AccessFs> =
        read | make_bitflags!(AccessFs::{WriteFile | Truncate | MakeReg | RemoveFile});
    let system = SYSTEM.iter().chain(KERNEL);
    Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        // Listeners that a reload adds can have any port, so that binding is left as it is; but chatd connects to nobody.
        .handle_access(AccessNet::ConnectTcp)?
        .scope(Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(system, read))?
        .add_rules(path_beneath_rules(&plan.readable, read))?
        .add_rules(path_beneath_rules(&plan.state, keep))?
        .add_rules(path_beneath_rules(&plan.leaving, AccessFs::RemoveFile))?
        .add_rule(NetPort::new(DNS, AccessNet::ConnectTcp))?
        .restrict_self()
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::{fs, io, thread};

    use nix::errno::Errno;

    use super::*;

    #[test]
    fn folders_of_all_files_that_a_reload_reads_are_readable() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["etc", "real", "words", "keys"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        fs::write(root.join("real/chatd.toml"), "").unwrap();
        std::os::unix::fs::symlink(root.join("real/chatd.toml"), root.join("etc/chatd.toml")).unwrap();
        let mut config = Config::default();
        config.server.motd_file = Some(root.join("words/motd"));
        config.server.password_file = Some("../keys/password".into());
        config.cloak.key_file = Some("credential:cloak".into());
        let given = Given { credentials: Some("/run/credentials/x".into()), ..Given::default() };
        let plan = Plan::new(&config, Some(&root.join("etc/chatd.toml")), &given);
        let mut expected = ["etc", "etc/../keys", "real", "words"].map(|name| root.join(name)).to_vec();
        expected.insert(0, "/run/credentials/x".into());
        expected.sort_unstable();
        assert_eq!(plan.readable, expected);
    }

    #[test]
    fn only_what_was_planned_can_be_read_written_removed_and_reached() {
        let folder = |names: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            for name in names {
                fs::write(folder.path().join(name), name).unwrap();
            }
            folder
        };
        let [config, state, socket, other] = [&["a"][..], &["a"], &["a", "b"], &["a"]].map(folder);
        let path = |folder: &tempfile::TempDir| folder.path().to_owned();
        let plan =
            Plan { readable: vec![path(&config)], state: Some(path(&state)), leaving: vec![path(&socket)] };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody can leave it: it is that of a thread which ends. So its failures are those of the thread.
        let tried = thread::spawn(move || {
            let LandlockStatus::Available { effective_abi, .. } = restrict(&plan).unwrap().landlock else {
                return;
            };
            let denied = |outcome: io::Result<()>| {
                assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
            };
            let [config, state, socket, other] =
                [&config, &state, &socket, &other].map(|it| it.path().join("a"));
            fs::read(&config).unwrap();
            denied(fs::write(&config, "x"));
            denied(fs::remove_file(&config));
            fs::write(state.with_file_name("b"), "x").unwrap();
            fs::rename(state.with_file_name("b"), &state).unwrap();
            denied(fs::read(&socket).map(drop));
            fs::remove_file(&socket).unwrap();
            denied(fs::write(socket.with_file_name("b"), "x"));
            denied(fs::read(&other).map(drop));
            fs::read("/etc/passwd").unwrap();
            denied(fs::OpenOptions::new().write(true).open("/etc/passwd").map(drop));
            denied(fs::read("/proc/1/environ").map(drop));
            TcpListener::bind("127.0.0.1:0").unwrap();
            if effective_abi >= ABI::V4 {
                denied(TcpStream::connect(address).map(drop));
            }
            if effective_abi >= ABI::V6 {
                assert_eq!(nix::sys::signal::kill(nix::unistd::getppid(), None), Err(Errno::EPERM));
            }
        });
        tried.join().unwrap();
    }

    #[test]
    fn what_an_older_kernel_lacks_is_named() {
        assert_eq!(in_words(ABI::V1), "1 lacks=rename,truncate,network,devices,signals");
        assert_eq!(in_words(ABI::V4), "4 lacks=devices,signals");
        assert_eq!(in_words(ABI::V6), "6");
    }
}
