//! What changed, for programs that look again and again: Atom (RFC 4287), RSS 2.0 and JSON Feed 1.1, of the wiki or a part of it.

use super::Context;
use super::files::first_line;
use super::history::wanted;
use crate::reply::{Reply, raw};
use holt_core::{PagePath, Result, SafeHtml};
use holt_engine::pages::{self, Entry};
use holt_engine::{Read, publish};
use http::StatusCode;
use serde_json::json;
use std::fmt::Write as _;

/// Entries of a feed.
const ENTRIES: usize = 50;

/// One commit, ready to print.
struct Item {
    title: String,
    url: String,
    id: String,
    /// RFC 3339.
    when: String,
    /// RFC 9110's form, which RSS wants.
    when_mail: String,
    author: String,
    message: String,
    files: Vec<String>,
}

/// What a feed is about.
struct Channel {
    title: String,
    home: String,
    own: String,
    updated: String,
    items: Vec<Item>,
}

/// `GET /-/changelog/feed.atom[?path=…&author=…]`
pub fn atom(context: &Context<'_>) -> Result<Reply> {
    let channel = channel(context)?;
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
    let e = SafeHtml::escape;
    let _ = write!(xml, "<title>{}</title>\n<id>{}</id>\n<updated>{}</updated>\n", e(&channel.title), e(&channel.own), channel.updated);
    let _ = write!(xml, "<link rel=\"self\" href=\"{}\"/>\n<link href=\"{}\"/>\n", e(&channel.own), e(&channel.home));
    for item in &channel.items {
        let _ = writeln!(
            xml,
            "<entry><title>{}</title><id>{}</id><link href=\"{}\"/><updated>{}</updated><author><name>{}</name></author><summary>{}</summary></entry>",
            e(&item.title),
            e(&item.url),
            e(&item.url),
            item.when,
            e(&item.author),
            e(&item.message)
        );
    }
    xml.push_str("</feed>\n");
    Ok(raw(StatusCode::OK, "application/atom+xml; charset=utf-8", xml))
}

/// `GET /-/changelog/feed.rss`
pub fn rss(context: &Context<'_>) -> Result<Reply> {
    let channel = channel(context)?;
    let e = SafeHtml::escape;
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel>\n",
    );
    let _ = write!(xml, "<title>{0}</title>\n<link>{1}</link>\n<description>{0}</description>\n", e(&channel.title), e(&channel.home));
    let _ = writeln!(xml, "<atom:link rel=\"self\" type=\"application/rss+xml\" href=\"{}\"/>", e(&channel.own));
    for item in &channel.items {
        let _ = writeln!(
            xml,
            "<item><title>{}</title><link>{}</link><guid isPermaLink=\"true\">{}</guid><pubDate>{}</pubDate><dc:creator>{}</dc:creator><description>{}</description></item>",
            e(&item.title),
            e(&item.url),
            e(&item.url),
            item.when_mail,
            e(&item.author),
            e(&item.message)
        );
    }
    xml.push_str("</channel></rss>\n");
    Ok(raw(StatusCode::OK, "application/rss+xml; charset=utf-8", xml))
}

/// `GET /-/changelog/feed.json`
pub fn json_feed(context: &Context<'_>) -> Result<Reply> {
    let channel = channel(context)?;
    let item = |item: &Item| {
        json!({
            "id": item.id, "url": item.url, "title": item.title, "content_text": item.message, "date_published": item.when,
            "authors": [{"name": item.author}], "tags": item.files,
        })
    };
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1", "title": channel.title, "home_page_url": channel.home, "feed_url": channel.own,
        "items": channel.items.iter().map(item).collect::<Vec<_>>(),
    });
    Ok(raw(StatusCode::OK, "application/feed+json; charset=utf-8", feed.to_string()))
}

fn channel(context: &Context<'_>) -> Result<Channel> {
    let preferences = context.preferences()?;
    let filter = wanted(context)?;
    let origin = context.origin();
    let log = pages::changelog(&context.scope::<Read>()?, &filter, None, ENTRIES)?;
    let own = context.request.uri.path_and_query().map_or("/-/changelog/feed.atom", |target| target.as_str());
    let title = match &filter.path {
        Some(path) => format!("{} – {}", preferences.display_name(path, None), preferences.site_name),
        None => preferences.site_name.clone(),
    };
    let home = filter.path.as_ref().map_or_else(|| "/-/changelog".to_string(), PagePath::url);
    // A feed that did not change says so: its time is that of its newest entry.
    let updated = log.first().map_or_else(|| "1970-01-01T00:00:00Z".to_string(), |entry| publish::rfc3339(entry.revision.time));
    let items = log.iter().map(|entry| item(&origin, &preferences, entry)).collect();
    Ok(Channel { title, home: format!("{origin}{home}"), own: format!("{origin}{own}"), updated, items })
}

/// Names, never mail addresses: whoever may read the feed need not know them.
fn item(origin: &str, preferences: &holt_engine::db::preferences::Preferences, entry: &Entry) -> Item {
    let revision = &entry.revision;
    let name = |file: &str| PagePath::from_tree(file).map_or_else(|| file.to_string(), |path| preferences.display_name(&path, None));
    let files: Vec<String> = entry.changes.iter().take(10).map(|change| name(&change.file)).collect();
    let message = first_line(&revision.message);
    let title = if message.is_empty() { files.join(", ") } else { format!("{}: {message}", files.join(", ")) };
    Item {
        title,
        url: format!("{origin}/-/commit/{}", revision.id),
        id: revision.id.to_string(),
        when: publish::rfc3339(revision.time),
        when_mail: publish::mail_date(revision.time),
        author: publish::by(revision, preferences.language),
        message: if message.is_empty() { "-/-".to_string() } else { message },
        files,
    }
}

/// `GET /opensearch.xml`: lets browsers offer the wiki's search.
pub fn opensearch(context: &Context<'_>) -> Result<Reply> {
    let (name, origin) = (SafeHtml::escape(&context.preferences()?.site_name), context.origin());
    let origin = SafeHtml::escape(&origin);
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\"><ShortName>{name}</ShortName>\
         <Description>{name}</Description><Url type=\"text/html\" template=\"{origin}/-/search?q={{searchTerms}}\"/></OpenSearchDescription>\n"
    );
    Ok(raw(StatusCode::OK, "application/opensearchdescription+xml", xml))
}
