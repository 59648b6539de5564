//! A data directory as robot.wtf leaves it (spec/platform.md §2): good wikis, old ones, and rows that nobody should trust.

use crate::{commits, git};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// The token of the wiki `alice`, as an agent has it configured. The database has its SHA-256 only.
pub const ROBOT_TOKEN: &str = "old-token-of-alice";

/// Runs SQL in a database file, made if it is missing, and leaves it as a server does that is killed: with what it wrote last in its
/// write-ahead log.
pub type RunSql<'a> = &'a dyn Fn(&Path, &str);

/// The tables of the newest platform database.
const PLATFORM: &str = "
CREATE TABLE users (did TEXT PRIMARY KEY, handle TEXT NOT NULL, display_name TEXT, avatar_url TEXT, created_at TEXT NOT NULL, wiki_count INTEGER DEFAULT 0);
CREATE TABLE wikis (slug TEXT PRIMARY KEY, owner_did TEXT NOT NULL REFERENCES users(did), display_name TEXT NOT NULL, repo_path TEXT NOT NULL,
    mcp_token_hash TEXT, is_public INTEGER DEFAULT 0, created_at TEXT NOT NULL, last_accessed TEXT, page_count INTEGER DEFAULT 0,
    disk_usage_bytes INTEGER DEFAULT 0);
CREATE UNIQUE INDEX idx_wikis_token ON wikis (mcp_token_hash);
CREATE TABLE oauth_auth_requests (state TEXT PRIMARY KEY, authserver_iss TEXT, did TEXT, handle TEXT, pds_url TEXT, pkce_verifier TEXT, scope TEXT,
    dpop_authserver_nonce TEXT, dpop_private_jwk TEXT, created_at TEXT);
CREATE TABLE oauth_sessions (did TEXT PRIMARY KEY, handle TEXT, pds_url TEXT, authserver_iss TEXT, access_token TEXT, refresh_token TEXT,
    dpop_authserver_nonce TEXT, dpop_private_jwk TEXT, created_at TEXT);
CREATE TABLE mcp_oauth_clients (client_id TEXT PRIMARY KEY, client_name TEXT, redirect_uris TEXT, client_secret_hash TEXT, created_at TEXT);
CREATE TABLE reindex_queue (wiki_slug TEXT, page_path TEXT, action TEXT, queued_at TEXT, PRIMARY KEY (wiki_slug, page_path));";

/// The table of rights that earlier versions had.
const ACLS: &str = "
CREATE TABLE acls (wiki_slug TEXT NOT NULL, grantee_did TEXT NOT NULL, role TEXT NOT NULL, granted_by TEXT, granted_at TEXT,
    PRIMARY KEY (wiki_slug, grantee_did));
INSERT INTO acls VALUES ('unopened', 'did:plc:carol', 'editor', 'did:plc:bob', '2026-02-01T00:00:00+00:00'),
    ('unopened', 'did:plc:dave1', 'emperor', NULL, NULL), ('unopened', 'not a did', 'editor', NULL, NULL),
    ('alice', 'did:plc:dave1', 'owner', 'did:plc:alice', '2026-02-01T00:00:00+00:00');";

/// The tables of a wiki.
const WIKI: &str = "
CREATE TABLE preferences (name VARCHAR(256) PRIMARY KEY, value VARCHAR(256));
CREATE TABLE drafts (id INTEGER PRIMARY KEY, pagepath VARCHAR(2048), revision VARCHAR(64), author_email VARCHAR(256), content TEXT,
    cursor_line INTEGER, cursor_ch INTEGER, datetime TIMESTAMP);
CREATE TABLE user (id INTEGER PRIMARY KEY, name VARCHAR(128), email VARCHAR(128) UNIQUE, password_hash VARCHAR(512), first_seen TIMESTAMP,
    last_seen TIMESTAMP, is_approved BOOLEAN DEFAULT 0, is_admin BOOLEAN DEFAULT 0, email_confirmed BOOLEAN DEFAULT 0,
    allow_read BOOLEAN DEFAULT 0, allow_write BOOLEAN DEFAULT 0, allow_upload BOOLEAN DEFAULT 0);
CREATE TABLE cache (key VARCHAR(64) PRIMARY KEY, value TEXT, datetime TIMESTAMP);";

const PEOPLE: &str = "
INSERT INTO users VALUES
    ('did:plc:alice', 'alice.bsky.social', 'Alice', NULL, '2026-01-01T08:00:00+00:00', 1),
    ('did:plc:bob', 'bob.example.com', 'Bob', NULL, '2026-01-02T08:00:00.123456+00:00', 1),
    ('did:plc:carol', 'carol.example.org', NULL, NULL, '2026-01-03T08:00:00Z', 0),
    ('did:plc:dave1', 'dave.one.example', NULL, NULL, '2026-01-03T08:00:00Z', 0),
    ('did:plc:dave2', 'dave.two.example', NULL, NULL, 'last tuesday', 0),
    ('did:plc:twin1', 'twin.example.org', NULL, NULL, '2026-01-03T08:00:00Z', 0),
    ('did:plc:twin2', 'twin.example.org', NULL, NULL, '2026-01-03T08:00:00Z', 0),
    ('did:plc:odd', 'Not A Handle', NULL, NULL, '2026-01-03T08:00:00Z', 0),
    ('../../etc/passwd', 'evil.example.org', NULL, NULL, '2026-01-03T08:00:00Z', 0),
    (CAST(X'6469643aff' AS TEXT), 'bytes.example.org', NULL, NULL, '2026-01-03T08:00:00Z', 0);";

/// Rows of `wikis`; of the token only `alice` has one that counts.
const WIKIS: &str = "
INSERT INTO wikis (slug, owner_did, display_name, repo_path, mcp_token_hash, created_at, last_accessed) VALUES
    ('alice', 'did:plc:alice', 'Alice in Wikiland', '/srv/data/wikis/alice/repo', '8e0839e48abefb9851dc9be085e092497a62b7e2c45853ef2708194659b995b1',
        '2026-01-05T10:00:00+00:00', '2026-02-05T10:00:00+00:00'),
    ('dev', 'did:plc:bob', 'Development', '/etc', 'invalidated:dev', 'soon', '3026-02-05T10:00:00+00:00'),
    ('unopened', 'did:plc:bob', '', 'wikis/alice/repo', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('two--hyphens', 'did:plc:nobody', 'Of somebody who is in no table', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('../escape', 'did:plc:alice', 'Up', '/', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('Capital', 'did:plc:alice', 'Loud', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    (CAST(X'736c7567ff' AS TEXT), 'did:plc:alice', CAST(X'ff' AS TEXT), '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('elsewhere', 'did:plc:alice', 'Its row names the repository of another', 'wikis/alice/repo', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('linked', 'did:plc:alice', 'A link', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('linkeddb', 'did:plc:alice', 'A link to a database', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('borrowed', 'did:plc:alice', 'Alternates', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('headless', 'did:plc:alice', 'No HEAD', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('corrupt', 'did:plc:alice', 'Corrupt', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('damaged', 'did:plc:alice', 'An object is gone', '', NULL, '2026-01-06T10:00:00+00:00', NULL),
    ('stolen', 'evil.example.org', 'Its owner is no DID', '', NULL, '2026-01-06T10:00:00+00:00', NULL);";

/// Slugs of [`robot_wtf`] that cannot come in, as the database has them.
pub const ROBOT_BROKEN: &[&str] =
    &["../escape", "Capital", "slug\u{FFFD}", "elsewhere", "linked", "linkeddb", "borrowed", "headless", "corrupt", "damaged", "stolen"];
/// Those that can.
pub const ROBOT_GOOD: &[&str] = &["alice", "dev", "unopened", "two--hyphens"];

const ALICE: &str = "
INSERT INTO preferences VALUES ('READ_ACCESS', 'APPROVED'), ('WRITE_ACCESS', 'APPROVED'), ('ATTACHMENT_ACCESS', 'APPROVED'),
    ('AUTH_METHOD', 'PROXY_HEADER'), ('DISABLE_REGISTRATION', 'True'), ('AUTO_APPROVAL', 'False'), ('SITE_ICON', '/platform/robot.wtf.svg'),
    ('SITE_LOGO', '/platform/robot.wtf.svg'), ('GIT_WEB_SERVER', 'True'), ('_schema_version', '3'), ('SITE_NAME', 'Alice''s Wiki'),
    ('SITE_DESCRIPTION', 'What Alice knows');
INSERT INTO user (name, email, first_seen, last_seen, is_approved, is_admin, allow_read, allow_write, allow_upload) VALUES
    ('alice', '@alice.bsky.social', '2026-01-05 10:00:00.000001', '2026-02-05 10:00:00', 1, 1, 1, 1, 1),
    ('bob', '@Bob.Example.com', '2026-01-06 10:00:00', '2026-01-07 10:00:00', 1, 0, 1, 1, 0),
    ('carol', '@carol', 'never', NULL, 1, 1, 1, 0, 0),
    ('dave', '@dave', '2026-01-06 10:00:00', NULL, 1, 1, 1, 1, 1),
    ('twin', '@twin.example.org', '2026-01-06 10:00:00', NULL, 1, 1, 1, 1, 1),
    ('ghost', '@ghost.example.org', '2026-01-06 10:00:00', NULL, 1, 1, 1, 1, 1),
    ('mail', 'mail@example.org', '2026-01-06 10:00:00', NULL, 1, 1, 1, 1, 1),
    (CAST(X'ff' AS TEXT), CAST(X'40616c696365ff' AS TEXT), '2026-01-06 10:00:00', NULL, 1, 1, 1, 1, 1),
    (NULL, NULL, NULL, NULL, 'yes', NULL, NULL, NULL, NULL);
INSERT INTO drafts (pagepath, revision, author_email, content, cursor_line, cursor_ch, datetime) VALUES
    ('Home', '', '@bob.example.com', 'half a thought', 1, 4, '2026-01-07 10:00:00'),
    ('Home', '', '@ghost.example.org', 'whose is it?', 0, 0, '2026-01-07 10:00:00'),
    ('../../etc/passwd', '', '@bob.example.com', 'no page', 0, 0, '2026-01-07 10:00:00');";

/// A wiki of version 2, whose owner's row has the short handle.
const DEV: &str = "
INSERT INTO preferences VALUES ('READ_ACCESS', 'ANONYMOUS'), ('WRITE_ACCESS', 'REGISTERED'), ('ATTACHMENT_ACCESS', 'EVERYBODY'),
    ('SITE_LOGO', 'https://robot.wtf/static/logo.svg'), ('_schema_version', '2');
INSERT INTO user (name, email, first_seen, last_seen, is_approved, is_admin, allow_read, allow_write, allow_upload) VALUES
    ('bob', '@bob', '2026-01-05 10:00:00', '2026-02-05 10:00:00', 1, 1, 1, 1, 1);";

/// Makes the directory `data`.
///
/// # Panics
/// If the machine does not let it.
pub fn robot_wtf(data: &Path, sql: RunSql<'_>) {
    let wikis = data.join("wikis");
    fs::create_dir_all(&wikis).expect("a directory");
    sql(&data.join("robot.db"), &[PLATFORM, ACLS, PEOPLE, WIKIS].concat());
    sql(&data.join("mcp_oauth.db"), "CREATE TABLE clients (id TEXT PRIMARY KEY);");
    for key in ["signing_key.pem", "client_jwk.json"] {
        fs::write(data.join(key), "secret").expect("a file");
    }
    for slug in ["alice", "dev", "unopened", "two--hyphens", "linkeddb", "borrowed", "headless", "corrupt", "damaged", "stolen"] {
        let dir = wikis.join(slug);
        repository(&dir.join("repo"), slug);
        if !["unopened", "linkeddb", "corrupt"].contains(&slug) {
            sql(&dir.join("wiki.db"), WIKI);
        }
    }
    sql(&wikis.join("alice/wiki.db"), ALICE);
    sql(&wikis.join("dev/wiki.db"), DEV);
    repository(&data.join("escape/repo"), "escape");
    repository(&wikis.join("Capital/repo"), "Capital");
    fs::create_dir_all(wikis.join("elsewhere")).expect("a directory");
    fs::create_dir_all(wikis.join("linked")).expect("a directory");
    symlink("../alice/repo", wikis.join("linked/repo")).expect("a link");
    symlink("../alice/wiki.db", wikis.join("linkeddb/wiki.db")).expect("a link");
    let objects = wikis.join("alice/repo/.git/objects");
    fs::write(wikis.join("borrowed/repo/.git/objects/info/alternates"), format!("{}\n", objects.display())).expect("a file");
    fs::write(wikis.join("headless/repo/.git/HEAD"), "nonsense\n").expect("a file");
    fs::write(wikis.join("corrupt/wiki.db"), [b"SQLite format 3\0".as_slice(), &[0x5a; 4000]].concat()).expect("a file");
    let repo = wikis.join("damaged/repo");
    let blob = git(&repo, &["rev-parse", "HEAD:Home.md"]);
    fs::remove_file(repo.join(".git/objects").join(&blob[..2]).join(&blob[2..])).expect("a loose object");
}

/// A repository with a work tree, as robot.wtf makes it.
fn repository(dir: &Path, slug: &str) {
    fs::create_dir_all(dir).expect("a directory");
    git(dir, &["init", "--quiet", "--initial-branch=main", "."]);
    let pages = format!("//- /Home.md by:ann\n# Home of {slug}\n\n[[Getting_Started]]\n//- /Getting_Started.md by:ann rev:2\nWelcome.\n");
    for commit in commits(&pages) {
        for (file, text) in commit.files {
            fs::write(dir.join(file), text).expect("a file");
        }
        git(dir, &["add", "--all"]);
        git(dir, &["commit", "--quiet", "--message", "A change"]);
    }
    fs::create_dir_all(dir.join(".git/objects/info")).expect("a directory");
}
