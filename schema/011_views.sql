-- For people who open the database with sqlite3; no program of this project reads them. A ratio of nothing
-- and a loss that is not finite are NULL, and so is what is not there yet.

-- One row an experiment: how it stands and its four evaluations.
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
    lt.recall AS last_test_recall, lt.loss AS last_test_loss
FROM experiment e
LEFT JOIN evaluation bv ON bv.experiment = e.id AND bv.checkpoint = 'best' AND bv.split = 'valid'
LEFT JOIN evaluation bt ON bt.experiment = e.id AND bt.checkpoint = 'best' AND bt.split = 'test'
LEFT JOIN evaluation lv ON lv.experiment = e.id AND lv.checkpoint = 'last' AND lv.split = 'valid'
LEFT JOIN evaluation lt ON lt.experiment = e.id AND lt.checkpoint = 'last' AND lt.split = 'test';

-- One row an epoch, with the name of its experiment.
CREATE VIEW epoch_result AS
SELECT p.experiment AS id, e.name, p.epoch, p.best, p.learning_rate,
    p.train_accuracy, p.train_precision, p.train_recall, p.train_loss,
    p.valid_accuracy, p.valid_precision, p.valid_recall, p.valid_loss
FROM epoch p JOIN experiment e ON e.id = p.experiment;
