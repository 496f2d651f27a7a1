//! Signals in the middle of a start.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A daemon that does not outlive the test.
struct Starting(Child);

impl Drop for Starting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_stop_in_the_middle_of_a_start_leaves_nothing_behind() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let config = format!(
            "listen = [{{ address = \"127.0.0.1:0\" }}]\n[admin]\nsocket = {:?}\n[daemon]\npid_file = {:?}\n",
            place("admin.sock"),
            place("chatd.pid")
        );
        fs::write(place("chatd.toml"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
        let state = tempfile::tempdir().unwrap();
        command.env("STATE_DIRECTORY", state.path());
        command.arg("--config").arg(place("chatd.toml")).stderr(Stdio::null());
        let mut daemon = Starting(command.spawn().unwrap());
        // The first thing that others can see.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !place("chatd.pid").exists() {
            assert!(Instant::now() < deadline, "the daemon does not start");
        }
        let pid = Pid::from_raw(daemon.0.id().cast_signed());
        kill(pid, Signal::SIGHUP).unwrap();
        kill(pid, Signal::SIGTERM).unwrap();
        let status = daemon.0.wait().unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!((status.code(), left), (Some(0), vec!["chatd.toml".into()]));
    }
}
