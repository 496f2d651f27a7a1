//! The program around the server: arguments, exit statuses, detaching, privileges, pid file, first words.

#[path = "daemon/activation.rs"]
mod activation;
mod common;
#[path = "daemon/control.rs"]
mod control;
#[path = "daemon/privileges.rs"]
mod privileges;
#[path = "daemon/sandbox.rs"]
mod sandbox;
#[path = "daemon/state.rs"]
mod state;
#[path = "daemon/supervised.rs"]
mod supervised;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use common::{Daemon, PATIENCE};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, getsid};

const CHATD: &str = env!("CARGO_BIN_EXE_chatd");

/// A folder with a configuration in it, for starts that the harness in `common` does not make.
struct Site {
    folder: tempfile::TempDir,
    /// Where it keeps its state.
    state: tempfile::TempDir,
}

impl Site {
    /// `rest` is added to a configuration with an admin socket and a pid file in the folder.
    fn new(daemon: &str, rest: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let site = Self { folder, state: tempfile::tempdir().expect("a temporary folder") };
        let (socket, pid_file) = (site.socket(), site.pid_file());
        let text = format!(
            "[admin]\nsocket = {socket:?}\n[daemon]\npid_file = {pid_file:?}\n{daemon}\n{rest}\n",
            socket = socket.display().to_string(),
            pid_file = pid_file.display().to_string(),
        );
        fs::write(site.config(), text).expect("the configuration is written");
        site
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("chatd.toml")
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("chatd.pid")
    }

    /// A program that is to start chatd.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.env("STATE_DIRECTORY", self.state.path());
        command
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = self.program(CHATD);
        command.arg("--config").arg(self.config()).args(options);
        command.current_dir(self.folder.path()).env_remove("CHATD_SOCKET").stdin(Stdio::null());
        command
    }

    /// Runs chatd to its end. Of a daemon that detaches, that is the end of the process that was started, and of all
    /// who have its stdout and stderr.
    fn run(&self, options: &[&str]) -> Output {
        run(&mut self.command(options))
    }

    /// The process id in the pid file.
    fn pid(&self) -> Option<i32> {
        fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()
    }

    fn process(&self) -> Process {
        Process { pid: self.pid().expect("a process id in the pid file") }
    }

    /// Detaches a daemon; returns it and what its parent said.
    fn detach(&self) -> (Process, String) {
        let output = self.run(&["--daemonize"]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        (self.process(), said)
    }

    /// The names of all files in the folder but the configuration.
    fn leftovers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name != "chatd.toml").collect()
    }
}

/// A process that is nobody's child; killed when dropped.
struct Process {
    pid: i32,
}

impl Process {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).expect("the signal is sent");
    }

    /// Waits until nothing of it is left but what its parent may collect. The first of its threads can have ended, and
    /// show as a zombie, while others of them still hold its files.
    fn wait_for_end(&self) {
        let zombie = || fs::read_to_string(self.proc("stat")).map_or(true, |stat| stat.contains(") Z "));
        let alone = || fs::read_dir(self.proc("task")).map_or(true, |threads| threads.count() < 2);
        wait_until("the process ends", || zombie() && alone());
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }

    /// The words after this label in `/proc/PID/status`.
    fn status(&self, label: &str) -> Vec<String> {
        status(self.pid, label)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
    }
}

/// A child; killed when dropped.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program to its end, and to the end of its output.
fn run(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let pid = i32::try_from(child.id()).expect("a process id");
    let (done, output) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    output
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            panic!("{command:?} does not end");
        })
        .expect("its output is read")
}

fn status(pid: i32, label: &str) -> Vec<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find_map(|line| line.strip_prefix(label)).expect(label);
    line.trim_start_matches(':').split_whitespace().map(ToOwned::to_owned).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "never: {what}");
        thread::yield_now();
    }
}

/// The first address in what chatd says, with its real port.
fn address(said: &str) -> SocketAddr {
    let mut words = said.split_whitespace().map(|word| word.trim_end_matches(['.', ',']));
    words.find_map(|word| word.parse().ok()).unwrap_or_else(|| panic!("no address in {said:?}"))
}

/// Asserts that a start was refused: status 1, and these words on stderr. Returns all of stderr.
fn assert_refused(output: &Output, words: &[&str]) -> String {
    assert_ended(output, 1, words)
}

/// The same for a configuration that was refused, which is status 78.
fn assert_config_refused(output: &Output, words: &[&str]) -> String {
    assert_ended(output, 78, words)
}

fn assert_ended(output: &Output, status: i32, words: &[&str]) -> String {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    said
}

const FREE_PORT: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\n";

#[test]
fn a_good_configuration_is_said_to_be_good() {
    let site = Site::new("", FREE_PORT);
    let output = site.run(&["--check-config"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), format!("{}: the configuration is good\n", site.config().display()));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(site.leftovers(), [""; 0], "a check touches nothing");
}

#[test]
fn a_bad_configuration_is_shown_and_refused_whatever_it_is_read_for() {
    let site = Site::new("", "[server]\nnmae = \"x\"\n");
    for options in [&["--check-config"][..], &["--print-config"], &["--daemonize"], &[]] {
        let said = assert_config_refused(&site.run(options), &["nmae = \"x\"", "^", "name"]);
        // The first line of the report, for editors: file, line, column.
        assert!(said.starts_with(&format!("{}:7:1: ", site.config().display())), "{said}");
    }
    let missing = run(Command::new(CHATD).args(["--config", "/nonexistent/chatd.toml"]));
    assert_config_refused(&missing, &["/nonexistent/chatd.toml"]);
}

#[test]
fn the_printed_configuration_is_one_that_chatd_accepts() {
    let site = Site::new("", "[server]\nname = \"chat.example\"\n[limits]\nnick_length = 17\n");
    let printed = site.run(&["--print-config"]);
    assert_eq!(printed.status.code(), Some(0), "{}", text(&printed.stderr));
    assert!(text(&printed.stdout).contains("nick_length = 17\n"), "{}", text(&printed.stdout));
    fs::write(site.config(), &printed.stdout).unwrap();
    assert_eq!(site.run(&["--check-config"]).status.code(), Some(0));
    assert_eq!(text(&site.run(&["--print-config"]).stdout), text(&printed.stdout));
}

#[test]
fn output_that_cannot_be_written_is_an_error_unless_nobody_reads_on() {
    let site = Site::new("", FREE_PORT);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(site.command(&["--print-config"]).stdout(writer).status().unwrap().code(), Some(0));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = site.command(&["--print-config"]).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    assert_refused(&output.wait_with_output().unwrap(), &["chatd: stdout: "]);
}

#[test]
fn wrong_arguments_are_a_usage_error() {
    for options in [
        &["--nonsense"][..],
        &["chatd.toml"],
        &["--config"],
        &["--check-config", "--print-config"],
        &["--check-config", "--daemonize"],
        &["--print-config", "--daemonize"],
    ] {
        let output = run(Command::new(CHATD).args(options));
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(text(&output.stderr).starts_with("error: "), "{options:?}");
    }
    let version = run(Command::new(CHATD).arg("--version"));
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout), format!("chatd {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(Command::new(CHATD).arg("--help"));
    assert_eq!(help.status.code(), Some(0));
    for option in ["--config <FILE>", "--check-config", "--print-config", "--daemonize", "--version"] {
        assert!(text(&help.stdout).contains(option), "{option}");
    }
}

#[test]
fn an_address_that_cannot_be_bound_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let site = Site::new("", &format!("[[listen]]\naddress = \"{address}\"\n"));
    for options in [&[][..], &["--daemonize"]] {
        let expected = format!("chatd: cannot listen on {address}: another program listens there\n");
        let said = assert_refused(&site.run(options), &[&expected]);
        assert_eq!(said.matches("cannot listen").count(), 1, "{said}");
        assert_eq!(site.leftovers(), [""; 0]);
    }
}

#[test]
fn names_that_do_not_exist_end_the_start() {
    for (daemon, admin, expected) in [
        ("user = \"no-such-user\"", "", "chatd: there is no user \"no-such-user\"\n"),
        ("user = \"root\"\ngroup = \"no-such-group\"", "", "chatd: there is no group \"no-such-group\"\n"),
        ("", "no-such-group", "chatd: [admin] group: there is no group \"no-such-group\"\n"),
    ] {
        let site = Site::new(daemon, FREE_PORT);
        if !admin.is_empty() {
            let config = fs::read_to_string(site.config()).unwrap();
            let config = config.replace("[admin]\n", &format!("[admin]\ngroup = {admin:?}\n"));
            fs::write(site.config(), config).unwrap();
        }
        for options in [&[][..], &["--daemonize"]] {
            assert_refused(&site.run(options), &[expected]);
            assert_eq!(site.leftovers(), [""; 0]);
        }
    }
}

#[test]
fn a_second_start_is_refused_and_names_the_first() {
    let site = Site::new("", FREE_PORT);
    let (first, _) = site.detach();
    let expected = format!("chatd: chatd is already running, pid {} (pid file", first.pid);
    for options in [&[][..], &["--daemonize"]] {
        assert_refused(&site.run(options), &[&expected]);
    }
    // Even without a pid file, the admin socket of a live daemon is not taken over.
    let config = fs::read_to_string(site.config()).unwrap();
    let without: String = config
        .lines()
        .filter(|line| !line.starts_with("pid_file"))
        .fold(String::new(), |text, line| text + line + "\n");
    fs::write(site.config(), without).unwrap();
    assert_refused(&site.run(&[]), &["another chatd owns it"]);
    assert_eq!(site.pid(), Some(first.pid), "the first one's file is as it was");
    assert!(site.socket().exists());
}

#[test]
fn a_pid_file_that_is_a_link_or_something_else_is_refused() {
    let site = Site::new("", FREE_PORT);
    let precious = site.folder.path().join("precious");
    fs::write(&precious, "").unwrap();
    symlink(&precious, site.pid_file()).unwrap();
    for options in [&[][..], &["--daemonize"]] {
        assert_refused(&site.run(options), &["chatd.pid: it is a symbolic link, which is not followed"]);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "");
    }
    fs::remove_file(site.pid_file()).unwrap();
    fs::write(site.pid_file(), "precious, too").unwrap();
    assert_refused(&site.run(&[]), &["it holds something else; not overwritten"]);
    assert_eq!(fs::read_to_string(site.pid_file()).unwrap(), "precious, too");
}

#[test]
fn a_daemon_that_is_told_to_stop_cleans_up() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("chatd.pid");
        let mut daemon = Daemon::start(&format!("[daemon]\npid_file = \"{}\"\n", pid_file.display()));
        assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", daemon.pid()));
        daemon.signal(signal);
        assert_eq!(daemon.wait_exit().code(), Some(0));
        assert!(!pid_file.exists() && !daemon.admin.exists());
        daemon.wait_for_output("info stopped");
    }
}

#[test]
fn what_a_killed_daemon_leaves_does_not_stand_in_the_way() {
    let site = Site::new("", FREE_PORT);
    let (first, _) = site.detach();
    first.signal(Signal::SIGKILL);
    first.wait_for_end();
    assert!(site.pid_file().exists() && site.socket().exists());
    let (second, _) = site.detach();
    assert_ne!(first.pid, second.pid);
    second.signal(Signal::SIGTERM);
    second.wait_for_end();
    assert_eq!(site.leftovers(), [""; 0]);
}

#[test]
fn a_detached_daemon_is_ready_when_its_parent_ends_and_has_left_the_terminal() {
    let site = Site::new("", FREE_PORT);
    // That this returns at all says that the daemon has let go of stdout and stderr. Descriptor 9 stands for
    // whatever else the caller may have open.
    let script = format!("exec {CHATD} --daemonize --config {} 9</dev/zero", site.config().display());
    let mut command = site.program("sh");
    command.args(["-c", &script]).stdin(Stdio::null());
    let output = run(&mut command);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let daemon = site.process();
    TcpStream::connect(address(&said)).expect("it listens");
    assert_eq!(said.matches(" listens on ").count(), 1, "{said}");
    assert!(said.contains(&format!("The admin socket is {}.", site.socket().display())), "{said}");

    let me = i32::try_from(std::process::id()).unwrap();
    for fd in 0..3 {
        let target = fs::read_link(daemon.proc(&format!("fd/{fd}"))).unwrap();
        assert_eq!(target, Path::new("/dev/null"), "descriptor {fd}");
    }
    let open = fs::read_dir(daemon.proc("fd")).unwrap().map(|fd| fs::read_link(fd.unwrap().path()).unwrap());
    let strange =
        |target: &PathBuf| target.to_string_lossy().starts_with("pipe:") || target.ends_with("zero");
    let strange: Vec<_> = open.filter(strange).collect();
    assert!(strange.is_empty(), "neither the pipe to the parent nor what it had open is left: {strange:?}");
    let session = getsid(Some(Pid::from_raw(daemon.pid))).unwrap();
    assert_ne!(session, getsid(Some(Pid::from_raw(me))).unwrap(), "it has a session of its own");
    assert_ne!(session.as_raw(), daemon.pid, "and does not lead it, so it cannot get a terminal");
    assert!(!Path::new(&format!("/proc/{session}")).exists(), "its leader is gone");
    assert_ne!(daemon.status("PPid"), [me.to_string()]);
    assert_eq!(fs::read_link(daemon.proc("cwd")).unwrap(), Path::new("/"));
    assert_eq!(daemon.status("Umask"), ["0027"]);

    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_end();
    assert_eq!(site.leftovers(), [""; 0]);
}

#[test]
fn a_detached_daemon_has_no_stderr_to_log_to() {
    let site = Site::new("", &format!("{FREE_PORT}[log]\ntarget = \"stderr\"\n"));
    assert_refused(
        &site.run(&["--daemonize"]),
        &["[log] target is \"stderr\", which a detached daemon does not have"],
    );
    assert_eq!(site.leftovers(), [""; 0]);
}

#[test]
fn a_broken_pipe_is_no_reason_to_die() {
    let daemon = Daemon::start("");
    let ignored = status(i32::try_from(daemon.pid()).unwrap(), "SigIgn");
    let ignored = u64::from_str_radix(&ignored[0], 16).unwrap();
    assert_ne!(ignored & 1 << (Signal::SIGPIPE as u32 - 1), 0, "SIGPIPE is ignored");
}

#[test]
fn the_log_says_who_started_and_where_it_listens() {
    let daemon =
        Daemon::start("[[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
    let ready = daemon.wait_for_output(" info ready ");
    assert!(
        ready.contains(&format!(
            "ready admin={} connect=\"irssi -c 127.0.0.1 -p {}\" control=",
            daemon.admin.display(),
            daemon.addr.port()
        )),
        "{ready}"
    );
    let start = daemon.wait_for_output(" info start ");
    assert!(start.contains(&format!(
        "start version={} pid={} config=",
        env!("CARGO_PKG_VERSION"),
        daemon.pid()
    )));
    daemon.wait_for_outputs(" info listen address=127.0.0.1:", 2);
    TcpStream::connect(daemon.addr).expect("the port is the real one");
    assert!(!daemon.output().iter().any(|line| line.contains("listens on")), "not twice");
}

#[test]
fn the_journal_gets_priorities_instead_of_times() {
    let site = Site::new("", FREE_PORT);
    let path = site.folder.path().join("log");
    for (ours, expected) in [(true, "<6>start "), (false, "Z info start ")] {
        let log = File::create(&path).unwrap();
        let metadata = log.metadata().unwrap();
        let inode = if ours { metadata.ino() } else { metadata.ino() + 1 };
        let mut command = site.command(&[]);
        command.env("JOURNAL_STREAM", format!("{}:{inode}", metadata.dev())).stderr(log);
        let _daemon = Guard(command.spawn().unwrap());
        wait_until("it is ready", || fs::read_to_string(&path).unwrap().contains("ready admin="));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn a_person_at_a_terminal_reads_sentences_once() {
    let site = Site::new("", FREE_PORT);
    // script(1) gives it a terminal.
    let command = format!("exec {CHATD} --config {}", site.config().display());
    let mut script = site.program("script");
    script.args(["-qefc", &command, "/dev/null"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut script = Guard(script.spawn().expect("script(1), of bsdutils"));
    let mut terminal = BufReader::new(script.0.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("Try: chatctl --socket") {
        let mut line = Vec::new();
        assert_ne!(terminal.read_until(b'\n', &mut line).unwrap(), 0, "{said}");
        said += &text(&line);
    }
    TcpStream::connect(address(&said)).expect("it listens");
    // The end of script closes the terminal, which only makes chatd read its configuration again.
    let daemon = site.process();
    daemon.signal(Signal::SIGTERM);
    terminal.read_to_string(&mut said).unwrap();
    assert_eq!(script.0.wait().unwrap().code(), Some(0));
    assert_eq!(said.matches(" listens on ").count(), 1, "{said}");
    for record in ["info start", "info listen", "info ready"] {
        assert!(!said.contains(record), "{said}");
    }
    assert!(said.contains("info stopped"), "events are logged all the same: {said}");
}

#[test]
fn as_many_descriptors_as_allowed_are_used_and_too_few_are_warned_of() {
    let site = Site::new("", FREE_PORT);
    for (limit, warned) in [("64", true), ("-S 64", false)] {
        // The soft limit alone is no reason to be short: chatd raises it.
        let mut command = site.program("sh");
        let script = format!("ulimit -n {limit} && exec {CHATD} --config {}", site.config().display());
        command.args(["-c", &script]).stderr(Stdio::piped());
        let mut daemon = Guard(command.spawn().unwrap());
        let mut lines = BufReader::new(daemon.0.stderr.take().unwrap()).lines();
        let mut said = String::new();
        while !said.contains("ready admin=") {
            said += &lines.next().expect(&said).unwrap();
            said.push('\n');
        }
        let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.0.id())).unwrap();
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let words: Vec<_> = files.split_whitespace().collect();
        assert_eq!(words[3], words[4], "the soft limit is the hard one");
        if warned {
            let words = "limits.connections is 10000, but only 64 descriptors may be open";
            assert!(said.contains(words), "{said}");
        } else {
            assert_ne!(words[3], "64");
        }
    }
}
