-- Steering: who submitted, what is paused, what waits for others, labels of workers.
ALTER TABLE submission ADD COLUMN person TEXT NOT NULL DEFAULT ''; -- '' of those before this column

-- A barrier holds back the experiments that name it until all of its members are done. The members
-- of a group or name are fixed when somebody is submitted after it.
CREATE TABLE barrier (
    id    INTEGER PRIMARY KEY,
    words TEXT NOT NULL                     -- JSON: the names and groups, as submitted
) STRICT;
CREATE TABLE barrier_member (
    barrier    INTEGER NOT NULL REFERENCES barrier (id),
    experiment INTEGER NOT NULL REFERENCES experiment (id), -- that has to be done
    PRIMARY KEY (barrier, experiment)
) STRICT, WITHOUT ROWID;
CREATE INDEX barrier_member_by_experiment ON barrier_member (experiment);

ALTER TABLE experiment ADD COLUMN barrier INTEGER REFERENCES barrier (id); -- NULL: after nobody
ALTER TABLE experiment ADD COLUMN labels TEXT NOT NULL DEFAULT ''; -- it asks of a worker: each, and a
                                                                  -- line feed; sorted
ALTER TABLE experiment ADD COLUMN paused INTEGER NOT NULL DEFAULT 0
    CHECK (paused IN (0, 1) AND (paused = 0 OR state IN ('queued', 'running'))); -- is not handed out
ALTER TABLE experiment ADD COLUMN status TEXT NOT NULL            -- what people see
    AS (CASE WHEN paused = 1 AND state = 'queued' THEN 'paused' ELSE state END);
DROP INDEX experiment_by_state;
CREATE INDEX experiment_by_status ON experiment (status);
CREATE INDEX experiment_by_name ON experiment (name);

ALTER TABLE worker ADD COLUMN labels TEXT NOT NULL DEFAULT '';
