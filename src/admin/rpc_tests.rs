use serde_json::json;

use super::*;
use crate::admin::{INVALID_PARAMS, NOT_FOUND, PageWriter};

/// Answers every request with its method's name.
#[expect(clippy::unnecessary_wraps, reason = "it stands for one that may refuse")]
fn name_it(request: &Request) -> Result<Json, RpcError> {
    Ok(Json::of(request.method().name))
}

fn reply(line: &str) -> Option<String> {
    let line = parse(line.as_bytes()).answer(name_it)?;
    let line = String::from_utf8(line).unwrap();
    assert_eq!(line.find('\n'), Some(line.len() - 1), "one line: {line:?}");
    Some(line.trim_end().to_owned())
}

/// The error that `line` is answered with, and the id it carries.
fn error(line: &str) -> (Value, i64, String) {
    let reply: Value = serde_json::from_str(&reply(line).unwrap()).unwrap();
    assert_eq!(reply["jsonrpc"], "2.0");
    assert!(reply.get("result").is_none(), "{reply}");
    let error: RpcError = serde_json::from_value(reply["error"].clone()).unwrap();
    (reply["id"].clone(), error.code, error.message)
}

#[test]
fn ids_are_echoed_as_they_are() {
    for id in [r#""a\"b""#, "7", "0", "-3", "1.5", "18446744073709551615", "null", r#""""#] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"stats"}}"#);
        assert_eq!(reply(&line).unwrap(), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"stats"}}"#));
    }
    for id in ["true", "{}", "[1]", "18446744073709551616", "1e300"] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"stats"}}"#);
        let message = "`id` must be a string, a number of 64 bits or null".to_owned();
        assert_eq!(error(&line), (Value::Null, INVALID_REQUEST, message));
    }
}

#[test]
fn a_notification_is_carried_out_and_not_answered() {
    let mut seen = Vec::new();
    let line = br#"{"jsonrpc":"2.0","method":"announce","params":["hello"]}"#;
    let answer = parse(line).answer(|request| {
        seen.push(request.clone());
        Err(RpcError::new(NOT_FOUND, "nobody hears this"))
    });
    assert_eq!(answer, None);
    assert_eq!(seen, [Request::Announce { text: "hello".into() }]);
    assert_eq!(reply(r#"{"jsonrpc":"2.0","method":"nonsense"}"#), None);
    assert_eq!(reply(r#"{"jsonrpc":"2.0","method":"announce"}"#), None);
    assert_eq!(reply(r#"[{"jsonrpc":"2.0","method":"stats"},{"jsonrpc":"2.0","method":"stats"}]"#), None);
}

#[test]
fn what_is_not_json_is_named_with_its_place() {
    for (line, message) in [
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("help", "not JSON: expected value at line 1 column 1"),
        (r#"{"jsonrpc":"2.0","id":1 "method"}"#, "not JSON: expected `,` or `}` at line 1 column 25"),
        (r#"[{"jsonrpc":"2.0"},"#, "not JSON: EOF while parsing a value at line 1 column 19"),
        (r#"{"jsonrpc":"2.0"} x"#, "not JSON: trailing characters at line 1 column 19"),
    ] {
        assert_eq!(error(line), (Value::Null, PARSE_ERROR, message.to_owned()), "{line}");
    }
    let deep = "[".repeat(60_000);
    assert_eq!(error(&deep).1, PARSE_ERROR);
    let answer = parse(b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\"}").answer(name_it).unwrap();
    assert!(String::from_utf8(answer).unwrap().contains("line 1 column"));
}

#[test]
fn what_is_no_request_is_named() {
    for (line, id, message) in [
        ("[]", Value::Null, "a batch must not be empty"),
        ("1", Value::Null, "a request is a JSON object"),
        ("{}", Value::Null, "`jsonrpc` must be the string \"2.0\""),
        (r#"{"jsonrpc":2.0,"method":"stats","id":1}"#, json!(1), "`jsonrpc` must be the string \"2.0\""),
        (r#"{"jsonrpc":"1.0","method":"stats","id":1}"#, json!(1), "`jsonrpc` must be the string \"2.0\""),
        (r#"{"jsonrpc":"2.0","id":"x"}"#, json!("x"), "`method` is missing"),
        (r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, Value::Null, "`method` must be a string"),
        (
            r#"{"jsonrpc":"2.0","method":"stats","params":"bar","id":2}"#,
            json!(2),
            "`params` must be an object or an array",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"stats","params":null}"#,
            Value::Null,
            "`params` must be an object or an array",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"kick","param":{},"id":2}"#,
            json!(2),
            "unknown member `param` of the request; did you mean `params`?",
        ),
        (
            r#"{"jsonrpc":"2.0","method":"kick","colour":1,"id":2}"#,
            json!(2),
            "unknown member `colour` of the request",
        ),
    ] {
        assert_eq!(error(line), (id, INVALID_REQUEST, message.to_owned()), "{line}");
    }
}

#[test]
fn an_unknown_method_gets_a_hint() {
    let call = |method: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
    for (method, message) in [
        ("stat", "there is no method `stat`; did you mean `stats`?"),
        ("log-level", "there is no method `log-level`; did you mean `log_level`?"),
        ("frobnicate", "there is no method `frobnicate`; `help` lists them"),
        ("\\u001b[2J", "there is no method `\u{fffd}[2J`; `help` lists them"),
    ] {
        assert_eq!(error(&call(method)), (json!(1), METHOD_NOT_FOUND, message.to_owned()));
    }
    let long = error(&call(&"x".repeat(10_000))).2;
    assert!(long.len() < 100, "{long}");
}

#[test]
fn a_batch_is_answered_as_an_array_in_order() {
    let line = r#"[{"jsonrpc":"2.0","id":1,"method":"stats"},{"jsonrpc":"2.0","method":"reload"},
        {"jsonrpc":"2.0","id":2,"method":"nope"},1,{"jsonrpc":"2.0","id":"c","method":"version"}]"#;
    let mut seen = Vec::new();
    let calls = parse(line.as_bytes());
    assert_eq!(calls.len(), 5);
    assert_eq!(calls.requests().count(), 3);
    let answer = calls.answer(|request| {
        seen.push(request.method().name);
        name_it(request)
    });
    assert_eq!(seen, ["stats", "reload", "version"]);
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    let brief: Vec<_> =
        answer.as_array().unwrap().iter().map(|a| (&a["id"], &a["result"], &a["error"]["code"])).collect();
    let null = &Value::Null;
    assert_eq!(
        brief,
        [
            (&json!(1), &json!("stats"), null),
            (&json!(2), null, &json!(METHOD_NOT_FOUND)),
            (null, null, &json!(INVALID_REQUEST)),
            (&json!("c"), &json!("version"), null),
        ]
    );
    assert_eq!(
        reply(r#"[{"jsonrpc":"2.0","id":1,"method":"help"}]"#).unwrap(),
        r#"[{"jsonrpc":"2.0","id":1,"result":"help"}]"#
    );
}

#[test]
fn a_batch_is_bounded_in_calls() {
    let batch =
        |calls: usize| format!("[{}]", vec![r#"{"jsonrpc":"2.0","id":1,"method":"stats"}"#; calls].join(","));
    assert!(reply(&batch(ADMIN_BATCH)).unwrap().starts_with('['));
    let mut carried_out = 0;
    let answer = parse(batch(ADMIN_BATCH + 1).as_bytes()).answer(|request| {
        carried_out += 1;
        name_it(request)
    });
    assert_eq!(carried_out, 0);
    let answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
    assert_eq!(answer["error"]["code"], TOO_LARGE);
    assert_eq!(answer["error"]["message"], "a batch holds 32 requests at most, this one 33");
}

#[test]
fn a_batchs_reply_is_bounded_in_bytes() {
    let line = format!(
        "[{}]",
        (0..ADMIN_BATCH)
            .map(|i| format!(
                r#"{{"jsonrpc":"2.0","id":{i},"method":"{}"}}"#,
                if i == 30 { "reload" } else { "list" }
            ))
            .collect::<Vec<_>>()
            .join(",")
    );
    let (mut lists, mut reloads) = (0, 0);
    let answer = parse(line.as_bytes()).answer(|request| {
        if *request == Request::Reload {
            reloads += 1;
            return Ok(Json::of(&"r".repeat(ADMIN_REPLY)));
        }
        lists += 1;
        Ok(Json::of(&"x".repeat(200 * 1024)))
    });
    let answer = answer.unwrap();
    assert!(answer.len() < ADMIN_REPLY + 16 * 1024, "{}", answer.len());
    let answers: Vec<Value> = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answers.len(), ADMIN_BATCH);
    assert_eq!(answers.iter().filter(|a| a.get("result").is_some()).count(), 5);
    assert_eq!(reloads, 1, "what changes something is carried out");
    assert_eq!(answers[30]["error"]["message"], "carried out, but its result of 1048578 bytes is too large");
    assert_eq!(answers[31]["error"]["code"], TOO_LARGE);
    assert_eq!(lists, 6, "and what asks is not, once the reply is full");
}

#[test]
fn an_errors_data_gives_way_when_the_reply_is_full() {
    let answer = parse(br#"{"jsonrpc":"2.0","id":1,"method":"reload"}"#).answer(|_| {
        let mut error = RpcError::new(1, "no");
        error.data = Some("d".repeat(ADMIN_REPLY).into());
        Err(error)
    });
    assert_eq!(
        answer.unwrap(),
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"no\"}}\n"
    );
}

#[test]
fn a_full_page_fits_into_a_reply() {
    let mut page = PageWriter::new(usize::MAX);
    while !page.is_full() {
        page.push(&"x".repeat(1000));
    }
    let page = page.finish(Some(7));
    let answer = parse(br#"{"jsonrpc":"2.0","id":1,"method":"list"}"#).answer(|_| Ok(page.clone())).unwrap();
    let result = parse_reply(&answer, 1).unwrap().unwrap();
    assert_eq!(result.get(), page.as_str());
}

#[test]
fn lines_that_cannot_be_taken_apart_have_their_answer() {
    let line = error_line(RpcError::line_too_long());
    let error = parse_reply(&line, 5).unwrap().unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (TOO_LARGE, "the request line is longer than 65536 bytes")
    );
    assert!(line.starts_with(br#"{"jsonrpc":"2.0","id":null,"error":{"code":3,"#) && line.ends_with(b"}}\n"));
}

#[test]
fn replies_that_are_none_are_told_from_refusals() {
    let refusal = br#"{"jsonrpc":"2.0","id":4,"error":{"code":1,"message":"no such nick"}}"#;
    assert_eq!(parse_reply(refusal, 4).unwrap().unwrap_err(), RpcError::new(NOT_FOUND, "no such nick"));
    for bad in [
        &b"220 mail.example ESMTP"[..],
        b"",
        b"{}",
        br#"{"jsonrpc":"2.0","id":5,"result":1}"#,
        br#"{"jsonrpc":"2.0","id":null,"result":1}"#,
        br#"{"jsonrpc":"1.0","id":4,"result":1}"#,
        br#"{"jsonrpc":"2.0","id":4}"#,
        br#"{"jsonrpc":"2.0","id":4,"result":1,"error":{"code":1,"message":"x"}}"#,
    ] {
        assert!(parse_reply(bad, 4).is_err(), "{}", String::from_utf8_lossy(bad));
    }
    assert_eq!(INVALID_PARAMS, -32602);
}
