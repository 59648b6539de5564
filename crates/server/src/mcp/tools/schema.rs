//! What tools take and give, as data: the schemas that clients see and the check of what they send come from the same table.

use crate::api::body::Fields;
use crate::api::failure::Failure;
use serde_json::{Map, Value, json};

/// Longest path that is looked at; longer ones name nothing (security.md INP-5).
const PATH: usize = 1_024;
/// Longest revision.
const REVISION: usize = 40;

/// Something a tool takes.
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its type and limits.
    pub kind: Kind,
    /// Whether it has to be there.
    pub must: Must,
}

/// See [`Input::must`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// It has.
    Be,
    /// It need not.
    Not,
}

/// The types of [`Input`].
pub enum Kind {
    /// The path of a page.
    Path,
    /// Text of at most so many letters.
    Text(usize),
    /// A revision; an empty one is none.
    Revision,
    /// What it is if nobody says, the least and the most: numbers beyond are taken for those.
    Number(i64, i64, i64),
    /// Yes or no.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// At most so many texts.
    Texts(usize),
    /// At most so many objects of these.
    Objects(usize, &'static [Input]),
}

/// Something a tool gives.
pub enum Output {
    /// Text.
    Text,
    /// Text or null.
    Maybe,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// An object of anything.
    Any,
    /// A list of texts.
    Texts,
    /// A list of objects of anything, with these members at least.
    List(&'static [(&'static str, Output)]),
}

pub const fn must(name: &'static str, kind: Kind, about: &'static str) -> Input {
    Input { name, about, kind, must: Must::Be }
}
pub const fn may(name: &'static str, kind: Kind, about: &'static str) -> Input {
    Input { name, about, kind, must: Must::Not }
}

/// The JSON Schema (2020-12) of what a tool takes.
pub fn of_inputs(inputs: &[Input]) -> Value {
    let properties: Map<String, Value> = inputs.iter().map(|input| (input.name.to_string(), of_input(input))).collect();
    let required: Vec<&str> = inputs.iter().filter(|input| input.must == Must::Be).map(|input| input.name).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn of_input(input: &Input) -> Value {
    let mut schema = match &input.kind {
        Kind::Path => json!({"type": "string", "minLength": 1, "maxLength": PATH, "pattern": "^[^/]"}),
        Kind::Text(most) if input.must == Must::Be => json!({"type": "string", "maxLength": most}),
        Kind::Text(most) => json!({"type": "string", "maxLength": most, "default": ""}),
        Kind::Revision if input.must == Must::Be => {
            json!({"type": "string", "minLength": 7, "maxLength": REVISION, "pattern": "^[0-9a-fA-F]*$"})
        }
        Kind::Revision => json!({"type": "string", "maxLength": REVISION, "pattern": "^[0-9a-fA-F]*$", "default": ""}),
        Kind::Number(default, least, most) => json!({"type": "integer", "default": default, "minimum": least, "maximum": most}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Word(words) => json!({"type": "string", "enum": words}),
        Kind::Texts(most) => json!({"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": most}),
        Kind::Objects(most, inputs) => json!({"type": "array", "items": of_inputs(inputs), "minItems": 1, "maxItems": most}),
    };
    schema["description"] = input.about.into();
    schema
}

/// The JSON Schema of what a tool gives.
pub fn of_outputs(outputs: &[(&'static str, Output)]) -> Value {
    let properties: Map<String, Value> = outputs.iter().map(|(name, output)| ((*name).to_string(), of_output(output))).collect();
    json!({"type": "object", "properties": properties})
}

fn of_output(output: &Output) -> Value {
    match output {
        Output::Text => json!({"type": "string"}),
        Output::Maybe => json!({"type": ["string", "null"]}),
        Output::Number => json!({"type": "integer"}),
        Output::Flag => json!({"type": "boolean"}),
        Output::Any => json!({"type": ["object", "null"]}),
        Output::Texts => json!({"type": "array", "items": {"type": "string"}}),
        Output::List(members) => json!({"type": "array", "items": of_outputs(members)}),
    }
}

/// What was sent, if it fits: types, lengths, and nothing that is not taken. How large numbers are is seen later.
pub fn check(inputs: &[Input], sent: Value) -> Result<Fields, Failure> {
    let known: Vec<&str> = inputs.iter().map(|input| input.name).collect();
    let fields = Fields::given(sent, &known)?;
    for input in inputs {
        let Some(value) = fields.value(input.name) else {
            if input.must == Must::Be {
                return Err(fields.refuse(input.name, "is missing", "Send it."));
            }
            continue;
        };
        let refuse = |rule: &str, remedy: &str| Err(fields.refuse(input.name, rule, remedy));
        let most = match &input.kind {
            // The page and its message have limits of their own, which say so.
            Kind::Path => PATH,
            Kind::Text(most) => *most,
            Kind::Revision => REVISION,
            Kind::Number(..) if value.as_i64().is_none() && value.as_f64().is_none_or(|number| number.fract() != 0.0) => {
                return refuse("is no whole number", "Send a whole number.");
            }
            Kind::Number(..) => continue,
            Kind::Flag => {
                fields.flag(input.name)?;
                continue;
            }
            Kind::Word(words) => {
                if !fields.text(input.name)?.is_some_and(|word| words.contains(&word)) {
                    return refuse(&format!("is none of {}", words.join(", ")), "Send one of them.");
                }
                continue;
            }
            Kind::Texts(most) => {
                if fields.list(input.name, *most)?.iter().any(|text| !text.is_string()) {
                    return refuse("holds something that is no string", "Send strings.");
                }
                continue;
            }
            Kind::Objects(most, inputs) => {
                for one in fields.list(input.name, *most)? {
                    check(inputs, one.clone())?;
                }
                continue;
            }
        };
        let text = fields.text(input.name)?.unwrap_or_default();
        // Counted only where it matters: no text has more letters than bytes.
        if text.len() > most && text.chars().count() > most {
            return refuse(&format!("is longer than {most} characters"), "Send less.");
        }
    }
    Ok(fields)
}
