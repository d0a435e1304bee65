-- What an experiment goes on from when it does not begin at the beginning: a checkpoint of an earlier
-- one, as it stood when the experiment was submitted.
CREATE TABLE fork (
    experiment INTEGER PRIMARY KEY REFERENCES experiment (id),
    source     INTEGER NOT NULL REFERENCES experiment (id),
    checkpoint TEXT NOT NULL,              -- as asked for: best, last or an epoch
    epoch      INTEGER NOT NULL,
    path       TEXT NOT NULL,              -- on host
    host       TEXT NOT NULL
) STRICT;
