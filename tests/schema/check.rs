//! Holds values against a schema: the keywords of JSON Schema 2020-12 that the schema of the admin protocol uses, and no others.

use regex::Regex;
use serde_json::{Map, Value, json};

/// Keywords that say nothing of values.
const NOTES: [&str; 5] = ["$schema", "$defs", "title", "description", "default"];

/// A schema with its definitions.
pub(crate) struct Schema(pub(crate) Value);

impl Schema {
    /// What is wrong with a value that should be as a definition says; nothing if it is. A value must have no member that the
    /// definition does not know: what the daemon says is to be described.
    pub(crate) fn faults(&self, definition: &str, value: &Value) -> Result<(), String> {
        self.check(&json!({ "$ref": format!("#/$defs/{definition}") }), value, definition)
    }

    fn check(&self, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
        let Some(schema) = schema.as_object() else {
            return if *schema == json!(false) { Err(format!("{place}: is not allowed")) } else { Ok(()) };
        };
        for (keyword, says) in schema {
            if !self.holds(keyword, says, schema, value, place)? {
                return Err(format!("{place}: {value} is not of {keyword} {says}"));
            }
        }
        Ok(())
    }

    fn holds(
        &self,
        keyword: &str,
        says: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        place: &str,
    ) -> Result<bool, String> {
        let number = |of: &Value| whole(of).expect("a whole number");
        let length = |of: &Value| of.as_u64().expect("a length") as usize;
        Ok(match keyword {
            "$ref" => {
                let path = says.as_str().and_then(|says| says.strip_prefix('#')).expect("a reference within");
                let target = self.0.pointer(path).unwrap_or_else(|| panic!("there is no {path}"));
                self.check(target, value, place)?;
                true
            }
            "type" => match says {
                Value::Array(types) => types.iter().any(|it| is(it, value)),
                one => is(one, value),
            },
            "const" => says == value,
            "enum" => says.as_array().expect("a list").contains(value),
            "anyOf" | "oneOf" => {
                let all = says.as_array().expect("a list");
                let outcomes: Vec<_> = all.iter().map(|it| self.check(it, value, place)).collect();
                let good = outcomes.iter().filter(|it| it.is_ok()).count();
                if good == 0 {
                    let why: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
                    return Err(format!("{place}: none of {keyword}: {}", why.join("; ")));
                }
                keyword == "anyOf" || good == 1
            }
            "minimum" => whole(value).is_none_or(|it| it >= number(says)),
            "maximum" => whole(value).is_none_or(|it| it <= number(says)),
            "minLength" => value.as_str().is_none_or(|it| it.chars().count() >= length(says)),
            "maxLength" => value.as_str().is_none_or(|it| it.chars().count() <= length(says)),
            "pattern" => {
                let pattern = Regex::new(says.as_str().expect("a pattern")).expect("a pattern");
                value.as_str().is_none_or(|it| pattern.is_match(it))
            }
            "minItems" => value.as_array().is_none_or(|it| it.len() >= length(says)),
            "maxItems" => value.as_array().is_none_or(|it| it.len() <= length(says)),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(says, item, &format!("{place}[{index}]"))?;
                }
                true
            }
            "prefixItems" => {
                let items = value.as_array().into_iter().flatten();
                for (index, (item, of)) in items.zip(says.as_array().expect("a list")).enumerate() {
                    self.check(of, item, &format!("{place}[{index}]"))?;
                }
                true
            }
            "required" => {
                let names =
                    says.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name"));
                value.as_object().is_none_or(|it| names.into_iter().all(|name| it.contains_key(name)))
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    let of = says.get(name).or_else(|| schema.get("additionalProperties"));
                    let of = of.ok_or_else(|| format!("{place}: the schema does not know {name}"))?;
                    self.check(of, member, &format!("{place}.{name}"))?;
                }
                true
            }
            "additionalProperties" if schema.contains_key("properties") => true,
            "additionalProperties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    self.check(says, member, &format!("{place}.{name}"))?;
                }
                true
            }
            other => {
                assert!(NOTES.contains(&other), "the checker does not know {other}");
                true
            }
        })
    }

    /// A value that is as the schema says: of each choice the first with all that may be there, or another one with nothing that need not be.
    pub(crate) fn example(&self, schema: &Value, choice: usize) -> Value {
        if let Some(path) = schema["$ref"].as_str() {
            let target = self.0.pointer(path.trim_start_matches('#')).expect("a definition");
            return self.example(target, choice);
        }
        for several in ["oneOf", "anyOf"] {
            if let Some(all) = schema[several].as_array() {
                return self.example(&all[choice.min(all.len() - 1)], choice);
            }
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        match schema["type"].as_str() {
            Some("object") => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let members = schema["properties"].as_object().into_iter().flatten();
                let wanted = members.filter(|(name, _)| choice == 0 || required.contains(&json!(name)));
                wanted.map(|(name, of)| (name.clone(), self.example(of, choice))).collect()
            }
            Some("array") => json!([self.example(&schema["items"], choice)]),
            Some("string") => json!("x"),
            Some("integer") => json!(7),
            Some("boolean") => json!(true),
            Some(_) => Value::Null,
            None => json!("anything"),
        }
    }
}

/// A whole number, if it is one.
fn whole(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        other => panic!("the checker does not know the type {other:?}"),
    }
}
