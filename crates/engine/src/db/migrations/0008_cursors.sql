-- How far each worker came, and when: what is derived elsewhere has its cursor there. note: what it keeps in mind.
CREATE TABLE cursors (
    worker TEXT PRIMARY KEY,
    revision TEXT NOT NULL,
    at INTEGER NOT NULL,
    note TEXT NOT NULL
) WITHOUT ROWID;
