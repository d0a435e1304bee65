#!/usr/bin/env python3
"""Makes tests/data/database/NNN.sql: a database as each earlier schema left it, with something in
every table that the schema had. Needs only Python's sqlite3. Written once for each schema, before
the next one; a file that is there is kept, for it is what such a database was."""
import pathlib
import sqlite3

TREE = pathlib.Path(__file__).resolve().parent.parent
OUT = TREE / "tests/data/database"
SUM = "0123456789abcdef" * 4

# What is put in right after the migration of that number.
ROWS = {
    1: """
INSERT INTO submission (key, submitted_ms) VALUES ('k', 1700000000000);
INSERT INTO experiment (id, submission, name, "group", config, variant, priority, backend, memory_bytes,
    epochs, max_attempts, state, attempt, failures, worker, error, submitted_ms, started_ms, finished_ms)
VALUES
    (1, 'k', 'a/x', 'a', '{"name": "a"}', '{"train.seed": "0"}', 3, 'cpu', 1073741824, 2, 3, 'done', 1, 0,
     'w', NULL, 1700000000000, 1700000001000, 1700000009000),
    (2, 'k', 'a/y', 'a', '{"name": "a"}', '{"train.seed": "1"}', 0, 'any', 0, 2, 3, 'running', 2, 1,
     'w', 'lost', 1700000000000, 1700000002000, NULL),
    (3, 'k', 'b', 'b', '{"name": "b"}', '{}', -1, 'cuda', 0, 1, 1, 'failed', 1, 1,
     'w', 'no such file', 1700000000000, 1700000003000, 1700000004000),
    (4, 'k', 'c', 'c', '{"name": "c"}', '{}', 0, 'any', 0, 1, 1, 'queued', 0, 0,
     NULL, NULL, 1700000000000, NULL, NULL);
INSERT INTO attempt VALUES (1, 1, 'w', 1700000001000, 1700000009000, 'done', NULL),
    (2, 1, 'w', 1700000002000, 1700000003000, 'lost', 'lost'),
    (2, 2, 'w', 1700000004000, NULL, 'running', NULL),
    (3, 1, 'w', 1700000003000, 1700000004000, 'failed', 'no such file');
INSERT INTO epoch (experiment, epoch, attempt, reported_ms, learning_rate, seconds, images_per_second, best,
    train_true_positive, train_true_negative, train_false_positive, train_false_negative, train_loss,
    valid_true_positive, valid_true_negative, valid_false_positive, valid_false_negative, valid_loss)
VALUES (1, 1, 1, 1700000005000, 0.0002, 1.5, NULL, 1, 1, 2, 3, 4, 0.75, 5, 6, 7, 8, 0.5),
    (1, 2, 1, 1700000006000, 0.0001, 1.5, 32.5, 0, 2, 2, 2, 2, 0.7, 1, 1, 1, 1, 0.625),
    (2, 1, 2, 1700000007000, 0.0002, 1.5, 32.5, 1, 2, 2, 2, 2, NULL, 1, 1, 1, 1, 0.25);
INSERT INTO evaluation (experiment, checkpoint, split, attempt, reported_ms, epoch, true_positive,
    true_negative, false_positive, false_negative, loss)
VALUES (1, 'best', 'test', 1, 1700000008000, 1, 3, 4, 1, 0, 0.125);
INSERT INTO checkpoint VALUES (1, 'last', 2, 1, 1700000006000, '/w/last', 'h');
INSERT INTO log VALUES (1, 0, CAST('one
' AS BLOB)), (1, 4, CAST('two
' AS BLOB));
INSERT INTO worker (name, host, pid, backend, device, threads, memory_bytes, hello_ms)
VALUES ('w', 'h', 7, 'cpu', 'd', 2, 8589934592, 1700000000500);
""",
    2: f"INSERT INTO artifact VALUES (1, 'checkpoint_last.safetensors', 'last', 2, 1, 1700000006000, '{SUM}', 77);",
    3: """
UPDATE submission SET person = 'ann';
INSERT INTO barrier VALUES (1, '["a"]');
INSERT INTO barrier_member VALUES (1, 1), (1, 2);
UPDATE experiment SET barrier = 1, labels = 'big
', paused = 1 WHERE id = 4;
UPDATE worker SET labels = 'big
';
""",
    4: """
UPDATE evaluation SET roc_auc = 0.75, threshold = 0.25;
INSERT INTO class_result (experiment, checkpoint, split, class, name, label, pictures, correct)
VALUES (1, 'best', 'test', 0, 'real', 1, 4, 3);
INSERT INTO score VALUES (1, 'best', 'test', 0, 1, 0, 'real/1.png', 0.875);
""",
    13: "UPDATE submission SET host = 'h', version = '0.1.0';",
    14: """
INSERT INTO tag VALUES (1, 'keep', 1700000009500, 'ann');
INSERT INTO note VALUES (1, 1, 'k', 1700000009500, 'ann', 'one
two');
""",
    10: "INSERT INTO stop VALUES (1, 2, 'median', 'valid_loss', 0.5, 0.25, 4, 1700000006500);",
}

OUT.mkdir(exist_ok=True)
database = sqlite3.connect(":memory:", isolation_level=None)
schemas = sorted(TREE.glob("schema/[0-9]*.sql"))
for number, schema in enumerate(schemas[:-1], 1):
    database.executescript(schema.read_text())
    database.executescript(ROWS.get(number, ""))
    path = OUT / f"{number:03}.sql"
    if not path.exists():
        dump = "\n".join(database.iterdump())
        path.write_text(f"PRAGMA application_id = {0x61737361};\nPRAGMA user_version = {number};\n{dump}\n")
