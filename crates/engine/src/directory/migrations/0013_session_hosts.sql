-- host: the name of a wiki's own at which a session was begun, where alone it is good; NULL: any other name of the wiki, or the platform.
ALTER TABLE sessions ADD COLUMN host TEXT;
