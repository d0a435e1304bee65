#include "worker/hashes.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Committed so often, so that a run that is stopped keeps most of what it read. */
enum { COMMIT_EVERY = 500 };

struct hashes {
    sqlite3 *database; /* NULL: nothing is remembered */
    sqlite3_stmt *find, *keep;
    size_t read, kept;
};

static const char TABLE[] =
    "PRAGMA synchronous = OFF;"
    "CREATE TABLE IF NOT EXISTS file (path BLOB PRIMARY KEY, bytes INTEGER NOT NULL,"
    " changed_ns INTEGER NOT NULL, inode INTEGER NOT NULL, sha256 TEXT NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "BEGIN";

static void forget(struct hashes *hashes) {
    sqlite3_finalize(hashes->find);
    sqlite3_finalize(hashes->keep);
    sqlite3_close(hashes->database);
    hashes->database = NULL;
    hashes->find = hashes->keep = NULL;
}

bool hashes_open(const char *path, struct hashes **hashes, struct error *error) {
    struct hashes *made = *hashes = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    if (path == NULL)
        return true;
    if (sqlite3_open(path, &made->database) != SQLITE_OK ||
        sqlite3_exec(made->database, TABLE, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(made->database,
                           "SELECT sha256 FROM file WHERE path = ? AND bytes = ? AND"
                           " changed_ns = ? AND inode = ?",
                           -1, &made->find, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(made->database, "REPLACE INTO file VALUES (?, ?, ?, ?, ?)", -1,
                           &made->keep, NULL) != SQLITE_OK)
        forget(made);
    return true;
}

void hashes_close(struct hashes *hashes) {
    if (hashes == NULL)
        return;
    if (hashes->database != NULL)
        sqlite3_exec(hashes->database, "COMMIT", NULL, NULL, NULL);
    forget(hashes);
    free(hashes);
}

static void bind(sqlite3_stmt *statement, const char *path, const struct stat *status) {
    sqlite3_reset(statement);
    sqlite3_bind_blob64(statement, 1, path, strlen(path), SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, status->st_size);
    sqlite3_bind_int64(
        statement, 3, (sqlite3_int64)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)status->st_ino);
}

static bool find(struct hashes *hashes, const char *path, const struct stat *status,
                 char text[static SHA256_TEXT_SIZE]) {
    if (hashes->database == NULL)
        return false;
    bind(hashes->find, path, status);
    bool found = sqlite3_step(hashes->find) == SQLITE_ROW &&
                 sqlite3_column_bytes(hashes->find, 0) == SHA256_TEXT_SIZE - 1;
    if (found)
        memcpy(text, sqlite3_column_text(hashes->find, 0), SHA256_TEXT_SIZE);
    sqlite3_reset(hashes->find);
    return found;
}

static void keep(struct hashes *hashes, const char *path, const struct stat *status,
                 const char *text) {
    if (hashes->database == NULL)
        return;
    bind(hashes->keep, path, status);
    sqlite3_bind_text(hashes->keep, 5, text, -1, SQLITE_STATIC);
    sqlite3_step(hashes->keep);
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
        after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
        after.st_mtim.tv_nsec == before.st_mtim.tv_nsec)
        keep(hashes, path, &after, text);
    return true;
}

size_t hashes_read_count(const struct hashes *hashes) {
    return hashes->read;
}
