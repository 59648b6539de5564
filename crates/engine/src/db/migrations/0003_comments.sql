-- What people say about pages, whom it concerns, and who watches what. Not in the repository (GIT-11): every fetch would take it along.
-- key is the page's key, pagepath its spelling; both follow a rename. Names and addresses are those of the moment. Times are Unix seconds.

CREATE TABLE threads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    pagepath TEXT NOT NULL,
    -- The words of the page it is about and what stands around them; empty: the whole page.
    quote TEXT NOT NULL,
    quote_before TEXT NOT NULL,
    quote_after TEXT NOT NULL,
    resolved_at INTEGER,
    resolved_by INTEGER,
    resolved_name TEXT
);
CREATE INDEX threads_of_page ON threads (key);

-- The first comment of a thread stays while it has replies: deleted, it says nothing any more.
CREATE TABLE comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    thread INTEGER NOT NULL REFERENCES threads (id) ON DELETE CASCADE,
    author_id INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    content TEXT NOT NULL,
    created INTEGER NOT NULL,
    edited INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX comments_of_thread ON comments (thread, id);
CREATE INDEX comments_of_author ON comments (author_id, created);

-- What somebody finds in their inbox. kind: mention, reply.
CREATE TABLE notices (
    user_id INTEGER NOT NULL,
    comment INTEGER NOT NULL REFERENCES comments (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, comment)
) WITHOUT ROWID;
CREATE INDEX notices_of_comment ON notices (comment);

-- since: the revision the wiki stood at then; what was before is no news.
CREATE TABLE watches (
    user_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    pagepath TEXT NOT NULL,
    below INTEGER NOT NULL,
    since TEXT NOT NULL,
    PRIMARY KEY (user_id, key)
) WITHOUT ROWID;

-- How far somebody has looked (seen) and has been told by mail (mailed_*). digest: none, daily, weekly, at-once.
CREATE TABLE readers (
    user_id INTEGER PRIMARY KEY,
    seen TEXT NOT NULL DEFAULT '',
    digest TEXT NOT NULL DEFAULT 'none',
    mailed_at INTEGER NOT NULL DEFAULT 0,
    mailed_revision TEXT NOT NULL DEFAULT '',
    mailed_comment INTEGER NOT NULL DEFAULT 0
);
