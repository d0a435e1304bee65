#include "worker/hashes.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Committed so often, so that a run that is stopped keeps most of what it read. */
enum { COMMIT_EVERY = 500 };

struct hashes {
    sqlite3 *database; /* NULL: nothing is remembered */
    sqlite3_stmt *find, *keep;
    size_t read, kept;
    bool damaged;
};

static const char TABLE[] =
    "PRAGMA synchronous = OFF;"
    "DROP TABLE IF EXISTS file;" /* an earlier assay's, without status_ns */
    "CREATE TABLE IF NOT EXISTS picture (path BLOB PRIMARY KEY, bytes INTEGER NOT NULL,"
    " content_ns INTEGER NOT NULL, status_ns INTEGER NOT NULL, inode INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "BEGIN";

/* Goes on without. */
static void leave(struct hashes *hashes) {
    sqlite3_finalize(hashes->find);
    sqlite3_finalize(hashes->keep);
    sqlite3_close(hashes->database);
    hashes->database = NULL;
    hashes->find = hashes->keep = NULL;
}

void hashes_forget(const char *path) {
    char *journal = NULL;
    unlink(path);
    if (asprintf(&journal, "%s-journal", path) >= 0) {
        unlink(journal);
        free(journal);
    }
}

/* Returns SQLite's code. */
static int open_database(struct hashes *hashes, const char *path) {
    int code = sqlite3_open(path, &hashes->database);
    if (code == SQLITE_OK)
        code = sqlite3_exec(hashes->database, TABLE, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(hashes->database,
                                  "SELECT sha256 FROM picture WHERE path = ? AND bytes = ? AND"
                                  " content_ns = ? AND status_ns = ? AND inode = ?",
                                  -1, &hashes->find, NULL);
    if (code == SQLITE_OK)
        code =
            sqlite3_prepare_v2(hashes->database, "REPLACE INTO picture VALUES (?, ?, ?, ?, ?, ?)",
                               -1, &hashes->keep, NULL);
    if (code != SQLITE_OK)
        leave(hashes);
    return code;
}

bool hashes_open(const char *path, struct hashes **hashes, struct error *error) {
    struct hashes *made = *hashes = calloc(1, sizeof *made);
    if (made == NULL)
        return error_memory(error);
    if (path == NULL)
        return true;
    int code = open_database(made, path);
    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
        hashes_forget(path);
        open_database(made, path);
    }
    return true;
}

void hashes_close(struct hashes *hashes) {
    if (hashes == NULL)
        return;
    char *damaged = NULL;
    if (hashes->damaged)
        damaged = strdup(sqlite3_db_filename(hashes->database, "main"));
    else if (hashes->database != NULL)
        sqlite3_exec(hashes->database, "COMMIT", NULL, NULL, NULL);
    leave(hashes);
    if (damaged != NULL)
        hashes_forget(damaged);
    free(damaged);
    free(hashes);
}

/* To the statement's row or its end. Returns SQLite's code. */
static int step(struct hashes *hashes, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    hashes->damaged = hashes->damaged || (code & 0xff) == SQLITE_CORRUPT;
    return code;
}

/* Only ever compared: a time that is too far off for it may come round. */
static int64_t time_ns(struct timespec time) {
    return (int64_t)((uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec);
}

static void bind(sqlite3_stmt *statement, const char *path, const struct stat *status) {
    sqlite3_reset(statement);
    sqlite3_bind_blob64(statement, 1, path, strlen(path), SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, status->st_size);
    sqlite3_bind_int64(statement, 3, time_ns(status->st_mtim));
    sqlite3_bind_int64(statement, 4, time_ns(status->st_ctim));
    sqlite3_bind_int64(statement, 5, (sqlite3_int64)status->st_ino);
}

static bool find(struct hashes *hashes, const char *path, const struct stat *status,
                 char text[static SHA256_TEXT_SIZE]) {
    if (hashes->database == NULL)
        return false;
    bind(hashes->find, path, status);
    const bool known = step(hashes, hashes->find) == SQLITE_ROW;
    const unsigned char *sum = known ? sqlite3_column_text(hashes->find, 0) : NULL;
    /* NULL: there is no memory for it */
    const bool found = sum != NULL && sqlite3_column_bytes(hashes->find, 0) == SHA256_TEXT_SIZE - 1;
    if (found)
        memcpy(text, sum, SHA256_TEXT_SIZE);
    sqlite3_reset(hashes->find);
    return found;
}

static void keep(struct hashes *hashes, const char *path, const struct stat *status,
                 const char *text) {
    if (hashes->database == NULL)
        return;
    bind(hashes->keep, path, status);
    sqlite3_bind_text(hashes->keep, 6, text, -1, SQLITE_STATIC);
    step(hashes, hashes->keep);
    sqlite3_reset(hashes->keep);
    if (++hashes->kept % COMMIT_EVERY == 0)
        sqlite3_exec(hashes->database, "COMMIT; BEGIN", NULL, NULL, NULL);
}

bool hashes_file(struct hashes *hashes, const char *path, uint64_t *bytes,
                 char text[static SHA256_TEXT_SIZE], struct error *error) {
    struct stat before, after;
    int64_t length;
    if (stat(path, &before) != 0)
        return error_errno(error, ERROR_INPUT, "%s", path);
    *bytes = (uint64_t)before.st_size;
    if (find(hashes, path, &before, text))
        return true;
    hashes->read++;
    if (!sha256_path(path, text, &length, error))
        return false;
    *bytes = (uint64_t)length;
    /* Not while somebody writes to it. */
    if (stat(path, &after) == 0 && after.st_size == before.st_size &&
        time_ns(after.st_ctim) == time_ns(before.st_ctim))
        keep(hashes, path, &after, text);
    return true;
}

size_t hashes_read_count(const struct hashes *hashes) {
    return hashes->read;
}
