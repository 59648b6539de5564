//! What webhooks are told, what they are owed, and what follows from how it went. Nothing here is sent to anybody.

use crate::comments::{docs, path, say};
use crate::wikis::{people, save_text};
use holt_core::{AccessLevel, Action, Actor, AttachmentName, Handling, Person, Program, SubtreeRule, SubtreeRules, WikiName};
use holt_engine::db::preferences::{Audience, path_access_text};
use holt_engine::pages::webhooks::{self, Attempt, Delivery, HookEvent, HookState, Listening, NewWebhook, Webhook, WebhookChange};
use holt_engine::pages::{self, Subpages};
use holt_engine::{Admin, Clock, Engine, EngineOptions, Upload, Wiki, Write};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const HOME: &str = "https://docs.example.org";

fn hook(wiki: &Wiki, events: &[HookEvent], prefix: Option<&str>) -> Webhook {
    let ann = people("ann");
    let new = NewWebhook { url: "https://hooks.example/in".into(), events: events.to_vec(), prefix: prefix.map(path) };
    webhooks::add(&wiki.grant::<Admin>(&ann).unwrap(), &new).unwrap()
}

/// Everything a webhook was ever owed, oldest first.
fn messages(wiki: &Wiki, hook: &Webhook) -> Vec<Delivery> {
    while webhooks::owe(wiki, Some(HOME)).unwrap() {}
    let ann = people("ann");
    let mut found = webhooks::deliveries(&wiki.grant::<Admin>(&ann).unwrap(), hook.id, 1000).unwrap();
    found.reverse();
    found
}

fn bodies(wiki: &Wiki, hook: &Webhook) -> Vec<Value> {
    messages(wiki, hook).iter().map(|delivery| serde_json::from_str(&delivery.body).unwrap()).collect()
}

/// Event and name of each change of each commit.
fn changes(wiki: &Wiki, hook: &Webhook) -> Vec<String> {
    let told = |body: &Value| {
        let one = |change: &Value| {
            let name = change["page"].as_str().or(change["file"].as_str()).unwrap();
            let from = change["from"].as_str().map(|from| format!(" < {from}")).unwrap_or_default();
            format!("{} {name}{from}", change["event"].as_str().unwrap())
        };
        body["data"]["changes"].as_array().unwrap().iter().map(one).collect::<Vec<_>>().join(", ")
    };
    bodies(wiki, hook).iter().map(told).collect()
}

fn attach(wiki: &Wiki, page: &str, name: &str, content: &[u8]) {
    let ann = people("ann");
    let scope = wiki.grant::<Upload>(&ann).unwrap();
    pages::upload(&scope, &path(page), &[(AttachmentName::parse(name).unwrap(), content.to_vec())], pages::Existing::Replace, "").unwrap();
}

#[test]
fn every_commit_since_it_was_made_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    save_text(&wiki, "Before", "old\n");
    let all = hook(&wiki, &[], None);
    let deleted = hook(&wiki, &[HookEvent::PageDeleted, HookEvent::AttachmentCreated], None);
    let below = hook(&wiki, &[], Some("guide"));
    let first = save_text(&wiki, "Guide/Setup", "secret text\n").revision;
    save_text(&wiki, "Guide/Setup", "secret text\nmore\n");
    attach(&wiki, "Guide", "plan.png", b"PNG");
    let ann = people("ann");
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path("Guide/Setup"), &path("Start"), "", pages::Backlinks::Keep).unwrap();
    pages::delete(&wiki.grant::<Write>(&ann).unwrap(), &path("Before"), "", Subpages::Keep).unwrap();
    assert_eq!(
        changes(&wiki, &all),
        [
            "page.created Guide/Setup",
            "page.updated Guide/Setup",
            "attachment.created Guide/plan.png",
            "page.renamed Start < Guide/Setup",
            "page.deleted Before"
        ]
    );
    assert_eq!(changes(&wiki, &deleted), ["attachment.created Guide/plan.png", "page.deleted Before"]);
    assert_eq!(changes(&wiki, &below).len(), 4);
    let told = &messages(&wiki, &all)[0];
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(
        body,
        json!({
            "type": "commit", "timestamp": "2023-11-14T22:13:20+00:00",
            "data": {
                "wiki": {"slug": "docs", "url": format!("{HOME}/")}, "revision": first.to_string(), "author": "ann", "subject": "Created Guide/Setup",
                "url": format!("{HOME}/-/commit/{first}"), "more_changes": 0,
                "changes": [{"event": "page.created", "page": "Guide/Setup", "url": format!("{HOME}/Guide/Setup")}],
            }
        })
    );
    assert!(!told.body.contains("secret") && !told.body.contains('@'), "{}", told.body);
    // Looking again owes nothing more, and other webhooks are told under other ids.
    assert_eq!((messages(&wiki, &all).len(), messages(&wiki, &below)[0].message == told.message), (5, false));
}

#[test]
fn what_some_readers_may_not_see_is_not_told() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let ann = people("ann");
    let rule = |read| SubtreeRule { path: path("Staff"), read, write: AccessLevel::Anonymous, readers: [].into(), writers: [].into() };
    let set = |read| {
        let text = path_access_text(&SubtreeRules::new(vec![rule(read)]));
        pages::set_preferences(&wiki.grant::<Admin>(&ann).unwrap(), &[("PATH_ACCESS", &text)]).unwrap();
    };
    set(AccessLevel::Approved);
    let all = hook(&wiki, &[], None);
    let into = hook(&wiki, &[], Some("Staff"));
    let bob = crate::comments::join(&engine, &wiki, "Bob", crate::comments::approved());
    save_text(&wiki, "Staff/Zqx", "zqx\n");
    attach(&wiki, "Staff", "zqx.png", b"PNG");
    say(&wiki, &bob, "Staff/Zqx", "zqx");
    save_text(&wiki, "Open", "x\n");
    pages::rename(&wiki.grant::<Write>(&ann).unwrap(), &path("Staff/Zqx"), &path("Staff/Zqx2"), "", pages::Backlinks::Keep).unwrap();
    say(&wiki, &bob, "Open", "qwy");
    let told = messages(&wiki, &all);
    let text: String = told.iter().map(|delivery| delivery.body.to_lowercase()).collect();
    assert!(!text.contains("zqx") && !text.contains("staff") && !text.contains("qwy") && !text.contains("bob@"), "{text}");
    assert_eq!(told.iter().map(|delivery| delivery.event.as_str()).collect::<Vec<_>>(), ["commit", "comment.created"]);
    assert_eq!(messages(&wiki, &into), []);
    // The control: where everybody may look, it is told.
    set(AccessLevel::Anonymous);
    save_text(&wiki, "Staff/Zqx2", "zqx again\n");
    assert_eq!(messages(&wiki, &into).len(), 1);
}

#[test]
fn comments_and_proposals_are_told_by_number() {
    let dir = tempfile::tempdir().unwrap();
    let (engine, wiki) = docs(&dir);
    let bob = crate::comments::join(&engine, &wiki, "Bob", crate::comments::approved());
    save_text(&wiki, "Poem", "one\n");
    say(&wiki, &bob, "Poem", "before");
    let all = hook(&wiki, &[HookEvent::CommentCreated, HookEvent::ProposalOpened], None);
    let comment = say(&wiki, &bob, "Poem", "Is that all?");
    let Actor::Person(person) = people("ann") else { unreachable!() };
    let through = Program { name: "mcp/claude".into(), ceiling: Action::Upload, handling: Handling::Propose, within: None, session: None };
    let agent = Actor::Person(Person { through: Some(through), ..person });
    let edit = holt_core::Edit::new(path("New"), None, "hidden words\n".into(), "Hush").unwrap();
    pages::save(&wiki.grant::<Write>(&agent).unwrap(), &edit, None).unwrap_err();
    let told = bodies(&wiki, &all);
    let wiki_json = json!({"slug": "docs", "url": format!("{HOME}/")});
    let thread = told[0]["data"]["thread"].clone();
    assert_eq!(
        told[0]["data"],
        json!({
            "wiki": wiki_json, "page": "Poem", "comment": comment, "thread": thread, "author": "Bob",
            "url": format!("{HOME}/Poem/comments?thread={thread}#holt-comment-{comment}"),
        })
    );
    assert_eq!(
        told[1]["data"],
        json!({
            "wiki": wiki_json, "proposal": 1, "author": "ann", "via": "mcp/claude", "url": format!("{HOME}/-/proposals/1"),
        })
    );
    assert_eq!(told.len(), 2);
}

#[test]
fn of_many_commits_one_message_tells() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let start = save_text(&wiki, "A", "0\n").revision;
    let all = hook(&wiki, &[], None);
    let last = (0..60).fold(start, |_, n| save_text(&wiki, "A", &format!("{n} more\n")).revision);
    let told = bodies(&wiki, &all);
    assert_eq!((told.len(), told[0]["type"].as_str(), told[0]["data"]["why"].as_str()), (1, Some("commits"), Some("many")));
    assert_eq!(
        (told[0]["data"]["since"].as_str(), told[0]["data"]["revision"].as_str()),
        (Some(start.to_string().as_str()), Some(last.to_string().as_str()))
    );
}

/// A wiki whose clock is moved by hand, with a webhook that is owed one message.
fn owing() -> (tempfile::TempDir, Engine, Arc<Wiki>, Arc<AtomicI64>, Webhook) {
    let dir = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_700_000_000));
    let clock = now.clone();
    let engine = Engine::open(EngineOptions::new(dir.path(), Clock::new(move || clock.load(Ordering::Relaxed)))).unwrap();
    let wiki = engine.create_wiki(&WikiName::parse("docs").unwrap(), "Docs", Audience::Everybody).unwrap();
    let made = hook(&wiki, &[], None);
    save_text(&wiki, "A", "1\n");
    assert_eq!(messages(&wiki, &made).len(), 1);
    (dir, engine, wiki, now, made)
}

/// Who answers, until they are to be left alone. How much was sent.
fn answer(wiki: &Wiki, status: Option<u16>, at: i64) -> usize {
    let mut count = 0;
    let due = webhooks::due(wiki, 10).unwrap();
    for (webhook, owed) in &due {
        let mut webhook = webhook.clone();
        for delivery in owed {
            let attempt = Attempt { at, took: 5, status, error: status.is_none().then(|| "its server does not answer".to_string()) };
            webhooks::sent(wiki, &mut webhook, delivery, &attempt).unwrap();
            count += 1;
            if webhook.resumes > at {
                break;
            }
        }
    }
    count
}

#[test]
fn what_does_not_come_through_is_sent_again_and_given_up_in_the_end() {
    let (_dir, _engine, wiki, now, made) = owing();
    let ann = people("ann");
    let scope = wiki.grant::<Admin>(&ann).unwrap();
    let id = messages(&wiki, &made)[0].message.clone();
    for attempt in 1..=webhooks::ATTEMPTS {
        assert_eq!(answer(&wiki, Some(500), now.load(Ordering::Relaxed)), 1, "attempt {attempt}");
        assert_eq!(answer(&wiki, Some(500), now.load(Ordering::Relaxed)), 0, "not at once");
        if let Some(next) = webhooks::next_due(&wiki).unwrap() {
            assert!(next >= now.load(Ordering::Relaxed) + 60);
            now.store(next, Ordering::Relaxed);
        }
    }
    assert_eq!((webhooks::next_due(&wiki).unwrap(), webhooks::webhook(&scope, made.id).unwrap().state), (None, HookState::Failing));
    let log = webhooks::deliveries(&scope, made.id, 9).unwrap();
    assert_eq!((log[0].attempts, log[0].last.as_ref().unwrap().status, &log[0].message), (8, Some(500), &id));
    // By hand it goes again, under its id; what comes through mends the webhook.
    webhooks::redeliver(&scope, made.id, log[0].id).unwrap();
    assert_eq!(webhooks::due(&wiki, 10).unwrap()[0].1[0].message, id);
    assert_eq!(answer(&wiki, Some(204), now.load(Ordering::Relaxed)), 1);
    let stands = webhooks::webhook(&scope, made.id).unwrap();
    assert_eq!((stands.state, stands.failures), (HookState::On, 0));
}

#[test]
fn one_message_that_is_refused_holds_back_no_other() {
    let (_dir, _engine, wiki, now, made) = owing();
    let (ann, at) = (people("ann"), now.load(Ordering::Relaxed));
    let scope = wiki.grant::<Admin>(&ann).unwrap();
    assert_eq!(answer(&wiki, Some(500), at), 1);
    for text in ["2\n", "3\n"] {
        save_text(&wiki, "A", text);
        webhooks::owe(&wiki, None).unwrap();
        assert_eq!(answer(&wiki, Some(204), at), 1, "it comes at once");
    }
    // Where all are refused, the third is the last for now; and so is the first where nobody answers.
    for (status, sent) in [(Some(500), 3), (None, 1)] {
        (0..5).for_each(|_| webhooks::ping(&scope, made.id).unwrap());
        assert_eq!((answer(&wiki, status, at), answer(&wiki, status, at)), (sent, 0));
        now.store(webhooks::next_due(&wiki).unwrap().unwrap(), Ordering::Relaxed);
        while answer(&wiki, Some(204), now.load(Ordering::Relaxed)) > 0 {}
        now.store(at, Ordering::Relaxed);
    }
}

#[test]
fn a_server_that_wants_nothing_is_told_nothing() {
    let (_dir, _engine, wiki, now, made) = owing();
    let ann = people("ann");
    let scope = wiki.grant::<Admin>(&ann).unwrap();
    answer(&wiki, Some(410), now.load(Ordering::Relaxed));
    assert_eq!(webhooks::webhook(&scope, made.id).unwrap().state, HookState::Gone);
    save_text(&wiki, "A", "2\n");
    assert_eq!((messages(&wiki, &made).len(), webhooks::due(&wiki, 10).unwrap().len()), (1, 0));
    assert!(webhooks::ping(&scope, made.id).is_err() && webhooks::redeliver(&scope, made.id, 1).is_err());
    // Switched on it begins with what comes now.
    webhooks::change(&scope, made.id, &WebhookChange { listens: Some(Listening::On), ..WebhookChange::default() }).unwrap();
    save_text(&wiki, "A", "3\n");
    webhooks::ping(&scope, made.id).unwrap();
    assert_eq!(messages(&wiki, &made).iter().map(|delivery| delivery.event.as_str()).collect::<Vec<_>>(), ["commit", "ping", "commit"]);
    // What is owed to one that is switched off is given up; what a server answered to it meanwhile changes nothing.
    let due = webhooks::due(&wiki, 10).unwrap().remove(0);
    webhooks::change(&scope, made.id, &WebhookChange { listens: Some(Listening::Off), ..WebhookChange::default() }).unwrap();
    let attempt = Attempt { at: now.load(Ordering::Relaxed), took: 5, status: Some(500), error: None };
    webhooks::sent(&wiki, &mut due.0.clone(), &due.1[0], &attempt).unwrap();
    assert_eq!((webhooks::webhook(&scope, made.id).unwrap().state, webhooks::next_due(&wiki).unwrap()), (HookState::Off, None));
}

#[test]
fn one_that_never_answers_is_switched_off_and_owed_within_bounds() {
    let (_dir, _engine, wiki, now, made) = owing();
    let ann = people("ann");
    let scope = wiki.grant::<Admin>(&ann).unwrap();
    let mut tried = 0;
    while let Some(next) = webhooks::next_due(&wiki).unwrap() {
        now.store(next.max(now.load(Ordering::Relaxed)), Ordering::Relaxed);
        tried += answer(&wiki, None, now.load(Ordering::Relaxed));
        save_text(&wiki, "A", &format!("{tried}\n"));
        assert!(messages(&wiki, &made).len() < 250 && tried < 100);
    }
    assert_eq!((webhooks::webhook(&scope, made.id).unwrap().state, tried), (HookState::Broken, 50));
    // Many are kept, not all.
    webhooks::change(&scope, made.id, &WebhookChange { listens: Some(Listening::On), ..WebhookChange::default() }).unwrap();
    for _ in 0..120 {
        webhooks::ping(&scope, made.id).unwrap();
        answer(&wiki, Some(200), now.load(Ordering::Relaxed));
    }
    assert_eq!(webhooks::deliveries(&scope, made.id, 1000).unwrap().len(), 100);
}

#[test]
fn secrets_are_rotated_and_webhooks_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let ann = people("ann");
    let scope = wiki.grant::<Admin>(&ann).unwrap();
    let made = hook(&wiki, &[], None);
    assert!(made.secret.starts_with("whsec_") && made.secret.len() == 50, "{}", made.secret.len());
    let rotated = webhooks::rotate(&scope, made.id).unwrap();
    assert!(rotated.secret != made.secret);
    assert_eq!(webhooks::webhook(&scope, made.id).unwrap().old_secret, Some((made.secret, 1_700_000_000 + 86_400)));
    for _ in 1..webhooks::WEBHOOKS {
        hook(&wiki, &[], None);
    }
    let new = NewWebhook { url: "https://hooks.example/".into(), events: vec![], prefix: None };
    assert_eq!(webhooks::add(&scope, &new).unwrap_err().kind, holt_core::ErrorKind::TooLarge);
    assert!(webhooks::remove(&scope, 99).is_err());
    webhooks::remove(&scope, made.id).unwrap();
    // Its number is never given again.
    assert_eq!(webhooks::add(&scope, &new).unwrap().id, i64::try_from(webhooks::WEBHOOKS).unwrap() + 1);
    for url in ["", "https://a b/", "https://a/\n"] {
        assert!(webhooks::add(&scope, &NewWebhook { url: url.into(), ..new.clone() }).is_err(), "{url:?}");
    }
}

#[test]
fn a_history_that_was_replaced_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let (_engine, wiki) = docs(&dir);
    let first = save_text(&wiki, "A", "1\n").revision;
    save_text(&wiki, "A", "2\n");
    let all = hook(&wiki, &[], None);
    let mut git = std::process::Command::new("git");
    git.arg("-C").arg(wiki.repo_path()).args(["update-ref", "refs/heads/main"]).arg(first.to_string());
    assert!(git.status().unwrap().success());
    let told = bodies(&wiki, &all);
    assert_eq!((told.len(), told[0]["data"]["why"].as_str(), &told[0]["data"]["since"]), (1, Some("rewritten"), &Value::Null));
    save_text(&wiki, "A", "3\n");
    assert_eq!(bodies(&wiki, &all)[1]["type"], "commit");
}
