//! Changes of who may see what, by the operator, one at a time: the model knows of each before the server does, and forgets what was before
//! when the server has answered.

use super::model::{ADMIN, DEN, DRIFTER, OPEN, PLAZA, READER, ROOT, Rights, Rule, Sight, WRITER, Zone};
use super::turn::{Turn, form, get, sent, url};
use super::wire::Answer;
use super::world::{EDITS, Key, Page, READS, WRITES};
use super::writing::{self, Change};
use holt_core::{AccessLevel, MemberFlags};
use serde_json::json;

const MEMBERS: &str = "/-/admin/user_management";

/// What is changed, and how it is counted.
pub const FLIPS: &[Change] = &[
    ("flip: who reads the wiki", level),
    ("flip: rules of its parts", rules),
    ("flip: members", members),
    ("flip: menu", menu),
    ("flip: name and description", front),
    ("flip: a token is revoked, another made", token),
    ("flip: a page leaves a private part", leave),
];

/// Does one of them.
pub fn flip(turn: &mut Turn<'_>, (kind, run): Change) {
    let _alone = turn.world.flip.lock().unwrap();
    turn.kind = kind;
    turn.actor = ROOT;
    turn.wiki = *turn.random.of(&[DEN, PLAZA, PLAZA, OPEN]);
    run(turn);
}

/// Sends a form that has to be taken.
fn post(turn: &mut Turn<'_>, path: &str, fields: &[(&str, &str)]) -> Option<Answer> {
    let csrf = turn.csrf();
    let answer = turn.ask(&form(path, &[&[("csrf_token", csrf.as_str())], fields].concat()))?;
    // The last administrator of a wiki stays one.
    let stays = answer.status == 422 && path == MEMBERS;
    if !matches!(answer.status, 200 | 303) && !stays {
        turn.found(&format!("{path} {fields:?} was refused: {} {}", answer.status, answer.text()));
    }
    Some(answer)
}

/// Lets rights change: what is asked meanwhile may be answered by the old or by the new ones.
fn change(turn: &mut Turn<'_>, rights: Rights, what: &str, path: &str, fields: &[(&str, &str)]) {
    let world = turn.world;
    let (from, before) = (world.model.now(), world.model.rights());
    world.model.begin(rights);
    if post(turn, path, fields).is_some_and(|answer| answer.status == 422) {
        world.model.begin(before);
    }
    world.model.end();
    world.flips.lock().unwrap().push(format!("{from}–{} at {}: {what}", world.model.now(), turn.wiki));
}

fn level(turn: &mut Turn<'_>) {
    use AccessLevel::{Admin, Anonymous, Approved, Registered};
    let choices: &[AccessLevel] = match turn.wiki {
        DEN => &[Approved, Approved, Admin, Registered, Anonymous],
        PLAZA => &[Anonymous, Anonymous, Registered, Approved],
        _ => &[Anonymous, Anonymous, Registered],
    };
    let read = *turn.random.of(choices);
    let mut rights = turn.world.model.rights();
    rights.read[turn.wiki] = read;
    let fields = [("READ_access", read.as_str()), ("WRITE_access", "ADMIN"), ("ATTACHMENT_access", "ADMIN")];
    change(turn, rights, &format!("read: {read:?}"), "/-/admin/permissions_and_registration", &fields);
}

fn rules(turn: &mut Turn<'_>) {
    if turn.wiki == OPEN {
        turn.wiki = PLAZA;
    }
    let mut rights = turn.world.model.rights();
    for at in 0..2 {
        let mut some = || -> std::collections::BTreeSet<usize> {
            [READER, WRITER, DRIFTER].into_iter().filter(|_| turn.random.in_a_thousand(350)).collect()
        };
        let (readers, writers) = (some(), some());
        let read = match turn.random.below(8) {
            0 => None,
            1 => Some(AccessLevel::Approved),
            2 => Some(AccessLevel::Registered),
            _ => Some(AccessLevel::Admin),
        };
        rights.rules[turn.wiki][at] = read.map(|read| Rule { read, readers, writers });
    }
    let Some(shown) = turn.ask(&get("/-/admin/path_rules")) else { return };
    let before = shown.field("before").unwrap_or_default();
    let mails = |people: &std::collections::BTreeSet<usize>| {
        people.iter().map(|person| turn.world.emails[*person].as_str()).collect::<Vec<_>>().join(" ")
    };
    let mut fields = vec![("before", before)];
    for zone in [Zone::Staff, Zone::Crew] {
        let Some(rule) = &rights.rules[turn.wiki][zone.rule().unwrap()] else { continue };
        fields.push(("path", zone.top().to_string()));
        fields.push(("read", rule.read.as_str().to_string()));
        fields.push(("write", "ADMIN".to_string()));
        fields.push(("readers", mails(&rule.readers)));
        fields.push(("writers", mails(&rule.writers)));
    }
    let what = format!("rules: {:?}", rights.rules[turn.wiki]);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    change(turn, rights, &what, "/-/admin/path_rules", &fields);
}

fn members(turn: &mut Turn<'_>) {
    let mut rights = turn.world.model.rights();
    let none = MemberFlags::default();
    let member = MemberFlags { approved: true, ..none };
    let admin = MemberFlags { admin: true, ..member };
    let members = &mut rights.members[turn.wiki];
    members[DRIFTER] = Some(*turn.random.of(&[none, none, member, READS, EDITS, admin]));
    members[READER] = Some(*turn.random.of(&[READS, READS, member, none]));
    members[WRITER] = Some(*turn.random.of(&[EDITS, EDITS, EDITS, READS]));
    let mut ticks = Vec::new();
    for (person, flags) in members.iter().enumerate() {
        let Some(flags) = flags else { continue };
        let id = turn.world.ids[person].0.to_string();
        let named = [
            ("is_admin", flags.admin),
            ("is_approved", flags.approved),
            ("allow_read", flags.allow_read),
            ("allow_write", flags.allow_write),
            ("allow_upload", flags.allow_upload),
        ];
        ticks.extend(named.into_iter().filter(|(_, ticked)| *ticked).map(|(name, _)| (name, id.clone())));
    }
    let what = format!("members: {:?}", [READER, WRITER, ADMIN, DRIFTER].map(|person| members[person]));
    let ticks: Vec<(&str, &str)> = ticks.iter().map(|(name, id)| (*name, id.as_str())).collect();
    change(turn, rights, &what, MEMBERS, &ticks);
}

fn menu(turn: &mut Turn<'_>) {
    let line = turn.word("line of the menu", Zone::Open);
    let fields = [
        ("link", "/Home"),
        ("title", line.as_str()),
        ("icon", ""),
        ("sidebar_menutree_mode", "SORTED"),
        ("sidebar_menutree_focus", "SUBTREE"),
    ];
    post(turn, "/-/admin/sidebar_preferences", &fields);
}

fn front(turn: &mut Turn<'_>) {
    let sight = [Sight::Front(turn.wiki)];
    let (_, name) = turn.canary("name of a wiki", &sight);
    let (_, about) = turn.canary("description of a wiki", &sight);
    post(turn, "/-/admin", &[("site_name", &name), ("site_description", &about)]);
}

/// The writer takes a token back, and makes another.
fn token(turn: &mut Turn<'_>) {
    (turn.wiki, turn.actor) = (PLAZA, WRITER);
    let world = turn.world;
    let id = world.token.lock().unwrap().to_string();
    let mut rights = world.model.rights();
    // It may be revoked already, if the writer could not make another.
    if rights.dead.insert(WRITES) {
        change(turn, rights.clone(), "a token is revoked", "/-/settings/tokens", &[("revoke", &id)]);
    }
    let sights = [Sight::Own(WRITER), Sight::Admin(PLAZA), Sight::Zone(PLAZA, Zone::Open), Sight::Zone(PLAZA, Zone::Team)];
    let (_, label) = turn.canary("label of a token", &sights);
    let fields = [("label", label.as_str()), ("scope", "write"), ("days", "30"), ("within", "")];
    let csrf = turn.csrf();
    let asked = form("/-/settings/tokens", &[&[("csrf_token", csrf.as_str())], fields.as_slice()].concat());
    let Some(made) = turn.ask(&asked) else { return };
    let text = made.text();
    let ids = text.split("name=\"revoke\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()?.parse::<i64>().ok());
    let letters = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-';
    let secret = text.split("holt_").skip(1).map(|rest| rest.split(letters).next().unwrap()).find(|rest| rest.len() > 20);
    let (Some(id), Some(secret)) = (ids.max(), secret) else {
        // Who may not write makes no such token: this one stays revoked until they may.
        return;
    };
    *world.token.lock().unwrap() = id;
    *world.keys[WRITES].write().unwrap() = Key::Bearer(format!("holt_{secret}"));
    rights.dead.remove(&WRITES);
    world.model.begin(rights);
    world.model.end();
}

/// A page is written where few read, and goes where many do: what it says then, all of them may read; what it was called, they may not.
fn leave(turn: &mut Turn<'_>) {
    let secret = turn.word("name of a page", Zone::Staff);
    let both = [Sight::Zone(turn.wiki, Zone::Staff), Sight::Zone(turn.wiki, Zone::Open)];
    let (words, file, bytes) =
        (turn.canary("text", &both).1, turn.canary("name of a file", &both).1, turn.canary("bytes of a file", &both).1);
    let said = turn.canary("comment", &both).1;
    let about = turn.word("commit message", Zone::Staff);
    let path = format!("Staff/{secret}");
    let body = json!({"content": format!("# Left\n\nalpha words {words}\n\n## Part\n"), "commit_message": about});
    let Some(made) = turn.ask(&sent("PUT", format!("/api/v1/pages/{}", url(&path)), &body)) else { return };
    if made.status != 201 {
        return;
    }
    let mut asked = get(format!("/api/v1/pages/{}/attachments/{file}.txt", url(&path)));
    (asked.method, asked.body) = ("PUT", bytes.into_bytes());
    turn.ask(&asked);
    post(turn, &format!("/{}/comments", url(&path)), &[("action", "add"), ("content", &said), ("quote", "")]);
    let name = turn.word("name of a page", Zone::Open);
    let fields = [("new_pagename", name.as_str()), ("message", ""), ("opens", "1"), ("update_backlinks", "1")];
    if post(turn, &format!("/{}/rename", url(&path)), &fields).is_some_and(|answer| answer.status == 303) {
        let page = Page { path: name, zone: Zone::Open, files: vec![format!("{file}.txt")], stays: false };
        writing::know(turn, page);
    }
}
