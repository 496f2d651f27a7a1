//! Under a supervisor that wants to know how the daemon is, as systemd does with Type=notify: the test is the manager.

use std::os::unix::net::UnixDatagram;

use nix::sys::signal::Signal;
use serde_json::json;

use super::*;

/// Where notices arrive.
struct Manager {
    folder: tempfile::TempDir,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Self { folder, socket }
    }

    /// Lets a command know where it listens.
    fn ask(&self, command: &mut Command) {
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
    }

    fn next(&self) -> String {
        let mut bytes = [0; 1000];
        let count = self.socket.recv(&mut bytes).expect("chatd says something");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// The next notice that begins so; those before it are dropped.
    fn wait_for(&self, start: &str) -> String {
        loop {
            let notice = self.next();
            if notice.starts_with(start) {
                return notice;
            }
        }
    }
}

#[test]
fn a_manager_is_told_of_the_whole_life_of_the_daemon() {
    let manager = Manager::new();
    let mut daemon = Daemon::start_with("", |command| manager.ask(command));
    assert_eq!(manager.next(), "READY=1\nSTATUS=0 users, 0 connections");
    let _user = daemon.user("ann");
    assert_eq!(manager.wait_for("STATUS=1 user,"), "STATUS=1 user, 1 connection");

    daemon.signal(Signal::SIGHUP);
    let told = manager.wait_for("RELOADING=1\n");
    let time = told.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("a time");
    assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{told}");
    assert_eq!(manager.wait_for("READY=1\n"), "READY=1\nSTATUS=1 user, 1 connection");

    daemon.write_config("[server]\nname = 7\n");
    daemon.rpc("reload", &json!({})).expect_err("a bad file");
    manager.wait_for("RELOADING=1\n");
    let refused = "READY=1\nSTATUS=1 user, 1 connection; the last reload was refused";
    assert_eq!(manager.wait_for("READY=1\n"), refused);

    daemon.rpc("drain", &json!({})).expect("it drains");
    let draining = "STATUS=1 user, 1 connection; draining; the last reload was refused";
    assert_eq!(manager.wait_for("STATUS="), draining);
    daemon.rpc("drain", &json!({"undo": true})).expect("it takes clients again");
    assert_eq!(manager.wait_for("STATUS="), "STATUS=1 user, 1 connection; the last reload was refused");

    daemon.signal(Signal::SIGTERM);
    assert_eq!(manager.wait_for("STOPPING=1\n"), "STOPPING=1\nSTATUS=Stopping, 1 connection left");
    assert!(daemon.wait_exit().success());
}

#[test]
fn the_watchdog_is_fed_by_an_idle_daemon_for_as_long_as_it_was_asked_to() {
    let manager = Manager::new();
    let _daemon = Daemon::start_with("", |command| {
        manager.ask(command);
        command.env("WATCHDOG_USEC", "20000");
    });
    manager.wait_for("READY=1\n");
    for _ in 0..10 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
}

#[test]
fn a_daemon_that_detaches_is_not_the_one_that_was_asked() {
    let manager = Manager::new();
    let site = Site::new("", "[[listen]]\naddress = \"127.0.0.1:0\"");
    let mut command = site.command(&["--daemonize"]);
    manager.ask(&mut command);
    command.env("WATCHDOG_USEC", "20000");
    assert_eq!(run(&mut command).status.code(), Some(0));
    let daemon = site.process();
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_end();
    manager.socket.set_nonblocking(true).expect("an option can be set");
    manager.socket.recv(&mut [0; 100]).expect_err("it has said nothing");
}

#[test]
fn a_manager_that_cannot_be_reached_is_no_reason_not_to_serve() {
    for place in ["/nonexistent/notify", "@chatd-test-nobody-listens-here", "relative"] {
        let daemon = Daemon::start_with("", |command| {
            command.env("NOTIFY_SOCKET", place);
        });
        daemon.wait_for_output("notify ");
        daemon.user("ann");
    }
}
