//! Draining: nobody new, and nobody is sent away.

use serde_json::json;

use super::*;
use crate::net::fake::Call;

#[test]
fn nobody_new_gets_in_and_those_who_are_there_stay() {
    let mut rig = Rig::new();
    let [ann, bob] = rig.room(["ann", "bob"]);
    // One that has connected and is not registered yet is there.
    let half = rig.connect();
    rig.settle();
    let operator = rig.operator();
    let answer = rig.ask(operator, "drain", &json!({}));
    assert_eq!(answer["result"], json!({"on": true, "changed": true, "connections": 3}));
    assert!(!rig.driver().is_listening("192.0.2.1:6667".parse().unwrap()));
    rig.say(half, "NICK half\r\nUSER half 0 * :half\r\n");
    rig.say(ann, "PRIVMSG #room :still here\r\n");
    rig.settle();
    assert!(rig.hear(half).contains(" 001 ") && rig.hear(bob).contains("still here"));
    assert_eq!(rig.stats()["draining"], true);
    let list = rig.ask(operator, "list", &json!({"what": "listeners"}))["result"]["items"].take();
    assert_eq!([&list[0]["state"], &list[1]["state"]], ["draining", "accepting"]);
    let again = rig.ask(operator, "drain", &json!({}));
    assert_eq!(again["result"], json!({"on": true, "changed": false, "connections": 3}));
    let undone = rig.ask(operator, "drain", &json!({"undo": true}));
    assert_eq!(undone["result"], json!({"on": false, "changed": true, "connections": 3}));
    rig.user("cat");
    assert_eq!(rig.stats()["draining"], false);
}

#[test]
fn who_waits_to_be_accepted_is_refused_with_the_others() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    rig.settle();
    let late = rig.connect();
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "drain"});
    rig.say(operator, &format!("{request}\n"));
    // Told of both, in either order.
    rig.settle();
    assert!(rig.driver().is_closed(late) || rig.driver().token(late).is_some());
    assert_eq!(rig.stats()["draining"], true);
}

#[test]
fn a_reload_keeps_it_up_for_old_and_new_listeners_and_undoing_it_opens_all() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    rig.ask(operator, "drain", &json!({}));
    let both = vec![listen("192.0.2.1:6667"), listen("192.0.2.1:7000")];
    rig.file = Ok(Config { listen: both, ..config() });
    let report = rig.ask(operator, "reload", &json!({}));
    assert_eq!(report["result"]["listeners_added"], json!(["192.0.2.1:7000"]));
    let addresses = ["192.0.2.1:6667", "192.0.2.1:7000"].map(|it| it.parse().unwrap());
    let listening = |rig: &mut Rig| addresses.map(|address| rig.driver().is_listening(address));
    assert_eq!(listening(&mut rig), [false, false]);
    rig.ask(operator, "drain", &json!({"undo": true}));
    assert_eq!(listening(&mut rig), [true, true]);
    rig.user("ann");
}

#[test]
fn a_listener_that_cannot_be_silenced_refuses_in_words() {
    let mut rig = Rig::new();
    rig.driver().fail(Call::SetListening, nix::errno::Errno::EPERM);
    let operator = rig.operator();
    let answer = rig.ask(operator, "drain", &json!({}));
    assert_eq!(answer["result"]["on"], true);
    let client = rig.connect();
    rig.settle();
    let heard = rig.hear(client);
    assert_eq!(heard, "ERROR :The server takes no new connections for now, try another one\r\n");
    assert!(rig.driver().is_closed(client));
    let stats = rig.stats();
    assert_eq!((&stats["refused"]["draining"], &stats["connections_now"]), (&json!(1), &json!(0)));
    rig.ask(operator, "drain", &json!({"undo": true}));
    rig.user("ann");
}

#[test]
fn a_listener_that_does_not_come_back_is_named_and_tried_again() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    rig.ask(operator, "drain", &json!({}));
    rig.driver().fail(Call::SetListening, nix::errno::Errno::EADDRINUSE);
    let error = rig.ask(operator, "drain", &json!({"undo": true}))["error"].take();
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("new clients are taken again, but not on 192.0.2.1:6667: "), "{message}");
    assert_eq!((&error["code"], &rig.stats()["draining"]), (&json!(4), &json!(false)));
    rig.ask(operator, "drain", &json!({"undo": true}));
    rig.user("ann");
}
