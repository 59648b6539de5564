//! The tools (spec/mcp.md §5): which there are, who sees them, and how a call becomes an answer. Names, descriptions and schemas are constants.

mod care;
mod confirm;
mod connector;
mod files;
mod looking;
mod proposals;
mod reading;
mod schema;
mod table;
mod told;
mod undo;
mod writing;

pub use table::named;

use super::envelope::{Asks, Envelope};
use super::message::Refusal;
use super::{internal, may, resources, slug};
use crate::api::body::Fields;
use crate::api::failure::Failure;
use crate::api::{cursor, idempotency};
use crate::rates::Kind as Rate;
use crate::web::Context;
use holt_core::{Action, Error, ErrorKind, PagePath};
use holt_engine::db::preferences::Preferences;
use holt_engine::pages::Done;
use http::StatusCode;
use schema::{Input, Kind, Output};
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use table::TOOLS;

/// A tool.
pub struct Tool {
    /// What it is called by.
    pub name: &'static str,
    title: &'static str,
    about: &'static str,
    need: Action,
    effect: Effect,
    /// How many readings or changes it counts as, beyond what its arguments name.
    cost: u32,
    inputs: &'static [Input],
    outputs: &'static [(&'static str, Output)],
    run: fn(&Call<'_>) -> Result<Told, Failure>,
}

/// What a tool does to the wiki, for hosts that ask people before some things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// Something is there or is different; nothing is gone.
    Adds,
    /// The same, and doing it again changes nothing more.
    Sets,
    /// Something may be gone, if only from the present.
    Removes,
}

/// What a tool answers.
pub struct Told {
    text: String,
    structured: Value,
    /// What stands beside the text.
    blocks: Vec<Value>,
}

impl Told {
    fn new(text: impl Into<String>, structured: Value) -> Self {
        Self { text: text.into(), structured, blocks: Vec::new() }
    }
    /// With links to pages, by their paths as shown: at most ten, so that lists are not told three times.
    fn linking<'p>(mut self, call: &Call<'_>, paths: impl Iterator<Item = &'p str>) -> Self {
        self.blocks.extend(paths.take(10).filter_map(|path| resources::link(&call.slug, path)));
        self
    }
}

/// A call of a tool.
pub struct Call<'c> {
    context: &'c Context<'c>,
    tool: &'static Tool,
    fields: Fields,
    preferences: Arc<Preferences>,
    slug: String,
    /// What tells this call's lists from others.
    question: u64,
}

impl Call<'_> {
    /// A page that must be named.
    fn path(&self, name: &str) -> Result<PagePath, Failure> {
        let text = self.fields.required(name)?;
        path(&self.fields, name, text)
    }
    /// A text; blank is none.
    fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        Ok(self.fields.text(name)?.map(str::trim).filter(|text| !text.is_empty()))
    }
    /// A number within its limits, or the default.
    fn number(&self, name: &str) -> usize {
        let Some(Kind::Number(default, least, most)) = self.tool.inputs.iter().find(|input| input.name == name).map(|input| &input.kind)
        else {
            return 0;
        };
        let sent = self.fields.value(name).and_then(|value| value.as_i64().or_else(|| value.as_f64().map(whole)));
        usize::try_from(sent.unwrap_or(*default).clamp(*least, *most)).unwrap_or_default()
    }
    /// What the cursor of the call says.
    fn cursor(&self) -> Result<Option<String>, Failure> {
        self.text("cursor")?.map(|sent| cursor::open(self.question, sent)).transpose()
    }
    /// Where a list goes on, if it does.
    fn next(&self, place: Option<impl std::fmt::Display>) -> Value {
        place.map(|place| cursor::seal(self.question, &place.to_string())).into()
    }
    /// The part of a list of which nothing is known but its lines: from where the cursor says, as many as fit and were asked for; and where it
    /// goes on.
    fn part(&self, lines: &[String]) -> Result<(std::ops::Range<usize>, Value), Failure> {
        let start = self.cursor()?.map_or(Ok(0), |place| place.parse::<usize>().map_err(|_| cursor::refuse()))?.min(lines.len());
        let rest = &lines[start..];
        let end = start + super::budget::fitting(rest.iter()).min(self.number("limit")).min(rest.len());
        Ok((start..end, self.next((end < lines.len()).then_some(end))))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates, and limits are far below")]
fn whole(number: f64) -> i64 {
    number as i64
}

/// The path of a page, checked before anything is looked up (spec/mcp.md §5).
fn path(fields: &Fields, name: &str, text: &str) -> Result<PagePath, Failure> {
    if text.starts_with('/') {
        return Err(fields.refuse(name, "begins with a slash", "Send the path of a page as Guide/Setup."));
    }
    crate::api::parse_path(name, text)
}

/// What follows a list that goes on.
fn more(next: &Value) -> String {
    next.as_str().map_or_else(String::new, |next| format!("\nThere is more: call again with cursor=\"{next}\"."))
}

/// `tools/list`: those that whoever asks may use in the wiki, always in the same order.
pub fn list(context: &Context<'_>, sent: Option<&str>) -> Result<Value, Refusal> {
    if sent.is_some() {
        return Err(Refusal::params("cursor does not belong to this list"));
    }
    let mut tools = Vec::new();
    for tool in TOOLS {
        if context.wiki.may(&context.actor, tool.need).map_err(|error| internal(context, &error.into()))? {
            tools.push(described(tool));
        }
    }
    Ok(json!({"tools": tools}))
}

fn described(tool: &Tool) -> Value {
    let reads = tool.effect == Effect::Reads;
    json!({
        "name": tool.name, "title": tool.title, "description": tool.about, "inputSchema": schema::of_inputs(tool.inputs),
        "outputSchema": schema::of_outputs(tool.outputs),
        "annotations": {
            "title": tool.title, "readOnlyHint": reads, "destructiveHint": tool.effect == Effect::Removes,
            "idempotentHint": matches!(tool.effect, Effect::Reads | Effect::Sets), "openWorldHint": false,
        },
    })
}

/// `tools/call`. What goes wrong in a tool is a result, so that the agent sees it and can do better.
pub fn call(context: &mut Context<'_>, envelope: &Envelope, params: &Map<String, Value>) -> Result<Value, Refusal> {
    let name = params.get("name").and_then(Value::as_str).ok_or_else(|| Refusal::params("name is missing"))?;
    let tool = named(name).ok_or_else(|| Refusal::params("there is no such tool"))?;
    may(context, tool.need)?;
    let sent = match params.get("arguments") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(sent) => sent.clone(),
    };
    match run(context, tool, sent, envelope.asks, params) {
        Ok(Ran::Asked(question)) => Ok(question),
        Ok(Ran::Told(Told { text, structured, blocks })) => {
            let mut content = vec![json!({"type": "text", "text": text})];
            content.extend(blocks);
            Ok(json!({"content": content, "structuredContent": structured, "isError": false}))
        }
        // Not what was asked for, and no failure: the change waits.
        Err(failure) if failure.error().proposal().is_some() => Ok(told::proposed(&failure)),
        Err(failure) => {
            if failure.error().kind == ErrorKind::Internal {
                tracing::error!(request = %context.request.id, wiki.id = %context.wiki.id(), "{}", failure.error().chain());
            }
            Ok(told::failed(context, &failure))
        }
    }
}

/// What became of a call.
enum Ran {
    Told(Told),
    /// A person has to be asked first.
    Asked(Value),
}

fn run(context: &mut Context<'_>, tool: &'static Tool, sent: Value, asks: Asks, params: &Map<String, Value>) -> Result<Ran, Failure> {
    let changes = tool.effect != Effect::Reads;
    context.charge(if changes { Rate::Write } else { Rate::Read }, tool.cost)?;
    let arguments = sent.to_string();
    if asks == Asks::People {
        match confirm::reply(context, tool.name, &arguments, params)? {
            confirm::Reply::Yes(state) => {
                let request = idempotency::call(context, tool.name, &arguments)?;
                let used = |_: &Context<'_>, _: &_| {
                    let error = Error::invalid("this requestState was used before").hint("Call the tool again without it.");
                    Err(Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", error).with("field", "requestState"))
                };
                let once = |context: &Context<'_>| done(context, tool, sent);
                return idempotency::under(context, "requestState", &format!("mcp confirmed {state}"), &request, once, used).map(Ran::Told);
            }
            confirm::Reply::None => {
                let call = prepared(context, tool, sent.clone())?;
                if let Some(question) = confirm::question(&call)? {
                    return confirm::asked(context, tool.name, &arguments, &question).map(Ran::Asked);
                }
            }
        }
    }
    match key(params)?.filter(|_| changes) {
        Some(key) => {
            let request = idempotency::call(context, tool.name, &arguments)?;
            let once = |context: &Context<'_>| done(context, tool, sent);
            idempotency::under(context, KEY, &format!("mcp {key}"), &request, once, |_, done| Ok(again(done))).map(Ran::Told)
        }
        None => done(context, tool, sent).map(Ran::Told),
    }
}

/// Where in `_meta` a client says that a call is the same as one before.
const KEY: &str = "idempotency_key";

fn key(params: &Map<String, Value>) -> Result<Option<String>, Failure> {
    let sent = params.get("_meta").and_then(|meta| meta.get(KEY)).filter(|key| !key.is_null());
    let fits = |key: &&str| !key.is_empty() && key.len() <= 255 && key.bytes().all(|b| b.is_ascii_graphic());
    match sent.map(|key| key.as_str().filter(fits)) {
        None => Ok(None),
        Some(Some(key)) => Ok(Some(key.to_string())),
        Some(None) => Err(Failure::field(KEY, format!("_meta.{KEY} cannot be read"), "Send one key of 1 to 255 visible ASCII characters.")),
    }
}

/// What a call answers that was done before: by which commit. What it said then is not made again.
fn again(done: &Done) -> Told {
    let text = format!("Done before, as revision {}: nothing was done again.", done.revision);
    Told::new(text, json!({"revision": done.revision.to_string(), "replayed": true}))
}

fn prepared<'c>(context: &'c Context<'c>, tool: &'static Tool, sent: Value) -> Result<Call<'c>, Failure> {
    let question = question(context, tool, &sent);
    let fields = schema::check(tool.inputs, sent)?;
    let (preferences, slug) = (context.preferences()?, slug(context)?);
    Ok(Call { context, tool, fields, preferences, slug, question })
}

fn done(context: &Context<'_>, tool: &'static Tool, sent: Value) -> Result<Told, Failure> {
    (tool.run)(&prepared(context, tool, sent)?)
}

/// No secret: a cursor only says where to go on.
fn question(context: &Context<'_>, tool: &Tool, sent: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    (context.wiki.id().to_string(), tool.name).hash(&mut hasher);
    let narrowing = |name: &str| !matches!(name, "cursor" | "limit" | "max_tokens");
    for (name, value) in sent.as_object().into_iter().flatten().filter(|(name, _)| narrowing(name)) {
        (name, value.to_string()).hash(&mut hasher);
    }
    hasher.finish()
}
