//! When descriptors or memory run out while chatd runs: what can be refused is, in words, and all is well when there are some again.

use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use super::*;
use common::Client;

/// Sets a limit of a running process, `None` for none; the hard limit stays.
fn limit(daemon: &Daemon, resource: Resource, most: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(daemon.pid()).expect("a process id"));
    // To change nothing is not among the things that can be asked for: the hard limit is that of this process, which chatd has
    // taken over.
    let hard = getrlimit(resource).maximum;
    let limits = Rlimit { current: most, maximum: hard };
    prlimit(pid, resource, limits).expect("a process may limit its children");
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
    limit(&daemon, Resource::Nofile, Some(3));

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
    let late_admin = UnixStream::connect(&daemon.admin).unwrap();
    late_admin.set_read_timeout(Some(PATIENCE)).unwrap();
    daemon.wait_for_output("refused reason=resources");
    user.send("MOTD");
    assert!(user.expect(" 372 ").contains("Old"), "the configuration is as it was");
    assert_eq!(ask(&admin, "stats", json!({}))["error"], Value::Null);

    limit(&daemon, Resource::Nofile, Some(256));
    late.expect(" 001 late ");
    assert_eq!(ask(&late_admin, "version", json!({}))["error"], Value::Null);
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
    limit(&daemon, Resource::As, Some(size + size / 20));
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
    limit(&daemon, Resource::As, None);
    wait_until("there is room again", || {
        let mut late = daemon.connect();
        late.send("PING :early");
        late.next_line().is_some_and(|line| !line.starts_with(b"ERROR"))
    });
    daemon.user("bob").sync();
    user.sync();
}

#[test]
fn clients_that_fill_the_memory_do_so_up_to_a_point_and_the_others_go_on() {
    // Who comes from there sends more than it may, and what it has sent waits.
    let class = "[[class]]\nname = \"hasty\"\nnetworks = [\"127.0.0.2\"]\nflood_burst = 1\nflood_rate = 1\n";
    let daemon = Daemon::start(&format!("{OPEN}bytes_per_turn = 1048576\n{class}"));
    let mut others: Vec<_> = (0..5).map(|n| daemon.user(&format!("user{n}"))).collect();
    let input = b"PING :more of it\r\n".repeat(8_000);
    // Room for 40 MiB more until it is short, and as much beyond that as a tenth of the limit is.
    let most = (status(&daemon, "VmSize") + (40 << 20)) / 9 * 10;
    limit(&daemon, Resource::As, Some(most));
    let mut hasty = Vec::new();
    let refused = loop {
        assert!(hasty.len() < 2_000, "the memory never ends");
        let client = Client::connect_from(Ipv4Addr::new(127, 0, 0, 2), daemon.addr);
        client.stream().set_nonblocking(true).unwrap();
        let _ = client.stream().write(&input);
        client.stream().set_nonblocking(false).unwrap();
        hasty.push(client);
        let mut late = daemon.connect();
        late.send("PING :early");
        let line = late.line();
        if line.starts_with("ERROR") {
            break line;
        }
    };
    assert_eq!(refused, "ERROR :The server is short of memory, try again later");
    daemon.wait_for_output("memory short used=");
    let (used, now) = (status(&daemon, "VmSize"), stats(&daemon));
    assert!(used > most / 10 * 9 && now["memory_limit_bytes"] == most, "{used} of {now}");
    for user in &mut others {
        user.send("JOIN #room\r\nPRIVMSG user0 :still here");
        user.expect(" 366 ");
    }
    let heard = others[0].sync();
    let said = heard.iter().filter(|line| line.ends_with(" PRIVMSG user0 :still here")).count();
    assert_eq!(said, others.len(), "{heard:?}");
    drop(hasty);
    others[1].sync();
}

#[test]
fn a_table_that_there_is_no_memory_for_is_full_and_chatd_lives() {
    // The table of all MONITOR lists has room for 7/8 of 2^18 nicks, and is then made twice as large, at once: 20 MiB.
    const ENTRIES: usize = 10_000;
    let daemon = Daemon::start(&format!("{OPEN}monitor_entries = {ENTRIES}\n"));
    let mut users: Vec<_> = (0..24).map(|n| daemon.user(&format!("user{n}"))).collect();
    let monitor = |user: &mut Client, names: &str| {
        for from in (0..ENTRIES).step_by(25) {
            let nicks: Vec<_> = (from..from + 25).map(|n| format!("{names}x{n}")).collect();
            user.send(&format!("MONITOR + {}", nicks.join(",")));
        }
        user.sync().into_iter().filter(|line| line.contains(" 734 ")).count()
    };
    for (n, user) in users.iter_mut().take(22).enumerate() {
        assert_eq!(monitor(user, &format!("n{n}")), 0);
    }
    limit(&daemon, Resource::As, Some(status(&daemon, "VmSize") + (12 << 20)));
    let mut last = users.pop().unwrap();
    let refused = monitor(&mut last, "last");
    assert!(refused > 10, "{refused}");
    for user in &mut users {
        assert!(user.sync().is_empty());
    }
    limit(&daemon, Resource::As, None);
    last.send("MONITOR + after");
    assert!(last.expect(" 731 ").ends_with(":after"));
}

/// Writes what a control group of the kernel says of memory; chatd reads it now and then.
fn write_group(folder: &Path, used: u64, cache: u64) {
    fs::write(folder.join("memory.stat"), format!("anon {}\ninactive_file {cache}\n", used - cache)).unwrap();
    fs::write(folder.join("memory.current"), format!("{used}\n")).unwrap();
}

#[test]
fn the_limit_of_a_control_group_counts_without_what_the_kernel_can_take_back() {
    const LIMIT: u64 = 1 << 30;
    if !may_mount() {
        return;
    }
    let (group, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(group.path().join("memory.max"), format!("{LIMIT}\n")).unwrap();
    write_group(group.path(), LIMIT / 2, 0);
    let mount = format!("--bind '{}' /sys/fs/cgroup", group.path().display());
    let daemon = start_with_mount(&mount, OPEN, state.path());
    let mut user = daemon.user("ann");
    let lets_in = || {
        let mut late = daemon.connect();
        late.send("PING :early");
        late.next_line().is_some_and(|line| !line.starts_with(b"ERROR"))
    };
    assert!(lets_in());
    assert_eq!(stats(&daemon)["memory_limit_bytes"], LIMIT);
    write_group(group.path(), LIMIT / 100 * 95, 0);
    wait_until("somebody is refused", || !lets_in());
    daemon.wait_for_output("memory short used=");
    user.sync();
    write_group(group.path(), LIMIT / 100 * 95, LIMIT / 4);
    wait_until("what is cache counts as free", lets_in);
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
    limit(&daemon, Resource::As, Some(most));
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
