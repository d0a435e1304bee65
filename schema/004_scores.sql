-- What an evaluation says beside its counts at 0.5. NULL where it is undefined (pictures of one label
-- only), and in rows from before this migration.
ALTER TABLE evaluation ADD COLUMN roc_auc REAL;
ALTER TABLE evaluation ADD COLUMN average_precision REAL;
ALTER TABLE evaluation ADD COLUMN equal_error_rate REAL;
ALTER TABLE evaluation ADD COLUMN threshold REAL; -- chosen on the validation set, for both splits
ALTER TABLE evaluation ADD COLUMN threshold_true_positive INTEGER; -- counts at the threshold
ALTER TABLE evaluation ADD COLUMN threshold_true_negative INTEGER;
ALTER TABLE evaluation ADD COLUMN threshold_false_positive INTEGER;
ALTER TABLE evaluation ADD COLUMN threshold_false_negative INTEGER;
ALTER TABLE evaluation ADD COLUMN threshold_accuracy REAL AS
    (CAST(threshold_true_positive + threshold_true_negative AS REAL)
    / (threshold_true_positive + threshold_true_negative + threshold_false_positive + threshold_false_negative));
ALTER TABLE evaluation ADD COLUMN threshold_precision REAL AS
    (CAST(threshold_true_positive AS REAL) / (threshold_true_positive + threshold_false_positive));
ALTER TABLE evaluation ADD COLUMN threshold_recall REAL AS
    (CAST(threshold_true_positive AS REAL) / (threshold_true_positive + threshold_false_negative));

-- How each class came off in an evaluation.
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

-- What a checkpoint said of each picture of a split. The label is that of its class.
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
