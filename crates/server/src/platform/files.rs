//! `/platform/…`, the same at every host: files of whoever runs the server, for logos and icons (spec/platform.md §1.1). They lie in the directory
//! `platform` of the data directory. An asked-for name is compared with those there are and never becomes a path.

use crate::app::App;
use crate::reply::{Reply, raw, text, with_header};
use holt_core::{Error, Result};
use holt_edge::STATIC_CSP;
use holt_fragments::{Encoding, assets};
use http::{StatusCode, header};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Where they are, for readers and in the data directory.
const HERE: &str = "/platform/";
const FOLDER: &str = "platform";
/// Longest file that is sent, in bytes.
const LONGEST: u64 = 1024 * 1024;
/// Most files that are looked through.
const FILES: usize = 1000;
/// For readers and caches between us, in seconds: a day.
const KEEP: &str = "public, max-age=86400";
/// What there is without anybody putting it there: wikis from robot.wtf name them.
const OURS: &[&str] = &["robot.wtf.svg", "logo.svg"];

/// The answer to such an address; none if it is none, or if nothing of that name is there: it may be a page.
pub fn answer(app: &App, path: &str) -> Option<Reply> {
    let name = path.strip_prefix(HERE)?;
    if name.split(['/', '\\']).any(|part| part == "..") {
        return Some(text(StatusCode::FORBIDDEN, "That address leads out of the directory.\n"));
    }
    // Names that begin so are hidden on the machine, too: an editor's or a copy's, not meant for the world.
    if name.starts_with('.') {
        return None;
    }
    if name.chars().any(char::is_control) {
        return Some(text(StatusCode::BAD_REQUEST, "That is no name of a file.\n"));
    }
    match find(&app.engine.data().join(FOLDER), name) {
        Ok(Some(Found::Bytes(bytes))) => Some(send(name, bytes)),
        Ok(Some(Found::TooLong)) => Some(text(StatusCode::FORBIDDEN, "That file is too long to be sent.\n")),
        Ok(None) if OURS.contains(&name) => {
            let icon = assets::asset(assets::url("icon.svg"))?;
            Some(send(name, icon.body(Encoding::Identity).parts.concat()))
        }
        Ok(None) => None,
        Err(error) => {
            tracing::error!("{}", error.chain());
            Some(text(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.\n"))
        }
    }
}

enum Found {
    Bytes(Vec<u8>),
    TooLong,
}

fn find(folder: &Path, name: &str) -> Result<Option<Found>> {
    let failed = |error| Error::io(format!("read {}", folder.display()), error);
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        entries => entries.map_err(failed)?,
    };
    for entry in entries.take(FILES) {
        let entry = entry.map_err(failed)?;
        // A link may lead anywhere: only what lies here is sent.
        if entry.file_name().to_str() != Some(name) || !entry.file_type().map_err(failed)?.is_file() {
            continue;
        }
        let mut bytes = Vec::new();
        File::open(entry.path()).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(failed)?;
        return Ok(Some(if bytes.len() as u64 > LONGEST { Found::TooLong } else { Found::Bytes(bytes) }));
    }
    Ok(None)
}

fn send(name: &str, bytes: Vec<u8>) -> Reply {
    let kind = match name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase().as_str() {
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
    // A picture may hold scripts: opened by itself it runs none.
    let reply = with_header(raw(StatusCode::OK, kind, bytes), header::CONTENT_SECURITY_POLICY, STATIC_CSP);
    with_header(reply, header::CACHE_CONTROL, KEEP)
}
