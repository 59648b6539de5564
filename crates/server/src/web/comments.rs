//! What people say about a page: a screen with its forms, the same as JSON.

use super::page::address;
use super::views::{CommentShown, CommentsView, Kept, Problem, QuoteShown, ThreadShown, WatchState};
use super::{Context, moment, problem};
use crate::app::Throttle;
use crate::reply::{Reply, see_other};
use holt_core::{Error, ErrorKind, PagePath, Result, Timestamp};
use holt_engine::pages::{self, About, Extent, Found, Quote, Resolution, Thread, Threads};
use holt_engine::publish::views::scripts;
use holt_engine::{Read, publish};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Threads on one screen.
const PER_SCREEN: usize = 25;
/// So many comments in so many seconds are more than anybody has to say (security.md RATE-1).
const PACE: (usize, i64) = (60, 600);
/// Words of a quote that an address can name at once; of a longer one its beginning and its end.
const NAMED_WORDS: usize = 8;

/// Which threads are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// The part of that number, from 1.
    Part(usize),
    /// One.
    Thread(i64),
}

impl At {
    fn parse(text: &str) -> Self {
        let (name, value) = text.split_once('=').unwrap_or_default();
        match (name, value.parse::<i64>()) {
            ("thread", Ok(id)) => Self::Thread(id),
            ("part", Ok(part)) => Self::Part(usize::try_from(part).unwrap_or(1).clamp(1, pages::THREADS)),
            _ => Self::Part(1),
        }
    }
    fn asked(context: &Context<'_>) -> Self {
        let named = |name: &str| context.request.query(name).map(|value| Self::parse(&format!("{name}={value}")));
        named("thread").or_else(|| named("part")).unwrap_or(Self::Part(1))
    }
    fn query(self) -> String {
        match self {
            Self::Part(part) => format!("part={part}"),
            Self::Thread(id) => format!("thread={id}"),
        }
    }
}

/// The page of the address under its stored spelling, and whether it is there: of a deleted one there may be comments still.
fn page_of(context: &Context<'_>) -> Result<(PagePath, bool)> {
    let scope = context.scope::<Read>()?;
    let path = context.existing().or_else(|_| address(context))?;
    let is_page = matches!(pages::find(&scope, &path)?, Found::Page(_));
    let is_folder = !is_page && context.existing().is_ok();
    if !is_page && !is_folder && pages::comment_counts(&scope, &path)? == (0, 0) {
        return Err(Error::not_found(format!("there is no page {path}")));
    }
    Ok((path, is_page))
}

fn wants_json(context: &Context<'_>) -> bool {
    context.request.header("accept").is_some_and(|accept| accept.contains("application/json"))
}

/// `GET /<page>/comments[?part=…|?thread=…]`, with `?quote=&before=&after=` what a new thread is about; as JSON with `?count` the numbers alone.
pub fn show(context: &Context<'_>) -> Result<Reply> {
    let (path, is_page) = page_of(context)?;
    let at = At::asked(context);
    if wants_json(context) {
        return as_json(context, &path, at);
    }
    let asked = |name: &str| context.request.query(name).unwrap_or_default();
    let fresh = Kept { text: String::new(), quote: asked("quote"), before: asked("before"), after: asked("after") };
    render(context, StatusCode::OK, (&path, is_page), at, fresh, None)
}

fn found(context: &Context<'_>, path: &PagePath, at: At) -> Result<Threads> {
    let scope = context.scope::<Read>()?;
    match at {
        At::Part(part) => pages::threads(&scope, path, (part - 1) * PER_SCREEN, PER_SCREEN),
        At::Thread(id) => pages::thread(&scope, path, id),
    }
}

fn as_json(context: &Context<'_>, path: &PagePath, at: At) -> Result<Reply> {
    let takes = pages::takes_comments(&*context.preferences()?);
    if context.request.query("count").is_some() {
        let (open, resolved) = pages::comment_counts(&context.scope::<Read>()?, path)?;
        return Ok(context.json(&json!({"open": open, "resolved": resolved, "takes": takes})));
    }
    let all = found(context, path, at)?;
    let time = |seconds: i64| publish::rfc3339(Timestamp::utc(seconds));
    let thread = |thread: &Thread| {
        let quote = match &thread.about {
            About::Page => None,
            About::Words(quote) => Some((quote, true)),
            About::Earlier(quote) => Some((quote, false)),
        };
        let comment = |comment: &pages::Comment| {
            let row = &comment.row;
            json!({"id": row.id, "author": row.name, "created": time(row.created), "edited": row.edited.map(time), "deleted": row.deleted,
                "content": row.content, "html": comment.html.as_str()})
        };
        json!({
            "id": thread.id,
            "quote": quote.map(|(quote, there)| json!({"text": quote.text, "before": quote.before, "after": quote.after, "there": there})),
            "resolved": thread.resolved.as_ref().map(|resolved| json!({"by": resolved.name, "time": time(resolved.time)})),
            "comments": thread.comments.iter().map(comment).collect::<Vec<_>>(),
        })
    };
    let threads: Vec<Value> = all.threads.iter().map(thread).collect();
    let next = match at {
        At::Part(part) if part * PER_SCREEN < all.open + all.resolved => Some(part + 1),
        _ => None,
    };
    Ok(context.json(&json!({"open": all.open, "resolved": all.resolved, "takes": takes, "threads": threads, "next_part": next})))
}

fn render(
    context: &Context<'_>,
    status: StatusCode,
    (path, is_page): (&PagePath, bool),
    at: At,
    fresh: Kept,
    problem: Option<Problem>,
) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let all = found(context, path, at)?;
    if context.session.is_some() && pages::unread_notices(&scope)? > 0 {
        all.threads.iter().try_for_each(|thread| pages::see_thread(&scope, thread.id))?;
    }
    let mut page = context.page_ref(path)?;
    if !is_page {
        page.url.clone_from(&page.verbs);
    }
    let part = |part: usize| format!("{}/comments?part={part}", page.verbs);
    let (newer_url, older_url) = match at {
        At::Part(n) => ((n > 1).then(|| part(n - 1)), (n * PER_SCREEN < all.open + all.resolved).then(|| part(n + 1))),
        At::Thread(_) => (None, None),
    };
    let login_url = context.session.is_none().then(|| {
        let next: String = form_urlencoded::byte_serialize(format!("{}/comments", page.verbs).as_bytes()).collect();
        format!("/-/login?next={next}")
    });
    let came_back = problem.is_some().then_some(&context.request.body);
    let (done, threads) =
        all.threads.iter().map(|thread| shown(thread, &page.url, came_back)).partition(|thread: &ThreadShown| thread.resolved.is_some());
    let watching = match pages::watching(&scope, path)? {
        None => WatchState::No,
        Some(Extent::Page) => WatchState::Page,
        Some(Extent::Below) => WatchState::Below,
    };
    let takes = pages::takes_comments(&*context.preferences()?);
    let title = format!("Comments on {}", page.title);
    let view = |csrf| CommentsView {
        page,
        csrf,
        open: all.open,
        resolved: all.resolved,
        threads,
        done,
        alone: matches!(at, At::Thread(_)),
        at: at.query(),
        login_url,
        takes,
        is_page,
        fresh,
        watching,
        problem,
        newer_url,
        older_url,
        scripts: scripts(all.requires),
    };
    context.form(status, &title, view)
}

/// A thread, with what was typed if one of its forms came back.
fn shown(thread: &Thread, page_url: &str, came_back: Option<&crate::request::Form>) -> ThreadShown {
    let typed = |action: &str, name: &str, id: i64| {
        came_back
            .filter(|form| form.get("action") == action && form.get(name).parse() == Ok(id))
            .map(|form| form.get("content").to_string())
    };
    let quote = match &thread.about {
        About::Page => None,
        About::Words(quote) => Some(QuoteShown { text: quote.text.clone(), url: Some(place_url(page_url, quote)) }),
        About::Earlier(quote) => Some(QuoteShown { text: quote.text.clone(), url: None }),
    };
    let time = |seconds: i64| moment(Timestamp::utc(seconds));
    let comment = |comment: &pages::Comment| {
        let row = &comment.row;
        let edited = typed("edit", "comment", row.id);
        CommentShown {
            id: row.id,
            name: row.name.clone(),
            initial: row.name.chars().next().map(|first| first.to_uppercase().to_string()).unwrap_or_default(),
            when: time(row.created),
            edited: row.edited.map(time),
            deleted: row.deleted,
            html: comment.html.clone(),
            editing: edited.is_some(),
            source: edited.unwrap_or_else(|| if comment.may_edit { row.content.clone() } else { String::new() }),
            may_edit: comment.may_edit,
            may_delete: comment.may_delete,
        }
    };
    ThreadShown {
        id: thread.id,
        quote,
        resolved: thread.resolved.as_ref().map(|resolved| (resolved.name.clone(), time(resolved.time))),
        may_resolve: thread.may_resolve,
        comments: thread.comments.iter().map(comment).collect(),
        answer: typed("reply", "thread", thread.id).unwrap_or_default(),
    }
}

/// Where the words stand, for browsers that can be sent to words.
fn place_url(page_url: &str, quote: &Quote) -> String {
    let words: Vec<&str> = quote.text.split_whitespace().collect();
    let encode = |words: &[&str]| utf8_percent_encode(&words.join(" "), NON_ALPHANUMERIC).to_string();
    if words.len() <= NAMED_WORDS {
        return format!("{page_url}#:~:text={}", encode(&words));
    }
    let half = NAMED_WORDS / 2;
    format!("{page_url}#:~:text={},{}", encode(&words[..half]), encode(&words[words.len() - half..]))
}

/// `POST /<page>/comments`
pub fn act(context: &Context<'_>) -> Result<Reply> {
    let form = &context.request.body;
    let (path, is_page) = page_of(context)?;
    let at = At::parse(form.get("at"));
    let back = |status, error: &Error| {
        let kept = |name: &str| if form.get("action") == "add" { form.get(name).to_string() } else { String::new() };
        let fresh = Kept { text: kept("content"), quote: kept("quote"), before: kept("before"), after: kept("after") };
        // The thread may be what is gone.
        let at = if found(context, &path, at).is_ok() { at } else { At::Part(1) };
        render(context, status, (&path, is_page), at, fresh, Some(problem(error)))
    };
    if matches!(form.get("action"), "add" | "reply")
        && context.app.throttle == Throttle::On
        && pages::comments_lately(&context.scope::<Read>()?, PACE.1)? >= PACE.0
    {
        let error = Error::busy("these are too many comments at once").hint("Wait a few minutes before the next one.");
        return back(StatusCode::TOO_MANY_REQUESTS, &error);
    }
    match change(context, &path, at) {
        Ok(to) => Ok(see_other(&to)),
        Err(error) if wants_json(context) || matches!(error.kind, ErrorKind::Internal | ErrorKind::Unauthenticated) => Err(error),
        Err(error) => back(crate::error::status(&error), &error),
    }
}

/// Does what the form says, and answers where to go on reading.
fn change(context: &Context<'_>, path: &PagePath, at: At) -> Result<String> {
    let form = &context.request.body;
    let scope = context.scope::<Read>()?;
    let number = |name: &str| form.get(name).parse::<i64>().map_err(|_| Error::invalid(format!("the form names no {name}")));
    let screen = format!("{}/comments", path.url());
    let (what, place) = match form.get("action") {
        "add" => {
            let field = |name: &str| form.get(name).to_string();
            let quote = Quote { text: field("quote"), before: field("before"), after: field("after") };
            let id = pages::comment(&scope, path, &quote, form.get("content"))?;
            // The newest thread is the first of the first part.
            ("commented", format!("{screen}#holt-comment-{id}"))
        }
        "reply" => {
            let id = pages::reply(&scope, path, number("thread")?, form.get("content"))?;
            ("replied", format!("{screen}?{}#holt-comment-{id}", at.query()))
        }
        "edit" => {
            let id = number("comment")?;
            pages::edit_comment(&scope, path, id, form.get("content"))?;
            ("changed a comment", format!("{screen}?{}#holt-comment-{id}", at.query()))
        }
        action @ ("resolve" | "reopen") => {
            let resolution = if action == "resolve" { Resolution::Resolved } else { Resolution::Open };
            pages::resolve_thread(&scope, path, number("thread")?, resolution)?;
            ("resolved a thread or opened it again", format!("{screen}?{}", at.query()))
        }
        "delete" => {
            pages::delete_comment(&scope, path, number("comment")?)?;
            // With its last comment a thread is gone.
            ("deleted a comment", if found(context, path, at).is_ok() { format!("{screen}?{}", at.query()) } else { screen })
        }
        other => {
            return Err(
                Error::invalid(format!("there is no action \"{other}\"")).hint("There are add, reply, edit, resolve, reopen and delete.")
            );
        }
    };
    let actor = context.session.as_ref().map_or(0, |(session, _)| session.user.id.0);
    tracing::info!(wiki.id = %context.wiki.id(), page.path = path.as_str(), actor.id = actor, "{what}");
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_an_address() {
        let url = |text: &str| place_url("/Page", &Quote { text: text.into(), ..Quote::default() });
        assert_eq!(url("a-b,  c&d"), "/Page#:~:text=a%2Db%2C%20c%26d");
        assert_eq!(url("1 2 3 4 5 6 7 8 9"), "/Page#:~:text=1%202%203%204,6%207%208%209");
    }

    #[test]
    fn parts_are_numbers() {
        for (text, query) in
            [("part=3", "part=3"), ("thread=7", "thread=7"), ("part=0", "part=1"), ("part=-4", "part=1"), ("x\"><b>", "part=1")]
        {
            assert_eq!(At::parse(text).query(), query, "{text}");
        }
        assert_eq!(At::parse("part=99999999999").query(), "part=500");
    }
}
