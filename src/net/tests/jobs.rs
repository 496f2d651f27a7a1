//! Jobs on other threads, played: late, out of order, refused, failed, for those who have left.

use super::*;
use crate::config::{Oper, OperClass};
use crate::net::{Job, Outcome};
use crate::server::{Input, Verdict};

impl Rig {
    /// A turn in which a job has been done.
    fn finish(&mut self, outcome: Outcome) {
        self.shell.begin(self.now);
        self.shell.finished(outcome);
        self.shell.end();
        self.shell.check();
        self.settle();
    }

    /// The one job that has begun since this was last asked.
    fn job(&mut self) -> Job {
        let job = self.driver().take_job().expect("a job");
        assert_eq!(self.driver().take_job(), None, "no other");
        job
    }

    /// A user asks to become an operator.
    fn ask_for_oper(&mut self, remote: Remote, password: &str) {
        self.say(remote, &format!("OPER ann {password}\r\nPING next\r\n"));
        self.settle();
    }

    /// Has the state saved as the server would.
    fn save(&mut self, serial: u64) {
        self.shell.begin(self.now);
        self.shell.begin_job(Job::Save { serial, state: Box::default() });
        self.shell.apply_effects();
        self.shell.end();
        self.shell.check();
    }

    fn verified(&mut self, job: &Job, verdict: Verdict) {
        let Job::Verify { client, .. } = *job else { panic!("{job:?}") };
        self.finish(Outcome::Verified { client, verdict });
    }
}

fn with_operators() -> Rig {
    let mut config = config();
    let class = OperClass { name: "helper".to_owned(), ..OperClass::default() };
    let hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
    config.oper = vec![Oper {
        name: "ann".to_owned(),
        password: hash.parse().unwrap(),
        class: class.name.clone(),
        ..Oper::default()
    }];
    config.oper_class = vec![class];
    Rig::with(config)
}

#[test]
fn who_waits_for_a_password_holds_up_nobody_and_goes_on_in_order() {
    let mut rig = with_operators();
    let (ann, bob) = (rig.user("ann"), rig.user("bob"));
    rig.ask_for_oper(ann, "sesame");
    rig.say(bob, "PING x\r\n");
    rig.settle();
    assert!(rig.hear(bob).contains("PONG"));
    assert_eq!(rig.hear(ann), "", "her PING waits");
    let job = rig.job();
    assert!(matches!(&job, Job::Verify { password, .. } if password == "sesame"), "{job:?}");
    rig.pass(5_000);
    rig.verified(&job, Verdict::Good);
    let heard = rig.hear(ann);
    let order = [" 381 ann ", " MODE ann :+o", "PONG"].map(|word| heard.find(word).expect(&heard));
    assert!(order.is_sorted(), "{heard}");
}

#[test]
fn operators_are_listed_as_long_as_they_are() {
    let mut rig = with_operators();
    let users = [rig.user("ann"), rig.user("bob")];
    let operator = rig.operator();
    let list = |rig: &mut Rig, params: &str| {
        let request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"oper.list\",\"params\":PARAMS}\n";
        rig.say(operator, &request.replace("PARAMS", params));
        rig.settle();
        rig.answer(operator)["result"].take()
    };
    assert_eq!(list(&mut rig, "[]"), serde_json::json!({"items": []}));
    for user in users {
        rig.ask_for_oper(user, "sesame");
        let job = rig.job();
        rig.verified(&job, Verdict::Good);
    }
    rig.pass(5_000);
    let first = list(&mut rig, "[1]");
    let item = &first["items"][0];
    assert_eq!(
        (&item["nick"], &item["name"], &item["class"]),
        (&"ann".into(), &"ann".into(), &"helper".into())
    );
    assert_eq!((&item["user"], &item["host"]), (&"~ann".into(), &"198.51.100.1".into()));
    assert_eq!((&item["age_seconds"], &item["idle_seconds"]), (&5.into(), &5.into()));
    let second = list(&mut rig, &format!("[1, {}]", first["next"]));
    assert_eq!(second["items"][0]["nick"], "bob");
    assert_eq!(second.get("next"), None);
    rig.say(users[0], "MODE ann -o\r\n");
    rig.settle();
    let left = list(&mut rig, "[]");
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1));
}

#[test]
fn answers_in_another_order_find_those_who_asked() {
    let mut rig = with_operators();
    let users = [rig.user("ann"), rig.user("bob"), rig.user("cat")];
    let jobs = users.map(|user| {
        rig.ask_for_oper(user, "sesame");
        rig.job()
    });
    for (index, verdict, word) in
        [(2, Verdict::Wrong, " 464 "), (0, Verdict::Good, " 381 "), (1, Verdict::Busy, " 263 ")]
    {
        rig.verified(&jobs[index], verdict);
        let heard = users.map(|user| rig.hear(user));
        assert!(heard[index].contains(word) && heard[index].contains("PONG"), "{heard:?}");
        assert_eq!(heard.iter().filter(|text| !text.is_empty()).count(), 1, "{heard:?}");
    }
}

#[test]
fn when_too_many_passwords_wait_the_answer_is_to_try_again() {
    let mut rig = with_operators();
    let ann = rig.user("ann");
    rig.driver().busy = true;
    rig.ask_for_oper(ann, "sesame");
    let heard = rig.hear(ann);
    assert!(heard.contains(" 263 ann OPER :") && heard.contains("PONG"), "{heard}");
    rig.driver().busy = false;
    rig.ask_for_oper(ann, "sesame");
    let job = rig.job();
    rig.verified(&job, Verdict::Good);
    assert!(rig.hear(ann).contains(" 381 "));
}

#[test]
fn an_answer_for_somebody_who_has_left_is_not_for_who_comes_after() {
    let mut rig = with_operators();
    let ann = rig.user("ann");
    rig.ask_for_oper(ann, "sesame");
    let old = rig.job();
    let Job::Verify { client, .. } = old else { panic!("{old:?}") };
    rig.shell.begin(rig.now);
    rig.shell.tell(Input::Kill { client, reason: "enough" });
    rig.shell.end();
    rig.driver().close_remote(ann);
    rig.settle();
    let bob = rig.user("bob");
    rig.ask_for_oper(bob, "guess");
    let new = rig.job();
    let slot = |job: &Job| match job {
        Job::Verify { client, .. } => client.slot,
        _ => panic!("{job:?}"),
    };
    assert_eq!(slot(&old), slot(&new), "in the place of the other");
    rig.verified(&old, Verdict::Good);
    assert_eq!(rig.hear(bob), "");
    rig.verified(&new, Verdict::Wrong);
    assert!(rig.hear(bob).contains(" 464 "));
}

#[test]
fn guesses_are_slowed_down() {
    let mut config = with_operators().shell.server().config().as_ref().clone();
    (config.limits.flood_burst, config.limits.flood_rate) = (20, 2);
    let mut rig = Rig::with(config);
    let ann = rig.user("ann");
    rig.pass(60_000);
    rig.hear(ann);
    let mut guesses = 0;
    for _ in 0..20 {
        rig.say(ann, "OPER ann guess\r\n");
    }
    for _ in 0..60 {
        rig.settle();
        while let Some(job) = rig.driver().take_job() {
            guesses += 1;
            rig.verified(&job, Verdict::Wrong);
        }
        rig.pass(1_000);
    }
    assert!((5..=12).contains(&guesses), "{guesses} in a minute");
}

#[test]
fn one_save_at_a_time_and_of_those_that_wait_the_newest() {
    let mut rig = Rig::new();
    (1..=4).for_each(|serial| rig.save(serial));
    assert_eq!(rig.job(), Job::Save { serial: 1, state: Box::default() });
    rig.finish(Outcome::Saved { serial: 1, problem: None });
    assert_eq!(rig.job(), Job::Save { serial: 4, state: Box::default() });
    rig.finish(Outcome::Saved { serial: 4, problem: Some("the disk is full".to_owned()) });
    assert_eq!(rig.driver().take_job(), None);
    // A failure is not the end of it.
    rig.save(5);
    assert_eq!(rig.job(), Job::Save { serial: 5, state: Box::default() });
}

#[test]
fn a_save_that_cannot_be_begun_is_answered_and_stands_in_nobodys_way() {
    let mut rig = Rig::new();
    rig.driver().busy = true;
    rig.save(1);
    rig.driver().busy = false;
    rig.save(2);
    assert_eq!(rig.job(), Job::Save { serial: 2, state: Box::default() });
}

#[test]
fn the_end_waits_for_a_save_that_is_under_way_and_for_the_one_after_it() {
    let mut rig = Rig::new();
    (1..=2).for_each(|serial| rig.save(serial));
    rig.shell.begin(rig.now);
    rig.shell.signal(super::super::Signal::Stop);
    rig.shell.end();
    assert!(!rig.shell.is_finished(), "nobody is there, but the state is not on disk");
    rig.finish(Outcome::Saved { serial: 1, problem: None });
    assert!(!rig.shell.is_finished());
    rig.finish(Outcome::Saved { serial: 2, problem: None });
    assert!(rig.shell.is_finished());
}

#[test]
fn the_end_does_not_wait_for_a_disk_for_ever() {
    let mut rig = Rig::new();
    rig.save(1);
    rig.shell.begin(rig.now);
    rig.shell.signal(super::super::Signal::Stop);
    rig.shell.end();
    let patience = u64::from(rig.shell.server().config().timeouts.shutdown) * 1_000;
    rig.pass(patience - 1);
    assert!(!rig.shell.is_finished());
    rig.pass(1);
    assert!(rig.shell.is_finished());
}

#[test]
fn names_of_addresses_come_late_or_never_and_registration_goes_on() {
    let mut config = config();
    (config.dns.reverse, config.dns.timeout) = (true, 3);
    let mut rig = Rig::with(config);
    let hello = "NICK ann\r\nUSER ann 0 * :ann\r\n";
    let ann = rig.connect();
    rig.say(ann, hello);
    rig.settle();
    let Job::Resolve { client, address } = rig.job() else { panic!("a look-up") };
    assert_eq!((rig.hear(ann).as_str(), address), ("", "198.51.100.1".parse().unwrap()));
    rig.finish(Outcome::Resolved { client, address, name: Some("ann.example.org".to_owned()) });
    assert!(rig.hear(ann).contains("ann!~ann@ann.example.org"));
    // Nobody answers.
    let bob = rig.connect();
    rig.say(bob, &hello.replace("ann", "bob"));
    rig.settle();
    let Job::Resolve { client, .. } = rig.job() else { panic!("a look-up") };
    rig.pass(3_000);
    assert!(rig.hear(bob).contains("bob!~bob@198.51.100.1"));
    rig.finish(Outcome::Resolved { client, address, name: Some("bob.example.org".to_owned()) });
    assert_eq!(rig.hear(bob), "");
    // Too many wait.
    rig.driver().busy = true;
    let cat = rig.connect();
    rig.say(cat, &hello.replace("ann", "cat"));
    rig.settle();
    assert!(rig.hear(cat).contains("cat!~cat@198.51.100.1"));
}

#[test]
fn an_operator_hears_of_a_change_when_it_is_on_disk_or_why_it_is_not() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    let ask = |rig: &mut Rig, method: &str, params: Value| {
        let request = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        rig.say(operator, &format!("{request}\n"));
        rig.settle();
    };
    let filter = serde_json::json!({"name": "spam", "pattern": "beer", "action": "kill"});
    ask(&mut rig, "filter.add", filter.clone());
    assert_eq!(rig.hear(operator), "", "it is not on disk yet");
    let Job::Save { serial, state } = rig.job() else { panic!("no save") };
    let text = state.text();
    assert!(text.contains("\"beer\""), "{text}");
    rig.finish(Outcome::Saved { serial, problem: None });
    assert_eq!(rig.answer(operator)["result"]["name"], "spam");

    // A name is one that the configuration may have.
    ask(&mut rig, "filter.add", serde_json::json!({"name": "a b", "pattern": "x"}));
    let error = rig.answer(operator)["error"].take();
    let rule = "must be 1 to 32 letters, digits, `_`, `-` and `.`, not `a b`";
    assert_eq!(error["message"], format!("filter.add: parameter `name` {rule}"));

    // What changes nothing waits for nothing.
    ask(&mut rig, "filter.add", filter);
    assert_eq!(rig.answer(operator)["error"]["code"], -32602);
    ask(&mut rig, "filter.test", serde_json::json!({"text": "free BEER"}));
    let verdict = rig.answer(operator)["result"].take();
    assert_eq!((&verdict["verdict"], &verdict["filter"]["name"]), (&"kill".into(), &"spam".into()));
    assert_eq!(verdict["matching"], serde_json::json!(["spam"]));

    ask(&mut rig, "lockdown", serde_json::json!({"state": "on"}));
    assert_eq!(rig.hear(operator), "");
    let Job::Save { serial, .. } = rig.job() else { panic!("no save") };
    rig.finish(Outcome::Saved { serial, problem: Some("the disk is full".to_owned()) });
    let error = rig.answer(operator)["error"].take();
    assert_eq!(error["code"], 4);
    assert!(error["message"].as_str().unwrap().ends_with("a restart undoes it: the disk is full"), "{error}");
    ask(&mut rig, "lockdown", serde_json::json!({}));
    assert_eq!(rig.answer(operator)["result"]["on"], true);

    // A save that cannot even begin is answered at once.
    rig.driver().busy = true;
    ask(&mut rig, "filter.del", serde_json::json!({"name": "spam"}));
    assert_eq!(rig.answer(operator)["error"]["code"], 4);
    rig.driver().busy = false;
    ask(&mut rig, "filter.list", serde_json::json!({}));
    assert_eq!(rig.answer(operator)["result"]["total"], 0);
}

#[test]
fn a_ban_is_set_and_taken_away_when_that_is_on_disk() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    let bob = rig.user("bob");
    let ask = |rig: &mut Rig, method: &str, params: Value| {
        let request = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        rig.say(operator, &format!("{request}\n"));
        rig.settle();
    };
    for (params, code, words) in [
        (serde_json::json!(["*@*", "r"]), -32602, "ban.add: parameter `mask` would ban too many"),
        (serde_json::json!(["bob", "r"]), -32602, "`mask` of a K-line must be user@host"),
        (serde_json::json!(["a@b.example", "r", "1d", "dline"]), -32602, "a D-line is neither an address"),
        (serde_json::json!(["a@b.example", "r".repeat(301)]), -32602, "`reason` has at most 300 bytes"),
    ] {
        ask(&mut rig, "ban.add", params);
        let error = rig.answer(operator)["error"].take();
        assert_eq!(error["code"], code);
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    ask(&mut rig, "ban.add", serde_json::json!(["~bob@*.100.*", "Enough", "1d"]));
    assert_eq!(rig.hear(operator), "", "it is not on disk yet");
    assert!(rig.hear(bob).contains("Banned: Enough"), "but in force");
    let Job::Save { serial, state } = rig.job() else { panic!("no save") };
    let text = state.text();
    assert!(text.contains("\"~bob@*.100.*\""), "{text}");
    rig.finish(Outcome::Saved { serial, problem: None });
    let expected = serde_json::json!({
        "kind": "kline", "mask": "~bob@*.100.*", "reason": "Enough", "by": "admin (uid 1000)",
        "age_seconds": 0, "expires_seconds": 86_400, "configured": false,
    });
    assert_eq!(rig.answer(operator)["result"], expected);
    ask(&mut rig, "ban.list", serde_json::json!({"match": "~bob@*"}));
    assert_eq!(rig.answer(operator)["result"]["items"], serde_json::json!([expected]));

    ask(&mut rig, "ban.del", serde_json::json!(["~bob@*.100.*"]));
    assert_eq!(rig.hear(operator), "");
    let Job::Save { serial, .. } = rig.job() else { panic!("no save") };
    rig.finish(Outcome::Saved { serial, problem: Some("the disk is full".to_owned()) });
    let error = rig.answer(operator)["error"].take();
    assert_eq!(error["message"], "done, but not saved, so that a restart undoes it: the disk is full");
    ask(&mut rig, "ban.del", serde_json::json!(["~bob@*.100.*"]));
    let error = rig.answer(operator)["error"].take();
    assert_eq!(error["message"], "there is no K-line of ~bob@*.100.*; `chatctl ban list` shows all");
}

#[test]
fn a_lockdown_that_is_asked_for_again_is_on_disk_when_it_is_answered() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    let request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"lockdown\",\"params\":[\"on\"]}\n";
    for (problem, outcome) in [(Some("the disk is full".to_owned()), "error"), (None, "result")] {
        rig.say(operator, request);
        rig.settle();
        assert_eq!(rig.hear(operator), "");
        let Job::Save { serial, .. } = rig.job() else { panic!("no save") };
        rig.finish(Outcome::Saved { serial, problem });
        assert!(rig.answer(operator).get(outcome).is_some());
    }
}

#[test]
fn a_batch_with_a_change_is_answered_whole_and_in_order() {
    let mut rig = Rig::new();
    let operator = rig.operator();
    rig.say(
        operator,
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"},\
         {\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"lockdown\",\"params\":[\"on\"]},\
         {\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"version\"}]\n",
    );
    rig.settle();
    assert_eq!(rig.hear(operator), "");
    let Job::Save { serial, .. } = rig.job() else { panic!("no save") };
    rig.finish(Outcome::Saved { serial, problem: None });
    let answers = rig.answer(operator);
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|it| it["id"].as_u64()).collect();
    assert_eq!(ids, [Some(1), Some(2), Some(3)]);
    assert_eq!(answers[1]["result"], serde_json::json!({"on": true, "changed": true}));
}

#[test]
fn a_batch_with_a_change_and_more_answers_than_fit_still_makes_the_change() {
    let mut config = config();
    config.ban = (0..1_000_u16)
        .map(|number| crate::config::Ban {
            mask: format!("*@10.0.{}.{}", number / 256, number % 256).parse().unwrap(),
            reason: "x".repeat(300),
        })
        .collect();
    let mut rig = Rig::with(config);
    let operator = rig.operator();
    let call = |(id, (method, params)): (usize, (&str, &str))| {
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}")
    };
    let mut calls = vec![("ban.list", "{\"limit\":1000}"); 6];
    calls.extend([("lockdown", "[\"on\"]"), ("version", "[]")]);
    let calls: Vec<_> = calls.into_iter().enumerate().map(call).collect();
    rig.say(operator, &format!("[{}]\n", calls.join(",")));
    rig.settle();
    let Job::Save { serial, .. } = rig.job() else { panic!("no save") };
    rig.finish(Outcome::Saved { serial, problem: None });
    let mut heard = String::new();
    while !heard.ends_with('\n') {
        let more = rig.hear(operator);
        assert!(!more.is_empty(), "it comes in pieces, and whole");
        heard += &more;
        rig.settle();
    }
    let answers: Value = serde_json::from_str(&heard).unwrap();
    let codes: Vec<_> = answers.as_array().unwrap().iter().map(|it| it["error"]["code"].as_i64()).collect();
    assert_eq!(codes[..3], [None; 3]);
    assert_eq!(codes[5..], [Some(3), None, Some(3)]);
    assert_eq!(answers[6]["result"], serde_json::json!({"on": true, "changed": true}));
}
