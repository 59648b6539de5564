//! Files of a page: sending them safely (security.md UPL-1..3), listing, adding, renaming, deleting.

use super::history::{Numbered, entries};
use super::views::{AttachmentView, AttachmentsView, FileEntry, PageRef, Problem};
use super::{Context, file_type, moment, problem};
use crate::reply::{Reply, see_other};
use crate::thumbnails;
use file_type::Disposition;
use holt_core::{Action, AttachmentName, Error, Language, PagePath, Result, RevisionId};
use holt_edge::{Body, security_headers};
use holt_engine::pages::{self, AttachmentInfo};
use holt_engine::{Read, Upload, Write, publish};
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use serde_json::json;

/// The policy of every attachment: it may show itself and nothing else.
const ATTACHMENT_CSP: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// `/<page>/a/<file>[/<revision>]`, and the addresses of thumbnails.
pub fn file(context: &Context<'_>) -> Result<Reply> {
    let revision = match (context.param("rev"), context.request.query("revision")) {
        ("", None) => None,
        ("", Some(text)) => Some(context.revision(&text)?),
        (text, _) => Some(context.revision(text)?),
    };
    send(context, &super::page::address(context)?, &context.file_name()?, revision, asked_size(context))
}

/// `/<page>/t/<file>[/<size>]`
pub fn thumbnail(context: &Context<'_>) -> Result<Reply> {
    let size = thumbnails::size(context.param("size"));
    send(context, &super::page::address(context)?, &context.file_name()?, None, Some(size))
}

/// What `?thumbnail`, `?size=`, `?width=` or `?height=` ask for (spec/wiki.md §8.6); the nearest size there is.
pub fn asked_size(context: &Context<'_>) -> Option<u32> {
    let asked = |name: &str| context.request.query(name);
    ["thumbnail", "size", "width", "height"].into_iter().find_map(asked).map(|text| thumbnails::size(&text))
}

/// Sends a file, or a small picture of it, with headers under which nothing in it can act.
pub fn send(
    context: &Context<'_>,
    page: &PagePath,
    name: &AttachmentName,
    revision: Option<RevisionId>,
    size: Option<u32>,
) -> Result<Reply> {
    let found = pages::attachment(&context.scope::<Read>()?, page, name, revision)?;
    let found = found.ok_or_else(|| Error::not_found(format!("the page {page} has no file {name}")))?;
    let mut found = found;
    // Vector pictures are small as they are; other files have no picture.
    let smaller = size.filter(|_| file_type::can_shrink(&found.name.extension()));
    let tag = smaller.map_or_else(|| format!("\"{}\"", found.blob), |size| format!("\"{}-{size}\"", found.blob));
    let asked = context.request.header(header::IF_NONE_MATCH).unwrap_or_default();
    let known = asked.split(',').any(|candidate| candidate.trim().trim_start_matches("W/") == tag || candidate.trim() == "*");
    if let Some(size) = smaller.filter(|_| !known) {
        found.content = context.app.thumbnails.get(context.wiki, found.blob, &found.content, size).map_err(no_thumbnail)?;
    }
    let kind = if size.is_some() {
        file_type::of_thumbnail(found.name.as_str(), &found.content)
    } else {
        file_type::judge(found.name.as_str(), &found.content)
    };
    let public = context.wiki.may_at(&holt_core::Actor::Anonymous, Action::Read, &page.key())?;
    let whole = bytes::Bytes::from(found.content);
    let range = match context.request.header(header::RANGE) {
        Some(range) if !known && revised(context, &tag) => part(range, whole.len()),
        _ => Part::All,
    };
    let total = whole.len();
    let body = match &range {
        _ if known => Body::empty(),
        Part::All => Body::from(whole),
        Part::Some(range) => Body::from(whole.slice(range.clone())),
        Part::None => Body::empty(),
    };
    let length = body.length();
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    security_headers(headers);
    let disposition = match kind.disposition {
        Disposition::Inline => "inline",
        Disposition::Download => "attachment",
    };
    let file_name: String = holt_core::path::encode(found.name.as_str());
    let value = |text: String| HeaderValue::try_from(text).map_err(|e| Error::internal("make a header").because(e));
    headers.insert(header::CONTENT_DISPOSITION, value(format!("{disposition}; filename*=UTF-8''{file_name}"))?);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(ATTACHMENT_CSP));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-site"));
    headers.insert(header::ETAG, value(tag)?);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(match (public, revision) {
            (false, _) => "private, no-store",
            (true, Some(_)) => "public, max-age=604800, immutable",
            (true, None) => "public, max-age=0, must-revalidate",
        }),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    match &range {
        Part::Some(range) => {
            headers.insert(header::CONTENT_RANGE, value(format!("bytes {}-{}/{total}", range.start, range.end - 1))?);
        }
        Part::None => {
            headers.insert(header::CONTENT_RANGE, value(format!("bytes */{total}"))?);
        }
        Part::All => {}
    }
    let status = match range {
        _ if known => StatusCode::NOT_MODIFIED,
        Part::All => StatusCode::OK,
        Part::Some(_) => StatusCode::PARTIAL_CONTENT,
        Part::None => StatusCode::RANGE_NOT_SATISFIABLE,
    };
    if status != StatusCode::NOT_MODIFIED {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *reply.status_mut() = status;
    Ok(reply)
}

fn no_thumbnail(mut error: Error) -> Error {
    if error.kind == holt_core::ErrorKind::Invalid {
        error.kind = holt_core::ErrorKind::NotFound;
    }
    error
}

/// Whether a range still means the file as it is now (RFC 9110 §13.1.5); a date is never exact enough.
fn revised(context: &Context<'_>, tag: &str) -> bool {
    context.request.header(header::IF_RANGE).is_none_or(|asked| asked.trim() == tag)
}

/// What of a file was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    All,
    Some(std::ops::Range<usize>),
    /// Nothing of it is there.
    None,
}

/// One range of bytes (RFC 9110 §14.2). Several at once, and what is no range of bytes, are answered with everything.
fn part(header: &str, length: usize) -> Part {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else { return Part::All };
    let number = |text: &str| text.trim().parse::<usize>();
    let range = match (first.trim(), last.trim()) {
        ("", "") => return Part::All,
        ("", last) => match number(last) {
            Ok(0) => return Part::None,
            Ok(count) => length.saturating_sub(count)..length,
            Err(_) => return Part::All,
        },
        (first, "") => match number(first) {
            Ok(first) => first..length,
            Err(_) => return Part::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(length),
            _ => return Part::All,
        },
    };
    if range.start >= range.end { Part::None } else { Part::Some(range) }
}

/// `GET /<page>/attachments`
pub fn list(context: &Context<'_>) -> Result<Reply> {
    let path = home_of_files(context)?;
    show_list(context, &path, StatusCode::OK, None)
}

fn show_list(context: &Context<'_>, path: &PagePath, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let page = context.page_ref(path)?;
    let language = context.preferences()?.language;
    let files = pages::attachments(&context.scope::<Read>()?, path)?.iter().map(|info| entry(&page, info, language)).collect();
    let can_upload = context.wiki.may_at(&context.actor, Action::Upload, &path.key())?;
    let notice = context.request.query("added").map(|names| format!("Stored: {names}."));
    let title = format!("Attachments of {}", page.title);
    context.form(status, &title, |csrf| AttachmentsView { page, csrf, files, can_upload, problem, notice })
}

fn entry(page: &PageRef, info: &AttachmentInfo, language: Language) -> FileEntry {
    let name = holt_core::path::encode(info.name.as_str());
    let url = format!("{}/a/{name}", page.verbs);
    FileEntry {
        name: info.name.as_str().to_string(),
        thumbnail_url: file_type::is_picture(&info.name.extension()).then(|| format!("{}/t/{name}/160", page.verbs)),
        url,
        detail_url: format!("{}/attachment/{name}", page.verbs),
        size: size(info.size),
        author: publish::by(&info.last_change, language),
        when: moment(info.last_change.time),
        message: first_line(&info.last_change.message),
    }
}

/// The page or folder that files are put beside, under its stored spelling; a page that does not exist yet may have files already.
fn home_of_files(context: &Context<'_>) -> Result<PagePath> {
    let path = super::page::address(context)?;
    match pages::find(&context.scope::<Read>()?, &path)? {
        pages::Found::Page(path) | pages::Found::Directory(path) => Ok(path),
        _ => Err(Error::not_found(format!("there is no page {path}"))),
    }
}

/// `POST /<page>/attachments`: add files, or replace the one named `filename`.
pub fn upload(context: &Context<'_>) -> Result<Reply> {
    let path = home_of_files(context)?;
    let form = &context.request.body;
    let replaced = form.find("filename").filter(|name| !name.is_empty());
    let stored = match replaced {
        _ if form.files.is_empty() => Err(Error::invalid("no file was chosen").hint("Choose one and upload again.")),
        Some(_) if form.files.len() != 1 => Err(Error::invalid("one file replaces one file")),
        Some(name) => AttachmentName::parse(name).and_then(|name| {
            let (_, content) = &form.files[0];
            store(context, &path, &[(name, content.to_vec())], Kind::Replace)
        }),
        None => chosen(context).and_then(|files| store(context, &path, &files, Kind::Add)),
    };
    match stored {
        Ok(names) => {
            let list: String = form_urlencoded::byte_serialize(names.as_bytes()).collect();
            Ok(see_other(&format!("{}/attachments?added={list}", path.url())))
        }
        Err(error) => show_list(context, &path, crate::error::status(&error), Some(problem(&error))),
    }
}

/// `POST /<page>/inline_attachment`: a pasted picture; answers as Otterwiki does (spec/wiki.md §8.3).
pub fn inline_upload(context: &Context<'_>) -> Result<Reply> {
    let path = home_of_files(context).or_else(|_| super::page::address(context))?;
    let files = chosen(context)?;
    let Some((name, _)) = files.first() else { return Err(Error::invalid("no file was sent")) };
    let filename = format!("./{name}");
    store(context, &path, &files, Kind::Inline)?;
    let (page, language) = (context.page_ref(&path)?, context.preferences()?.language);
    let attachments: Vec<_> = pages::attachments(&context.scope::<Read>()?, &path)?
        .iter()
        .map(|info| {
            let shown = entry(&page, info, language);
            json!({
                "filename": shown.name, "filepath": info.file, "url": shown.url, "thumbnail_url": shown.thumbnail_url, "filesize": info.size,
                "mimetype": file_type::by_extension(&info.name.extension()), "revision": info.last_change.id.short(6),
                "author_name": shown.author, "author_email": info.last_change.author.email(), "message": shown.message,
                "datetime": shown.when.iso,
            })
        })
        .collect();
    Ok(context.json(&json!({"filename": filename, "attachments": attachments})))
}

fn chosen(context: &Context<'_>) -> Result<Vec<(AttachmentName, Vec<u8>)>> {
    context.request.body.files.iter().map(|(name, content)| Ok((AttachmentName::for_upload(name)?, content.to_vec()))).collect()
}

enum Kind {
    Add,
    Replace,
    Inline,
}

fn store(context: &Context<'_>, path: &PagePath, files: &[(AttachmentName, Vec<u8>)], kind: Kind) -> Result<String> {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(", ");
    let message = match (context.request.body.get("message").trim(), kind) {
        ("", Kind::Add) => context.say_with("Added attachment(s): {}.", &[&names])?,
        ("", Kind::Replace) => context.say_with("Updated attachment: {}.", &[&names])?,
        ("", Kind::Inline) => context.say("Uploaded via inline attachment")?,
        (given, _) => given.to_string(),
    };
    let revision = pages::upload(&context.scope::<Upload>()?, path, files, pages::Existing::Replace, &message)?;
    context.changed("uploaded", path.as_str(), revision);
    Ok(names)
}

/// `GET /<page>/attachment/<file>`
pub fn detail(context: &Context<'_>) -> Result<Reply> {
    show_detail(context, StatusCode::OK, None)
}

fn show_detail(context: &Context<'_>, status: StatusCode, problem: Option<Problem>) -> Result<Reply> {
    let (path, name) = (super::page::address(context)?, context.file_name()?);
    let scope = context.scope::<Read>()?;
    let found = pages::attachment(&scope, &path, &name, None)?;
    let found = found.ok_or_else(|| Error::not_found(format!("the page {path} has no file {name}")))?;
    let page = context.page_ref(&path)?;
    let encoded = holt_core::path::encode(found.name.as_str());
    let url = format!("{}/a/{encoded}", page.verbs);
    let is_picture = file_type::is_picture(&found.name.extension());
    let log = pages::attachment_history(&scope, &path, &name)?;
    let pushers = pages::git::pushers(&scope, log.iter().map(|entry| &entry.revision))?;
    let can_change = context.wiki.may_at(&context.actor, Action::Upload, &path.key())?;
    let language = context.preferences()?.language;
    let view = |csrf| AttachmentView {
        csrf,
        image_url: is_picture.then(|| url.clone()),
        kind: file_type::judge(found.name.as_str(), &found.content).media_type.to_string(),
        size: size(found.content.len() as u64),
        embed: if is_picture { format!("![](./{encoded})") } else { format!("[{name}](./{encoded})") },
        entries: entries(&log, &Numbered::File { url: &url }, &pushers, language),
        detail_url: format!("{}/attachment/{encoded}", page.verbs),
        name: found.name.as_str().to_string(),
        url: url.clone(),
        can_change,
        problem,
        notice: None,
        page,
    };
    context.form_called(status, name.as_str(), view)
}

/// `POST /<page>/attachment/<file>`: rename or delete it.
pub fn change(context: &Context<'_>) -> Result<Reply> {
    let (path, name) = (super::page::address(context)?, context.file_name()?);
    let form = &context.request.body;
    let scope = context.scope::<Write>()?;
    let message = form.get("message").trim();
    let done = if form.find("delete").is_some() {
        let message = if message.is_empty() { context.say_with("Deleted {}", &[name.as_str()])? } else { message.to_string() };
        pages::delete_attachment(&scope, &path, &name, &message).map(|revision| (revision, format!("{}/attachments", path.url())))
    } else {
        AttachmentName::for_upload(form.get("new_filename")).and_then(|to| {
            let message =
                if message.is_empty() { context.say_with("Renamed {} to {}", &[name.as_str(), to.as_str()])? } else { message.to_string() };
            let revision = pages::rename_attachment(&scope, &path, &name, &to, &message)?;
            Ok((revision, format!("{}/attachment/{}", path.url(), holt_core::path::encode(to.as_str()))))
        })
    };
    match done {
        Ok((revision, next)) => {
            context.changed("changed a file of", path.as_str(), revision);
            Ok(see_other(&next))
        }
        Err(error) => show_detail(context, crate::error::status(&error), Some(problem(&error))),
    }
}

/// Binary units with one decimal, as people read sizes.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

/// What is shown of a commit message in lists.
pub fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_files() {
        for (header, wanted) in [
            ("bytes=0-4", Part::Some(0..5)),
            ("bytes=5-", Part::Some(5..10)),
            ("bytes=-3", Part::Some(7..10)),
            ("bytes=-30", Part::Some(0..10)),
            ("bytes=8-99999999999999999", Part::Some(8..10)),
            ("bytes=10-", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=4-2", Part::All),
            ("bytes=0-1,3-4", Part::All),
            ("lines=1-2", Part::All),
            ("bytes=a-b", Part::All),
        ] {
            assert_eq!(part(header, 10), wanted, "{header}");
        }
        assert_eq!(part("bytes=0-0", 0), Part::None);
    }
}
