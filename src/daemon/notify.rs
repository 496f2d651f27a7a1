//! Telling systemd how the daemon is: the protocol of `sd_notify(3)`, and the watchdog of `sd_watchdog_enabled(3)`.
//!
//! One socket for life that never blocks, as a manager that does not read must not hold up the chat. Nothing of it is ever fatal.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::log::Quoted;
use crate::net::{Notice, Phase, Status, Supervisor};

/// What systemd sets for the process that it starts.
#[derive(Debug, Default)]
struct Environment {
    /// `$NOTIFY_SOCKET`
    socket: Option<OsString>,
    /// `$WATCHDOG_USEC`
    watchdog_usec: Option<String>,
    /// `$WATCHDOG_PID`
    watchdog_pid: Option<String>,
}

/// Who started this process, if it wants to be told how it is. What is wrong with its wishes is logged.
///
/// The variables stay in the environment: chatd starts no process that could take them for its own, and to remove them is
/// `unsafe`, as another thread may be reading the environment.
pub(super) fn supervisor() -> Option<Supervisor> {
    let environment = Environment {
        socket: std::env::var_os("NOTIFY_SOCKET").filter(|value| !value.is_empty()),
        watchdog_usec: std::env::var("WATCHDOG_USEC").ok(),
        watchdog_pid: std::env::var("WATCHDOG_PID").ok(),
    };
    let socket = environment.socket.as_ref()?;
    let mut notifier = match Notifier::new(socket.as_bytes()) {
        Ok(notifier) => notifier,
        Err(error) => {
            log::warn!("notify socket={} unusable={error}", Quoted(socket.to_string_lossy()));
            return None;
        }
    };
    let watchdog = watchdog(&environment, std::process::id());
    Some(Supervisor { tell: Box::new(move |notice| notifier.tell(notice)), watchdog })
}

/// How often the watchdog is to be fed, if this process is the one that is meant.
fn watchdog(environment: &Environment, pid: u32) -> Option<Duration> {
    let interval: u64 = environment.watchdog_usec.as_ref()?.parse().ok()?;
    let meant = environment.watchdog_pid.as_ref().is_none_or(|meant| meant.parse() == Ok(pid));
    (meant && interval > 0).then(|| Duration::from_micros(interval))
}

/// The way to the manager.
#[derive(Debug)]
struct Notifier {
    socket: UnixDatagram,
    address: SocketAddr,
    /// Notices that were not taken.
    failures: u64,
}

impl Notifier {
    /// For a socket with this path, or with this abstract name if it begins with `@`.
    fn new(place: &[u8]) -> io::Result<Self> {
        let address = match place {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(place))?,
            _ => return Err(io::Error::other("neither an absolute path nor an abstract name")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address, failures: 0 })
    }

    /// Says it, and whether it was taken. Not connected: the address is looked at each time, so that a manager that has made its
    /// socket anew is reached.
    fn tell(&mut self, notice: Notice) -> bool {
        let sent = self.socket.send_to_addr(in_words(notice, monotonic_usec()).as_bytes(), &self.address);
        if let Err(error) = &sent {
            self.failures += 1;
            if self.failures == 1 {
                log::warn!("notify failed reason={}; more of it is counted", Quoted(error));
            }
        }
        if let (Notice::Phase(Phase::Stopping, _), 1..) = (notice, self.failures) {
            log::info!("notify failures={}", self.failures);
        }
        sent.is_ok()
    }
}

/// The clock that systemd compares with the one of its own.
fn monotonic_usec() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    now.as_micros() as u64
}

/// The datagram.
fn in_words(notice: Notice, monotonic_usec: u64) -> String {
    match notice {
        Notice::Alive => "WATCHDOG=1".to_owned(),
        Notice::Status(phase, status) => status_line(phase, status),
        Notice::Phase(phase, status) => {
            let line = status_line(phase, status);
            match phase {
                Phase::Serving => format!("READY=1\n{line}"),
                // In one datagram: without the time, systemd would not know which reload it belongs to.
                Phase::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={monotonic_usec}\n{line}"),
                Phase::Stopping => format!("STOPPING=1\n{line}"),
            }
        }
    }
}

/// What `systemctl status` shows: numbers only, as a line break in it would begin another assignment.
fn status_line(phase: Phase, status: Status) -> String {
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (users, connections) = (count(status.users, "user"), count(status.connections, "connection"));
    let draining = if status.draining { "; draining" } else { "" };
    let refused = if status.refused { "; the last reload was refused" } else { "" };
    match phase {
        Phase::Serving => format!("STATUS={users}, {connections}{draining}{refused}"),
        Phase::Reloading => format!("STATUS={users}, {connections}{draining}; reading the configuration"),
        Phase::Stopping => format!("STATUS=Stopping, {connections} left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: Status = Status { users: 1, connections: 2, refused: false, draining: false };

    #[test]
    fn each_notice_is_one_datagram_that_systemd_understands() {
        let told = |phase| in_words(Notice::Phase(phase, STATUS), 17);
        assert_eq!(told(Phase::Serving), "READY=1\nSTATUS=1 user, 2 connections");
        assert_eq!(
            told(Phase::Reloading),
            "RELOADING=1\nMONOTONIC_USEC=17\nSTATUS=1 user, 2 connections; reading the configuration"
        );
        assert_eq!(told(Phase::Stopping), "STOPPING=1\nSTATUS=Stopping, 2 connections left");
        let refused = Status { refused: true, ..STATUS };
        let text = in_words(Notice::Status(Phase::Serving, refused), 17);
        assert_eq!(text, "STATUS=1 user, 2 connections; the last reload was refused");
        let draining = Status { draining: true, ..refused };
        let text = in_words(Notice::Status(Phase::Serving, draining), 17);
        assert_eq!(text, "STATUS=1 user, 2 connections; draining; the last reload was refused");
        assert_eq!(in_words(Notice::Alive, 17), "WATCHDOG=1");
        assert!(monotonic_usec() > 0);
    }

    #[test]
    fn the_watchdog_is_fed_by_the_process_that_is_meant() {
        let asked = |usec: &str, pid: Option<&str>| {
            let (watchdog_usec, watchdog_pid) = (Some(usec.to_owned()), pid.map(str::to_owned));
            watchdog(&Environment { watchdog_usec, watchdog_pid, ..Environment::default() }, 7)
        };
        assert_eq!(asked("30000000", Some("7")), Some(Duration::from_secs(30)));
        assert_eq!(asked("30000000", None), Some(Duration::from_secs(30)));
        for (usec, pid) in [("30000000", "8"), ("30000000", ""), ("0", "7"), ("soon", "7"), ("", "7")] {
            assert_eq!(asked(usec, Some(pid)), None, "{usec} {pid}");
        }
        assert_eq!(watchdog(&Environment::default(), 7), None);
    }

    #[test]
    fn a_path_and_an_abstract_name_are_reached_and_nothing_else_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("chatd-test-{}", std::process::id());
        let hidden = SocketAddr::from_abstract_name(&name).unwrap();
        for (manager, place) in [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&hidden).unwrap(), format!("@{name}")),
        ] {
            let mut notifier = Notifier::new(place.as_bytes()).unwrap();
            assert!(notifier.tell(Notice::Alive));
            let mut bytes = [0; 100];
            let count = manager.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..count], b"WATCHDOG=1", "{place}");
        }
        for wrong in ["notify", "vsock:2:1", "", "unix:/run/x"] {
            assert!(Notifier::new(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_manager_that_does_not_read_holds_up_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let mut notifier = Notifier::new(path.to_str().unwrap().as_bytes()).unwrap();
        // More than any queue of datagrams takes.
        while notifier.tell(Notice::Alive) {}
        assert_eq!(notifier.failures, 1);
        assert!(!notifier.tell(Notice::Alive));
        manager.recv(&mut [0; 100]).unwrap();
        assert!(notifier.tell(Notice::Alive), "once it reads, it is told again");
        drop(manager);
        std::fs::remove_file(&path).unwrap();
        assert!(!notifier.tell(Notice::Alive));
        let _anew = UnixDatagram::bind(&path).unwrap();
        assert!(notifier.tell(Notice::Alive), "also through a socket that was made anew");
    }
}
