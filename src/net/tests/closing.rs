//! How connections end.

use nix::errno::Errno;

use super::*;
use crate::net::fake::{Call, Faults};
use crate::net::shell::Signal;
use crate::proto::limits::{
    DRAIN_MS, KEEP_IDLE, KEEP_LEFT, KEEP_QUEUED, TRIM_LATEST_MS, TRIM_MS, TRIM_WORK, TURN_WORK,
};

/// What the peer does after it has sent its last bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Closes its own side only.
    Finish,
    Close,
    Reset,
}

impl Rig {
    fn end(&mut self, remote: Remote, end: End) {
        match end {
            End::Finish => self.driver().finish(remote),
            End::Close => self.driver().close_remote(remote),
            End::Reset => self.driver().reset(remote),
        }
    }
}

#[test]
fn whatever_the_end_lines_before_it_count_and_the_descriptor_goes() {
    for end in [End::Finish, End::Close, End::Reset] {
        for last in ["", "PRIVMSG #room :last words\r\n", "PRIVMSG #room :last words\r\nQUIT :bye\r\n"] {
            // Told of together, or the end after the data has been handled.
            for together in [true, false] {
                let mut rig = Rig::new();
                let [ann, bob] = rig.room(["ann", "bob"]);
                rig.say(ann, last);
                if !together {
                    rig.settle();
                }
                rig.end(ann, end);
                rig.settle();
                let case = format!("{end:?} {last:?} {together}");
                let heard = rig.hear(bob);
                assert_eq!(heard.contains("last words"), !last.is_empty(), "{case}: {heard}");
                assert_eq!(heard.contains("QUIT :Quit: bye"), last.contains("QUIT"), "{case}: {heard}");
                assert_eq!(heard.matches(" QUIT ").count(), 1, "{case}: {heard}");
                assert!(rig.driver().is_closed(ann), "{case}");
                assert_eq!(rig.driver().open_streams(), 1, "{case}");
            }
        }
    }
}

#[test]
fn a_peer_that_closed_its_side_still_gets_its_answers() {
    let mut rig = Rig::new();
    let ann = rig.user("ann");
    rig.driver().set_capacity(ann, 10);
    rig.say(ann, "PING one\r\nPING two\r\nPING three\r\n");
    rig.driver().finish(ann);
    rig.settle();
    let mut heard = String::new();
    while !rig.driver().is_closed(ann) {
        heard.push_str(&rig.hear(ann));
        rig.settle();
    }
    heard.push_str(&rig.hear(ann));
    assert!(heard.contains("one") && heard.ends_with("three\r\n"), "{heard}");
    assert!(rig.driver().has_ended(ann));
}

#[test]
fn data_and_end_in_one_event_is_the_end_at_once() {
    let mut rig = Rig::new();
    let ann = rig.user("ann");
    let before = rig.driver().calls.reads;
    rig.say(ann, "QUIT :gone\r\n");
    rig.driver().close_remote(ann);
    assert!(rig.turn());
    assert!(rig.driver().is_closed(ann), "no further event would come");
    assert!(rig.driver().calls.reads - before <= 2);
    assert_eq!(rig.stats()["disconnects"]["quit"], 1);
}

#[test]
fn the_last_line_arrives_though_the_client_is_still_sending() {
    let mut rig = Rig::new();
    let ann = rig.user("ann");
    rig.say(ann, "QUIT\r\n");
    rig.say(ann, &"PRIVMSG nobody :and more, and more\r\n".repeat(4_000));
    rig.settle();
    assert!(rig.driver().has_ended(ann), "it is told that nothing more comes");
    assert!(!rig.driver().is_closed(ann), "but what it sends is read and dropped, so that no reset is sent");
    assert!(rig.hear(ann).contains("ERROR :Closing Link"));
    rig.say(ann, "more\r\n");
    rig.settle();
    rig.driver().close_remote(ann);
    rig.settle();
    assert!(rig.driver().is_closed(ann) && !rig.driver().is_destroyed(ann));
}

#[test]
fn nobody_lingers_for_ever() {
    let mut rig = Rig::new();
    let [ann, bob] = ["ann", "bob"].map(|nick| rig.user(nick));
    // One is told everything and stays, the other does not even take its last line.
    rig.driver().set_capacity(bob, 0);
    for user in [ann, bob] {
        rig.say(user, "QUIT\r\n");
    }
    rig.settle();
    assert!(rig.driver().has_ended(ann) && !rig.driver().has_ended(bob));
    rig.pass(DRAIN_MS - 1);
    assert_eq!(rig.driver().open_streams(), 2);
    rig.pass(1);
    assert_eq!(rig.driver().open_streams(), 0);
    assert_eq!(rig.shell.deadline(), None);
}

#[test]
fn lines_of_a_peer_that_left_count_as_its_throttle_allows_but_not_for_long() {
    let mut config = config();
    (config.limits.flood_burst, config.limits.flood_rate) = (1, 1);
    let mut rig = Rig::with(config);
    let bob = rig.user("bob");
    rig.pass(10_000);
    let ann = rig.user("ann");
    rig.pass(60_000);
    rig.hear(bob);
    let lines: Vec<_> = (0..20).map(|n| format!("PRIVMSG bob :line {n}.\r\n")).collect();
    rig.say(ann, &lines.concat());
    rig.driver().close_remote(ann);
    rig.settle();
    let mut heard = rig.hear(bob);
    assert!(heard.contains("line 0.") && !heard.contains("line 3."), "{heard}");
    rig.pass(DRAIN_MS - 1_000);
    for _ in 0..9 {
        assert!(!rig.driver().is_closed(ann));
        rig.pass(100);
    }
    heard.push_str(&rig.hear(bob));
    assert!(heard.contains("line 1.") && !heard.contains("line 19."), "{heard}");
    rig.pass(200);
    assert!(rig.driver().is_closed(ann));
    assert_eq!(rig.stats()["disconnects"]["eof"], 1);
}

#[test]
fn nothing_counts_that_comes_after_what_was_dropped_when_time_was_up() {
    let mut config = config();
    (config.limits.flood_burst, config.limits.flood_rate) = (1, 1);
    let mut rig = Rig::with(config);
    let bob = rig.user("bob");
    for round in 0..20 {
        let ann = rig.user(&format!("ann{round}"));
        rig.say(bob, "PONG x\r\n");
        rig.pass(10_000);
        rig.hear(bob);
        let line = |n| format!("PRIVMSG bob :line {n}.\r\n");
        rig.say(ann, &(0..8).map(line).collect::<String>());
        rig.settle();
        // What comes now stays in the kernel, as she is slowed down.
        rig.say(ann, &(8..60).map(line).collect::<String>());
        rig.driver().finish(ann);
        rig.settle();
        rig.driver().faults = Faults { would_block: 500, short_read: 1_000, ..Faults::default() };
        rig.pass(DRAIN_MS + 500);
        rig.driver().faults = Faults::default();
        rig.pass(20_000);
        assert!(rig.driver().is_closed(ann));
        let heard = rig.hear(bob);
        let lines: Vec<_> = heard.split("PRIVMSG bob :").skip(1).collect();
        let expected: Vec<_> = (0..lines.len()).map(|n| format!("line {n}.")).collect();
        assert!(lines.len() > 5, "some count: {heard}");
        assert!(lines.iter().zip(&expected).all(|(line, it)| line.starts_with(it.as_str())), "{heard}");
    }
}

#[test]
fn who_does_not_read_is_cut_off_and_the_others_are_told_in_the_same_turn() {
    let mut config = config();
    config.limits.send_queue = 64 * 1024;
    let mut rig = Rig::with(config);
    let [talker, deaf, other] = rig.room(["ann", "bob", "cat"]);
    rig.driver().set_capacity(deaf, 1_000);
    let line = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    let (mut sent, mut heard) = (0, String::new());
    while !rig.driver().is_closed(deaf) {
        assert!(sent < 64 * 1024 / 400 + 10, "cut off when its queue is full");
        rig.say(talker, &line);
        sent += 1;
        rig.turn();
        heard.push_str(&rig.hear(other));
    }
    assert_eq!(heard.matches("PRIVMSG").count(), sent);
    assert_eq!(heard.matches(":bob!").count(), 1, "one QUIT, and in the turn in which it was cut off");
    let stats = rig.stats();
    assert_eq!((&stats["disconnects"]["send_queue"], &stats["send_queue_bytes"]), (&1.into(), &0.into()));
}

#[test]
fn a_client_that_reads_is_not_cut_off_by_a_turn_full_of_output() {
    let mut config = config();
    (config.limits.send_queue, config.limits.lines_per_turn) = (64 * 1024, 10_000);
    (config.limits.bytes_per_turn, config.limits.deliveries_per_turn) = (1 << 20, 1_000_000);
    let mut rig = Rig::with(config);
    let [talker, listener] = rig.room(["ann", "bob"]);
    rig.driver().set_capacity(listener, 1 << 30);
    rig.say(talker, &format!("PRIVMSG #room :{}\r\n", "x".repeat(400)).repeat(500));
    rig.settle();
    assert_eq!(rig.hear(listener).matches("PRIVMSG").count(), 500);
}

#[test]
fn when_many_are_cut_off_at_once_the_last_round_ends() {
    let mut config = config();
    config.limits.send_queue = 64 * 1024;
    let mut rig = Rig::with(config);
    let nicks = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"];
    let users = rig.room(nicks);
    for &user in &users[1..] {
        rig.driver().set_capacity(user, 0);
    }
    let line = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    for _ in 0..170 {
        rig.say(users[0], &line);
        rig.settle();
    }
    assert_eq!(rig.driver().open_streams(), 1);
    assert_eq!(rig.hear(users[0]).matches(" QUIT ").count(), 7);
}

#[test]
fn a_write_error_ends_the_connection_after_what_it_had_sent() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    // In one turn: bob speaks to ann, whose end is reset, before her own last line has been read.
    rig.say(ann, "QUIT :first\r\n");
    rig.driver().reset(ann);
    rig.driver().poll();
    rig.say(bob, "PRIVMSG #room :hello\r\n");
    rig.turn();
    rig.settle();
    assert!(rig.driver().is_closed(ann));
    assert!(rig.hear(bob).contains("QUIT :Quit: first"));
    assert_eq!(rig.stats()["disconnects"]["quit"], 1);
}

#[test]
fn nothing_is_sent_after_a_write_that_failed() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    rig.hear(ann);
    // Part of a line has been taken, the rest waits, and is lost: what follows would be read as its end.
    rig.driver().set_capacity(ann, 10);
    rig.say(bob, "PRIVMSG #room :the first\r\n");
    rig.settle();
    rig.say(bob, "PRIVMSG #room :the second\r\n");
    let before = rig.hear(ann);
    rig.driver().set_capacity(ann, 1000);
    rig.driver().fail(Call::Write, Errno::ENOBUFS);
    rig.settle();
    assert_eq!((before.len(), rig.hear(ann)), (10, String::new()));
    assert!(rig.driver().is_closed(ann));
}

#[test]
fn at_shutdown_everybody_is_told_and_the_deaf_are_not_waited_for_long() {
    let mut rig = Rig::new();
    let [ann, bob, deaf] = rig.room(["ann", "bob", "cat"]);
    rig.driver().set_capacity(deaf, 10);
    rig.shell.signal(Signal::Stop);
    rig.settle();
    let address = rig.address;
    assert!(!rig.driver().is_listening(address));
    for user in [ann, bob] {
        let heard = rig.hear(user);
        assert!(heard.contains(" NOTICE ") && heard.contains("ERROR :"), "{heard}");
        assert!(rig.driver().has_ended(user));
    }
    rig.driver().close_remote(ann);
    rig.settle();
    assert!(!rig.shell.is_finished());
    // bob does not close, but has all there is: that is not waited for as long as for the deaf.
    rig.pass(1_000);
    assert_eq!(rig.driver().open_streams(), 1);
    assert_eq!(rig.shell.deadline(), Some(rig.now.mono_ms + 4_000));
    rig.pass(4_000);
    assert!(rig.shell.is_finished());
}

#[test]
fn a_second_stop_is_now() {
    let mut rig = Rig::new();
    let deaf = rig.user("ann");
    rig.driver().set_capacity(deaf, 0);
    rig.shell.signal(Signal::Stop);
    rig.settle();
    assert!(!rig.shell.is_finished());
    rig.shell.signal(Signal::Stop);
    rig.settle();
    assert!(rig.shell.is_finished());
}

#[test]
fn what_a_burst_left_behind_is_given_back_and_then_nothing_wakes_the_loop() {
    let mut config = config();
    let limits = &mut config.limits;
    (limits.flood_rate, limits.lines_per_turn, limits.bytes_per_turn) = (0, 10_000, 1 << 20);
    let mut rig = Rig::with(config);
    let [ann, bob] = rig.room(["ann", "bob"]);
    for remote in [ann, bob] {
        rig.driver().set_capacity(remote, 1 << 30);
    }
    rig.say(ann, &format!("PRIVMSG #room :{}\r\n", "x".repeat(300)).repeat(1_000));
    rig.settle();
    assert!(rig.shell.kept_bytes() > KEEP_IDLE);
    rig.pass(TRIM_MS);
    rig.settle();
    assert!(rig.shell.kept_bytes() <= KEEP_IDLE);
    let next = rig.shell.deadline().expect("somebody is there to be asked for a sign of life");
    assert!(next > rig.shell.now.mono_ms + 10 * TRIM_MS);
}

#[test]
fn memory_of_a_crowd_that_has_left_is_given_back_once() {
    let mut config = config();
    config.limits.connections_per_address = 10_000;
    config.throttle.connections = 0;
    let mut rig = Rig::with(config);
    let crowd: Vec<_> = (0..2 * KEEP_LEFT + 2).map(|_| rig.connect()).collect();
    rig.settle();
    for &remote in &crowd[..KEEP_LEFT] {
        rig.driver().reset(remote);
    }
    rig.settle();
    rig.pass(TRIM_MS);
    rig.settle();
    assert_eq!(rig.driver().given_back, 0, "half of them are there");
    for &remote in &crowd[KEEP_LEFT..][..2] {
        rig.driver().reset(remote);
    }
    rig.settle();
    assert_eq!(rig.driver().given_back, 0, "others may come soon");
    for _ in 0..2 {
        rig.pass(TRIM_MS);
        rig.settle();
        assert_eq!(rig.driver().given_back, 1);
    }
    rig.shell.check();
    let late = rig.user("late");
    assert!(!rig.driver().has_ended(late) && rig.shell.conns.len() == KEEP_LEFT + 1);
}

/// Users in one channel, without limits that would keep them from talking.
fn talkers() -> (Rig, Vec<Remote>) {
    let mut config = config();
    let limits = &mut config.limits;
    (limits.lines_per_turn, limits.bytes_per_turn, limits.send_queue) = (10_000, 1 << 20, 1 << 26);
    (limits.deliveries_per_turn, limits.connections_per_address) = (1_000_000, 10_000);
    let mut rig = Rig::with(config);
    let users: Vec<_> = (0..50).map(|n| rig.user(&format!("user{n}"))).collect();
    for &user in &users {
        rig.driver().set_capacity(user, 1 << 30);
        rig.say(user, "JOIN #room\r\n");
    }
    rig.settle();
    (rig, users)
}

/// So much is said for so long that it is never quiet, and buffers are large, too.
fn stay_busy(rig: &mut Rig, users: &[Remote], ms: u64) {
    let line = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    for _ in 0..ms / 1_000 {
        let before = rig.shell.work_charged();
        while rig.shell.work_charged() - before <= TURN_WORK {
            rig.say(users[0], &line.repeat(700));
            rig.settle();
        }
        for &user in users {
            rig.hear(user);
            rig.say(user, "PONG x\r\n");
        }
        rig.pass(1_000);
    }
}

#[test]
fn a_steady_load_keeps_its_buffers_and_the_allocator_is_left_alone() {
    let (mut rig, users) = talkers();
    stay_busy(&mut rig, &users, 3 * TRIM_MS);
    let kept = rig.shell.kept_bytes();
    assert!(kept > KEEP_IDLE);
    rig.pass(100);
    assert_eq!(rig.shell.kept_bytes(), kept, "there may be more to come");
    assert_eq!(rig.driver().given_back, 0);
    rig.pass(2 * TRIM_MS);
    assert!(rig.shell.kept_bytes() <= KEEP_IDLE);
    assert_eq!(rig.driver().given_back, 1, "what it was kept in is the allocator's now");
}

#[test]
fn memory_that_much_work_has_left_is_given_back_when_it_is_quiet() {
    let (mut rig, users) = talkers();
    let begun = rig.shell.work_charged();
    while rig.shell.work_charged() - begun <= TRIM_WORK {
        rig.say(users[0], &"PRIVMSG #room :x\r\n".repeat(50));
        rig.settle();
    }
    assert!(rig.shell.kept_bytes() <= KEEP_IDLE && rig.shell.counters.waiting == 0);
    assert_eq!(rig.driver().given_back, 0, "there may be more to come");
    for _ in 0..2 {
        rig.pass(2 * TRIM_MS);
        assert_eq!(rig.driver().given_back, 1);
    }
}

#[test]
fn memory_of_a_crowd_is_given_back_in_the_end_although_it_is_never_quiet() {
    let (mut rig, users) = talkers();
    let crowd: Vec<_> = (0..2 * KEEP_LEFT).map(|_| rig.connect()).collect();
    rig.settle();
    for &remote in &crowd {
        rig.driver().reset(remote);
    }
    rig.settle();
    stay_busy(&mut rig, &users, TRIM_LATEST_MS - TRIM_MS);
    assert_eq!(rig.driver().given_back, 0, "it would keep others waiting");
    stay_busy(&mut rig, &users, 2 * TRIM_MS);
    assert_eq!(rig.driver().given_back, 1);
}

#[test]
fn memory_of_long_queues_is_given_back() {
    let (mut rig, users) = talkers();
    for &user in &users[1..=10] {
        rig.driver().set_capacity(user, 0);
    }
    while rig.shell.counters.waiting <= KEEP_QUEUED {
        rig.say(users[0], &format!("PRIVMSG #room :{}\r\n", "x".repeat(400)).repeat(1_000));
        rig.settle();
    }
    for &user in &users {
        rig.driver().set_capacity(user, 1 << 30);
    }
    rig.settle();
    rig.pass(2 * TRIM_MS);
    assert_eq!(rig.driver().given_back, 1);
}

#[test]
fn who_has_not_been_sent_the_last_word_as_others_came_first_gets_it_at_the_deadline() {
    let mut config = config();
    config.limits.sends_per_turn = 1;
    let mut rig = Rig::with(config);
    let users = rig.room(["a", "b", "c", "d"]);
    for user in users {
        rig.say(user, "QUIT\r\n");
    }
    rig.turn();
    let mut heard = users.map(|user| rig.hear(user));
    assert!(!heard.iter().all(|text| text.contains("ERROR :")), "not all can be sent to in a turn");
    rig.now.mono_ms += DRAIN_MS;
    rig.turn();
    rig.settle();
    for (text, user) in heard.iter_mut().zip(users) {
        text.push_str(&rig.hear(user));
        assert!(text.contains("ERROR :"), "{text}");
    }
}
