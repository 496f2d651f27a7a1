//! The admin socket: good requests, and clients that mean no good.

use serde_json::json;

use super::*;
use crate::proto::limits::{
    ADMIN_CONNECTIONS, ADMIN_LINE, ADMIN_REQUESTS_PER_TURN, ADMIN_SCAN, ADMIN_SEND_QUEUE, ADMIN_STALL_MS,
    LINGER_MS,
};

#[test]
fn a_line_that_is_too_long_gets_one_error_and_the_next_is_answered() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    for _ in 0..3 {
        rig.say(operator, &"x".repeat(ADMIN_LINE));
        rig.settle();
    }
    let answer = rig.answer(operator);
    assert_eq!(answer["error"]["code"], json!(3));
    rig.say(operator, "rest\n");
    assert_eq!(rig.ask(operator, "version", &json!({}))["result"]["name"], "chatd");
}

#[test]
fn a_line_as_long_as_may_be_is_answered() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"version"}"#;
    let padding = " ".repeat(ADMIN_LINE - request.len() - 1);
    rig.say(operator, &format!("{padding}{request}\n"));
    rig.settle();
    assert_eq!(rig.answer(operator)["result"]["name"], "chatd");
}

#[test]
fn a_last_line_without_its_end_is_a_line_all_the_same() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    rig.say(operator, r#"{"jsonrpc":"2.0","id":1,"method":"version"}"#);
    rig.driver().finish(operator);
    rig.settle();
    assert_eq!(rig.answer(operator)["result"]["name"], "chatd");
    assert!(rig.driver().is_closed(operator) && rig.driver().has_ended(operator));
    // What is cut off in its middle is no request.
    let operator = rig.operator();
    rig.say(operator, r#"{"jsonrpc":"2.0","id":1,"method":"shut"#);
    rig.driver().finish(operator);
    rig.settle();
    assert_eq!(rig.answer(operator)["error"]["code"], json!(-32700));
    assert!(!rig.shell.is_finished());
}

#[test]
fn a_client_without_pause_has_its_share_of_each_turn() {
    let mut rig = Rig::new();
    let flooder = rig.operator();
    let user = rig.user("ann");
    let request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n";
    rig.driver().set_capacity(flooder, 1 << 20);
    rig.say(flooder, &request.repeat(1_000));
    let mut answers = 0;
    while answers < 1_000 {
        rig.say(user, "PING x\r\n");
        rig.turn();
        let heard = rig.hear(flooder).lines().count();
        assert!((1..=ADMIN_REQUESTS_PER_TURN).contains(&heard), "{heard}");
        assert!(rig.hear(user).contains("PONG"), "others are served meanwhile");
        answers += heard;
    }
    // A batch counts by its requests: the share of one turn is over after it.
    let batch = format!("[{}]\n", vec![request.trim(); 20].join(","));
    rig.say(flooder, &batch.repeat(2));
    rig.turn();
    assert_eq!(rig.hear(flooder).lines().count(), 1);
    rig.settle();
    assert_eq!(rig.hear(flooder).lines().count(), 1);
}

#[test]
fn who_does_not_read_is_not_read_and_is_closed_in_the_end() {
    let mut config = config();
    config.limits.connections_per_address = 1_000;
    let mut rig = Rig::with(config);
    for n in 0..200 {
        rig.user(&format!("user{n}"));
    }
    let deaf = rig.operator();
    let list = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\",\"params\":{\"limit\":1000}}\n";
    let requests = 100;
    rig.say(deaf, &list.repeat(requests));
    rig.settle();
    let stats = rig.stats();
    assert_eq!(stats["send_queue_bytes"], 0, "admin output is not counted as the clients'");
    let waiting = |rig: &mut Rig| {
        let operator = rig.operator();
        let answer = rig.ask(operator, "list", &json!({"what": "connections", "match": "unix"}));
        rig.driver().close_remote(operator);
        rig.settle();
        answer["result"]["items"][0]["send_queue_bytes"].as_u64().unwrap()
    };
    let bytes = waiting(&mut rig);
    assert!(bytes > u64::from(ADMIN_SEND_QUEUE) / 2 && bytes < u64::from(ADMIN_SEND_QUEUE), "{bytes}");
    // It takes a little: it may stay, and is read again when enough has gone.
    rig.pass(ADMIN_STALL_MS - 1);
    let mut heard = rig.driver().receive(deaf, 60_000);
    assert!(!heard.is_empty());
    rig.settle();
    rig.pass(ADMIN_STALL_MS - 1);
    assert!(!rig.driver().is_closed(deaf));
    rig.driver().set_capacity(deaf, 1 << 30);
    let mut lines = 0;
    for _ in 0..requests {
        lines += memchr::memchr_iter(b'\n', &heard).count();
        rig.settle();
        heard = rig.driver().receive(deaf, usize::MAX);
    }
    assert_eq!(lines, requests, "in the end every request has its answer");
    // And one that takes nothing has to go.
    rig.driver().set_capacity(deaf, 0);
    rig.say(deaf, list);
    rig.settle();
    rig.pass(ADMIN_STALL_MS - 1);
    assert!(!rig.driver().is_closed(deaf));
    rig.pass(1);
    assert!(rig.driver().is_closed(deaf));
}

#[test]
fn there_are_so_many_admin_connections_and_no_more() {
    let mut rig = Rig::new();
    let operators: Vec<_> = (0..ADMIN_CONNECTIONS).map(|_| rig.operator()).collect();
    rig.settle();
    let extra = rig.operator();
    rig.settle();
    assert_eq!(rig.answer(extra)["error"]["code"], json!(3));
    assert!(rig.driver().is_closed(extra));
    rig.driver().close_remote(operators[0]);
    rig.settle();
    assert_eq!(rig.stats()["refused"]["admin_connections"], 1);
}

#[test]
fn kick_disconnects_by_nick_or_id_and_from_one_channel() {
    let mut rig = Rig::new();
    let [ann, bob, cat] = rig.room(["ann", "bob", "cat"]);
    let operator = rig.operator();
    let answer = rig.ask(operator, "kick", &json!({"nick": "ANN", "channel": "#ROOM", "reason": "out"}));
    assert_eq!(answer["result"]["channel"], "#room");
    assert!(rig.hear(bob).contains("KICK #room ann :out"));
    assert!(!rig.driver().has_ended(ann));
    let answer = rig.ask(operator, "kick", &json!({"nick": "ann", "channel": "#room"}));
    assert_eq!(answer["error"]["message"], "ann is not in #room");
    let answer = rig.ask(operator, "kick", &json!({"nick": "bob", "reason": "gone"}));
    assert_eq!(answer["result"]["nick"], "bob");
    assert!(rig.hear(bob).contains("ERROR :") && rig.hear(cat).contains("QUIT"));
    let id = rig.driver().token(ann).unwrap();
    assert_eq!(rig.ask(operator, "kick", &json!({"id": id}))["result"]["id"], id);
    let again = rig.ask(operator, "kick", &json!({"id": id}));
    assert_eq!(again["error"]["code"], json!(1));
    let own = rig.driver().token(operator).unwrap();
    assert_eq!(rig.ask(operator, "kick", &json!({"id": own}))["error"]["code"], json!(1));
    assert_eq!(rig.stats()["disconnects"]["kill"], 2);
}

#[test]
fn pages_of_a_list_hold_everybody_once() {
    let mut config = config();
    config.limits.connections_per_address = 1_000;
    let mut rig = Rig::with(config);
    let users: Vec<_> = (0..25).map(|n| rig.user(&format!("user{n}"))).collect();
    // Slots in between become free.
    for &user in users.iter().step_by(3) {
        rig.driver().close_remote(user);
    }
    rig.settle();
    let operator = rig.operator();
    let mut nicks = Vec::new();
    let mut after = json!(null);
    loop {
        let mut params = json!({"limit": 4});
        if !after.is_null() {
            params["after"] = after;
        }
        let mut page = rig.ask(operator, "list", &params)["result"].take();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 4);
        nicks.extend(items.iter().map(|item| item["nick"].as_str().unwrap().to_owned()));
        after = page["next"].take();
        if after.is_null() {
            break;
        }
    }
    nicks.sort();
    let mut expected: Vec<_> = (0..25).filter(|n| n % 3 != 0).map(|n| format!("user{n}")).collect();
    expected.sort();
    assert_eq!(nicks, expected);
}

#[test]
fn lists_show_what_was_asked_for() {
    let mut rig = Rig::new();
    let [ann, _bob] = rig.room(["ann", "bob"]);
    rig.say(ann, "JOIN #other\r\nTOPIC #other :things\r\n");
    rig.settle();
    let half = rig.connect();
    rig.say(half, "NICK half\r\n");
    let operator = rig.operator();
    let mut list = |params: Value| rig.ask(operator, "list", &params)["result"]["items"].take();
    let nicks = |items: &Value| -> Vec<String> {
        items.as_array().unwrap().iter().map(|it| it["nick"].as_str().unwrap_or("-").to_owned()).collect()
    };
    assert_eq!(nicks(&list(json!({}))), ["ann", "bob"]);
    assert_eq!(nicks(&list(json!({"match": "A*"}))), ["ann"]);
    assert_eq!(nicks(&list(json!({"match": "b*!*@198.*"}))), ["bob"]);
    assert_eq!(nicks(&list(json!({"channel": "#OTHER"}))), ["ann"]);
    let users = list(json!({"match": "ann"}));
    assert_eq!(users[0]["channels"], json!(["@#room", "@#other"]));
    assert!(users[0]["bytes_in"].as_u64().unwrap() > 60 && users[0]["bytes_out"].as_u64().unwrap() > 60);
    assert!(users[0]["messages_out"].as_u64().unwrap() > 5);
    let channels = list(json!({"what": "channels", "match": "#o*"}));
    assert_eq!((&channels[0]["topic"], &channels[0]["members"]), (&json!("things"), &json!(1)));
    let connections = list(json!({"what": "connections"}));
    assert_eq!(nicks(&connections), ["ann", "bob", "half", "-"]);
    let states: Vec<_> = connections.as_array().unwrap().iter().map(|it| it["state"].clone()).collect();
    assert_eq!(states, ["registered", "registered", "registering", "open"]);
    assert_eq!(connections[3]["peer"], json!({"pid": 7, "uid": 1000, "gid": 100}));
    assert_eq!(connections[0]["listener"], "192.0.2.1:6667");
    let listeners = list(json!({"what": "listeners"}));
    assert_eq!(listeners[0]["accepted"], 3);
    assert_eq!(listeners[1]["address"], "/run/chatd/admin.sock");
    let none = rig.ask(operator, "list", &json!({"channel": "#none"}));
    assert_eq!(none["error"]["code"], json!(1));
}

#[test]
fn a_scan_that_finds_nothing_ends_with_a_cursor() {
    let mut config = config();
    config.limits.connections = 20_000;
    config.limits.connections_per_address = 20_000;
    let mut rig = Rig::with(config);
    for _ in 0..ADMIN_SCAN + 10 {
        rig.connect();
    }
    rig.settle();
    let operator = rig.operator();
    let page = rig.ask(operator, "list", &json!({"match": "nobody"}));
    assert_eq!(page["result"], json!({"items": [], "next": ADMIN_SCAN.to_string()}));
    let page = rig.ask(operator, "list", &json!({"match": "nobody", "after": ADMIN_SCAN}));
    assert_eq!(page["result"], json!({"items": []}));
}

#[test]
fn an_announcement_reaches_every_user_and_a_shutdown_is_answered() {
    let mut rig = Rig::new();
    let users = rig.room(["ann", "bob"]);
    let operator = rig.operator();
    assert_eq!(rig.ask(operator, "announce", &json!({"text": "soon"}))["result"]["users"], 2);
    for user in users {
        assert!(rig.hear(user).contains("soon"));
    }
    // One that has been told already is not told again.
    let kicked = rig.user("cat");
    rig.ask(operator, "kick", &json!({"nick": "cat"}));
    let answer = rig.ask(operator, "shutdown", &json!({"reason": "moving house"}));
    assert_eq!(answer["result"], json!({"connections": 2, "timeout_seconds": 5}));
    for user in users {
        assert!(rig.hear(user).contains("moving house"));
        rig.driver().close_remote(user);
    }
    rig.settle();
    assert!(!rig.shell.is_finished() && !rig.driver().is_closed(kicked));
    rig.pass(LINGER_MS);
    assert!(
        rig.shell.is_finished(),
        "who was kicked shortly before is not waited for any longer than others"
    );
}
