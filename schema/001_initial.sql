-- The coordinator's database. Times are Unix milliseconds. What a crash may forget is not here: how long
-- a lease still runs and the progress within an epoch live in the coordinator's memory.
PRAGMA application_id = 0x61737361; -- "assa": tells this database from another program's

-- One `submit`: its key makes a repeated one answer with the same experiments.
CREATE TABLE submission (
    key          TEXT PRIMARY KEY,
    submitted_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE experiment (
    id           INTEGER PRIMARY KEY,
    submission   TEXT NOT NULL REFERENCES submission (key),
    name         TEXT NOT NULL,
    "group"      TEXT NOT NULL,             -- what the members of one matrix share
    config       TEXT NOT NULL,             -- JSON, complete: every default filled in, no matrix
    variant      TEXT NOT NULL,             -- JSON: which value of each matrix key this is
    priority     INTEGER NOT NULL,          -- higher first, then the lower id
    backend      TEXT NOT NULL CHECK (backend IN ('any', 'cpu', 'cuda')), -- what it asks of a worker
    memory_bytes INTEGER NOT NULL,          -- the same
    epochs       INTEGER NOT NULL,          -- planned
    max_attempts INTEGER NOT NULL,          -- how many failures in a row make it failed
    state        TEXT NOT NULL DEFAULT 'queued'
                 CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempt      INTEGER NOT NULL DEFAULT 0, -- rises with every assignment: the fencing token
    failures     INTEGER NOT NULL DEFAULT 0, -- attempts that failed or were lost since a new epoch
    worker       TEXT,                       -- who holds it, or held it when it ended
    error        TEXT,                       -- of the last attempt that failed
    submitted_ms INTEGER NOT NULL,
    started_ms   INTEGER,                    -- of the first attempt
    finished_ms  INTEGER,                    -- when it became done, failed or cancelled
    CHECK (state <> 'running' OR worker IS NOT NULL),
    CHECK ((finished_ms IS NOT NULL) = (state IN ('done', 'failed', 'cancelled')))
) STRICT;
CREATE INDEX experiment_by_state ON experiment (state);
CREATE INDEX experiment_by_group ON experiment ("group");
CREATE INDEX experiment_by_submission ON experiment (submission);

-- What became of every assignment.
CREATE TABLE attempt (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    attempt    INTEGER NOT NULL,
    worker     TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms   INTEGER,
    outcome    TEXT NOT NULL DEFAULT 'running'
               CHECK (outcome IN ('running', 'done', 'failed', 'given_back', 'lost', 'cancelled')),
    error      TEXT,
    PRIMARY KEY (experiment, attempt)
) STRICT, WITHOUT ROWID;

-- One row an epoch. The ratios follow from the counts; a ratio of nothing (x / 0) is NULL.
CREATE TABLE epoch (
    experiment           INTEGER NOT NULL REFERENCES experiment (id),
    epoch                INTEGER NOT NULL,  -- from 1
    attempt              INTEGER NOT NULL,  -- the one that reported it
    reported_ms          INTEGER NOT NULL,
    learning_rate        REAL,              -- that the epoch trained with
    seconds              REAL,              -- of its training part
    images_per_second    REAL,
    best                 INTEGER NOT NULL CHECK (best IN (0, 1)), -- valid_loss fell below all before
    train_true_positive  INTEGER NOT NULL,  -- positive is label 1
    train_true_negative  INTEGER NOT NULL,
    train_false_positive INTEGER NOT NULL,
    train_false_negative INTEGER NOT NULL,
    train_loss           REAL,              -- mean cross-entropy; NULL when it is not finite
    valid_true_positive  INTEGER NOT NULL,
    valid_true_negative  INTEGER NOT NULL,
    valid_false_positive INTEGER NOT NULL,
    valid_false_negative INTEGER NOT NULL,
    valid_loss           REAL,
    train_accuracy  REAL AS (CAST(train_true_positive + train_true_negative AS REAL)
        / (train_true_positive + train_true_negative + train_false_positive + train_false_negative)),
    train_precision REAL AS (CAST(train_true_positive AS REAL) / (train_true_positive + train_false_positive)),
    train_recall    REAL AS (CAST(train_true_positive AS REAL) / (train_true_positive + train_false_negative)),
    valid_accuracy  REAL AS (CAST(valid_true_positive + valid_true_negative AS REAL)
        / (valid_true_positive + valid_true_negative + valid_false_positive + valid_false_negative)),
    valid_precision REAL AS (CAST(valid_true_positive AS REAL) / (valid_true_positive + valid_false_positive)),
    valid_recall    REAL AS (CAST(valid_true_positive AS REAL) / (valid_true_positive + valid_false_negative)),
    PRIMARY KEY (experiment, epoch)
) STRICT, WITHOUT ROWID;

-- The best and the last checkpoint on the validation and the test set.
CREATE TABLE evaluation (
    experiment     INTEGER NOT NULL REFERENCES experiment (id),
    checkpoint     TEXT NOT NULL CHECK (checkpoint IN ('best', 'last')),
    split          TEXT NOT NULL CHECK (split IN ('valid', 'test')),
    attempt        INTEGER NOT NULL,
    reported_ms    INTEGER NOT NULL,
    epoch          INTEGER NOT NULL,        -- that the checkpoint stands after
    true_positive  INTEGER NOT NULL,
    true_negative  INTEGER NOT NULL,
    false_positive INTEGER NOT NULL,
    false_negative INTEGER NOT NULL,
    loss           REAL,
    accuracy  REAL AS (CAST(true_positive + true_negative AS REAL)
        / (true_positive + true_negative + false_positive + false_negative)),
    precision REAL AS (CAST(true_positive AS REAL) / (true_positive + false_positive)),
    recall    REAL AS (CAST(true_positive AS REAL) / (true_positive + false_negative)),
    PRIMARY KEY (experiment, checkpoint, split)
) STRICT, WITHOUT ROWID;

-- Where checkpoint files stand. Of `best` and `last` there is one file each: the newest row.
CREATE TABLE checkpoint (
    experiment  INTEGER NOT NULL REFERENCES experiment (id),
    kind        TEXT NOT NULL CHECK (kind IN ('best', 'last', 'epoch')),
    epoch       INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    reported_ms INTEGER NOT NULL,
    path        TEXT NOT NULL,              -- on host
    host        TEXT NOT NULL,
    PRIMARY KEY (experiment, kind, epoch)
) STRICT, WITHOUT ROWID;

-- train.log in pieces that do not overlap.
CREATE TABLE log (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    offset     INTEGER NOT NULL,            -- of the first byte
    text       BLOB NOT NULL,               -- UTF-8
    PRIMARY KEY (experiment, offset)
) STRICT;

-- Who said hello and was not gone for long.
CREATE TABLE worker (
    name         TEXT PRIMARY KEY,
    host         TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    backend      TEXT NOT NULL CHECK (backend IN ('cpu', 'cuda')),
    device       TEXT NOT NULL,
    threads      INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    hello_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
