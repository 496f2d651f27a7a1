//! What only real sockets, signals and descriptors show: the real binary on loopback.

#[path = "live/admin.rs"]
mod admin;
#[path = "live/audit.rs"]
mod audit;
mod common;
#[path = "live/company.rs"]
mod company;
#[path = "live/descriptors.rs"]
mod descriptors;
#[path = "live/endings.rs"]
mod endings;
#[path = "live/kept.rs"]
mod kept;
#[path = "live/load.rs"]
mod load;
#[path = "live/pauses.rs"]
mod pauses;
#[path = "live/shortage.rs"]
mod shortage;
#[path = "live/signals.rs"]
mod signals;
#[path = "live/watch.rs"]
mod watch;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use common::{Daemon, PATIENCE};

/// No throttle, and as many connections from this machine as a test likes.
const OPEN: &str = "[throttle]\nconnections = 0\n[limits]\nflood_rate = 0\nconnections_per_address = 10000\n";

/// Lets this process have as many sockets as the system allows: tests run side by side in it.
fn raise_descriptors() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("a process may raise its limit");
}

/// Starts chatd through another program, such as a shell that sets limits for it or changes what it sees. Its words come before
/// those that start chatd, which are `"$0" "$@"` to a shell.
fn start_through(words: &[&str], config: &str, state: &Path) -> Daemon {
    Daemon::start_with(config, |command| {
        let mut outer = Command::new(words[0]);
        outer.args(&words[1..]).arg(command.get_program()).args(command.get_args());
        outer.current_dir(command.get_current_dir().expect("a folder"));
        outer.env_remove("CHATD_SOCKET").env_remove("NOTIFY_SOCKET");
        outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer.env("STATE_DIRECTORY", state);
        outer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        *command = outer;
    })
}

/// Starts chatd where this has been mounted, which only it sees: the arguments of mount(8), as a shell reads them.
fn start_with_mount(arguments: &str, config: &str, state: &Path) -> Daemon {
    let script = format!("mount {arguments} && exec \"$0\" \"$@\"");
    start_through(&["unshare", "--mount", "--propagation", "private", "sh", "-c", &script], config, state)
}

/// Whether this process may give a child mounts of its own. Tests that need this say so, and do nothing, where not; with
/// `CHATD_TESTS_MAY_MOUNT=yes` in the environment they fail.
fn may_mount() -> bool {
    let tried =
        Command::new("unshare").args(["--mount", "true"]).stdin(Stdio::null()).stderr(Stdio::null()).status();
    let may = tried.is_ok_and(|status| status.success());
    if !may {
        let must = std::env::var("CHATD_TESTS_MAY_MOUNT").is_ok_and(|value| value == "yes");
        assert!(
            !must,
            "unshare(1) gives no mount namespace, and CHATD_TESTS_MAY_MOUNT=yes says that it does"
        );
        eprintln!("left out: it needs a mount namespace, so run it as root");
    }
    may
}

/// Asks until the answer is right.
fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "still not so: {what}");
        std::thread::yield_now();
    }
}

/// What a daemon costs now: descriptors, and resident memory in bytes.
fn costs(daemon: &Daemon) -> (usize, u64) {
    let (_, open) = watched_and_open(daemon.pid());
    (open.len(), stats(daemon)["rss_bytes"].as_u64().expect("a number"))
}

fn stats(daemon: &Daemon) -> Value {
    daemon.rpc("stats", &json!({})).expect("stats are answered")
}

/// What the daemon's Poll watches, and what it has open: descriptor numbers.
fn watched_and_open(pid: u32) -> (Vec<u32>, Vec<u32>) {
    let number = |path: std::path::PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let read = |folder: &str| fs::read_dir(format!("/proc/{pid}/{folder}")).expect("the process lives");
    let open = read("fd").filter_map(|entry| number(entry.ok()?.path())).collect();
    let mut watched = Vec::new();
    for entry in read("fdinfo") {
        let info = fs::read_to_string(entry.expect("an entry").path()).unwrap_or_default();
        // "tfd:        7 events: …", a line for each descriptor that an epoll instance watches.
        let targets = info.lines().filter_map(|line| line.strip_prefix("tfd:"));
        watched.extend(targets.filter_map(|rest| rest.split_whitespace().next()?.parse::<u32>().ok()));
    }
    (watched, open)
}
