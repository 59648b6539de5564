-- Who brought a commit by `git push`, by their credential; what the commit says of its author is another matter (security.md GIT-16). Noted before
-- the branch moves: a row whose commit is not in the history means nothing.
CREATE TABLE pushers (
    revision BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL
) WITHOUT ROWID;
