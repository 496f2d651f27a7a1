//! What chatd and chatctl really say when what the page on troubleshooting is about happens to them.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use regex::Regex;
use serde_json::json;

use crate::common::{Client, Daemon};
use crate::compare::pattern;

/// Lines, by their beginnings, that other tests provoke: with these names.
const BY_OTHERS: &[(&str, &str)] = &[
    ("chatd is already running, pid", "a_second_start_is_refused_and_names_the_first"),
    ("chatd does not seem to run:", "when_nothing_is_found_the_places_are_named"),
    ("you may not connect to", "a_socket_that_one_may_not_connect_to_names_who_may"),
    ("only root, the user chatd and members", "a_socket_that_one_may_not_connect_to_names_who_may"),
    (
        "quit client=42 user=bob!~bob@192.0.2.7 cause=send_queue",
        "a_client_that_reads_nothing_fills_little_of_the_kernel",
    ),
    (
        "quit client=42 user=bob!~bob@192.0.2.7 cause=stalled",
        "who_takes_a_byte_now_and_then_is_cut_off_in_the_time",
    ),
    ("state is not saved", "with_no_room_left_on_the_disk_a_ban_holds_and_is_saved_with_the_next_one"),
    ("state is saved again", "with_no_room_left_on_the_disk_a_ban_holds_and_is_saved_with_the_next_one"),
    (
        "warning about=\"limits.connections is",
        "as_many_descriptors_as_allowed_are_used_and_too_few_are_warned_of",
    ),
    (
        "refused reason=resources",
        "with_64_descriptors_500_clients_are_served_in_the_end_and_nobody_is_dropped",
    ),
    ("memory short", "when_memory_is_nearly_used_up_new_clients_are_refused_and_the_others_stay"),
    ("memory used=", "when_memory_is_nearly_used_up_new_clients_are_refused_and_the_others_stay"),
    ("memory send_queues=", "readers_that_are_slow_together_do_not_use_up_the_memory"),
    (
        "   = help: it is in a folder that chatd had no file in",
        "a_file_in_another_folder_takes_a_restart_and_the_report_says_so",
    ),
    ("log-dropped records=", "what_did_not_fit_is_told_in_its_place"),
    ("panic thread=", "a_panic_is_one_line_that_names_the_place"),
];

/// Lines that no test provokes, as they take another user than the one who runs it, or a machine without something.
const BY_NONE: &[&str] = &[
    "no address to listen on:",
    "the state directory /var/lib/chatd belongs to",
    "the state directory /var/lib/chatd cannot be written to",
    "warning about=\"there is no place for state",
    "oper refused client=42 user=alice!~alice@192.0.2.7 address=192.0.2.7 name=alice reason=\"there is no such operator now\"",
];

const ALICE: &str = "[[oper_class]]\nname = \"admin\"\nprivileges = [\"kill\"]\n[[oper]]\nname = \"alice\"\nclass = \"admin\"\n\
    password = \"$argon2id$v=19$m=19456,t=2,p=1$fXsBLgwgDgifEVNBwhWp+g$bLi2qqrB+ExusvP8oKRobk9zkVmpkxi69wQeeeVmRzo\"\n";

/// The lines among these that nothing has said, nor is known to say in another test. What commands of the manual are `shown` to print,
/// they have printed.
pub(crate) fn unheard(lines: &[String], shown: &[String]) -> Vec<String> {
    let mut said = shown.to_vec();
    for happening in [starts, chatctl, connections, times, operators, gateways, reloads] {
        happening(&mut said);
    }
    let said: Vec<_> = said.iter().map(|line| without_paths(line)).collect();
    let heard = |line: &str| {
        let line = pattern(&without_paths(line), false);
        said.iter().any(|said| line.is_match(said))
    };
    let excused = |line: &str| {
        BY_NONE.iter().chain(BY_OTHERS.iter().map(|(begin, _)| begin)).any(|begin| line.starts_with(begin))
    };
    lines.iter().filter(|line| !excused(line) && !heard(line)).cloned().collect()
}

/// Exceptions that are none: beginnings that no line has, tests that there are not.
pub(crate) fn wrong_exceptions(lines: &[String]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut code = String::new();
    for folder in ["src", "tests"] {
        read_all(&root.join(folder), &mut code);
    }
    let begins = BY_NONE.iter().chain(BY_OTHERS.iter().map(|(begin, _)| begin));
    let unused = begins.filter(|begin| !lines.iter().any(|line| line.starts_with(**begin)));
    let missing = BY_OTHERS.iter().map(|(_, test)| test).filter(|test| !code.contains(&format!("fn {test}")));
    unused.chain(missing).map(|text| (*text).to_owned()).collect()
}

fn read_all(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder is read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&fs::read_to_string(path).expect("UTF-8"));
        }
    }
}

fn without_paths(line: &str) -> String {
    let line = Regex::new(r"/[\w./-]*\w").expect("a pattern").replace_all(line, "/PATH").into_owned();
    // What is only said of a socket in another place than the usual ones.
    line.replace("--socket /PATH ", "")
}

/// What a program says that ends by itself.
fn output(program: &str, prepare: impl FnOnce(&mut Command)) -> Vec<String> {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).env_remove("CHATD_SOCKET").env("NO_COLOR", "1");
    prepare(&mut command);
    let output = command.output().expect("it is started");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().map(str::to_owned).collect()
}

/// A chatd that has no good start.
fn failed(config: &str, state: Option<&Path>) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("chatd.toml");
    let socket = folder.path().join("own.sock");
    let admin = format!("\n[admin]\nsocket = \"{}\"\n", socket.display());
    fs::write(&file, format!("{config}{}", if config.contains("[admin]") { "" } else { &admin }))
        .expect("written");
    let own = folder.path().join("state");
    output(env!("CARGO_BIN_EXE_chatd"), |command| {
        fs::create_dir(&own).expect("a folder is made");
        command.arg("--config").arg(&file).env("STATE_DIRECTORY", state.unwrap_or(&own));
        command.env("CREDENTIALS_DIRECTORY", &own);
    })
}

fn starts(said: &mut Vec<String>) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    said.extend(failed(&format!("[[listen]]\naddress = \"127.0.0.1:{port}\"\n"), None));
    said.extend(failed("[[listen]]\naddress = \"192.0.2.1:6667\"\n", None));

    let listen = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let first = Daemon::start("");
    said.extend(failed(&format!("{listen}[admin]\nsocket = \"{}\"\n", first.admin.display()), None));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("other.sock");
    let _other = UnixListener::bind(&socket).expect("a socket");
    said.extend(failed(&format!("{listen}[admin]\nsocket = \"{}\"\n", socket.display()), None));

    said.extend(failed(&format!("[server]\npassword_file = \"credential:password\"\n{listen}"), None));

    let state = tempfile::tempdir().expect("a temporary folder");
    fs::write(state.path().join("state.json"), "{").expect("written");
    said.extend(failed(listen, Some(state.path())));
    fs::set_permissions(state.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    said.extend(failed(listen, Some(state.path())));
}

fn chatctl(said: &mut Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("admin.sock");
    let ask = |socket: &Path| {
        output(env!("CARGO_BIN_EXE_chatctl"), |command| {
            command.arg("--socket").arg(socket).args(["--timeout", "1", "stats"]);
        })
    };
    said.extend(ask(&socket));
    let silent = UnixListener::bind(&socket).expect("a socket");
    said.extend(ask(&socket));
    drop(silent);
    said.extend(ask(&socket));

    let daemon = Daemon::start("");
    let most = chatd::proto::limits::ADMIN_CONNECTIONS;
    let held: Vec<_> = (0..most).map(|_| UnixStream::connect(&daemon.admin).expect("room")).collect();
    // Until the daemon has taken all of them there may be room for one more.
    let full = || ask(&daemon.admin).into_iter().find(|line| line.contains("admin connections"));
    said.extend((0..100).find_map(|_| full()));
    drop(held);
    said.extend(daemon.output());
}

fn connections(said: &mut Vec<String>) {
    let daemon =
        Daemon::start("[server]\npassword = \"sesame\"\n[throttle]\nconnections = 3\nseconds = 600\n");
    let mut client = daemon.connect();
    client.send("NICK eve\r\nUSER eve 0 * :Eve");
    client.expect_end();
    daemon.wait_for_output("cause=password");
    let bob = || {
        let mut client = daemon.connect();
        client.send("PASS sesame");
        client.register("bob");
        client.sync();
        client
    };
    drop(bob());
    daemon.wait_for_output("cause=eof");
    bob().send_raw("PING :x\r\n".repeat(300).as_bytes());
    daemon.wait_for_output("flood client=");
    for _ in 0..2 {
        let _ = daemon.connect().next_line();
    }
    daemon.wait_for_output("reason=throttle");
    said.extend(daemon.output());
}

fn times(said: &mut Vec<String>) {
    let daemon = Daemon::start("[timeouts]\nping_interval = 1\nping_timeout = 1\n");
    let _silent = daemon.user("bob");
    daemon.wait_for_output("cause=ping_timeout");
    said.extend(daemon.output());
    let daemon = Daemon::start("[timeouts]\nregistration = 1\n");
    let _silent = daemon.connect();
    daemon.wait_for_output("cause=registration_timeout");
    said.extend(daemon.output());
}

fn operators(said: &mut Vec<String>) {
    let daemon = Daemon::start(ALICE);
    let mut alice = daemon.user("alice");
    let mut times = 0;
    let mut oper = |password: &str, more: &str| {
        daemon.write_config(&format!("{ALICE}{more}"));
        daemon.rpc("reload", &json!({})).expect("it is good");
        alice.send(&format!("OPER alice {password}"));
        times += 1;
        daemon.wait_for_outputs("oper refused", times);
    };
    oper("guess", "masks = [\"*@127.0.0.1\"]\n");
    oper("Bar-Fly-9", "masks = [\"*@192.0.2.1\"]\n");
    oper("Bar-Fly-9", "tls = true\n");
    said.extend(daemon.output());
}

fn gateways(said: &mut Vec<String>) {
    let gateway = "[[webirc]]\nname = \"web\"\npassword = \"sesame\"\nnetworks = [\"127.0.0.1\"]\n";
    let daemon = Daemon::start(gateway);
    let webirc = "WEBIRC guess gateway host.example 192.0.2.7";
    for address in [1, 2] {
        let mut client = Client::connect_from(Ipv4Addr::new(127, 0, 0, address), daemon.addr);
        client.send(webirc);
        client.expect_end();
    }
    daemon.wait_for_outputs("gateway refused", 2);
    said.extend(daemon.output());
}

fn reloads(said: &mut Vec<String>) {
    let daemon = Daemon::start("");
    daemon.write_config("[server]\nname = \"other.example\"\nnetwork = \"Other\"\n");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_output("reload changed=");
    daemon.write_config("[server]\nnetwrk = \"Other\"\n");
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_output("reload refused: nothing has changed");
    said.extend(daemon.output());
}
