//! JSON-RPC 2.0: a line to calls, outcomes to a line.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::params::quote;
use super::{
    INVALID_REQUEST, Json, METHOD_NOT_FOUND, METHODS, Method, PARSE_ERROR, Request, RpcError, TOO_LARGE,
    method,
};
use crate::proto::limits::{ADMIN_BATCH, ADMIN_REPLY};
use crate::suggest::closest;

/// The calls of one line, checked and not yet answered.
#[derive(Debug)]
pub struct Calls {
    batch: bool,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// As JSON, to be echoed; `None` for a notification, which gets no answer.
    id: Option<String>,
    /// What it asks for, if there is such a method.
    method: Option<&'static Method>,
    request: Result<Request, RpcError>,
}

/// Takes a line apart. Never fails: what is wrong with the line, or with one call of a batch, is
/// already the answer to it. The line's LF may be there or not.
pub fn parse(line: &[u8]) -> Calls {
    let calls = match serde_json::from_slice(line) {
        Err(error) => return Calls::fault(RpcError::new(PARSE_ERROR, format!("not JSON: {error}"))),
        Ok(Value::Array(calls)) => calls,
        Ok(call) => return Calls { batch: false, calls: vec![Call::new(&call)] },
    };
    if calls.is_empty() {
        return Calls::fault(invalid("a batch must not be empty"));
    }
    if calls.len() > ADMIN_BATCH {
        let message = format!("a batch holds {ADMIN_BATCH} requests at most, this one {}", calls.len());
        return Calls::fault(RpcError::new(TOO_LARGE, message));
    }
    Calls { batch: true, calls: calls.iter().map(Call::new).collect() }
}

/// The answer to a line that cannot be taken apart, LF included.
pub fn error_line(error: RpcError) -> Vec<u8> {
    Calls::fault(error).answer(|_| Err(invalid("no request"))).expect("an error without a call has an answer")
}

fn invalid(message: impl Into<String>) -> RpcError {
    RpcError::new(INVALID_REQUEST, message)
}

impl Calls {
    fn fault(error: RpcError) -> Self {
        Self {
            batch: false,
            calls: vec![Call { id: Some("null".to_owned()), method: None, request: Err(error) }],
        }
    }

    /// How many calls the line holds, faulty ones included: what it counts against
    /// [`crate::proto::limits::ADMIN_REQUESTS_PER_TURN`]. At least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// The requests among the calls.
    pub fn requests(&self) -> impl Iterator<Item = &Request> {
        self.calls.iter().filter_map(|call| call.request.as_ref().ok())
    }

    /// The calls of methods that could change something and are not carried out, as their parameters are wrong; and why.
    pub fn faulty(&self) -> impl Iterator<Item = (&'static Method, &RpcError)> {
        let changes = |call: &Call| call.method.filter(|method| method.changes);
        self.calls.iter().filter_map(move |call| changes(call).zip(call.request.as_ref().err()))
    }

    /// Has `answer` carry out each request, in order, and makes the line to send back, LF included;
    /// `None` when all were notifications. The line is not longer than about
    /// [`crate::proto::limits::ADMIN_REPLY`]: a result that does not fit gives way to a [`TOO_LARGE`]
    /// error, and from then on requests of the batch that only ask are not carried out.
    pub fn answer(self, mut answer: impl FnMut(&Request) -> Result<Json, RpcError>) -> Option<Vec<u8>> {
        let mut reply = Reply { line: Vec::new(), answers: 0, full: false };
        for call in self.calls {
            let outcome = call.request.and_then(|request| {
                if reply.full && call.id.is_some() && !request.changes() {
                    return Err(RpcError::new(
                        TOO_LARGE,
                        "not answered: the reply to the batch is full; ask again, in a batch of fewer",
                    ));
                }
                answer(&request)
            });
            if let Some(id) = call.id {
                reply.push(self.batch, &id, outcome);
            }
        }
        reply.finish(self.batch)
    }
}

impl Call {
    fn new(call: &Value) -> Self {
        let Value::Object(call) = call else {
            return Self::invalid(None, "a request is a JSON object");
        };
        let id = match call.get("id") {
            None => None,
            Some(id @ (Value::Null | Value::String(_))) => Some(id.to_string()),
            // What is no 64-bit integer is kept as a floating-point number; large ones lose digits.
            Some(Value::Number(id)) if id.as_f64().is_some_and(|f| f.abs() < MAX_EXACT) || !id.is_f64() => {
                Some(id.to_string())
            }
            Some(_) => return Self::invalid(None, "`id` must be a string, a number of 64 bits or null"),
        };
        match Envelope::check(call) {
            Err(message) => Self::invalid(id, message),
            Ok(envelope) => Self { id, method: method(envelope.method), request: envelope.request() },
        }
    }

    /// A call that is no request is answered even without an id: it may not have been a notification.
    fn invalid(id: Option<String>, message: impl Into<String>) -> Self {
        let id = Some(id.unwrap_or_else(|| "null".to_owned()));
        Self { id, method: None, request: Err(invalid(message)) }
    }
}

/// 2⁵³: integers below it are exact as floating-point numbers.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A request object whose members are in order.
struct Envelope<'a> {
    method: &'a str,
    params: Option<&'a Value>,
}

impl<'a> Envelope<'a> {
    fn check(call: &'a Map<String, Value>) -> Result<Self, String> {
        const MEMBERS: [&str; 4] = ["jsonrpc", "id", "method", "params"];
        if let Some(unknown) = call.keys().find(|key| !MEMBERS.contains(&key.as_str())) {
            let hint = closest(unknown, MEMBERS).map(|near| format!("; did you mean `{near}`?"));
            return Err(format!(
                "unknown member {} of the request{}",
                quote(unknown),
                hint.unwrap_or_default()
            ));
        }
        if call.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err("`jsonrpc` must be the string \"2.0\"".to_owned());
        }
        let method = match call.get("method") {
            None => return Err("`method` is missing".to_owned()),
            Some(Value::String(method)) => method,
            Some(_) => return Err("`method` must be a string".to_owned()),
        };
        let params = call.get("params");
        if params.is_some_and(|params| !params.is_object() && !params.is_array()) {
            return Err("`params` must be an object or an array".to_owned());
        }
        Ok(Self { method, params })
    }

    fn request(&self) -> Result<Request, RpcError> {
        let Some(known) = method(self.method) else {
            let hint = match closest(self.method, METHODS.iter().map(|method| method.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`help` lists them".to_owned(),
            };
            let message = format!("there is no method {}; {hint}", quote(self.method));
            return Err(RpcError::new(METHOD_NOT_FOUND, message));
        };
        Request::new(known, self.params)
    }
}

/// A line being made.
struct Reply {
    line: Vec<u8>,
    answers: usize,
    /// A result did not fit.
    full: bool,
}

impl Reply {
    fn push(&mut self, batch: bool, id: &str, outcome: Result<Json, RpcError>) {
        if batch {
            self.line.push(if self.answers == 0 { b'[' } else { b',' });
        }
        self.answers += 1;
        let room = ADMIN_REPLY.saturating_sub(self.line.len());
        let (member, body) = match outcome {
            Ok(result) if result.as_str().len() <= room => ("result", result),
            Ok(result) => {
                self.full = true;
                let message =
                    format!("carried out, but its result of {} bytes is too large", result.as_str().len());
                ("error", Json::of(&RpcError::new(TOO_LARGE, message)))
            }
            Err(error) => ("error", fitting(error, room)),
        };
        self.line.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
        self.line.extend_from_slice(id.as_bytes());
        self.line.extend_from_slice(b",\"");
        self.line.extend_from_slice(member.as_bytes());
        self.line.extend_from_slice(b"\":");
        self.line.extend_from_slice(body.as_str().as_bytes());
        self.line.push(b'}');
    }

    fn finish(mut self, batch: bool) -> Option<Vec<u8>> {
        if self.answers == 0 {
            return None;
        }
        if batch {
            self.line.push(b']');
        }
        self.line.push(b'\n');
        Some(self.line)
    }
}

/// The error, without its data if that is too much.
fn fitting(mut error: RpcError, room: usize) -> Json {
    let whole = Json::of(&error);
    if whole.as_str().len() <= room || error.data.is_none() {
        return whole;
    }
    error.data = None;
    Json::of(&error)
}

/// A line of the daemon that is no answer to the request.
#[derive(Debug, PartialEq, Eq)]
pub struct BadReply(String);

impl fmt::Display for BadReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadReply {}

/// Takes the daemon's answer to [`Request::to_line`] apart: the result as JSON, or the daemon's refusal.
/// A refusal without an id counts as an answer, as the daemon could not always tell whose it is.
///
/// # Errors
/// When it is no JSON-RPC answer, or one to another request.
pub fn parse_reply(line: &[u8], id: u64) -> Result<Result<Box<RawValue>, RpcError>, BadReply> {
    #[derive(Deserialize)]
    struct Answer {
        jsonrpc: String,
        id: Option<u64>,
        result: Option<Box<RawValue>>,
        error: Option<RpcError>,
    }
    let answer: Answer =
        serde_json::from_slice(line).map_err(|error| BadReply(format!("no JSON-RPC answer: {error}")))?;
    let ours =
        answer.jsonrpc == "2.0" && (answer.id == Some(id) || (answer.id.is_none() && answer.error.is_some()));
    match (ours, answer.result, answer.error) {
        (true, Some(result), None) => Ok(Ok(result)),
        (true, None, Some(error)) => Ok(Err(error)),
        (true, ..) => Err(BadReply("an answer with neither or both of `result` and `error`".to_owned())),
        (false, ..) => Err(BadReply("an answer to another request".to_owned())),
    }
}

#[cfg(test)]
#[path = "rpc_tests.rs"]
mod tests;
