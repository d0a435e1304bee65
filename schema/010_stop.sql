-- Experiments that the rule of their config's "stop" has ended, or is about to end, before their last
-- epoch. Decided once, in the transaction that stored the epoch.
CREATE TABLE stop (
    experiment INTEGER PRIMARY KEY REFERENCES experiment (id),
    epoch      INTEGER NOT NULL,           -- the last one that it is to train
    rule       TEXT NOT NULL CHECK (rule IN ('median', 'asha')),
    metric     TEXT NOT NULL,              -- as the config names it
    value      REAL,                       -- median: the best so far; asha: at this epoch; NULL: undefined
    threshold  REAL,                       -- what it had to be at least as good as; NULL: undefined
    peers      INTEGER NOT NULL,           -- how many others of the group had come as far
    decided_ms INTEGER NOT NULL
) STRICT;
