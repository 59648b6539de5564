//! `subscriptions/listen` (spec/mcp.md §6): a stream of messages about what changed. Its source is that of `/api/v1/changes`, so that every door
//! and every push counts; like there, the request is asked again for each of them, with all checks, from the revision told last.

use super::message::{BUSY, DENIED, Id, Refusal};
use super::{internal, resources, slug};
use crate::api::changes::BEGINNING;
use crate::api::failure::Failure;
use crate::follow::{Farewell, How, Later};
use crate::request::Turn;
use crate::web::Context;
use holt_core::{ChangeKind, Error, PagePath, RevisionId};
use holt_engine::Read;
use holt_engine::pages::{self, Entry, Since};
use http::{StatusCode, Uri};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The method.
pub const METHOD: &str = "subscriptions/listen";
/// Most streams of a token (spec/mcp.md §6).
const STREAMS: usize = 20;
/// How long a stream lasts, in seconds.
const LIFE: i64 = 3600;
/// Most resources that one listens to.
const RESOURCES: usize = 100;
/// Most commits that are looked at one by one; after more, all that is listened to is said to have changed.
const COMMITS: usize = 2_000;
/// Commits looked at in a piece.
const PIECE: usize = 200;

/// What somebody listens to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wish {
    resources: Vec<(String, Resource)>,
    list: bool,
}

/// A resource of this wiki, whether there is such a thing or not.
#[derive(Debug, PartialEq, Eq)]
enum Resource {
    Page(PagePath),
    File(String),
    Changes,
    Tree,
}

/// The answer to the request `id`: acknowledged first, then told of what changes.
pub fn open(context: &Context<'_>, id: &Id, params: &Map<String, Value>) -> Result<Later, Refusal> {
    let wish = wish(&slug(context).map_err(|error| internal(context, &error.into()))?, params)?;
    let place = match context.request.turn {
        // Before anything is looked up: what happens from here on wakes the stream.
        Turn::First => Some(context.app.followers.enter(context.wiki.id(), &context.identity, STREAMS).ok_or_else(too_many)?),
        Turn::Again => None,
    };
    let (events, until) = news(context, &wish).map_err(|failure| internal(context, &failure))?;
    let mut messages: Vec<Value> = Vec::new();
    if context.request.turn == Turn::First {
        let notifications = acknowledged(&wish);
        messages.push(json!({"method": "notifications/subscriptions/acknowledged", "params": {"notifications": notifications}}));
    }
    messages.extend(events);
    let tagged = |message: &Value| Tagged::of(message, id).map(|message| (until.clone(), message));
    let events = messages.iter().map(tagged).collect::<Result<_, _>>().map_err(|error| internal(context, &error.into()))?;
    let next = Uri::try_from(format!("{}?since={until}", super::ADDRESS));
    let next = next.map_err(|e| internal(context, &Error::internal("ask again").because(e).into()))?;
    let complete = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"complete\",\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}}}}}}"
    );
    let gone = |message: &str| Refusal::new(DENIED, message).said(id);
    let unknown = gone("this stream ends: what you opened it with is not valid any more; it was revoked, or its time is over");
    let denied = gone("this stream ends: you may not read this wiki any more");
    let farewell = Some(Farewell { complete, unknown, denied });
    Ok(Later { place, how: How::Messages(LIFE), next, more: false, events, until, farewell })
}

fn too_many() -> Refusal {
    let message = format!("there are {STREAMS} streams of yours already, or too many of others: close one");
    Refusal { status: StatusCode::TOO_MANY_REQUESTS, after: Some(1), ..Refusal::new(BUSY, message) }
}

/// A message with what tells those of one stream from others.
#[derive(Serialize)]
struct Tagged<'m> {
    jsonrpc: &'static str,
    method: &'m Value,
    params: Params<'m>,
}

#[derive(Serialize)]
struct Params<'m> {
    #[serde(flatten)]
    own: &'m Map<String, Value>,
    #[serde(rename = "_meta")]
    meta: Meta<'m>,
}

#[derive(Serialize)]
struct Meta<'m> {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    id: &'m Id,
}

impl Tagged<'_> {
    fn of(message: &Value, id: &Id) -> Result<String, Error> {
        let none = Map::new();
        let own = message["params"].as_object().unwrap_or(&none);
        let tagged = Tagged { jsonrpc: "2.0", method: &message["method"], params: Params { own, meta: Meta { id } } };
        serde_json::to_string(&tagged).map_err(|e| Error::internal("write a message").because(e))
    }
}

fn wish(slug: &str, params: &Map<String, Value>) -> Result<Wish, Refusal> {
    let Some(asked) = params.get("notifications").and_then(Value::as_object) else {
        return Err(Refusal::params("notifications is missing or no object"));
    };
    let list = match asked.get("resourcesListChanged") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(list)) => *list,
        Some(_) => return Err(Refusal::params("notifications.resourcesListChanged is not true or false")),
    };
    let uris = match asked.get("resourceSubscriptions") {
        None | Some(Value::Null) => &Vec::new(),
        Some(Value::Array(uris)) if uris.len() <= RESOURCES && uris.iter().all(Value::is_string) => uris,
        Some(_) => return Err(Refusal::params(format!("notifications.resourceSubscriptions is no list of at most {RESOURCES} addresses"))),
    };
    let known = |uri: &str| Some((uri.to_string(), resource(slug, uri)?));
    Ok(Wish { resources: uris.iter().filter_map(Value::as_str).filter_map(known).collect(), list })
}

fn resource(slug: &str, uri: &str) -> Option<Resource> {
    match uri.strip_prefix(&format!("wiki://{slug}/"))? {
        "changes" => Some(Resource::Changes),
        "tree" => Some(Resource::Tree),
        rest => match rest.split_once('/')? {
            ("pages", path) => Some(Resource::Page(PagePath::parse(&resources::plain(path)?).ok()?)),
            ("attachments", file) => Some(Resource::File(resources::plain(file)?)),
            _ => None,
        },
    }
}

/// What of the wish is fulfilled: the addresses that are addresses here. Tools and prompts never change.
fn acknowledged(wish: &Wish) -> Value {
    let mut kinds = json!({});
    if wish.list {
        kinds["resourcesListChanged"] = true.into();
    }
    if !wish.resources.is_empty() {
        kinds["resourceSubscriptions"] = wish.resources.iter().map(|(uri, _)| uri.as_str()).collect();
    }
    kinds
}

/// What changed since the last turn, as far as who listens may read it; and up to which revision.
fn news(context: &Context<'_>, wish: &Wish) -> Result<(Vec<Value>, String), Failure> {
    let scope = context.scope::<Read>()?;
    let newest = || Ok::<_, Failure>(pages::newest(&scope)?.map_or_else(|| BEGINNING.to_string(), |id| id.to_string()));
    let since = match (context.request.turn, context.request.query("since")) {
        (Turn::First, _) | (_, None) => return Ok((Vec::new(), newest()?)),
        (Turn::Again, Some(text)) if text == BEGINNING => Since::Beginning,
        (Turn::Again, Some(text)) => Since::Revision(RevisionId::parse(&text)?),
    };
    let (mut heard, mut place, mut seen) = (Heard::default(), None, 0);
    loop {
        // History was taken back, or there is more than anybody wants to be told of one by one.
        let Some(part) = pages::changes(&scope, since, place, PIECE)?.filter(|_| seen < COMMITS) else {
            return Ok((told(wish, |_| true, true), newest()?));
        };
        seen += part.entries.len();
        part.entries.iter().for_each(|entry| heard.add(entry));
        place = part.next;
        if place.is_none() {
            let until = part.until.map_or_else(|| BEGINNING.to_string(), |id| id.to_string());
            return Ok((told(wish, |resource| heard.touches(resource), heard.list), until));
        }
    }
}

fn told(wish: &Wish, touches: impl Fn(&Resource) -> bool, list: bool) -> Vec<Value> {
    let updated = |uri: &String| json!({"method": "notifications/resources/updated", "params": {"uri": uri}});
    let mut messages: Vec<Value> = wish.resources.iter().filter(|(_, resource)| touches(resource)).map(|(uri, _)| updated(uri)).collect();
    if wish.list && list {
        messages.push(json!({"method": "notifications/resources/list_changed", "params": {}}));
    }
    messages
}

/// What some commits did.
#[derive(Default)]
struct Heard {
    files: Vec<String>,
    pages: Vec<PagePath>,
    /// Whether there are other pages than before.
    list: bool,
    any: bool,
}

impl Heard {
    fn add(&mut self, entry: &Entry) {
        self.any = true;
        for change in &entry.changes {
            let from = match &change.kind {
                ChangeKind::Renamed { from } => Some(from),
                _ => None,
            };
            for file in from.into_iter().chain([&change.file]) {
                match PagePath::from_tree(file) {
                    Some(page) => {
                        self.list |= change.kind != ChangeKind::Modified;
                        self.pages.push(page);
                    }
                    None => self.files.push(file.clone()),
                }
            }
        }
    }
    fn touches(&self, resource: &Resource) -> bool {
        match resource {
            Resource::Page(path) => self.pages.iter().any(|page| page.key() == path.key()),
            Resource::File(file) => self.files.contains(file),
            Resource::Changes => self.any,
            Resource::Tree => self.list,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::commands::mcp::alone;
    use crate::request::{Form, Request};
    use crate::turns::Kind;
    use crate::{follow, front};
    use bytes::Bytes;
    use holt_core::{Actor, Edit, WikiName};
    use holt_edge::{Body, Fallback, Reason};
    use holt_engine::db::preferences::Audience;
    use holt_engine::{Clock, Engine, EngineOptions, Write};
    use http::{HeaderMap, HeaderValue, Method};
    use http_body::Body as _;
    use std::net::{IpAddr, Ipv4Addr};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// The next message of a stream; none at its end.
    async fn message(body: &mut Body) -> Option<Value> {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?.unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
        Some(serde_json::from_str(text.strip_prefix("event: message\ndata: ").unwrap()).unwrap())
    }

    /// A stream that listens for new pages.
    async fn listening(app: &Arc<App>, wiki: holt_core::WikiId) -> Body {
        let version = "2026-07-28";
        let mut headers = HeaderMap::new();
        for (name, value) in [("content-type", "application/json"), ("mcp-protocol-version", version), ("mcp-method", METHOD)] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let meta = json!({"io.modelcontextprotocol/protocolVersion": version, "io.modelcontextprotocol/clientCapabilities": {}});
        let params = json!({"notifications": {"resourcesListChanged": true}, "_meta": meta});
        let raw = json!({"jsonrpc": "2.0", "id": 7, "method": METHOD, "params": params}).to_string();
        let request = Request {
            method: Method::POST,
            uri: Uri::from_static(super::super::ADDRESS),
            path: super::super::ADDRESS.to_string(),
            headers,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            scheme: crate::proxies::Scheme::Http,
            vouched: None,
            body: Form::default(),
            raw: Bytes::from(raw),
            spool: None,
            id: "test".to_string(),
            turn: Turn::First,
        };
        let fallback = Fallback { reason: Reason::Live, wiki: Some(wiki), path: Some(request.path.clone()) };
        let (request, fallback) = (Arc::new(request), Arc::new(fallback));
        let permit = app.turns.wait(Some(wiki), Kind::Agent).await.unwrap();
        let mut reply = front::work(app, &request, &fallback, permit).await;
        let later = follow::take(&mut reply).unwrap();
        follow::follow(app.clone(), request, fallback, reply, later).await.into_body()
    }

    #[tokio::test]
    async fn a_stream_ends_after_its_hour_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_700_000_000));
        let clock = now.clone();
        let engine = Engine::open(EngineOptions::new(dir.path(), Clock::new(move || clock.load(Ordering::Relaxed)))).unwrap();
        let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
        let app = Arc::new(alone(engine));
        let mut stream = listening(&app, wiki.id()).await;
        assert_eq!(message(&mut stream).await.unwrap()["method"], "notifications/subscriptions/acknowledged");
        // The control: a second before its end it still tells what happens.
        now.fetch_add(LIFE - 1, Ordering::Relaxed);
        let edit = Edit::new(PagePath::parse("New").unwrap(), None, "x".into(), "").unwrap();
        pages::save(&wiki.grant::<Write>(&Actor::System).unwrap(), &edit, None).unwrap();
        app.followers.tell(wiki.id());
        assert_eq!(message(&mut stream).await.unwrap()["method"], "notifications/resources/list_changed");
        now.fetch_add(1, Ordering::Relaxed);
        app.followers.tell(wiki.id());
        let last = message(&mut stream).await.unwrap();
        assert_eq!((&last["id"], &last["result"]["resultType"]), (&json!(7), &json!("complete")));
        assert_eq!(message(&mut stream).await, None);
    }

    #[test]
    fn wishes_are_taken_as_far_as_they_are_ours() {
        let wish = |notifications: Value| wish("docs", json!({"notifications": notifications}).as_object().unwrap());
        let uris = ["wiki://docs/pages/A%20B", "wiki://other/pages/A", "wiki://docs/pages/..", "wiki://docs/tree", "x", "wiki://docs/x/y"];
        let taken = wish(json!({"resourceSubscriptions": uris, "toolsListChanged": true})).ok().unwrap();
        assert_eq!(acknowledged(&taken), json!({"resourceSubscriptions": ["wiki://docs/pages/A%20B", "wiki://docs/tree"]}));
        for bad in
            [json!([]), json!({"resourceSubscriptions": "x"}), json!({"resourceSubscriptions": [7]}), json!({"resourcesListChanged": 1})]
        {
            assert!(wish(bad.clone()).is_err(), "{bad}");
        }
        assert!(wish(json!({"resourceSubscriptions": vec!["x"; RESOURCES + 1]})).is_err());
    }
}
