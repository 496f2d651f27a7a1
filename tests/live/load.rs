//! Fairness: one client's load is not another one's wait.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use super::*;

/// A client that sends without pause, and one thread more to read what it gets.
struct Flooder {
    stream: TcpStream,
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Flooder {
    fn start(daemon: &Daemon, lines: &str) -> Self {
        let stream = TcpStream::connect(daemon.addr).unwrap();
        let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        // Both threads use the one socket: a shared reference can be read from and written to.
        let socket = Arc::new(stream.try_clone().unwrap());
        let (to, from) = (Arc::clone(&socket), socket);
        let (count, stopped) = (Arc::clone(&sent), Arc::clone(&stop));
        let burst = lines.repeat(1 + 64 * 1024 / lines.len());
        let writer = thread::spawn(move || {
            (&*to).write_all(b"NICK flooder\r\nUSER u 0 * :u\r\nJOIN #flood\r\n").unwrap();
            while !stopped.load(Ordering::Relaxed) && (&*to).write_all(burst.as_bytes()).is_ok() {
                count.fetch_add(burst.len() as u64, Ordering::Relaxed);
            }
        });
        let reader = thread::spawn(move || {
            let mut sink = vec![0; 64 * 1024];
            while matches!((&*from).read(&mut sink), Ok(1..)) {}
        });
        Self { stream, sent, stop, threads: vec![writer, reader] }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn serves_others_beside(config: &str, lines: &str) {
    let daemon = Daemon::start(config);
    let mut prober = daemon.user("prober");
    let flooder = Flooder::start(&daemon, lines);
    // Probes are answered, and the flood goes on all the while: both, turn for turn.
    let mut before = 0;
    for _ in 0..20 {
        wait_until("the flood is taken", || flooder.sent() > before);
        before = flooder.sent();
        for _ in 0..10 {
            prober.sync();
        }
    }
    let stats = stats(&daemon);
    assert!(stats["bytes_in"].as_u64().unwrap() > 1_000_000, "{stats}");
    assert_eq!(stats["connections_now"], 2, "the flooder, too, is still there: {stats}");
}

#[test]
fn a_flood_of_unknown_commands_starves_nobody() {
    serves_others_beside(OPEN, "NONSENSE and more of it\r\n");
}

#[test]
fn a_flood_of_lines_without_end_starves_nobody() {
    serves_others_beside(OPEN, &format!("{}\r\n", "x".repeat(9_000)));
}

#[test]
fn a_flood_of_messages_to_a_channel_starves_nobody() {
    let daemon = Daemon::start(OPEN);
    let mut members: Vec<_> = (0..10).map(|n| daemon.user(&format!("member{n}"))).collect();
    for member in &mut members {
        member.send("JOIN #flood");
        member.sync();
    }
    // Each line of the flood goes to ten others, who read it.
    let readers: Vec<_> = members
        .into_iter()
        .map(|member| {
            let mut stream = member.stream().try_clone().unwrap();
            let reader = thread::spawn(move || {
                let mut sink = vec![0; 64 * 1024];
                while matches!(stream.read(&mut sink), Ok(1..)) {}
            });
            (member, reader)
        })
        .collect();
    let mut prober = daemon.user("prober");
    let flooder = Flooder::start(&daemon, "PRIVMSG #flood :and on, and on\r\n");
    let mut before = 0;
    for _ in 0..10 {
        wait_until("the flood is taken", || flooder.sent() > before);
        before = flooder.sent();
        for _ in 0..5 {
            prober.sync();
        }
    }
    drop(flooder);
    let stats = stats(&daemon);
    assert!(stats["deliveries"].as_u64().unwrap() > 10_000, "{stats}");
    for (member, reader) in readers {
        member.stream().shutdown(std::net::Shutdown::Both).unwrap();
        reader.join().unwrap();
    }
}
