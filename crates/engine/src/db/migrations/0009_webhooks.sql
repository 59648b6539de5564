-- Whom the wiki tells what happens, and what they are owed. Secrets have to be known to sign with them, and stand here as the password of a mail server
-- stands in the preferences: not sealed (docs/status.md). Times are Unix seconds.

CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    -- The one before, which messages are signed with as well for some time.
    old_secret TEXT,
    old_until INTEGER,
    -- JSON: the words of what it is told.
    events TEXT NOT NULL,
    -- Only what is at this page or below it.
    prefix TEXT,
    -- on, failing (a message was given up), off (by somebody), gone (its server said so), broken (nothing came through for long).
    state TEXT NOT NULL,
    -- Attempts that failed, in a row; until when it is left alone for that.
    failures INTEGER NOT NULL DEFAULT 0,
    resumes INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    -- What it has been told of or is owed: everything up to here. No revision in a wiki that was empty.
    told_revision TEXT,
    told_comment INTEGER NOT NULL,
    told_proposal INTEGER NOT NULL
);

-- A message to one of them. message: its id on the wire, the same however often it is sent. body: what is sent, as it was when it was recorded.
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message TEXT NOT NULL,
    event TEXT NOT NULL,
    revision TEXT,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    -- When it is to be sent; nothing if it is done with.
    due INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Of the last attempt: when, for how many milliseconds, what the server answered, or why it did not.
    at INTEGER,
    took INTEGER,
    status INTEGER,
    error TEXT,
    UNIQUE (webhook, message)
);
CREATE INDEX deliveries_due ON deliveries (webhook, due) WHERE due IS NOT NULL;
