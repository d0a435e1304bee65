PRAGMA application_id = 1634956129;
PRAGMA user_version = 14;
BEGIN TRANSACTION;
CREATE TABLE artifact (
    experiment  INTEGER NOT NULL REFERENCES experiment (id),
    name        TEXT NOT NULL,              -- in the folder of the run: checkpoint_last.safetensors
    kind        TEXT NOT NULL CHECK (kind IN ('best', 'last', 'epoch', 'file')),
    epoch       INTEGER NOT NULL,           -- that a checkpoint stands after; 0 for any other file
    attempt     INTEGER NOT NULL,           -- the one that sent it
    reported_ms INTEGER NOT NULL,
    sha256      TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes       INTEGER NOT NULL,
    PRIMARY KEY (experiment, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "artifact" VALUES(1,'checkpoint_last.safetensors','last',2,1,1700000006000,'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',77);
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
INSERT INTO "attempt" VALUES(1,1,'w',1700000001000,1700000009000,'done',NULL);
INSERT INTO "attempt" VALUES(2,1,'w',1700000002000,1700000003000,'lost','lost');
INSERT INTO "attempt" VALUES(2,2,'w',1700000004000,NULL,'running',NULL);
INSERT INTO "attempt" VALUES(3,1,'w',1700000003000,1700000004000,'failed','no such file');
CREATE TABLE barrier (
    id    INTEGER PRIMARY KEY,
    words TEXT NOT NULL                     -- JSON: the names and groups, as submitted
) STRICT;
INSERT INTO "barrier" VALUES(1,'["a"]');
CREATE TABLE barrier_member (
    barrier    INTEGER NOT NULL REFERENCES barrier (id),
    experiment INTEGER NOT NULL REFERENCES experiment (id), -- that has to be done
    PRIMARY KEY (barrier, experiment)
) STRICT, WITHOUT ROWID;
INSERT INTO "barrier_member" VALUES(1,1);
INSERT INTO "barrier_member" VALUES(1,2);
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
INSERT INTO "checkpoint" VALUES(1,'last',2,1,1700000006000,'/w/last','h');
CREATE TABLE class_result (
    experiment INTEGER NOT NULL,
    checkpoint TEXT NOT NULL,
    split      TEXT NOT NULL,
    class      INTEGER NOT NULL,            -- index in the config's data.classes
    name       TEXT NOT NULL,
    label      INTEGER NOT NULL CHECK (label IN (0, 1)),
    pictures   INTEGER NOT NULL,
    correct    INTEGER NOT NULL,            -- at 0.5
    correct_at_threshold INTEGER,
    accuracy   REAL AS (CAST(correct AS REAL) / pictures),
    PRIMARY KEY (experiment, checkpoint, split, class),
    FOREIGN KEY (experiment, checkpoint, split)
        REFERENCES evaluation (experiment, checkpoint, split) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO "class_result" VALUES(1,'best','test',0,'real',1,4,3,NULL);
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
INSERT INTO "epoch" VALUES(1,1,1,1700000005000,0.0002,1.5,NULL,1,1,2,3,4,0.75,5,6,7,8,0.5);
INSERT INTO "epoch" VALUES(1,2,1,1700000006000,0.0001,1.5,32.5,0,2,2,2,2,0.7,1,1,1,1,0.625);
INSERT INTO "epoch" VALUES(2,1,2,1700000007000,0.0002,1.5,32.5,1,2,2,2,2,NULL,1,1,1,1,0.25);
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
    recall    REAL AS (CAST(true_positive AS REAL) / (true_positive + false_negative)), roc_auc REAL, average_precision REAL, equal_error_rate REAL, threshold REAL, threshold_true_positive INTEGER, threshold_true_negative INTEGER, threshold_false_positive INTEGER, threshold_false_negative INTEGER, threshold_accuracy REAL AS
    (CAST(threshold_true_positive + threshold_true_negative AS REAL)
    / (threshold_true_positive + threshold_true_negative + threshold_false_positive + threshold_false_negative)), threshold_precision REAL AS
    (CAST(threshold_true_positive AS REAL) / (threshold_true_positive + threshold_false_positive)), threshold_recall REAL AS
    (CAST(threshold_true_positive AS REAL) / (threshold_true_positive + threshold_false_negative)),
    PRIMARY KEY (experiment, checkpoint, split)
) STRICT, WITHOUT ROWID;
INSERT INTO "evaluation" VALUES(1,'best','test',1,1700000008000,1,3,4,1,0,0.125,0.75,NULL,NULL,0.25,NULL,NULL,NULL,NULL);
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
    finished_ms  INTEGER, barrier INTEGER REFERENCES barrier (id), labels TEXT NOT NULL DEFAULT '', paused INTEGER NOT NULL DEFAULT 0
    CHECK (paused IN (0, 1) AND (paused = 0 OR state IN ('queued', 'running'))), status TEXT NOT NULL            -- what people see
    AS (CASE WHEN paused = 1 AND state = 'queued' THEN 'paused' ELSE state END),                    -- when it became done, failed or cancelled
    CHECK (state <> 'running' OR worker IS NOT NULL),
    CHECK ((finished_ms IS NOT NULL) = (state IN ('done', 'failed', 'cancelled')))
) STRICT;
INSERT INTO "experiment" VALUES(1,'k','a/x','a','{"name": "a"}','{"train.seed": "0"}',3,'cpu',1073741824,2,3,'done',1,0,'w',NULL,1700000000000,1700000001000,1700000009000,NULL,'',0);
INSERT INTO "experiment" VALUES(2,'k','a/y','a','{"name": "a"}','{"train.seed": "1"}',0,'any',0,2,3,'running',2,1,'w','lost',1700000000000,1700000002000,NULL,NULL,'',0);
INSERT INTO "experiment" VALUES(3,'k','b','b','{"name": "b"}','{}',-1,'cuda',0,1,1,'failed',1,1,'w','no such file',1700000000000,1700000003000,1700000004000,NULL,'',0);
INSERT INTO "experiment" VALUES(4,'k','c','c','{"name": "c"}','{}',0,'any',0,1,1,'queued',0,0,NULL,NULL,1700000000000,NULL,NULL,1,'big
',1);
CREATE TABLE fork (
    experiment INTEGER PRIMARY KEY REFERENCES experiment (id),
    source     INTEGER NOT NULL REFERENCES experiment (id),
    checkpoint TEXT NOT NULL,              -- as asked for: best, last or an epoch
    epoch      INTEGER NOT NULL,
    path       TEXT NOT NULL,              -- on host
    host       TEXT NOT NULL
) STRICT;
CREATE TABLE fork_file (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    kind       TEXT NOT NULL CHECK (kind IN ('file', 'best')), -- the checkpoint; the best one as of then
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (experiment, kind)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    database TEXT NOT NULL CHECK (length(database) = 32), -- random; for life, also in a backup
    history  TEXT NOT NULL CHECK (length(history) IN (0, 32)) -- random; '' in a backup: drawn anew
                                                              -- when a coordinator opens it
) STRICT;
INSERT INTO "identity" VALUES(1,'52fcc49538847d0e8e19430f31c82231','0aa2c44988367f4a7e277c459ff39382');
CREATE TABLE listing (
    sha256    TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    name      TEXT NOT NULL,                -- for people
    pushed_ms INTEGER NOT NULL              -- when somebody asked for it to be kept last
) STRICT, WITHOUT ROWID;
CREATE TABLE listing_file (
    listing TEXT NOT NULL REFERENCES listing (sha256) ON DELETE CASCADE,
    sha256  TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (listing, sha256)
) STRICT, WITHOUT ROWID;
CREATE TABLE log (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    offset     INTEGER NOT NULL,            -- of the first byte
    text       BLOB NOT NULL,               -- UTF-8
    PRIMARY KEY (experiment, offset)
) STRICT;
INSERT INTO "log" VALUES(1,0,X'6F6E650A');
INSERT INTO "log" VALUES(1,4,X'74776F0A');
CREATE TABLE note (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    number     INTEGER NOT NULL CHECK (number >= 1), -- of the experiment's, in order; none comes twice
    key        TEXT NOT NULL,              -- of the request: a repeated one writes no second note
    at_ms      INTEGER NOT NULL,
    person     TEXT NOT NULL,              -- '' when nobody said
    text       TEXT CHECK (length(CAST(text AS BLOB)) BETWEEN 1 AND 4096), -- NULL: it was erased
    PRIMARY KEY (experiment, number),
    UNIQUE (experiment, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "note" VALUES(1,1,'k',1700000009500,'ann','one
two');
CREATE TABLE score (
    experiment  INTEGER NOT NULL REFERENCES experiment (id),
    checkpoint  TEXT NOT NULL CHECK (checkpoint IN ('best', 'last')),
    split       TEXT NOT NULL CHECK (split IN ('valid', 'test')),
    position    INTEGER NOT NULL,           -- in the split, from 0
    attempt     INTEGER NOT NULL,           -- the one that reported it
    class       INTEGER NOT NULL,           -- index in the config's data.classes
    path        TEXT NOT NULL,              -- relative to data.root
    probability REAL NOT NULL CHECK (probability BETWEEN 0 AND 1), -- of label 1
    PRIMARY KEY (experiment, checkpoint, split, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "score" VALUES(1,'best','test',0,1,0,'real/1.png',0.875);
CREATE TABLE steering (
    id         INTEGER PRIMARY KEY,
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    at_ms      INTEGER NOT NULL,
    person     TEXT NOT NULL,               -- '' when nobody said
    what       TEXT NOT NULL CHECK (what IN ('cancel', 'pause', 'resume', 'retry', 'priority'))
) STRICT;
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
INSERT INTO "stop" VALUES(1,2,'median','valid_loss',0.5,0.25,4,1700000006500);
CREATE TABLE submission (
    key          TEXT PRIMARY KEY,
    submitted_ms INTEGER NOT NULL
, person TEXT NOT NULL DEFAULT '', host TEXT NOT NULL DEFAULT '', version TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
INSERT INTO "submission" VALUES('k',1700000000000,'ann','h','0.1.0');
CREATE TABLE tag (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    tag        TEXT NOT NULL CHECK (length(tag) BETWEEN 1 AND 64), -- letters, digits and . _ - :
    at_ms      INTEGER NOT NULL,           -- when it was put on
    person     TEXT NOT NULL,              -- who; '' when nobody said
    PRIMARY KEY (experiment, tag)
) STRICT, WITHOUT ROWID;
INSERT INTO "tag" VALUES(1,'keep',1700000009500,'ann');
CREATE TABLE worker (
    name         TEXT PRIMARY KEY,
    host         TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    backend      TEXT NOT NULL CHECK (backend IN ('cpu', 'cuda')),
    device       TEXT NOT NULL,
    threads      INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    hello_ms     INTEGER NOT NULL
, labels TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
INSERT INTO "worker" VALUES('w','h',7,'cpu','d',2,8589934592,1700000000500,'big
');
CREATE INDEX experiment_by_group ON experiment ("group");
CREATE INDEX experiment_by_submission ON experiment (submission);
CREATE INDEX artifact_by_sha256 ON artifact (sha256);
CREATE INDEX barrier_member_by_experiment ON barrier_member (experiment);
CREATE INDEX experiment_by_status ON experiment (status);
CREATE INDEX experiment_by_name ON experiment (name);
CREATE INDEX experiment_by_group_and_status ON experiment ("group", status);
CREATE INDEX steering_by_experiment ON steering (experiment);
CREATE INDEX listing_file_by_sha256 ON listing_file (sha256);
CREATE INDEX fork_file_by_sha256 ON fork_file (sha256);
CREATE VIEW epoch_result AS
SELECT p.experiment AS id, e.name, p.epoch, p.best, p.learning_rate,
    p.train_accuracy, p.train_precision, p.train_recall, p.train_loss,
    p.valid_accuracy, p.valid_precision, p.valid_recall, p.valid_loss
FROM epoch p JOIN experiment e ON e.id = p.experiment;
CREATE VIEW experiment_result AS
SELECT e.id, e.name, e."group", e.status AS state, e.epochs,
    (SELECT count(*) FROM epoch p WHERE p.experiment = e.id) AS epochs_done,
    (SELECT max(p.epoch) FROM epoch p WHERE p.experiment = e.id AND p.best = 1) AS best_epoch,
    bv.accuracy AS best_valid_accuracy, bv.precision AS best_valid_precision,
    bv.recall AS best_valid_recall, bv.loss AS best_valid_loss,
    bt.accuracy AS best_test_accuracy, bt.precision AS best_test_precision,
    bt.recall AS best_test_recall, bt.loss AS best_test_loss,
    lv.accuracy AS last_valid_accuracy, lv.precision AS last_valid_precision,
    lv.recall AS last_valid_recall, lv.loss AS last_valid_loss,
    lt.accuracy AS last_test_accuracy, lt.precision AS last_test_precision,
    lt.recall AS last_test_recall, lt.loss AS last_test_loss,
    (SELECT group_concat(tag, ' ') FROM (SELECT t.tag FROM tag t WHERE t.experiment = e.id ORDER BY t.tag))
        AS tags,
    (SELECT count(*) FROM note n WHERE n.experiment = e.id AND n.text IS NOT NULL) AS notes
FROM experiment e
LEFT JOIN evaluation bv ON bv.experiment = e.id AND bv.checkpoint = 'best' AND bv.split = 'valid'
LEFT JOIN evaluation bt ON bt.experiment = e.id AND bt.checkpoint = 'best' AND bt.split = 'test'
LEFT JOIN evaluation lv ON lv.experiment = e.id AND lv.checkpoint = 'last' AND lv.split = 'valid'
LEFT JOIN evaluation lt ON lt.experiment = e.id AND lt.checkpoint = 'last' AND lt.split = 'test';
COMMIT;
