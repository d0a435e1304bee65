-- Who cancelled, paused, resumed, retried or gave another priority, and when.
CREATE TABLE steering (
    id         INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    at_ms      INTEGER NOT NULL,
    person     TEXT NOT NULL,               -- '' when nobody said
    what       TEXT NOT NULL CHECK (what IN ('cancel', 'pause', 'resume', 'retry', 'priority'))
) STRICT;
CREATE INDEX steering_by_experiment ON steering (experiment);
