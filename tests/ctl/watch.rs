//! `chatctl watch`: what it prints, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use chatd::admin::{self, Json, Request, WatchMasks, Watching};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::fake::{Fake, Outcome};

/// A daemon that answers `watch`, tells of these events, and then waits until chatctl leaves, or leaves itself.
fn telling(lines: Vec<Value>, stays: bool) -> Fake {
    Fake::raw(move |stream: UnixStream| {
        let mut request = Vec::new();
        let mut reader = BufReader::new(&stream);
        // Nobody asks anything when the stand-in is to end.
        if reader.read_until(b'\n', &mut request).is_ok_and(|length| length > 0) {
            let reply = admin::parse(&request).answer(|request| {
                assert!(matches!(request, Request::Watch { .. }), "{request:?}");
                Ok(Json::of(&Watching { events: vec!["join".into()] }))
            });
            (&stream).write_all(&reply.unwrap()).unwrap();
            for line in &lines {
                // chatctl may have left.
                let _ = (&stream).write_all(format!("{line}\n").as_bytes());
            }
            if stays {
                let _ = reader.read_to_end(&mut Vec::new());
            }
        }
    })
}

fn join(seq: u64, nick: &str) -> Value {
    let params = json!({"seq": seq, "time": 1_700_000_000_000_u64, "kind": "join", "client": 7, "nick": nick, "channel": "#c"});
    json!({"jsonrpc": "2.0", "method": "event", "params": params})
}

fn gap(seq: u64, missed: u64) -> Value {
    let params = json!({"seq": seq, "time": 1_700_000_000_000_u64, "missed": missed});
    json!({"jsonrpc": "2.0", "method": "gap", "params": params})
}

#[test]
fn events_are_lines_and_the_end_of_the_daemon_is_told() {
    let fake = telling(vec![join(1, "ann"), gap(1_235, 1_234), join(1_236, "b\u{1b}b")], false);
    let Outcome { status, stdout, stderr } = fake.run("watch");
    let expected = "2023-11-14T22:13:20Z  join      ann #c\n\
                    2023-11-14T22:13:20Z  GAP       1,234 events are missed here\n\
                    2023-11-14T22:13:20Z  join      b\\x1bb #c\n";
    assert_eq!((status, stdout.as_str()), (Some(3), expected));
    assert!(
        stderr.contains("chatd closed the connection on ") && stderr.contains("its log says why"),
        "{stderr}"
    );
    let Outcome { status, stdout, .. } = fake.run("watch --json");
    let kinds: Vec<_> = stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|event| (event["seq"].as_u64().unwrap(), event["kind"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(status, Some(3));
    assert_eq!(kinds, [(1, "join".into()), (1_235, "gap".into()), (1_236, "join".into())]);
}

#[test]
fn each_line_is_out_at_once_and_a_signal_is_a_good_end() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let fake = telling(vec![join(1, "ann")], true);
        let mut child = fake.command("watch").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.ends_with("ann #c\n"), "{line}");
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()), "{signal}");
    }
}

#[test]
fn when_nobody_reads_it_ends_without_a_word() {
    let fake = telling((1..10_000).map(|seq| join(seq, "ann")).collect(), true);
    let mut child = fake.command("watch").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn kinds_are_asked_for_and_checked() {
    let fake = Fake::answering(|request| {
        let masks = WatchMasks {
            nick: vec!["b?b".into()],
            channel: vec!["#rust".into(), "#go*".into()],
            address: vec!["2001:db8:*".into()],
        };
        assert_eq!(*request, Request::Watch { events: vec!["join".into(), "part".into()], masks });
        Err(admin::RpcError::new(admin::TOO_LARGE, "16 connections watch already, and no more may"))
    });
    let line = "watch --filter join,part,nick=b?b,channel=#rust --filter channel=#go*,address=2001:db8:*";
    let said = fake.run(line).failed(1);
    assert_eq!(said, "chatctl: 16 connections watch already, and no more may\n");
    for (filter, why) in [
        ("joins", "or nick=MASK, channel=MASK, address=MASK; did you mean 'join'?"),
        ("nik=bob", "it must be one of ban, banned, connect,"),
        ("nick=", "a mask has 1 to 128 bytes"),
        (&format!("address={}", "*".repeat(129)), "a mask has 1 to 128 bytes"),
    ] {
        let said = fake.run(&format!("watch --filter {filter}")).failed(2);
        assert!(said.contains(&format!("'{filter}' for '--filter")) && said.contains(why), "{said}");
    }
}
