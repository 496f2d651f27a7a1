//! The admin socket: good requests, and clients that mean no good.

use serde_json::json;

use super::*;
use crate::proto::limits::{
    ADMIN_CONNECTIONS, ADMIN_ENTRIES, ADMIN_LINE, ADMIN_REQUESTS_PER_TURN, ADMIN_SCAN, ADMIN_SEND_QUEUE,
    ADMIN_STALL_MS, LINGER_MS,
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
    assert_eq!(
        answer["error"]["message"],
        "ann is not in #room; `chatctl list --channel '#room'` shows who is"
    );
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

#[test]
fn a_channel_is_shown_and_changed_as_the_server() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    rig.say(ann, "MODE #room +kb sesame *!*@192.0.2.7\r\nTOPIC #room :old\r\n");
    rig.settle();
    rig.pass(90_000);
    let operator = rig.operator();
    let info = rig.ask(operator, "channel.info", &json!({"channel": "#ROOM"}))["result"].take();
    assert_eq!(info["name"], "#room");
    assert_eq!(info["modes"], "+knt sesame", "operators see the key");
    assert_eq!((&info["topic"], &info["topic_age_seconds"]), (&json!("old"), &json!(90)));
    assert!(info["topic_by"].as_str().unwrap().starts_with("ann!"), "{info}");
    assert_eq!((&info["members"], &info["users"]), (&json!(2), &json!(["@ann", "bob"])));
    let ban = json!({"mask": "*!*@192.0.2.7", "by": "ann", "age_seconds": 90});
    assert_eq!(info["lists"], json!([{"mode": "b", "total": 1, "entries": [ban]}]));
    rig.hear(bob);
    let answer = rig.ask(
        operator,
        "channel.mode",
        &json!({"channel": "#room", "modes": "+o-bk bob *!*@192.0.2.7 sesame"}),
    );
    assert_eq!(answer["result"], json!({"name": "#room", "modes": "+nt"}));
    assert!(rig.hear(bob).starts_with(":chat.localhost MODE #room +o-bk bob "), "as the server");
    let answer = rig.ask(operator, "channel.topic", &json!({"channel": "#room", "topic": "new"}));
    assert_eq!(
        answer["result"],
        json!({"name": "#room", "topic": "new", "topic_by": "chat.localhost", "topic_age_seconds": 0})
    );
    assert_eq!(rig.hear(bob), ":chat.localhost TOPIC #room :new\r\n");
    let answer = rig.ask(operator, "channel.topic", &json!({"channel": "#room", "clear": true}));
    assert_eq!((&answer["result"]["topic"], &answer["result"]["topic_by"]), (&json!(""), &Value::Null));
    assert_eq!(rig.hear(bob), ":chat.localhost TOPIC #room :\r\n");
    let answer = rig.ask(operator, "channel.topic", &json!({"channel": "#room"}));
    assert_eq!(answer["result"]["topic"], "");
    assert_eq!(rig.hear(bob), "", "who looks changes nothing");
}

#[test]
fn texts_that_would_be_cut_are_refused() {
    let mut rig = Rig::new();
    let [ann, _bob] = rig.room(["ann", "bob"]);
    rig.hear(ann);
    let operator = rig.operator();
    let fits = 512 - ":chat.localhost NOTICE  :\r\n".len() - 64;
    let mut announce = |length: usize| {
        let answer = rig.ask(operator, "announce", &json!({"text": "x".repeat(length)}));
        (answer, rig.hear(ann))
    };
    let (answer, heard) = announce(fits + 1);
    let most =
        format!("the notice has {} bytes; at most {fits} are allowed (it must fit into a line)", fits + 1);
    assert_eq!((&answer["error"]["message"], heard.as_str()), (&json!(most), ""));
    let (answer, heard) = announce(fits);
    assert_eq!((&answer["result"]["users"], heard.matches('x').count()), (&json!(2), fits));
    for params in [json!({"nick": "ann"}), json!({"nick": "ann", "channel": "#room"})] {
        let mut params = params;
        params["reason"] = json!("x".repeat(301));
        let error = rig.ask(operator, "kick", &params)["error"].take();
        let most = "the reason has 301 bytes; at most 300 are allowed (limits.kick_length)";
        assert_eq!(error["message"], most);
    }
    assert_eq!(rig.hear(ann), "", "nobody is kicked");
}

#[test]
fn what_cannot_be_changed_in_a_channel_is_named() {
    let mut rig = Rig::new();
    let [ann, _bob] = rig.room(["ann", "bob"]);
    let operator = rig.operator();
    for method in ["channel.info", "channel.mode", "channel.topic", "list"] {
        let mut params = json!({"channel": "#none"});
        if method == "channel.mode" {
            params["modes"] = json!("+m");
        }
        let error = rig.ask(operator, method, &params)["error"].take();
        assert_eq!(error["code"], json!(1));
        assert!(error["message"].as_str().unwrap().starts_with("there is no channel #none; "), "{error}");
    }
    let mut refusal = |modes: &str| {
        let params = json!({"channel": "#room", "modes": modes});
        let error = rig.ask(operator, "channel.mode", &params)["error"].take();
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        refusal("+mv cat"),
        (4, "refused, and the rest was done: cat: No such nick/channel".to_owned())
    );
    assert_eq!(refusal("+v cat"), (4, "refused: cat: No such nick/channel".to_owned()));
    for (modes, why) in [
        ("+k sec +l 5", "no mode takes the parameter +l; all letters come first, such as +kl KEY 5"),
        ("+nk", "mode k needs a parameter"),
        ("-ib", "mode b needs a parameter"),
        ("+iZ", "there is no mode Z of channels"),
    ] {
        assert_eq!(refusal(modes), (-32602, format!("nothing was changed: {why}")));
    }
    let many = format!("+{}{}", "b".repeat(13), " x".repeat(13));
    assert_eq!(
        refusal(&many),
        (-32602, "13 modes with a parameter at once; at most 12 are taken".to_owned())
    );
    let heard = rig.hear(ann);
    assert!(heard.ends_with("MODE #room +m\r\n") && heard.matches("MODE").count() == 1, "{heard}");
    let error = rig.ask(operator, "channel.info", &json!({"channel": "room"}))["error"].take();
    let hint = "there is no channel room; did you mean '#room'? `chatctl list channels` shows all";
    assert_eq!(error["message"], hint);
    let long = json!({"channel": "#room", "topic": "x".repeat(400)});
    let error = rig.ask(operator, "channel.topic", &long)["error"].take();
    assert_eq!(error["message"], "the topic has 400 bytes; at most 390 are allowed (limits.topic_length)");
    assert_eq!(rig.hear(ann), "");
}

#[test]
fn members_and_lists_are_cut_with_a_count() {
    let mut config = config();
    config.limits.connections_per_address = 1_000;
    config.limits.list_entries = 1_000;
    let mut rig = Rig::with(config);
    let ann = rig.user("ann");
    rig.say(ann, "JOIN #room\r\n");
    rig.settle();
    for n in 0..ADMIN_ENTRIES + 5 {
        rig.say(ann, &format!("MODE #room +b *!*@192.0.2.{n}\r\n"));
        let user = rig.user(&format!("user{n}"));
        rig.say(user, "JOIN #room\r\n");
        rig.settle();
    }
    let operator = rig.operator();
    let params = json!({"channel": "#room", "modes": "+v user254"});
    assert!(rig.ask(operator, "channel.mode", &params)["error"].is_null());
    let info = rig.ask(operator, "channel.info", &json!({"channel": "#room"}))["result"].take();
    assert_eq!((&info["members"], &info["lists"][0]["total"]), (&json!(256), &json!(255)));
    assert_eq!(info["lists"][0]["entries"].as_array().unwrap().len(), ADMIN_ENTRIES);
    let users = info["users"].as_array().unwrap();
    assert_eq!(users.len(), ADMIN_ENTRIES);
    assert_eq!(users[..3], ["@ann", "+user254", "user0"], "those with a rank come first");
}

#[test]
fn a_user_is_shown_with_all_that_is_known() {
    let mut rig = Rig::new();
    let [ann] = rig.room(["ann"]);
    rig.say(ann, "CAP REQ :batch server-time\r\nAWAY :lunch\r\nMONITOR + bob,cat\r\nSILENCE +*!*@spam\r\n");
    rig.settle();
    let operator = rig.operator();
    let info = rig.ask(operator, "user.info", &json!({"nick": "ANN"}))["result"].take();
    let list = rig.ask(operator, "list", &json!({}))["result"]["items"][0].take();
    for (name, value) in list.as_object().unwrap() {
        assert_eq!(info[name], *value, "{name} is that of list");
    }
    assert_eq!((&info["away"], &info["account"]), (&json!("lunch"), &Value::Null));
    assert_eq!(info["capabilities"], json!(["batch", "server-time"]));
    assert_eq!((&info["oper_class"], &info["secure"]), (&Value::Null, &json!(false)));
    let counts = ["monitored", "accepted", "silenced", "invited"].map(|name| info[name].as_u64());
    assert_eq!(counts, [Some(2), Some(0), Some(1), Some(0)]);
    let by_id = rig.ask(operator, "user.info", &json!({"id": info["id"]}))["result"].take();
    assert_eq!(by_id, info);
    let cat = rig.connect();
    rig.settle();
    let cat = rig.driver().token(cat).unwrap();
    for (who, message) in [
        (json!({"nick": "bob"}), "there is no user bob; `chatctl list` shows all".to_owned()),
        (
            json!({"id": cat}),
            format!("client {cat} has not registered yet; `chatctl list connections` shows what is known"),
        ),
        (
            json!({"id": u64::MAX}),
            format!("there is no client with the id {}; `chatctl list connections` shows all", u64::MAX),
        ),
    ] {
        let error = rig.ask(operator, "user.info", &who)["error"].take();
        assert_eq!((&error["code"], &error["message"]), (&json!(1), &json!(message)));
    }
}

#[test]
fn the_process_is_asked_for_through_the_driver_alone() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    // The played machine has one process, and its number is 0 whatever that of the test is.
    assert_eq!(rig.ask(operator, "version", &serde_json::json!({}))["result"]["pid"], 0);
}
