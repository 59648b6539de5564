-- A repository elsewhere that the wiki is kept the same as. At most one row. The token stands as it is, as secrets of webhooks do. Times are Unix seconds.
CREATE TABLE mirror (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    url TEXT NOT NULL,
    branch TEXT NOT NULL,
    username TEXT NOT NULL,
    token TEXT NOT NULL,
    -- push, pull, both
    direction TEXT NOT NULL,
    -- Seconds between two looks at the remote.
    every INTEGER NOT NULL,
    active INTEGER NOT NULL,
    -- What the remote had when they were the same last, or when all of it was taken in.
    seen TEXT,
    -- Of the last look: when, and why it failed, if it did; how many did in a row.
    tried INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    -- When all went well last, and at which revision.
    synced INTEGER NOT NULL DEFAULT 0,
    revision TEXT,
    -- How often somebody asked for a look: what was asked while one is under way is not answered by it.
    asked INTEGER NOT NULL DEFAULT 0
);
