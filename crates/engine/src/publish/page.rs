//! One page to fragments.

use super::Publisher;
use super::by;
use super::filters::draw;
use super::forms;
use super::links::IndexLinks;
use super::pages::IndexPages;
use super::views::{
    ArticleView, AsideView, CrumbsView, FootView, HeadView, Indexing, PageActions, PageLink, StorageErrorView, TocEntry, scripts,
};
use crate::db::index::{Index, PageRow};
use crate::repo::FileMode;
use holt_core::{Language, PageKey, PagePath, Result, SafeHtml, Timestamp};
use holt_fragments::{FragmentKey, Kind, PageManifest, Readers, Slot};
use holt_markdown::{Context, Heading, Rendered};

/// Most links shown under "What links here".
const BACKLINKS: usize = 50;

impl Publisher<'_> {
    /// Writes the fragments of one page, then its manifest; removes the manifest if the page is gone.
    pub(super) fn page(&self, key: &PageKey) -> Result<()> {
        let fragments = &self.wiki.shared.fragments;
        // A page shows nothing that one of its readers may not see.
        let index = self.wiki.sight(self.index.clone(), self.preferences.path_access.hidden_in(Some(key)));
        let Some(row) = self.index.page(key)?.filter(|row| row.mode != FileMode::Symlink) else {
            return fragments.remove_page(self.wiki.id(), key);
        };
        let source = self.repo.blob(row.blob)?;
        let url = format!("/{}", row.path);
        let verbs = row.path.url();
        let (head, main, aside) = match std::str::from_utf8(&source) {
            Ok(text) => self.readable(&index, &row, text, &url)?,
            Err(_) => self.unreadable(&row, &verbs)?,
        };
        let mut slots = vec![
            (Slot::Head, self.put(head)?),
            (Slot::Crumbs, self.put(self.crumbs(&row.path, row.title.as_deref(), &verbs)?)?),
            (Slot::Main, self.put(main)?),
        ];
        if let Some(aside) = aside {
            slots.push((Slot::Aside, self.put(aside)?));
        }
        slots.push((Slot::Foot, self.put(self.foot(&row, &verbs)?)?));
        let source = fragments.put(self.wiki.id(), Kind::Source, &forms::fragment(source, self.forms)?)?;
        let mut manifest = PageManifest::new(row.path.as_str().to_string(), row.last_revision, slots, source);
        (manifest.readers, manifest.forms) = (self.readers(key), self.forms);
        fragments.put_page(self.wiki.id(), key, &manifest)
    }

    fn readers(&self, page: &PageKey) -> Readers {
        if self.preferences.path_access.restrict(page) { Readers::OfItsOwn } else { Readers::OfTheWiki }
    }

    fn draw(&self, view: &impl askama::Template) -> Result<String> {
        Ok(draw(view, self.preferences.language)?.into_string())
    }

    fn put(&self, html: String) -> Result<FragmentKey> {
        self.wiki.shared.fragments.put(self.wiki.id(), Kind::Html, &forms::fragment(html.into_bytes(), self.forms)?)
    }

    fn readable(&self, index: &Index, row: &PageRow, text: &str, url: &str) -> Result<(String, String, Option<String>)> {
        let links = IndexLinks::new(index);
        let pages = IndexPages::new(index, &self.repo, &self.preferences);
        let options = crate::pages::render_options(&self.preferences);
        let context = Context { page_url: Some(url), options, links: Some(&links), pages: Some(&pages), ..Context::default() };
        let rendered: Rendered = holt_markdown::render(text, &context);
        let name = self.preferences.display_name(&row.path, row.title.as_deref());
        let title = rendered.toc.first().map_or(name.as_str(), |heading| heading.text.as_str());
        let head = self.head(&row.path, title, &rendered.description)?;
        let toc = toc(&rendered.toc);
        let (backlinks, more) = self.backlinks(index, row)?;
        let tags: Vec<PageLink> =
            index.tags_of(&row.path.key())?.into_iter().map(|name| PageLink { url: tag_url(&[&name]), title: name }).collect();
        let beside = !toc.is_empty() || !backlinks.is_empty() || !tags.is_empty();
        let main = self.draw(&ArticleView {
            path: row.path.as_str(),
            lang: self.preferences.page_language(),
            html: &rendered.html,
            beside,
            scripts: &scripts(rendered.requires),
        })?;
        let aside =
            beside.then(|| self.draw(&AsideView { toc: &toc, tags: &tags, backlinks: &backlinks, more_backlinks: more })).transpose()?;
        Ok((head, main, aside))
    }

    fn unreadable(&self, row: &PageRow, verbs: &str) -> Result<(String, String, Option<String>)> {
        let title = self.preferences.display_name(&row.path, None);
        let view = StorageErrorView {
            title: &title,
            message: "This page is not UTF-8 text and cannot be shown.",
            hint: Some("Its bytes are untouched: download them as Source, or replace the page by editing it."),
            verbs,
        };
        Ok((self.head(&row.path, &title, "")?, self.draw(&view)?, None))
    }

    fn head(&self, path: &PagePath, title: &str, description: &str) -> Result<String> {
        let canonical = if self.home.as_ref() == Some(&path.key()) { "/".to_string() } else { path.url() };
        let markdown = format!("{}.md", path.url());
        self.draw(&HeadView {
            title,
            site_name: &self.preferences.site_name,
            description,
            canonical: Some(&canonical),
            image_url: None,
            markdown_url: Some(&markdown),
            indexing: if self.preferences.robots_allowed() { Indexing::Allowed } else { Indexing::Refused },
        })
    }

    fn crumbs(&self, path: &PagePath, title: Option<&str>, verbs: &str) -> Result<String> {
        let crumbs: Vec<PageLink> =
            if self.home.as_ref() == Some(&path.key()) { Vec::new() } else { crumbs(&self.preferences, path, title) };
        self.draw(&CrumbsView { crumbs: &crumbs, readers: self.readers(&path.key()), actions: PageActions::Page { verbs } })
    }

    fn foot(&self, row: &PageRow, verbs: &str) -> Result<String> {
        let last = row.last_change();
        let attachments = self.index.attachments(&row.path)?.len();
        let author = by(&last, self.preferences.language);
        self.draw(&FootView { author: &author, changed: &date(last.time), changed_iso: &rfc3339(last.time), verbs, attachments })
    }

    fn backlinks(&self, index: &Index, row: &PageRow) -> Result<(Vec<PageLink>, usize)> {
        let from = index.backlinks(&row.path.key())?;
        let more = from.len().saturating_sub(BACKLINKS);
        let shown = from.into_iter().take(BACKLINKS);
        Ok((
            shown
                .map(|link| PageLink { title: self.preferences.display_name(&link.path, link.title.as_deref()), url: link.path.url() })
                .collect(),
            more,
        ))
    }
}

/// Every level of `path`, outermost first, as links. `title` is the page's first heading.
pub fn crumbs(preferences: &crate::db::preferences::Preferences, path: &PagePath, title: Option<&str>) -> Vec<PageLink> {
    let mut levels = vec![path.clone()];
    while let Some(up) = levels.last().and_then(PagePath::parent) {
        levels.push(up);
    }
    let shown =
        |level: &PagePath| if level == path { preferences.display_leaf(level, title) } else { preferences.display_segment(level.name()) };
    levels.into_iter().rev().map(|level| PageLink { title: shown(&level), url: level.url() }).collect()
}

/// Two rendered pages in one: what came and what went is marked.
pub fn visual_diff(old: &SafeHtml, new: &SafeHtml) -> SafeHtml {
    SafeHtml::from_trusted_producer(crate::repo::visual_diff::visual_diff(old.as_str(), new.as_str()))
}

/// Where the pages with all of these tags are listed.
pub fn tag_url(tags: &[&str]) -> String {
    let pairs: Vec<String> = tags.iter().map(|tag| format!("tag={}", query_value(tag))).collect();
    format!("/-/tags?{}", pairs.join("&"))
}

/// Text as a value in the query of an address.
fn query_value(text: &str) -> String {
    holt_core::path::encode(text).replace('&', "%26").replace('+', "%2B")
}

/// Where what is directly below a page is listed.
pub fn tree_url(path: &PagePath) -> String {
    format!("/-/tree?path={}", query_value(path.as_str()))
}

/// Headings as the table of contents shows them; a lone heading is the title of the page and no contents.
pub fn toc(headings: &[Heading]) -> Vec<TocEntry> {
    if headings.len() < 2 {
        return Vec::new();
    }
    let top = headings.iter().map(|h| h.level).min().unwrap_or(1);
    headings.iter().map(|h| TocEntry { depth: (h.level - top).min(3), anchor: h.anchor.clone(), text: h.text.clone() }).collect()
}

/// `21 November 2026`, by the author's calendar: an English text as all others, which the filters of templates say otherwise.
pub fn date(time: Timestamp) -> String {
    zoned(time).map_or_else(String::new, |z| z.strftime("%-d %B %Y").to_string())
}

/// `2026-11-21 09:05`, by the author's clock.
pub(crate) fn minute(time: Timestamp, language: Language) -> String {
    let form = match language {
        Language::English => "%Y-%m-%d %H:%M",
        Language::German => "%d.%m.%Y %H:%M",
    };
    zoned(time).map_or_else(String::new, |z| z.strftime(form).to_string())
}

/// RFC 3339, in the author's offset.
pub fn rfc3339(time: Timestamp) -> String {
    zoned(time).map_or_else(String::new, |z| z.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// `Sat, 21 Nov 2026 09:05:00 +0100` (RFC 5322).
pub fn mail_date(time: Timestamp) -> String {
    zoned(time).map_or_else(String::new, |z| z.strftime("%a, %d %b %Y %H:%M:%S %z").to_string())
}

/// The second that `2026-11-21` or `2026-11-21T09:00:00+01:00` names; without an offset it is in UTC. `None` for what is neither.
pub fn instant(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_second());
    }
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The second at which the day `2026-11-21` begins, in UTC. `None` for what is no such day.
pub fn day_start(day: &str) -> Option<i64> {
    let date: jiff::civil::Date = day.trim().parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

fn zoned(time: Timestamp) -> Option<jiff::Zoned> {
    let offset = jiff::tz::Offset::from_seconds(time.offset).unwrap_or(jiff::tz::Offset::UTC);
    Some(jiff::Timestamp::from_second(time.seconds).ok()?.to_zoned(offset.to_time_zone()))
}
