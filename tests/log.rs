//! The log against syslog daemons that are missing, restarted or stopped, and against a pipe that nobody reads.

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chatd::config::Facility;
use chatd::log::{Handle, Quoted, Style, Target};
use chatd::proto::limits;
use common::{Client, PATIENCE};
use log::{Level, LevelFilter, Log, Record};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A syslog daemon that the test plays: the socket that it reads when the test says so.
struct Syslog {
    folder: tempfile::TempDir,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// A folder without a daemon in it.
    fn missing() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), socket: None }
    }

    fn running() -> Self {
        let mut syslog = Self::missing();
        syslog.restart();
        syslog
    }

    /// Begins to listen, on a new socket.
    fn restart(&mut self) {
        self.stop();
        let socket = UnixDatagram::bind(self.path()).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        self.socket = Some(socket);
    }

    /// Goes away, and the socket with it.
    fn stop(&mut self) {
        if self.socket.take().is_some() {
            fs::remove_file(self.path()).expect("the socket is removed");
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log(&self, level: LevelFilter) -> Handle {
        self.log_as(Facility::Daemon, level)
    }

    fn log_as(&self, facility: Facility, level: LevelFilter) -> Handle {
        Handle::start(Target::Syslog { socket: self.path(), facility }, level).expect("the log starts")
    }

    /// The next datagram.
    fn datagram(&self) -> String {
        let mut bytes = vec![0; 2 * limits::LOG_RECORD];
        let socket = self.socket.as_ref().expect("the daemon runs");
        let length = socket.recv(&mut bytes).expect("a datagram arrives");
        String::from_utf8(bytes[..length].to_vec()).expect("records are UTF-8")
    }

    /// The text of the next datagram.
    fn text(&self) -> String {
        let datagram = self.datagram();
        let tag = format!(" chatd[{}]: ", std::process::id());
        let (_, text) = datagram.split_once(&tag).unwrap_or_else(|| panic!("no {tag:?} in {datagram:?}"));
        text.to_owned()
    }
}

fn say(log: &Handle, level: Level, text: &str) {
    log.log(&Record::builder().level(level).target("chatd").args(format_args!("{text}")).build());
}

/// How many dropped records this one tells of.
fn told(text: &str) -> Option<u64> {
    text.strip_prefix("log-dropped records=").map(|count| count.parse().expect("a number"))
}

/// Reads records `item n=0`, `item n=1`, ... until each of `total` has come or is told to be lost, and
/// checks their order. Returns how many are lost.
fn account_for(total: u64, mut next: impl FnMut() -> String) -> u64 {
    let (mut received, mut lost, mut expected) = (0, 0, 0);
    while received + lost < total {
        let text = next();
        if let Some(count) = told(&text) {
            lost += count;
            continue;
        }
        let number: u64 = text.strip_prefix("item n=").expect(&text).parse().expect(&text);
        assert!(number >= expected, "{number} came after {expected}");
        assert!(number <= received + lost, "{number} came before those missing were told of");
        expected = number + 1;
        received += 1;
    }
    assert_eq!(received + lost, total);
    lost
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn records_have_the_form_that_syslog_daemons_file_by_name() {
    let syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Debug);
    for (level, priority) in [(Level::Error, 27), (Level::Warn, 28), (Level::Info, 30), (Level::Debug, 31)] {
        say(&log, level, "connect client=42 address=127.0.0.1");
        let datagram = syslog.datagram();
        // `<30>Nov 22 12:00:00 chatd[1234]: text`: no host name, which would be taken for the tag.
        let rest = datagram.strip_prefix(&format!("<{priority}>")).expect(&datagram);
        let words: Vec<&str> = rest.splitn(5, ' ').collect();
        assert_eq!((words[0].len(), words[1].len(), words[2].len()), (3, 2, 8), "{datagram}");
        assert_eq!(words[2].matches(':').count(), 2, "{datagram}");
        assert_eq!(words[3], format!("chatd[{}]:", std::process::id()));
        assert_eq!(words[4], "connect client=42 address=127.0.0.1");
    }
    let log = syslog.log_as(Facility::Local3, LevelFilter::Info);
    say(&log, Level::Info, "start");
    let datagram = syslog.datagram();
    assert!(datagram.starts_with("<158>"), "{datagram}");
}

#[test]
fn text_from_users_cannot_forge_a_record_or_a_field() {
    let syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Info);
    let reason = "bye\" client=1\r\n<3>kick \u{1b}[2J\u{202e}";
    say(&log, Level::Info, &format!("quit client=7 reason={}", Quoted(reason)));
    assert_eq!(syslog.text(), r#"quit client=7 reason="bye\" client=1\r\n<3>kick \u{1b}[2J\u{202e}""#);
    say(&log, Level::Info, "not\nquoted\0at all");
    assert_eq!(syslog.text(), r"not\nquoted\0at all");
    say(&log, Level::Info, &"ß".repeat(limits::LOG_RECORD));
    let text = syslog.text();
    assert!(text.len() <= limits::LOG_RECORD && text.ends_with("ß..."), "{text}");
}

#[test]
fn records_come_in_order() {
    let syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Info);
    let total = 2_000;
    for n in 0..total {
        say(&log, Level::Info, &format!("item n={n}"));
    }
    // The kernel's queue is shorter than this; the log waits for the reader, up to a limit.
    assert_eq!(account_for(total, || syslog.text()), log.dropped());
}

#[test]
fn the_level_can_be_changed() {
    let syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Info);
    assert_eq!(log.level(), LevelFilter::Info);
    say(&log, Level::Debug, "not this");
    log.set_level(LevelFilter::Debug);
    say(&log, Level::Debug, "this");
    assert_eq!((syslog.text(), log.level()), ("this".to_owned(), LevelFilter::Debug));
    log.set_level(LevelFilter::Off);
    say(&log, Level::Error, "not this either");
    log.set_level(LevelFilter::Error);
    say(&log, Level::Warn, "nor this");
    say(&log, Level::Error, "that");
    assert_eq!(syslog.text(), "that");
    assert_eq!(log.dropped(), 0);
}

#[test]
fn the_macros_of_the_log_crate_come_here() {
    let syslog = Syslog::running();
    let target = Target::Syslog { socket: syslog.path(), facility: Facility::Daemon };
    let log = chatd::log::init(target, LevelFilter::Info).expect("the log starts");
    log::debug!("not this");
    log::info!("start version=1");
    assert_eq!(syslog.text(), "start version=1");
    log.set_level(LevelFilter::Debug);
    log::debug!("this");
    assert_eq!(syslog.text(), "this");
    assert!(log.flush(PATIENCE));

    let second = Target::Syslog { socket: syslog.path(), facility: Facility::Daemon };
    chatd::log::init(second, LevelFilter::Info).expect_err("there is a logger already");
}

#[test]
fn a_restarted_daemon_gets_the_next_record() {
    let mut syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Info);
    say(&log, Level::Info, "one");
    assert_eq!(syslog.text(), "one");
    for _ in 0..3 {
        syslog.restart();
        say(&log, Level::Info, "two");
        assert_eq!(syslog.text(), "two");
    }
    assert_eq!(log.dropped(), 0);
}

#[test]
fn a_missing_daemon_costs_records_until_it_comes_and_they_are_counted() {
    let mut syslog = Syslog::missing();
    let log = syslog.log(LevelFilter::Info);
    for n in 0..100 {
        say(&log, Level::Info, &format!("item n={n}"));
    }
    wait_until("records are dropped", || log.dropped() == 100);
    assert!(log.flush(PATIENCE));
    syslog.restart();
    say(&log, Level::Info, "item n=100");
    assert_eq!(account_for(101, || syslog.text()), log.dropped());
    // It went away again, and comes back when there is nothing to log: the count is told all the same.
    syslog.stop();
    let before = log.dropped();
    say(&log, Level::Info, "item n=101");
    wait_until("the record is dropped", || log.dropped() > before);
    syslog.restart();
    assert_eq!(told(&syslog.text()), Some(1));
}

#[test]
fn a_stopped_daemon_blocks_nobody() {
    let syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Info);
    let total = 3 * limits::LOG_QUEUE as u64;
    for n in 0..total {
        say(&log, Level::Info, &format!("item n={n}"));
    }
    wait_until("records are dropped", || log.dropped() > 0);
    // Even now the end of the program is not held up for long: the time is bounded, whatever comes of it.
    log.flush(Duration::from_millis(1));
    let lost = account_for(total, || syslog.text());
    assert_eq!(lost, log.dropped());
    say(&log, Level::Info, "on again");
    assert_eq!(syslog.text(), "on again");
}

#[test]
fn the_successor_of_a_stopped_daemon_gets_the_records() {
    let mut syslog = Syslog::running();
    let log = syslog.log(LevelFilter::Info);
    let stopped = syslog.socket.as_ref().unwrap().try_clone().unwrap();
    for n in 0..2 * limits::LOG_QUEUE {
        say(&log, Level::Info, &format!("item n={n}"));
    }
    wait_until("records are dropped", || log.dropped() > 0);
    syslog.restart();
    let first = syslog.text();
    assert!(told(&first).is_some() || first.starts_with("item n="), "{first}");
    drop(stopped);
}

#[test]
fn a_full_pipe_holds_up_nobody_but_the_log() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let file = File::from(OwnedFd::from(writer));
    let log = Handle::start(Target::Stream { file, style: Style::Journal }, LevelFilter::Info).unwrap();
    let padding = "x".repeat(200);
    // More than the pipe and the queue hold together.
    let total = 2 * limits::LOG_QUEUE as u64;
    for n in 0..total {
        say(&log, Level::Info, &format!("item n={n} {padding}"));
    }
    assert!(!log.flush(Duration::from_millis(1)), "the pipe is full, nothing can be flushed");
    let dropped = log.dropped();
    assert!(dropped > 0, "what the queue does not hold is dropped");

    let mut lines = BufReader::new(reader).lines();
    let lost = account_for(total, || {
        let line = lines.next().expect("a line").expect("text");
        let text = line.get(3..).expect("a priority");
        assert!(line.starts_with(if told(text).is_some() { "<4>" } else { "<6>" }), "{line}");
        text.strip_suffix(&padding).unwrap_or(text).trim_end().to_owned()
    });
    assert_eq!(lost, dropped);
    assert!(log.flush(PATIENCE));
    assert_eq!(log.dropped(), dropped);
}

#[test]
fn lines_for_people_begin_with_time_and_level() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("log");
    let file = File::create(path).unwrap();
    let log = Handle::start(Target::Stream { file, style: Style::Plain }, LevelFilter::Info).unwrap();
    say(&log, Level::Warn, "refused address=127.0.0.1");
    assert!(log.flush(PATIENCE));
    let line = fs::read_to_string(path).unwrap();
    let (time, rest) = line.split_once(' ').unwrap();
    assert_eq!(rest, "warn refused address=127.0.0.1\n");
    assert!(time.len() == 20 && time.starts_with("20") && time.ends_with('Z'), "{line}");
}

#[test]
fn the_thread_ends_with_the_last_handle() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let file = File::from(OwnedFd::from(writer));
    let log = Handle::start(Target::Stream { file, style: Style::Journal }, LevelFilter::Info).unwrap();
    let clone = log.clone();
    drop(log);
    say(&clone, Level::Info, "last words");
    drop(clone);
    // The end of the pipe is the end of the thread, which owns the only descriptor of it.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "<6>last words\n");
}

/// Kills the daemon of a test that fails.
struct Guard(std::process::Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn chat_and_shutdown_go_on_while_nobody_reads_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("chatd.toml");
    let socket = folder.path().join("admin.sock");
    let text = "[[listen]]\naddress = \"127.0.0.1:0\"\n[limits]\nflood_rate = 0\n[timeouts]\nshutdown = 1\n[admin]\n";
    fs::write(&config, format!("{text}socket = {:?}\n", socket.display().to_string())).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
    let state = tempfile::tempdir().unwrap();
    command.env("STATE_DIRECTORY", state.path());
    let mut daemon = Guard(command.arg("--config").arg(&config).stderr(Stdio::piped()).spawn().unwrap());
    let mut stderr = BufReader::new(daemon.0.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(" info ready ") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let (_, address) = said.split_once(" listen address=").unwrap();
    let mut client = Client::connect(address.lines().next().unwrap().parse().unwrap());
    client.register("nick0");
    // Each of these is a record. Together they are more than the pipe and the queue hold.
    for round in 1..=10_000 {
        client.send(&format!("NICK nick{round}"));
        if round % 100 == 0 {
            client.sync();
        }
    }
    client.send("PRIVMSG nick10000 :still here");
    client.expect("still here");
    kill(Pid::from_raw(i32::try_from(daemon.0.id()).unwrap()), Signal::SIGTERM).unwrap();
    client.expect("ERROR");
    let mut status = None;
    wait_until("the daemon ends", || {
        status = daemon.0.try_wait().unwrap();
        status.is_some()
    });
    assert_eq!(status.unwrap().code(), Some(0));
    assert!(!socket.exists());
}
