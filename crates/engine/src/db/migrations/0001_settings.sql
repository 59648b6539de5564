-- What is said about one wiki and cannot be derived from its repository. Names and columns follow Otterwiki's database; times are Unix seconds.

CREATE TABLE preferences (
    name TEXT PRIMARY KEY,
    value TEXT
) WITHOUT ROWID;

-- Otterwiki's flags of a user. Who user_id is stands in holt.db.
CREATE TABLE members (
    user_id INTEGER PRIMARY KEY,
    is_admin INTEGER NOT NULL,
    is_approved INTEGER NOT NULL,
    allow_read INTEGER NOT NULL,
    allow_write INTEGER NOT NULL,
    allow_upload INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
);

-- key is the page's key: all spellings of a path share one draft per author.
CREATE TABLE drafts (
    key TEXT NOT NULL,
    pagepath TEXT NOT NULL,
    revision TEXT NOT NULL,
    author_email TEXT NOT NULL COLLATE NOCASE,
    content TEXT NOT NULL,
    cursor_line INTEGER NOT NULL,
    cursor_ch INTEGER NOT NULL,
    datetime INTEGER NOT NULL,
    PRIMARY KEY (key, author_email)
);
