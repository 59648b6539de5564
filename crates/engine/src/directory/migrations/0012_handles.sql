-- looked: when it was last looked what somebody is called there, Unix seconds: handles of the AT Protocol move between people.
ALTER TABLE identities ADD COLUMN looked INTEGER NOT NULL DEFAULT 0;
CREATE INDEX identities_looked ON identities (provider, looked);
