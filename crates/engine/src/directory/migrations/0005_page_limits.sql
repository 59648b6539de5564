-- Most pages of a wiki. NULL: as many as it likes.
ALTER TABLE wikis ADD COLUMN max_pages INTEGER CHECK (max_pages > 0);
