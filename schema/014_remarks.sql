-- What people write on experiments: tags, by which they find them again, and notes. Nothing that is trained
-- depends on either.
CREATE TABLE tag (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    tag        TEXT NOT NULL CHECK (length(tag) BETWEEN 1 AND 64), -- letters, digits and . _ - :
    at_ms      INTEGER NOT NULL,           -- when it was put on
    person     TEXT NOT NULL,              -- who; '' when nobody said
    PRIMARY KEY (experiment, tag)
) STRICT, WITHOUT ROWID;

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

-- One row an experiment: how it stands, what is written on it, and its four evaluations.
DROP VIEW experiment_result;
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
