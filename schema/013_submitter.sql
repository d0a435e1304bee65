-- Beside who submitted and when: with what, and where it ran, as it said itself. '' where nobody said: rows
-- from before these columns, and earlier programs.
ALTER TABLE submission ADD COLUMN host TEXT NOT NULL DEFAULT '';
ALTER TABLE submission ADD COLUMN version TEXT NOT NULL DEFAULT ''; -- of assay
