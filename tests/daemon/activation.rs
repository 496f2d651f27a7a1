//! Sockets that somebody else has bound and passes on, as systemd does for a socket unit: the test is that somebody.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use nix::sys::signal::Signal;
use serde_json::json;

use super::*;

/// Sockets that outlive daemons: one for chat, one for operators.
struct Unit {
    folder: tempfile::TempDir,
    chat: TcpListener,
    admin: UnixListener,
}

impl Unit {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let admin = UnixListener::bind(folder.path().join("control")).expect("a socket");
        Self { folder, chat: TcpListener::bind("127.0.0.1:0").expect("a socket"), admin }
    }

    fn address(&self) -> SocketAddr {
        self.chat.local_addr().expect("it is bound")
    }

    /// Has chatd started with both as descriptors 3 and 4, of these names. A shell moves them there and knows the process id
    /// that chatd will have.
    fn pass(&self, names: &str, command: &mut Command) {
        let mut shell = Command::new("sh");
        let script = "LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0 4<&1 </dev/null 1>&2";
        shell.args(["-c", script]).arg(command.get_program()).args(command.get_args());
        shell.current_dir(command.get_current_dir().expect("a folder"));
        shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.env_remove("CHATD_SOCKET").env_remove("NOTIFY_SOCKET");
        shell.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", names);
        let chat = self.chat.try_clone().expect("a copy");
        let admin = self.admin.try_clone().expect("a copy");
        shell.stdin(OwnedFd::from(chat)).stdout(OwnedFd::from(admin)).stderr(Stdio::piped());
        *command = shell;
    }

    fn start(&self, config: &str) -> Daemon {
        let mut daemon = Daemon::start_with(config, |command| self.pass("chat:admin", command));
        daemon.addr = self.address();
        daemon.admin = self.folder.path().join("control");
        daemon
    }
}

const CHAT: &str = "[[listen]]\nsocket = \"chat\"\n";

#[test]
fn inherited_sockets_serve_and_outlive_the_daemon() {
    let unit = Unit::new();
    let mut daemon = unit.start(CHAT);
    let mut user = daemon.user("ann");
    daemon.rpc("version", &json!({})).expect("it is the admin socket");
    daemon.signal(Signal::SIGTERM);
    user.expect_end();
    assert!(daemon.wait_exit().success());
    // Nobody is refused between one daemon and the next.
    let waiting = TcpStream::connect(unit.address()).expect("the socket still listens");
    UnixStream::connect(unit.folder.path().join("control")).expect("the file is left alone");
    let daemon = unit.start(CHAT);
    daemon.wait_for_output(&format!("address={}", waiting.local_addr().expect("bound")));
    daemon.user("bob");
}

#[test]
fn a_server_that_drains_refuses_in_words_on_a_socket_that_is_not_its_own() {
    let unit = Unit::new();
    let mut daemon = unit.start(CHAT);
    let mut ann = daemon.user("ann");
    daemon.rpc("drain", &json!({})).expect("it drains");
    let refused = daemon.connect().expect_end();
    assert_eq!(refused, ["ERROR :The server takes no new connections for now, try another one"]);
    ann.sync();
    // Whoever has bound it passes it on to the next daemon as it is.
    daemon.signal(Signal::SIGTERM);
    daemon.wait_exit();
    unit.start(CHAT).user("bob");
}

#[test]
fn without_any_listen_sockets_called_chat_are_taken() {
    let unit = Unit::new();
    let site = Site::new("", "");
    let mut command = site.command(&[]);
    unit.pass("chat:admin", &mut command);
    let _guard = Guard(command.spawn().expect("it starts"));
    let mut stream = TcpStream::connect(unit.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    std::io::Write::write_all(&mut stream, b"PING x\r\n").expect("it is sent");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("it is answered");
    assert!(line.contains("PONG") || line.contains("451"), "{line}");
}

#[test]
fn a_reload_keeps_what_was_inherited_and_cannot_add_any() {
    let unit = Unit::new();
    let daemon = unit.start(CHAT);
    let mut user = daemon.user("ann");
    let bound = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    daemon.write_config(&format!("{CHAT}{bound}"));
    let report = daemon.rpc("reload", &json!({})).expect("a listener is added");
    assert_eq!(report["listeners_added"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["listeners_removed"], json!([]));

    daemon.write_config(bound);
    let report = daemon.rpc("reload", &json!({})).expect("what is not named any more stays");
    let warning = "the inherited socket `chat` is in no [[listen]] any more; it stays open until a restart";
    assert_eq!(report["warnings"], json!([warning]));
    assert_eq!(report["listeners_removed"], json!([]));
    daemon.user("bob");

    daemon.write_config(&format!("{CHAT}[[listen]]\nsocket = \"more\"\n"));
    let error = daemon.rpc("reload", &json!({})).expect_err("there is no such socket");
    let problem = &error.data.expect("problems")["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&json!(4), &json!(10)));
    assert_eq!(problem["message"], json!("no socket `more` was passed to chatd"));
    assert!(problem["report"].as_str().expect("a report").contains("a reload cannot add any"), "{problem}");
    user.sync();
}

#[test]
fn what_was_not_passed_or_is_not_named_is_told() {
    let unit = Unit::new();
    let site = Site::new("", "[[listen]]\nsocket = \"irc\"\n");
    let mut command = site.command(&[]);
    unit.pass("chat:admin", &mut command);
    let output = command.output().expect("it runs");
    let said =
        assert_config_refused(&output, &["chatd.toml:7:10: error: no socket `irc` was passed to chatd"]);
    assert!(said.contains("= help: `admin`, `chat` were; a socket unit passes it"), "{said}");
    assert_eq!(site.run(&["--check-config"]).status.code(), Some(0), "it may be passed another time");

    // Meant for another process, they are not touched.
    let output = run(site.command(&[]).env("LISTEN_PID", "1").env("LISTEN_FDS", "1"));
    assert_config_refused(&output, &["no socket `irc` was passed to chatd", "none was"]);

    let daemon = Daemon::start_with("", |command| unit.pass("spare:admin", command));
    daemon.wait_for_output("the inherited socket \\\"spare\\\" is in no [[listen]]");
}

#[test]
fn sockets_of_the_wrong_kind_are_refused() {
    let unit = Unit::new();
    for (names, words) in [
        ("x:chat", "cannot listen on the inherited socket `chat`: it is not a listening TCP socket"),
        ("admin:x", "cannot listen on the inherited socket `admin`: it is not a listening stream socket"),
    ] {
        let site =
            Site::new("", if names == "x:chat" { CHAT } else { "[[listen]]\naddress = \"127.0.0.1:0\"" });
        let mut command = site.command(&[]);
        unit.pass(names, &mut command);
        assert_refused(&command.output().expect("it runs"), &[words]);
    }
}
