-- Changes that wait for somebody to accept them. What they change is in the repository, at refs/holt/proposals/<number>; a row is there
-- after its ref is. Rows stay: numbers are never given again. Names and addresses are those of the moment. Times are Unix seconds.

CREATE TABLE proposals (
    number INTEGER PRIMARY KEY,
    -- open, accepted, partly-accepted, rejected, withdrawn. One whose time is over is expired, whatever stands here.
    status TEXT NOT NULL,
    -- What its maker wrote, without the trailers of the commit.
    message TEXT NOT NULL,
    -- The revisions it is made on and of; no base in a wiki that was empty.
    base TEXT,
    head TEXT NOT NULL,
    maker INTEGER NOT NULL,
    maker_name TEXT NOT NULL,
    maker_email TEXT NOT NULL,
    via TEXT,
    -- The operation of a client that made it, so that a second try is answered with the first.
    op TEXT,
    -- JSON: the files it touches; the pages it moves, as pairs.
    files TEXT NOT NULL,
    moves TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    -- What was decided. While the status is open this is what somebody was about to do when their commit did not come back.
    decision TEXT,
    decided INTEGER,
    reviewer INTEGER,
    reviewer_name TEXT,
    reason TEXT,
    revision TEXT,
    -- Whether the ref is gone.
    swept INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX proposals_by_status ON proposals (status, number);
CREATE UNIQUE INDEX proposals_by_op ON proposals (op) WHERE op IS NOT NULL;

CREATE TABLE proposal_comments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    number INTEGER NOT NULL REFERENCES proposals (number) ON DELETE CASCADE,
    author INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    content TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX comments_of_proposal ON proposal_comments (number, id);
