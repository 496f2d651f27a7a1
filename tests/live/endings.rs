//! How connections end on real sockets: data, FIN and RST in every order that a kernel has for them.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use socket2::SockRef;

use super::*;
use crate::common::Client;

/// A client that hears what others do in #room.
fn witness(daemon: &Daemon) -> Client {
    let mut witness = daemon.user("witness");
    witness.send("JOIN #room");
    witness.sync();
    witness
}

#[test]
fn who_says_all_at_once_and_closes_has_been_heard() {
    let daemon = Daemon::start(OPEN);
    let mut witness = witness(&daemon);
    for n in 0..300 {
        let mut client = daemon.connect();
        client.send(&format!(
            "NICK user{n}\r\nUSER u 0 * :u\r\nJOIN #room\r\nPRIVMSG #room :I am {n}\r\nQUIT :that was {n}"
        ));
        drop(client);
        // No timer of the server's ends a session this early; were the end not seen, this would take minutes.
        witness.expect(&format!("PRIVMSG #room :I am {n}"));
        let quit = witness.expect(" QUIT ");
        assert!(quit.ends_with(&format!("that was {n}")), "{quit}");
    }
    wait_until("all are gone", || stats(&daemon)["connections_now"] == 1);
    assert_eq!(stats(&daemon)["disconnects"]["quit"], 300);
}

#[test]
fn every_kind_of_end_is_one_end() {
    let daemon = Daemon::start(OPEN);
    let mut witness = witness(&daemon);
    for (n, pending) in [false, true].into_iter().cycle().take(60).enumerate() {
        let mut client = daemon.user(&format!("user{n}"));
        client.send("JOIN #room");
        client.sync();
        if pending {
            client.send(&format!("PRIVMSG #room :last of {n}"));
        }
        match n / 2 % 3 {
            0 => client.stream().shutdown(Shutdown::Write).unwrap(),
            1 => {}
            _ => SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap(),
        }
        // With a linger of zero, closing sends a reset.
        let client = (n / 2 % 3 == 0).then_some(client);
        let mut seen = Vec::new();
        while !seen.iter().any(|line: &String| line.contains(" QUIT ")) {
            seen.push(witness.line());
        }
        assert!(seen.last().unwrap().starts_with(&format!(":user{n}!")), "{seen:?}");
        assert_eq!(seen.iter().any(|line| line.ends_with(&format!("last of {n}"))), pending, "{n}: {seen:?}");
        drop(client);
    }
    assert!(witness.sync().is_empty(), "and nobody leaves twice");
    wait_until("all are gone", || stats(&daemon)["connections_now"] == 1);
}

#[test]
fn half_a_connection_still_gets_its_answers() {
    let daemon = Daemon::start(OPEN);
    let mut client = daemon.connect();
    client.send("NICK ann\r\nUSER u 0 * :u\r\nPING :after all");
    client.stream().shutdown(Shutdown::Write).unwrap();
    let lines = client.expect_end();
    assert!(lines.iter().any(|line| line.contains(" 001 ")));
    assert!(lines.last().unwrap().ends_with("PONG chat.localhost :after all"), "{lines:?}");
}

#[test]
fn the_last_words_of_the_server_survive_what_the_client_still_sends() {
    let daemon = Daemon::start(OPEN);
    for n in 0..20 {
        let client = daemon.user(&format!("user{n}"));
        // More than the server reads at a time. Were it to close with the rest unread, its kernel would send a
        // reset, at which some systems throw away what has arrived, and writing would fail here.
        let rest = "PRIVMSG nobody :and another thing\r\n".repeat(4_000);
        let mut stream = client.stream();
        stream.write_all(format!("QUIT :enough\r\n{rest}").as_bytes()).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).expect("an end without a reset");
        assert!(heard.contains("ERROR :"), "{heard}");
    }
}
