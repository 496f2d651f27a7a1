use serde_json::json;

use super::super::{INVALID_PARAMS, Json, Kind, METHODS, parse};
use super::*;

/// The request that a method and its parameters make.
fn request(method: &str, params: &Value) -> Result<Request, RpcError> {
    let line = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let mut seen = None;
    let answer = parse(line.as_bytes()).answer(|request| {
        seen = Some(request.clone());
        Ok(Json::of("done"))
    });
    let mut answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    seen.ok_or_else(|| serde_json::from_value(answer["error"].take()).unwrap())
}

fn fault(method: &str, params: &Value) -> String {
    let error = request(method, params).unwrap_err();
    assert_eq!(error.code, INVALID_PARAMS, "{error}");
    error.message
}

/// A value of that kind.
fn example(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!("text"),
        Kind::Choice(words) => json!(words[0]),
        Kind::Words(words) => json!([words[0]]),
        Kind::Masks => json!(["a*"]),
        Kind::Integer(min, _) => json!(min),
        Kind::Switch => json!(true),
        Kind::Cursor => json!("12"),
        Kind::Duration => json!("12h"),
    }
}

/// A value that is not of that kind.
fn counterexample(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!(""),
        Kind::Choice(_) => json!("something else"),
        Kind::Words(words) => json!([words[0], "something else"]),
        Kind::Masks => json!(["a*", ""]),
        Kind::Integer(..) => json!("1"),
        Kind::Switch => json!("true"),
        Kind::Cursor => json!("1x"),
        Kind::Duration => json!("soon"),
    }
}

/// Whether one of the parameters `nick` and `id` is needed.
fn names_somebody(method: &Method) -> bool {
    ["kick", "user.info"].contains(&method.name)
}

/// Walks the table: each method is known to the typed part, each parameter reaches the request, and is checked.
#[test]
fn every_method_and_parameter_of_the_table_is_handled() {
    for method in METHODS {
        let required: Map<_, _> = method
            .params
            .iter()
            .filter(|param| param.required || (names_somebody(method) && param.name == "nick"))
            .map(|param| (param.name.to_owned(), example(param.kind)))
            .collect();
        let base = request(method.name, &Value::Object(required.clone())).unwrap();
        assert_eq!(base.method().name, method.name);
        for param in method.params {
            let mut with = required.clone();
            if param.name == "id" {
                with.remove("nick");
            }
            let different = if param.name == "what" { json!("channels") } else { example(param.kind) };
            with.insert(param.name.to_owned(), different);
            let request_with = request(method.name, &Value::Object(with.clone())).unwrap();
            if !required.contains_key(param.name) {
                assert_ne!(request_with, base, "{}: {} is not taken over", method.name, param.name);
            }
            with.insert(param.name.to_owned(), counterexample(param.kind));
            let message = fault(method.name, &Value::Object(with));
            let expected = format!("{}: parameter `{}` must be {}", method.name, param.name, param.kind);
            assert!(message.starts_with(&expected), "{message}");
        }
    }
}

#[test]
fn requests_survive_the_way_to_the_daemon() {
    let text = || Some("words with \"quotes\" and \u{2} é".to_owned());
    let topic = |change| Request::ChannelTopic { channel: "#c".into(), change };
    let list = List { what: What::Connections, mask: text(), limit: 7, after: u64::MAX, ..List::default() };
    for sent in [
        Request::Announce { text: text().unwrap() },
        Request::BanAdd {
            mask: "*@192.0.2.*".into(),
            reason: text().unwrap(),
            duration: Some(129_600),
            kind: Some("kline".into()),
        },
        Request::BanAdd { mask: "192.0.2.0/24".into(), reason: "no".into(), duration: None, kind: None },
        Request::BanDel { mask: "192.0.2.1".into(), kind: Some("dline".into()) },
        Request::BanList { mask: text(), limit: 7, after: u64::MAX },
        Request::Busiest { what: Busy::Clients, limit: 10, after: 0 },
        Request::Busiest { what: Busy::Channels, limit: 7, after: 9 },
        Request::ChannelInfo { channel: "#c".into() },
        Request::ChannelMode { channel: "#c".into(), modes: "-o+b bob *!*@x".into() },
        topic(TopicChange::Show),
        topic(TopicChange::Clear),
        topic(TopicChange::Set("be \u{2}nice\u{2}".into())),
        Request::ConfigApply { confirm_within: Some(60) },
        Request::ConfigApply { confirm_within: None },
        Request::ConfigConfirm,
        Request::ConfigDiff,
        Request::ConfigStatus,
        Request::FilterAdd {
            name: "spam".into(),
            pattern: "free (coins|beer)".into(),
            on: Some("message,topic".into()),
            action: Some("kill".into()),
            reason: text(),
        },
        Request::Drain { undo: false },
        Request::Drain { undo: true },
        Request::FilterDel { name: "spam".into() },
        Request::FilterList,
        Request::FilterTest { text: "free beer".into(), on: Some("topic".into()) },
        Request::Lockdown { on: Some(true) },
        Request::Lockdown { on: None },
        Request::Help,
        Request::Kick { target: Target::Nick("bob".into()), channel: Some("#c".into()), reason: text() },
        Request::Kick { target: Target::Id(u64::MAX), channel: None, reason: None },
        Request::List(List::default()),
        Request::List(List { channel: Some("#c".into()), ..List::default() }),
        Request::List(list),
        Request::LogLevel { level: Some(LevelFilter::Debug) },
        Request::LogLevel { level: None },
        Request::Unwatch,
        Request::Watch { events: Vec::new(), masks: WatchMasks::default() },
        Request::Watch {
            events: vec!["join".into(), "ban".into()],
            masks: WatchMasks {
                nick: vec!["a*".into()],
                channel: vec!["#c".into(), "#d".into()],
                address: vec!["2001:db8:*".into()],
            },
        },
        Request::OperList { limit: 7, after: 9 },
        Request::Reload,
        Request::Shutdown { reason: text() },
        Request::Stats,
        Request::UserInfo { target: Target::Nick("bob".into()) },
        Request::UserInfo { target: Target::Id(7) },
        Request::Version,
    ] {
        let line = sent.to_line(9);
        assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
        let calls = parse(&line);
        assert_eq!(calls.requests().collect::<Vec<_>>(), [&sent]);
    }
}

#[test]
fn parameters_by_position_are_those_by_name() {
    assert_eq!(
        request("kick", &json!(["bob", null, "#rust", "enough"])),
        request("kick", &json!({"nick": "bob", "channel": "#rust", "reason": "enough"}))
    );
    assert_eq!(request("list", &json!([])), Ok(Request::List(List::default())));
    assert_eq!(request("list", &json!({"what": null})), Ok(Request::List(List::default())));
    assert_eq!(
        fault("announce", &json!([7])),
        "announce: parameter 1 (`text`) must be a string that is not empty, but is 7"
    );
    assert_eq!(
        fault("announce", &json!(["a", "b"])),
        "announce: too many parameters, 2 given and 1 at most; it takes `text`"
    );
    assert_eq!(
        fault("stats", &json!([1])),
        "stats: too many parameters, 1 given and 0 at most; it takes none"
    );
}

#[test]
fn bad_parameters_are_named_with_their_place_and_what_was_expected() {
    for (method, params, message) in [
        (
            "announce",
            json!({}),
            "announce: parameter `text` is missing; it must be a string that is not empty",
        ),
        (
            "announce",
            json!({"text": null}),
            "announce: parameter `text` is missing; it must be a string that is not empty",
        ),
        (
            "announce",
            json!({"text": "é\nb"}),
            "announce: parameter `text` must not hold NUL, CR or LF; there is one at character 2",
        ),
        (
            "ban.add",
            json!({"mask": "a@b", "reason": "no", "duration": "1y"}),
            "ban.add: parameter `duration` must be a length of time of at most 10 years, such as 12h, 1w3d \
             or 90 (minutes), but is the string `1y`",
        ),
        (
            "ban.del",
            json!({"mask": "a@b", "kind": "k-line"}),
            "ban.del: parameter `kind` must be dline or kline, but is the string `k-line`; did you mean `kline`?",
        ),
        ("user.info", json!({}), "user.info: one of the parameters `nick` and `id` is needed"),
        ("kick", json!({"nik": "bob"}), "kick: unknown parameter `nik`; did you mean `nick`?"),
        (
            "kick",
            json!({"wherefrom": 1}),
            "kick: unknown parameter `wherefrom`; it takes `nick`, `id`, `channel`, `reason`",
        ),
        ("version", json!({"x": 1}), "version: unknown parameter `x`; it takes none"),
        (
            "channel.topic",
            json!({"channel": "#c", "clear": 1}),
            "channel.topic: parameter `clear` must be true or false, but is 1",
        ),
        (
            "channel.topic",
            json!({"channel": "#c", "topic": "x", "clear": true}),
            "channel.topic: the parameters `topic` and `clear` exclude each other",
        ),
        ("kick", json!({"reason": "x"}), "kick: one of the parameters `nick` and `id` is needed"),
        ("kick", json!({"nick": "a", "id": 1}), "kick: the parameters `nick` and `id` exclude each other"),
        ("kick", json!({"id": -1}), "kick: parameter `id` must be an integer from 0 on, but is -1"),
        (
            "kick",
            json!({"nick": ["a"]}),
            "kick: parameter `nick` must be a string that is not empty, but is an array",
        ),
        ("list", json!({"limit": 0}), "list: parameter `limit` must be an integer from 1 to 1000, but is 0"),
        (
            "list",
            json!({"limit": 1001}),
            "list: parameter `limit` must be an integer from 1 to 1000, but is 1001",
        ),
        (
            "list",
            json!({"limit": 1.5}),
            "list: parameter `limit` must be an integer from 1 to 1000, but is 1.5",
        ),
        (
            "list",
            json!({"what": "chanels"}),
            "list: parameter `what` must be users, channels, connections or listeners, \
             but is the string `chanels`; did you mean `channels`?",
        ),
        (
            "list",
            json!({"after": true}),
            "list: parameter `after` must be the `next` of the page before, but is true",
        ),
        (
            "list",
            json!({"what": "channels", "channel": "#c"}),
            "list: the parameter `channel` goes with `what` users only",
        ),
        (
            "log_level",
            json!({"level": "trace"}),
            "log_level: parameter `level` must be off, error, warn, info or debug, but is the string `trace`",
        ),
    ] {
        assert_eq!(fault(method, &params), message, "{method} {params}");
    }
}

#[test]
fn masks_have_bounds() {
    for (params, fault_is) in [
        (json!({"nick": "bob"}), "nick but is the string `bob`"),
        (json!({"channel": []}), "channel but is an empty array"),
        (json!({"address": vec!["*"; 9]}), "address but has 9"),
        (json!({"nick": ["a", 7]}), "nick but has 7"),
        (json!({"nick": ["a", "b".repeat(129)]}), "nick but has one of 129 bytes"),
    ] {
        let (name, why) = fault_is.split_once(' ').unwrap();
        let expected =
            format!("watch: parameter `{name}` must be an array of 1 to 8 masks of at most 128 bytes, {why}");
        assert_eq!(fault("watch", &params), expected);
    }
    assert!(request("watch", &json!({"nick": vec!["b".repeat(128); 8]})).is_ok());
}

#[test]
fn the_cursor_may_be_a_number_or_its_string() {
    for after in [json!("18446744073709551615"), json!(u64::MAX)] {
        let list = List { after: u64::MAX, ..List::default() };
        assert_eq!(request("list", &json!({"after": after})), Ok(Request::List(list)));
    }
}

#[test]
fn only_requests_that_change_something_say_so() {
    assert!(!Request::LogLevel { level: None }.changes());
    assert!(Request::LogLevel { level: Some(LevelFilter::Info) }.changes());
    let topic = |change| Request::ChannelTopic { channel: "#c".into(), change };
    assert!(!topic(TopicChange::Show).changes() && topic(TopicChange::Clear).changes());
    assert!(Request::Reload.changes() && !Request::Stats.changes());
}
