#include "coordinator/fsck.h"

#include "coordinator/store.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAULTS_SHOWN = 100 }; /* of one check */

struct fsck {
    sqlite3 *database;
    const char *artifacts;
    fsck_say *say;
    void *context;
    size_t faults;
};

/* What must hold of the rows, as queries for those of which it does not: a line each. */
static const char *const row_checks[] = {
    "SELECT 'experiment ' || id || ' runs, and no attempt of it does' FROM experiment AS e"
    " WHERE state = 'running' AND NOT EXISTS (SELECT 1 FROM attempt AS a"
    " WHERE a.experiment = e.id AND a.attempt = e.attempt AND a.outcome = 'running')",
    "SELECT 'experiment ' || experiment || ', attempt ' || a.attempt || ' runs, and the experiment"
    " is ' || e.state || ' in attempt ' || e.attempt FROM attempt AS a"
    " JOIN experiment AS e ON e.id = a.experiment WHERE outcome = 'running'"
    " AND (e.state <> 'running' OR e.attempt <> a.attempt)",
    "SELECT 'experiment ' || experiment || ', attempt ' || attempt || ' is ' || outcome"
    " || iif(ended_ms IS NULL, ' and has no end', ' and has an end') FROM attempt"
    " WHERE (outcome = 'running') <> (ended_ms IS NULL)",
    "SELECT 'experiment ' || id || ' is done, and ' || (SELECT count(*) FROM epoch"
    " WHERE experiment = id) || ' of its ' || epochs || ' epochs are there' FROM experiment"
    " WHERE state = 'done' AND (SELECT count(*) FROM epoch WHERE experiment = id) <> epochs",
    "SELECT 'experiment ' || experiment || ' has epoch ' || max(epoch) || ' and only ' || count(*)"
    " || ' of the epochs up to it' FROM epoch GROUP BY experiment HAVING max(epoch) <> count(*)",
    "SELECT 'experiment ' || id || ' is in attempt ' || attempt || ', and something of attempt '"
    " || (SELECT max(attempt) FROM epoch WHERE experiment = id) || ' was reported' FROM experiment"
    " WHERE attempt < (SELECT max(attempt) FROM epoch WHERE experiment = id)",
};

__attribute__((format(printf, 2, 3))) static void fault(struct fsck *fsck, const char *format,
                                                        ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fsck->faults++;
    fsck->say(fsck->context, line);
}

static bool prepare(struct fsck *fsck, const char *sql, sqlite3_stmt **statement,
                    struct error *error) {
    return sqlite3_prepare_v2(fsck->database, sql, -1, statement, NULL) == SQLITE_OK ||
           error_set(error, ERROR_FAILED, "cannot ask the database: %s",
                     sqlite3_errmsg(fsck->database));
}

/* Every row of the query is a fault. */
static bool check_rows(struct fsck *fsck, const char *sql, struct error *error) {
    sqlite3_stmt *statement;
    if (!prepare(fsck, sql, &statement, error))
        return false;
    for (size_t i = 0; i < FAULTS_SHOWN && sqlite3_step(statement) == SQLITE_ROW; i++)
        fault(fsck, "%s", (const char *)sqlite3_column_text(statement, 0));
    return sqlite3_finalize(statement) == SQLITE_OK ||
           error_set(error, ERROR_FAILED, "the database fails: %s", sqlite3_errmsg(fsck->database));
}

/* SQLite's own: "ok", or a line a fault. */
static bool check_pages(struct fsck *fsck, struct error *error) {
    return check_rows(fsck,
                      "SELECT 'damaged: ' || integrity_check FROM pragma_integrity_check"
                      " WHERE integrity_check <> 'ok'",
                      error) &&
           check_rows(fsck,
                      "SELECT 'a row of ' || \"table\" || ' names a row of ' || parent ||"
                      " ' that is not there' FROM pragma_foreign_key_check",
                      error);
}

/* Checkpoints of workers on this host. */
static bool check_checkpoints(struct fsck *fsck, struct error *error) {
    char host[65] = "";
    sqlite3_stmt *statement;
    gethostname(host, sizeof host - 1);
    if (!prepare(fsck,
                 "SELECT experiment, kind, max(epoch), path FROM checkpoint WHERE host = ?"
                 " GROUP BY experiment, path",
                 &statement, error))
        return false;
    sqlite3_bind_text(statement, 1, host, -1, SQLITE_STATIC);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const char *path = (const char *)sqlite3_column_text(statement, 3);
        if (access(path, F_OK) != 0)
            fault(fsck, "experiment %lld: the %s checkpoint of epoch %lld is gone: %s",
                  (long long)sqlite3_column_int64(statement, 0),
                  (const char *)sqlite3_column_text(statement, 1),
                  (long long)sqlite3_column_int64(statement, 2), path);
    }
    sqlite3_finalize(statement);
    return true;
}

/* What the artifacts folder should have (blobs.h). */
static bool check_artifacts(struct fsck *fsck, struct error *error) {
    sqlite3_stmt *statement;
    if (!prepare(fsck, "SELECT experiment, name, sha256, bytes FROM artifact", &statement, error))
        return false;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct stat status;
        char path[4200];
        long long id = sqlite3_column_int64(statement, 0);
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        const char *sha256 = (const char *)sqlite3_column_text(statement, 2);
        int64_t bytes = sqlite3_column_int64(statement, 3);
        snprintf(path, sizeof path, "%s/sha256/%.2s/%s", fsck->artifacts, sha256, sha256 + 2);
        if (stat(path, &status) != 0)
            fault(fsck, "experiment %lld: the artifact %s is gone: %s", id, name, path);
        else if ((int64_t)status.st_size != bytes)
            fault(fsck, "experiment %lld: the artifact %s has %lld bytes, not %lld: %s", id, name,
                  (long long)status.st_size, (long long)bytes, path);
    }
    sqlite3_finalize(statement);
    return true;
}

bool fsck_run(const char *db, const char *artifacts, fsck_say *say, void *context, size_t *faults,
              struct error *error) {
    struct fsck fsck = {.artifacts = artifacts, .say = say, .context = context};
    bool opened = store_look(db, &fsck.database, error);
    bool good = opened && check_pages(&fsck, error);
    for (size_t i = 0; good && i < sizeof row_checks / sizeof row_checks[0]; i++)
        good = check_rows(&fsck, row_checks[i], error);
    good = good && check_checkpoints(&fsck, error) &&
           (artifacts == NULL || check_artifacts(&fsck, error));
    *faults = fsck.faults;
    if (opened && !good)
        error_context(error, "%s", db);
    sqlite3_close(fsck.database);
    return good;
}
