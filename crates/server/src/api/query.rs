//! The query of an address, taken as strictly as bodies are: what would be passed over or read as something else is refused, with the
//! parameter, the rule and what helps. Which parameters there are, and of what type, stands in the description (`openapi.rs`, `meaning.rs`).

use super::failure::Failure;
use super::{meaning, openapi};
use crate::request::Request;
use crate::routes::Route;
use crate::web::Context;
use holt_core::Error;
use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Numbers that are taken whatever they say (spec/api.md §7.1, case 27).
const LENIENT: [&str; 2] = ["n", "max_chunks_per_page"];
/// Letters of a name from outside that messages repeat.
const SHOWN: usize = 64;

/// Refuses a request whose query has parameters that its address does not take, twice the same, or values that are none.
pub fn check(request: &Request, route: &Route) -> Result<(), Failure> {
    let sent = request.uri.query().unwrap_or_default();
    let (operation, known) = openapi::parameters(route.method, route.pattern).unwrap_or_default();
    let mut seen: Vec<String> = Vec::new();
    for pair in sent.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).ok_or_else(|| malformed(name))?;
        let shown: String = name.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        if !known.contains(&name.as_str()) {
            let remedy = match known {
                [] => "Send none: this address takes no parameters.".to_string(),
                known => format!("The parameters are {}.", known.join(", ")),
            };
            return Err(Failure::field(&shown, format!("there is no parameter {shown}"), remedy));
        }
        let value = decoded(value).ok_or_else(|| malformed(&name))?;
        if seen.contains(&name) {
            return Err(Failure::field(&name, format!("{name} is sent twice"), "Send it once."));
        }
        let value = value.trim();
        // Blank counts as not sent.
        if !value.is_empty() && !LENIENT.contains(&name.as_str()) {
            fits(&name, value, &meaning::parameter(operation, &name)["schema"])?;
        }
        seen.push(name);
    }
    Ok(())
}

fn malformed(name: &str) -> Failure {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    let error = Error::invalid(format!("the parameter {shown} cannot be read: it is not percent-encoded UTF-8"))
        .hint("Write a percent sign as %25, and other letters as the bytes of their UTF-8.");
    Failure::new(StatusCode::BAD_REQUEST, "validation", error).with("field", shown)
}

/// As forms are encoded; none for what is not.
fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let is_hex = |at: usize| spaced.as_bytes().get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    if !spaced.match_indices('%').all(|(at, _)| is_hex(at)) {
        return None;
    }
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Whether a value is what its schema says. Numbers above the most are taken for the most, but for places: from there on is not from here on.
fn fits(name: &str, value: &str, schema: &Value) -> Result<(), Failure> {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        if !words.contains(&value) {
            let remedy = format!("Send {}, or leave it out.", words.join(" or "));
            return Err(Failure::field(name, format!("{name} is not {}", words.join(" or ")), remedy));
        }
    }
    if schema["type"] == "integer" {
        let (least, most) = (schema["minimum"].as_u64().unwrap_or_default(), schema["maximum"].as_u64().unwrap_or(u64::MAX));
        let remedy = format!("Send {least} to {most}.");
        // Digits alone; so many that no number holds them are more than the most.
        if !value.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Failure::field(name, format!("{name} is no whole number"), remedy));
        }
        let number = value.parse::<u64>().unwrap_or(u64::MAX);
        if number < least || (name == "offset" && number > most) {
            return Err(Failure::field(name, format!("{name} is not between {least} and {most}"), remedy));
        }
    }
    Ok(())
}

/// A number of the query that [`check`] has looked at: `default` where there is none, never more than `most`.
pub fn count(context: &Context<'_>, name: &str, default: usize, most: usize) -> usize {
    text(context, name).map_or(default, |text| text.parse().unwrap_or(most)).min(most)
}

/// A parameter of the query; blank counts as none.
pub fn text(context: &Context<'_>, name: &str) -> Option<String> {
    context.request.query(name).map(|text| text.trim().to_string()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn encodings_are_taken_strictly() {
        assert_eq!(decoded("a+b%C3%BC%2B").as_deref(), Some("a bü+"));
        for bad in ["%", "%4", "%zz", "a%2", "%ff", "%c3", "%+1"] {
            assert_eq!(decoded(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_and_words_are_what_the_description_says() {
        let number = json!({"type": "integer", "minimum": 1, "maximum": 5});
        let fit = |name: &str, value: &str, schema: &Value| fits(name, value, schema).is_ok();
        assert!(
            fit("limit", "5", &number) && fit("limit", "99999999999999999999999", &number) && fit("q", "-1", &json!({"type": "string"}))
        );
        for bad in ["0", "-1", "abc", "1.5", "1e3", "+1", "٣"] {
            assert!(!fit("limit", bad, &number), "{bad}");
        }
        assert!(!fit("offset", "6", &number));
        let words = json!({"type": "string", "enum": ["raw"]});
        assert!(fit("format", "raw", &words) && !fit("format", "Raw", &words));
    }
}
