//! The admin socket, and those who misuse it: each costs itself only.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;

use nix::unistd::{Gid, Group, Uid};

use super::*;

fn connect(daemon: &Daemon) -> UnixStream {
    let stream = UnixStream::connect(&daemon.admin).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn line(stream: &UnixStream) -> Value {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

const VERSION: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}";

#[test]
fn bad_input_gets_an_error_and_the_connection_lives() {
    let daemon = Daemon::start(OPEN);
    let mut stream = connect(&daemon);
    for (bad, code) in [
        ("no JSON".to_owned(), -32700),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stat\"}".to_owned(), -32601),
        ("x".repeat(200_000), 3),
        ("\u{0}\u{1}".to_owned(), -32700),
    ] {
        stream.write_all(format!("{bad}\n").as_bytes()).unwrap();
        assert_eq!(line(&stream)["error"]["code"], code, "{bad:.20}");
    }
    stream.write_all(format!("{VERSION}\n").as_bytes()).unwrap();
    assert_eq!(line(&stream)["result"]["name"], "chatd");
}

#[test]
fn a_request_without_its_line_end_is_answered_when_the_client_has_no_more_to_say() {
    // As in: printf '{…}' | nc -N -U admin.sock
    let daemon = Daemon::start(OPEN);
    let mut stream = connect(&daemon);
    stream.write_all(VERSION.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert!(reply.contains("\"chatd\"") && reply.ends_with('\n'), "{reply}");
}

#[test]
fn who_asks_without_reading_is_no_burden_to_others() {
    let daemon = Daemon::start(OPEN);
    let mut user = daemon.user("ann");
    let mut deaf = connect(&daemon);
    deaf.set_nonblocking(true).unwrap();
    let help = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"help\"}\n".repeat(100);
    // Until its requests back up to it: the daemon has stopped reading it.
    let mut full = 0;
    wait_until("the daemon reads it no more", || {
        user.sync();
        match deaf.write(help.as_bytes()) {
            Ok(_) => full = 0,
            Err(_) => full += 1,
        }
        full > 20
    });
    let connections = daemon.rpc("list", &json!({"what": "connections"})).unwrap();
    let waiting = connections["items"].as_array().unwrap().iter().find(|it| it["role"] == "admin").unwrap();
    assert!(waiting["send_queue_bytes"].as_u64().unwrap() <= 4 << 20, "{waiting}");
    assert!(stats(&daemon)["rss_bytes"].as_u64().unwrap() < 200 << 20);
    user.sync();
}

#[test]
fn what_changes_something_is_logged_with_its_caller() {
    let daemon = Daemon::start(OPEN);
    let mut user = daemon.user("ann");
    daemon.rpc("announce", &json!({"text": "words that no log may have"})).unwrap();
    user.expect("words that no log may have");
    user.send("JOIN #c");
    user.sync();
    daemon.rpc("channel.mode", &json!({"channel": "#c", "modes": "+km sesame"})).unwrap();
    daemon.rpc("channel.topic", &json!({"channel": "#c", "topic": "no log may have this"})).unwrap();
    let log = daemon.wait_for_output("method=channel.topic");
    assert!(log.contains("channel=#c result=done"), "{log}");
    daemon.wait_for_output("method=channel.mode channel=#c modes=+km result=done");
    daemon.rpc("kick", &json!({"nick": "ann", "reason": "enough"})).unwrap();
    let log = daemon.wait_for_output("method=kick");
    let me = format!("pid={} uid={}", std::process::id(), nix::unistd::geteuid());
    assert!(log.contains(&me) && log.contains("nick=ann") && log.contains("reason=enough"), "{log}");
    assert!(user.expect_end().last().unwrap().contains("enough"));
    daemon.rpc("log_level", &json!({"level": "debug"})).unwrap();
    daemon.rpc("stats", &json!({})).unwrap();
    daemon.wait_for_output("method=stats");
    assert!(!daemon.output().iter().any(|line| line.contains("no log may have")));
    assert!(!daemon.output().iter().any(|line| line.contains("sesame")), "nor a key");
}

#[test]
fn the_sockets_permissions_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let config = format!("{OPEN}[admin]\nsocket = \"{}\"\nmode = \"0600\"\n", path.display());
    let daemon = Daemon::start(&config);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    drop(daemon);
}

#[test]
fn each_socket_has_a_group_of_its_own_whose_members_may_do_no_more() {
    if !Uid::effective().is_root() {
        // Nobody else can give a socket to a group that they are not in, and then be somebody else.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let program = at("chatctl");
    fs::copy(env!("CARGO_BIN_EXE_chatctl"), &program).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let [operators, watchers] = [1, 65_534]
        .map(|gid| Group::from_gid(Gid::from_raw(gid)).unwrap().expect("every system has it").name);
    let section = |name: &str, group: &str| {
        format!("[{name}]\nsocket = {:?}\nmode = \"0660\"\ngroup = {group:?}\n", at(&format!("{name}.sock")))
    };
    let _daemon =
        Daemon::start(&(OPEN.to_owned() + &section("admin", &operators) + &section("monitor", &watchers)));
    // As a user whom nothing belongs to, in one group.
    let ctl = |gid: u32, socket: &str, line: &str| {
        let mut command = Command::new(&program);
        command.args(line.split(' ')).arg("--socket").arg(at(&format!("{socket}.sock")));
        let output = command.uid(65_534).gid(gid).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let done = (Some(0), String::new());
    assert_eq!(ctl(1, "admin", "announce hear, hear"), done);
    assert_eq!(ctl(65_534, "monitor", "stats"), done);
    assert_eq!(ctl(65_534, "monitor", "announce hear, hear").0, Some(1));
    for (gid, socket, group) in
        [(65_534, "admin", &operators), (1, "monitor", &watchers), (2, "admin", &operators)]
    {
        let (status, said) = ctl(gid, socket, "stats");
        assert_eq!(status, Some(3), "{said}");
        assert!(
            said.contains(&format!("members of the group {group} may: \"sudo usermod -aG {group} YOU\"")),
            "{said}"
        );
    }
}

#[test]
fn a_monitor_socket_has_its_own_permissions_and_shows_without_changing() {
    let folder = tempfile::tempdir().unwrap();
    let (admin, monitor) = (folder.path().join("admin.sock"), folder.path().join("monitor.sock"));
    let config = format!(
        "{OPEN}[admin]\nsocket = \"{}\"\nmode = \"0600\"\n[monitor]\nsocket = \"{}\"\nmode = \"0660\"\n",
        admin.display(),
        monitor.display()
    );
    let mut daemon = Daemon::start(&config);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&admin), mode(&monitor)), (0o600, 0o660));
    let ctl = |socket: &Path, line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
        command.arg("--socket").arg(socket).args(line.split(' ')).stdin(Stdio::null());
        command.output().unwrap()
    };
    let stats = ctl(&monitor, "stats");
    assert!(stats.status.success() && String::from_utf8_lossy(&stats.stdout).contains("uptime"));
    let refused = ctl(&monitor, "announce hear, hear");
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(reason.contains(&format!("the admin socket is {}", admin.display())), "{reason}");
    daemon.wait_for_output(" socket=monitor method=announce result=5 ");
    assert!(ctl(&admin, "shutdown").status.success());
    daemon.wait_exit();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "both sockets and their locks are gone");
}
