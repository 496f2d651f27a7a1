//! The audit: who has changed what through the admin socket, in the log of the real daemon.

use chatd::admin::{Kind, METHODS, Method};

use super::*;

/// A request that does what the method is for, in a server with the users ann and bob and the channel #c.
fn good(method: &Method) -> Value {
    match method.name {
        "ban.add" => json!({"mask": "a@b.example", "reason": "never seen"}),
        "ban.del" => json!({"mask": "a@b.example"}),
        "channel.mode" => json!({"channel": "#c", "modes": "+k sesame"}),
        "channel.topic" => json!({"channel": "#c", "topic": "no log may have this"}),
        "filter.add" | "filter.del" => json!({"name": "f", "pattern": "x"}),
        "kick" => json!({"nick": "ann"}),
        "lockdown" => json!({"state": "on"}),
        "log_level" => json!({"level": "error"}),
        "config.apply" => json!({"confirm_within": "1h"}),
        _ => {
            let required = method.params.iter().filter(|param| param.required);
            let value = |kind| match kind {
                Kind::Text | Kind::Choice(_) => json!("#c"),
                Kind::Words(words) => json!([words[0]]),
                Kind::Masks => json!(["*"]),
                Kind::Integer(least, _) => json!(least),
                Kind::Switch => json!(false),
                Kind::Cursor => json!(0),
                Kind::Duration => json!("1m"),
            };
            required.map(|param| (param.name.to_owned(), value(param.kind))).collect()
        }
    }
}

/// The methods in the records of the audit, in order, and what came of each.
fn records(daemon: &Daemon) -> Vec<(String, String)> {
    let field = |line: &str, name: &str| {
        let value = line.split_once(&format!(" {name}="))?.1;
        Some(value.split(' ').next().unwrap_or_default().to_owned())
    };
    let lines = daemon.output().into_iter().filter(|line| line.contains(" info admin client="));
    lines.filter_map(|line| field(&line, "method").zip(field(&line, "result"))).collect()
}

#[test]
fn each_request_that_changes_something_leaves_one_record_whatever_comes_of_it_and_questions_none() {
    let mut daemon = Daemon::start(OPEN);
    let _ann = daemon.user("ann");
    let mut bob = daemon.user("bob");
    bob.send("JOIN #c");
    bob.sync();
    // So that there is something to confirm.
    daemon.write_config(&format!("{OPEN}[server]\nmotd = \"new\"\n"));
    let mut expected = Vec::new();
    let mut outcome = |method: &'static Method, params: &Value| {
        let result = daemon.rpc(method.name, params).map_err(|error| error.code.to_string());
        if method.changes {
            let result = result.err().unwrap_or_else(|| "done".to_owned());
            expected.push((method.name.to_owned(), result));
        }
    };
    let (last, others): (Vec<_>, Vec<_>) = METHODS.iter().partition(|method| method.name == "shutdown");
    for method in others.into_iter().chain(last) {
        outcome(method, &json!({"nonsense": 1}));
        outcome(method, &{
            let mut params = good(method);
            if method.name == "filter.del" {
                params.as_object_mut().unwrap().remove("pattern");
            }
            params
        });
    }
    daemon.wait_exit();
    assert_eq!(records(&daemon), expected);
    let done: Vec<_> = expected.iter().filter(|(_, result)| result == "done").map(|(name, _)| name).collect();
    for method in METHODS.iter().filter(|method| method.changes) {
        assert!(done.contains(&&method.name.to_owned()), "{} was tried: {expected:?}", method.name);
    }
    let text = daemon.output().join("\n");
    assert!(!text.contains("sesame") && !text.contains("no log may have"), "{text}");
    let me = format!("pid={} uid={}", std::process::id(), nix::unistd::geteuid());
    for line in daemon.output().iter().filter(|line| line.contains(" info admin client=")) {
        assert!(line.contains(&me) && line.contains(" socket=admin method="), "{line}");
    }
}

#[test]
fn whoever_turns_the_log_off_is_in_it_and_then_nothing_is() {
    let mut daemon = Daemon::start(OPEN);
    daemon.rpc("log_level", &json!({"level": "off"})).unwrap();
    daemon.rpc("drain", &json!({})).unwrap();
    daemon.rpc("log_level", &json!({"level": "error"})).unwrap();
    daemon.rpc("drain", &json!({"undo": true})).unwrap();
    daemon.rpc("stats", &json!({})).unwrap();
    daemon.rpc("shutdown", &json!({})).unwrap();
    daemon.wait_exit();
    let methods: Vec<_> = records(&daemon).into_iter().map(|(method, _)| method).collect();
    assert_eq!(methods, ["log_level", "log_level", "drain", "shutdown"]);
}
