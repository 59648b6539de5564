-- When somebody's next mail is to go (0: nothing happened since the last one), and how often sending it failed.
ALTER TABLE readers ADD COLUMN next_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE readers ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
