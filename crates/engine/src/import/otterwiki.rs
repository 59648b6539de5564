//! `holt import otterwiki`: an installation's repository, accounts, preferences and drafts (spec/wiki.md §18).

use super::{Progress, Report, Target, finish, settings_cfg};
use crate::db::otterwiki::{OtterwikiDb, OtterwikiDraft, OtterwikiUser};
use crate::db::preferences::Audience;
use crate::db::wiki_db::{DraftRow, Member, WikiDb};
use crate::directory::{NewUser, Rank};
use crate::engine::Engine;
use crate::repo::{Repo, import_from};
use holt_core::{Error, MemberFlags, PagePath, Result, RevisionPrefix, UserId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Keys of `settings.cfg` that say where things are or guard them, not what the wiki is like.
const NOT_PREFERENCES: &[&str] = &[
    "REPOSITORY",
    "SQLALCHEMY_DATABASE_URI",
    "SECRET_KEY",
    "DEBUG",
    "TESTING",
    "LOG_LEVEL",
    "LOG_LEVEL_WERKZEUG",
    "SQLALCHEMY_TRACK_MODIFICATIONS",
];

/// Takes a whole Otterwiki: `source` is its data directory, with `repository/`, `db.sqlite` and perhaps `settings.cfg`.
/// Accounts become accounts of this installation, by mail address; one that exists already keeps its password and becomes a member.
pub fn import_otterwiki(engine: &Engine, source: &Path, target: &Target, progress: &mut dyn FnMut(Progress)) -> Result<Report> {
    let place = Place::find(source)?;
    let mut report = Report { slug: target.slug.to_string(), ..Report::default() };
    let mut made = Vec::new();
    let result = engine.create_wiki_from(&target.slug, target.name.as_deref().unwrap_or("An Otter Wiki"), None, |dir| {
        progress(Progress { step: "history", done: 0, total: 0 });
        let repository = place.repository.to_string_lossy();
        let imported =
            import_from(&repository, &dir.join("repo.git"), &mut |done, total| progress(Progress { step: "history", done, total }))?;
        report.notes = imported.warnings;
        let old = OtterwikiDb::read(&place.database, dir)?;
        let preferences = preferences(&place, &old, target)?;
        report.preferences = old.preferences.len();
        let db = WikiDb::create(dir, &site_name(&preferences), Audience::Everybody)?;
        db.replace_preferences(&preferences)?;
        let total = old.users.len() as u64;
        for (done, user) in old.users.iter().enumerate() {
            let id = account(engine, user, &mut made, &mut report)?;
            db.put_member(&member(user, id))?;
            progress(Progress { step: "accounts", done: done as u64 + 1, total });
        }
        let repo = Repo::open(&dir.join("repo.git"))?;
        for draft in &old.drafts {
            match PagePath::parse(&draft.pagepath) {
                Ok(path) => {
                    db.put_draft(&path, &draft.author_email, &draft_row(draft, &repo))?;
                    report.drafts += 1;
                }
                Err(error) => report.notes.push(format!("a draft of {:?} was left out: {}", draft.pagepath, error.message)),
            }
        }
        Ok(())
    });
    let wiki = match result {
        Ok(wiki) => wiki,
        Err(error) => {
            for id in made {
                engine.directory().delete_user(id)?;
            }
            return Err(error);
        }
    };
    report.users = made.len();
    finish(engine, &wiki, report)
}

/// The parts of an installation.
struct Place {
    repository: PathBuf,
    database: PathBuf,
    settings: Option<PathBuf>,
}

impl Place {
    fn find(source: &Path) -> Result<Self> {
        let candidates = [source.to_path_buf(), source.join("app-data")];
        for root in candidates {
            let (repository, database) = (root.join("repository"), root.join("db.sqlite"));
            if repository.is_dir() && database.is_file() {
                let settings = Some(root.join("settings.cfg")).filter(|path| path.is_file());
                return Ok(Self { repository, database, settings });
            }
        }
        Err(Error::not_found(format!("{} is no Otterwiki data directory", source.display()))
            .hint("Give the directory that holds repository/ and db.sqlite; for a repository alone use `holt import git`."))
    }
}

/// Rows of the database above `settings.cfg`. Defaults are Otterwiki's own, which differ from those of a new wiki.
fn preferences(place: &Place, old: &OtterwikiDb, target: &Target) -> Result<BTreeMap<String, String>> {
    let mut merged: BTreeMap<String, String> = [
        ("RETAIN_PAGE_NAME_CASE", "False"),
        ("WIKILINK_STYLE", ""),
        ("READ_ACCESS", "ANONYMOUS"),
        ("WRITE_ACCESS", "ANONYMOUS"),
        ("ATTACHMENT_ACCESS", "ANONYMOUS"),
        ("COMMIT_MESSAGE", "REQUIRED"),
        ("SITE_NAME", "An Otter Wiki"),
        ("DISABLE_REGISTRATION", "False"),
        ("AUTO_APPROVAL", "True"),
        ("EMAIL_NEEDS_CONFIRMATION", "True"),
    ]
    .into_iter()
    .map(|(k, v)| (k.to_string(), v.to_string()))
    .collect();
    if let Some(path) = &place.settings {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read settings.cfg", e))?;
        merged.extend(settings_cfg::parse(&text).into_iter().filter(|(key, _)| !NOT_PREFERENCES.contains(&key.as_str())));
    }
    merged.extend(old.preferences.iter().cloned());
    if let Some(name) = &target.name {
        merged.insert("SITE_NAME".into(), name.clone());
    }
    Ok(merged)
}

fn site_name(preferences: &BTreeMap<String, String>) -> String {
    preferences.get("SITE_NAME").cloned().unwrap_or_default()
}

fn account(engine: &Engine, user: &OtterwikiUser, made: &mut Vec<UserId>, report: &mut Report) -> Result<UserId> {
    let email = user.email.trim().to_lowercase();
    if let Some(known) = engine.directory().user_by_email(&email)? {
        report.users_known += 1;
        return Ok(known.id);
    }
    let hash = user.password_hash.as_deref().filter(|hash| !hash.is_empty());
    let id = engine.directory().create_user(&NewUser {
        email: &email,
        name: &user.name,
        password_hash: hash,
        rank: Rank::Member,
        email_confirmed: user.email_confirmed,
        created: user.first_seen,
        last_seen: user.last_seen,
    })?;
    made.push(id);
    Ok(id)
}

fn member(user: &OtterwikiUser, id: UserId) -> Member {
    let flags = MemberFlags {
        admin: user.is_admin,
        approved: user.is_approved,
        allow_read: user.allow_read,
        allow_write: user.allow_write,
        allow_upload: user.allow_upload,
    };
    Member { user: id, flags, first_seen: user.first_seen, last_seen: user.last_seen }
}

/// The draft with its base spelled out: Otterwiki keeps the first six digits.
pub(super) fn draft_row(draft: &OtterwikiDraft, repo: &Repo) -> DraftRow {
    let base = RevisionPrefix::parse(&draft.revision).and_then(|prefix| repo.resolve(&prefix));
    let revision = base.map_or_else(|_| draft.revision.clone(), |base| base.to_string());
    DraftRow { content: draft.content.clone(), revision, cursor: (draft.cursor_line, draft.cursor_ch), time: draft.time }
}
