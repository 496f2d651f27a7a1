//! Those who watch: what they are told, in which order, and what they cost others.

use serde_json::json;

use super::*;
use crate::proto::limits::{ADMIN_STALL_MS, WATCH_LINES, WATCH_LOOKS, WATCH_MASKS, WATCH_QUEUE, WATCHERS};

impl Rig {
    /// An admin client that watches, and has been told so.
    fn watcher(&mut self, params: &Value) -> Remote {
        let operator = self.operator();
        self.driver().set_capacity(operator, 1 << 30);
        let answer = self.ask(operator, "watch", params);
        assert!(answer["result"]["events"].is_array(), "{answer}");
        operator
    }

    fn slot(&mut self, remote: Remote) -> u32 {
        self.driver().token(remote).unwrap() as u32
    }

    /// All that it has been sent and not read, line by line.
    fn lines(&mut self, operator: Remote) -> Vec<Value> {
        let text = self.hear(operator);
        assert!(text.is_empty() || text.ends_with('\n'), "whole lines: {text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The parameters of the notifications, and nothing else, that it has been sent and not read.
    fn events(&mut self, operator: Remote) -> Vec<Value> {
        let params = |mut line: Value| {
            assert!(line["method"] == "event" && line.get("id").is_none(), "{line}");
            line["params"].take()
        };
        self.lines(operator).into_iter().map(params).collect()
    }
}

/// The events that were told of and those that are missing, which must come to `seq` without a hole.
fn add_up(lines: &[Value]) -> (u64, u64) {
    let (mut seq, mut told, mut missed) = (0, 0, 0);
    for line in lines {
        let params = &line["params"];
        let by = if line["method"] == "gap" {
            missed += params["missed"].as_u64().unwrap();
            params["missed"].as_u64().unwrap()
        } else {
            told += 1;
            1
        };
        assert!(by > 0 && params["seq"] == seq + by, "{line} after {seq}");
        seq += by;
    }
    (told, missed)
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn a_life_is_told_with_numbers_times_and_without_what_was_said() {
    let mut rig = Rig::new();
    let watcher = rig.watcher(&json!({}));
    let [ann, _bob] = rig.room(["ann", "bob"]);
    let id = rig.driver().token(ann).unwrap();
    rig.say(
        ann,
        "PRIVMSG #room :words\r\nTOPIC #room :words\r\nNICK eve\r\nAWAY :words\r\nPART #room :words\r\n",
    );
    rig.say(ann, "QUIT :bye\r\n");
    rig.settle();
    let events = rig.events(watcher);
    let expected = ["connect", "register", "join", "connect", "register", "join", "nick", "part", "quit"];
    assert_eq!(kinds(&events), expected);
    for (index, event) in events.iter().enumerate() {
        assert_eq!((&event["seq"], &event["time"]), (&json!(index + 1), &json!(rig.now.unix_ms)), "{event}");
    }
    assert_eq!(events[0]["listener"], "192.0.2.1:6667");
    assert_eq!((&events[1]["nick"], &events[1]["user"]), (&json!("ann"), &json!("ann!~ann@198.51.100.1")));
    let at = |index: usize, name: &str| events[index][name].clone();
    assert_eq!([at(2, "client"), at(2, "nick"), at(2, "channel")], [json!(id), json!("ann"), json!("#room")]);
    assert_eq!([at(6, "from"), at(6, "to")], [json!("ann"), json!("eve")]);
    assert_eq!([at(7, "nick"), at(7, "channel")], [json!("eve"), json!("#room")]);
    assert_eq!([at(8, "nick"), at(8, "cause")], [json!("eve"), json!("quit")]);
    assert!(!format!("{events:?}").contains("words"), "no text");
}

#[test]
fn operators_are_told_of_what_operators_do() {
    let mut rig = Rig::new();
    let [_ann, _bob] = rig.room(["ann", "bob"]);
    let watcher = rig.watcher(&json!({}));
    let operator = rig.operator();
    rig.ask(operator, "kick", &json!({"nick": "ann", "channel": "#room", "reason": "out"}));
    rig.ask(operator, "kick", &json!({"nick": "ann", "reason": "gone"}));
    rig.ask(operator, "reload", &json!({}));
    rig.file = Ok(Config { listen: vec![listen("192.0.2.1:6667"), listen("192.0.2.1:7000")], ..config() });
    rig.ask(operator, "reload", &json!({}));
    rig.file = Err(vec![Diagnostic::of_file("x.toml", crate::config::Severity::Error, "bad")]);
    rig.ask(operator, "reload", &json!({}));
    rig.ask(operator, "shutdown", &json!({"reason": "moving"}));
    let mut events = rig.events(watcher);
    let expected = ["kick", "kill", "quit", "reload", "listener", "reload", "reload", "shutdown", "quit"];
    assert_eq!(kinds(&events), expected);
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.retain(|name, _| !["seq", "time", "client"].contains(&name.as_str()));
    }
    let by = "chat.localhost";
    assert_eq!(
        events[0],
        json!({"kind": "kick", "nick": "ann", "channel": "#room", "by": by, "reason": "out"})
    );
    let user = "ann!~ann@198.51.100.1";
    assert_eq!(events[1], json!({"kind": "kill", "nick": "ann", "user": user, "by": by, "reason": "gone"}));
    let report = |done, changed: &[&str], problems| json!({"kind": "reload", "done": done, "changed": changed, "restart_needed": [], "problems": problems});
    assert_eq!(events[3], report(true, &[], 0));
    assert_eq!(events[4], json!({"kind": "listener", "address": "192.0.2.1:7000", "step": "opened"}));
    assert_eq!(events[5], report(true, &["listen"], 0));
    assert_eq!(events[6], report(false, &[], 1));
    assert_eq!(events[7], json!({"kind": "shutdown", "connections": 1, "reason": "moving"}));
}

#[test]
fn only_what_was_asked_for_is_told_and_only_after_the_answer() {
    let mut rig = Rig::new();
    let [_ann] = rig.room(["ann"]);
    // Somebody is told already, so that there is something to tell.
    let other = rig.watcher(&json!({}));
    let watcher = rig.operator();
    // The kick is carried out before the answer of the batch goes out.
    let call = |id: u64, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let batch = json!([
        call(1, "watch", json!({"events": ["join", "quit"]})),
        call(2, "kick", json!({"nick": "ann"}))
    ]);
    rig.say(watcher, &format!("{batch}\n"));
    rig.settle();
    let answer = rig.answer(watcher);
    assert_eq!(answer[0]["result"]["events"], json!(["join", "quit"]));
    assert_eq!(kinds(&rig.events(other)), ["kill", "quit"]);
    let bob = rig.user("bob");
    rig.say(bob, "JOIN #room\r\nPART #room\r\nNICK ann\r\n");
    rig.settle();
    assert_eq!(kinds(&rig.events(watcher)), ["join"]);
    // Other kinds instead; the numbers go on.
    assert_eq!(rig.ask(watcher, "watch", &json!({"events": ["nick"]}))["result"]["events"], json!(["nick"]));
    rig.say(bob, "JOIN #room\r\nNICK bob\r\n");
    rig.settle();
    let events = rig.events(watcher);
    assert_eq!((kinds(&events), &events[0]["seq"]), (vec!["nick"], &json!(2)));
    let error = rig.ask(watcher, "watch", &json!({"events": ["joins"]}))["error"].take();
    assert!(
        error["message"].as_str().unwrap().ends_with("but has the string `joins`; did you mean `join`?"),
        "{error}"
    );
}

#[test]
fn masks_choose_nicks_channels_and_addresses_and_number_what_they_choose() {
    let mut rig = Rig::new();
    let by = |name: &str, masks: &[&str]| json!({ name: masks });
    let bobs = rig.watcher(&by("nick", &["b?b", "eve"]));
    let rooms = rig.watcher(&by("channel", &["#ROOM"]));
    let near = rig.watcher(&by("address", &["203.0.113.*"]));
    let both = rig.watcher(&json!({"events": ["part"], "nick": ["bob"], "address": ["198.51.100.*"]}));
    let to = rig.address;
    let far = rig.driver().connect(to, "203.0.113.7:1".parse().unwrap());
    rig.say(far, "NICK far\r\nUSER far 0 * :far\r\nJOIN #room\r\n");
    rig.settle();
    let bob = rig.user("bob");
    rig.say(bob, "JOIN #room,#other\r\nPART #other\r\nNICK eve\r\nNICK adam\r\nNICK zoe\r\n");
    rig.say(far, "QUIT\r\n");
    rig.settle();
    let operator = rig.operator();
    rig.ask(operator, "drain", &json!({}));
    let mut told = |watcher| {
        let events = rig.events(watcher);
        let numbers: Vec<_> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
        assert!(numbers.iter().copied().eq(1..=events.len() as u64), "{numbers:?}");
        kinds(&events).join(" ")
    };
    assert_eq!(told(bobs), "register join join part nick nick");
    assert_eq!(told(rooms), "join join");
    assert_eq!(told(near), "connect register join quit");
    assert_eq!(told(both), "part");
    // Others instead, and then no masks.
    assert!(rig.ask(bobs, "watch", &by("nick", &["zoe"]))["error"].is_null());
    rig.say(bob, "PART #room\r\n");
    rig.settle();
    assert_eq!(kinds(&rig.events(bobs)), ["part"]);
    assert!(rig.ask(bobs, "watch", &json!({}))["error"].is_null());
    rig.ask(operator, "drain", &json!({"undo": true}));
    let last = rig.events(bobs).pop().unwrap();
    assert_eq!((&last["kind"], &last["seq"]), (&json!("drain"), &json!(8)));
}

#[test]
fn a_turn_holds_so_many_masks_against_events_and_what_it_does_not_look_at_is_missed() {
    let mut rig = Rig::with(roomy());
    let user = rig.user("ann");
    rig.driver().set_capacity(user, 1 << 30);
    let masks: Vec<_> = (0..WATCH_MASKS).map(|n| format!("*a*{n}")).collect();
    let watcher = rig.watcher(&json!({"events": ["join"], "channel": masks}));
    let looked_at = WATCH_LOOKS / WATCH_MASKS;
    for n in 0..looked_at + 7 {
        rig.say(user, &format!("JOIN #c{n}\r\n"));
    }
    rig.turn();
    let (told, missed) = add_up(&rig.lines(watcher));
    assert_eq!((told, missed), (0, 7), "nobody knows of these whether they were meant");
    rig.say(user, "JOIN #a1\r\n");
    rig.settle();
    assert_eq!(rig.events(watcher)[0]["channel"], "#a1");
}

#[test]
fn requests_are_answered_between_events_and_unwatch_ends_them() {
    let mut rig = Rig::new();
    let watcher = rig.watcher(&json!({"events": ["connect"]}));
    rig.connect();
    rig.settle();
    rig.say(watcher, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"version\"}\n");
    rig.settle();
    rig.connect();
    rig.settle();
    let lines = rig.lines(watcher);
    let ids: Vec<_> = lines.iter().map(|line| line["id"].clone()).collect();
    assert_eq!(ids, [Value::Null, json!(5), Value::Null]);
    assert_eq!(rig.stats()["messages_out"], 0, "events are no messages");
    rig.hear(watcher);
    assert_eq!(rig.ask(watcher, "unwatch", &json!({}))["result"], json!({"ended": true}));
    assert_eq!(rig.ask(watcher, "unwatch", &json!({}))["result"], json!({"ended": false}));
    rig.connect();
    rig.settle();
    assert_eq!(rig.hear(watcher), "");
}

#[test]
fn there_are_so_many_who_watch_and_who_leaves_makes_room() {
    let mut rig = Rig::new();
    let watchers: Vec<_> = (0..WATCHERS).map(|_| rig.watcher(&json!({}))).collect();
    let operator = rig.operator();
    assert_eq!(rig.ask(operator, "watch", &json!({}))["error"]["code"], json!(3));
    // One that watches may watch something else.
    assert!(rig.ask(watchers[1], "watch", &json!({}))["error"].is_null());
    rig.driver().close_remote(watchers[0]);
    rig.settle();
    assert!(rig.ask(operator, "watch", &json!({}))["error"].is_null());
}

/// Thousands of lines of one turn, in the order of the clients.
fn crowd(rig: &mut Rig, count: usize) -> Vec<Remote> {
    let users: Vec<_> = (0..count).map(|n| rig.user(&format!("u{n}"))).collect();
    for &user in &users {
        rig.driver().set_capacity(user, 1 << 30);
    }
    users
}

fn roomy() -> Config {
    let mut config = config();
    config.limits.connections_per_address = 10_000;
    config.limits.lines_per_turn = 10_000;
    config.limits.bytes_per_turn = 1 << 20;
    config.limits.channels_per_user = 10_000;
    config.limits.deliveries_per_turn = 1_000_000;
    config
}

#[test]
fn a_storm_in_one_turn_is_told_in_part_and_the_rest_is_counted() {
    let mut rig = Rig::with(roomy());
    let user = rig.user("ann");
    rig.driver().set_capacity(user, 1 << 30);
    let watchers: Vec<_> = (0..3).map(|_| rig.watcher(&json!({"events": ["join"]}))).collect();
    // More of them in a turn than are told of; what they cost, the watchers have as well.
    for n in 0..2 * WATCH_LINES {
        rig.say(user, &format!("JOIN #c{n}\r\n"));
    }
    rig.turn();
    let told: Vec<_> = watchers.iter().map(|&watcher| rig.lines(watcher)).collect();
    let all: usize = told.iter().map(Vec::len).sum();
    assert!((WATCH_LINES..=WATCH_LINES + 2 * watchers.len()).contains(&all), "{all} lines in one turn");
    for lines in &told {
        assert_eq!(lines.last().unwrap()["method"], "gap", "a turn tells what it has left out");
    }
    rig.settle();
    for (watcher, mut lines) in watchers.into_iter().zip(told) {
        lines.extend(rig.lines(watcher));
        let (told, missed) = add_up(&lines);
        assert_eq!(told + missed, 2 * WATCH_LINES as u64);
    }
}

#[test]
fn who_does_not_read_misses_events_and_is_told_how_many_where_they_are_missing() {
    let mut rig = Rig::with(roomy());
    let user = rig.user("ann");
    rig.driver().set_capacity(user, 1 << 30);
    let slow = rig.watcher(&json!({"events": ["join", "part"]}));
    rig.driver().set_capacity(slow, 4_096);
    let mut passed = 0;
    for round in 0..40 {
        let (join, part) = (format!("JOIN #c{round}\r\n"), format!("PART #c{round}\r\n"));
        for _ in 0..10 {
            rig.say(user, &format!("{join}{part}").repeat(20));
            passed += 40;
            rig.settle();
        }
        let slot = rig.slot(slow);
        let queue = rig.shell.out.pending(slot);
        assert!(queue <= WATCH_QUEUE + 1_024, "{queue} bytes wait");
    }
    rig.pass(3 * ADMIN_STALL_MS);
    assert!(!rig.driver().is_closed(slow), "it is not cut off");
    rig.driver().set_capacity(slow, 1 << 30);
    rig.turn();
    assert!(rig.is_due(), "what is missing is told although nothing else happens");
    let mut text = String::new();
    loop {
        rig.settle();
        let more = rig.hear(slow);
        if more.is_empty() {
            break;
        }
        text += &more;
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (told, missed) = add_up(&lines);
    assert!(missed > 0 && told > 1_000, "{told} told, {missed} missed");
    assert_eq!(told + missed, passed);
    // From here on it hears all again.
    rig.say(user, "JOIN #last\r\n");
    rig.settle();
    let events = rig.events(slow);
    assert_eq!((&events[0]["channel"], &events[0]["seq"]), (&json!("#last"), &json!(passed + 1)));
}

#[test]
fn many_who_join_one_channel_are_told_of() {
    let mut rig = Rig::with(roomy());
    let users = crowd(&mut rig, 300);
    let watcher = rig.watcher(&json!({"events": ["join", "part", "quit"]}));
    for &user in &users {
        rig.say(user, "JOIN #room\r\n");
    }
    rig.settle();
    for &user in &users {
        rig.driver().close_remote(user);
    }
    rig.settle();
    let (told, missed) = add_up(&rig.lines(watcher));
    assert_eq!(told + missed, 600);
}
