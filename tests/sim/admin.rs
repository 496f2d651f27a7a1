//! A client of the admin socket: each request has one answer, in order, and says what it is for.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::rng::Rng;

/// An admin client.
#[derive(Default)]
pub(crate) struct Admin {
    /// Bytes that it wants to send.
    pub(crate) to_send: Vec<u8>,
    /// The ids of requests that have no answer yet; null for what is no request.
    pub(crate) expected: VecDeque<Value>,
    /// It stopped sending, maybe in the middle of a request: what that becomes is open.
    pub(crate) finished: bool,
    /// It has turned the panic switch.
    pub(crate) locks: bool,
    next: u64,
    /// Answers checked.
    pub(crate) heard: u64,
    /// Events of those that it watches so far, those it was told are missing included.
    events: u64,
}

impl Admin {
    fn request(&mut self, method: &str, params: &Value) {
        self.next += 1;
        let id = json!(self.next);
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.to_send.extend(format!("{request}\n").bytes());
        self.expected.push_back(id);
    }

    /// Asks for something. `nick` is somebody who may be there.
    pub(crate) fn act(&mut self, nick: &str, rng: &mut Rng) {
        if self.expected.len() > 20 {
            return;
        }
        match rng.below(26) {
            0 | 1 => self.request("stats", &json!({})),
            2 | 3 => self.request("list", &json!({"limit": rng.between(1, 20), "after": rng.below(10)})),
            4 => self.request("list", &json!({"what": "channels"})),
            5 => self.request("list", &json!({"what": "connections"})),
            6 => self.request("list", &json!({"what": "listeners"})),
            7 => self.request("list", &json!({"channel": "#a", "match": "n*"})),
            8 => self.request("kick", &json!({"nick": nick, "channel": "#a"})),
            9 if rng.one_in(2) => self.request("kick", &json!({"nick": nick, "reason": "out"})),
            10 => self.request("announce", &json!({"text": "hear, hear"})),
            11 => self.request("version", &json!({})),
            12 if rng.one_in(4) => self.request("reload", &json!({})),
            13 => {
                let line = rng.pick(&["{", "[]", "1", "nonsense", "{\"jsonrpc\":\"2.0\"}", "\u{1}"]);
                self.to_send.extend(format!("{line}\n").bytes());
                self.expected.push_back(Value::Null);
            }
            15 => self.request("channel.info", &json!({"channel": "#a"})),
            16 => self.request("user.info", &json!({"nick": nick})),
            14 => self.to_send.extend(b"\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"version\"}\n"),
            17 => self.request("ban.add", &json!({"mask": "nobody@nowhere.example", "reason": "never seen"})),
            18 => self.request("ban.del", &json!({"mask": "nobody@nowhere.example"})),
            // To make a pattern ready costs as much as a hundred steps.
            19 if rng.one_in(8) => {
                self.request("filter.add", &json!({"name": "never", "pattern": "never said"}));
            }
            20 => self.request("filter.del", &json!({"name": "never"})),
            21 if rng.one_in(4) => {
                self.locks = true;
                self.request("lockdown", &json!({"state": rng.pick(&["on", "off", "off"])}));
            }
            22 => self.request("watch", &json!({})),
            23 => self.request("watch", &json!({"events": ["join", "part", "quit", "kick"]})),
            24 => self.request("drain", &json!({"undo": !rng.one_in(4)})),
            _ => self.request("kick", &json!({"nick": "nobody", "bad": 1})),
        }
    }

    /// Takes an answer.
    pub(crate) fn hear(&mut self, line: &[u8]) -> Result<(), String> {
        let answer: Value = serde_json::from_slice(line).map_err(|error| format!("not JSON: {error}"))?;
        if answer.get("method").is_some() {
            return self.hear_event(&answer);
        }
        if self.finished && answer["id"].is_null() && self.expected.front() != Some(&Value::Null) {
            return Ok(());
        }
        let expected = self.expected.pop_front().ok_or("an answer to nothing")?;
        if answer["id"] != expected {
            return Err(format!("the answer to {} came, to {expected} was due", answer["id"]));
        }
        if answer.get("result").is_some() == answer.get("error").is_some() {
            return Err("neither a result nor an error, or both".to_owned());
        }
        self.heard += 1;
        Ok(())
    }

    /// Takes a notification: none is left out, and what is missing is said where it is missing.
    fn hear_event(&mut self, line: &Value) -> Result<(), String> {
        let params = &line["params"];
        let more = match line["method"].as_str() {
            Some("event") => 1,
            Some("gap") => params["missed"].as_u64().unwrap_or(0),
            _ => 0,
        };
        self.events += more;
        if more == 0 || params["seq"] != self.events || line.get("id").is_some() {
            return Err(format!("{line} after {} events", self.events - more));
        }
        Ok(())
    }
}
