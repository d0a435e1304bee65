#include "coordinator/store.h"

#include "coordinator/aside.h"
#include "coordinator/lock_file.h"
#include "core/file.h"
#include "core/integrity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATEMENTS_MAX = 256, BEGIN_PATIENCE_MS = 1000 };

/* Made from schema/NNN_name.sql by the build. This list is the order; user_version counts how many
 * of it a database has had. */
extern const char sql_001_initial[], sql_002_artifact[], sql_003_steering[], sql_004_scores[],
    sql_005_fork[], sql_006_list[], sql_007_steering_record[], sql_008_listing[],
    sql_009_fork_file[], sql_010_stop[], sql_011_views[], sql_012_identity[], sql_013_submitter[],
    sql_014_remarks[], sql_015_fork_by_source[];
static const char *const migrations[] = {
    sql_001_initial,   sql_002_artifact, sql_003_steering,        sql_004_scores,
    sql_005_fork,      sql_006_list,     sql_007_steering_record, sql_008_listing,
    sql_009_fork_file, sql_010_stop,     sql_011_views,           sql_012_identity,
    sql_013_submitter, sql_014_remarks,  sql_015_fork_by_source};
enum { MIGRATIONS = sizeof migrations / sizeof migrations[0] };

struct store {
    sqlite3 *database;
    char *path;
    struct lock_file *lock;
    int64_t changes_before; /* store_changes when the transaction began */
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } statements[STATEMENTS_MAX];
    size_t statement_count;
};

const char *store_path(const struct store *store) {
    return store->path;
}

bool store_look_failed(sqlite3 *database, const char *path, struct error *error) {
    const char *what;
    int code = integrity_code(database, &what) & 0xff;
    switch (code) {
    case SQLITE_NOTADB:
        return error_set(error, ERROR_INPUT,
                         "%s: not a SQLite database; move it away or name another with --db", path);
    case SQLITE_CORRUPT:
        return error_set(error, ERROR_FAILED,
                         "%s: the database is damaged (%s); restore a backup or name another with "
                         "--db",
                         path, what);
    case SQLITE_FULL:
        return error_set(error, ERROR_FAILED, "%s: the disk is full; make room", path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, ERROR_FAILED,
                         "%s: another program holds the database; end it and try again", path);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return error_set(
            error, ERROR_FAILED,
            "%s: cannot write the database (%s); make it and its folder writable or "
            "name another with --db",
            path,
            sqlite3_system_errno(database) != 0 ? strerror(sqlite3_system_errno(database)) : what);
    case SQLITE_PROTOCOL: /* they took turns for too long */
        return error_set(error, ERROR_FAILED,
                         "%s: other programs hold the database; end them and try again", path);
    case SQLITE_NOMEM:
        return error_machine(error, "%s: out of memory; end what else takes memory here", path);
    case SQLITE_IOERR: /* sqlite3_system_errno may be of an earlier failure */
        return error_set(error, ERROR_FAILED,
                         "%s: the disk fails (%s); try again, and see what the system says of it "
                         "(dmesg)",
                         path, what);
    default: return error_set(error, ERROR_FAILED, "%s: the database fails: %s", path, what);
    }
}

bool store_failed(struct store *store, struct error *error) {
    return store_look_failed(store->database, store->path, error);
}

static bool execute(struct store *store, const char *sql, struct error *error) {
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ||
           store_failed(store, error);
}

/* The first column of the first row, as text, cut at the size; "" without a row. */
static bool ask(struct store *store, const char *sql, char *answer, size_t size,
                struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) == SQLITE_OK;
    answer[0] = '\0';
    if (good) {
        int result = sqlite3_step(statement);
        const unsigned char *text = result == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
        if (text != NULL)
            snprintf(answer, size, "%s", (const char *)text);
        good = result == SQLITE_DONE || text != NULL;
    }
    if (!good)
        store_failed(store, error);
    sqlite3_finalize(statement);
    return good;
}

static bool ask_number(struct store *store, const char *sql, long *number, struct error *error) {
    char answer[32];
    if (!ask(store, sql, answer, sizeof answer, error))
        return false;
    *number = strtol(answer, NULL, 10);
    return true;
}

/* SQLite opens devices and pipes, too, and fails to read them. */
static bool check_is_file(const char *path, struct error *error) {
    struct stat status;
    return stat(path, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
           error_set(
               error, ERROR_INPUT,
               "%s: a device or a pipe, no file that a database could be in; name another file",
               path);
}

/* SQLite keeps the log beside the name that a file was opened by: under another name the same file
 * is without what stands in it, and each would write over the other. Links by name (symlink) it
 * follows; these it cannot see. */
static bool check_only_name(const struct store *store, struct error *error) {
    struct stat status;
    return stat(store->path, &status) != 0 || status.st_nlink <= 1 ||
           error_set(error, ERROR_FAILED,
                     "%s: the database has another name as well (a hard link), and SQLite loses "
                     "what is written by two names; remove one of them (find DIR -samefile %s)",
                     store->path, store->path);
}

/* SQLite deletes a log without its database. It has what the database was not given yet when that
 * was moved or deleted under its coordinator, and goes with it. `made`: the file was not there. */
static bool check_no_orphan(const struct store *store, bool made, struct error *error) {
    const char *file = sqlite3_db_filename(store->database, "main");
    struct stat status;
    char *log = NULL;
    if (stat(file, &status) != 0 || status.st_size > 0)
        return true;
    if (asprintf(&log, "%s-wal", file) < 0)
        return error_memory(error);
    bool orphan = stat(log, &status) == 0 && status.st_size > 0;
    if (orphan && made)
        unlink(file);
    free(log);
    return !orphan || error_set(error, ERROR_FAILED,
                                "%s: the database is not there, but its newest part is, %s-wal; "
                                "bring the database back, or move that away too",
                                store->path, file);
}

/* Locks the file that SQLite has opened: its name without links, so that two names of one database
 * are one lock. */
static bool lock_database(struct store *store, struct error *error) {
    char *lock_path = NULL;
    int held_by = 0;
    if (asprintf(&lock_path, "%s-lock", sqlite3_db_filename(store->database, "main")) < 0)
        return error_set(error, ERROR_FAILED, "no memory to open %s", store->path);
    bool locked = lock_file_take(lock_path, &store->lock, &held_by, error);
    free(lock_path);
    if (locked)
        return true;
    if (held_by == 0)
        return error_context(error, "%s: the database's folder is not writable", store->path);
    char process[32] = "";
    if (held_by > 0)
        snprintf(process, sizeof process, " (process %d)", held_by);
    return error_set(error, ERROR_FAILED,
                     "%s: another coordinator%s has this database; stop it or name another with "
                     "--db",
                     store->path, process);
}

/* Makes the folder, opens the file and takes the lock. */
static bool open_file(struct store *store, struct error *error) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    bool memory = strcmp(store->path, ":memory:") == 0;
    bool made = access(store->path, F_OK) != 0;
    if (!memory && (!check_is_file(store->path, error) || !folder_make_of(store->path, error)))
        return false;
    file_read_ahead(store->path); /* check_file reads all of it */
    int result = sqlite3_open_v2(store->path, &store->database, flags, NULL);
    if (store->database == NULL)
        return error_set(error, ERROR_FAILED, "no memory to open %s", store->path);
    sqlite3_extended_result_codes(store->database, 1);
    if (result != SQLITE_OK)
        return store_failed(store, error);
    if (sqlite3_db_readonly(store->database, "main") == 1)
        return error_set(error, ERROR_FAILED,
                         "%s: the database is not writable; change that or name another with --db",
                         store->path);
    return memory || (check_only_name(store, error) && check_no_orphan(store, made, error) &&
                      lock_database(store, error));
}

/* Whether this assay knows the schema of that number. */
static bool check_version(const char *path, long version, struct error *error) {
    if (version < 0)
        return error_set(error, ERROR_FAILED,
                         "%s: the database is damaged (schema %ld); restore a backup or name "
                         "another file",
                         path, version);
    return version <= MIGRATIONS ||
           error_set(error, ERROR_INPUT,
                     "%s: made by a newer assay (schema %ld, this one knows %d); use that one, or "
                     "name another file",
                     path, version, (int)MIGRATIONS);
}

/* Refuses, before anything is written, what is not ours to write to. */
static bool check_file(struct store *store, long *version, struct error *error) {
    long tables = 0, application = 0;
    char answer[256];
    sqlite3_busy_timeout(store->database, 5000);
    if (!ask_number(store, "PRAGMA user_version", version, error) ||
        !ask_number(store, "PRAGMA application_id", &application, error) ||
        !ask_number(store, "SELECT count(*) FROM sqlite_schema", &tables, error))
        return false;
    bool empty = tables == 0 && *version == 0 && application == 0;
    if (!empty && application != STORE_APPLICATION_ID)
        return error_set(error, ERROR_INPUT,
                         "%s: a database of another program; name another file with --db",
                         store->path);
    if (!check_version(store->path, *version, error) ||
        !ask(store, "PRAGMA quick_check(1)", answer, sizeof answer, error) ||
        integrity_unread(answer, store->path, error))
        return false;
    if (strcmp(answer, "ok") != 0)
        return error_set(error, ERROR_FAILED,
                         "%s: the database is damaged (%s); restore a backup or name another with "
                         "--db",
                         store->path, answer);
    return true;
}

/* What a process wrote that was killed before it synced reads as committed: it is synced before
 * anybody relies on it. The log is open because the database has been read. */
static bool sync_log(struct store *store, struct error *error) {
    sqlite3_file *log = NULL;
    if (sqlite3_file_control(store->database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) !=
            SQLITE_OK ||
        log->pMethods == NULL)
        return true; /* none yet, or a database in memory */
    return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) == SQLITE_OK ||
           error_set(error, ERROR_FAILED,
                     "%s: its log cannot be synced; see what the system says of the disk (dmesg)",
                     store->path);
}

static bool migrate(struct store *store, long version, struct error *error) {
    for (; version < MIGRATIONS; version++) {
        char count[48];
        snprintf(count, sizeof count, "PRAGMA user_version = %ld", version + 1);
        if (!store_begin(store, error))
            return false;
        if (!execute(store, migrations[version], error) || !execute(store, count, error)) {
            store_rollback(store);
            return false;
        }
        if (!store_commit(store, error))
            return false;
    }
    return true;
}

/* A copy that backup_make has made, by whatever name it was brought back, goes on differently from
 * what went on from it before. */
static bool draw_history(struct store *store, struct error *error) {
    return execute(store,
                   "UPDATE identity SET history = lower(hex(randomblob(16))) WHERE history = ''",
                   error);
}

bool store_open(const char *path, struct store **store, struct error *error) {
    long version = 0;
    struct store *made = calloc(1, sizeof *made);
    if (made == NULL || (made->path = strdup(path)) == NULL) {
        error_set(error, ERROR_FAILED, "no memory to open %s", path);
        goto fail;
    }
    if (!open_file(made, error) || !check_file(made, &version, error) ||
        !execute(
            made,
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY",
            error) ||
        !sync_log(made, error) || !migrate(made, version, error) || !draw_history(made, error))
        goto fail;
    sqlite3_busy_timeout(made->database, BEGIN_PATIENCE_MS);
    *store = made;
    return true;
fail:
    store_close(made);
    return false;
}

void store_close(struct store *store) {
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->statement_count; i++)
        sqlite3_finalize(store->statements[i].statement);
    sqlite3_close(store->database);
    lock_file_release(store->lock);
    free(store->path);
    free(store);
}

bool store_begin(struct store *store, struct error *error) {
    store->changes_before = store_changes(store);
    return execute(store, "BEGIN IMMEDIATE", error);
}

bool store_is_held(const struct store *store) {
    return (sqlite3_errcode(store->database) & 0xff) == SQLITE_BUSY;
}

/* SQLite itself would go on writing to a file that nobody finds any more. */
static bool check_there(const struct store *store, struct error *error) {
    int moved = 0;
    sqlite3_file_control(store->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved == 0 ||
           error_set(error, ERROR_FAILED,
                     "%s: the database was moved away, replaced or deleted under its coordinator, "
                     "and nothing more is stored; bring it back by that name, or save with assay "
                     "export what it holds",
                     store->path);
}

bool store_commit(struct store *store, struct error *error) {
    bool wrote = store_changes(store) != store->changes_before;
    if ((!wrote || check_there(store, error)) && execute(store, "COMMIT", error))
        return true;
    store_rollback(store);
    return false;
}

void store_rollback(struct store *store) {
    /* Some errors have rolled back already. */
    if (sqlite3_get_autocommit(store->database) == 0)
        sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

bool store_mark(struct store *store, struct error *error) {
    return execute(store, "SAVEPOINT mark", error);
}

bool store_unmark(struct store *store, bool undo, struct error *error) {
    return execute(store, undo ? "ROLLBACK TO mark; RELEASE mark" : "RELEASE mark", error);
}

int64_t store_changes(const struct store *store) {
    return sqlite3_total_changes64(store->database);
}

sqlite3_stmt *store_statement(struct store *store, const char *sql) {
    for (size_t i = 0; i < store->statement_count; i++)
        if (store->statements[i].sql == sql)
            return store->statements[i].statement;
    sqlite3_stmt *statement = NULL;
    if (store->statement_count == STATEMENTS_MAX ||
        sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
            SQLITE_OK)
        return NULL;
    store->statements[store->statement_count].sql = sql;
    store->statements[store->statement_count++].statement = statement;
    return statement;
}

/* To look at, where it stands or, where it cannot be read there, at a copy. */
static bool open_to_look(struct store *looked, long *version, struct error *error) {
    static const char question[] = "PRAGMA user_version";
    int result = sqlite3_open_v2(looked->path, &looked->database, SQLITE_OPEN_READWRITE, NULL);
    if (looked->database == NULL)
        return error_set(error, ERROR_FAILED, "no memory to open %s", looked->path);
    if (result != SQLITE_OK)
        return store_failed(looked, error);
    sqlite3_busy_timeout(looked->database, 5000);
    if (!check_only_name(looked, error))
        return false;
    if (ask_number(looked, question, version, error))
        return true;
    int why = sqlite3_errcode(looked->database) & 0xff;
    if ((why != SQLITE_CANTOPEN && why != SQLITE_READONLY) || !aside_needed(looked->path))
        return false;
    sqlite3_close(looked->database);
    return aside_open(looked->path, &looked->database, error) &&
           ask_number(looked, question, version, error);
}

bool store_look(const char *path, sqlite3 **database, struct error *error) {
    struct store looked = {.path = (char *)(size_t)path};
    long version = 0, application = 0;
    *database = NULL;
    if (access(path, R_OK) != 0)
        return error_errno(error, ERROR_INPUT, "%s: cannot be read", path);
    bool good = check_is_file(path, error) && open_to_look(&looked, &version, error);
    *database = looked.database;
    if (!good || !ask_number(&looked, "PRAGMA application_id", &application, error))
        return false;
    if (application != STORE_APPLICATION_ID)
        return error_set(error, ERROR_INPUT, "%s: not a database of assay", path);
    return check_version(path, version, error);
}
