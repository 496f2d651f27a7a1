//! Company that misbehaves: readers that are slow, clients that send without end or without sense, connections that nobody uses.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::*;
use common::Client;

/// Resident memory may be so much more after the second of two storms than after the first, in bytes.
const KEPT: u64 = 2 << 20;

/// Waits until the daemon costs no more than before: all descriptors are free again, and memory but for so many bytes.
fn assert_recovers(daemon: &Daemon, (descriptors, memory): (usize, u64), kept: u64) {
    // Of the admin requests themselves, one may not be closed yet.
    wait_until("descriptors are free again", || costs(daemon).0 <= descriptors + 1);
    wait_until("memory is free again", || costs(daemon).1 <= memory + kept);
}

/// A storm after which everybody has left who took part in it costs nothing but what the first of its kind has paid for: what
/// allocators and pools keep.
fn costs_nothing_again(daemon: &Daemon, mut storm: impl FnMut()) {
    let (descriptors, _) = costs(daemon);
    storm();
    let (_, memory) = costs(daemon);
    storm();
    assert_recovers(daemon, (descriptors, memory), KEPT);
}

/// The numbers of the messages `n=…` among these lines.
fn numbers(lines: &[String]) -> Vec<usize> {
    let number = |line: &String| line.split_once(" :n=")?.1.split(' ').next()?.parse().ok();
    lines.iter().filter_map(number).collect()
}

#[test]
fn who_never_reads_or_reads_a_byte_at_a_time_is_cut_off_and_the_others_get_everything_in_order() {
    const QUEUE: u64 = 524_288;
    let daemon = Daemon::start(&format!("{OPEN}send_queue = {QUEUE}\n"));
    let mut talker = daemon.user("talker");
    let mut members: Vec<_> = (0..10).map(|n| daemon.user(&format!("member{n}"))).collect();
    let mut slow: Vec<_> = (0..10).map(|n| daemon.user(&format!("slow{n}"))).collect();
    for client in members.iter_mut().chain(&mut slow).chain([&mut talker]) {
        client.send("JOIN #room");
        client.sync();
    }
    for client in &mut members {
        client.sync();
    }
    let before = costs(&daemon);
    let filler = "x".repeat(390);
    let (mut sent, mut left, mut blocked) = (0, 0, false);
    let mut heard = vec![0; members.len()];
    while left < slow.len() {
        for n in sent..sent + 40 {
            talker.send(&format!("PRIVMSG #room :n={n} {filler}"));
        }
        sent += 40;
        assert!(
            sent * filler.len() < 3_000_000,
            "the kernel hides more than it should from the send queues' limits"
        );
        left += talker.sync().iter().filter(|line| line.contains(" QUIT ")).count();
        for (member, heard) in members.iter_mut().zip(&mut heard) {
            for number in numbers(&member.sync()) {
                assert_eq!(number, *heard, "in order, and none is missing");
                *heard += 1;
            }
        }
        // Half of the slow ones take a byte now and then.
        for client in slow.iter().step_by(2) {
            let _ = client.stream().read(&mut [0]);
        }
        if !blocked {
            let stats = stats(&daemon);
            let (own, kernel) = (&stats["send_queue_bytes"], &stats["kernel_queue_bytes"]);
            blocked = own.as_u64() > Some(0) && kernel.as_u64() > Some(0);
            // What somebody costs is bounded: the queue here, and little more than a socket's own there.
            assert!(own.as_u64().unwrap() <= slow.len() as u64 * QUEUE, "{stats}");
            assert!(kernel.as_u64().unwrap() <= slow.len() as u64 * (4 << 20), "{stats}");
        }
    }
    assert!(blocked, "the stats have seen it");
    assert!(heard.iter().all(|&count| count == sent), "{heard:?} of {sent}");
    daemon.wait_for_outputs("cause=send_queue", slow.len());
    assert_eq!(stats(&daemon)["disconnects"]["send_queue"], slow.len());
    assert_eq!(stats(&daemon)["send_queue_bytes"], 0);
    drop(slow);
    assert_recovers(&daemon, before, KEPT);
}

#[test]
fn who_reads_a_byte_now_and_then_for_ever_is_cut_off_in_time() {
    // Six seconds for whoever comes from there; the others have the usual three minutes.
    let class =
        "[[class]]\nname = \"hasty\"\nnetworks = [\"127.0.0.2\"]\nping_interval = 3\nping_timeout = 3\n";
    let daemon = Daemon::start(&format!("{OPEN}{class}"));
    let mut talker = daemon.user("talker");
    talker.send("JOIN #room");
    let mut slow = Client::connect_from(Ipv4Addr::new(127, 0, 0, 2), daemon.addr);
    slow.register("slow");
    slow.send("JOIN #room");
    slow.sync();
    talker.expect("JOIN");
    let line = format!("PRIVMSG slow :{}", "x".repeat(400));
    let mut lines = Vec::new();
    while stats(&daemon)["send_queue_bytes"].as_u64() < Some(100_000) {
        // It is alive and says so.
        slow.send("PONG alive");
        for _ in 0..100 {
            talker.send(&line);
        }
        lines.extend(talker.sync());
    }
    wait_until("it is cut off", || {
        slow.send("PONG alive");
        let _ = slow.stream().read(&mut [0]);
        lines.extend(talker.sync());
        lines.iter().any(|line| line.contains("QUIT :Send queue not read in time"))
    });
    let quit = daemon.wait_for_output("cause=stalled");
    assert!(quit.contains("user=slow!"), "{quit}");
}

/// Clients that all send the same without end, from a thread or two, and read what they get if they do.
struct Crowd {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Each of `count` clients says `first`, with `@` for a number of its own, and then `again` for ever, so many bytes
    /// at a time.
    fn start(addr: SocketAddr, count: usize, first: &str, again: &[u8], piece: usize, reads: bool) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut sockets: Vec<_> = (0..count)
            .map(|n| {
                let mut stream = TcpStream::connect(addr).expect("chatd accepts connections");
                stream.write_all(first.replace('@', &n.to_string()).as_bytes()).expect("it is sent");
                stream.set_nodelay(true).expect("an option can be set");
                stream.set_nonblocking(true).expect("an option can be set");
                (stream, 0)
            })
            .collect();
        let (stopped, total, again) = (Arc::clone(&stop), Arc::clone(&sent), again.to_vec());
        let thread = thread::spawn(move || {
            let mut sink = vec![0; 64 * 1024];
            while !stopped.load(Ordering::Relaxed) {
                for (stream, at) in &mut sockets {
                    for _ in 0..32 {
                        let end = again.len().min(*at + piece);
                        let Ok(count) = stream.write(&again[*at..end]) else { break };
                        *at = (*at + count) % again.len();
                        total.fetch_add(count as u64, Ordering::Relaxed);
                    }
                    while reads && matches!(stream.read(&mut sink), Ok(1..)) {}
                }
                thread::yield_now();
            }
        });
        Self { stop, sent, threads: vec![thread] }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Each PING of a bystander is answered, in order, while a flood goes on, and what it cost comes back after.
fn bystander_is_served(daemon: &Daemon, start: impl Fn() -> Crowd) {
    let mut bystander = daemon.user("bystander");
    costs_nothing_again(daemon, || serves_during(daemon, &mut bystander, start()));
    bystander.sync();
}

fn serves_during(daemon: &Daemon, bystander: &mut Client, crowd: Crowd) {
    let mut seen = 0;
    for round in 0..8 {
        wait_until("the flood goes on", || crowd.sent() > seen);
        seen = crowd.sent();
        for n in 0..10 {
            bystander.send(&format!("PING :{round}.{n}"));
        }
        for n in 0..10 {
            let line = bystander.line();
            assert!(line.ends_with(&format!(" PONG chat.localhost :{round}.{n}")), "{line}");
        }
    }
    drop(crowd);
    wait_until("the flood is over", || stats(daemon)["connections_now"] == 1);
}

const HELLO: &str = "NICK flood@\r\nUSER u 0 * :u\r\nJOIN #flood\r\n";

#[test]
fn a_hundred_who_send_valid_lines_starve_nobody() {
    let daemon = Daemon::start(OPEN);
    let lines = "PING :and on\r\nNOTICE bystanders :is nobody\r\nTOPIC #flood\r\n".repeat(100);
    bystander_is_served(&daemon, || Crowd::start(daemon.addr, 100, HELLO, lines.as_bytes(), 4_096, true));
}

#[test]
fn a_hundred_who_send_garbage_starve_nobody() {
    let daemon = Daemon::start(OPEN);
    // Every byte there is, line ends among them, in an order without sense.
    let garbage: Vec<u8> = (0..65_536_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    bystander_is_served(&daemon, || Crowd::start(daemon.addr, 100, HELLO, &garbage, 4_096, true));
}

#[test]
fn a_hundred_who_never_end_a_line_starve_nobody() {
    let daemon = Daemon::start(OPEN);
    bystander_is_served(&daemon, || Crowd::start(daemon.addr, 100, HELLO, &[b'x'; 4_096], 4_096, true));
}

#[test]
fn a_hundred_who_write_byte_by_byte_starve_nobody() {
    let daemon = Daemon::start(OPEN);
    bystander_is_served(&daemon, || Crowd::start(daemon.addr, 100, HELLO, b"PING :slowly\r\n", 1, true));
}

#[test]
fn a_flood_whose_answers_nobody_reads_ends_by_itself() {
    // Each question has an answer of some kilobytes.
    let motd = format!("{}\\n", "x".repeat(300)).repeat(30);
    let daemon = Daemon::start(&format!("[server]\nmotd = \"{motd}\"\n{OPEN}send_queue = 524288\n"));
    let mut bystander = daemon.user("bystander");
    let mut ended = 0;
    costs_nothing_again(&daemon, || {
        ended += 10;
        let crowd = Crowd::start(daemon.addr, 10, HELLO, &b"MOTD\r\n".repeat(100), 600, false);
        wait_until("all of them are cut off", || {
            bystander.sync();
            stats(&daemon)["connections_now"] == 1 && stats(&daemon)["connections_total"] == ended + 1
        });
        let stats = stats(&daemon);
        assert_eq!(stats["disconnects"]["send_queue"], ended, "{stats}");
        drop(crowd);
    });
}

/// How many connections this process can have besides what other tests need, and the address may.
fn many() -> usize {
    raise_descriptors();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    usize::try_from(hard).map_or(9_900, |hard| (hard / 2).clamp(200, 9_900))
}

#[test]
fn connections_that_nobody_uses_cost_the_others_nothing() {
    let count = many();
    let daemon = Daemon::start(&format!("{OPEN}connections = 20000\n[timeouts]\nregistration = 300\n"));
    let mut bystander = daemon.user("bystander");
    let before = costs(&daemon);
    let room = stats(&daemon)["descriptors_limit"].as_u64().unwrap() - 40;
    let count = count.min(usize::try_from(room).unwrap());
    let mut idle = Vec::new();
    for n in 0..count {
        idle.push(TcpStream::connect(daemon.addr).expect("the backlog has room"));
        if n % 100 == 0 {
            bystander.sync();
        }
    }
    wait_until("all are connected", || stats(&daemon)["connections_now"] == count + 1);
    let (descriptors, memory) = costs(&daemon);
    assert!(descriptors >= count, "each has one");
    assert!(memory.saturating_sub(before.1) < count as u64 * 2_048, "{memory} bytes for {count} connections");
    bystander.sync();
    drop(idle);
    wait_until("all have left", || stats(&daemon)["connections_now"] == 1);
    assert_recovers(&daemon, before, memory.saturating_sub(before.1) / 2);
    assert!(bystander.sync().is_empty());
}

#[test]
fn connections_that_close_at_once_leave_nothing() {
    let daemon = Daemon::start(OPEN);
    let mut bystander = daemon.user("bystander");
    costs_nothing_again(&daemon, || {
        for n in 0..5_000 {
            // Closing with unread input, or none, and with a reset as some scanners do.
            let stream = TcpStream::connect(daemon.addr).expect("the backlog has room");
            if n % 3 == 0 {
                let _ = (&stream).write_all(b"NICK scanner\r\n");
            }
            if n % 2 == 0 {
                let _ = socket2::SockRef::from(&stream).set_linger(Some(std::time::Duration::ZERO));
            }
            if n % 250 == 0 {
                bystander.sync();
            }
        }
        wait_until("all have left", || stats(&daemon)["connections_now"] == 1);
    });
    bystander.sync();
}

#[test]
fn peers_that_close_half_or_vanish_do_not_stay() {
    // A silent peer is as one whose machine is gone: nothing comes from it, and nothing says so.
    let class =
        "[[class]]\nname = \"hasty\"\nnetworks = [\"127.0.0.2\"]\nping_interval = 3\nping_timeout = 3\n";
    let daemon = Daemon::start(&format!("{OPEN}{class}"));
    let mut bystander = daemon.user("bystander");
    bystander.send("JOIN #room");
    bystander.sync();
    let before = costs(&daemon);
    let mut peers = Vec::new();
    for n in 0..40 {
        let from = Ipv4Addr::new(127, 0, 0, if n % 2 == 0 { 1 } else { 2 });
        let mut peer = Client::connect_from(from, daemon.addr);
        peer.register(&format!("peer{n}"));
        peer.send("JOIN #room");
        peer.sync();
        if n % 2 == 0 {
            peer.stream().shutdown(Shutdown::Write).unwrap();
        }
        peers.push(peer);
    }
    let mut quits = Vec::new();
    wait_until("all are gone", || {
        quits.extend(bystander.sync().into_iter().filter(|line| line.contains(" QUIT ")));
        quits.len() == peers.len()
    });
    let of = |reason: &str| quits.iter().filter(|line| line.contains(reason)).count();
    assert_eq!((of(":Connection closed"), of(":Ping timeout: ")), (20, 20), "{quits:?}");
    // Their own ends are still open.
    wait_until("no descriptor is kept for them", || costs(&daemon).0 <= before.0 + 1);
    for peer in &mut peers {
        peer.stream().set_nonblocking(false).unwrap();
        let last = loop {
            let mut rest = Vec::new();
            match peer.stream().read_to_end(&mut rest) {
                Ok(_) => break String::from_utf8(rest).unwrap(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert!(last.is_empty() || last.ends_with("\r\n"), "{last}");
    }
}

/// Connects and registers so many, each in a channel with nine others, and waits until each has been told all of it.
fn crowd(daemon: &Daemon, count: usize) -> Vec<TcpStream> {
    let mut crowd = Vec::new();
    for n in 0..count {
        let mut stream = TcpStream::connect(daemon.addr).expect("the backlog has room");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let lines = format!("NICK crowd{n}\r\nUSER crowd 0 * :crowd\r\nJOIN #crowd{}\r\n", n / 10);
        stream.write_all(lines.as_bytes()).unwrap();
        crowd.push(stream);
    }
    let mut buffer = [0; 4096];
    for stream in &mut crowd {
        let mut heard = Vec::new();
        while !heard.windows(5).any(|bytes| bytes == b" 366 ") {
            let count = stream.read(&mut buffer).expect("the greeting and the names come");
            assert!(count > 0, "somebody is not let in");
            heard.extend_from_slice(&buffer[..count]);
        }
    }
    crowd
}

/// What users themselves take comes back when they have left, but for what WHOWAS tells of them and what little is left in pages
/// of others.
#[test]
#[cfg(target_env = "gnu")]
fn memory_of_a_crowd_that_has_left_comes_back() {
    let daemon = Daemon::start(&format!("{OPEN}connections = 20000\nwhowas_entries = 0\n"));
    let count = many().min(4_000);
    // The first crowd pays for what is kept for the next.
    drop(crowd(&daemon, 500));
    wait_until("the first have left", || stats(&daemon)["connections_now"] == 0);
    let before = costs(&daemon).1;
    let people = crowd(&daemon, count);
    let there = costs(&daemon).1.saturating_sub(before);
    assert!(there > count as u64 * 400, "{there} bytes for {count} people");
    drop(people);
    wait_until("all have left", || stats(&daemon)["connections_now"] == 0);
    wait_until("most of the memory has come back", || costs(&daemon).1.saturating_sub(before) < there / 3);
}
