//! All of a new configuration or nothing.

use nix::errno::Errno;
use serde_json::json;

use super::*;
use crate::config;
use crate::net::fake::Call;

impl Rig {
    fn reload(&mut self, config: Config) -> Value {
        self.file = Ok(config);
        let operator = self.operator();
        let answer = self.ask(operator, "reload", &json!({}));
        self.driver().close_remote(operator);
        self.settle();
        answer
    }
}

#[test]
fn listeners_come_and_go_and_nobody_is_dropped() {
    let mut rig = Rig::new();
    let user = rig.user("ann");
    let mut config = config();
    config.listen = vec![listen("192.0.2.1:7000"), listen("192.0.2.1:0")];
    let answer = rig.reload(config.clone());
    assert_eq!(answer["result"]["listeners_added"], json!(["192.0.2.1:7000", "192.0.2.1:40000"]));
    assert_eq!(answer["result"]["listeners_removed"], json!(["192.0.2.1:6667"]));
    let old = rig.address;
    assert!(!rig.driver().is_listening(old));
    rig.address = addresses(&config).next().unwrap();
    rig.user("bob");
    rig.address = "192.0.2.1:40000".parse().unwrap();
    rig.user("cat");
    // What is there stays, with the port that the kernel chose.
    let answer = rig.reload(config);
    assert_eq!(answer["result"]["listeners_added"], json!([]));
    assert_eq!(answer["result"]["listeners_removed"], json!([]));
    rig.user("dan");
    let mut config = super::config();
    config.listen = vec![listen("192.0.2.1:40000"), listen("192.0.2.1:0")];
    let answer = rig.reload(config);
    assert_eq!(answer["result"]["listeners_added"], json!(["192.0.2.1:40001"]));
    assert_eq!(answer["result"]["listeners_removed"], json!(["192.0.2.1:7000"]));
    rig.user("eve");
    rig.say(user, "PING x\r\n");
    rig.settle();
    assert!(rig.hear(user).contains("PONG"));
}

#[test]
fn a_listener_on_one_address_gives_way_to_one_on_all_and_back() {
    let mut rig = Rig::new();
    for (new, old) in [("0.0.0.0:6667", "192.0.2.1:6667"), ("192.0.2.1:6667", "0.0.0.0:6667")] {
        let mut config = config();
        config.listen = vec![listen(new)];
        let answer = rig.reload(config);
        assert_eq!(answer["result"]["listeners_added"], json!([new]), "{answer}");
        assert_eq!(answer["result"]["listeners_removed"], json!([old]));
    }
}

#[test]
fn when_one_listener_cannot_be_opened_nothing_changes() {
    for call in [Call::Bind, Call::Register] {
        let mut rig = Rig::new();
        let mut config = config();
        config.server.motd = vec!["new".to_owned()];
        config.listen = vec![listen("192.0.2.1:7000"), listen("192.0.2.1:7001")];
        if call == Call::Bind {
            rig.driver().fail(call, Errno::EADDRINUSE);
        } else {
            // The second address cannot be had.
            config.listen[1] = listen("192.0.2.1:7000");
        }
        let answer = rig.reload(config.clone());
        assert_eq!(answer["error"]["code"], json!(2), "{answer}");
        let problems = answer["error"]["data"]["problems"].as_array().unwrap();
        assert_eq!(problems.len(), 1);
        assert!(problems[0]["message"].as_str().unwrap().contains("cannot listen on 192.0.2.1:7000"));
        let address = rig.address;
        assert!(rig.driver().is_listening(address));
        assert!(!rig.driver().is_listening("192.0.2.1:7000".parse().unwrap()));
        assert!(!rig.driver().is_listening("192.0.2.1:7001".parse().unwrap()));
        assert!(rig.shell.server().config().server.motd.is_empty());
        rig.user("ann");
    }
}

#[test]
fn what_needs_a_restart_is_named_and_left_as_it_is() {
    let mut rig = Rig::new();
    let mut config = config();
    config.server.name = "other.example".to_owned();
    config.server.network = "Other".to_owned();
    let answer = rig.reload(config.clone());
    assert_eq!(answer["result"]["changed"], json!(["server.network"]));
    assert_eq!(answer["result"]["restart_needed"], json!(["server.name"]));
    let user = rig.user("ann");
    rig.say(user, "PING x\r\n");
    rig.settle();
    assert!(rig.hear(user).starts_with(":chat.localhost PONG"));
    // It is named again for as long as it holds.
    let answer = rig.reload(config);
    assert_eq!(answer["result"]["changed"], json!([]));
    assert_eq!(answer["result"]["restart_needed"], json!(["server.name"]));
}

#[test]
fn a_bad_file_changes_nothing_and_says_all_that_is_wrong() {
    let mut rig = Rig::new();
    let text = "[server]\nname = 7\n";
    let problem = config::Problem::error(16..17, "wants text");
    let file = "/etc/chatd/chatd.toml";
    let problems = vec![
        Diagnostic::locate(file, text, problem),
        Diagnostic::of_file(file, config::Severity::Warning, "others may read it"),
    ];
    rig.file = Err(problems);
    let operator = rig.operator();
    let answer = rig.ask(operator, "reload", &json!({}));
    let problems = answer["error"]["data"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2);
    assert_eq!((&problems[0]["line"], &problems[0]["column"]), (&json!(2), &json!(8)));
    assert!(
        problems[0]["report"].as_str().unwrap().starts_with("/etc/chatd/chatd.toml:2:8: error: wants text")
    );
    assert_eq!(problems[1]["line"], json!(null));
    rig.user("ann");
}

#[test]
fn new_limits_hold_for_those_who_are_there() {
    let mut rig = Rig::new();
    let [talker, deaf] = rig.room(["ann", "bob"]);
    rig.driver().set_capacity(deaf, 0);
    let mut config = config();
    config.limits.send_queue = 64 * 1024;
    rig.reload(config);
    let line = format!("PRIVMSG #room :{}\r\n", "x".repeat(400));
    for _ in 0..170 {
        rig.say(talker, &line);
        rig.settle();
    }
    assert!(rig.driver().is_closed(deaf));
}

#[test]
fn an_operator_waits_for_a_slow_file_and_nobody_else_does() {
    let mut rig = Rig::new();
    rig.loads_late = true;
    let user = rig.user("ann");
    let operator = rig.operator();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"reload"},{"jsonrpc":"2.0","id":2,"method":"version"}]"#;
    rig.say(operator, &format!("{batch}\n{{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"version\"}}\n"));
    rig.say(user, "PING x\r\n");
    rig.settle();
    assert!(rig.hear(user).contains("PONG"));
    assert_eq!(rig.hear(operator), "", "answers keep their order");
    assert!(rig.driver().take_load() && !rig.driver().take_load());
    rig.load();
    rig.settle();
    let text = rig.hear(operator);
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&answers[0][0]["id"], &answers[0][1]["id"]), (&json!(1), &json!(2)));
    assert_eq!(answers[0][0]["result"]["changed"], json!([]));
    assert_eq!(answers[1]["id"], json!(3));
}

#[test]
fn whoever_asks_while_the_file_is_read_has_it_read_again() {
    let mut rig = Rig::new();
    rig.loads_late = true;
    let [first, second] = [(); 2].map(|()| rig.operator());
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"reload"}"#;
    rig.say(first, &format!("{request}\n"));
    rig.settle();
    rig.say(second, &format!("{request}\n"));
    rig.settle();
    assert!(rig.driver().take_load() && !rig.driver().take_load(), "one at a time");
    rig.load();
    rig.settle();
    assert!(rig.hear(first).contains("result"));
    assert_eq!(rig.hear(second), "");
    let mut config = config();
    config.server.network = "Later".to_owned();
    rig.file = Ok(config);
    assert!(rig.driver().take_load());
    rig.load();
    rig.settle();
    assert!(rig.hear(second).contains("server.network"));
    assert!(!rig.driver().take_load());
}

#[test]
fn an_operator_who_closes_the_writing_side_gets_the_answer_and_one_who_leaves_does_no_harm() {
    let mut rig = Rig::new();
    rig.loads_late = true;
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"reload"}"#;
    let (half, gone) = (rig.operator(), rig.operator());
    rig.say(half, request);
    rig.driver().finish(half);
    rig.say(gone, &format!("{request}\n"));
    rig.settle();
    rig.driver().close_remote(gone);
    rig.settle();
    for _ in 0..2 {
        assert!(rig.driver().take_load());
        rig.load();
        rig.settle();
    }
    assert!(rig.hear(half).contains("result"));
    rig.pass(60_000);
    assert!(rig.driver().is_closed(half) && rig.driver().is_closed(gone));
}
