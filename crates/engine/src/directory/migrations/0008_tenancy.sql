-- Many wikis of many people: whose a wiki is, what it may hold, when somebody was there last, and how people come from the platform into it.

-- owner: NULL for wikis of the machine itself. plan: NULL: no limits but the wiki's own. trashed: since when it waits to be removed, Unix
-- seconds. last_access: Unix seconds, give or take an hour; 0: not since this is noted. spoken: of a suspended wiki, whether everybody may
-- know that it is there, as everybody could read it.
ALTER TABLE wikis ADD COLUMN owner INTEGER REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE wikis ADD COLUMN plan TEXT;
ALTER TABLE wikis ADD COLUMN trashed INTEGER;
ALTER TABLE wikis ADD COLUMN last_access INTEGER NOT NULL DEFAULT 0;
ALTER TABLE wikis ADD COLUMN spoken INTEGER NOT NULL DEFAULT 0;
CREATE INDEX wikis_owner ON wikis (owner) WHERE owner IS NOT NULL;
CREATE INDEX wikis_trashed ON wikis (trashed) WHERE trashed IS NOT NULL;

-- What wikis of a plan may have. NULL: as many as they like. wikis: of one person. writes: a minute, by one client in one wiki. warn: per cent
-- of a limit from which on its people are told.
CREATE TABLE plans (
    name TEXT PRIMARY KEY,
    wikis INTEGER CHECK (wikis >= 0),
    pages INTEGER CHECK (pages > 0),
    bytes INTEGER CHECK (bytes > 0),
    writes INTEGER CHECK (writes > 0),
    members INTEGER CHECK (members > 0),
    warn INTEGER NOT NULL CHECK (warn BETWEEN 1 AND 100)
) WITHOUT ROWID;
INSERT INTO plans (name, wikis, pages, bytes, writes, members, warn) VALUES ('free', 1, 500, 52428800, 60, 100, 80);

-- Tokens by which programs look after somebody's wikis. They open no wiki.
CREATE TABLE platform_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'manage')),
    label TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    last_used INTEGER
);
CREATE INDEX platform_tokens_user ON platform_tokens (user);

-- parent: the session on the platform by which one in a wiki was begun; it ends with it.
ALTER TABLE sessions ADD COLUMN parent BLOB;
CREATE INDEX sessions_parent ON sessions (parent) WHERE parent IS NOT NULL;

-- Codes that bring somebody who is logged in on the platform into one wiki. challenge: the SHA-256 of what that browser keeps for the wiki.
CREATE TABLE sign_ins (
    hash BLOB PRIMARY KEY,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    parent BLOB NOT NULL,
    challenge BLOB NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_ins_expires ON sign_ins (expires);
CREATE INDEX sign_ins_user ON sign_ins (user);

-- Who somebody is elsewhere. A subject is an account's for ever: a name that moves on gives nothing.
CREATE TABLE identities (
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    PRIMARY KEY (provider, subject)
) WITHOUT ROWID;
CREATE INDEX identities_user ON identities (user);
