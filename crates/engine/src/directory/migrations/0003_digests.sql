-- When a wiki is next to be asked whom it owes mail, so that those where nothing happens stay closed. A wiki without a row is never asked.
-- due: Unix seconds; 9223372036854775807: when something happens. listens: whether somebody is told of what happens next, and no time for that
-- is planned yet.
CREATE TABLE digests (
    wiki INTEGER PRIMARY KEY REFERENCES wikis (id),
    due INTEGER NOT NULL,
    listens INTEGER NOT NULL
);
CREATE INDEX digests_due ON digests (due);

-- Who wants mail stands in each wiki: all are asked once.
INSERT INTO digests (wiki, due, listens) SELECT id, 0, 1 FROM wikis WHERE state <> 'deleted';
