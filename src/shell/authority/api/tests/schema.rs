//! JSON Schema, as much of it as `openapi.json` uses; a word that is not known here is an error.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::{Map, Value, json};

use super::super::OPENAPI;
use crate::base::time::Utc;

/// Words that say something to people only.
const REMARKS: [&str; 3] = ["description", "default", "example"];

/// Returns the whole description.
pub(super) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(OPENAPI).expect("openapi.json is JSON"));
    &DOCUMENT
}

/// Returns what a reference inside the document points at.
pub(super) fn resolve(reference: &str) -> &'static Value {
    let pointer = reference.strip_prefix('#').expect("a reference inside the document");
    document().pointer(pointer).unwrap_or_else(|| panic!("nothing at {reference}"))
}

/// One schema, its references followed.
#[derive(Clone, Debug)]
pub(super) struct Schema(Map<String, Value>);

impl Schema {
    pub(super) fn of(value: &Value) -> Schema {
        match value["$ref"].as_str() {
            Some(reference) => Schema::of(resolve(reference)),
            None => Schema(value.as_object().expect("a schema is an object").clone()),
        }
    }

    pub(super) fn properties(&self) -> Vec<(String, Schema)> {
        let all = self.0.get("properties").and_then(Value::as_object);
        all.into_iter().flatten().map(|(name, value)| (name.clone(), Schema::of(value))).collect()
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        self.list("required").iter().any(|one| one == name)
    }

    pub(super) fn example(&self) -> Value {
        self.0.get("example").cloned().unwrap_or_else(|| panic!("no example in {:?}", self.0))
    }

    fn list(&self, word: &str) -> Vec<Value> {
        match self.0.get(word) {
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        }
    }

    fn number(&self, word: &str) -> Option<i64> {
        self.0.get(word).map(|value| value.as_i64().expect("a bound is a number"))
    }

    /// Returns what is wrong with a value.
    pub(super) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        for word in self.0.keys() {
            let holds = match word.as_str() {
                "type" => self.list("type").iter().any(|kind| is_of(value, kind)),
                "enum" => self.list("enum").contains(value),
                "minimum" => value.as_i64().is_none_or(|n| Some(n) >= self.number(word)),
                "maximum" => value.as_i64().is_none_or(|n| Some(n) <= self.number(word)),
                "minLength" => length(value).is_none_or(|n| Some(n) >= self.number(word)),
                "maxLength" => length(value).is_none_or(|n| Some(n) <= self.number(word)),
                "format" => {
                    assert_eq!(self.0[word], "date-time");
                    value.as_str().is_none_or(is_date)
                }
                "pattern" => value.as_str().is_none_or(|text| {
                    let pattern = self.0[word].as_str().expect("a pattern is a text");
                    Regex::new(pattern).expect("a pattern can be read").is_match(text)
                }),
                "required" => value.as_object().is_none_or(|object| {
                    let names = self.list("required");
                    names.iter().all(|name| object.contains_key(name.as_str().unwrap()))
                }),
                "additionalProperties" => value.as_object().is_none_or(|object| {
                    assert_eq!(self.0[word], false);
                    let known = self.properties();
                    object.keys().all(|name| known.iter().any(|(one, _)| one == name))
                }),
                "properties" => {
                    for (name, property) in self.properties() {
                        let inner = value.get(&name).map(|value| property.faults(value));
                        let inner = inner.into_iter().flatten();
                        faults.extend(inner.map(|fault| format!("{name}: {fault}")));
                    }
                    true
                }
                "items" => {
                    let items = Schema::of(&self.0[word]);
                    let all = value.as_array().into_iter().flatten();
                    faults.extend(all.flat_map(|item| items.faults(item)));
                    true
                }
                remark if REMARKS.contains(&remark) => true,
                unknown => panic!("{unknown} is not known here"),
            };
            if !holds {
                faults.push(format!("{word}: {value}"));
            }
        }
        faults
    }

    /// Returns values that are outside this schema, each in one way.
    pub(super) fn bad_values(&self) -> Vec<Value> {
        let mut bad: Vec<Value> =
            [json!([]), json!({}), json!(true), json!(-1), json!(1.5), json!("soon"), Value::Null]
                .into_iter()
                .collect();
        bad.push(json!(u64::MAX));
        bad.extend(self.number("minimum").map(|least| json!(least - 1)));
        bad.extend(self.number("maximum").map(|most| json!(most + 1)));
        bad.extend(self.number("minLength").map(|_| json!("")));
        bad.extend(
            self.number("maxLength")
                .map(|most| json!("x".repeat(usize::try_from(most).unwrap() + 1))),
        );
        bad.retain(|value| !self.faults(value).is_empty());
        // A field that may be left out may be nothing.
        if !self.0.contains_key("default") {
            bad.retain(|value| !value.is_null());
        }
        bad
    }
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().expect("a type is a word") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("type {other} is not known here"),
    }
}

fn length(value: &Value) -> Option<i64> {
    value.as_str().map(|text| i64::try_from(text.chars().count()).unwrap())
}

/// Returns whether a text is a date as RFC 3339 writes it.
fn is_date(text: &str) -> bool {
    text.len() == "2020-08-04T07:58:13Z".len()
        && text.ends_with('Z')
        && Utc::parse_iso(text).is_some()
}
