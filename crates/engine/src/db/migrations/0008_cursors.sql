-- How far each worker came: what is derived elsewhere has its cursor there.
CREATE TABLE cursors (
    worker TEXT PRIMARY KEY,
    revision TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
