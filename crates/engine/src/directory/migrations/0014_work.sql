-- What wikis want done beside what their people wait for. A row in `moved` says that a wiki has new commits, and since when it waits to be looked at;
-- `seq` grows with every move, so that each worker knows by one number what it has seen.
CREATE TABLE moved (
    wiki INTEGER PRIMARY KEY REFERENCES wikis (id),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL
);
CREATE UNIQUE INDEX moved_seq ON moved (seq);
-- All that are there are looked at once.
INSERT INTO moved (wiki, seq, at) SELECT id, row_number() OVER (ORDER BY id), created FROM wikis WHERE state <> 'deleted';

CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    last INTEGER NOT NULL,
    error TEXT NOT NULL,
    idle TEXT NOT NULL
) WITHOUT ROWID;

-- What a worker owes a wiki besides: what failed, and what it wants to do again at a time. due: Unix seconds; 9223372036854775807: not before somebody says so,
-- or the wiki moves. begun: while it is being done, and nobody asked for it again since; else 0.
CREATE TABLE work (
    worker TEXT NOT NULL,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    due INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (worker, wiki)
) WITHOUT ROWID;
CREATE INDEX work_due ON work (worker, due);

-- How much there is of a wiki, as it was measured last. warned: its owner was told that a limit is near.
CREATE TABLE usage (
    wiki INTEGER PRIMARY KEY REFERENCES wikis (id),
    pages INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    measured INTEGER NOT NULL,
    warned INTEGER NOT NULL
);
