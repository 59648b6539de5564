//! `holt import robot-wtf`: the wikis of a robot.wtf data directory, each with its people and its token, each all or nothing
//! (spec/platform.md §2). Who somebody is, is a DID; what stands in the wikis are handles, and [`people`] says whose they are.

mod people;
mod place;
mod preferences;

use super::otterwiki::draft_row;
use super::{Progress, Report, finish};
use crate::db::otterwiki::{OtterwikiDb, OtterwikiDraft};
use crate::db::preferences::Audience;
use crate::db::robot_wtf::{RobotDb, RobotWiki};
use crate::db::wiki_db::{Member, WikiDb};
use crate::directory::{Holder, MovedWiki, WikiRecord};
use crate::engine::Engine;
use crate::repo::{Repo, import_from};
use holt_core::{Error, MemberFlags, PagePath, Result, UserId, WikiName};
use people::{People, Whose};
use place::{Place, Scratch};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

/// What the token of a wiki is called here.
const LABEL: &str = "robot.wtf token";
/// What may be done by whom a wiki belongs to.
const OWNER: MemberFlags = MemberFlags { admin: true, approved: true, allow_read: true, allow_write: true, allow_upload: true };

/// What to bring in.
#[derive(Debug, Clone, Copy)]
pub struct RobotWtf<'a> {
    /// The data directory, with `robot.db` and `wikis/`.
    pub source: &'a Path,
    /// The domain it was served at: addresses of pictures name it.
    pub domain: &'a str,
    /// Slugs of the wikis to bring in; empty: all.
    pub only: &'a [String],
    /// Whether it counts.
    pub run: Run,
}

/// Whether an import counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// It does.
    Real,
    /// Everything is read and put together, and then thrown away: nothing comes into being.
    Rehearsal,
}

/// What became of all of it.
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Every wiki that was asked for, in the order of the source.
    pub wikis: Vec<Arrival>,
    /// Accounts made.
    pub users: usize,
    /// Accounts of people who were known already.
    pub users_known: usize,
    /// What a person should know about the whole.
    pub notes: Vec<String>,
}

/// What became of one wiki.
#[derive(Debug)]
pub struct Arrival {
    /// As the source has it: it may be no slug at all.
    pub slug: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// See [`Arrival`].
#[derive(Debug)]
pub enum Outcome {
    /// It is here, or would be after a rehearsal.
    Arrived(Box<Report>),
    /// It came in before.
    Already,
    /// Nothing of it came in.
    Failed(Error),
}

impl Arrivals {
    /// How many wikis did not come in.
    pub fn failed(&self) -> usize {
        self.wikis.iter().filter(|wiki| matches!(wiki.outcome, Outcome::Failed(_))).count()
    }
}

/// Takes over what robot.wtf has in `request.source`. A wiki that cannot come in stops no other. What is here already, of the same owner, is
/// left as it is, so that an import that was interrupted goes on.
pub fn import_robot_wtf(engine: &Engine, request: &RobotWtf<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Arrivals> {
    let database = request.source.join("robot.db");
    if !database.is_file() {
        return Err(Error::not_found(format!("{} is no data directory of robot.wtf", request.source.display()))
            .hint("Give the directory that holds robot.db and wikis/."));
    }
    let scratch = Scratch::new(engine.data())?;
    let platform = RobotDb::read(&database, scratch.path())?;
    if let Some(missing) = request.only.iter().find(|slug| !platform.wikis.iter().any(|wiki| wiki.slug == **slug)) {
        return Err(Error::not_found(format!("there is no wiki called {missing:?} in {}", database.display()))
            .hint("Give slugs as they stand in host names."));
    }
    let people = People::new(engine, &platform, request.run);
    let mut import = Import { engine, request, platform: &platform, people, scratch: &scratch };
    let mut arrivals = Arrivals { notes: import.people.remarks(), ..Arrivals::default() };
    if request.only.is_empty() {
        arrivals.notes.extend(import.people.accounts_of_all()?);
    }
    for wiki in platform.wikis.iter().filter(|wiki| request.only.is_empty() || request.only.contains(&wiki.slug)) {
        let outcome = import.wiki(wiki, progress).unwrap_or_else(Outcome::Failed);
        if let Outcome::Failed(error) = &outcome {
            tracing::warn!("could not import {:?}: {}", wiki.slug, error.chain());
        }
        arrivals.wikis.push(Arrival { slug: wiki.slug.clone(), outcome });
    }
    if request.source.join("mcp_oauth.db").is_file() {
        arrivals.notes.push(
            "mcp_oauth.db was left where it is: what programs were allowed by OAuth is bound to keys of robot.wtf. Who used it allows them anew."
                .to_string(),
        );
    }
    arrivals.notes.push("Nobody has a password: people came to robot.wtf with their Bluesky accounts (AT Protocol).".to_string());
    (arrivals.users, arrivals.users_known) = (import.people.made, import.people.known);
    Ok(arrivals)
}

struct Import<'a> {
    engine: &'a Engine,
    request: &'a RobotWtf<'a>,
    platform: &'a RobotDb,
    people: People<'a>,
    scratch: &'a Scratch,
}

impl Import<'_> {
    fn wiki(&mut self, wiki: &RobotWiki, progress: &mut dyn FnMut(Progress)) -> Result<Outcome> {
        // Checked before it names a directory. A reserved name that exists comes in as it is.
        let slug = WikiName::existing(&wiki.slug)?;
        if let Some(there) = self.engine.directory().wiki_by_slug(slug.as_str())? {
            return self.already(&slug, wiki, &there);
        }
        let owner = self.people.account(&wiki.owner)?;
        let place = Place::find(self.request.source, &slug)?;
        let mut report = Report { slug: slug.to_string(), name: title(wiki), ..Report::default() };
        if self.request.run == Run::Rehearsal {
            self.engine.directory().check_slug_free(&slug, self.engine.clock().now())?;
            let dir = self.scratch.fresh("wiki")?;
            self.fill(wiki, &place, owner, &dir, &mut report, progress)?;
            return Ok(Outcome::Arrived(Box::new(report)));
        }
        let engine = self.engine;
        let (now, plan) = (engine.clock().now(), engine.directory().default_plan()?);
        let past = |time: &i64| *time <= now;
        let name = report.name.clone();
        let moved = MovedWiki {
            slug: &slug,
            name: &name,
            holder: Holder { owner, plan: &plan.name, most: None },
            created: wiki.created.filter(past).unwrap_or(now),
            last_access: wiki.last_accessed.filter(past),
            token: wiki.token,
            label: LABEL,
        };
        let token_came = Cell::new(false);
        let fill = |dir: &Path| self.fill(wiki, &place, owner, dir, &mut report, progress);
        let made =
            engine.bring_wiki(&slug, fill, |directory, id| directory.move_wiki_in(id, &moved, now).map(|came| token_came.set(came)))?;
        if !token_came.get() {
            let why = if wiki.token.is_some() { "another wiki has the same one" } else { "there is no valid one" };
            report.notes.push(format!("its token did not come in: {why}. Make a new one in the settings of the wiki."));
        }
        Ok(Outcome::Arrived(Box::new(finish(engine, &made, report)?)))
    }

    /// A wiki of that name is here. It is the same if its owner is; then what an interruption left undone is done.
    fn already(&self, slug: &WikiName, wiki: &RobotWiki, there: &WikiRecord) -> Result<Outcome> {
        let subject = there.owner.map(|owner| self.engine.directory().subject_of(owner, people::PROVIDER)).transpose()?.flatten();
        if subject.as_deref() != Some(wiki.owner.as_str()) {
            return Err(Error::conflict(format!("there is a wiki called {slug} already, of somebody else"))
                .hint("Rename it with `holt wiki rename`, or delete it, then run the import again."));
        }
        if self.request.run == Run::Real && there.answers() {
            self.engine.open_wiki(there.id)?;
        }
        Ok(Outcome::Already)
    }

    /// Puts everything of a wiki into `dir`.
    fn fill(
        &mut self,
        wiki: &RobotWiki,
        place: &Place,
        owner: UserId,
        dir: &Path,
        report: &mut Report,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        progress(Progress { step: "history", done: 0, total: 0 });
        let source = place.repository.to_str().ok_or_else(|| Error::invalid("the path of the data directory is not UTF-8"))?;
        let imported = import_from(source, &dir.join("repo.git"), &mut |done, total| progress(Progress { step: "history", done, total }))?;
        let Some(head) = imported.head else {
            return Err(Error::invalid("its repository has no commit").hint("`holt wiki create` makes an empty wiki."));
        };
        report.notes.extend(imported.warnings);
        let repo = Repo::open(&dir.join("repo.git"))?;
        if self.request.run == Run::Rehearsal {
            let files = repo.files(head)?.files;
            report.head = Some(head);
            report.pages = files.iter().filter(|file| PagePath::from_tree(&file.path).is_some()).count();
        }
        let old = match &place.database {
            Some(database) => OtterwikiDb::read(database, dir)?,
            None => {
                report.notes.push("it has no wiki.db: it begins with the settings of a new wiki, members only".to_string());
                OtterwikiDb::default()
            }
        };
        report.preferences = old.preferences.len();
        let preferences = preferences::merged(&old, &title(wiki), self.request.domain, &mut report.notes);
        report.name = preferences.get("SITE_NAME").cloned().unwrap_or_default();
        let db = WikiDb::create(dir, &report.name, Audience::Members)?;
        db.replace_preferences(&preferences)?;
        let members = self.members(wiki, &old, owner, report)?;
        report.members = members.len();
        db.change_members(&members)?;
        for draft in &old.drafts {
            self.draft(wiki, draft, &db, &repo, report)?;
        }
        Ok(())
    }

    /// The owner; then everybody whom the wiki's own table names and who can be told apart.
    fn members(&mut self, wiki: &RobotWiki, old: &OtterwikiDb, owner: UserId, report: &mut Report) -> Result<Vec<Member>> {
        let since = wiki.created.unwrap_or_default();
        let mut members = BTreeMap::from([(owner, Member { user: owner, flags: OWNER, first_seen: since, last_seen: since })]);
        for row in &old.users {
            let shown = row.email.trim();
            let mut flags = MemberFlags {
                admin: row.is_admin,
                approved: row.is_approved,
                allow_read: row.allow_read,
                allow_write: row.allow_write,
                allow_upload: row.allow_upload,
            };
            let did = match self.people.whose(shown, &wiki.owner, flags) {
                Whose::Full(did) => did,
                Whose::Short(did) => {
                    if did != wiki.owner {
                        // A short handle was the platform's own mistake for owners only; whoever wrote this one may have meant somebody else.
                        flags.admin = false;
                        report.notes.push(format!(
                            "the member {shown:?} was taken to be @{}, the only one of that name; look whether that is right",
                            self.people.shown(&did)
                        ));
                    }
                    did
                }
                Whose::Nobody(why) => {
                    report.notes.push(format!("the member {shown:?} was left out: {why}"));
                    continue;
                }
            };
            let user = self.people.account(&did)?;
            let member = Member { user, flags, first_seen: row.first_seen, last_seen: row.last_seen };
            members.entry(user).and_modify(|known| known.flags = known.flags.and(flags)).or_insert(member);
        }
        self.grants(wiki, old, &mut members, report)?;
        Ok(members.into_values().collect())
    }

    /// What the platform's own table of rights says, which counted until wikis had members of their own.
    fn grants(&mut self, wiki: &RobotWiki, old: &OtterwikiDb, members: &mut BTreeMap<UserId, Member>, report: &mut Report) -> Result<()> {
        let platform = self.platform;
        for grant in platform.grants.iter().filter(|grant| grant.wiki == wiki.slug && grant.did != wiki.owner) {
            let read = MemberFlags { approved: true, allow_read: true, ..MemberFlags::default() };
            let flags = match grant.role.as_str() {
                "owner" => OWNER,
                "editor" => MemberFlags { allow_write: true, allow_upload: true, ..read },
                "viewer" => read,
                _ => {
                    report.notes.push(format!("the right {:?} of {:?} was left out: there is no such role", grant.role, grant.did));
                    continue;
                }
            };
            if !old.users.is_empty() {
                report
                    .notes
                    .push(format!("the right {:?} of {:?} was left out: the wiki has a list of members of its own", grant.role, grant.did));
                continue;
            }
            if !people::is_did(&grant.did) {
                report.notes.push(format!("the right {:?} of {:?} was left out: that is no DID", grant.role, grant.did));
                continue;
            }
            let user = self.people.account(&grant.did)?;
            let since = grant.granted.unwrap_or_default();
            members.entry(user).or_insert(Member { user, flags, first_seen: since, last_seen: since });
        }
        Ok(())
    }

    fn draft(&mut self, wiki: &RobotWiki, draft: &OtterwikiDraft, db: &WikiDb, repo: &Repo, report: &mut Report) -> Result<()> {
        let mut leave_out = |why: &str| report.notes.push(format!("a draft of {:?} was left out: {why}", draft.pagepath));
        let path = match PagePath::parse(&draft.pagepath) {
            Ok(path) => path,
            Err(error) => {
                leave_out(&error.message);
                return Ok(());
            }
        };
        let did = match self.people.whose(&draft.author_email, &wiki.owner, MemberFlags::default()) {
            Whose::Full(did) | Whose::Short(did) => did,
            Whose::Nobody(why) => {
                leave_out(why);
                return Ok(());
            }
        };
        let user = self.people.account(&did)?;
        // Drafts are kept by address, and that of an account is not always its handle.
        let address = self.engine.directory().user(user)?.map_or_else(|| did.clone(), |user| user.email);
        db.put_draft(&path, &address, &draft_row(draft, repo))?;
        report.drafts += 1;
        Ok(())
    }
}

/// What a wiki is called if it does not say so itself.
fn title(wiki: &RobotWiki) -> String {
    let name = wiki.name.trim();
    if name.is_empty() { wiki.slug.clone() } else { name.to_string() }
}
