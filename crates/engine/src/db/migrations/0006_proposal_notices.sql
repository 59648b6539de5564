-- What somebody finds in their inbox about proposals. kind: open (one waits that they may decide), or what became of their own: accepted,
-- partly-accepted, rejected, expired. Times are Unix seconds.
CREATE TABLE proposal_notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    number INTEGER NOT NULL REFERENCES proposals (number) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    time INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    UNIQUE (user_id, number, kind)
);
CREATE INDEX proposal_notices_of_somebody ON proposal_notices (user_id, id);
CREATE INDEX proposal_notices_of_proposal ON proposal_notices (number);

-- Up to which of them somebody has been told by mail.
ALTER TABLE readers ADD COLUMN mailed_proposal INTEGER NOT NULL DEFAULT 0;
