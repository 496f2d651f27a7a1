//! chatctl on a terminal and elsewhere: colours, and what is told of while one waits.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use chatd::admin::{Busiest, Busy, Json, NOT_FOUND, Request, RpcError, Stats};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};

use crate::busy::{busy_channel, busy_client};
use crate::config::config_diff;
use crate::fake::{Fake, chatctl};

const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal of which all is read that is written on it.
struct Terminal {
    written: Receiver<Vec<u8>>,
    keys: File,
    seen: Vec<u8>,
}

impl Terminal {
    /// One, and its other end for the program on it.
    fn new() -> (Self, OwnedFd) {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        for end in [&pair.master, &pair.slave] {
            // Programs of other tests must not keep it.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let (sender, written) = mpsc::channel();
        // Reading ends with an error when nobody has the other end open any more.
        let mut master = File::from(pair.master);
        let keys = master.try_clone().unwrap();
        thread::spawn(move || {
            let mut chunk = [0; 1_024];
            while let Ok(length @ 1..) = master.read(&mut chunk) {
                // A test that has failed looks no more.
                let _ = sender.send(chunk[..length].to_vec());
            }
        });
        (Self { written, keys, seen: Vec::new() }, pair.slave)
    }

    fn text(&self) -> String {
        // A character may not be there as a whole yet.
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Reads until this stands on it.
    fn wait_for(&mut self, what: &str) {
        while !self.text().contains(what) {
            let more = self.written.recv_timeout(PATIENCE);
            self.seen.extend(more.unwrap_or_else(|error| panic!("{error}: {:?}", self.text())));
        }
    }

    /// Reads until something has come to pass.
    fn wait_until(&mut self, mut done: impl FnMut() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < end, "{:?}", self.text());
            self.seen.extend(self.written.recv_timeout(Duration::from_millis(10)).unwrap_or_default());
        }
    }

    /// All that is written on it until the end.
    fn rest(mut self) -> String {
        self.seen.extend(self.written.iter().flatten());
        // As a terminal has the ends of lines.
        self.text().replace("\r\n", "\n")
    }
}

/// A program that must not outlive its test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a command writes on stdout and on stderr, each a terminal or not.
fn written(command: &mut Command, [out, err]: [bool; 2]) -> [String; 2] {
    let (out_terminal, out_end) = Terminal::new();
    let (err_terminal, err_end) = Terminal::new();
    let stream = |terminal: bool, end: OwnedFd| if terminal { Stdio::from(end) } else { Stdio::piped() };
    command.stdout(stream(out, out_end)).stderr(stream(err, err_end));
    let child: Child = command.spawn().unwrap();
    // The command keeps the other ends open as long as it lives.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let output = child.wait_with_output().unwrap();
    let text = |terminal: bool, pipe: Vec<u8>, written: Terminal| {
        if terminal { written.rest() } else { String::from_utf8(pipe).unwrap() }
    };
    [text(out, output.stdout, out_terminal), text(err, output.stderr, err_terminal)]
}

/// The environments, and whether there are colours on a terminal.
const ENVIRONMENTS: [(&[(&str, &str)], bool); 5] = [
    (&[("TERM", "xterm-256color")], true),
    (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], true),
    (&[("TERM", "xterm-256color"), ("NO_COLOR", "1")], false),
    (&[("TERM", "dumb")], false),
    (&[], false),
];

/// Runs a command in each environment, on terminals and not, and tells of what it has written on stdout and stderr and whether each
/// may have colours.
fn everywhere(mut command: impl FnMut() -> Command, mut look: impl FnMut([(String, bool); 2])) {
    for (environment, colours) in ENVIRONMENTS {
        for terminals in [[true, true], [true, false], [false, true], [false, false]] {
            let mut command = command();
            command.env_remove("NO_COLOR").envs(environment.iter().copied());
            let [out, err] = written(&mut command, terminals);
            look([(out, colours && terminals[0]), (err, colours && terminals[1])]);
        }
    }
}

fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap_or_else(|| panic!("only colours: {text:?}")).1;
    }
    plain + rest
}

#[test]
fn answers_complaints_and_help_have_colours_on_terminals_only_and_say_the_same_without() {
    let fake = Fake::answering(|request| match request.method().name {
        "config.diff" => Ok(Json::of(&config_diff())),
        _ => Err(RpcError::new(NOT_FOUND, "there is no user bob")),
    });
    let plain = fake.run("config diff").done();
    everywhere(
        || fake.command("config diff"),
        |[(out, colours), (err, _)]| {
            assert_eq!(out.contains("\u{1b}[31m--- in force\u{1b}[0m\n"), colours, "{out:?}");
            assert_eq!((without_colours(&out), err.as_str()), (plain.clone(), ""));
        },
    );
    everywhere(
        || fake.command("kick bob"),
        |[(out, _), (err, colours)]| {
            let name = if colours { "\u{1b}[31mchatctl:\u{1b}[0m" } else { "chatctl:" };
            assert_eq!([out, err], [String::new(), format!("{name} there is no user bob\n")]);
        },
    );
    everywhere(
        || fake.command("config diff --json"),
        |[(out, _), _]| assert!(out.starts_with('{') && !out.contains('\u{1b}'), "{out:?}"),
    );
    let help = |text: &str| text.contains("Examples:\n  chatctl kick bob Enough for today");
    everywhere(
        || chatctl("kick --help"),
        |[(out, colours), _]| {
            assert_eq!(out.contains('\u{1b}'), colours, "{out:?}");
            assert!(help(&without_colours(&out)), "{out:?}");
        },
    );
    everywhere(
        || chatctl("kick"),
        |[(out, _), (err, colours)]| {
            assert_eq!((out.as_str(), err.contains('\u{1b}')), ("", colours), "{err:?}");
            assert!(without_colours(&err).contains("Usage: chatctl kick [OPTIONS] NICK"), "{err:?}");
        },
    );
}

#[test]
fn what_takes_long_is_told_of_on_a_terminal_until_it_is_over() {
    let plain = Fake::with(Json::of(&config_diff())).run("config diff").done();
    for environment in [&[("NO_COLOR", "")][..], &[("NO_COLOR", "1")]] {
        let (go, wait) = mpsc::channel::<()>();
        let fake = Fake::answering(move |_| {
            // Until somebody has seen that it takes long.
            wait.recv_timeout(PATIENCE).unwrap();
            Ok(Json::of(&config_diff()))
        });
        let (mut terminal, end) = Terminal::new();
        let mut command = fake.command("config diff");
        command.env("TERM", "xterm-256color").envs(environment.iter().copied());
        let child = command.stdout(Stdio::piped()).stderr(end).spawn().unwrap();
        command.stderr(Stdio::null());
        terminal.wait_for("\rchatd reads its configuration (");
        go.send(()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, plain, "only what was asked for");
        let seen = terminal.rest();
        assert!(seen.ends_with("\r\u{1b}[K"), "it is gone: {seen:?}");
        assert!(!seen.contains("\u{1b}[3") && !seen.contains('\n'), "one line without colours: {seen:?}");
    }
}

#[test]
fn top_draws_what_has_changed_and_nothing_twice() {
    let fake = Fake::answering(|request| match request {
        Request::Stats => Ok(Json::of(&Stats { version: "1.2.3".into(), ..Stats::default() })),
        Request::Busiest { what: Busy::Channels, .. } => {
            Ok(Json::of(&Busiest { items: vec![busy_channel()], next: None, period_ms: 10_000 }))
        }
        _ => Ok(Json::of(&Busiest { items: vec![busy_client()], next: None, period_ms: 10_000 })),
    });
    let (mut terminal, end) = Terminal::new();
    // In a session of its own, as the tester's terminal would be asked for its size.
    let mut command = Command::new("setsid");
    command.args([env!("CARGO_BIN_EXE_chatctl"), "top", "--interval", "0.2", "--socket"]).arg(&fake.socket);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    command.stdin(end.try_clone().unwrap()).stdout(end.try_clone().unwrap()).stderr(end);
    let mut child = Guard(command.spawn().unwrap());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    terminal.wait_for("bob\\x1b");
    let looks = |count: usize| {
        let asked = || fake.requests().iter().filter(|request| **request == Request::Stats).count();
        move || asked() >= count
    };
    terminal.wait_until(looks(4));
    let before = terminal.seen.len();
    terminal.wait_until(looks(14));
    let more = String::from_utf8_lossy(&terminal.seen[before..]);
    assert!(["\u{1b}[2J", "\u{1b}[J", "\u{1b}[K"].iter().all(|erase| !more.contains(erase)), "{more:?}");
    // The rates of the second look may be among it; a screen has 1,920 cells.
    assert!(more.len() < 1_000, "ten looks at what stays as it is: {more:?}");
    terminal.keys.write_all(b"q").unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert!(terminal.rest().contains("\u{1b}[0m\u{1b}[?1049l\u{1b}[?25h"), "it is given back");
}
