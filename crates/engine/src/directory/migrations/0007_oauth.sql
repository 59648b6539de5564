-- What programs are allowed by OAuth (spec/mcp.md §9). Every row belongs to one wiki: what is issued is good for that wiki's /mcp and nowhere else.

-- Programs that registered themselves. secret: NULL for those that cannot keep one. network: where that came from, for counting, until it is used.
CREATE TABLE oauth_clients (
    id TEXT PRIMARY KEY,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    name TEXT NOT NULL,
    redirects TEXT NOT NULL,
    secret BLOB,
    refreshes INTEGER NOT NULL,
    network TEXT,
    created INTEGER NOT NULL,
    last_used INTEGER
) WITHOUT ROWID;
CREATE INDEX oauth_clients_network ON oauth_clients (network, created);
CREATE INDEX oauth_clients_created ON oauth_clients (created) WHERE last_used IS NULL;

-- What somebody is asked to allow.
CREATE TABLE oauth_requests (
    hash BLOB PRIMARY KEY,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    client_name TEXT NOT NULL,
    refreshes INTEGER NOT NULL,
    redirect TEXT NOT NULL,
    challenge TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'upload')),
    state TEXT,
    expires INTEGER NOT NULL,
    decided INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX oauth_requests_expires ON oauth_requests (expires);
CREATE INDEX oauth_requests_user ON oauth_requests (user);

-- What somebody allowed, with the one code by which its tokens are fetched. session: of whoever allowed it. expires: when the last of its
-- secrets does.
CREATE TABLE oauth_grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client TEXT NOT NULL,
    client_name TEXT NOT NULL,
    refreshes INTEGER NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'upload')),
    created INTEGER NOT NULL,
    last_used INTEGER,
    expires INTEGER NOT NULL,
    code BLOB NOT NULL UNIQUE,
    code_expires INTEGER NOT NULL,
    redeemed INTEGER NOT NULL,
    redirect TEXT NOT NULL,
    challenge TEXT NOT NULL,
    session BLOB NOT NULL
);
CREATE INDEX oauth_grants_wiki ON oauth_grants (wiki, user);
CREATE INDEX oauth_grants_user ON oauth_grants (user);
CREATE INDEX oauth_grants_client ON oauth_grants (client);
CREATE INDEX oauth_grants_expires ON oauth_grants (expires);

-- replaced: of a refresh token that was exchanged for the next one. Whoever brings it again has stolen it, or was stolen from.
CREATE TABLE oauth_tokens (
    hash BLOB PRIMARY KEY,
    grant_id INTEGER NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write', 'upload')),
    expires INTEGER NOT NULL,
    replaced INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX oauth_tokens_grant ON oauth_tokens (grant_id);
CREATE INDEX oauth_tokens_expires ON oauth_tokens (expires);
