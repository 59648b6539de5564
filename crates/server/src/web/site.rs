//! Pages about the whole wiki, and addresses that machines ask for.

use super::Context;
use super::problem;
use super::views::{AboutView, IndexEntry, IndexView, Letter, PageRef, SearchFilter, SearchResult, SearchView, SnippetPart};
use crate::health;
use crate::reply::{Reply, raw, redirect, see_other, text};
use holt_core::{Action, Actor, ErrorKind, Result};
use holt_engine::pages::{self, SearchMode, Strictness, TreeKind};
use holt_engine::{Read, publish};
use holt_fragments::assets;
use http::StatusCode;
use std::fmt::Write as _;

/// Results on one screen.
const RESULTS: usize = 20;

/// `GET /-/healthz`
pub fn healthz(_: &Context<'_>) -> Result<Reply> {
    Ok(health::alive())
}

/// `GET /-/readyz`
pub fn readyz(context: &Context<'_>) -> Result<Reply> {
    Ok(health::ready(context.app))
}

/// `GET /-/about`
pub fn about(context: &Context<'_>) -> Result<Reply> {
    let pages = match context.scope::<Read>() {
        Ok(scope) => pages::counts(&scope)?.pages,
        Err(_) => 0,
    };
    let site_name = context.preferences()?.site_name.clone();
    context.page(StatusCode::OK, "About", &AboutView { site_name, pages, version: env!("CARGO_PKG_VERSION").to_string() })
}

/// `POST /-/search`, `POST /-/search/<query>`: forms of Otterwiki that are open somewhere. What is found has an address of its own here.
pub fn search_again(context: &Context<'_>) -> Result<Reply> {
    let query = match context.request.body.get("query") {
        "" => context.param("query"),
        typed => typed,
    };
    let query: String = form_urlencoded::byte_serialize(query.trim().as_bytes()).collect();
    Ok(see_other(&format!("/-/search?q={query}")))
}

/// `GET /-/search?q=…`, `/-/search/<query>`
pub fn search(context: &Context<'_>) -> Result<Reply> {
    let query = match context.param("query") {
        "" => context.request.query("q").or(context.request.query("query")).unwrap_or_default(),
        text => text.to_string(),
    };
    let query = query.trim().to_string();
    let chosen = |name: &str| context.request.query(name).map(|text| text.trim().replace('"', "")).unwrap_or_default();
    let filters = ["path", "tag", "category", "author", "after", "before"].map(|name| (name, chosen(name)));
    // What the form asks for is what can be typed, too.
    let typed: String = filters.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!(" {name}:\"{value}\"")).collect();
    let [path, tag, category, author, after, before] = filters.clone().map(|(_, value)| value);
    let filter = SearchFilter { is_set: !typed.is_empty(), path, tag, category, author, after, before };
    let part: usize = context.request.query("part").and_then(|text| text.parse().ok()).unwrap_or(0).min(100);
    let empty = |query: String, problem| SearchView {
        query,
        filter: filter.clone(),
        results: Vec::new(),
        total: 0,
        any: false,
        similar: Vec::new(),
        newer_url: None,
        older_url: None,
        problem,
    };
    if query.is_empty() && typed.is_empty() {
        return context.page(StatusCode::OK, "Search", &empty(query, None));
    }
    let scope = context.scope::<Read>()?;
    let found = match pages::search_by(&scope, SearchMode::Both(&context.app.model), &format!("{query}{typed}"), part * RESULTS, RESULTS) {
        Ok(found) => found,
        Err(error) if matches!(error.kind, ErrorKind::Invalid | ErrorKind::TooLarge) => {
            return context.page(crate::error::status(&error), "Search", &empty(query, Some(problem(&error))));
        }
        Err(error) => return Err(error),
    };
    let preferences = context.preferences()?;
    let home = publish::home_key(&preferences);
    let result = |hit: pages::Hit| {
        let path = preferences.display_name(&hit.path, hit.title.as_deref());
        SearchResult {
            title: hit.title.unwrap_or_else(|| path.clone()),
            url: if home == Some(hit.path.key()) { "/".to_string() } else { hit.path.url() },
            path,
            snippet: hit
                .snippet
                .into_iter()
                .map(|piece| if piece.hit { SnippetPart::Match(piece.text) } else { SnippetPart::Text(piece.text) })
                .collect(),
        }
    };
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.append_pair("q", &query);
    encoded.extend_pairs(filters.iter().filter(|(_, value)| !value.is_empty()));
    let encoded = encoded.finish();
    let url = |part: usize| format!("/-/search?{encoded}&part={part}");
    let similar = |page: pages::Similar| {
        let title = preferences.display_name(&page.path, page.title.as_deref());
        PageRef { url: if home == Some(page.path.key()) { "/".to_string() } else { page.path.url() }, verbs: page.path.url(), title }
    };
    let view = SearchView {
        any: found.taken == Strictness::AnyPrefix,
        similar: found.similar.into_iter().map(similar).collect(),
        results: found.hits.into_iter().map(result).collect(),
        total: found.total,
        newer_url: part.checked_sub(1).map(url),
        older_url: ((part + 1) * RESULTS < found.total).then(|| url(part + 1)),
        problem: None,
        filter: filter.clone(),
        query,
    };
    context.page(StatusCode::OK, &format!("Search: {}", view.query), &view)
}

/// `GET /-/index`
pub fn index(context: &Context<'_>) -> Result<Reply> {
    let preferences = context.preferences()?;
    let mut entries: Vec<(String, IndexEntry)> = pages::tree(&context.scope::<Read>()?, None)?
        .into_iter()
        .filter(|entry| entry.kind == TreeKind::Page)
        .map(|entry| {
            let folder = entry.path.parent().map(|up| preferences.display_name(&up, None)).unwrap_or_default();
            let title = entry.title.rsplit('/').next().unwrap_or_default().to_string();
            // Filed under the first letter or digit.
            let key = entry.title.to_lowercase();
            let key = key.trim_start_matches(|c: char| !c.is_alphanumeric()).to_string();
            (key, IndexEntry { title, folder, url: entry.path.url() })
        })
        .collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let total = entries.len();
    let mut letters: Vec<Letter> = Vec::new();
    for (key, entry) in entries {
        let letter = key.chars().next().map_or("#".to_string(), |c| c.to_uppercase().collect());
        match letters.last_mut().filter(|last| last.letter == letter) {
            Some(last) => last.entries.push(entry),
            None => letters.push(Letter { letter, entries: vec![entry] }),
        }
    }
    context.page(StatusCode::OK, "All pages", &IndexView { letters, total })
}

/// `GET /robots.txt`
pub fn robots(context: &Context<'_>) -> Result<Reply> {
    let open = context.preferences()?.robots_allowed() && context.wiki.may(&Actor::Anonymous, Action::Read)?;
    Ok(text(StatusCode::OK, if open { "User-agent: *\nAllow: /\n" } else { "User-agent: *\nDisallow: /\n" }))
}

/// `GET /sitemap.xml`
pub fn sitemap(context: &Context<'_>) -> Result<Reply> {
    let scope = context.scope::<Read>()?;
    let home = publish::home_key(&*context.preferences()?);
    let origin = context.origin();
    let mut xml =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    for row in pages::page_list(&scope)? {
        let (path, changed) = row;
        let is_home = home == Some(path.key());
        let url = if is_home { "/".to_string() } else { path.url().replace('\'', "%27") };
        let depth = if is_home { 0 } else { path.segments().count() - 1 };
        let priority = (10 - depth.min(9)) as f32 / 10.0;
        let date = publish::rfc3339(changed);
        let day = date.get(..10).unwrap_or_default();
        let loc = holt_core::SafeHtml::escape(&format!("{origin}{url}"));
        let _ = writeln!(xml, "<url><loc>{loc}</loc><lastmod>{day}</lastmod><priority>{priority:.1}</priority></url>");
    }
    xml.push_str("</urlset>\n");
    Ok(raw(StatusCode::OK, "application/xml", xml))
}

/// `GET /favicon.ico`, and the pictures of robot.wtf, which the settings of wikis that come from there name.
pub fn favicon(_: &Context<'_>) -> Result<Reply> {
    Ok(redirect(StatusCode::FOUND, assets::url("icon.svg")))
}

/// `GET /manifest.webmanifest`: what a phone needs to keep the wiki on its home screen.
pub fn manifest(context: &Context<'_>) -> Result<Reply> {
    let name = context.preferences()?.site_name.clone();
    let icons = serde_json::json!([{"src": assets::url("icon.svg"), "sizes": "any", "type": "image/svg+xml"}]);
    let manifest = serde_json::json!({"name": name, "short_name": name, "start_url": "/", "display": "minimal-ui", "icons": icons});
    Ok(raw(StatusCode::OK, "application/manifest+json", manifest.to_string()))
}

/// `GET /.well-known/change-password`
pub fn change_password(_: &Context<'_>) -> Result<Reply> {
    Ok(redirect(StatusCode::FOUND, "/-/settings"))
}

/// `GET /.git`
pub fn to_home(_: &Context<'_>) -> Result<Reply> {
    Ok(redirect(StatusCode::FOUND, "/"))
}
