//! Configurations that are to be confirmed.

use nix::errno::Errno;
use serde_json::json;

use super::*;
use crate::net::Signal;
use crate::net::fake::Call;

/// A configuration with this name of the network.
fn network(name: &str) -> Config {
    let mut config = config();
    config.server.network = name.to_owned();
    config
}

impl Rig {
    /// A request of a new operator, and its answer.
    fn request(&mut self, method: &str, params: &Value) -> Value {
        let operator = self.operator();
        let answer = self.ask(operator, method, params);
        self.driver().close_remote(operator);
        self.settle();
        answer
    }

    /// Applies a configuration, to be confirmed in so many seconds.
    fn apply(&mut self, config: Config, seconds: u64) -> Value {
        self.file = Ok(config);
        self.request("config.apply", &json!({"confirm_within": format!("{seconds}s")}))["result"].take()
    }

    fn network(&self) -> &str {
        &self.shell.server().config().server.network
    }

    fn status(&mut self) -> Value {
        self.request("config.status", &json!({}))["result"].take()
    }
}

#[test]
fn a_server_that_stops_goes_back_to_nothing() {
    let mut rig = Rig::new();
    let deaf = rig.user("ann");
    rig.driver().set_capacity(deaf, 0);
    let both = vec![listen("192.0.2.1:6667"), listen("192.0.2.1:7000")];
    rig.file = Ok(Config { listen: both, ..config() });
    rig.request("reload", &json!({}));
    rig.apply(network("New"), 5);
    rig.pass(4_000);
    rig.shell.begin(rig.now);
    rig.shell.signal(Signal::Stop);
    rig.shell.end();
    rig.pass(2_000);
    assert!(!rig.shell.is_finished(), "somebody has time for their last words");
    assert_eq!(rig.network(), "New");
    assert!(!rig.driver().is_listening("192.0.2.1:7000".parse().unwrap()), "nobody is let in any more");
}

#[test]
fn what_nobody_confirms_is_taken_back_in_time() {
    let mut rig = Rig::new();
    let result = rig.apply(network("New"), 60);
    assert_eq!((&result["changed"], &result["confirm_seconds"]), (&json!(["server.network"]), &json!(60)));
    assert_eq!(rig.network(), "New");
    rig.pass(59_999);
    assert_eq!(rig.network(), "New");
    let status = rig.status();
    assert_eq!(status, json!({"age_seconds": 59, "confirm_seconds": 1, "rolled_back": false}));
    assert_eq!(rig.stats()["confirm_seconds"], 1);
    rig.pass(1);
    assert_eq!(rig.network(), "chatd");
    assert_eq!(rig.status(), json!({"age_seconds": 0, "confirm_seconds": null, "rolled_back": true}));
    // It is too late, and the file is as it was.
    let error = rig.request("config.confirm", &json!({}))["error"].take();
    assert_eq!(error["code"], 4);
    assert!(error["message"].as_str().unwrap().contains("time was up"), "{error}");
    let diff = rig.request("config.diff", &json!({}))["result"].take();
    let difference = json!({
        "setting": "server.network", "running": "\"chatd\"", "file": "\"New\"", "secret": false, "restart": false,
    });
    assert_eq!(diff, json!({"file": null, "total": 1, "differences": [difference], "warnings": []}));
    assert_eq!(rig.network(), "chatd", "to look changes nothing");
    rig.request("reload", &json!({}));
    assert_eq!(rig.network(), "New");
    assert_eq!(rig.status()["rolled_back"], false);
    assert_eq!(rig.shell.rollback_at(), None, "nothing is left to wait for");
}

#[test]
fn what_somebody_confirms_stays() {
    let mut rig = Rig::new();
    rig.apply(network("New"), 60);
    rig.pass(20_000);
    assert_eq!(rig.request("config.confirm", &json!({}))["result"], json!({"seconds_left": 40}));
    rig.pass(600_000);
    assert_eq!(rig.network(), "New");
    let error = rig.request("config.confirm", &json!({}))["error"].take();
    assert_eq!(
        (&error["code"], &error["message"]),
        (
            &json!(4),
            &json!(
                "nothing waits to be confirmed; `chatctl config status` shows since when what is in force"
            )
        )
    );
}

#[test]
fn what_changes_nothing_or_is_refused_or_is_to_stay_waits_for_nothing() {
    let mut rig = Rig::new();
    assert_eq!(rig.apply(config(), 60)["confirm_seconds"], json!(null));
    rig.file = Err(vec![Diagnostic::of_file("chatd.toml", crate::config::Severity::Error, "no")]);
    let error = rig.request("config.apply", &json!({"confirm_within": "60s"}))["error"].take();
    assert_eq!((&error["code"], error["data"]["problems"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    assert_eq!(rig.request("config.diff", &json!({}))["error"]["code"], json!(2));
    rig.file = Ok(network("New"));
    let result = rig.request("config.apply", &json!({}))["result"].take();
    assert_eq!((&result["changed"], &result["confirm_seconds"]), (&json!(["server.network"]), &json!(null)));
    rig.pass(90_000_000);
    assert_eq!(rig.network(), "New");
    for wrong in ["4s", "2d"] {
        let error = rig.request("config.apply", &json!({"confirm_within": wrong}))["error"].take();
        assert_eq!(error["code"], -32602, "{wrong}");
    }
}

#[test]
fn a_reload_meanwhile_takes_effect_and_is_taken_back_with_the_rest() {
    let mut rig = Rig::new();
    rig.apply(network("One"), 60);
    rig.pass(10_000);
    // By a signal of a script, and by somebody who asks.
    rig.file = Ok(network("Two"));
    rig.shell.begin(rig.now);
    rig.shell.signal(Signal::Reload);
    rig.shell.end();
    rig.settle();
    assert_eq!(rig.network(), "Two");
    rig.file = Ok(network("Three"));
    let result = rig.request("config.apply", &json!({}))["result"].take();
    assert_eq!(result["confirm_seconds"], 50, "it says so");
    rig.pass(49_999);
    assert_eq!(rig.network(), "Three");
    rig.pass(1);
    assert_eq!(rig.network(), "chatd");
}

#[test]
fn applied_once_more_it_has_its_time_anew_and_goes_back_to_what_was_confirmed_last() {
    let mut rig = Rig::new();
    rig.apply(network("One"), 60);
    rig.pass(50_000);
    assert_eq!(rig.apply(network("Two"), 30)["confirm_seconds"], 30);
    rig.pass(29_999);
    assert_eq!(rig.network(), "Two");
    rig.pass(1);
    assert_eq!(rig.network(), "chatd", "One was never confirmed");
}

#[test]
fn a_file_that_is_read_while_time_is_up_is_taken_over_after_that() {
    let mut rig = Rig::new();
    rig.apply(network("One"), 60);
    rig.loads_late = true;
    let operator = rig.operator();
    rig.say(operator, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"reload\"}\n");
    rig.settle();
    rig.pass(60_000);
    assert_eq!(rig.network(), "chatd");
    assert!(rig.driver().take_load());
    rig.load();
    assert_eq!(rig.network(), "One", "somebody has asked for it");
    assert_eq!(rig.status()["confirm_seconds"], json!(null));
}

#[test]
fn listeners_come_back_and_one_that_cannot_is_no_reason_to_keep_the_rest() {
    for fails in [false, true] {
        let mut rig = Rig::new();
        let user = rig.user("ann");
        let mut config = network("New");
        config.listen = vec![listen("192.0.2.1:7000")];
        rig.apply(config, 60);
        let (old, new) = (rig.address, "192.0.2.1:7000".parse().unwrap());
        assert!(rig.driver().is_listening(new) && !rig.driver().is_listening(old));
        if fails {
            rig.driver().fail(Call::Bind, Errno::EADDRINUSE);
        }
        rig.pass(60_000);
        assert_eq!(rig.network(), "chatd");
        assert_eq!(rig.driver().is_listening(old), !fails);
        if fails {
            // The next reload opens it.
            rig.file = Ok(super::config());
            rig.request("reload", &json!({}));
            assert!(rig.driver().is_listening(old));
        }
        assert!(!rig.driver().is_listening(new));
        rig.say(user, "PING x\r\n");
        rig.settle();
        assert!(rig.hear(user).contains("PONG"));
    }
}

#[test]
fn a_batch_tells_what_it_found_and_then_takes_it_over() {
    let mut rig = Rig::new();
    rig.file = Ok(network("New"));
    let operator = rig.operator();
    let call = |id: u64, method: &str, params: &str| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}")
    };
    let calls = [
        call(1, "config.diff", "[]"),
        call(2, "config.apply", "[\"1h\"]"),
        call(3, "config.apply", "[\"60s\"]"),
        call(4, "reload", "[]"),
        call(5, "config.confirm", "[]"),
    ];
    rig.say(operator, &format!("[{}]\n", calls.join(",")));
    rig.settle();
    let answers = rig.answer(operator);
    assert_eq!(answers[0]["result"]["total"], 1);
    assert_eq!(answers[1]["result"]["confirm_seconds"], 60, "of two times the shorter one");
    assert_eq!(answers[3]["result"]["changed"], json!(["server.network"]));
    assert_eq!(answers[4]["result"]["seconds_left"], 60);
    assert_eq!(rig.network(), "New");
}

#[test]
fn a_daemon_that_stops_goes_back_to_nothing() {
    let mut rig = Rig::new();
    rig.apply(network("New"), 5);
    let deaf = rig.user("ann");
    rig.driver().set_capacity(deaf, 0);
    rig.shell.begin(rig.now);
    rig.shell.signal(Signal::Stop);
    rig.shell.end();
    rig.pass(4_999);
    assert_eq!((rig.network(), rig.shell.is_finished()), ("New", false));
    rig.pass(1);
    assert!(rig.shell.is_finished());
}
