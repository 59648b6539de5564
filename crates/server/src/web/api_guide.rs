//! `GET /-/api`: the API for people. Everything on it comes from the document that programs get (`api/openapi.rs`), so that the two cannot differ;
//! what is here of its own are the examples, which name this wiki and a page that is there.

use super::Context;
use super::views::{ApiAnswer, ApiField, ApiGroup, ApiOperation, ApiView};
use crate::api::meaning;
use crate::api::openapi::{BASE, GROUPS, description};
use crate::reply::Reply;
use holt_core::{PagePath, Result};
use holt_engine::Read;
use holt_engine::pages::{self, ListFilter, PageView};
use holt_engine::publish::views::{AsideView, TocEntry};
use http::StatusCode;
use serde_json::Value;

/// What stands for a token in the examples.
const TOKEN: &str = "holt_…";
/// A page that what changes something may be tried with.
const SPARE: &str = "Example";
/// A file, where the page has none.
const FILE: &str = "hello.txt";

/// `GET /-/api`
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let place = Place::of(context)?;
    let document = description();
    let groups: Vec<ApiGroup> = GROUPS.into_iter().map(|name| group(&document, name, &place)).collect();
    let mut toc = Vec::new();
    for group in &groups {
        toc.push(TocEntry { depth: 0, anchor: group.anchor.clone(), text: context.say(group.title)? });
        let entry = |one: &ApiOperation| TocEntry { depth: 1, anchor: one.anchor.clone(), text: format!("{} {}", one.method, one.path) };
        toc.extend(group.operations.iter().map(entry));
    }
    let document = format!("{BASE}/openapi.json");
    let main = context.draw(&ApiView { base: place.base, document, token: TOKEN, groups })?;
    let aside = context.draw(&AsideView { toc: &toc, tags: &[], backlinks: &[], more_backlinks: 0 })?;
    context.slots(StatusCode::OK, &context.say("The API")?, main, None, Some(aside))
}

/// What the examples name: things of this wiki that whoever asks may read.
struct Place {
    base: String,
    page: String,
    revision: String,
    file: String,
}

impl Place {
    fn of(context: &Context<'_>) -> Result<Self> {
        let scope = context.scope::<Read>()?;
        let preferences = context.preferences()?;
        let (mut page, mut revision, mut file) = (meaning::PAGE.to_string(), meaning::REVISION.to_string(), FILE.to_string());
        if let Some(PageView { page: found, last_change }) = some_page(context)? {
            page = preferences.display_path(&found.path);
            revision = last_change.id.to_string();
            if let Some(first) = pages::attachments(&scope, &found.path)?.first() {
                file = first.name.to_string();
            }
        }
        Ok(Self { base: format!("{}{BASE}", context.origin()), page, revision, file })
    }
    /// A value of an example, with what is there in the place of what stands for it.
    fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text == meaning::PAGE => self.page.clone().into(),
            Value::String(text) if text == meaning::REVISION => self.revision.clone().into(),
            Value::Array(values) => values.iter().map(|value| self.fill(value)).collect(),
            Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect(),
            other => other.clone(),
        }
    }
}

/// The home page, or the first there is.
fn some_page(context: &Context<'_>) -> Result<Option<PageView>> {
    let scope = context.scope::<Read>()?;
    let preferences = context.preferences()?;
    let home = match preferences.home_page.trim() {
        "" => meaning::PAGE,
        name => name,
    };
    // What leads elsewhere than to a page is no path of one.
    if let Some(found) = PagePath::parse(home).ok().map(|path| pages::page(&scope, &path)).transpose()?.flatten() {
        return Ok(Some(found));
    }
    let listing = pages::list(&scope, &ListFilter::default(), None, 1)?;
    listing.pages.first().map_or(Ok(None), |first| pages::page(&scope, &first.path))
}

fn group(document: &Value, name: &str, place: &Place) -> ApiGroup {
    let mut operations = Vec::new();
    for (address, path) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in path.as_object().into_iter().flatten() {
            if operation["tags"][0] == name {
                operations.push(shown(&method.to_uppercase(), address, operation, place));
            }
        }
    }
    operations.sort_by_key(|one| (one.path.clone(), order(&one.method)));
    ApiGroup { anchor: format!("about-{name}"), title: title(name), operations }
}

/// Reading before making, making before deleting.
fn order(method: &str) -> usize {
    ["GET", "POST", "PUT", "PATCH"].iter().position(|one| *one == method).unwrap_or(4)
}

fn title(group: &str) -> &'static str {
    match group {
        "pages" => "Pages",
        "review" => "Proposals",
        "history" => "Changes",
        "search" => "Search",
        "links" => "Links between pages",
        "files" => "Files",
        _ => "The wiki",
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

fn shown(method: &str, address: &str, operation: &Value, place: &Place) -> ApiOperation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let needed = |name: &str| body["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let fields = body["properties"].as_object().into_iter().flatten();
    let answers = operation["responses"].as_object().into_iter().flatten();
    let mut fields: Vec<ApiField> = fields.map(|(name, schema)| field(name, needed(name), None, schema, schema)).collect();
    fields.sort_by_key(|field| !field.required);
    ApiOperation {
        anchor: text(&operation["operationId"]),
        method: method.to_string(),
        path: address.to_string(),
        summary: text(&operation["summary"]),
        text: operation["description"].as_str().map(str::to_string),
        right: right(operation["x-right"].as_str()),
        parameters: parameters
            .map(|one| field(&text(&one["name"]), one["required"] == true, Some(&one["in"]), &one["schema"], one))
            .collect(),
        fields,
        is_raw: operation["requestBody"]["content"].get("application/octet-stream").is_some(),
        answers: answers.map(|(status, one)| answer(status, one)).collect(),
        example: example(method, address, operation, place),
    }
}

fn right(name: Option<&str>) -> Option<&'static str> {
    ["read", "write", "attach", "administer"].into_iter().find(|one| Some(*one) == name)
}

/// A parameter, or a field of a body, which has no place.
fn field(name: &str, required: bool, place: Option<&Value>, schema: &Value, about: &Value) -> ApiField {
    let said =
        |name: &str| Some(&schema[name]).filter(|value| !value.is_null()).map(|value| value.to_string().trim_matches('"').to_string());
    let values = schema["enum"].as_array().into_iter().flatten();
    ApiField {
        name: name.to_string(),
        place: place.map(text),
        kind: text(&schema["type"]),
        required,
        values: values.map(text).collect(),
        least: said("minimum").or_else(|| said("minItems")),
        most: said("maximum").or_else(|| said("maxItems")),
        default: said("default"),
        longest: said("maxLength"),
        text: text(&about["description"]),
    }
}

fn answer(status: &str, response: &Value) -> ApiAnswer {
    let kinds = response["content"].as_object().into_iter().flatten().map(|(kind, _)| kind.as_str());
    // Every refusal is JSON: that is said once.
    let good = !status.starts_with(['4', '5']);
    let properties = response["content"]["application/json"]["schema"]["properties"].as_object();
    ApiAnswer {
        status: status.to_string(),
        good,
        text: text(&response["description"]),
        kinds: kinds.filter(|_| good).map(str::to_string).collect(),
        fields: properties.into_iter().flatten().map(|(name, _)| name.clone()).filter(|_| good).collect(),
    }
}

/// A command that can be pasted into a shell: nothing in it, whatever pages are called, is anything but a word there.
fn example(method: &str, address: &str, operation: &Value, place: &Place) -> String {
    let reads = operation["x-right"] == "read";
    let page = if reads { place.page.as_str() } else { SPARE };
    let file = if reads { place.file.as_str() } else { FILE };
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let path: Vec<String> = page.split('/').map(encoded).collect();
    let mut url = format!(
        "{}{}",
        place.base,
        address
            .replace("{path}", &path.join("/"))
            .replace("{filename}", &encoded(file))
            .replace("{number}", "1")
            .replace("{webhook}", "1")
            .replace("{delivery}", "1")
    );
    for (at, one) in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["example"].is_string()).enumerate() {
        let value = place.fill(&one["example"]);
        url += &format!("{}{}={}", if at == 0 { '?' } else { '&' }, text(&one["name"]), encoded(&text(&value)));
    }
    let mut words = vec!["curl".to_string()];
    if method != "GET" {
        words.push(format!("-X {method}"));
    }
    if !operation["x-right"].is_null() {
        words.push(format!("-H {}", quoted(&format!("Authorization: Bearer {TOKEN}"))));
    }
    words.push(quoted(&url));
    let content = &operation["requestBody"]["content"];
    if content.get("application/octet-stream").is_some() {
        words.push(format!("--data-binary {}", quoted("hello")));
    }
    if let Some(body) = content["application/json"].get("example") {
        let body = if reads { place.fill(body) } else { body.clone() };
        words.push(format!("-H {}", quoted("Content-Type: application/json")));
        words.push(format!("-d {}", quoted(&body.to_string())));
    }
    words.join(" \\\n  ").replacen(" \\\n  -X", " -X", 1)
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
