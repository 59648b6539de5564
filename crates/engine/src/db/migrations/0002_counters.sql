-- settings counts every change of a preference, access every change of who may do what. Triggers, so that a change counts whoever makes it.

CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES ('settings', 1), ('access', 1);

CREATE TRIGGER preference_added AFTER INSERT ON preferences BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'settings' OR (name = 'access' AND new.name GLOB '*_ACCESS');
END;
CREATE TRIGGER preference_removed AFTER DELETE ON preferences BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'settings' OR (name = 'access' AND old.name GLOB '*_ACCESS');
END;
CREATE TRIGGER preference_changed AFTER UPDATE ON preferences WHEN old.value IS NOT new.value OR old.name <> new.name BEGIN
    UPDATE counters SET value = value + 1
    WHERE name = 'settings' OR (name = 'access' AND (old.name GLOB '*_ACCESS' OR new.name GLOB '*_ACCESS'));
END;

CREATE TRIGGER member_added AFTER INSERT ON members BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'access';
END;
CREATE TRIGGER member_removed AFTER DELETE ON members BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'access';
END;
CREATE TRIGGER member_changed AFTER UPDATE ON members
WHEN (old.user_id, old.is_admin, old.is_approved, old.allow_read, old.allow_write, old.allow_upload)
    IS NOT (new.user_id, new.is_admin, new.is_approved, new.allow_read, new.allow_write, new.allow_upload) BEGIN
    UPDATE counters SET value = value + 1 WHERE name = 'access';
END;
