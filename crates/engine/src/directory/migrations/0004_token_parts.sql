-- The page that a token is for, with what is below it. NULL: the whole wiki.
ALTER TABLE tokens ADD COLUMN within TEXT;
