//! Many at once: what a turn may take, and that everybody has their share. Work is counted, not timed.

use std::ops::Range;

use super::*;
use crate::proto::limits::{
    ADMIN_BATCH, EXPIRIES_PER_TURN, ROUNDS, SEND_WORK, SLICE_ITEMS, STEPS_WORK, TICK_WORK, TURN_WORK,
};

/// What a turn may take: input, deadlines, news, bans, long replies, and those who are cut off, each with what the last line
/// goes beyond its share, and with what costs nothing beside sends to all of a crowd.
const MOST: u64 = 2 * TURN_WORK + STEPS_WORK + 4 * TICK_WORK + 800 * SEND_WORK;

/// A rig with many clients, whose invariants are checked when it rests.
struct Crowd {
    rig: Rig,
    users: Vec<Remote>,
    /// Most work of a turn since this was last set to 0.
    most: u64,
}

impl Crowd {
    /// Users of the nicks u0, u1, and so on.
    fn new(config: Config, count: usize) -> Self {
        let mut crowd = Self { rig: Rig::with(config), users: Vec::new(), most: 0 };
        crowd.come(count);
        crowd
    }

    fn config() -> Config {
        let mut config = config();
        config.limits.connections_per_address = u32::MAX;
        config
    }

    fn come(&mut self, count: usize) {
        let from = self.users.len();
        for number in from..from + count {
            let remote = self.rig.connect();
            self.rig.driver().set_capacity(remote, 1 << 30);
            self.rig.say(remote, &format!("NICK u{number}\r\nUSER u 0 * :r\r\n"));
            self.users.push(remote);
        }
        self.rest();
        self.forget();
    }

    /// A turn without the checks, each of which looks at everything. Whether there is more to do.
    fn turn(&mut self) -> bool {
        let events = self.rig.driver().poll();
        let shell = &mut self.rig.shell;
        let before = shell.server().work_done(&shell.out);
        shell.begin(self.rig.now);
        for &(token, ready) in &events {
            shell.event(token, ready);
        }
        shell.end();
        self.most = self.most.max(shell.server().work_done(&shell.out) - before);
        !events.is_empty() || self.rig.is_due()
    }

    /// How many turns it takes until nothing is left to do.
    fn rest(&mut self) -> usize {
        let turns = (0..10_000).take_while(|_| self.turn()).count();
        assert!(turns < 10_000, "the loop comes to rest");
        self.rig.shell.check();
        turns
    }

    /// Everybody reads, and forgets it.
    fn forget(&mut self) {
        for index in 0..self.users.len() {
            self.rig.hear(self.users[index]);
        }
    }

    fn all_say(&mut self, who: Range<usize>, text: &str) {
        for index in who {
            self.rig.say(self.users[index], text);
        }
    }

    fn sends(&mut self) -> u64 {
        let calls = self.rig.driver().calls;
        calls.writes + calls.vectored
    }
}

#[test]
fn those_who_join_one_channel_cost_a_tenth_of_a_send_for_each_line_and_those_who_leave_no_more() {
    const COUNT: usize = 800;
    let mut crowd = Crowd::new(Crowd::config(), COUNT);
    let before = (crowd.sends(), crowd.rig.shell.deliveries());
    // As the kernel would tell of them: some in each turn.
    for from in (0..COUNT).step_by(100) {
        crowd.all_say(from..from + 100, "JOIN #room\r\n");
        crowd.turn();
    }
    crowd.rest();
    let lines = (COUNT * (COUNT + 1) / 2) as u64;
    assert!(crowd.rig.shell.deliveries() - before.1 > lines, "each has heard of all who came later");
    let sends = crowd.sends() - before.0;
    assert!(sends <= lines / 10, "{sends} sends for {lines} lines");

    crowd.forget();
    let (before, stay) = (crowd.sends(), 10);
    crowd.most = 0;
    for index in stay..COUNT {
        crowd.rig.driver().close_remote(crowd.users[index]);
    }
    let turns = crowd.rest();
    assert!(turns > 1 && crowd.most <= MOST, "{} in a turn, {turns} turns", crowd.most);
    let sent = 700 * SEND_WORK;
    assert!(crowd.most > TURN_WORK + sent, "{} in a turn with sends to more than 700", crowd.most);
    assert!(crowd.sends() - before <= lines / 10);
    for index in 0..stay {
        let heard = crowd.rig.hear(crowd.users[index]);
        assert_eq!(heard.matches(" QUIT ").count(), COUNT - stay);
    }
    assert_eq!(crowd.rig.shell.conns.slot_bound() as usize, stay, "the tables are short again");
}

#[test]
fn those_who_leave_many_channels_are_as_little_work_as_those_who_leave_one() {
    const COUNT: usize = 300;
    // The work of those who leave so many channels, beside what they are told who stay.
    let leave = |channels: usize| {
        let mut config = Crowd::config();
        (config.limits.channels_per_user, config.limits.flood_rate) = (100, 0);
        let mut crowd = Crowd::new(config, COUNT);
        for channel in 0..channels {
            // Nobody is told who comes, which would be most of what this test does.
            crowd.all_say(0..1, &format!("JOIN #{channel}\r\nMODE #{channel} +u\r\n"));
            crowd.rest();
            crowd.all_say(1..COUNT, &format!("CAP REQ no-implicit-names\r\nJOIN #{channel}\r\n"));
            crowd.rest();
            crowd.all_say(0..1, &format!("MODE #{channel} -u\r\n"));
            crowd.rest();
        }
        crowd.forget();
        let work = |crowd: &Crowd| crowd.rig.shell.server().effort();
        let (before, sends) = (work(&crowd), crowd.sends());
        for index in 200..COUNT {
            crowd.rig.driver().close_remote(crowd.users[index]);
        }
        crowd.rest();
        let heard = crowd.rig.hear(crowd.users[0]);
        assert_eq!(heard.matches(" QUIT ").count(), COUNT - 200);
        (work(&crowd) - before, crowd.sends() - sends)
    };
    let (one, many) = (leave(1), leave(40));
    assert!(many.0 <= 3 * one.0 && many.1 == one.1, "{one:?} and {many:?}");
}

#[test]
fn many_who_flood_share_the_turn_in_the_order_in_which_they_wait() {
    const FLOODERS: usize = 40;
    let mut crowd = Crowd::new(Crowd::config(), 400);
    crowd.all_say(0..400, "JOIN #room\r\n");
    crowd.rest();
    crowd.forget();
    for index in 0..FLOODERS {
        let text = format!("PRIVMSG #room :from {index}.\r\n").repeat(60);
        crowd.rig.say(crowd.users[index], &format!("{text}PING at-last\r\n"));
    }
    let bystander = crowd.users[399];
    let (mut heard, mut turns, mut counts) = (String::new(), 0, [0; FLOODERS]);
    let mut more = true;
    while more {
        crowd.most = 0;
        // One who has something to say all the time is no worse off than those who wait for more.
        crowd.rig.say(bystander, "PING now\r\n");
        more = crowd.turn() && counts.iter().any(|count| *count < 60);
        assert!(crowd.most <= MOST, "{} in a turn", crowd.most);
        turns += 1;
        let new = crowd.rig.hear(bystander);
        for (index, count) in counts.iter_mut().enumerate() {
            *count += new.matches(&format!(":from {index}.")).count();
        }
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 24, "no more than a share or two apart: {counts:?}");
        heard.push_str(&new);
    }
    crowd.rest();
    assert!(turns > 10 && counts == [60; FLOODERS], "{turns} turns");
    assert!(heard.matches(":now").count() >= turns / 8, "asked in each turn, and answered in time");
    for index in 0..FLOODERS {
        assert!(crowd.rig.hear(crowd.users[index]).contains(":at-last"));
    }
}

#[test]
fn lines_that_come_to_nothing_are_work_as_well() {
    const FLOODERS: usize = 100;
    let mut config = Crowd::config();
    config.limits.flood_rate = 0;
    let mut crowd = Crowd::new(config, FLOODERS);
    for text in [&b"NONSENSE\r\n"[..], b"\xff\r\n", b"PRIVMSG\r\n", &[b'x'; 600]] {
        for index in 0..FLOODERS {
            let mut lines = text.repeat(60);
            lines.extend(b"\r\n");
            crowd.rig.driver().send(crowd.users[index], &lines);
        }
        let before = crowd.rig.shell.deliveries();
        crowd.turn();
        let answers = crowd.rig.shell.deliveries() - before;
        assert!((100..=1_100).contains(&answers), "{answers} answers in a turn to {:?}", text.escape_ascii());
        crowd.rest();
        crowd.forget();
    }
}

#[test]
fn no_turn_is_for_all_clients() {
    let count = 2 * EXPIRIES_PER_TURN + 10;
    let mut crowd = Crowd::new(Crowd::config(), count);
    crowd.rig.now.mono_ms += 120_000;
    let mut each = Vec::new();
    while crowd.rig.is_due() {
        let before = crowd.rig.shell.deliveries();
        crowd.turn();
        each.push(crowd.rig.shell.deliveries() - before);
    }
    assert_eq!(each, [EXPIRIES_PER_TURN as u64, EXPIRIES_PER_TURN as u64, 10], "a PING each");
    crowd.all_say(0..count, "PONG x\r\n");
    crowd.rest();
    crowd.forget();

    let operator = crowd.rig.operator();
    crowd.rig.say(operator, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"announce\",\"params\":[\"hear\"]}\n");
    let (mut turns, mut told) = (0, 0);
    while told < count {
        let before = crowd.rig.shell.deliveries();
        crowd.turn();
        let now = (crowd.rig.shell.deliveries() - before) as usize;
        assert!(now <= 2 * SLICE_ITEMS + 1, "{now} at once");
        (turns, told) = (turns + 1, told + now);
        assert!(turns < 20);
        if turns == 2 {
            // Who comes now has missed it.
            let late = crowd.rig.connect();
            crowd.users.push(late);
        }
    }
    crowd.rest();
    let late = crowd.users.pop().unwrap();
    assert!(!crowd.rig.hear(late).contains("hear"));
    for index in 0..count {
        assert_eq!(crowd.rig.hear(crowd.users[index]).matches("hear").count(), 1, "u{index}");
    }
}

#[test]
fn those_who_are_cut_off_at_once_are_told_of_in_several_turns() {
    const DEAF: usize = 600;
    let mut config = Crowd::config();
    config.limits.send_queue = 64 * 1024;
    let mut crowd = Crowd::new(config, DEAF + 200);
    crowd.all_say(0..DEAF + 200, "JOIN #room\r\n");
    crowd.rest();
    crowd.forget();
    for index in 200..DEAF + 200 {
        crowd.rig.driver().set_capacity(crowd.users[index], 0);
    }
    crowd.most = 0;
    let line = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    for _ in 0..170 {
        crowd.rig.say(crowd.users[0], &line);
        crowd.rest();
    }
    assert!(crowd.most <= MOST, "{} in a turn", crowd.most);
    assert_eq!(crowd.rig.driver().open_streams(), 200);
    for index in 0..200 {
        assert_eq!(crowd.rig.hear(crowd.users[index]).matches(" QUIT ").count(), DEAF);
    }
}

#[test]
fn what_is_said_to_many_is_sent_to_some_in_each_turn_and_nobody_else_waits_for_it() {
    const COUNT: usize = 300;
    const SENDS: usize = 16;
    let mut config = Crowd::config();
    config.limits.sends_per_turn = SENDS as u32;
    let mut crowd = Crowd::new(config, COUNT + 1);
    crowd.all_say(0..COUNT, "JOIN #room\r\n");
    crowd.rest();
    crowd.forget();
    let before = crowd.sends();
    let mut heard = vec![String::new(); COUNT + 1];
    let (mut turns, mut said) = (0, 0);
    loop {
        if said < 5 {
            crowd.rig.say(crowd.users[0], &format!("PRIVMSG #room :<{said}>\r\n"));
            said += 1;
        }
        crowd.rig.say(crowd.users[COUNT], "PING now\r\n");
        let sent = crowd.sends();
        crowd.turn();
        assert!(crowd.sends() - sent <= SENDS as u64);
        crowd.rig.shell.check();
        for (index, heard) in heard.iter_mut().enumerate() {
            heard.push_str(&crowd.rig.hear(crowd.users[index]));
        }
        turns += 1;
        assert_eq!(heard[COUNT].matches(":now").count(), turns, "answered in the turn in which it was asked");
        if crowd.rig.shell.unblocked.is_empty() {
            break;
        }
    }
    assert!(turns >= COUNT / SENDS, "{turns} turns");
    for heard in &heard[1..COUNT] {
        let each: Vec<_> = heard.lines().map(|line| line.rsplit(':').next().unwrap()).collect();
        assert_eq!(each, ["<0>", "<1>", "<2>", "<3>", "<4>"]);
    }
    // Those who wait are sent all at once that was said meanwhile.
    let sends = crowd.sends() - before - turns as u64;
    assert!(sends <= 2 * COUNT as u64, "{sends} sends");
}

#[test]
fn who_waits_behind_others_is_sent_what_waits_before_it_is_much() {
    const COUNT: usize = 100;
    let mut config = Crowd::config();
    (config.limits.sends_per_turn, config.limits.flood_rate) = (1, 0);
    (config.limits.send_queue, config.limits.lines_per_turn) = (64 * 1024, 100);
    let mut crowd = Crowd::new(config, COUNT);
    crowd.all_say(0..COUNT, "JOIN #room\r\n");
    crowd.rest();
    crowd.forget();
    let text = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    for _ in 0..20 {
        crowd.rig.say(crowd.users[0], &text.repeat(20));
        crowd.turn();
    }
    crowd.rest();
    for index in 1..COUNT {
        assert_eq!(crowd.rig.hear(crowd.users[index]).matches("xxx\r\n").count(), 400, "u{index}");
    }
}

#[test]
fn who_reads_too_slowly_is_cut_off_in_a_turn_that_sends_to_thousands() {
    const COUNT: usize = 2 * (TICK_WORK / SEND_WORK) as usize;
    let mut config = Crowd::config();
    (config.limits.sends_per_turn, config.limits.send_queue) = (1_000_000, 64 * 1024);
    config.limits.flood_rate = 0;
    let mut crowd = Crowd::new(config, COUNT);
    crowd.all_say(0..COUNT, "CAP REQ no-implicit-names\r\n");
    crowd.all_say(0..1, "JOIN #room\r\nMODE #room +u\r\n");
    crowd.rest();
    crowd.all_say(1..COUNT, "JOIN #room\r\n");
    crowd.rest();
    crowd.forget();
    crowd.rig.driver().set_capacity(crowd.users[COUNT - 1], 0);
    let text = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    for said in 0.. {
        assert!(said < 200, "more was said than a send queue holds");
        crowd.rig.say(crowd.users[0], &text);
        crowd.turn();
        if crowd.rig.driver().open_streams() < COUNT {
            break;
        }
    }
    crowd.rest();
}

#[test]
fn a_batch_of_more_announcements_than_are_taken_says_which_were_not_sent() {
    let mut crowd = Crowd::new(Crowd::config(), 2 * SLICE_ITEMS);
    let operator = crowd.rig.operator();
    let one = r#"{"jsonrpc":"2.0","id":1,"method":"announce","params":["hear"]}"#;
    crowd.rig.say(operator, &format!("[{}]\n", vec![one; ADMIN_BATCH].join(",")));
    crowd.rest();
    let answers = crowd.rig.answer(operator);
    let errors = answers.as_array().unwrap().iter().map(|answer| answer["error"]["code"].as_i64());
    let expected = (0..ADMIN_BATCH).map(|number| (number >= ROUNDS).then_some(4));
    assert_eq!(errors.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert_eq!(crowd.rig.hear(crowd.users[0]).matches("hear").count(), ROUNDS);
    assert!(crowd.most < MOST, "{} in a turn", crowd.most);
    assert_eq!(crowd.rig.ask(operator, "announce", &serde_json::json!(["again"]))["error"], Value::Null);
}
