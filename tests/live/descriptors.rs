//! Descriptors: one owner each, and what happens when there are no more.

use std::io::Write;
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::*;

#[test]
fn after_churn_the_poll_watches_exactly_what_is_alive() {
    raise_descriptors();
    let daemon = Daemon::start(OPEN);
    let (before, _) = watched_and_open(daemon.pid());
    let mut survivors = Vec::new();
    for round in 0..400 {
        let mut client = daemon.connect();
        match round % 5 {
            0 => client.register(&format!("user{round}")),
            1 => client.send(&format!("NICK user{round}\r\nUSER u 0 * :u\r\nJOIN #a\r\nQUIT :bye")),
            2 => SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap(),
            3 => client.stream().shutdown(Shutdown::Write).unwrap(),
            _ => {}
        }
        if round % 20 == 0 {
            survivors.push(client);
        }
    }
    wait_until("only the survivors are connected", || stats(&daemon)["connections_now"] == survivors.len());
    // Lingering connections are no longer counted above, but still have a descriptor.
    let mut watched = Vec::new();
    wait_until("every descriptor is watched once, and nothing else is", || {
        let (now, open) = watched_and_open(daemon.pid());
        watched = now;
        assert!(watched.iter().all(|fd| open.contains(fd)), "a closed descriptor is watched");
        watched.len() == before.len() + survivors.len()
    });
    watched.sort_unstable();
    watched.dedup();
    assert_eq!(watched.len(), before.len() + survivors.len());
    for client in &mut survivors {
        assert!(client.sync().iter().all(|line| !line.contains("ERROR")));
    }
}

/// Starts the daemon with a limit of 64 descriptors.
fn with_64_descriptors(config: &str) -> Daemon {
    Daemon::start_with(config, |command| {
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
        limited.arg(command.get_program()).args(command.get_args());
        limited.current_dir(command.get_current_dir().expect("a folder"));
        limited.env_remove("CHATD_SOCKET").env_remove("NOTIFY_SOCKET");
        limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        *command = limited;
    })
}

#[test]
fn with_64_descriptors_500_clients_are_served_in_the_end_and_nobody_is_dropped() {
    raise_descriptors();
    let daemon = with_64_descriptors(OPEN);
    let mut clients: Vec<_> = (0..500).map(|_| daemon.connect()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.send(&format!("NICK user{n}\r\nUSER u 0 * :u"));
    }
    let served = |daemon: &Daemon| stats(daemon)["users"].as_u64().unwrap() as usize;
    // The backlog is a queue, so the first are served; an operator gets in all the same.
    wait_until("as many are served as there are descriptors", || served(&daemon) >= 30);
    daemon.wait_for_output("refused reason=resources");
    let first = served(&daemon);
    assert!(first < 64);
    for client in &mut clients[..first] {
        client.expect(" 001 ");
    }

    // Meanwhile it does not spin: it tries again some ten times a second.
    let (begin, turns) = (Instant::now(), stats(&daemon)["loop_turns"].as_u64().unwrap());
    daemon.wait_for_outputs("refused reason=resources", 3);
    let turns = stats(&daemon)["loop_turns"].as_u64().unwrap() - turns;
    let allowed = begin.elapsed().as_millis() as u64 / 10 + 100;
    assert!(turns < allowed, "{turns} turns in {:?}", begin.elapsed());
    for client in &mut clients[..first] {
        client.sync();
    }

    // Each who leaves makes room for the next.
    for (n, mut client) in clients.into_iter().enumerate() {
        if n >= first {
            client.expect(" 001 ");
        }
        client.sync();
    }
    wait_until("all have left", || served(&daemon) == 0);
    let stats = stats(&daemon);
    assert_eq!(stats["connections_total"], 500);
    assert_eq!(stats["disconnects"]["eof"], 500);
}

#[test]
fn a_client_that_reads_nothing_fills_little_of_the_kernel_and_is_cut_off_with_a_reason() {
    let daemon = Daemon::start(&format!("{OPEN}send_queue = 524288\n"));
    let (mut talker, mut other) = (daemon.user("ann"), daemon.user("bob"));
    let mut deaf = daemon.user("deaf");
    for client in [&mut talker, &mut other, &mut deaf] {
        client.send("JOIN #room");
        client.sync();
    }
    let line = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    let (mut sent, mut heard, mut quit) = (0, 0, None);
    while quit.is_none() {
        for _ in 0..20 {
            talker.stream().write_all(line.as_bytes()).unwrap();
        }
        sent += 20;
        assert!(sent < 20_000, "8 MB are more than socket buffers and send queue should hold");
        talker.sync();
        for line in other.sync() {
            heard += usize::from(line.contains("PRIVMSG"));
            quit = line.contains(" QUIT ").then_some(line).or(quit);
        }
    }
    // Everybody else has got everything, in spite of it.
    assert_eq!(heard, sent);
    assert!(quit.unwrap().starts_with(":deaf!"));
    let bytes = sent * line.len();
    assert!(bytes < 2_000_000, "the kernel hid {bytes} bytes from the send queue's limit");
    let quit = daemon.wait_for_output("cause=send_queue");
    assert!(quit.contains("user=deaf!"), "{quit}");
    assert_eq!(stats(&daemon)["disconnects"]["send_queue"], 1);
}
