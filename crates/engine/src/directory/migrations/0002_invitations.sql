-- Links by which somebody joins a wiki. mailed: the secret went to email and to nobody else, so that whoever has it reads mail sent there.

CREATE TABLE invitations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,
    wiki INTEGER NOT NULL REFERENCES wikis (id),
    email TEXT,
    name TEXT NOT NULL,
    mailed INTEGER NOT NULL,
    is_admin INTEGER NOT NULL,
    allow_read INTEGER NOT NULL,
    allow_write INTEGER NOT NULL,
    allow_upload INTEGER NOT NULL,
    uses_left INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX invitations_wiki ON invitations (wiki);
