#include "worker/spool.h"

#include "core/integrity.h"
#include "core/machine.h"
#include "core/wire.h"
#include "worker/folder.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SPOOL_VERSION = 2,
    SPOOL_NAME_MAX = 128,
    SPOOL_RESERVE_BYTES = 4 << 20,
    SPOOL_PATIENCE_MS = 5000, /* with who looks at it with another program */
    SPOOL_TRIES = 10,         /* to find room beside what fills the disk */
    SPOOL_PAUSE_MS = 100
};

/* Deleted sequences are not used again (AUTOINCREMENT): an answer to an old report never deletes a
 * new one. */
static const char SPOOL_TABLES[] =
    "CREATE TABLE reports (sequence INTEGER PRIMARY KEY AUTOINCREMENT, experiment INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE TABLE worker (name TEXT NOT NULL, experiment INTEGER NOT NULL DEFAULT 0,"
    " attempt INTEGER NOT NULL DEFAULT 0, database TEXT NOT NULL DEFAULT '',"
    " history TEXT NOT NULL DEFAULT '') STRICT;"
    "PRAGMA user_version = 2;";
/* From version 1. */
static const char SPOOL_NEW_COLUMNS[] =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE worker ADD COLUMN database TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE worker ADD COLUMN history TEXT NOT NULL DEFAULT '';"
    "PRAGMA user_version = 2;"
    "COMMIT";

struct spool {
    sqlite3 *file;
    int lock;
    size_t count;
    char worker[SPOOL_NAME_MAX];
    char database[WIRE_IDENTITY_SIZE], history[WIRE_IDENTITY_SIZE];
    char *reserve; /* a file that holds room for reports on a full disk */
};

/* What was not acknowledged is in the checkpoints too: whoever goes on from them says it again. */
static bool spool_damaged(const struct spool *spool, const char *how, struct error *error) {
    return error_set(error, ERROR_INPUT,
                     "the spool %s is damaged (%s); move it away: the worker gets a new name, and "
                     "what was in the spool is reported again by who goes on with the experiment",
                     sqlite3_db_filename(spool->file, "main"), how);
}

/* What to do about one of SQLite's codes. */
static const char *remedy(int code) {
    switch (code & 0xff) {
    case SQLITE_FULL: return "make room";
    case SQLITE_NOMEM: return "end what else takes memory here";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return "end the other program that holds it";
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM: return "make it and its folder writable";
    default: return "see what the system says of the disk (dmesg)";
    }
}

static bool spool_error(const struct spool *spool, struct error *error) {
    const char *what;
    int code = integrity_code(spool->file, &what);
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table or a column is not there */
        return spool_damaged(spool, what, error);
    case SQLITE_DONE: return spool_damaged(spool, "a row is missing", error);
    default:
        return error_set(error, ERROR_FAILED, "the spool %s: %s; %s, and start the worker again",
                         sqlite3_db_filename(spool->file, "main"), what, remedy(code));
    }
}

/* Lays the reserve by, where there is room for it, or what lacks of it: who was killed meanwhile
 * may have left its name alone. */
static void save_room(const struct spool *spool) {
    struct stat status;
    int file = open(spool->reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return;
    bool whole = fstat(file, &status) == 0 && status.st_size >= SPOOL_RESERVE_BYTES;
    if (!whole && posix_fallocate(file, 0, SPOOL_RESERVE_BYTES) != 0)
        unlink(spool->reserve);
    close(file);
}

/* Some errors have undone the transaction already. */
static void undo(const struct spool *spool) {
    if (sqlite3_get_autocommit(spool->file) == 0)
        sqlite3_exec(spool->file, "ROLLBACK", NULL, NULL, NULL);
}

/* After a write that has failed, which is undone: whether to make it again, from its beginning. It
 * was for want of room, and the reserve now gives some; or, once that is spent, some time has
 * passed for a checkpoint that filled the disk to fail and to give back what it took. */
static bool make_again(const struct spool *spool, int tries) {
    const bool full = sqlite3_errcode(spool->file) == SQLITE_FULL;
    undo(spool);
    if (!full || unlink(spool->reserve) == 0)
        return full;
    if (tries >= SPOOL_TRIES)
        return false;
    sqlite3_sleep(SPOOL_PAUSE_MS);
    return true;
}

/* A column's text, as long as the statement stays at its row; NULL, with an error, where damage has
 * left none, or there is no memory for it. */
static const char *spool_text(const struct spool *spool, sqlite3_stmt *statement, int column,
                              struct error *error) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text == NULL && sqlite3_errcode(spool->file) == SQLITE_NOMEM)
        spool_error(spool, error);
    else if (text == NULL)
        spool_damaged(spool, "a text is missing", error);
    return text;
}

/* Runs `sql` with bound integers, to its end. */
static bool spool_try(struct spool *spool, const char *sql, const int64_t *values, int count,
                      struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(spool->file, sql, -1, &statement, NULL) == SQLITE_OK;
    for (int i = 0; ok && i < count; i++)
        ok = sqlite3_bind_int64(statement, i + 1, values[i]) == SQLITE_OK;
    ok = ok && sqlite3_step(statement) == SQLITE_DONE;
    if (!ok)
        spool_error(spool, error);
    sqlite3_finalize(statement);
    return ok;
}

/* A transaction of its own. */
static bool spool_run(struct spool *spool, const char *sql, const int64_t *values, int count,
                      struct error *error) {
    for (int tries = 0; !spool_try(spool, sql, values, count, error); tries++)
        if (!make_again(spool, tries))
            return false;
    return true;
}

static bool spool_integer(struct spool *spool, const char *sql, int64_t *value,
                          struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(spool->file, sql, -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *value = sqlite3_column_int64(statement, 0);
    else
        spool_error(spool, error);
    sqlite3_finalize(statement);
    return ok;
}

/* Before anything is taken from it. */
static bool spool_check(struct spool *spool, struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(spool->file, "PRAGMA quick_check(1)", -1, &statement, NULL) ==
                  SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    const char *found = ok ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (found == NULL)
        ok = spool_error(spool, error);
    else if (integrity_unread(found, sqlite3_db_filename(spool->file, "main"), error))
        ok = false;
    else if (strcmp(found, "ok") != 0)
        ok = spool_damaged(spool, found, error);
    sqlite3_finalize(statement);
    return ok;
}

static bool worker_name_make(struct spool *spool, struct error *error) {
    char host[MACHINE_HOST_SIZE];
    uint8_t bytes[6];
    machine_host(host);
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return error_errno(error, ERROR_FAILED, "cannot draw the worker's name");
    snprintf(spool->worker, sizeof spool->worker, "%s:%02x%02x%02x%02x%02x%02x", host, bytes[0],
             bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(spool->file, "INSERT INTO worker (name) VALUES (?)", -1,
                                 &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_text(statement, 1, spool->worker, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_DONE;
    if (!ok)
        spool_error(spool, error);
    sqlite3_finalize(statement);
    return ok;
}

static bool worker_read(struct spool *spool, struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(spool->file, "SELECT name, database, history FROM worker", -1,
                                 &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (!ok)
        spool_error(spool, error);
    char *const texts[] = {spool->worker, spool->database, spool->history};
    const size_t sizes[] = {sizeof spool->worker, sizeof spool->database, sizeof spool->history};
    for (int i = 0; ok && i < 3; i++) {
        const char *text = spool_text(spool, statement, i, error);
        ok = text != NULL;
        if (ok)
            snprintf(texts[i], sizes[i], "%s", text);
    }
    sqlite3_finalize(statement);
    return ok;
}

/* Tables and name in one transaction: a spool is whole or not there. */
static bool try_make(struct spool *spool, struct error *error) {
    if (!spool_try(spool, "BEGIN IMMEDIATE", NULL, 0, error))
        return false;
    if (sqlite3_exec(spool->file, SPOOL_TABLES, NULL, NULL, NULL) != SQLITE_OK)
        return spool_error(spool, error);
    return worker_name_make(spool, error) && spool_try(spool, "COMMIT", NULL, 0, error);
}

/* No run is under way, so nobody's checkpoint is waited for. */
static bool spool_make(struct spool *spool, struct error *error) {
    for (int tries = SPOOL_TRIES; !try_make(spool, error); tries++)
        if (!make_again(spool, tries))
            return false;
    return true;
}

static bool spool_prepare(struct spool *spool, struct error *error) {
    int64_t version = 0, count = 0;
    if (sqlite3_exec(spool->file, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
                     NULL, NULL) != SQLITE_OK)
        return spool_error(spool, error);
    if (!spool_check(spool, error) || !spool_integer(spool, "PRAGMA user_version", &version, error))
        return false;
    if (version > SPOOL_VERSION)
        return error_set(error, ERROR_INPUT, "%s was made by a newer assay (version %" PRId64 ")",
                         sqlite3_db_filename(spool->file, "main"), version);
    if (version == 1 && sqlite3_exec(spool->file, SPOOL_NEW_COLUMNS, NULL, NULL, NULL) != SQLITE_OK)
        return spool_error(spool, error);
    bool ok = version == 0 ? spool_make(spool, error) : worker_read(spool, error);
    ok = ok && spool_integer(spool, "SELECT count(*) FROM reports", &count, error);
    spool->count = (size_t)count;
    return ok;
}

bool spool_open(const char *dir, struct spool **out, struct error *error) {
    char path[4096];
    bool ok = false;
    *out = NULL;
    struct spool *spool = calloc(1, sizeof *spool);
    if (spool == NULL)
        return error_memory(error);
    spool->lock = -1;
    if (!folder_lock(dir, &spool->lock, error))
        goto out;
    if (asprintf(&spool->reserve, "%s/reserve", dir) < 0) {
        spool->reserve = NULL;
        error_memory(error);
        goto out;
    }
    save_room(spool);
    snprintf(path, sizeof path, "%s/spool.db", dir);
    int code =
        sqlite3_open_v2(path, &spool->file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    if (code != SQLITE_OK) {
        error_set(error, code == SQLITE_CANTOPEN ? ERROR_INPUT : ERROR_FAILED,
                  "cannot open %s: %s; %s", path, sqlite3_errstr(code), remedy(code));
        goto out;
    }
    sqlite3_busy_timeout(spool->file, SPOOL_PATIENCE_MS);
    ok = spool_prepare(spool, error);
out:
    if (ok)
        *out = spool;
    else
        spool_close(spool);
    return ok;
}

void spool_close(struct spool *spool) {
    if (spool == NULL)
        return;
    sqlite3_close(spool->file);
    if (spool->lock >= 0)
        close(spool->lock);
    free(spool->reserve);
    free(spool);
}

const char *spool_worker(const struct spool *spool) {
    return spool->worker;
}

size_t spool_count(const struct spool *spool) {
    return spool->count;
}

static bool try_put(struct spool *spool, int64_t experiment, int64_t attempt, const char *kind,
                    const char *body, struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(
                  spool->file,
                  "INSERT INTO reports (experiment, attempt, kind, body) VALUES (?, ?, ?, ?)", -1,
                  &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_int64(statement, 1, experiment) == SQLITE_OK &&
              sqlite3_bind_int64(statement, 2, attempt) == SQLITE_OK &&
              sqlite3_bind_text(statement, 3, kind, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_bind_text(statement, 4, body, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_DONE;
    if (ok)
        spool->count++;
    else
        spool_error(spool, error);
    sqlite3_finalize(statement);
    return ok;
}

bool spool_put(struct spool *spool, int64_t experiment, int64_t attempt, const char *kind,
               const char *body, struct error *error) {
    for (int tries = 0; !try_put(spool, experiment, attempt, kind, body, error); tries++)
        if (!make_again(spool, tries))
            return false;
    return true;
}

/* The caller frees. */
static bool spool_copy(const struct spool *spool, sqlite3_stmt *statement, int column, char **copy,
                       struct error *error) {
    const char *text = spool_text(spool, statement, column, error);
    *copy = text != NULL ? strdup(text) : NULL;
    return *copy != NULL || (text != NULL && error_memory(error));
}

bool spool_first(struct spool *spool, struct spooled *report, struct error *error) {
    sqlite3_stmt *statement = NULL;
    memset(report, 0, sizeof *report);
    bool ok = sqlite3_prepare_v2(spool->file,
                                 "SELECT sequence, experiment, attempt, kind, body FROM reports"
                                 " ORDER BY sequence LIMIT 1",
                                 -1, &statement, NULL) == SQLITE_OK;
    int step = ok ? sqlite3_step(statement) : SQLITE_ERROR;
    if (step == SQLITE_ROW) {
        report->sequence = sqlite3_column_int64(statement, 0);
        report->experiment = sqlite3_column_int64(statement, 1);
        report->attempt = sqlite3_column_int64(statement, 2);
        ok = spool_copy(spool, statement, 3, &report->kind, error) &&
             spool_copy(spool, statement, 4, &report->body, error);
    } else if (step != SQLITE_DONE) {
        ok = spool_error(spool, error);
    }
    sqlite3_finalize(statement);
    if (!ok)
        spooled_free(report);
    return ok;
}

void spooled_free(struct spooled *report) {
    free(report->kind);
    free(report->body);
    memset(report, 0, sizeof *report);
}

bool spool_delete(struct spool *spool, int64_t sequence, struct error *error) {
    if (!spool_run(spool, "DELETE FROM reports WHERE sequence = ?", &sequence, 1, error))
        return false;
    spool->count -= (size_t)sqlite3_changes(spool->file);
    return true;
}

bool spool_drop(struct spool *spool, int64_t experiment, int64_t attempt, struct error *error) {
    const int64_t values[] = {experiment, attempt};
    if (!spool_run(spool, "DELETE FROM reports WHERE experiment = ? AND attempt = ?", values, 2,
                   error))
        return false;
    spool->count -= (size_t)sqlite3_changes(spool->file);
    return true;
}

const char *spool_database(const struct spool *spool) {
    return spool->database;
}

const char *spool_history(const struct spool *spool) {
    return spool->history;
}

static bool try_belong(struct spool *spool, const char *database, const char *history, bool forget,
                       struct error *error) {
    sqlite3_stmt *statement = NULL;
    if (!spool_try(spool, "BEGIN IMMEDIATE", NULL, 0, error))
        return false;
    if (forget &&
        (!spool_try(spool, "DELETE FROM reports", NULL, 0, error) ||
         !spool_try(spool, "UPDATE worker SET experiment = 0, attempt = 0", NULL, 0, error)))
        return false;
    bool ok = sqlite3_prepare_v2(spool->file, "UPDATE worker SET database = ?, history = ?", -1,
                                 &statement, NULL) == SQLITE_OK &&
              sqlite3_bind_text(statement, 1, database, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_bind_text(statement, 2, history, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_DONE;
    if (!ok)
        spool_error(spool, error);
    sqlite3_finalize(statement);
    return ok && spool_try(spool, "COMMIT", NULL, 0, error);
}

bool spool_belong(struct spool *spool, const char *database, const char *history,
                  struct error *error) {
    const bool forget = spool->history[0] != '\0' && strcmp(spool->history, history) != 0;
    for (int tries = 0; !try_belong(spool, database, history, forget, error); tries++)
        if (!make_again(spool, tries))
            return false;
    snprintf(spool->database, sizeof spool->database, "%s", database);
    snprintf(spool->history, sizeof spool->history, "%s", history);
    spool->count = forget ? 0 : spool->count;
    return true;
}

bool spool_hold(struct spool *spool, int64_t experiment, int64_t attempt, struct error *error) {
    const int64_t values[] = {experiment, attempt};
    save_room(spool);
    return spool_run(spool, "UPDATE worker SET experiment = ?, attempt = ?", values, 2, error);
}

bool spool_held(struct spool *spool, int64_t *experiment, int64_t *attempt, struct error *error) {
    return spool_integer(spool, "SELECT experiment FROM worker", experiment, error) &&
           spool_integer(spool, "SELECT attempt FROM worker", attempt, error);
}
