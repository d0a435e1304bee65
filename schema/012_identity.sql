-- Which database this is, and which of its courses of events. Workers keep both beside what they have of
-- it, so that neither what belongs to another database nor what a restored backup knows nothing of is
-- taken for this one's: ids and attempt numbers are the same in all of them.
CREATE TABLE identity (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    database TEXT NOT NULL CHECK (length(database) = 32), -- random; for life, also in a backup
    history  TEXT NOT NULL CHECK (length(history) IN (0, 32)) -- random; '' in a backup: drawn anew
                                                              -- when a coordinator opens it
) STRICT;
INSERT INTO identity VALUES (1, lower(hex(randomblob(16))), lower(hex(randomblob(16))));
