//! What only the bare server shows: virtual time, slices of long replies, the cost of a fan-out.

mod cap;
mod clock;
mod costs;
mod rename;
mod rounds;
mod stats;
mod steps;
mod watched;

use std::rc::Rc;

use super::*;
use crate::config::{Oper, OperClass, Privileges};
use crate::proto::limits::{LINE, MODES, SLICE_ITEMS, SLICE_LOW_WATER, SLICES_PER_TURN};

/// A place to connect from.
pub(super) fn from(address: &str) -> Peer {
    Peer { address: address.parse().unwrap(), port: 1, listener: Rc::new(([127, 0, 0, 1], 6667).into()) }
}

/// A server and what its clients have got so far.
pub(super) struct Bench {
    pub(super) server: Server,
    pub(super) out: Outbox,
    pub(super) now: Time,
}

impl Bench {
    pub(super) fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.limits.connections_per_address = u32::MAX;
        config.throttle.connections = 0;
        change(&mut config);
        let now = Time { mono_ms: 1_000, unix_ms: 1_000_000 };
        Self { server: Server::new(Rc::new(config), [1, 2], now), out: Outbox::default(), now }
    }

    /// A server where somebody can become an operator with these privileges.
    pub(super) fn with_operator(privileges: Privileges) -> Self {
        Self::new(|config| {
            config.oper_class = vec![OperClass { name: "c".to_owned(), privileges, ..OperClass::default() }];
            config.oper = vec![Oper { name: "o".to_owned(), class: "c".to_owned(), ..Oper::default() }];
        })
    }

    /// A user who is that operator.
    pub(super) fn operator(&mut self, slot: u32) -> ClientId {
        let client = self.user(slot);
        self.server.ctx(client, &mut self.out).unwrap().become_operator("o");
        client
    }

    pub(super) fn input(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.out);
        self.server.check(&self.out);
    }

    pub(super) fn open(&mut self, slot: u32) -> ClientId {
        let client = ClientId { slot, generation: slot + 1 };
        self.out.open(slot, 64 << 20);
        self.input(Input::Opened { client, peer: from("127.0.0.1") });
        client
    }

    /// Opens a connection from an address, if it is admitted.
    pub(super) fn open_from(&mut self, slot: u32, address: &str) -> Result<ClientId, Refusal> {
        self.server.admit(self.now, &from(address))?;
        let client = ClientId { slot, generation: slot + 1 };
        self.out.open(slot, 64 << 20);
        self.input(Input::Opened { client, peer: from(address) });
        Ok(client)
    }

    /// Makes channels quickly: the invariants are not checked for each.
    fn channels(&mut self, client: ClientId, count: u32) {
        for number in 0..count {
            let line = format!("JOIN #channel-{number}");
            self.server.handle(self.now, Input::Line { client, line: line.as_bytes() }, &mut self.out);
        }
        self.out.clear();
    }

    pub(super) fn say(&mut self, client: ClientId, line: &str) {
        self.input(Input::Line { client, line: line.as_bytes() });
    }

    pub(super) fn user(&mut self, slot: u32) -> ClientId {
        let client = self.open(slot);
        self.say(client, &format!("NICK n{slot}"));
        self.say(client, "USER u 0 * :r");
        client
    }

    /// Lets time pass as the shell does: a tick at each deadline.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.now.mono_ms + ms;
        while let Some(due) = self.server.deadline().filter(|&due| due <= end) {
            self.now.mono_ms = self.now.mono_ms.max(due);
            self.input(Input::Tick);
        }
        self.now.mono_ms = end;
    }

    pub(super) fn got(&mut self, slot: u32) -> Vec<String> {
        let bytes: Vec<u8> = self.out.spans(slot).flatten().copied().collect();
        self.out.clear();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_silent_user_is_pinged_and_then_dismissed() {
    let mut bench = Bench::new(|_| {});
    let client = bench.user(0);
    bench.out.clear();
    bench.pass(119_999);
    assert!(bench.got(0).is_empty());
    bench.pass(1);
    assert_eq!(bench.got(0), ["PING :chat.localhost"]);
    bench.pass(59_999);
    bench.say(client, "PONG x");
    bench.pass(119_999);
    assert!(bench.got(0).is_empty());
    bench.pass(1);
    assert_eq!(bench.got(0).len(), 1);
    bench.pass(60_000);
    assert_eq!(bench.got(0), ["ERROR :Closing Link: 127.0.0.1 (Ping timeout: 180 seconds)"]);
    assert!(bench.server.effects().any(|effect| effect == Effect::Close(client)));
    assert_eq!(bench.server.deadline(), None);
}

#[test]
fn whoever_does_not_register_is_dismissed() {
    let mut bench = Bench::new(|_| {});
    let client = bench.open(0);
    bench.pass(29_000);
    bench.say(client, "NICK a");
    bench.pass(1_000);
    assert_eq!(bench.got(0), ["ERROR :Closing Link: 127.0.0.1 (Registration timed out)"]);
}

#[test]
fn a_fast_sender_is_slowed_down_and_resumed() {
    let mut bench = Bench::new(|config| {
        config.limits.flood_burst = 10;
        config.limits.flood_rate = 2;
    });
    let client = bench.user(0);
    let mut sent = 0;
    while bench.server.ready(client) {
        bench.say(client, "PING x");
        sent += 1;
    }
    assert_eq!(sent, 9, "two of the ten were NICK and USER, and the eleventh holds");
    bench.server.effects().for_each(drop);
    bench.pass(499);
    assert!(!bench.server.ready(client));
    bench.pass(1);
    assert!(bench.server.ready(client));
    assert!(bench.server.effects().any(|effect| effect == Effect::Resume(client)));
}

#[test]
fn a_long_list_comes_in_slices_that_wait_for_the_queue_to_drain() {
    let channels = 3 * SLICE_ITEMS as u32;
    let mut bench = Bench::new(|config| {
        config.limits.channels_per_user = channels;
        config.limits.flood_rate = 0;
    });
    let client = bench.user(0);
    bench.channels(client, channels);
    bench.say(client, "LIST");
    assert!(!bench.server.ready(client), "no further line while the reply is under way");
    let first = bench.got(0).len();
    assert!(first <= SLICE_ITEMS + 1, "{first} lines in the first slice");

    bench.out.set_backlog(0, SLICE_LOW_WATER);
    bench.pass(1_000);
    assert!(bench.got(0).is_empty(), "nothing while the client does not read");
    bench.out.set_backlog(0, 0);
    let mut lines = first;
    for _ in 0..100 {
        bench.pass(20);
        lines += bench.got(0).len();
    }
    assert_eq!(lines as u32, 2 + channels);
    assert!(bench.server.ready(client));
    assert!(bench.server.effects().any(|effect| effect == Effect::Resume(client)));
}

#[test]
fn a_message_to_a_thousand_is_encoded_once_and_makes_one_span_each() {
    let mut bench = Bench::new(|_| {});
    let talker = bench.user(0);
    bench.say(talker, "JOIN #a");
    for slot in 1..1000 {
        let client = bench.user(slot);
        bench.say(client, "JOIN #a");
    }
    bench.out.clear();
    let before = bench.out.deliveries();
    bench.say(talker, "PRIVMSG #a :one");
    bench.say(talker, "PRIVMSG #a :two");
    assert_eq!(bench.out.deliveries() - before, 2 * 999);
    for slot in 1..1000 {
        assert_eq!(bench.out.spans(slot).count(), 1, "neighbouring lines merge");
    }
    let line = ":n0!~u@127.0.0.1 PRIVMSG #a :one\r\n".len();
    assert_eq!(bench.out.bytes(999) as usize, 2 * line);
}

#[test]
fn a_late_input_for_a_client_that_left_finds_nothing() {
    let mut bench = Bench::new(|_| {});
    let gone = bench.user(0);
    bench.input(Input::Closed { client: gone, why: Gone::Eof });
    bench.out.clear();
    let client = ClientId { slot: 0, generation: 99 };
    bench.out.open(0, 1000);
    bench.input(Input::Opened { client, peer: from("127.0.0.1") });
    bench.say(gone, "NICK stale");
    bench.input(Input::Kill { client: gone, reason: "stale" });
    bench.input(Input::Closed { client: gone, why: Gone::Eof });
    assert!(bench.got(0).is_empty());
    assert!(bench.server.ready(client) && !bench.server.ready(gone));
}

#[test]
fn admission_follows_the_limits() {
    let mut bench = Bench::new(|config| {
        config.limits.connections = 3;
        config.limits.connections_per_address = 2;
    });
    let (here, there) = ("127.0.0.1", "192.0.2.1");
    let admit = |bench: &Bench, address: &str| bench.server.admit(bench.now, &from(address));
    bench.open(0);
    bench.open(1);
    assert_eq!(admit(&bench, here), Err(Refusal::Address));
    assert_eq!(admit(&bench, there), Ok(()));
    let client = ClientId { slot: 2, generation: 3 };
    bench.out.open(2, 1000);
    bench.input(Input::Opened { client, peer: from(there) });
    assert_eq!(admit(&bench, there), Err(Refusal::Full));
    bench.input(Input::Closed { client, why: Gone::Eof });
    assert_eq!(admit(&bench, there), Ok(()));
    bench.input(Input::Shutdown { reason: "bye" });
    assert_eq!(admit(&bench, there), Err(Refusal::Stopping));
    assert_eq!(bench.server.stats().connections, 0);
}

#[test]
fn nicks_that_are_asked_for_come_back_whole_in_as_many_lines_as_it_takes() {
    let mut bench = Bench::new(|config| {
        config.server.name = format!("chat.{}", "x".repeat(58));
        (config.limits.nick_length, config.limits.user_length) = (64, 32);
    });
    let asker = bench.user(0);
    let nicks: Vec<String> = (1..9).map(|slot| format!("{}{slot}", "n".repeat(60))).collect();
    for (slot, nick) in (1..).zip(&nicks) {
        let client = bench.open(slot);
        bench.say(client, &format!("NICK {nick}"));
        bench.say(client, &format!("USER {} 0 * :r", "u".repeat(31)));
    }
    for (command, count) in [("ISON", 8), ("USERHOST", 5)] {
        bench.out.clear();
        bench.say(asker, &format!("{command} {}", nicks.join(" ")));
        let lines = bench.got(0);
        let words = lines.iter().flat_map(|line| line.split_once(" :").unwrap().1.split(' '));
        let found: Vec<&str> = words.map(|word| word.split('=').next().unwrap()).collect();
        assert_eq!(found, nicks[..count], "{command}");
        assert!(lines.len() > 1 && lines.iter().all(|line| line.len() + 2 <= LINE));
    }
}

#[test]
fn a_cap_version_is_a_number_however_large() {
    let mut bench = Bench::new(|_| {});
    for (slot, version, known) in [(0, "302", true), (1, "99999999999999999999", true), (2, "x", false)] {
        let client = bench.open(slot);
        bench.say(client, &format!("CAP LS {version}"));
        bench.out.clear();
        bench.say(client, "CAP LIST");
        assert_eq!(bench.got(slot)[0].contains("cap-notify"), known, "{version}");
    }
}

#[test]
fn a_turn_has_room_for_few_slices_and_everybody_gets_theirs_in_the_end() {
    let channels = SLICE_ITEMS as u32 + 10;
    let mut bench = Bench::new(|config| config.limits.channels_per_user = channels);
    let owner = bench.user(0);
    bench.channels(owner, channels);
    let askers = 3 * SLICES_PER_TURN as u32;
    for slot in 1..=askers {
        let client = bench.user(slot);
        bench.out.clear();
        bench.say(client, "LIST");
        let lines = bench.got(slot).len();
        let at_once = if slot <= SLICES_PER_TURN as u32 { 1 + SLICE_ITEMS } else { 1 };
        assert_eq!(lines, at_once, "{slot}");
    }
    let mut turns = 0;
    while bench.server.deadline() == Some(0) {
        bench.input(Input::Tick);
        assert!(bench.out.dirty().len() <= SLICES_PER_TURN);
        bench.out.clear();
        turns += 1;
    }
    assert_eq!(
        turns, 6,
        "none in the turn of the first slices; one more for the first, two for each of the others"
    );
    assert!((1..=askers).all(|slot| bench.server.ready(ClientId { slot, generation: slot + 1 })));
}

#[test]
fn whoever_takes_a_long_reply_slowly_is_there_and_whoever_stops_is_not() {
    let mut bench = Bench::new(|config| config.limits.flood_rate = 0);
    let client = bench.user(0);
    bench.channels(client, 10);
    bench.out.set_backlog(0, SLICE_LOW_WATER - 1);
    bench.say(client, "LIST");
    for _ in 0..8 {
        bench.out.set_backlog(0, SLICE_LOW_WATER);
        bench.pass(60_000);
        bench.out.clear();
        bench.out.set_backlog(0, SLICE_LOW_WATER - 1);
        bench.pass(20);
        assert_eq!(bench.got(0).len(), 1, "room for one line");
    }
    bench.out.set_backlog(0, SLICE_LOW_WATER);
    bench.pass(180_000);
    assert!(bench.got(0).last().is_some_and(|line| line.contains("Ping timeout")));
}

#[test]
fn a_line_of_many_faults_gets_few_answers() {
    let mut bench = Bench::new(|_| {});
    let client = bench.user(0);
    bench.say(client, "JOIN #a");
    let letters: String = ('\u{e0}'..).take(200).collect();
    for (modes, answers) in
        [("xxxxxxxxxx", 1), (letters.as_str(), MODES), (&"o".repeat(400), 1), ("+kxkx", 2)]
    {
        bench.out.clear();
        bench.say(client, &format!("MODE #a {modes}"));
        assert_eq!(bench.got(0).len(), answers, "{modes}");
        bench.pass(1_000);
    }
}

/// The words of all 353s.
fn names_in(lines: &[String]) -> Vec<String> {
    let names = lines.iter().filter(|line| line.contains(" 353 "));
    names.flat_map(|line| line.split_once(" :").unwrap().1.split(' ').map(str::to_owned)).collect()
}

/// Users in #crowd, the first of them its operator. They are there at once: to list the members for each of them, and to
/// check the invariants each time, takes long.
fn crowd(bench: &mut Bench, members: u32) {
    for slot in 0..members {
        let client = ClientId { slot, generation: slot + 1 };
        bench.out.open(slot, 64 << 20);
        let peer = from("127.0.0.1");
        bench.server.handle(bench.now, Input::Opened { client, peer }, &mut bench.out);
        for line in [&format!("NICK n{slot}"), "USER u 0 * :r"] {
            bench.server.handle(bench.now, Input::Line { client, line: line.as_bytes() }, &mut bench.out);
        }
        if slot == 0 {
            bench.say(client, "JOIN #crowd");
        } else {
            let index = bench.server.index_of("#crowd").unwrap();
            bench.server.channel_mut(index).add(slot, 0);
            bench.server.client_mut(slot).and_then(Client::user_mut).unwrap().channels.push(index);
        }
    }
    bench.out.clear();
}

#[test]
fn a_channel_of_many_members_is_listed_in_slices_and_joins_keep_their_order() {
    let members = SLICE_ITEMS as u32 + 100;
    let mut bench = Bench::new(|config| config.limits.flood_rate = 0);
    crowd(&mut bench, members);
    let client = bench.user(members);
    bench.out.clear();
    bench.out.set_backlog(members, SLICE_LOW_WATER - 1);
    let finish = |bench: &mut Bench| {
        assert!(!bench.server.ready(client), "no further line while the list is under way");
        let mut lines = bench.got(members);
        let mut slices = 1;
        while !bench.server.ready(client) {
            bench.pass(20);
            lines.extend(bench.got(members));
            slices += 1;
        }
        assert!(slices > 5, "{slices} slices");
        lines
    };
    bench.say(client, "JOIN #small,#crowd,#late sesame,,sesame");
    let lines = finish(&mut bench);
    assert!(lines.iter().all(|line| line.len() + 2 <= LINE));
    let crowd: Vec<_> = lines.iter().filter(|line| line.contains(" #crowd ")).cloned().collect();
    let names = names_in(&crowd);
    assert_eq!(names.len() as u32, members + 1);
    assert_eq!((&names[0], &names[members as usize]), (&"@n0".to_owned(), &format!("n{members}")));
    let marks = lines.iter().filter(|line| line.contains(" JOIN ") || line.contains(" 366 "));
    let marks = marks.map(|line| line.split(' ').find(|word| word.starts_with('#')).unwrap());
    let expected = ["#small", "#small", "#crowd", "#crowd", "#late", "#late"];
    assert_eq!(marks.collect::<Vec<_>>(), expected, "each is entered and listed before the next");
    // The same for those who only ask, and who do not see everybody.
    bench.say(client, "PART #crowd");
    bench.say(ClientId { slot: 1, generation: 2 }, "MODE n1 +i");
    bench.out.clear();
    bench.say(client, "NAMES #crowd,#small");
    let lines = finish(&mut bench);
    assert_eq!(names_in(&lines).len() as u32, members, "all but one, and the one of #small");
    assert!(lines.last().is_some_and(|line| line.contains(" 366 ") && line.contains(" #small ")));
}

#[test]
fn a_channel_that_becomes_secret_while_it_is_listed_is_listed_no_further() {
    let members = SLICE_ITEMS as u32 + 100;
    let mut bench = Bench::new(|config| config.limits.flood_rate = 0);
    crowd(&mut bench, members);
    let outsider = bench.user(members);
    bench.out.clear();
    bench.out.set_backlog(members, SLICE_LOW_WATER - 1);
    bench.say(outsider, "NAMES #crowd");
    let first = names_in(&bench.got(members)).len();
    assert!(first > 0 && !bench.server.ready(outsider));
    bench.say(ClientId { slot: 0, generation: 1 }, "MODE #crowd +s");
    bench.out.clear();
    bench.out.set_backlog(members, 0);
    bench.pass(20);
    let lines = bench.got(members);
    assert!(first + names_in(&lines).len() < 200, "{lines:?}");
    assert!(lines.last().is_some_and(|line| line.contains(" 366 ")) && bench.server.ready(outsider));
}

#[test]
fn operators_are_told_more() {
    let mut bench = Bench::with_operator(Privileges::SEE_ALL);
    let operator = bench.operator(0);
    let other = bench.user(1);
    bench.say(other, "NICK m1");
    for (line, expected) in [
        ("WHOIS m1", ":chat.localhost 338 n0 m1 ~u@127.0.0.1 127.0.0.1 :is actually using host"),
        ("WHOIS m1", ":chat.localhost 379 n0 m1 :is using modes +"),
        ("WHOWAS n1", ":chat.localhost 338 n0 n1 ~u@127.0.0.1 127.0.0.1 :is actually using host"),
        ("STATS t", ":chat.localhost 249 n0 :connections 2, at most 2"),
        ("STATS p", ":chat.localhost 249 n0 :n0!~u@127.0.0.1"),
        ("STATS l", ":chat.localhost 211 n0 m1!~u@127.0.0.1 0 * * 3 * :0"),
        ("WHO * o", ":chat.localhost 352 n0 * ~u 127.0.0.1 chat.localhost n0 H* :0 r"),
    ] {
        bench.out.clear();
        bench.say(operator, line);
        let lines = bench.got(0);
        assert!(lines.iter().any(|line| line == expected), "{line}: {lines:?}");
        bench.pass(5_000);
    }
    for (line, code) in
        [("WHOIS n0", " 338 "), ("WHOIS n0", " 379 "), ("WHOWAS n1", " 338 "), ("STATS t", " 249 ")]
    {
        bench.out.clear();
        bench.say(other, line);
        assert!(!bench.got(1).iter().any(|line| line.contains(code)), "{line}");
        bench.pass(5_000);
    }
}

#[test]
fn a_long_monitor_list_comes_in_slices() {
    let mut bench = Bench::new(|config| {
        (config.limits.monitor_entries, config.limits.flood_rate) = (10_000, 0);
    });
    let client = bench.user(0);
    for number in 0..40 {
        let nicks: Vec<String> = (0..50).map(|nick| format!("w{number}x{nick}")).collect();
        bench.say(client, &format!("MONITOR + {}", nicks.join(",")));
    }
    bench.out.clear();
    for (command, code) in [("MONITOR L", " 732 "), ("MONITOR S", " 731 ")] {
        bench.out.set_backlog(0, SLICE_LOW_WATER - 1);
        bench.say(client, command);
        assert!(!bench.server.ready(client), "{command}");
        let mut lines = bench.got(0);
        while !bench.server.ready(client) {
            bench.pass(20);
            lines.extend(bench.got(0));
        }
        let lists = lines.iter().filter(|line| line.contains(code));
        let nicks = lists.map(|line| line.split_once(" :").unwrap().1.split(',').count());
        assert_eq!(nicks.sum::<usize>(), 2_000, "{command}");
    }
}
