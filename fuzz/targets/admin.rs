//! Request lines of the admin socket: every line is answered with JSON, and a request that is written is read again.

#![no_main]

use chatd::admin::{Json, parse, parse_reply};
use chatd::proto::limits;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|line: &[u8]| {
    if line.len() > limits::ADMIN_LINE || line.contains(&b'\n') {
        return;
    }
    let calls = parse(line);
    assert!((1..=limits::ADMIN_BATCH).contains(&calls.len()));
    for request in calls.requests() {
        let again = parse(&request.to_line(1));
        assert_eq!(again.requests().collect::<Vec<_>>(), [request]);
    }
    let Some(reply) = calls.answer(|request| Ok(Json::of(request.method().name))) else { return };
    assert!(reply.ends_with(b"\n") && reply.len() <= limits::ADMIN_REPLY);
    let value: Value = serde_json::from_slice(&reply).expect("JSON");
    let answers = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    assert!(answers.iter().all(|answer| answer["jsonrpc"] == "2.0" && answer.get("id").is_some()));
    // Replies come from outside as well.
    let _ = parse_reply(line, 1);
});
