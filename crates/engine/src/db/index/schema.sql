-- Everything here is derived from the repository. The file is versioned as a whole: another version is thrown away and filled again.

CREATE TABLE cursors (
    step TEXT PRIMARY KEY,
    revision BLOB NOT NULL
) WITHOUT ROWID;

-- 'open' stands here while there are changes and the file was not closed properly: then it is checked before it is used again.
CREATE TABLE marks (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;

-- position: the order of history. It follows from the commit and its ancestors alone (see history.rs), never from when it was indexed.
CREATE TABLE revisions (
    n INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    position INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    author_email TEXT NOT NULL,
    time INTEGER NOT NULL,
    time_offset INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    is_merge INTEGER NOT NULL,
    op TEXT,
    via TEXT,
    session TEXT,
    message TEXT NOT NULL
);
CREATE INDEX revisions_via ON revisions (via, session, position) WHERE via IS NOT NULL;
CREATE INDEX revisions_position ON revisions (position);
CREATE INDEX revisions_op ON revisions (op, position) WHERE op IS NOT NULL;

-- What a revision did to a file.
CREATE TABLE changes (
    file TEXT NOT NULL,
    position INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('added', 'modified', 'deleted', 'renamed')),
    from_file TEXT CHECK ((from_file IS NULL) = (kind <> 'renamed')),
    old BLOB,
    new BLOB,
    PRIMARY KEY (file, position, revision)
) WITHOUT ROWID;
CREATE INDEX changes_revision ON changes (revision, file);
CREATE INDEX changes_renamed ON changes (file, position) WHERE kind = 'renamed';
CREATE INDEX changes_moved ON changes (from_file COLLATE NOCASE, position) WHERE kind = 'renamed';
CREATE INDEX changes_deleted ON changes (position) WHERE kind = 'deleted';

-- Two files may have one key; the last by name answers for it.
CREATE TABLE pages (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    blob BLOB NOT NULL,
    mode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    utf8 INTEGER NOT NULL,
    title TEXT,
    description TEXT NOT NULL,
    -- From its properties: what it calls itself, and its category as written and in lower case.
    name TEXT,
    category TEXT,
    category_key TEXT,
    -- How many words it has, the properties left out.
    length INTEGER NOT NULL,
    last INTEGER,
    -- Whether another file answers for the key.
    shadowed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pages_key ON pages (key, file);
-- 40960: symbolic links are not listed.
CREATE INDEX pages_listed ON pages (path) WHERE shadowed = 0 AND mode <> 40960;
CREATE INDEX pages_category ON pages (category_key) WHERE category_key IS NOT NULL;

CREATE TABLE headings (
    page INTEGER NOT NULL,
    number INTEGER NOT NULL,
    level INTEGER NOT NULL,
    text TEXT NOT NULL,
    anchor TEXT NOT NULL,
    PRIMARY KEY (page, number)
) WITHOUT ROWID;

-- From the properties of pages. key: the tag in lower case. number: its place in `tags`; none for what is a tag for another reason.
CREATE TABLE tags (
    page INTEGER NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    number INTEGER,
    PRIMARY KEY (page, key)
) WITHOUT ROWID;
CREATE INDEX tags_key ON tags (key, page);

-- Other names of pages, as keys of pages.
CREATE TABLE aliases (
    page INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (page, key)
) WITHOUT ROWID;
CREATE INDEX aliases_key ON aliases (key, page);

CREATE TABLE links (
    page INTEGER NOT NULL,
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    target TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('wikilink', 'markdown', 'image')),
    -- The place of the page it leads to, if it names one; the line of the source it stands in, from 1.
    place TEXT,
    line INTEGER NOT NULL,
    PRIMARY KEY (page, number)
) WITHOUT ROWID;
CREATE INDEX links_key ON links (key, page);
CREATE INDEX links_place ON links (page, number) WHERE place IS NOT NULL;

-- Ids that links can lead to, besides those of headings.
CREATE TABLE places (
    page INTEGER NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (page, place)
) WITHOUT ROWID;

-- What the text of a page alone says is wrong with it; see care.rs.
CREATE TABLE flaws (
    page INTEGER NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('place', 'review', 'large', 'empty', 'secret')),
    line INTEGER NOT NULL,
    what TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY (page, number)
) WITHOUT ROWID;
CREATE INDEX flaws_kind ON flaws (kind, value);

-- digest: equal for texts of the same words; sketch: differs in few bits for texts that are nearly the same.
CREATE TABLE sketches (
    page INTEGER PRIMARY KEY,
    digest INTEGER NOT NULL,
    sketch INTEGER
);

-- key: of the page whose directory holds the file.
CREATE TABLE attachments (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    blob BLOB NOT NULL,
    mode INTEGER NOT NULL,
    size INTEGER NOT NULL,
    last INTEGER
);
CREATE INDEX attachments_key ON attachments (key, name, file);

-- What pages show of others. what: the key of a page; with a slash at its end, everything below it; with one before it, the files beside it.
CREATE TABLE shows (
    page INTEGER NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (page, what)
) WITHOUT ROWID;
CREATE INDEX shows_what ON shows (what, page);

-- The plain text that snippets are cut from.
CREATE TABLE texts (
    page INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);

-- What pages mean: a vector for each piece of a page, in order, as meaning.rs packs them. A page without a row has not been looked at since it
-- changed: its vectors went with its old row.
CREATE TABLE meanings (
    page INTEGER PRIMARY KEY,
    pieces INTEGER NOT NULL,
    vectors BLOB NOT NULL,
    -- What tells the text of each piece from others, 16 bytes each.
    digests BLOB NOT NULL
);
-- Pieces of pages that changed or went since, by their digests: what the new texts have of them needs no looking at. Empty when all pages were looked at.
CREATE TABLE former_pieces (
    digest BLOB PRIMARY KEY,
    vector BLOB NOT NULL
) WITHOUT ROWID;
-- What made them; one row or none.
CREATE TABLE meaning_model (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity TEXT NOT NULL
);

-- Words as terms.rs prepares them; rowid is pages.id. Only the inverted index is kept, the text stands in texts.
CREATE VIRTUAL TABLE words USING fts5 (
    title, name, tags, headings, body,
    content = '', contentless_delete = 1,
    -- What is looked for as the beginning of words has one entry, as a word has, where it is short: many words begin so.
    prefix = '1 2',
    tokenize = "unicode61 remove_diacritics 2"
);
-- A word in the title counts ten times as much as one in the text (WEIGHTS in search.rs).
INSERT INTO words (words, rank) VALUES ('rank', 'bm25(10.0, 8.0, 6.0, 4.0, 1.0)');
