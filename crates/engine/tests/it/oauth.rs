//! What programs are allowed: clients, questions, codes and tokens in `holt.db`. Numbers are those of the acceptance cases of spec/mcp.md §12.

use holt_core::{ErrorKind, UserId, WikiId, WikiName};
use holt_engine::directory::{
    ACCESS_LIFE, CODE_LIFE, Decided, Directory, Issued, LONG_ACCESS_LIFE, NewOAuthClient, NewOAuthRequest, NewUser, OAuthScope,
    REFRESH_LIFE, REQUEST_LIFE, Rank, Redemption, Refusal, Registered, Secrecy,
};
use holt_engine::{Clock, Engine, EngineOptions};
use tempfile::TempDir;

const CLIENT: &str = "https://agent.example/client.json";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:7777/callback";

struct Place {
    dir: TempDir,
    directory: Directory,
    docs: WikiId,
    other: WikiId,
    ann: UserId,
    session: String,
}

fn wiki(directory: &Directory, slug: &str) -> WikiId {
    let id = directory.unused_wiki_id().unwrap();
    directory.create_wiki(id, &WikiName::parse(slug).unwrap(), slug, 1).unwrap();
    id
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
    let (docs, other) = (wiki(&directory, "docs"), wiki(&directory, "other"));
    let ann = user(&directory, "ann@example.org");
    let session = directory.create_session(ann, Some(docs), 1).unwrap().expose().to_string();
    Place { dir, directory, docs, other, ann, session }
}

fn user(directory: &Directory, email: &str) -> UserId {
    let user = NewUser { email, name: "A", password_hash: None, rank: Rank::Member, email_confirmed: true, created: 1, last_seen: 1 };
    directory.create_user(&user).unwrap()
}

impl Place {
    fn ask(&self, refreshes: bool, now: i64) -> String {
        let new = NewOAuthRequest {
            wiki: self.docs,
            user: self.ann,
            client: CLIENT,
            client_name: "Agent",
            refreshes,
            redirect: CALLBACK,
            challenge: CHALLENGE,
            scope: OAuthScope::Write,
            state: Some("s"),
        };
        self.directory.ask_oauth(&new, now).unwrap().expose().to_string()
    }
    fn decide(&self, asked: &str, allowed: Option<OAuthScope>, now: i64) -> Decided {
        self.directory.decide_oauth(self.docs, asked, self.ann, &self.session, allowed, now).unwrap()
    }
    fn code(&self, refreshes: bool, now: i64) -> String {
        match self.decide(&self.ask(refreshes, now), Some(OAuthScope::Write), now) {
            Decided::Now(Some(code)) => code.expose().to_string(),
            other => panic!("{other:?}"),
        }
    }
    fn redeem(&self, code: &str, now: i64) -> Result<Issued, Refusal> {
        let by = Redemption { wiki: self.docs, client: CLIENT, redirect: Some(CALLBACK), challenge: CHALLENGE };
        self.directory.redeem_oauth_code(code, &by, now).unwrap()
    }
    fn refresh(&self, token: &str, asked: Option<OAuthScope>, now: i64) -> Result<Issued, Refusal> {
        self.directory.refresh_oauth(self.docs, CLIENT, token, asked, now).unwrap()
    }
    fn allows(&self, token: &str, now: i64) -> Option<OAuthScope> {
        self.directory.oauth_access(self.docs, token, now).unwrap().map(|access| access.scope)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a question reads like what is asked")]
fn unknown(issued: Result<Issued, Refusal>) -> bool {
    matches!(issued, Err(Refusal::Unknown))
}

/// Case 24.
#[test]
fn case_24_a_code_is_exchanged_once_by_whom_it_was_made_for() {
    let place = place();
    let code = place.code(true, 100);
    assert!(code.starts_with("holtc_") && code.len() == 49);
    let by = Redemption { wiki: place.docs, client: CLIENT, redirect: Some(CALLBACK), challenge: CHALLENGE };
    for wrong in [
        Redemption { wiki: place.other, ..by },
        Redemption { client: "holti_other", ..by },
        Redemption { redirect: Some("http://127.0.0.1:7778/callback"), ..by },
        Redemption { challenge: "another", ..by },
    ] {
        assert!(unknown(place.directory.redeem_oauth_code(&code, &wrong, 101).unwrap()), "{wrong:?}");
    }
    assert!(unknown(place.redeem("holtc_x", 101)) && unknown(place.redeem(&code, 100 + CODE_LIFE)));
    let issued = place.redeem(&code, 100 + CODE_LIFE - 1).unwrap();
    assert_eq!((issued.scope, issued.seconds), (OAuthScope::Write, ACCESS_LIFE));
    assert_eq!(place.allows(issued.access.expose(), 200), Some(OAuthScope::Write));
    // The second time is somebody else's: all that came of it has ended, however late it is.
    let refreshed = place.refresh(issued.refresh.unwrap().expose(), None, 300).unwrap();
    assert!(matches!(place.redeem(&code, 5000), Err(Refusal::Reused(grant)) if grant.user == place.ann && grant.client_name == "Agent"));
    assert_eq!(place.allows(refreshed.access.expose(), 301), None);
    assert!(unknown(place.refresh(refreshed.refresh.unwrap().expose(), None, 301)) && unknown(place.redeem(&code, 101)));
}

#[test]
fn a_code_is_good_only_while_whoever_allowed_it_is_logged_in() {
    let place = place();
    let code = place.code(true, 100);
    place.directory.end_session(&place.session).unwrap();
    assert!(unknown(place.redeem(&code, 101)));
}

/// Case 25.
#[test]
fn case_25_refresh_tokens_are_exchanged_and_those_used_up_end_everything() {
    let place = place();
    let first = place.redeem(&place.code(true, 100), 101).unwrap();
    let old = first.refresh.unwrap();
    assert!(matches!(place.refresh(old.expose(), Some(OAuthScope::Upload), 110), Err(Refusal::TooWide)));
    assert!(unknown(place.directory.refresh_oauth(place.docs, "holti_other", old.expose(), None, 110).unwrap()));
    assert!(unknown(place.directory.refresh_oauth(place.other, CLIENT, old.expose(), None, 110).unwrap()));
    assert!(unknown(place.refresh(first.access.expose(), None, 110)), "an access token refreshes nothing");
    // What was refused used nothing up.
    let second = place.refresh(old.expose(), Some(OAuthScope::Read), 110).unwrap();
    assert_eq!((place.allows(first.access.expose(), 111), place.allows(second.access.expose(), 111)), (None, Some(OAuthScope::Read)));
    // What was narrow once may be as wide as it was allowed the next time.
    let third = place.refresh(second.refresh.unwrap().expose(), None, 120).unwrap();
    assert_eq!(third.scope, OAuthScope::Write);
    assert!(matches!(place.refresh(old.expose(), None, 130), Err(Refusal::Reused(_))));
    assert_eq!(place.allows(third.access.expose(), 131), None);
    assert!(unknown(place.refresh(third.refresh.unwrap().expose(), None, 131)));
    assert!(place.directory.oauth_grants(place.docs, 131).unwrap().is_empty());
}

#[test]
fn case_25_one_half_revoked_ends_both() {
    let place = place();
    for half in [0, 1] {
        let issued = place.redeem(&place.code(true, 100), 101).unwrap();
        let (access, refresh) = (issued.access.expose().to_string(), issued.refresh.unwrap().expose().to_string());
        let shown = [&access, &refresh][half];
        let revoke = |wiki, client, token: &str| place.directory.revoke_oauth_token(wiki, client, token).unwrap();
        assert!(revoke(place.docs, "holti_other", shown).is_none() && revoke(place.other, CLIENT, shown).is_none());
        assert_eq!(place.allows(&access, 102), Some(OAuthScope::Write));
        assert!(revoke(place.docs, CLIENT, shown).is_some() && revoke(place.docs, CLIENT, shown).is_none());
        assert!(place.allows(&access, 102).is_none() && unknown(place.refresh(&refresh, None, 102)));
    }
}

#[test]
fn tokens_end_in_time_and_refreshing_puts_it_off() {
    let place = place();
    let issued = place.redeem(&place.code(true, 100), 100).unwrap();
    assert_eq!(place.allows(issued.access.expose(), 100 + ACCESS_LIFE - 1), Some(OAuthScope::Write));
    assert_eq!(place.allows(issued.access.expose(), 100 + ACCESS_LIFE), None);
    let late = 100 + REFRESH_LIFE - 1;
    let next = place.refresh(issued.refresh.unwrap().expose(), None, late).unwrap().refresh.unwrap();
    assert!(unknown(place.refresh(next.expose(), None, late + REFRESH_LIFE)));
    assert!(place.refresh(next.expose(), None, late + REFRESH_LIFE - 1).is_ok());
    // Who has no use for refresh tokens gets none, and a token for a week.
    let issued = place.redeem(&place.code(false, 100), 100).unwrap();
    assert!(issued.refresh.is_none() && issued.seconds == LONG_ACCESS_LIFE);
    assert!(
        place.allows(issued.access.expose(), 99 + LONG_ACCESS_LIFE).is_some()
            && place.allows(issued.access.expose(), 100 + LONG_ACCESS_LIFE).is_none()
    );
}

/// Case 22.
#[test]
fn case_22_a_question_is_answered_once_within_ten_minutes_by_whom_it_was_put_to() {
    let place = place();
    let (ben, asked) = (user(&place.directory, "ben@example.org"), place.ask(true, 100));
    let decide = |wiki, user, now| place.directory.decide_oauth(wiki, &asked, user, &place.session, Some(OAuthScope::Read), now).unwrap();
    let before = |decided: Decided| matches!(decided, Decided::Before);
    assert!(before(decide(place.docs, ben, 101)) && before(decide(place.other, place.ann, 101)));
    assert!(before(decide(place.docs, place.ann, 100 + REQUEST_LIFE)));
    assert!(place.directory.oauth_request(place.docs, &asked, 100 + REQUEST_LIFE).unwrap().is_none());
    assert!(place.directory.oauth_request(place.other, &asked, 101).unwrap().is_none());
    // Two at once do not disturb each other.
    let second = place.ask(true, 101);
    let Decided::Now(Some(code)) = decide(place.docs, place.ann, 102) else { panic!("refused") };
    assert!(before(decide(place.docs, place.ann, 103)));
    assert!(place.directory.oauth_request(place.docs, &asked, 103).unwrap().unwrap().decided);
    assert!(matches!(place.decide(&second, None, 103), Decided::Now(None)));
    let request = place.directory.oauth_request(place.docs, &second, 103).unwrap().unwrap();
    assert_eq!(
        (request.user, request.redirect.as_str(), request.state.as_deref(), request.decided),
        (place.ann, CALLBACK, Some("s"), true)
    );
    // Less than what was asked for can be allowed.
    assert_eq!(place.redeem(code.expose(), 104).unwrap().scope, OAuthScope::Read);
}

#[test]
fn clients_are_known_to_their_wiki_by_ids_of_ours_and_bounded() {
    let place = place();
    let new = |secrecy, network| NewOAuthClient { wiki: place.docs, name: "Agent", redirects: &[], secrecy, refreshes: true, network };
    let register = |new: &NewOAuthClient<'_>, now| place.directory.register_oauth_client(new, now).unwrap();
    let redirects = [CALLBACK.to_string(), "https://agent.example/back".to_string()];
    let Registered::Yes(made, Some(secret)) = register(&NewOAuthClient { redirects: &redirects, ..new(Secrecy::Secret, None) }, 100) else {
        panic!("no client");
    };
    let found = place.directory.oauth_client(place.docs, &made.id).unwrap().unwrap();
    assert_eq!((found.redirects.as_slice(), found.secrecy()), (redirects.as_slice(), Secrecy::Secret));
    assert!(found.proves(Some(secret.expose())) && !found.proves(None) && !found.proves(Some("holts_x")));
    assert!(place.directory.oauth_client(place.other, &made.id).unwrap().is_none());
    let Registered::Yes(public, None) = register(&new(Secrecy::Public, None), 100) else { panic!("no client") };
    assert!(public.proves(None) && !public.proves(Some("x")) && public.id != made.id);
    // Ten an hour from one place.
    for i in 0..10 {
        assert!(matches!(register(&new(Secrecy::Public, Some("192.0.2.1")), 1000 + i), Registered::Yes(..)));
    }
    assert!(matches!(register(&new(Secrecy::Public, Some("192.0.2.1")), 1100), Registered::TooMany { seconds: 3500 }));
    assert!(matches!(register(&new(Secrecy::Public, Some("192.0.2.2")), 1100), Registered::Yes(..)));
    assert!(matches!(register(&new(Secrecy::Public, Some("192.0.2.1")), 1000 + 3600), Registered::Yes(..)));
    // Who is never allowed anything is forgotten after a day; where they came from after an hour.
    assert!(matches!(register(&new(Secrecy::Public, None), 100 + 24 * 3600), Registered::Yes(..)));
    assert!(place.directory.oauth_client(place.docs, &made.id).unwrap().is_none());
    let db = rusqlite::Connection::open(place.dir.path().join("holt.db")).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM oauth_clients WHERE network IS NOT NULL"), 0);
    // And there are never more than ten thousand of them.
    let there = count("SELECT count(*) FROM oauth_clients");
    let fill = "WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
        INSERT INTO oauth_clients (id, wiki, name, redirects, refreshes, created) SELECT 'x' || i, ?1, '', '', 0, 86600 FROM n";
    db.execute(fill, (place.docs.to_store(), there)).unwrap();
    assert!(matches!(register(&new(Secrecy::Public, None), 86_601), Registered::TooMany { .. }));
}

#[test]
fn grants_are_listed_ended_and_bounded() {
    let place = place();
    let unused = place.code(true, 100);
    assert!(place.directory.oauth_grants(place.docs, 101).unwrap().is_empty(), "nothing was fetched yet");
    let first = place.redeem(&unused, 101).unwrap();
    for i in 0..100 {
        assert!(place.allows(first.access.expose(), 150).is_some(), "{i}");
        place.redeem(&place.code(true, 200 + i), 200 + i).unwrap();
    }
    // The one that was used longest ago gave way to the last.
    assert_eq!(place.allows(first.access.expose(), 300), None);
    let grants = place.directory.oauth_grants(place.docs, 301).unwrap();
    assert_eq!((grants.len(), grants[0].client.as_str(), grants[0].scope), (100, CLIENT, OAuthScope::Write));
    assert!(grants.windows(2).all(|two| two[0].id > two[1].id));
    assert_eq!(place.directory.end_oauth_grant(place.other, grants[0].id).unwrap_err().kind, ErrorKind::NotFound);
    place.directory.end_oauth_grant(place.docs, grants[0].id).unwrap();
    assert_eq!(place.directory.end_oauth_grant(place.docs, grants[0].id).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(place.directory.oauth_grants(place.docs, 301).unwrap().len(), 99);
    // Who is taken out of the wiki takes their programs along.
    place.directory.lock_out(place.ann, place.docs).unwrap();
    assert!(place.directory.oauth_grants(place.docs, 301).unwrap().is_empty());
}

#[test]
fn too_many_questions_are_refused_and_old_ones_forgotten() {
    let place = place();
    for _ in 0..50 {
        place.ask(true, 100);
    }
    let new = NewOAuthRequest {
        wiki: place.docs,
        user: place.ann,
        client: CLIENT,
        client_name: "",
        refreshes: true,
        redirect: CALLBACK,
        challenge: CHALLENGE,
        scope: OAuthScope::Read,
        state: None,
    };
    assert_eq!(place.directory.ask_oauth(&new, 101).unwrap_err().kind, ErrorKind::Busy);
    assert!(place.directory.ask_oauth(&new, 100 + REQUEST_LIFE).is_ok());
}

/// Case 26, and security.md OAU-6: what is on the disk is enough to go on, and nobody can use it.
#[test]
fn case_26_all_of_it_is_on_the_disk_and_no_secret_is() {
    let Place { dir, directory, docs, ann, session, .. } = place();
    let place = Place { dir, directory, docs, other: docs, ann, session };
    let asked = place.ask(true, 100);
    let again = |place: Place| {
        let Place { dir, directory, docs, other, ann, session } = place;
        drop(directory);
        let directory = Directory::open(&dir.path().join("holt.db")).unwrap();
        Place { dir, directory, docs, other, ann, session }
    };
    let place = again(place);
    let Decided::Now(Some(code)) = place.decide(&asked, Some(OAuthScope::Write), 101) else { panic!("refused") };
    let place = again(place);
    let issued = place.redeem(code.expose(), 102).unwrap();
    let place = again(place);
    assert_eq!(place.allows(issued.access.expose(), 103), Some(OAuthScope::Write));
    let refresh = issued.refresh.unwrap();
    for file in ["holt.db", "holt.db-wal"] {
        let bytes = std::fs::read(place.dir.path().join(file)).unwrap_or_default();
        for secret in [&asked, code.expose(), issued.access.expose(), refresh.expose()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{file}");
        }
    }
    let both: Vec<u8> =
        ["holt.db", "holt.db-wal"].iter().flat_map(|file| std::fs::read(place.dir.path().join(file)).unwrap_or_default()).collect();
    assert!(both.windows(CLIENT.len()).any(|window| window == CLIENT.as_bytes()), "control: what is meant to be there is found");
    assert!(place.refresh(refresh.expose(), None, 104).is_ok());
}

/// Case 35. Nothing here signs with a secret that somebody has to bring along: codes and tokens are random and kept as hashes, and what is
/// signed (cookies of readers) is signed by a secret that an installation makes for itself. If that is there and cannot be used, there is no start.
#[test]
fn case_35_a_damaged_secret_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Engine::open(EngineOptions::new(dir.path(), Clock::fixed(100)));
    drop(open().unwrap());
    drop(open().unwrap());
    let db = rusqlite::Connection::open(dir.path().join("holt.db")).unwrap();
    assert_eq!(db.execute("UPDATE secrets SET value = x'00'", []).unwrap(), 1, "the control: there is one");
    drop(db);
    assert_eq!(open().map(drop).unwrap_err().kind, ErrorKind::Internal);
}
