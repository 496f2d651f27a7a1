//! What events mean, and what they do not.

use nix::errno::Errno;

use super::*;
use crate::net::fake::{Call, Faults};
use crate::net::shell::Signal;
use crate::proto::limits::{ACCEPT_PAUSE_MS, ACCEPTS_PER_TURN, INPUT_LINE, IOVECS};

const ALL: Ready =
    Ready { readable: true, writable: true, read_closed: true, write_closed: true, error: true };

#[test]
fn spurious_events_and_would_block_change_nothing() {
    let talk = |faults: Faults| {
        let mut rig = Rig::new();
        rig.driver().faults = faults;
        let users = rig.room(["ann", "bob", "cat"]);
        for round in 0..20 {
            rig.say(users[round % 3], &format!("PRIVMSG #room :message {round}\r\n"));
            rig.settle();
        }
        let heard = users.map(|user| rig.hear(user));
        let stats = rig.stats();
        (heard, stats["connections_now"].clone(), stats["disconnects"].clone(), stats["users"].clone())
    };
    // So many that the loop still comes to rest now and then.
    let faults =
        Faults { would_block: 200, short_read: 200, short_write: 200, spurious: 100, ..Faults::default() };
    assert_eq!(talk(faults), talk(Faults::default()));
}

#[test]
fn events_that_claim_everything_of_an_idle_connection_do_nothing() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    let tokens = [ann, bob].map(|user| rig.driver().token(user).unwrap());
    for _ in 0..3 {
        rig.turn_with(&tokens.map(|token| (token, ALL)));
    }
    assert!(!rig.driver().is_closed(ann) && rig.hear(bob).is_empty());
    rig.say(ann, "PRIVMSG #room :still here\r\n");
    rig.settle();
    assert!(rig.hear(bob).contains("still here"));
}

#[test]
fn a_client_that_says_nothing_costs_one_turn_and_a_timer() {
    let mut rig = Rig::new();
    let silent = rig.connect();
    rig.settle();
    let calls = rig.driver().calls;
    // Writable came first, as it does: nobody takes that for a greeting.
    assert_eq!((calls.reads, calls.writes), (0, 0));
    assert_eq!(rig.shell.deadline(), Some(rig.now.mono_ms + 30_000));
    rig.pass(29_999);
    assert!(!rig.driver().is_closed(silent));
    rig.pass(1);
    assert!(rig.hear(silent).starts_with("ERROR :"));
    assert_eq!(rig.stats()["disconnects"]["registration_timeout"], 1);
}

#[test]
fn no_read_is_into_nothing_whatever_the_line_lengths_and_the_quota() {
    // The fake panics at a read into an empty buffer, and a client that is taken for closed loses its lines.
    for quota in [512, 513, 8_703, 65_535, 1 << 20] {
        let mut config = config();
        config.limits.bytes_per_turn = quota;
        let mut rig = Rig::with(config);
        let user = rig.user("ann");
        for length in [1, 511, 512, 513, INPUT_LINE - 1, INPUT_LINE, INPUT_LINE + 1, 70_000, 140_000] {
            rig.say(user, &"x".repeat(length));
            rig.settle();
            rig.say(user, &format!("\r\nPING {length}\r\n"));
            rig.settle();
            assert!(rig.hear(user).contains(&format!("PONG chat.localhost :{length}")), "{quota} {length}");
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_told_of_once_and_skipped() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    for _ in 0..10 {
        rig.say(user, &"x".repeat(INPUT_LINE / 2));
        rig.settle();
    }
    assert_eq!(rig.hear(user).matches(" 417 ").count(), 1);
    // Whether its LF comes in the same read or not.
    rig.say(user, &format!("x\nPING a\r\n{}\nPING b\r\n", "y".repeat(INPUT_LINE)));
    rig.settle();
    let heard = rig.hear(user);
    assert_eq!(heard.matches(" 417 ").count(), 1, "{heard}");
    assert!(heard.contains("PONG chat.localhost :a") && heard.contains("PONG chat.localhost :b"), "{heard}");
}

#[test]
fn one_event_with_both_flags_is_answered_in_its_turn() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    rig.say(user, "PING now\r\n");
    let events = rig.driver().poll();
    assert!(events[0].1.readable && events[0].1.writable);
    let before = rig.driver().calls;
    rig.turn_with(&events);
    assert!(rig.hear(user).contains("PONG chat.localhost :now"));
    let after = rig.driver().calls;
    // One read, as it was short; one write, as there was something to say; no more for the writable flag.
    assert_eq!((after.reads - before.reads, after.writes - before.writes), (1, 1));
}

#[test]
fn all_of_a_burst_is_handled_though_the_system_tells_of_it_once() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    let burst = "PING x\r\n".repeat(8_192);
    rig.say(user, &burst);
    let mut answers = 0;
    let mut turns = 0;
    let events = rig.driver().poll();
    rig.turn_with(&events);
    while answers < 8_192 {
        let heard = rig.hear(user).matches("PONG").count();
        assert_eq!(heard, 32, "its share of the turn, no less and no more");
        answers += heard;
        assert!(answers == 8_192 || rig.is_due(), "after {answers} answers nobody would go on");
        // No event from here on.
        rig.turn_with(&[]);
        turns += 1;
    }
    assert!(turns >= 8_192 / 32);
    rig.settle();
}

#[test]
fn more_input_does_not_mean_a_second_share() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    rig.say(user, &"PING x\r\n".repeat(100));
    rig.turn();
    assert_eq!(rig.hear(user).matches("PONG").count(), 32);
    // It is on the ready list now, and has an event as well.
    rig.say(user, "PING y\r\n");
    assert!(rig.turn());
    assert_eq!(rig.hear(user).matches("PONG").count(), 32);
    rig.settle();
    assert_eq!(rig.hear(user).matches("PONG").count(), 37);
}

#[test]
fn a_flooder_delays_nobody_by_more_than_its_share_of_a_turn() {
    let mut config = config();
    config.limits.deliveries_per_turn = 40;
    let mut rig = Rig::with(config);
    let [flooder, prober, witness] = rig.room(["ann", "bob", "cat"]);
    for user in [flooder, prober, witness] {
        rig.driver().set_capacity(user, 1 << 20);
    }
    rig.say(flooder, &"PRIVMSG #room :flood\r\n".repeat(5_000));
    for probe in 0..50 {
        rig.say(prober, &format!("PING {probe}\r\n"));
        rig.turn();
        let heard = rig.hear(prober);
        assert!(heard.contains(&format!("PONG chat.localhost :{probe}")), "answered in the turn it asked");
        // Two hear each line: forty deliveries are twenty lines.
        assert_eq!(heard.matches("flood").count(), 20, "{probe}: {heard}");
    }
    rig.settle();
    assert_eq!(rig.hear(witness).matches("flood").count(), 5_000);
}

#[test]
fn a_full_socket_is_left_alone_until_it_is_writable() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    rig.driver().set_capacity(bob, 100);
    for _ in 0..10 {
        rig.say(ann, "PRIVMSG #room :0123456789012345678901234567890123456789\r\n");
        rig.settle();
    }
    assert!(!rig.is_due(), "nothing to do but wait");
    let writes = rig.driver().calls.writes;
    rig.say(ann, "PRIVMSG #room :last\r\n");
    rig.settle();
    assert_eq!(rig.driver().calls.writes, writes, "not tried again");
    assert!(rig.stats()["send_queue_bytes"].as_u64().unwrap() > 700);
    // It drains a little at a time, and nothing is lost or out of order.
    let mut all = String::new();
    while !all.ends_with("last\r\n") {
        let some = rig.driver().receive(bob, 33);
        assert!(!some.is_empty(), "more comes after {all:?}");
        all.push_str(std::str::from_utf8(&some).unwrap());
        rig.settle();
    }
    assert_eq!(all.matches("PRIVMSG").count(), 11);
    assert_eq!(rig.stats()["send_queue_bytes"], 0);
}

#[test]
fn many_pieces_for_one_client_are_still_one_write() {
    let mut config = config();
    (config.limits.lines_per_turn, config.limits.bytes_per_turn) = (1_000, 1 << 20);
    let mut rig = Rig::with(config);
    let [ann, bob, cat] = rig.room(["ann", "bob", "cat"]);
    for remote in [ann, cat] {
        rig.driver().set_capacity(remote, 1 << 20);
    }
    let long = "x".repeat(300);
    // Pieces are gathered, unless they are long and few enough for `writev`.
    for (count, text, calls) in
        [(2, "", (2, 0)), (300, "", (2, 0)), (IOVECS, &*long, (1, 1)), (IOVECS + 1, &*long, (2, 0))]
    {
        // What ann gets is not next to what cat gets: no two spans merge.
        let line = |n| format!("PING {n}\r\nPRIVMSG cat :{text}:{n}\r\n");
        let lines: Vec<_> = (0..count).map(line).collect();
        rig.say(ann, &lines.concat());
        let before = rig.driver().calls;
        rig.turn();
        let after = rig.driver().calls;
        let writes = (after.writes - before.writes, after.vectored - before.vectored);
        assert_eq!(writes, calls, "{count} of {} bytes", text.len());
        let heard = rig.hear(cat);
        let order: Vec<_> = heard.lines().map(|line| line.rsplit(':').next().unwrap()).collect();
        assert_eq!(order, (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(rig.hear(ann).matches("PONG").count(), count);
        assert!(rig.hear(bob).is_empty());
    }
}

#[test]
fn every_error_of_accept_is_survived() {
    let mut rig = Rig::new();
    for errno in [
        Errno::ECONNABORTED,
        Errno::EINTR,
        Errno::EPROTO,
        Errno::EPERM,
        Errno::ENETDOWN,
        Errno::EHOSTUNREACH,
        Errno::EMFILE,
        Errno::ENFILE,
        Errno::ENOBUFS,
        Errno::ENOMEM,
    ] {
        rig.driver().fail(Call::Accept, errno);
        let client = rig.connect();
        rig.say(client, "PING hello\r\n");
        rig.settle();
        rig.pass(ACCEPT_PAUSE_MS);
        assert!(rig.driver().token(client).is_some(), "{errno}: the client that waited was accepted");
    }
    // These mean that the listener itself is broken: it is given up, nothing else is.
    let user = rig.user("ann");
    for errno in [Errno::EBADF, Errno::EINVAL] {
        let mut config = config();
        config.listen = vec![listen("192.0.2.1:6667"), listen(&format!("192.0.2.1:{}", errno as i32))];
        rig.file = Ok(config.clone());
        rig.shell.signal(Signal::Reload);
        rig.settle();
        let address = addresses(&config).nth(1).unwrap();
        rig.driver().fail(Call::Accept, errno);
        rig.driver().connect(address, "198.51.100.9:1".parse().unwrap());
        rig.settle();
        assert!(!rig.driver().is_listening(address));
    }
    rig.say(user, "PING on\r\n");
    rig.settle();
    assert!(rig.hear(user).contains("PONG"));
}

#[test]
fn a_listener_that_only_fails_is_left_alone_for_a_while() {
    let mut rig = Rig::new();
    for _ in 0..ACCEPTS_PER_TURN {
        rig.driver().fail(Call::Accept, Errno::EPERM);
    }
    let client = rig.connect();
    rig.settle();
    assert_eq!(rig.driver().calls.accepts, ACCEPTS_PER_TURN as u64);
    assert_eq!(rig.shell.deadline(), Some(rig.now.mono_ms + ACCEPT_PAUSE_MS), "the loop sleeps");
    rig.pass(ACCEPT_PAUSE_MS);
    assert!(rig.driver().token(client).is_some());
}

#[test]
fn without_descriptors_the_served_stay_served_and_others_get_in_as_they_become_free() {
    let mut rig = Rig::new();
    rig.driver().most_open = 3;
    let [ann, bob, cat] = rig.room(["ann", "bob", "cat"]);
    let waiting: Vec<_> = (0..5).map(|_| rig.connect()).collect();
    rig.settle();
    let accepts = rig.driver().calls.accepts;
    for _ in 0..10 {
        // No spin: one try for each pause, and the loop sleeps in between.
        assert_eq!(rig.shell.deadline(), Some(rig.now.mono_ms + ACCEPT_PAUSE_MS));
        rig.pass(ACCEPT_PAUSE_MS);
    }
    assert_eq!(rig.driver().calls.accepts, accepts + 10);
    rig.say(ann, "PRIVMSG #room :served\r\n");
    rig.settle();
    assert!(rig.hear(bob).contains("served") && rig.hear(cat).contains("served"));
    // A descriptor becomes free: the next in line has it without waiting for the timer.
    for (leaving, next) in [(ann, waiting[0]), (bob, waiting[1]), (waiting[0], waiting[2])] {
        rig.driver().close_remote(leaving);
        rig.settle();
        assert!(rig.driver().token(next).is_some());
    }
    rig.driver().most_open = usize::MAX;
    rig.pass(ACCEPT_PAUSE_MS);
    assert!(waiting[3..].iter().all(|&remote| rig.driver().token(remote).is_some()));
}

#[test]
fn chat_leaves_room_for_operators() {
    let mut rig = Rig::new();
    rig.shell.limit_connections(2);
    let clients: Vec<_> = (0..4).map(|_| rig.connect()).collect();
    rig.settle();
    let accepted = |rig: &mut Rig| clients.iter().filter(|it| rig.driver().token(**it).is_some()).count();
    assert_eq!(accepted(&mut rig), 2);
    assert_eq!(rig.stats()["refused"]["resources"], 1);
    assert_eq!(accepted(&mut rig), 2, "the operator has left, and no client taken the place");
    rig.driver().close_remote(clients[0]);
    rig.settle();
    assert_eq!(accepted(&mut rig), 2);
}

#[test]
fn one_turn_accepts_no_more_than_its_share() {
    let mut config = config();
    config.limits.connections_per_address = 1_000;
    let mut rig = Rig::with(config);
    let clients: Vec<_> = (0..=ACCEPTS_PER_TURN * 2).map(|_| rig.connect()).collect();
    for expected in [ACCEPTS_PER_TURN, 2 * ACCEPTS_PER_TURN, clients.len()] {
        rig.turn();
        assert_eq!(rig.driver().open_streams(), expected);
    }
}

#[test]
fn a_refused_client_is_told_why_and_costs_no_slot() {
    let mut config = config();
    config.limits.connections = 1;
    let mut rig = Rig::with(config);
    let user = rig.user("ann");
    let refused = rig.connect();
    rig.settle();
    assert_eq!(rig.hear(refused), "ERROR :The server is full, try again later\r\n");
    assert!(rig.driver().is_closed(refused) && !rig.driver().is_closed(user));
    assert_eq!(rig.stats()["refused"]["full"], 1);
}

#[test]
fn a_connection_that_cannot_be_registered_is_closed_and_counted() {
    let mut rig = Rig::new();
    rig.driver().fail(Call::Register, Errno::ENOSPC);
    let client = rig.connect();
    rig.settle();
    assert!(rig.driver().is_closed(client));
    assert_eq!(rig.stats()["refused"]["error"], 1);
}

#[test]
fn an_event_of_a_connection_closed_in_the_same_turn_finds_nobody() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    let operator = rig.operator();
    rig.settle();
    let ids = [operator, bob, ann].map(|remote| rig.driver().token(remote).unwrap());
    let id = ids[1];
    // The operator kicks bob, whose own event is in the same batch; a newcomer is accepted in it as well.
    rig.say(
        operator,
        &format!(
            "{}\n",
            serde_json::json!({
                "jsonrpc": "2.0", "id": 1, "method": "kick", "params": {"id": id}
            })
        ),
    );
    rig.say(bob, "PRIVMSG #room :I am not here\r\n");
    let newcomer = rig.connect();
    rig.say(newcomer, "PING me\r\n");
    rig.driver().poll();
    let listener = rig.shell.gates[0].token;
    let readable = Ready { readable: true, ..Ready::default() };
    rig.turn_with(&[(ids[0], readable), (listener, readable), (id, ALL)]);
    assert!(!rig.hear(ann).contains("not here"));
    let token = rig.driver().token(newcomer).unwrap();
    assert_ne!(token as u32, id as u32, "no slot is reused in the turn it became free");
    rig.settle();
    // bob's end is gone by now; his slot is free, his token dead.
    rig.driver().close_remote(bob);
    rig.settle();
    rig.turn_with(&[(id, ALL)]);
    rig.settle();
    let heard = rig.hear(newcomer);
    assert!(heard.contains("PONG") || heard.contains(" 451 "), "{heard}");
    assert!(!rig.driver().is_closed(newcomer));
}

#[test]
fn a_slot_is_not_reused_before_the_turn_in_which_it_became_free_is_over() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    let tokens = [ann, bob].map(|remote| rig.driver().token(remote).unwrap());
    // ann is told something, breaks off, and another one is accepted, who must not hear it.
    rig.say(bob, "PRIVMSG #room :for ann\r\n");
    rig.driver().reset(ann);
    let newcomer = rig.connect();
    rig.driver().poll();
    let readable = Ready { readable: true, ..Ready::default() };
    let listener = rig.shell.gates[0].token;
    rig.turn_with(&[(tokens[1], readable), (tokens[0], ALL), (listener, readable), (tokens[0], ALL)]);
    assert!(rig.driver().is_closed(ann));
    let token = rig.driver().token(newcomer).unwrap();
    assert_ne!(token as u32, tokens[0] as u32);
    assert_eq!(rig.hear(newcomer), "");
}

#[test]
fn a_slot_is_reused_and_its_token_is_not() {
    let mut rig = Rig::new();
    let first = rig.connect();
    rig.settle();
    let old = rig.driver().token(first).unwrap();
    rig.driver().close_remote(first);
    rig.settle();
    let second = rig.user("ann");
    let new = rig.driver().token(second).unwrap();
    assert_eq!(old as u32, new as u32);
    assert_ne!(old, new);
    rig.say(second, "PING x\r\n");
    rig.driver().poll();
    rig.turn_with(&[(old, ALL)]);
    assert!(rig.hear(second).is_empty(), "the event was for somebody else");
    rig.turn_with(&[(new, ALL)]);
    assert!(rig.hear(second).contains("PONG"));
}

#[test]
fn signals_are_a_set_and_stop_beats_reload() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    for _ in 0..100 {
        rig.shell.signal(Signal::Reload);
        rig.settle();
    }
    assert!(!rig.driver().is_closed(user) && !rig.shell.is_finished());
    rig.shell.signal(Signal::Stop);
    rig.shell.signal(Signal::Reload);
    rig.settle();
    assert!(!rig.shell.is_finished(), "a client has still to leave");
    rig.driver().close_remote(user);
    rig.settle();
    assert!(rig.shell.is_finished());
}

#[test]
fn a_throttled_client_is_not_read_and_goes_on_when_its_time_comes() {
    let mut config = config();
    (config.limits.flood_burst, config.limits.flood_rate) = (5, 1);
    let mut rig = Rig::with(config);
    let user = rig.user("ann");
    rig.pass(60_000);
    rig.hear(user);
    rig.say(user, &"PING x\r\n".repeat(20));
    rig.settle();
    let heard = rig.hear(user).matches("PONG").count();
    assert!((4..=6).contains(&heard), "{heard}");
    let reads = rig.driver().calls.reads;
    rig.say(user, "PING y\r\n");
    rig.settle();
    assert_eq!(rig.driver().calls.reads, reads, "what it sends now waits in the kernel");
    let mut heard = String::new();
    for _ in 0..40 {
        rig.pass(1_000);
        heard.push_str(&rig.hear(user));
    }
    assert!(heard.contains("PONG chat.localhost :y"), "{heard}");
}
