-- The content of what a fork goes on from, as it was with the coordinator when it was submitted: any worker
-- can fetch it. Without rows here only workers on the fork's host have it.
CREATE TABLE fork_file (
    experiment INTEGER NOT NULL REFERENCES experiment (id),
    kind       TEXT NOT NULL CHECK (kind IN ('file', 'best')), -- the checkpoint; the best one as of then
    sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
    bytes      INTEGER NOT NULL,
    PRIMARY KEY (experiment, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX fork_file_by_sha256 ON fork_file (sha256);
