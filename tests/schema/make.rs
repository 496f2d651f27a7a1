//! The schema, made of the table of methods and of the types of their results.

use std::collections::{BTreeMap, BTreeSet};

use chatd::admin::{EVENT, GAP, Kind, METHODS, Method};
use chatd::proto::limits::{WATCH_MASK, WATCH_MASKS};
use serde_json::{Map, Value, json};

use crate::rust::{self, Member, Shape, Type, Variant, value};

/// What makes a schema.
struct Maker {
    types: BTreeMap<String, Type>,
    /// Definitions made, and those that are still to be made.
    made: Map<String, Value>,
    wanted: BTreeSet<String>,
}

/// The schema of a line of the admin protocol that is no batch, with a definition for each part of one. `results` are the methods and
/// the types of what they answer.
pub(crate) fn schema(results: &[(&str, Vec<&str>)]) -> Value {
    let mut maker = Maker { types: rust::types(), made: Map::new(), wanted: BTreeSet::new() };
    let mut requests = Vec::new();
    for method in METHODS {
        let kinds = &results.iter().find(|(name, _)| *name == method.name);
        let kinds = &kinds.unwrap_or_else(|| panic!("{} needs a row in tests/schema.rs", method.name)).1;
        let mut any: Vec<Value> = kinds.iter().map(|kind| maker.of(kind)).collect();
        let result = if any.len() == 1 { any.remove(0) } else { json!({ "anyOf": any }) };
        maker.made.insert(format!("{}.params", method.name), params(method));
        maker.made.insert(format!("{}.result", method.name), result);
        requests.push(request(method));
    }
    let notifications: Vec<_> = [(EVENT, "Event"), (GAP, "Gap")]
        .into_iter()
        .map(|(method, kind)| {
            let params = maker.of(kind);
            object(&[
                ("jsonrpc", json!({"const": "2.0"})),
                ("method", json!({"const": method})),
                ("params", params),
            ])
        })
        .collect();
    let error = maker.of("RpcError");
    let id = json!({"type": ["string", "integer", "null"]});
    let answer = |what: &str, of: Value| {
        object(&[("jsonrpc", json!({"const": "2.0"})), ("id", id.clone()), (what, of)])
    };
    maker.finish();
    let mut defs = maker.made;
    defs.insert("request".to_owned(), described("What a client sends.", json!({"oneOf": requests})));
    defs.insert(
        "notification".to_owned(),
        described("What a client that watches is sent.", json!({"oneOf": notifications})),
    );
    defs.insert(
        "answer".to_owned(),
        described(
            "What a request is answered with. The definition METHOD.result says what `result` is.",
            json!({"oneOf": [answer("result", json!({})), answer("error", error)]}),
        ),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The protocol of the admin socket of chatd",
        "description": "A line of the protocol that is no batch. For each method there are the definitions METHOD.params and METHOD.result. Members may be added to results and events; clients ignore those that they do not know. See chatd-admin(7).",
        "anyOf": [reference("request"), reference("answer"), reference("notification")],
        "$defs": defs,
    })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn described(help: &str, mut schema: Value) -> Value {
    if !help.is_empty() {
        schema["description"] = json!(help);
    }
    schema
}

/// An object with these members, all of which it must have.
fn object(members: &[(&str, Value)]) -> Value {
    let required: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<_, _> = members.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

fn request(method: &Method) -> Value {
    let params = reference(&format!("{}.params", method.name));
    let required = method.params.iter().any(|param| param.required);
    let mut request =
        object(&[("jsonrpc", json!({"const": "2.0"})), ("method", json!({"const": method.name}))]);
    request["properties"]["id"] = json!({"type": ["string", "integer", "null"]});
    request["properties"]["params"] = params;
    request["additionalProperties"] = json!(false);
    if required {
        request["required"] = json!(["jsonrpc", "method", "params"]);
    }
    request
}

/// The parameters of a method, by name or by position.
fn params(method: &Method) -> Value {
    let mut properties = Map::new();
    let mut positions = Vec::new();
    for param in method.params {
        let kind = kind(param.kind);
        let kind = if param.required { kind } else { json!({"anyOf": [kind, {"type": "null"}]}) };
        positions.push(kind.clone());
        properties.insert(param.name.to_owned(), described(param.help, kind));
    }
    let required: Vec<_> =
        method.params.iter().filter(|param| param.required).map(|param| param.name).collect();
    let least = required.len();
    let named = json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let mut listed = json!({"type": "array", "minItems": least, "maxItems": positions.len()});
    if !positions.is_empty() {
        listed["prefixItems"] = json!(positions);
    }
    described(method.help, json!({"anyOf": [named, listed]}))
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({"type": "string", "minLength": 1, "pattern": "^[^\\x00\\r\\n]*$"}),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Words(words) => json!({"type": "array", "items": {"enum": words}, "minItems": 1}),
        Kind::Masks => {
            // Characters, as a schema does not know bytes.
            let mut mask = self::kind(Kind::Text);
            mask["maxLength"] = json!(WATCH_MASK);
            json!({"type": "array", "items": mask, "minItems": 1, "maxItems": WATCH_MASKS})
        }
        Kind::Integer(least, u64::MAX) => json!({"type": "integer", "minimum": least}),
        Kind::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Switch => json!({"type": "boolean"}),
        Kind::Cursor => {
            json!({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+$"}]})
        }
        Kind::Duration => json!({"type": "string", "minLength": 1}),
    }
}

impl Maker {
    /// The schema of a type of Rust.
    fn of(&mut self, kind: &str) -> Value {
        let inner = |outer: &str| kind.strip_prefix(outer).and_then(|rest| rest.strip_suffix('>'));
        if let Some(inner) = inner("Option<") {
            return json!({"anyOf": [self.of(inner), {"type": "null"}]});
        }
        if let Some(inner) = inner("Vec<") {
            return json!({"type": "array", "items": self.of(inner)});
        }
        if let Some(inner) = inner("BTreeMap<String, ") {
            return json!({"type": "object", "additionalProperties": self.of(inner)});
        }
        if let Some(inner) = kind.strip_prefix("&'static [").and_then(|rest| rest.strip_suffix(']')) {
            return json!({"type": "array", "items": self.of(inner)});
        }
        match kind {
            "u16" | "u32" | "u64" | "usize" => json!({"type": "integer", "minimum": 0}),
            "i32" | "i64" => json!({"type": "integer"}),
            "bool" => json!({"type": "boolean"}),
            "String" | "&'static str" => json!({"type": "string"}),
            "char" => json!({"type": "string", "minLength": 1, "maxLength": 1}),
            "Value" => json!({}),
            named => {
                let named = named.trim_start_matches("&'static ");
                self.wanted.insert(named.to_owned());
                reference(&definition(named))
            }
        }
    }

    /// Makes what is wanted, and what that wants.
    fn finish(&mut self) {
        while let Some(kind) = self.wanted.pop_first() {
            let name = definition(&kind);
            if !self.made.contains_key(&name) {
                let made = self.define(&kind);
                self.made.insert(name, made);
            }
        }
    }

    fn define(&mut self, kind: &str) -> Value {
        if kind == "Param" {
            return param();
        }
        let (name, argument) = match kind.split_once('<') {
            Some((name, rest)) => (name, Some(rest.trim_end_matches('>'))),
            None => (kind, None),
        };
        let it = self.types.get(name).unwrap_or_else(|| panic!("src/admin has no type {name}")).clone();
        let schema = match it.shape {
            Shape::Struct(mut members) => {
                for member in &mut members {
                    if let (Some(parameter), Some(argument)) = (&it.parameter, argument) {
                        member.kind =
                            member.kind.replace(&format!("<{parameter}>"), &format!("<{argument}>"));
                    }
                }
                self.of_members(&members)
            }
            Shape::Enum(tag, variants) => {
                let of: Vec<_> = variants.iter().map(|it| self.of_variant(tag.as_deref(), it)).collect();
                json!({ "oneOf": of })
            }
        };
        described(&it.help, schema)
    }

    fn of_variant(&mut self, tag: Option<&str>, variant: &Variant) -> Value {
        let name = json!({"const": variant.name});
        let schema = match tag {
            None => name,
            Some(tag) => {
                let mut schema = self.of_members(&variant.members);
                schema["properties"][tag] = name;
                schema["required"].as_array_mut().expect("a list").push(json!(tag));
                schema
            }
        };
        described(&variant.help, schema)
    }

    /// An object with these members. Those of one that is flattened are its own; of an enum, those of one variant or another.
    fn of_members(&mut self, members: &[Member]) -> Value {
        let mut whole = json!({"type": "object", "properties": {}, "required": []});
        let mut variants = None;
        for member in members {
            if member.serde.contains("flatten") {
                let inner = self.define(&member.kind);
                match inner.get("oneOf") {
                    Some(several) => variants = several.as_array().cloned(),
                    None => merge(&mut whole, &inner),
                }
                continue;
            }
            assert_eq!(
                value(&member.serde, "rename"),
                None,
                "{}: all members are called what they are",
                member.name
            );
            let kind = self.of(&member.kind);
            whole["properties"][&member.name] = described(&member.help, kind);
            if !member.serde.contains("skip_serializing_if") {
                whole["required"].as_array_mut().expect("a list").push(json!(member.name));
            }
        }
        let Some(mut variants) = variants else { return whole };
        for variant in &mut variants {
            merge(variant, &whole);
        }
        json!({ "oneOf": variants })
    }
}

/// Gives an object the members of another.
fn merge(object: &mut Value, other: &Value) {
    for (name, of) in other["properties"].as_object().expect("an object") {
        object["properties"][name] = of.clone();
    }
    let required = other["required"].as_array().expect("a list").clone();
    object["required"].as_array_mut().expect("a list").extend(required);
}

/// `Page<UserItem>` as the name of a definition.
fn definition(kind: &str) -> String {
    kind.trim_end_matches('>').replace('<', ".")
}

/// A parameter as `help` shows it, which serializes itself.
fn param() -> Value {
    let text = || json!({"type": "string"});
    let mut schema = object(&[
        ("name", text()),
        ("type", text()),
        ("required", json!({"type": "boolean"})),
        ("help", text()),
    ]);
    schema["properties"]["values"] = json!({"type": "array", "items": text()});
    schema["properties"]["minimum"] = json!({"type": "integer"});
    schema["properties"]["maximum"] = json!({"type": "integer"});
    described("A parameter of a method.", schema)
}
