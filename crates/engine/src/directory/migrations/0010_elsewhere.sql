-- People who log in elsewhere: what is kept while they are on their way, and what they are called there.

-- hash: the SHA-256 of the state that goes there and comes back. challenge: the SHA-256 of what that browser keeps meanwhile. wiki: where they
-- come back to; NULL: to the platform. user: the account that the identity is to be connected with; NULL: somebody logs in. back: the address
-- they come back to. data: what the provider needs to know then, in JSON. expires: Unix seconds.
CREATE TABLE sign_in_requests (
    hash BLOB PRIMARY KEY,
    provider TEXT NOT NULL,
    challenge TEXT NOT NULL,
    wiki INTEGER REFERENCES wikis (id),
    user INTEGER REFERENCES users (id) ON DELETE CASCADE,
    back TEXT NOT NULL,
    data TEXT NOT NULL,
    return_to TEXT NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_in_requests_expires ON sign_in_requests (expires);
CREATE INDEX sign_in_requests_user ON sign_in_requests (user) WHERE user IS NOT NULL;

-- label: what somebody is called there, a handle or a mail address, to be shown to themselves; it decides nothing. last_used: Unix seconds.
ALTER TABLE identities ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE identities ADD COLUMN last_used INTEGER;

-- Keys that people log in with (WebAuthn). id: what the authenticator calls it. host: the only place where it is good. key: COSE_Key. counter: how
-- often it says to have been used.
CREATE TABLE passkeys (
    id BLOB PRIMARY KEY,
    user INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER
) WITHOUT ROWID;
CREATE INDEX passkeys_user ON passkeys (user);
