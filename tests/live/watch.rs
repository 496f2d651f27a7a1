//! Watching the real daemon, and draining it.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use chatd::proto::limits::WATCH_QUEUE;

use super::*;

/// A connection to the admin socket that watches, and has been told so.
struct Watcher(BufReader<UnixStream>);

impl Watcher {
    fn new(daemon: &Daemon, params: &Value) -> Self {
        let stream = UnixStream::connect(&daemon.admin).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut watcher = Self(BufReader::new(stream));
        watcher.ask("watch", params);
        watcher
    }

    fn say(&mut self, method: &str, params: &Value) {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.0.get_mut().write_all(format!("{request}\n").as_bytes()).unwrap();
    }

    /// A request and its answer; what is told meanwhile is left out.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.say(method, params);
        loop {
            let line = self.line();
            if line["id"] == 1 {
                assert!(line["error"].is_null(), "{line}");
                return line;
            }
        }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    /// The next event of this kind; others before it are passed over.
    fn next(&mut self, kind: &str) -> Value {
        loop {
            let mut line = self.line();
            if line["params"]["kind"] == kind {
                return line["params"].take();
            }
        }
    }
}

#[test]
fn what_happens_is_told_as_it_happens() {
    let daemon = Daemon::start(OPEN);
    let mut watcher = Watcher::new(&daemon, &json!({}));
    let mut ann = daemon.user("ann");
    assert_eq!(watcher.next("register")["nick"], "ann");
    ann.send("JOIN #c");
    assert_eq!(watcher.next("join")["channel"], "#c");
    ann.send("PRIVMSG #c :words that nobody may read\r\nPART #c :words that nobody may read");
    assert_eq!(watcher.next("part")["nick"], "ann");
    daemon.rpc("kick", &json!({"nick": "ann", "reason": "enough"})).unwrap();
    assert_eq!(watcher.next("kill")["reason"], "enough");
    assert_eq!(watcher.next("quit")["cause"], "kill");
    daemon.write_config(&format!("{OPEN}[server]\nmotd = \"new\"\n"));
    daemon.rpc("reload", &json!({})).unwrap();
    assert_eq!(watcher.next("reload")["changed"], json!(["server.motd"]));
    daemon.rpc("shutdown", &json!({"reason": "the end"})).unwrap();
    assert_eq!(watcher.next("shutdown")["reason"], "the end");
}

#[test]
fn who_does_not_read_misses_events_and_costs_others_nothing() {
    let daemon = Daemon::start(&format!("{OPEN}lines_per_turn = 1000\n"));
    let before = stats(&daemon)["rss_bytes"].as_u64().unwrap();
    let mut slow = Watcher::new(&daemon, &json!({"events": ["join", "part"]}));
    let mut ann = daemon.user("ann");
    let rounds = 100;
    for round in 0..rounds {
        let lines: Vec<_> = (0..100).map(|n| format!("JOIN #c{round}_{n}\r\nPART #c{round}_{n}")).collect();
        ann.send(&lines.join("\r\n"));
        ann.sync();
    }
    let after = stats(&daemon)["rss_bytes"].as_u64().unwrap();
    assert!(after < before + u64::from(WATCH_QUEUE) + (8 << 20), "{before} bytes, then {after}");
    let (mut seq, mut missed) = (0, 0);
    while seq < 2 * 100 * rounds {
        let line = slow.line();
        let params = &line["params"];
        let by = if line["method"] == "gap" { params["missed"].as_u64().unwrap() } else { 1 };
        missed += by - 1;
        seq += by;
        assert_eq!(params["seq"], seq, "{line}");
    }
    assert!(missed > 0, "more was told than waits for anybody");
    ann.send("JOIN #last");
    assert_eq!(slow.next("join")["channel"], "#last");
}

#[test]
fn a_server_that_drains_refuses_clients_as_if_it_did_not_listen_until_that_is_undone() {
    let daemon = Daemon::start(OPEN);
    let mut ann = daemon.user("ann");
    daemon.rpc("drain", &json!({})).unwrap();
    assert_eq!(TcpStream::connect(daemon.addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    daemon.write_config(&format!("{OPEN}[server]\nmotd = \"new\"\n"));
    daemon.rpc("reload", &json!({})).unwrap();
    assert_eq!(TcpStream::connect(daemon.addr).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    ann.sync();
    daemon.rpc("drain", &json!({"undo": true})).unwrap();
    let mut bob = daemon.user("bob");
    bob.send("PRIVMSG ann :here again");
    ann.expect("here again");
    daemon.wait_for_output("drain on=true connections=1");
}
