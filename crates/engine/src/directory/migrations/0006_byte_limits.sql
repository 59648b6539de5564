-- Most bytes of a wiki's repository. NULL: as many as it likes.
ALTER TABLE wikis ADD COLUMN max_bytes INTEGER CHECK (max_bytes > 0);
