//! Checks `params` against the table: names, kinds, what is required.

use serde_json::{Map, Value};

use super::{INVALID_PARAMS, Kind, Method, Param, RpcError};
use crate::proto::duration;
use crate::proto::limits::{ADMIN_PAGE_DEFAULT, WATCH_MASK, WATCH_MASKS};
use crate::suggest::closest;

/// The parameters of a call, each known to the method and of its kind. Absent and `null` are the same.
pub(super) struct Params<'a> {
    method: &'static Method,
    values: Vec<(&'static str, &'a Value)>,
}

/// Shortens what a peer wrote for an error message.
pub(super) fn quote(text: &str) -> String {
    /// Characters shown.
    const SHOWN: usize = 40;
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// Shows a value for an error message.
fn show(value: &Value) -> String {
    match value {
        Value::Array(items) if items.is_empty() => "an empty array".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => format!("the string {}", quote(text)),
        other => other.to_string(),
    }
}

fn invalid(message: String) -> RpcError {
    RpcError::new(INVALID_PARAMS, message)
}

impl<'a> Params<'a> {
    /// Checks `params`, by name or by position, against the method's row of the table.
    pub(super) fn check(method: &'static Method, params: Option<&'a Value>) -> Result<Self, RpcError> {
        let mut checked = Self { method, values: Vec::new() };
        match params {
            Some(Value::Object(map)) => checked.by_name(map)?,
            Some(Value::Array(values)) => checked.by_position(values)?,
            // Anything else has been refused as an invalid request.
            _ => {}
        }
        let missing = method.params.iter().find(|param| param.required && checked.get(param.name).is_none());
        match missing {
            Some(param) => Err(invalid(format!(
                "{}: parameter `{}` is missing; it must be {}",
                method.name, param.name, param.kind
            ))),
            None => Ok(checked),
        }
    }

    fn by_name(&mut self, map: &'a Map<String, Value>) -> Result<(), RpcError> {
        for (name, value) in map {
            let Some(param) = self.method.params.iter().find(|param| param.name == name) else {
                return Err(self.unknown(name));
            };
            self.take(param, &format!("parameter `{}`", param.name), value)?;
        }
        Ok(())
    }

    fn by_position(&mut self, values: &'a [Value]) -> Result<(), RpcError> {
        let known = self.method.params;
        if values.len() > known.len() {
            return Err(invalid(format!(
                "{}: too many parameters, {} given and {} at most{}",
                self.method.name,
                values.len(),
                known.len(),
                self.known()
            )));
        }
        for (index, (param, value)) in known.iter().zip(values).enumerate() {
            self.take(param, &format!("parameter {} (`{}`)", index + 1, param.name), value)?;
        }
        Ok(())
    }

    fn take(&mut self, param: &'static Param, place: &str, value: &'a Value) -> Result<(), RpcError> {
        if value.is_null() {
            return Ok(());
        }
        if let Some(fault) = fault(param.kind, value) {
            return Err(invalid(format!("{}: {place} {fault}", self.method.name)));
        }
        self.values.push((param.name, value));
        Ok(())
    }

    fn unknown(&self, name: &str) -> RpcError {
        let hint = match closest(name, self.method.params.iter().map(|param| param.name)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => self.known(),
        };
        invalid(format!("{}: unknown parameter {}{hint}", self.method.name, quote(name)))
    }

    fn known(&self) -> String {
        let names: Vec<_> = self.method.params.iter().map(|param| format!("`{}`", param.name)).collect();
        if names.is_empty() {
            "; it takes none".to_owned()
        } else {
            format!("; it takes {}", names.join(", "))
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        debug_assert!(self.method.params.iter().any(|param| param.name == name), "{name} is in the table");
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The parameter of that name, a string.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// The parameter of that name, an array of words; empty if it is absent.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        let words = self.get(name).and_then(Value::as_array).into_iter().flatten();
        words.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The parameter of that name, a number or the string of one.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(number)
    }

    /// The parameter of that name, true or false.
    pub(super) fn switch(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The parameter of that name, a length of time, in seconds; none if it is 0.
    pub(super) fn seconds(&self, name: &str) -> Option<u64> {
        self.get(name).and_then(Value::as_str).and_then(duration::parse).filter(|&seconds| seconds > 0)
    }

    /// At most how many items a page has.
    pub(super) fn limit(&self) -> usize {
        self.number("limit").map_or(ADMIN_PAGE_DEFAULT, |limit| limit as usize)
    }

    /// The cursor of the page before; 0 for the first page.
    pub(super) fn after(&self) -> u64 {
        self.number("after").unwrap_or(0)
    }

    /// A fault that the table cannot express.
    pub(super) fn fault(&self, message: &str) -> RpcError {
        invalid(format!("{}: {message}", self.method.name))
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The bytes of a string.
fn size(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}

/// Why `value` is not of that kind, as the end of a sentence.
fn fault(kind: Kind, value: &Value) -> Option<String> {
    let good = match (kind, value) {
        (Kind::Text, Value::String(text)) => {
            if let Some(place) = text.chars().position(|c| matches!(c, '\0' | '\r' | '\n')) {
                return Some(format!("must not hold NUL, CR or LF; there is one at character {}", place + 1));
            }
            !text.is_empty()
        }
        (Kind::Choice(words), Value::String(text)) => {
            if !words.contains(&text.as_str())
                && let Some(near) = closest(text, words.iter().copied())
            {
                return Some(format!("must be {kind}, but is {}; did you mean `{near}`?", show(value)));
            }
            words.contains(&text.as_str())
        }
        (Kind::Words(words), Value::Array(items)) => {
            let wrong = items.iter().find(|item| !item.as_str().is_some_and(|item| words.contains(&item)));
            if let Some(wrong) = wrong {
                let near = wrong.as_str().and_then(|wrong| closest(wrong, words.iter().copied()));
                let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                return Some(format!("must be {kind}, but has {}{hint}", show(wrong)));
            }
            !items.is_empty()
        }
        (Kind::Masks, Value::Array(items)) => {
            let mask = |item: &&Value| fault(Kind::Text, item).is_none() && size(item) <= WATCH_MASK;
            if let Some(wrong) = items.iter().find(|item| !mask(item)) {
                return Some(match fault(Kind::Text, wrong) {
                    None => format!("must be {kind}, but has one of {} bytes", size(wrong)),
                    Some(_) => format!("must be {kind}, but has {}", show(wrong)),
                });
            }
            if items.len() > WATCH_MASKS {
                return Some(format!("must be {kind}, but has {}", items.len()));
            }
            !items.is_empty()
        }
        (Kind::Integer(min, max), Value::Number(number)) => {
            number.as_u64().is_some_and(|number| (min..=max).contains(&number))
        }
        (Kind::Switch, Value::Bool(_)) => true,
        (Kind::Cursor, Value::Number(_) | Value::String(_)) => number(value).is_some(),
        (Kind::Duration, Value::String(text)) => duration::parse(text).is_some(),
        _ => false,
    };
    (!good).then(|| format!("must be {kind}, but is {}", show(value)))
}
