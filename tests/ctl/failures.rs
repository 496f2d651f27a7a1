//! What chatctl says when it does not work, and its exit status then.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use chatd::admin::{self, Json, PageWriter, Problem, Request, RpcError, Version};
use serde_json::{Value, json};

use crate::fake::{Fake, Outcome, chatctl};
use crate::lists::channel;

#[test]
fn a_refusal_is_status_1_with_the_reason() {
    let fake = Fake::answering(|_| Err(RpcError::new(admin::NOT_FOUND, "there is no user \u{1b}[2Jbob")));
    assert_eq!(fake.run("kick bob").failed(1), "chatctl: there is no user \\x1b[2Jbob\n");
    let json = fake.run("kick bob --json");
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document, json!({"error": {"code": 1, "message": "there is no user \u{1b}[2Jbob"}}));
    assert_eq!((json.status, json.stderr.as_str()), (Some(1), "chatctl: there is no user \\x1b[2Jbob\n"));
}

#[test]
fn a_refused_configuration_is_shown_problem_by_problem() {
    let problem = |line: u64, report: &str| Problem {
        file: Some("/etc/chatd/chatd.toml".into()),
        line: Some(line),
        column: Some(1),
        message: "wrong".into(),
        report: report.into(),
    };
    let first = "/etc/chatd/chatd.toml:3:1: unknown key `colour`\n  colour = 1\n  ^^^^^^\n";
    let fake = Fake::answering(move |_| {
        let problems = vec![problem(3, first), problem(5, "/etc/chatd/chatd.toml:5:1: wrong\n  x\n  ^")];
        Err(RpcError::refused("the configuration has 2 problems; nothing was changed", problems))
    });
    assert_eq!(
        fake.run("reload").failed(1),
        "chatctl: the configuration has 2 problems; nothing was changed\n\
         /etc/chatd/chatd.toml:3:1: unknown key `colour`\n  colour = 1\n  ^^^^^^\n\
         /etc/chatd/chatd.toml:5:1: wrong\n  x\n  ^\n"
    );
    let document: Value = serde_json::from_str(&fake.run("reload --json").stdout).unwrap();
    assert_eq!(document["error"]["data"]["problems"][1]["line"], 5);
}

#[test]
fn a_wrong_command_line_is_status_2() {
    for (line, hint) in [
        ("", "Usage: chatctl"),
        ("stat", "'stats'"),
        ("kick", "chatctl kick [OPTIONS] --id ID"),
        ("announce", "<TEXT>"),
        ("list user", "'users'"),
        ("list --limit 0", "--limit"),
        ("log-level trace", "off, error, warn, info, debug"),
        ("stats --timeout 0", "--timeout"),
        ("stats --jsn", "--json"),
    ] {
        let outcome: Outcome = chatctl(line).output().unwrap().into();
        let stderr = outcome.failed(2);
        assert!(stderr.contains(hint), "{line}: {stderr}");
    }
    let help: Outcome = chatctl("list --help").output().unwrap().into();
    assert!(help.done().contains("Examples:\n  chatctl list\n"));
}

fn unreachable(mut command: Command) -> String {
    Outcome::from(command.output().unwrap()).failed(3)
}

#[test]
fn no_socket_is_status_3_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.sock");
    let expected = format!(
        "chatctl: there is no socket {}: chatd does not run, or its socket is elsewhere\n\
         start it (\"systemctl start chatd\", or just \"chatd\"), or name its socket with --socket PATH\n",
        path.display()
    );
    let mut named = chatctl("stats --socket");
    named.arg(&path);
    assert_eq!(unreachable(named), expected);
    let mut told = chatctl("stats");
    told.env("CHATD_SOCKET", &path);
    assert_eq!(unreachable(told), expected);
}

#[test]
fn a_socket_without_a_listener_and_a_file_that_is_none_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let stale = folder.path().join("stale.sock");
    drop(UnixListener::bind(&stale).unwrap());
    let mut command = chatctl("stats --socket");
    command.arg(&stale);
    assert_eq!(
        unreachable(command),
        format!(
            "chatctl: nobody listens on {}: a chatd that died left it behind\n\
             start chatd again, it replaces the socket: systemctl start chatd\n",
            stale.display()
        )
    );
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut command = chatctl("stats --socket");
    command.arg(&file);
    assert!(unreachable(command).contains("file is not a socket\n"));
    let mut command = chatctl("stats --socket");
    command.arg(folder.path().join("x".repeat(200)));
    assert!(unreachable(command).contains("a socket's may have 107"));
}

#[test]
fn a_socket_that_one_may_not_connect_to_names_who_may() {
    let fake = Fake::with(Json::of("unused"));
    let mut command = fake.command("stats");
    if nix::unistd::Uid::effective().is_root() {
        // Root may do everything, so somebody else has to try, with a chatctl that they can reach.
        let copy = fake.folder.path().join("chatctl");
        fs::copy(env!("CARGO_BIN_EXE_chatctl"), &copy).unwrap();
        fs::set_permissions(fake.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&fake.socket, fs::Permissions::from_mode(0o660)).unwrap();
        command = Command::new(copy);
        command.args(["stats", "--socket"]).arg(&fake.socket).uid(65_534).gid(65_534);
    } else {
        fs::set_permissions(&fake.socket, fs::Permissions::from_mode(0o000)).unwrap();
    }
    let stderr = unreachable(command);
    let start = format!("chatctl: you may not connect to {}\nonly root", fake.socket.display());
    assert!(stderr.starts_with(&start) && stderr.ends_with("may: try it with sudo\n"), "{stderr}");
}

#[test]
fn the_socket_is_found_where_systemd_or_the_environment_says() {
    let fake = Fake::with(Json::of(&Version { name: "chatd".into(), version: "1".into(), pid: 1 }));
    let run = |name: &str, value: &Path| {
        Outcome::from(chatctl("version").env(name, value).output().unwrap()).done()
    };
    assert_eq!(run("CHATD_SOCKET", &fake.socket), "chatd 1, process 1\n");
    assert_eq!(run("RUNTIME_DIRECTORY", fake.folder.path()), "chatd 1, process 1\n");
}

#[test]
fn a_daemon_that_leaves_without_an_answer_is_status_3() {
    let path = |fake: &Fake| fake.socket.display().to_string();
    // At once; after the request; in the middle of its answer.
    let at_once = Fake::raw(drop);
    let after = Fake::raw(|stream| {
        let _ = BufReader::new(stream).read_until(b'\n', &mut Vec::new());
    });
    let amid = Fake::raw(|stream| {
        let _ = BufReader::new(&stream).read_until(b'\n', &mut Vec::new());
        let _ = (&stream).write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,");
    });
    for fake in [&at_once, &after, &amid] {
        assert_eq!(
            fake.run("stats").failed(3),
            format!(
                "chatctl: chatd closed the connection on {} before it had answered: \
                 it is stopping or died; its log says why\n",
                path(fake)
            )
        );
    }
}

#[test]
fn a_daemons_last_words_are_heard() {
    let fake = Fake::raw(|stream| {
        let full = RpcError::new(admin::TOO_LARGE, "there are 32 admin connections already");
        let _ = (&stream).write_all(&admin::error_line(full));
    });
    assert_eq!(fake.run("stats").failed(1), "chatctl: there are 32 admin connections already\n");
}

/// Reads a request, then writes these bytes for as long as anybody takes them, `times` at most.
fn saying(bytes: &'static [u8], times: usize) -> Fake {
    Fake::raw(move |stream| {
        let _ = BufReader::new(&stream).read_until(b'\n', &mut Vec::new());
        for _ in 0..times {
            if (&stream).write_all(bytes).is_err() {
                return;
            }
        }
        // Until chatctl has left.
        let _ = (&stream).read(&mut [0]);
    })
}

#[test]
fn answers_that_make_no_sense_are_status_3() {
    for (fake, verb, what) in [
        (saying(b"220 mail.example ESMTP\n", 1), "stats", "no JSON-RPC answer: "),
        (
            saying(b"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n", 1),
            "stats",
            "an answer to another request",
        ),
        (saying(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n", 1), "stats", "missing field `version`"),
        (
            saying(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"users\":1}}\n", 1),
            "list",
            "missing field `items`",
        ),
        (
            saying(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"items\":[],\"next\":\"5\"}}\n", 2),
            "list",
            "an answer to another request",
        ),
        (
            saying(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"items\":[1,2]}}\n", 1),
            "list --json --limit 1",
            "a page with more items than were asked for",
        ),
        (saying(&[b'x'; 1 << 14], 1_000), "stats", "a line of more than 2097152 bytes"),
    ] {
        let stderr = fake.run(verb).failed(3);
        assert!(
            stderr.starts_with(&format!("chatctl: what listens on {} does not", fake.socket.display())),
            "{stderr}"
        );
        assert!(
            stderr.contains(what) && stderr.ends_with("is it chatd, and is its version that of chatctl?\n"),
            "{stderr}"
        );
    }
}

#[test]
fn a_daemon_that_does_not_answer_is_given_up() {
    for fake in [saying(b"", 0), saying(b"{\"jsonrpc\":", 1)] {
        assert_eq!(
            fake.run("stats --timeout 1").failed(3),
            format!(
                "chatctl: chatd did not answer on {} within 1 s: it is very busy or stuck; \
                 wait longer with --timeout SECONDS, or look into its log\n",
                fake.socket.display()
            )
        );
    }
}

#[test]
fn rows_that_came_before_a_failure_are_printed() {
    let fake = Fake::answering(|request| {
        let Request::List(list) = request else { panic!("not a list") };
        let mut page = PageWriter::new(list.limit);
        page.push(&channel("#first", 1, ""));
        // Always the same cursor: a loop without end.
        Ok(page.finish(Some(5)))
    });
    let path = fake.folder.path().join("output");
    let open = || File::options().create(true).append(true).open(&path).unwrap();
    for line in ["list channels", "list channels --json"] {
        let status = fake.command(line).stdout(open()).stderr(open()).status().unwrap();
        assert_eq!(status.code(), Some(3));
        let output = fs::read_to_string(&path).unwrap();
        let (rows, complaint) = output.split_once("chatctl: ").unwrap();
        assert_eq!(rows.matches("#first").count(), 1, "{output}");
        assert!(complaint.contains("a cursor that leads nowhere"), "{output}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let fake = Fake::with(Json::of(&Version { name: "chatd".into(), version: "1".into(), pid: 1 }));
    let full = File::options().write(true).open("/dev/full").unwrap();
    let outcome: Outcome = fake.command("version").stdout(full).output().unwrap().into();
    assert!(outcome.failed(3).starts_with("chatctl: cannot write the answer: No space left"));
}
