-- Pictures that people have brought for workers that have none of their own (assay data push). A
-- listing is what data.fingerprint knows pictures by: the SHA-256 of the lines that sha256sum prints for
-- those of a class, or that of a split file. Its own bytes and the files' stand in the coordinator's
-- artifacts folder, as artifacts do; or are still to come.
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
CREATE INDEX listing_file_by_sha256 ON listing_file (sha256);
