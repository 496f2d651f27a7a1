//! Those who read too little or too late, and a process that was stopped for a while.

use nix::errno::Errno;
use serde_json::json;

use super::*;
use crate::net::fake::Call;
use crate::net::memory::Memory;
use crate::proto::limits::{ADMIN_STALL_MS, MEMORY_CHECK_MS};

/// As long as a client may be silent, and so as long as it may take for what waits, in milliseconds.
const PATIENCE: u64 = 180_000;

/// Somebody who has so much waiting and takes nothing of it, and somebody who talks to them and shares a channel.
fn slow_reader(rig: &mut Rig, nicks: [&str; 2], lines: usize) -> [Remote; 2] {
    let [slow, talker] = rig.room(nicks);
    rig.driver().set_capacity(slow, 1_000);
    for _ in 0..lines {
        rig.say(talker, &format!("PRIVMSG {} :{}\r\n", nicks[0], "x".repeat(400)));
        rig.settle();
    }
    [slow, talker]
}

/// Time passes, and everybody gives signs of life.
fn pass_awake(rig: &mut Rig, users: &[Remote], ms: u64) {
    for _ in 0..ms / 1_000 {
        for &user in users {
            if !rig.driver().is_closed(user) {
                rig.say(user, "PONG x\r\n");
            }
        }
        rig.pass(1_000);
    }
}

#[test]
fn who_takes_a_byte_now_and_then_is_cut_off_in_the_time_that_is_stated() {
    let mut rig = Rig::new();
    let [ann, bob] = slow_reader(&mut rig, ["ann", "bob"], 10);
    for second in 0.. {
        assert!(second <= PATIENCE / 1_000, "it is never cut off");
        if rig.driver().is_closed(ann) {
            assert!(second > PATIENCE / 1_000 - 10, "cut off after {second} s");
            break;
        }
        rig.driver().receive(ann, 1);
        pass_awake(&mut rig, &[ann, bob], 1_000);
    }
    assert!(rig.hear(bob).contains(" QUIT :Send queue not read in time\r\n"));
    assert_eq!(rig.stats()["disconnects"]["stalled"], 1);
}

#[test]
fn who_takes_what_waits_in_time_stays_however_slowly_and_however_much_comes_after() {
    let mut rig = Rig::new();
    let [ann, bob] = slow_reader(&mut rig, ["ann", "bob"], 10);
    // Never empty, and yet nothing waits for long.
    for _ in 0..6 * PATIENCE / 60_000 {
        rig.say(bob, &format!("PRIVMSG ann :{}\r\n", "x".repeat(400)));
        pass_awake(&mut rig, &[ann, bob], 30_000);
        rig.driver().receive(ann, 1_000);
        rig.say(bob, &format!("PRIVMSG ann :{}\r\n", "x".repeat(400)));
        pass_awake(&mut rig, &[ann, bob], 30_000);
        rig.driver().receive(ann, 1_000);
    }
    assert!(!rig.driver().is_closed(ann));
    while rig.stats()["send_queue_bytes"] != 0 {
        rig.driver().receive(ann, 1_000);
        rig.settle();
    }
    // Once nothing waits, nothing is held against anybody.
    pass_awake(&mut rig, &[ann, bob], 3 * PATIENCE);
    assert!(!rig.driver().is_closed(ann));
}

#[test]
fn what_the_kernel_holds_is_counted() {
    let mut rig = Rig::new();
    let [_ann, bob] = slow_reader(&mut rig, ["ann", "bob"], 5);
    let operator = rig.operator();
    let user = rig.ask(operator, "user.info", &json!({"nick": "ann"}));
    assert_eq!(user["result"]["kernel_queue_bytes"], 1_000, "{user}");
    assert!(user["result"]["send_queue_bytes"].as_u64().unwrap() > 1_000, "{user}");
    assert_eq!(rig.stats()["kernel_queue_bytes"], 1_000, "bob has taken all: nothing to count");
    rig.hear(bob);
}

#[test]
fn who_closed_while_reading_slowly_is_gone_as_soon_as_others() {
    let mut config = config();
    (config.limits.flood_burst, config.limits.flood_rate) = (10, 1);
    let mut rig = Rig::with(config);
    let [ann, _] = slow_reader(&mut rig, ["ann", "bob"], 4);
    rig.say(ann, &"PING x\r\n".repeat(1_000));
    rig.driver().finish(ann);
    rig.settle();
    rig.pass(11_000);
    assert!(rig.driver().is_closed(ann), "neither its lines nor its queue keep it");
}

/// An event that says that the client has closed its end, which it has not.
fn hint_at_an_end(rig: &mut Rig, remote: Remote) {
    let token = rig.driver().token(remote).unwrap();
    rig.turn_with(&[(token, Ready { readable: true, read_closed: true, ..Ready::default() })]);
}

#[test]
fn a_false_hint_at_an_end_gives_a_slow_reader_no_more_time() {
    let mut config = config();
    (config.limits.flood_burst, config.limits.flood_rate) = (10, 1);
    let mut rig = Rig::with(config);
    let [ann, bob] = slow_reader(&mut rig, ["ann", "bob"], 4);
    rig.say(ann, &"PING x\r\n".repeat(60));
    rig.settle();
    hint_at_an_end(&mut rig, ann);
    for second in 0.. {
        assert!(second <= PATIENCE / 1_000, "it is never cut off");
        if rig.driver().is_closed(ann) {
            assert!(second > PATIENCE / 1_000 - 60, "cut off after {second} s");
            break;
        }
        let awake: &[Remote] = if second < 60 { &[bob] } else { &[ann, bob] };
        pass_awake(&mut rig, awake, 1_000);
    }
    assert!(rig.hear(bob).contains(" QUIT :Send queue not read in time\r\n"));
}

#[test]
fn a_false_hint_at_an_end_gives_an_operator_who_reads_nothing_no_more_time() {
    let mut rig = Rig::new();
    rig.loads_late = true;
    let operator = rig.operator();
    rig.settle();
    rig.driver().set_capacity(operator, 0);
    for method in ["stats", "reload"] {
        rig.say(operator, &format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}\n"));
        rig.settle();
    }
    hint_at_an_end(&mut rig, operator);
    rig.pass(2 * ADMIN_STALL_MS);
    assert!(rig.driver().is_closed(operator));
}

#[test]
fn who_is_sent_to_at_the_deadline_and_cannot_be_is_gone() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    rig.settle();
    rig.driver().set_capacity(operator, 0);
    rig.say(operator, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stats\"}\n");
    rig.settle();
    rig.now.mono_ms += ADMIN_STALL_MS;
    rig.driver().set_capacity(operator, 1 << 20);
    rig.driver().fail(Call::Write, Errno::EPIPE);
    rig.settle();
    assert!(rig.driver().is_closed(operator));
}

#[test]
fn what_an_operator_sent_is_dropped_in_time_while_a_reload_is_waited_for_and_then_it_is_over() {
    let mut rig = Rig::new();
    rig.loads_late = true;
    let operator = rig.operator();
    rig.settle();
    rig.driver().set_capacity(operator, 0);
    for method in ["stats", "reload", "version"] {
        rig.say(operator, &format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}\n"));
        rig.settle();
    }
    rig.now.mono_ms += ADMIN_STALL_MS;
    // What came last is still in the socket.
    rig.driver().send(operator, b"{\"jsonrpc\":\"2.0\",");
    hint_at_an_end(&mut rig, operator);
    assert!(!rig.driver().is_closed(operator), "it waits for an answer");
    rig.driver().set_capacity(operator, 1 << 20);
    rig.load();
    rig.settle();
    let answers = rig.hear(operator);
    assert!(answers.contains("restart_needed") && !answers.contains("\"name\":\"chatd\""), "{answers}");
    assert!(rig.driver().is_closed(operator));
}

#[test]
fn after_a_pause_each_has_a_chance_to_be_heard() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    rig.pass(120_000);
    for user in [ann, bob] {
        assert!(rig.hear(user).contains("PING :"));
    }
    // Stopped, with the answers outstanding; what they say meanwhile is not even read in the first turn.
    rig.jump(600_000);
    assert!(![ann, bob].iter().any(|&user| rig.driver().has_ended(user)), "nobody is cut off");
    rig.say(ann, "PONG x\r\n");
    rig.pass(60_000);
    assert!(
        !rig.driver().has_ended(ann) && rig.driver().has_ended(bob),
        "who does not answer is, in its time"
    );
    assert!(rig.hear(ann).contains(" QUIT :Ping timeout"));
}

#[test]
fn a_pause_is_not_held_against_who_registers_reads_or_leaves() {
    let mut rig = Rig::new();
    let [ann, bob] = slow_reader(&mut rig, ["ann", "bob"], 10);
    let late = rig.connect();
    rig.say(late, "NICK late\r\n");
    rig.settle();
    pass_awake(&mut rig, &[ann, bob], 20_000);
    rig.jump(10 * PATIENCE);
    assert!(!rig.driver().is_closed(ann) && !rig.driver().is_closed(late));
    rig.say(late, "USER late 0 * :late\r\n");
    rig.settle();
    assert!(rig.hear(late).contains(" 001 late "));
    pass_awake(&mut rig, &[ann, bob, late], PATIENCE - 1_000);
    assert!(!rig.driver().is_closed(ann), "all of its time begins anew");
    pass_awake(&mut rig, &[ann, bob, late], 2_000);
    assert!(rig.driver().is_closed(ann));

    // Who is told goodbye has not lost it.
    let [cat, dan] = slow_reader(&mut rig, ["cat", "dan"], 10);
    rig.say(cat, "QUIT :bye\r\n");
    rig.settle();
    rig.jump(600_000);
    let mut heard = String::new();
    while !rig.driver().has_ended(cat) {
        let more = rig.hear(cat);
        assert!(!more.is_empty(), "the rest is lost");
        heard += &more;
        rig.settle();
    }
    assert!((heard + &rig.hear(cat)).ends_with("ERROR :Closing Link: 198.51.100.1 (Quit: bye)\r\n"));
    rig.hear(dan);
}

#[test]
fn when_memory_is_short_nobody_new_is_let_in_and_the_others_stay() {
    let mut rig = Rig::new();
    let ann = rig.user("ann");
    rig.driver().memory = Memory { used: 91 << 20, limit: 100 << 20 };
    rig.pass(1_000);
    for _ in 0..3 {
        let stranger = rig.connect();
        rig.settle();
        assert_eq!(rig.hear(stranger), "ERROR :The server is short of memory, try again later\r\n");
        assert!(rig.driver().is_closed(stranger));
    }
    let stats = rig.stats();
    assert_eq!((&stats["refused"]["memory"], &stats["memory_limit_bytes"]), (&json!(3), &json!(100 << 20)));
    rig.say(ann, "PING here\r\n");
    rig.settle();
    assert!(rig.hear(ann).contains("here"));
    rig.driver().memory.used = 50 << 20;
    rig.pass(1_000);
    rig.user("bob");
}

#[test]
fn all_send_queues_together_hold_no_more_than_their_share_of_memory() {
    let mut rig = Rig::new();
    // A quarter of the rest is 40,000.
    rig.driver().memory = Memory { used: 1_000, limit: 161_000 };
    rig.pass(1_000);
    let users: Vec<_> = (0..5).map(|n| rig.user(&format!("user{n}"))).collect();
    let talker = rig.user("talker");
    for (n, &user) in users.iter().enumerate() {
        rig.driver().set_capacity(user, 0);
        for _ in 0..=n {
            rig.say(talker, &format!("PRIVMSG user{n} :{}\r\n", "x".repeat(400)));
        }
    }
    rig.settle();
    for _ in 0..100 {
        rig.say(talker, &format!("PRIVMSG user4 :{}\r\n", "x".repeat(400)));
        rig.settle();
        assert!(rig.shell.counters.waiting <= 40_000);
    }
    // The one for whom most waits goes, and nobody else.
    let closed: Vec<_> = users.iter().map(|&user| rig.driver().is_closed(user)).collect();
    assert_eq!(closed, [false, false, false, false, true]);
    assert_eq!(rig.stats()["disconnects"]["send_queue"], 1);
    assert!(rig.hear(talker).contains(" 401 "));
}

/// Somebody takes nothing of so many long messages.
fn be_deaf(rig: &mut Rig, talker: Remote, nick: &str, lines: usize) -> Remote {
    let user = rig.user(nick);
    rig.driver().set_capacity(user, 0);
    for _ in 0..lines {
        rig.say(talker, &format!("PRIVMSG {nick} :{}\r\n", "x".repeat(400)));
    }
    rig.settle();
    user
}

#[test]
fn what_send_queues_may_hold_shrinks_when_memory_is_used_and_nobody_comes() {
    let mut rig = Rig::new();
    // A quarter of the rest is 40,000.
    rig.driver().memory = Memory { used: 1_000, limit: 161_000 };
    rig.pass(1_000);
    let talker = rig.user("talker");
    let deaf = be_deaf(&mut rig, talker, "deaf", 50);
    // Of it, the queue is 20,000 and more, and the rest in the kernel: a quarter of what that leaves is 15,000.
    rig.driver().memory.used = 120_000;
    rig.pass(2 * MEMORY_CHECK_MS);
    assert!(rig.driver().is_closed(deaf) && !rig.driver().is_closed(talker));
}

#[test]
fn nobody_who_is_connected_is_cut_off_for_what_those_hold_who_are_leaving() {
    let mut rig = Rig::new();
    rig.driver().memory = Memory { used: 1_000, limit: 161_000 };
    rig.pass(1_000);
    let talker = rig.user("talker");
    let leaving = ["one", "two"].map(|nick| be_deaf(&mut rig, talker, nick, 30));
    for remote in leaving {
        rig.driver().finish(remote);
    }
    rig.settle();
    assert!(!leaving.iter().any(|&remote| rig.driver().is_closed(remote)), "what waits is still sent");
    let operator = rig.operator();
    rig.ask(operator, "watch", &json!({"events": ["limit"]}));
    let slow = be_deaf(&mut rig, talker, "slow", 37);
    assert!(!rig.driver().is_closed(slow), "for whom most waits");
    // One of the others was enough.
    let closed = leaving.iter().filter(|&&remote| rig.driver().is_closed(remote)).count();
    assert_eq!((closed, &rig.stats()["disconnects"]["send_queue"]), (1, &json!(0)));
    // Who watches hears of it in that turn, although nobody else is told anything.
    let told = rig.answer(operator);
    assert_eq!(told["params"]["limit"], "send_queues");
}
