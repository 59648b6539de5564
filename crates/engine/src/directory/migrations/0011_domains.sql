-- Names of wikis that are not below the platform's domain, and mail to people who have no account yet.

-- name: lower case, ASCII. token: what a text in the DNS has to say. created: since when it is claimed. verified: since when the claim is shown to
-- be true; NULL: it is not. proven: when it was last seen to be. checked: when that was last asked. lost: since when the text is missing. main:
-- whether this is the wiki's address. Of a name there may be many claims, but one that is true.
CREATE TABLE domains (
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    created INTEGER NOT NULL,
    verified INTEGER,
    proven INTEGER,
    checked INTEGER,
    lost INTEGER,
    main INTEGER NOT NULL DEFAULT 0 CHECK (main = 0 OR verified IS NOT NULL),
    PRIMARY KEY (wiki, name)
) WITHOUT ROWID;
CREATE UNIQUE INDEX domains_name ON domains (name) WHERE verified IS NOT NULL;
CREATE UNIQUE INDEX domains_main ON domains (wiki) WHERE main = 1;
CREATE INDEX domains_checked ON domains (checked) WHERE verified IS NOT NULL;
CREATE INDEX domains_created ON domains (created) WHERE verified IS NULL;

-- NULL: as many as they like.
ALTER TABLE plans ADD COLUMN domains INTEGER CHECK (domains >= 0);
UPDATE plans SET domains = 1 WHERE name = 'free';

-- People who asked for an account and have yet to show that they read mail sent to the address.
CREATE TABLE sign_ups (
    hash BLOB PRIMARY KEY,
    email TEXT NOT NULL,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sign_ups_expires ON sign_ups (expires);
