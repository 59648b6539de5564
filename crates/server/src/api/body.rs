//! JSON in, strictly (security.md INP-3): no key twice, no unknown field, bounded depth and lengths. Each refusal names the field.

use super::failure::Failure;
use crate::request::Request;
use holt_core::Error;
use http::{StatusCode, header};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

const DEPTH: usize = 32;
const KEYS: usize = 1_000;
const ITEMS: usize = 10_000;

/// The fields of a body; none for an empty one.
pub struct Fields {
    map: Map<String, Value>,
    /// Where they stand, for messages about what is inside a list: empty, or `operations[2].`.
    place: String,
}

impl Fields {
    /// The body of `request`, which may have no other fields than `known`.
    pub fn of(request: &Request, known: &[&str]) -> Result<Self, Failure> {
        if request.raw.is_empty() {
            return Ok(Self { map: Map::new(), place: String::new() });
        }
        let kind = request.header(header::CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" {
            let error = Error::invalid("the body is not sent as JSON").hint("Send it with `Content-Type: application/json`.");
            return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "validation", error));
        }
        Self::checked(parse(&request.raw)?, String::new(), known)
    }
    /// Fields that came otherwise, which may be no others than `known`.
    pub fn given(value: Value, known: &[&str]) -> Result<Self, Failure> {
        Self::checked(value, String::new(), known)
    }
    /// What was sent, whatever it is. `null` counts as nothing.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }
    /// The body of a request that was taken before, whatever fields it has.
    pub fn any(request: &Request) -> Result<Self, Failure> {
        let map = if request.raw.is_empty() { None } else { parse(&request.raw)?.as_object().cloned() };
        Ok(Self { map: map.unwrap_or_default(), place: String::new() })
    }
    fn checked(value: Value, place: String, known: &[&str]) -> Result<Self, Failure> {
        let Value::Object(map) = value else {
            let name = place.trim_end_matches('.');
            let what = if name.is_empty() { "the body".to_string() } else { name.to_string() };
            return Err(Failure::field(name, format!("{what} is not an object"), format!("Send an object with {}.", known.join(", "))));
        };
        if let Some(unknown) = map.keys().find(|key| !known.contains(&key.as_str())) {
            let shown: String = unknown.chars().filter(|c| !c.is_control()).take(64).collect();
            let remedy = match known {
                [] => "Send no fields.".to_string(),
                known => format!("The fields are {}.", known.join(", ")),
            };
            return Err(Failure::field(&format!("{place}{shown}"), format!("there is no field {place}{shown}"), remedy));
        }
        Ok(Self { map, place })
    }
    /// What messages call a field.
    fn called(&self, name: &str) -> String {
        format!("{}{name}", self.place)
    }
    /// A refusal of a field.
    pub fn refuse(&self, name: &str, rule: &str, remedy: &str) -> Failure {
        let called = self.called(name);
        Failure::field(&called, format!("{called} {rule}"), remedy)
    }
    /// Whether something was sent. `null` counts as nothing.
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }
    /// A text. `null` counts as none.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(name, "is not a string", "Send it as a string.")),
        }
    }
    /// A text that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)?.ok_or_else(|| self.refuse(name, "is missing", "Send it as a string."))
    }
    /// A yes or no.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.refuse(name, "is not true or false", "Send true or false.")),
        }
    }
    /// A list that must be there, with at most `most` entries.
    pub fn list(&self, name: &str, most: usize) -> Result<&[Value], Failure> {
        match self.map.get(name) {
            Some(Value::Array(list)) if list.len() <= most && !list.is_empty() => Ok(list),
            Some(Value::Array(_)) => Err(self.refuse(name, &format!("has no entries, or more than {most}"), &format!("Send 1 to {most}."))),
            _ => Err(self.refuse(name, "is not a list", "Send a list.")),
        }
    }
    /// The objects of such a list.
    pub fn objects(&self, name: &str, most: usize, known: &[&str]) -> Result<Vec<Self>, Failure> {
        let list = self.list(name, most)?.iter().enumerate();
        list.map(|(i, value)| Self::checked(value.clone(), format!("{}[{i}].", self.called(name)), known)).collect()
    }
}

/// One JSON value, taken strictly.
pub fn parse(bytes: &[u8]) -> Result<Value, Failure> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Strict(0).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(|error| {
        let error = Error::invalid(format!("the body is not JSON that can be taken: {error}"))
            .hint(format!("Send one JSON object in UTF-8, each key once, at most {DEPTH} levels deep."));
        Failure::new(StatusCode::BAD_REQUEST, "validation", error)
    })
}

/// A value this many levels deep.
struct Strict(usize);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let below = self.below::<A::Error>()?;
        let mut list = Vec::new();
        while let Some(value) = from.next_element_seed(Strict(below))? {
            if list.len() == ITEMS {
                return Err(serde::de::Error::custom(format!("a list has more than {ITEMS} entries")));
            }
            list.push(value);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let below = self.below::<A::Error>()?;
        let mut map = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            if map.contains_key(&key) {
                let shown: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(serde::de::Error::custom(format!("the key “{shown}” is there twice")));
            }
            if map.len() == KEYS {
                return Err(serde::de::Error::custom(format!("an object has more than {KEYS} keys")));
            }
            let value = from.next_value_seed(Strict(below))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

impl Strict {
    fn below<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.0 == DEPTH {
            return Err(E::custom(format!("it is more than {DEPTH} levels deep")));
        }
        Ok(self.0 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_taken_strictly() {
        let fits = |text: &str| parse(text.as_bytes()).is_ok();
        let deep = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(fits("{\"a\": [1, 2.5, null, true, \"x\"], \"b\": {\"a\": 1}}") && fits(&deep(DEPTH)));
        for bad in ["{\"a\": 1, \"a\": 2}", "{\"x\": {\"b\": 1, \"b\": 1}}", "{", "{} {}", "", "{\"a\": 1,}", "nul", "{\"a\": \"\\ud800\"}"]
        {
            assert!(!fits(bad), "{bad}");
        }
        assert!(!fits(&deep(DEPTH + 1)) && !fits(&deep(100_000)));
        let keys = |n: usize| format!("{{{}}}", (0..n).map(|i| format!("\"{i}\":0")).collect::<Vec<_>>().join(","));
        assert!(fits(&keys(KEYS)) && !fits(&keys(KEYS + 1)));
        let items = |n: usize| format!("[{}]", vec!["0"; n].join(","));
        assert!(fits(&items(ITEMS)) && !fits(&items(ITEMS + 1)));
    }
}
