-- The wiki that was made first is asked for at every start: by an index, however many there are.
CREATE INDEX wikis_first ON wikis (created, slug) WHERE state <> 'deleted' AND trashed IS NULL;
