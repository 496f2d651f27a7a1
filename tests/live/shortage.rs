//! When descriptors or memory run out while chatd runs: what can be refused is, in words, and all is well when there are some again.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Command;

use super::*;
use common::Client;

/// Sets a limit of a running process with prlimit(1); the hard limit stays.
fn prlimit(daemon: &Daemon, limit: &str) {
    let status = Command::new("prlimit").arg("--pid").arg(daemon.pid().to_string()).arg(limit).status();
    assert!(status.expect("prlimit(1), of util-linux").success(), "{limit}");
}

/// Asks on an admin connection that is there already.
fn ask(stream: &UnixStream, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut to = stream;
    to.write_all(format!("{request}\n").as_bytes()).expect("the request is sent");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut line).expect("the reply is read");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
}

#[test]
fn without_any_descriptor_each_who_asks_is_told_and_chat_goes_on() {
    let daemon = Daemon::start(&format!("[server]\nmotd = \"Old\"\n{OPEN}"));
    let mut user = daemon.user("ann");
    let admin = UnixStream::connect(&daemon.admin).unwrap();
    admin.set_read_timeout(Some(PATIENCE)).unwrap();
    // The threads that read and write files are there.
    assert_eq!(ask(&admin, "reload", json!({}))["error"], Value::Null);
    assert_eq!(
        ask(&admin, "ban.add", json!({"mask": "192.0.2.1", "reason": "Not you"}))["error"],
        Value::Null
    );
    let before = fs::read_to_string(daemon.state_path()).unwrap();
    prlimit(&daemon, "--nofile=3:");

    daemon.write_config(&format!("[server]\nmotd = \"New\"\n{OPEN}"));
    let refused = ask(&admin, "reload", json!({}));
    let problem = refused["error"]["data"]["problems"][0]["message"].as_str().unwrap_or_default();
    assert!(problem.contains("Too many open files"), "{refused}");
    let refused = ask(&admin, "ban.add", json!({"mask": "192.0.2.2", "reason": "Not you"}));
    let problem = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(problem.contains("Too many open files"), "{refused}");
    assert_eq!(fs::read_to_string(daemon.state_path()).unwrap(), before, "the old file is whole");
    // Who connects waits; nobody is dropped.
    let mut late = daemon.connect();
    late.send("NICK late\r\nUSER late 0 * :late");
    daemon.wait_for_output("refused reason=resources");
    user.send("MOTD");
    assert!(user.expect(" 372 ").contains("Old"), "the configuration is as it was");
    assert_eq!(ask(&admin, "stats", json!({}))["error"], Value::Null);

    prlimit(&daemon, "--nofile=256:");
    late.expect(" 001 late ");
    assert_eq!(ask(&admin, "reload", json!({}))["error"], Value::Null);
    assert_eq!(
        ask(&admin, "ban.add", json!({"mask": "192.0.2.3", "reason": "Not you"}))["error"],
        Value::Null
    );
    let kept = fs::read_to_string(daemon.state_path()).unwrap();
    assert!(["192.0.2.1", "192.0.2.2", "192.0.2.3"].iter().all(|mask| kept.contains(mask)), "{kept}");
    user.send("MOTD");
    assert!(user.expect(" 372 ").contains("New"));
}

/// A field of `/proc/PID/status` in bytes.
fn status(daemon: &Daemon, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("the process lives");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the field is there");
    let kib = line.trim_start_matches(':').split_whitespace().next().expect("a number");
    kib.parse::<u64>().expect("a number") * 1024
}

#[test]
fn when_memory_is_nearly_used_up_new_clients_are_refused_and_the_others_stay() {
    let daemon = Daemon::start(OPEN);
    let mut user = daemon.user("ann");
    stats(&daemon);
    let size = status(&daemon, "VmSize");
    prlimit(&daemon, &format!("--as={}:", size + size / 20));
    wait_until("somebody is refused", || {
        let mut late = daemon.connect();
        late.send("PING :early");
        let line = late.next_line();
        line.is_some_and(|line| line.starts_with(b"ERROR :The server is short of memory"))
    });
    daemon.wait_for_output("memory short used=");
    let stats_now = stats(&daemon);
    assert!(stats_now["refused"]["memory"].as_u64() >= Some(1), "{stats_now}");
    assert_eq!(stats_now["memory_limit_bytes"], size + size / 20, "{stats_now}");
    user.sync();
    prlimit(&daemon, "--as=unlimited:");
    wait_until("there is room again", || {
        let mut late = daemon.connect();
        late.send("PING :early");
        late.next_line().is_some_and(|line| !line.starts_with(b"ERROR"))
    });
    daemon.user("bob").sync();
    user.sync();
}

#[test]
fn readers_that_are_slow_together_do_not_use_up_the_memory() {
    const MEGABYTE: u64 = 1 << 20;
    let daemon = Daemon::start(OPEN);
    let mut talker = daemon.user("talker");
    let mut slow: Vec<_> = (0..60).map(|n| daemon.user(&format!("slow{n}"))).collect();
    for client in slow.iter_mut().chain([&mut talker]) {
        client.send("JOIN #room");
        client.sync();
    }
    // Their queues could hold 60 MiB; what is left is less.
    let most = status(&daemon, "VmSize") + 48 * MEGABYTE;
    prlimit(&daemon, &format!("--as={most}:"));
    assert_eq!(stats(&daemon)["memory_limit_bytes"], most, "chatd knows");
    let line = format!("PRIVMSG #room :{}", "x".repeat(400));
    let mut lines = Vec::new();
    wait_until("all of them are cut off", || {
        for _ in 0..50 {
            talker.send(&line);
        }
        lines.extend(talker.sync().into_iter().filter(|line| line.contains(" QUIT ")));
        assert!(stats(&daemon)["send_queue_bytes"].as_u64().unwrap() <= 12 * MEGABYTE);
        lines.len() == slow.len()
    });
    assert!(lines.iter().all(|line| line.ends_with("QUIT :Send queue exceeded")), "{lines:?}");
    Client::connect(daemon.addr);
    daemon.rpc("version", &json!({})).expect("it lives");
}
