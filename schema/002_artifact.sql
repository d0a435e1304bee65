-- Files that came from workers: which content has which name. The bytes stand in the coordinator's
-- artifacts folder under their SHA-256.
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
CREATE INDEX artifact_by_sha256 ON artifact (sha256);
