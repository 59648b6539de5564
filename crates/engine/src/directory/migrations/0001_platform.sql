-- What an installation knows beside its wikis. Times are Unix seconds. Secrets are stored as SHA-256 only.

CREATE TABLE wikis (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'deleted'))
);
CREATE UNIQUE INDEX wikis_slug ON wikis (slug) WHERE state <> 'deleted';

-- A slug that was given up leads nowhere for a while, so that old links do not reach strangers.
CREATE TABLE freed_slugs (
    slug TEXT PRIMARY KEY,
    wiki INTEGER NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;

-- AUTOINCREMENT: the id of a deleted account never becomes somebody else's.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT NOT NULL,
    password_hash TEXT,
    operator INTEGER NOT NULL,
    email_confirmed INTEGER NOT NULL,
    created INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
);
CREATE INDEX users_operator ON users (id) WHERE operator;

CREATE TABLE sessions (
    hash BLOB PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    wiki INTEGER REFERENCES wikis (id),
    created INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    csrf BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user);
CREATE INDEX sessions_wiki ON sessions (wiki);
CREATE INDEX sessions_last_used ON sessions (last_used);

CREATE TABLE one_time (
    hash BLOB PRIMARY KEY,
    purpose TEXT NOT NULL,
    user INTEGER REFERENCES users (id) ON DELETE CASCADE,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX one_time_user ON one_time (user);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    user INTEGER REFERENCES users (id) ON DELETE CASCADE,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'propose', 'write', 'admin')),
    label TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER
);
CREATE INDEX tokens_wiki ON tokens (wiki);
CREATE INDEX tokens_user ON tokens (user);

CREATE TABLE login_attempts (
    account TEXT NOT NULL,
    address TEXT NOT NULL,
    time INTEGER NOT NULL
);
CREATE INDEX login_attempts_account ON login_attempts (account, time);
CREATE INDEX login_attempts_address ON login_attempts (address, time);
CREATE INDEX login_attempts_time ON login_attempts (time);

-- Wikis whose derived data may lag behind: opened and brought to HEAD at the next start.
CREATE TABLE dirty (
    wiki INTEGER PRIMARY KEY,
    since INTEGER NOT NULL
);

CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    wiki INTEGER,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    result TEXT NOT NULL
);
CREATE INDEX audit_wiki ON audit (wiki, id);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_shortened BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
