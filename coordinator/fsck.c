#include "coordinator/fsck.h"

#include "coordinator/store.h"
#include "core/depot.h"
#include "core/file.h"
#include "core/integrity.h"
#include "core/machine.h"
#include "core/sha256.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAULTS_SHOWN = 100 }; /* of one check */

struct fsck {
    sqlite3 *database;
    const char *path, *artifacts;
    const struct fsck_options *options;
    struct fsck_result result;
    int64_t all_bytes; /* that artifacts have together */
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
    "SELECT 'experiment ' || experiment || ' has epoch ' || max(epoch) || ' and only ' || count(*)"
    " || ' of the epochs up to it' FROM epoch GROUP BY experiment HAVING max(epoch) <> count(*)",
    "SELECT 'experiment ' || id || ' is in attempt ' || attempt || ', and something of attempt '"
    " || (SELECT max(attempt) FROM epoch WHERE experiment = id) || ' was reported' FROM experiment"
    " WHERE attempt < (SELECT max(attempt) FROM epoch WHERE experiment = id)",
};

/* What is done has all its epochs, or those up to the one that it was stopped after: a worker that
 * heard late of that may have more. A database of an older assay has no table of stops. */
#define DONE_CHECK(least)                                                                          \
    "SELECT 'experiment ' || id || ' is done, and ' || (SELECT count(*) FROM epoch"                \
    " WHERE experiment = id) || ' of its ' || epochs || ' epochs are there' FROM experiment AS e"  \
    " WHERE state = 'done' AND (SELECT count(*) FROM epoch WHERE experiment = id)"                 \
    " NOT BETWEEN " least " AND epochs"
static const char all_epochs[] = DONE_CHECK("epochs");
static const char epochs_up_to_stop[] =
    DONE_CHECK("coalesce((SELECT s.epoch FROM stop AS s WHERE s.experiment = e.id), epochs)");

__attribute__((format(printf, 2, 3))) static void fault(struct fsck *fsck, const char *format,
                                                        ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fsck->result.faults++;
    fsck->options->say(fsck->options->context, line);
}

static bool prepare(struct fsck *fsck, const char *sql, sqlite3_stmt **statement,
                    struct error *error) {
    return sqlite3_prepare_v2(fsck->database, sql, -1, statement, NULL) == SQLITE_OK ||
           store_look_failed(fsck->database, fsck->path, error);
}

/* Whether the rows ended because there were no more. */
static bool finish(struct fsck *fsck, sqlite3_stmt *statement, struct error *error) {
    return sqlite3_finalize(statement) == SQLITE_OK ||
           store_look_failed(fsck->database, fsck->path, error);
}

/* The same of one that is asked again. */
static bool rewind_rows(struct fsck *fsck, sqlite3_stmt *statement, struct error *error) {
    return sqlite3_reset(statement) == SQLITE_OK ||
           store_look_failed(fsck->database, fsck->path, error);
}

static bool run(struct fsck *fsck, const char *sql, struct error *error) {
    return sqlite3_exec(fsck->database, sql, NULL, NULL, NULL) == SQLITE_OK ||
           store_look_failed(fsck->database, fsck->path, error);
}

static bool ask_number(struct fsck *fsck, const char *sql, int64_t *number, struct error *error) {
    sqlite3_stmt *statement;
    if (!prepare(fsck, sql, &statement, error))
        return false;
    *number = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    return finish(fsck, statement, error);
}

static bool has_table(struct fsck *fsck, const char *table, bool *has, struct error *error) {
    char sql[96];
    int64_t count = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sqlite_schema WHERE name = '%s'", table);
    bool good = ask_number(fsck, sql, &count, error);
    *has = count != 0;
    return good;
}

/* The next row's column of that number, which is not NULL; NULL when there is no row more, or no
 * memory for it, which `finish` and `rewind_rows` tell apart. */
static const char *next_text(sqlite3_stmt *statement, int column) {
    return sqlite3_step(statement) == SQLITE_ROW
               ? (const char *)sqlite3_column_text(statement, column)
               : NULL;
}

/* Every row of the query is a fault. */
static bool check_rows(struct fsck *fsck, const char *sql, struct error *error) {
    sqlite3_stmt *statement;
    const char *text;
    if (!prepare(fsck, sql, &statement, error))
        return false;
    for (size_t i = 0; i < FAULTS_SHOWN && (text = next_text(statement, 0)) != NULL; i++)
        fault(fsck, "%s", text);
    return finish(fsck, statement, error);
}

/* SQLite's own: "ok", or faults, a line each below one that says of which database. */
static bool check_pages(struct fsck *fsck, struct error *error) {
    sqlite3_stmt *statement;
    const char *text;
    if (!prepare(fsck, "PRAGMA integrity_check", &statement, error))
        return false;
    while ((text = next_text(statement, 0)) != NULL && strcmp(text, "ok") != 0) {
        if (integrity_unread(text, fsck->path, error)) {
            sqlite3_finalize(statement);
            return false;
        }
        for (size_t length; *text != '\0'; text += length + (text[length] != '\0')) {
            length = strcspn(text, "\n");
            if (strncmp(text, "*** ", 4) != 0)
                fault(fsck, "damaged: %.*s", (int)length, text);
        }
    }
    return finish(fsck, statement, error);
}

static bool check_references(struct fsck *fsck, struct error *error) {
    return check_rows(fsck,
                      "SELECT 'a row of ' || \"table\" || ' names a row of ' || parent ||"
                      " ' that is not there' FROM pragma_foreign_key_check",
                      error);
}

/* Checkpoints of workers on this host; what the worker has sent is an artifact, and looked at as
 * that, or was thinned out: of every epoch it sends before `last`. A database of an older assay has
 * no table of artifacts. */
static bool check_checkpoints(struct fsck *fsck, struct error *error) {
#define CHECKPOINTS(sent)                                                                          \
    "SELECT experiment, kind, max(epoch), path, " sent                                             \
    " FROM checkpoint AS c WHERE host = ? GROUP BY experiment, path"
    static const char none_sent[] = CHECKPOINTS("0");
    static const char some_sent[] =
        CHECKPOINTS("EXISTS (SELECT 1 FROM artifact AS a WHERE a.experiment = c.experiment"
                    " AND ((a.kind = c.kind AND a.epoch = c.epoch) OR (a.kind = 'last'"
                    " AND c.kind = 'epoch' AND a.epoch >= c.epoch AND a.attempt >= c.attempt)))");
    char host[MACHINE_HOST_SIZE];
    sqlite3_stmt *statement;
    bool artifacts = false;
    machine_host(host);
    if (!has_table(fsck, "artifact", &artifacts, error) ||
        !prepare(fsck, artifacts ? some_sent : none_sent, &statement, error))
        return false;
    sqlite3_bind_text(statement, 1, host, -1, SQLITE_STATIC);
    const char *path;
    while ((path = next_text(statement, 3)) != NULL)
        if (access(path, F_OK) != 0 && !sqlite3_column_int(statement, 4))
            fault(fsck, "experiment %lld: the %s checkpoint of epoch %lld is gone: %s",
                  (long long)sqlite3_column_int64(statement, 0),
                  (const char *)sqlite3_column_text(statement, 1),
                  (long long)sqlite3_column_int64(statement, 2), path);
    return finish(fsck, statement, error);
}

/* One file of the artifacts folder: what is wrong with it, "" for nothing. */
static void judge(const struct fsck *fsck, const char *path, const char *sha256, int64_t bytes,
                  char why[1024]) {
    struct stat status;
    char sum[SHA256_TEXT_SIZE];
    struct error error = {0};
    why[0] = '\0';
    if (stat(path, &status) != 0)
        snprintf(why, 1024, "is gone");
    else if ((int64_t)status.st_size != bytes)
        snprintf(why, 1024, "has %lld bytes, not %lld", (long long)status.st_size,
                 (long long)bytes);
    else if (!fsck->options->quick && !sha256_path(path, sum, NULL, &error))
        snprintf(why, 1024, "cannot be read (%.400s)", error.message);
    else if (!fsck->options->quick && strcmp(sum, sha256) != 0)
        snprintf(why, 1024, "is damaged: its content has the SHA-256 %s", sum);
}

/* Which files the artifacts folder should have (blobs.h): a list of the contents, each once; to
 * whom one of the list belongs; what to do about one that is not right, and whether it may be still
 * to come. A database of an older assay does not have all of the tables. */
#define WANTED(words, from)                                                                        \
    "CREATE TEMP TABLE content AS SELECT DISTINCT f.sha256, f.bytes FROM " from                    \
    " ORDER BY f.sha256, f.bytes",                                                                 \
        "SELECT " words " FROM " from                                                              \
        " AND (f.sha256, f.bytes) = (SELECT sha256, bytes FROM temp.content WHERE rowid = ?)"
static const struct wanted {
    const char *table, *list, *whose, *remedy;
    bool may_come;
} wanted[] = {
    {"artifact",
     WANTED("'experiment ' || f.experiment || ': the artifact ' || f.name",
            "artifact AS f WHERE true"),
     "put it back from a copy of the folder", false},
    {"fork_file",
     WANTED("'experiment ' || f.experiment || ': what it goes on from'",
            "fork_file AS f JOIN experiment AS e ON e.id = f.experiment WHERE e.state <> 'done'"),
     "put it back from a copy of the folder", false},
    {"listing_file",
     WANTED("'data set ' || l.name || ': a file of it'",
            "listing_file AS f JOIN listing AS l ON l.sha256 = f.listing WHERE true"),
     "remove it and run assay data push again", true},
};

/* A content of the list, by its place from 1 on; false in *there when it has no such place. */
static bool read_content(struct fsck *fsck, sqlite3_stmt *listed, int64_t place, bool *there,
                         char sha256[static SHA256_TEXT_SIZE], int64_t *bytes,
                         struct error *error) {
    sqlite3_bind_int64(listed, 1, place);
    const char *text = next_text(listed, 0);
    *there = text != NULL;
    if (*there) {
        snprintf(sha256, SHA256_TEXT_SIZE, "%s", text);
        *bytes = sqlite3_column_int64(listed, 1);
    }
    return rewind_rows(fsck, listed, error);
}

/* A fault for each that the content of this place belongs to, still. */
static bool tell_whose(struct fsck *fsck, const struct wanted *these, sqlite3_stmt *whose,
                       int64_t place, const char *path, const char *why, struct error *error) {
    const char *text;
    sqlite3_bind_int64(whose, 1, place);
    while ((text = next_text(whose, 0)) != NULL)
        fault(fsck, "%s %s: %s; %s", text, why, path, these->remedy);
    return rewind_rows(fsck, whose, error);
}

/* Looks at every content of the list. No statement is under way meanwhile: a coordinator at work
 * replaces files, and what nobody names any more is no fault; nor has its log to grow. */
static bool check_contents(struct fsck *fsck, const struct wanted *these, sqlite3_stmt *listed,
                           sqlite3_stmt *whose, struct error *error) {
    const struct fsck_options *options = fsck->options;
    struct fsck_result *result = &fsck->result;
    char sha256[SHA256_TEXT_SIZE], why[1024], path[PATH_MAX];
    for (int64_t place = 1;; place++) {
        int64_t bytes = 0;
        bool there;
        if (!read_content(fsck, listed, place, &there, sha256, &bytes, error))
            return false;
        if (!there)
            return true;
        depot_file(fsck->artifacts, sha256, path);
        if (these->may_come && access(path, F_OK) != 0)
            continue;
        judge(fsck, path, sha256, bytes, why);
        result->files++;
        result->bytes += bytes;
        if (options->progress != NULL)
            options->progress(options->context, result->bytes, fsck->all_bytes);
        if (why[0] != '\0' && !tell_whose(fsck, these, whose, place, path, why, error))
            return false;
    }
}

/* Those of one table. */
static bool check_wanted(struct fsck *fsck, const struct wanted *these, struct error *error) {
    sqlite3_stmt *listed = NULL, *whose = NULL;
    bool good =
        run(fsck, "DROP TABLE IF EXISTS temp.content", error) && run(fsck, these->list, error) &&
        prepare(fsck, "SELECT sha256, bytes FROM temp.content WHERE rowid = ?", &listed, error) &&
        prepare(fsck, these->whose, &whose, error) &&
        check_contents(fsck, these, listed, whose, error);
    sqlite3_finalize(listed);
    sqlite3_finalize(whose);
    return good;
}

/* Of the files of one table, for the progress. */
static bool add_bytes(struct fsck *fsck, const char *table, struct error *error) {
    char sql[128];
    int64_t bytes = 0;
    snprintf(sql, sizeof sql, "SELECT sum(bytes) FROM (SELECT DISTINCT sha256, bytes FROM %s)",
             table);
    bool good = ask_number(fsck, sql, &bytes, error);
    fsck->all_bytes += bytes;
    return good;
}

static bool check_artifacts(struct fsck *fsck, struct error *error) {
    const size_t tables = sizeof wanted / sizeof wanted[0];
    int64_t named = 0;
    bool has[sizeof wanted / sizeof wanted[0]] = {false}, good = true;
    for (size_t i = 0; i < tables && good; i++)
        good = has_table(fsck, wanted[i].table, &has[i], error);
    if (good && has[0])
        good = ask_number(fsck, "SELECT count(*) FROM artifact", &named, error);
    if (!good)
        return false;
    if (access(fsck->artifacts, F_OK) != 0) {
        if (named > 0)
            fault(fsck,
                  "the artifacts folder %s is not there, and %lld files should be in it; name "
                  "another with --artifacts",
                  fsck->artifacts, (long long)named);
        return true;
    }
    for (size_t i = 0; i < tables && good; i++)
        good = !has[i] || add_bytes(fsck, wanted[i].table, error);
    for (size_t i = 0; i < tables && good; i++)
        good = !has[i] || check_wanted(fsck, &wanted[i], error);
    return good;
}

bool fsck_run(const char *db, const char *artifacts, const struct fsck_options *options,
              struct fsck_result *result, struct error *error) {
    struct fsck fsck = {.path = db, .artifacts = artifacts, .options = options};
    bool stops = false;
    file_read_ahead(db); /* check_pages reads all of it */
    bool good = store_look(db, &fsck.database, error) && check_pages(&fsck, error) &&
                check_references(&fsck, error) && has_table(&fsck, "stop", &stops, error);
    for (size_t i = 0; good && i < sizeof row_checks / sizeof row_checks[0]; i++)
        good = check_rows(&fsck, row_checks[i], error);
    good = good && check_rows(&fsck, stops ? epochs_up_to_stop : all_epochs, error) &&
           check_checkpoints(&fsck, error) && (artifacts == NULL || check_artifacts(&fsck, error));
    *result = fsck.result;
    sqlite3_close(fsck.database);
    return good;
}
