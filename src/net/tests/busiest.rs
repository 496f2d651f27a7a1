//! Who says much, and where.

use serde_json::json;

use super::*;
use crate::proto::limits::{ADMIN_REQUESTS_PER_TURN, ADMIN_SCAN};

/// What `busiest` answers, and the names and counts in it.
fn busiest(rig: &mut Rig, params: &Value) -> (Value, Vec<(String, u64)>) {
    let operator = rig.operator();
    let result = rig.ask(operator, "busiest", params)["result"].take();
    rig.driver().close_remote(operator);
    rig.settle();
    let name =
        |item: &Value| item.get("name").or(item.get("nick")).unwrap().as_str().unwrap_or("-").to_owned();
    let count = |item: &Value| (name(item), item["messages"].as_u64().unwrap());
    let items = result["items"].as_array().unwrap().iter().map(count).collect();
    (result, items)
}

fn named(items: &[(&str, u64)]) -> Vec<(String, u64)> {
    items.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

/// The beginning of a window of eight seconds, with nothing said in the one before.
fn at_a_window(rig: &mut Rig) {
    let window = 8_192;
    rig.pass(3 * window - rig.now.mono_ms % window);
}

#[test]
fn the_busiest_are_those_who_have_said_most_of_late() {
    let mut rig = Rig::new();
    let [ann, bob, _cat] = rig.room(["ann", "bob", "cat"]);
    at_a_window(&mut rig);
    rig.say(bob, &"PRIVMSG #room :x\r\n".repeat(5));
    rig.say(ann, "PRIVMSG #room :x\r\nPRIVMSG bob :x\r\nPING x\r\n");
    rig.settle();
    let silent = rig.connect();
    let guest = rig.connect();
    rig.say(guest, "NICK\r\n");
    rig.settle();
    let (clients, counts) = busiest(&mut rig, &json!({}));
    assert_eq!(counts, named(&[("bob", 5), ("ann", 3), ("-", 1)]));
    assert_eq!(clients["period_ms"], 8_192);
    assert_eq!(clients.get("next"), None);
    assert_eq!(clients["items"][1]["address"], "198.51.100.1");
    assert_eq!(busiest(&mut rig, &json!({"limit": 1})).1, named(&[("bob", 5)]));
    let channels = json!({"what": "channels"});
    let (found, counts) = busiest(&mut rig, &channels);
    assert_eq!(counts, named(&[("#room", 6)]));
    assert_eq!(found["items"][0]["members"], 3);
    // A window later it still counts, beside what is new.
    rig.pass(8_192);
    rig.say(ann, "PRIVMSG #room :x\r\n");
    rig.settle();
    assert_eq!(busiest(&mut rig, &json!({"limit": 2})).1, named(&[("bob", 5), ("ann", 4)]));
    assert_eq!(busiest(&mut rig, &channels).1, named(&[("#room", 7)]));
    // And after another it does not.
    rig.pass(8_192);
    assert_eq!(busiest(&mut rig, &channels).1, named(&[("#room", 1)]));
    rig.pass(8_192);
    assert_eq!(busiest(&mut rig, &channels).1, named(&[]));
    rig.driver().close_remote(silent);
}

#[test]
fn the_queue_of_a_busy_client_is_told() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    rig.driver().set_capacity(bob, 0);
    rig.say(bob, "PING x\r\n");
    rig.say(ann, &format!("PRIVMSG #room :{}\r\n", "x".repeat(300)));
    rig.settle();
    let (clients, _) = busiest(&mut rig, &json!({}));
    let items = clients["items"].as_array().unwrap();
    let queue = |nick: &str| {
        let item = items.iter().find(|item| item["nick"] == nick).unwrap();
        item["send_queue_bytes"].as_u64().unwrap()
    };
    assert!(queue("bob") > 300 && queue("ann") == 0, "{clients}");
}

#[test]
fn a_request_looks_at_so_many_clients_and_the_cursor_leads_to_the_others() {
    let mut config = config();
    config.limits.connections = 20_000;
    config.limits.connections_per_address = 20_000;
    let mut rig = Rig::with(config);
    let clients: Vec<_> = (0..ADMIN_SCAN + 3).map(|_| rig.connect()).collect();
    rig.settle();
    at_a_window(&mut rig);
    for (client, nick) in [(clients[7], "ann"), (clients[ADMIN_SCAN + 2], "bob")] {
        rig.say(client, &format!("NICK {nick}\r\n"));
    }
    rig.settle();
    let (first, counts) = busiest(&mut rig, &json!({}));
    assert_eq!((counts, &first["next"]), (named(&[("ann", 1)]), &json!(ADMIN_SCAN.to_string())));
    let (last, counts) = busiest(&mut rig, &json!({"after": first["next"]}));
    assert_eq!((counts, last.get("next")), (named(&[("bob", 1)]), None));
}

#[test]
fn a_request_looks_at_so_many_channels_and_the_cursor_leads_to_the_others() {
    let mut config = config();
    config.limits.channels_per_user = 10_000;
    let mut rig = Rig::with(config);
    let users = [rig.user("ann"), rig.user("bob")];
    let channels = ADMIN_SCAN + 3;
    for (index, user) in [(0..9_000), (9_000..channels)].into_iter().zip(users) {
        for number in index {
            rig.say(user, &format!("JOIN #{number}\r\n"));
            if number % 500 == 0 {
                rig.settle();
                rig.hear(user);
            }
        }
        rig.settle();
        rig.hear(user);
    }
    at_a_window(&mut rig);
    rig.say(users[0], "PRIVMSG #7 :x\r\n");
    rig.say(users[1], &format!("PRIVMSG #{0} :x\r\nPRIVMSG #{0} :x\r\n", channels - 1));
    rig.settle();
    let (first, counts) = busiest(&mut rig, &json!({"what": "channels"}));
    assert_eq!((counts, &first["next"]), (named(&[("#7", 1)]), &json!(ADMIN_SCAN.to_string())));
    let (last, counts) = busiest(&mut rig, &json!({"what": "channels", "after": first["next"]}));
    assert_eq!((counts, last.get("next")), (named(&[(&format!("#{}", channels - 1), 2)]), None));
    // A scan is the share of a turn.
    let operator = rig.operator();
    rig.settle();
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"busiest","params":["channels"]}"#;
    rig.say(operator, &format!("{request}\n").repeat(ADMIN_REQUESTS_PER_TURN));
    rig.turn();
    assert_eq!(rig.hear(operator).lines().count(), 1);
}
