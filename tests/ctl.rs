//! The real chatctl against a stand-in for the daemon: what it asks, what it prints, how it ends.

#[path = "ctl/busy.rs"]
mod busy;
#[path = "ctl/config.rs"]
mod config;
#[path = "ctl/details.rs"]
mod details;
#[path = "ctl/failures.rs"]
mod failures;
#[path = "ctl/fake.rs"]
mod fake;
#[path = "ctl/lists.rs"]
mod lists;
#[path = "ctl/manuals.rs"]
mod manuals;
#[path = "ctl/password.rs"]
mod password;
#[path = "ctl/terminals.rs"]
mod terminals;
#[path = "ctl/watch.rs"]
mod watch;

use chatd::admin::{
    Announced, Json, Kicked, LogLevel, Reloaded, Request, ShuttingDown, Stats, Target, Version,
};
use fake::Fake;

/// Runs chatctl against a daemon that answers with `result`: what was asked, and what was printed.
fn ask(line: &str, result: &Json) -> (Request, String) {
    let fake = Fake::with(result.clone());
    let text = fake.run(line).done();
    let [request] = fake.requests().try_into().unwrap();
    let json = fake.run(&format!("{line} --json")).done();
    assert_eq!(json, format!("{}\n", result.as_str()), "--json prints the result as it is");
    (request, text)
}

#[test]
fn verbs_of_one_answer() {
    let version = Json::of(&Version { name: "chatd".into(), version: "1.2.3".into(), pid: 812 });
    assert_eq!(ask("version", &version), (Request::Version, "chatd 1.2.3, process 812\n".into()));

    let announced = Json::of(&Announced { users: 1_234 });
    let text = Request::Announce { text: "Back in five minutes".into() };
    assert_eq!(ask("announce Back in five minutes", &announced), (text, "sent to 1,234 users\n".into()));

    let stopping = |connections| Json::of(&ShuttingDown { connections, timeout_seconds: 5 });
    assert_eq!(
        ask("shutdown", &stopping(0)),
        (Request::Shutdown { reason: None }, "chatd stops; nobody is connected\n".into())
    );
    assert_eq!(
        ask("shutdown New disks", &stopping(3)),
        (
            Request::Shutdown { reason: Some("New disks".into()) },
            "chatd stops; 3 connections are told, with 5s to take the last lines\n".into()
        )
    );

    let level = |before: Option<&str>| {
        Json::of(&LogLevel { level: "debug".into(), before: before.map(str::to_owned) })
    };
    assert_eq!(ask("log-level", &level(None)), (Request::LogLevel { level: None }, "debug\n".into()));
    assert_eq!(
        ask("log-level debug", &level(Some("info"))),
        (Request::LogLevel { level: Some(log::LevelFilter::Debug) }, "debug (was info)\n".into())
    );
}

#[test]
fn kick_says_whom() {
    let kicked = |nick: Option<&str>, channel: Option<&str>| {
        Json::of(&Kicked { id: 7, nick: nick.map(str::to_owned), channel: channel.map(str::to_owned) })
    };
    let request = |target, channel: Option<&str>, reason: Option<&str>| Request::Kick {
        target,
        channel: channel.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    let bob = || Target::Nick("bob".into());
    assert_eq!(
        ask("kick bob that is enough", &kicked(Some("Bob"), None)),
        (request(bob(), None, Some("that is enough")), "disconnected Bob (id 7)\n".into())
    );
    assert_eq!(
        ask("kick bob --channel #rust", &kicked(Some("Bob"), Some("#Rust"))),
        (request(bob(), Some("#rust"), None), "removed Bob (id 7) from #Rust\n".into())
    );
    assert_eq!(
        ask("kick --id 7 silence", &kicked(None, None)),
        (request(Target::Id(7), None, Some("silence")), "disconnected client 7\n".into())
    );
}

#[test]
fn reload_reports_what_took_effect() {
    let report = Reloaded {
        changed: vec!["server.motd".into(), "limits.send_queue".into()],
        restart_needed: vec!["server.name".into()],
        warnings: vec!["/etc/chatd/chatd.toml:9:1: this port\nis privileged".into()],
        listeners_added: vec!["127.0.0.1:7000".into()],
        listeners_removed: vec!["127.0.0.1:6667".into(), "[::1]:6667".into()],
    };
    assert_eq!(
        ask("reload", &Json::of(&report)),
        (
            Request::Reload,
            "reloaded\n  changed          server.motd, limits.send_queue\n  listening on     127.0.0.1:7000\n  \
             no longer on     127.0.0.1:6667, [::1]:6667\n  needs a restart  server.name\n\
             warning: /etc/chatd/chatd.toml:9:1: this port\nis privileged\n"
                .into()
        )
    );
    assert_eq!(ask("reload", &Json::of(&Reloaded::default())).1, "reloaded, nothing changed\n");
}

#[test]
fn stats_are_labelled_and_have_units() {
    let reasons =
        |reasons: &[(&str, u64)]| reasons.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    let stats = Stats {
        version: "1.2.3".into(),
        uptime_seconds: 11_520,
        connections_now: 12,
        connections_peak: 40,
        connections_total: 1_234,
        users: 11,
        channels: 3,
        lockdown: false,
        draining: false,
        watchers: 2,
        messages_in: 1_234_567,
        messages_out: 89,
        deliveries: 123_456_789,
        bytes_in: 512,
        bytes_out: 1_258_291,
        send_queue_bytes: 2_048,
        kernel_queue_bytes: 131_072,
        refused: reasons(&[("address", 0), ("full", 0)]),
        disconnects: reasons(&[("eof", 200), ("ping_timeout", 2), ("quit", 1_020), ("kill", 0)]),
        log_lines_dropped: 7,
        loop_turns: 98_765,
        turn_p50_us: 12,
        turn_p99_us: 1_240,
        turn_max_us: 2_500_000,
        rss_bytes: 12_900_000,
        memory_used_bytes: 15 << 20,
        memory_limit_bytes: 64 << 20,
        descriptors_open: 24,
        descriptors_limit: 1_024,
        confirm_seconds: None,
    };
    let expected = "\
version            1.2.3
uptime             3h 12m
connections        12 now, 40 peak, 1,234 total
users              11
channels           3
lockdown           off
draining           no
watchers           2
messages           1,234,567 in, 89 out
deliveries         123,456,789
bytes              512 B in, 1.2 MiB out
send queues        2.0 KiB, and 128.0 KiB in the kernel
refused            0
disconnects        1,222 (1,020 quit, 200 eof, 2 ping timeout)
log lines dropped  7
loop turns         98,765
time per turn      12 µs p50, 1.2 ms p99, 2.5 s max (last minute)
memory             12.3 MiB
memory limit       15.0 MiB of 64.0 MiB used
descriptors        24 of 1,024
";
    assert_eq!(ask("stats", &Json::of(&stats)), (Request::Stats, expected.into()));
}
