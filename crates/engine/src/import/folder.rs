//! `holt import folder`: Markdown files and what lies beside them, as one commit.

use super::{Progress, Report, Target, Unreachable, finish};
use crate::db::preferences::Audience;
use crate::db::wiki_db::WikiDb;
use crate::engine::Engine;
use crate::pages::ATTACHMENT_BYTES;
use crate::repo::{CommitMeta, CommitOutcome, Repo};
use holt_core::edit::SOURCE_BYTES;
use holt_core::{AttachmentName, Author, Error, FileChange, PagePath, Result, Timestamp};
use std::path::{Path, PathBuf};

/// Takes every page and attachment below `source`. Hidden files and symbolic links are left out and reported.
pub fn import_folder(engine: &Engine, source: &Path, target: &Target, progress: &mut dyn FnMut(Progress)) -> Result<Report> {
    if !source.is_dir() {
        return Err(Error::not_found(format!("{} is no directory", source.display())).hint("Give the folder that holds the .md files."));
    }
    let name = target.name.clone().unwrap_or_else(|| target.slug.to_string());
    let mut files = Vec::new();
    let mut skipped = Vec::new();
    collect(source, source, &mut files, &mut skipped)?;
    files.sort();
    let total = files.len() as u64;
    let mut changes = Vec::with_capacity(files.len());
    for (done, (file, from)) in files.into_iter().enumerate() {
        let content = std::fs::read(&from).map_err(|e| Error::io(format!("read {}", from.display()), e))?;
        changes.push(FileChange::Put { file, content });
        progress(Progress { step: "files", done: done as u64 + 1, total });
    }
    if changes.is_empty() {
        return Err(Error::invalid(format!("{} holds no Markdown files", source.display())).hint("Give a directory with .md files in it."));
    }
    let now = Timestamp::utc(engine.clock().now());
    let meta = CommitMeta {
        author: Author::new("Holt", "noreply@holt"),
        author_time: now,
        committer_time: now,
        message: format!("Imported {total} files"),
    };
    let wiki = engine.create_wiki_from(&target.slug, &name, None, |dir| {
        let repo = Repo::create(&dir.join("repo.git"))?;
        match repo.commit(None, &changes, &meta)? {
            CommitOutcome::Won(_) => WikiDb::create(dir, &name, Audience::Everybody).map(drop),
            _ => Err(Error::internal("write the first commit of a new repository")),
        }
    })?;
    let mut report = finish(engine, &wiki, Report { slug: target.slug.to_string(), ..Report::default() })?;
    report.unreachable.extend(skipped);
    Ok(report)
}

/// Tree path and place on disk of every file that comes in. Names are checked, never joined from user text: they come from the directory itself.
fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, PathBuf)>, skipped: &mut Vec<Unreachable>) -> Result<()> {
    let entries = std::fs::read_dir(dir).map_err(|e| Error::io(format!("read {}", dir.display()), e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::io(format!("read {}", dir.display()), e))?;
        let path = entry.path();
        let shown = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let mut skip = |why: &str| skipped.push(Unreachable { file: shown.clone(), why: format!("left out: {why}") });
        let kind = entry.file_type().map_err(|e| Error::io(format!("look at {}", path.display()), e))?;
        let Some(name) = entry.file_name().to_str().map(str::to_string) else {
            skip("the name is not UTF-8");
            continue;
        };
        if name == ".git" {
            continue;
        }
        if name.starts_with('.') {
            skip("a hidden file");
            continue;
        }
        if kind.is_symlink() {
            skip("a symbolic link");
            continue;
        }
        if kind.is_dir() {
            collect(root, &path, files, skipped)?;
            continue;
        }
        let length = entry.metadata().map_err(|e| Error::io(format!("look at {}", path.display()), e))?.len();
        let (valid, limit) = match shown.strip_suffix(".md") {
            Some(stem) => (PagePath::parse(stem).map(|path| path.file()), SOURCE_BYTES),
            None => (AttachmentName::parse(&name).and(PagePath::parse(&shown)).map(|path| path.as_str().to_string()), ATTACHMENT_BYTES),
        };
        match valid {
            Err(error) => skip(&error.message),
            Ok(_) if length > limit as u64 => skip(&format!("larger than {limit} bytes")),
            Ok(file) => files.push((file, path)),
        }
    }
    Ok(())
}
