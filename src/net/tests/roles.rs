//! The monitor socket: those who may look, and change nothing.

use serde_json::json;

use super::*;
use crate::admin::{METHODS, Method, NOT_ALLOWED};
use crate::proto::limits::{ADMIN_CONNECTIONS, WATCHERS};

impl Rig {
    fn with_monitor() -> Self {
        let mut rig = Self::new();
        let listener = rig.driver().monitor_listener();
        rig.shell.listen_monitor("/run/chatd/monitor.sock", listener).unwrap();
        rig
    }

    fn monitor(&mut self) -> Remote {
        let remote = self.driver().connect_monitor(OPERATOR);
        self.driver().set_capacity(remote, 1 << 20);
        remote
    }
}

/// Parameters with which a method of the table would do what it is for.
fn good(method: &Method) -> Value {
    match method.name {
        "channel.topic" => json!({"channel": "#room", "topic": "x"}),
        "kick" => json!({"nick": "ann"}),
        "lockdown" => json!({"state": "on"}),
        "log_level" => json!({"level": "off"}),
        _ => {
            let required = method.params.iter().filter(|param| param.required);
            required.map(|param| (param.name.to_owned(), json!("#room"))).collect()
        }
    }
}

#[test]
fn what_changes_something_is_refused_with_the_way_to_the_admin_socket() {
    let mut rig = Rig::with_monitor();
    let [_ann] = rig.room(["ann"]);
    let monitor = rig.monitor();
    let help = rig.ask(monitor, "help", &json!({}))["result"]["methods"].take();
    let listed: Vec<_> = help.as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    for method in METHODS {
        assert_eq!(listed.contains(&json!(method.name)), method.can_look(), "{}", method.name);
        assert!(method.can_look() || method.changes, "whoever reads may");
    }
    for method in METHODS.iter().filter(|method| method.changes) {
        let error = rig.ask(monitor, method.name, &good(method))["error"].take();
        assert_eq!(error["code"], json!(NOT_ALLOWED), "{}", method.name);
        let expected = format!(
            "{} changes something, and the monitor socket is for looking only; the admin socket is /run/chatd/admin.sock",
            method.name
        );
        assert_eq!(error["message"], expected);
    }
    for (method, params) in [
        ("channel.topic", json!({"channel": "#room"})),
        ("lockdown", json!({})),
        ("log_level", json!({})),
        ("list", json!({})),
        ("stats", json!({})),
        ("user.info", json!({"nick": "ann"})),
        ("watch", json!({})),
        ("unwatch", json!({})),
    ] {
        assert!(rig.ask(monitor, method, &params)["error"].is_null(), "{method}");
    }
    assert!(!rig.shell.is_finished() && !rig.driver().take_load(), "nothing was done");
    let stats = rig.stats();
    assert_eq!(
        [&stats["lockdown"], &stats["draining"], &stats["users"]],
        [&json!(false), &json!(false), &json!(1)]
    );
    assert_eq!(rig.ask(monitor, "channel.topic", &json!({"channel": "#room"}))["result"]["topic"], "");
}

#[test]
fn who_looks_has_nothing_read_and_waits_for_nobody() {
    let mut rig = Rig::with_monitor();
    rig.loads_late = true;
    let monitor = rig.monitor();
    for method in ["reload", "config.apply"] {
        assert_eq!(rig.ask(monitor, method, &json!({}))["error"]["code"], json!(NOT_ALLOWED));
        assert!(!rig.driver().take_load(), "{method}");
    }
    // To compare changes nothing.
    rig.loads_late = false;
    assert_eq!(rig.ask(monitor, "config.diff", &json!({}))["result"]["total"], 0);
}

#[test]
fn who_looks_is_not_told_what_opens_a_channel() {
    let mut rig = Rig::with_monitor();
    let [ann] = rig.room(["ann"]);
    rig.say(ann, "MODE #room +k sesame\r\n");
    rig.settle();
    let (monitor, operator) = (rig.monitor(), rig.operator());
    let params = json!({"channel": "#room"});
    let modes = |rig: &mut Rig, remote| rig.ask(remote, "channel.info", &params)["result"]["modes"].take();
    assert_eq!(modes(&mut rig, monitor), "+knt");
    assert_eq!(modes(&mut rig, operator), "+knt sesame");
}

#[test]
fn those_who_look_keep_nobody_out_who_acts() {
    let mut rig = Rig::with_monitor();
    let monitors: Vec<_> = (0..ADMIN_CONNECTIONS).map(|_| rig.monitor()).collect();
    rig.settle();
    let extra = rig.monitor();
    rig.settle();
    let error = rig.answer(extra)["error"].take();
    assert_eq!(
        error["message"],
        format!("there are {ADMIN_CONNECTIONS} monitor connections already; end one of them")
    );
    for &monitor in &monitors[..WATCHERS] {
        assert!(rig.ask(monitor, "watch", &json!({}))["error"].is_null());
    }
    assert_eq!(rig.ask(monitors[WATCHERS], "watch", &json!({}))["error"]["code"], json!(3));
    let operator = rig.operator();
    assert!(rig.ask(operator, "watch", &json!({"events": ["kick"]}))["error"].is_null());
    let list = rig.ask(operator, "list", &json!({"what": "connections"}))["result"]["items"].take();
    let roles: Vec<_> = list.as_array().unwrap().iter().map(|it| it["role"].clone()).collect();
    assert_eq!(roles.iter().filter(|role| **role == "monitor").count(), ADMIN_CONNECTIONS);
    assert_eq!(roles.last().unwrap(), "admin");
    rig.driver().close_remote(monitors[0]);
    rig.settle();
    let again = rig.monitor();
    assert!(rig.ask(again, "stats", &json!({}))["error"].is_null());
}
