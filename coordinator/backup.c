#include "coordinator/backup.h"

#include "coordinator/aside.h"
#include "coordinator/lock_file.h"
#include "coordinator/store.h"
#include "core/atomic_file.h"
#include "core/file.h"
#include "core/integrity.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One file without a journal beside it, and whole. The log is emptied apart: it is gone, and with
 * it why it could not be read (integrity_code), when the mode changes. */
static bool settle(sqlite3 *copy, const char *path, struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool good =
        sqlite3_wal_checkpoint_v2(copy, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) ==
            SQLITE_OK &&
        sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(copy, "PRAGMA integrity_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW;
    const char *found = good ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (found == NULL) /* where there was a row, for want of memory */
        good = store_look_failed(copy, path, error);
    else if (integrity_unread(found, path, error))
        good = false;
    else if (strcmp(found, "ok") != 0)
        good = error_set(error, ERROR_FAILED, "the database is damaged: %s", found);
    sqlite3_finalize(statement);
    return good;
}

/* Whoever opens the copy as its database draws a new history. Those of before schema 12 have none.
 */
static bool forget_history(sqlite3 *copy, const char *path, struct error *error) {
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(copy, "SELECT 1 FROM sqlite_schema WHERE name = 'identity'", -1,
                                   &statement, NULL) == SQLITE_OK;
    const bool has = good && sqlite3_step(statement) == SQLITE_ROW;
    good = sqlite3_finalize(statement) == SQLITE_OK && good;
    if (good && has)
        good =
            sqlite3_exec(copy, "UPDATE identity SET history = ''", NULL, NULL, NULL) == SQLITE_OK;
    return good || store_look_failed(copy, path, error);
}

/* What root makes in the folder of another user is that user's from the beginning, as what SQLite
 * puts beside a database is. The file is given by its descriptor: its name is in others' hands. */
static bool give(int made, const char *path, struct error *error) {
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    struct stat status;
    bool good = folder != NULL || error_memory(error);
    if (good && geteuid() == 0 && stat(folder, &status) == 0 && status.st_uid != 0)
        good = fchown(made, status.st_uid, status.st_gid) == 0 ||
               error_errno(error, ERROR_FAILED, "cannot give %s to the owner of its folder", path);
    free(folder);
    return good;
}

/* An empty file. SQLite would not say why it cannot make one. */
static bool make_file(const char *path, bool of_folder, struct error *error) {
    int made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (made < 0)
        return error_errno(error, ERROR_FAILED, "cannot make %s", path);
    bool good = !of_folder || give(made, path, error);
    close(made);
    return good;
}

/* A checked copy at `path`, which is overwritten; `of_folder`: whose folder it is in, theirs it is.
 */
static bool copy_database(const char *from, const char *path, bool of_folder, struct error *error) {
    sqlite3 *source = NULL, *copy = NULL;
    bool good = false;
    aside_remove(path);
    if (!store_look(from, &source, error))
        goto out;
    if (!make_file(path, of_folder, error))
        goto out;
    if (sqlite3_open(path, &copy) != SQLITE_OK) {
        error_set(error, ERROR_FAILED, "cannot make %s: %s", path, sqlite3_errmsg(copy));
        goto out;
    }
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", source, "main");
    if (backup != NULL) {
        sqlite3_backup_step(backup, -1); /* all at once: one snapshot */
        sqlite3_backup_finish(backup);
    }
    if (sqlite3_errcode(copy) != SQLITE_OK)
        store_look_failed(copy, path, error);
    else
        good = forget_history(copy, path, error) && settle(copy, path, error);
    if (!good)
        error_context(error, "cannot copy %s", from);
out:
    sqlite3_close(copy);
    sqlite3_close(source);
    return good;
}

/* "PATH.partial"; the caller frees. NULL without memory. */
static char *partial_path(const char *path, struct error *error) {
    char *partial = NULL;
    if (asprintf(&partial, "%s.partial", path) >= 0)
        return partial;
    error_memory(error);
    return NULL;
}

/* Nobody else writes at `partial` meanwhile: each would take the other's half away, and both fail.
 */
static bool take_turn(const char *partial, const char *path, struct lock_file **turn,
                      struct error *error) {
    char *name = NULL, process[32] = "";
    int held_by = 0;
    if (asprintf(&name, "%s.lock", partial) < 0)
        return error_memory(error);
    bool taken = lock_file_take(name, turn, &held_by, error);
    free(name);
    if (taken || held_by == 0)
        return taken;
    if (held_by > 0)
        snprintf(process, sizeof process, " (process %d)", held_by);
    return error_set(error, ERROR_FAILED,
                     "%s: another assay%s makes it just now; wait for that, or name another file",
                     path, process);
}

static void end_turn(struct lock_file *turn, const char *partial) {
    if (turn != NULL)
        aside_remove(partial);
    lock_file_release(turn);
}

/* That `path` with `behind` at its end is not there; `instead` says what to do. */
static bool check_absent(const char *path, const char *behind, const char *instead,
                         struct error *error) {
    char *name = NULL;
    if (asprintf(&name, "%s%s", path, behind) < 0)
        return error_memory(error);
    bool absent = access(name, F_OK) != 0 ||
                  error_set(error, ERROR_INPUT, "%s is there already%s", name, instead);
    free(name);
    return absent;
}

static bool is_same_file(const char *one, const char *other) {
    struct stat first, second;
    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* That what is copied has none of the names by which a file at `path` is made: what is there by
 * those is taken away. */
static bool check_apart(const char *from, const char *path, struct error *error) {
    static const char *const behind[] = {".partial", ".partial.lock", ".tmp"};
    bool apart = true;
    for (size_t i = 0; i < sizeof behind / sizeof behind[0] && apart; i++) {
        char *name = NULL;
        if (asprintf(&name, "%s%s", path, behind[i]) < 0)
            return error_memory(error);
        apart = !is_same_file(from, name) ||
                error_set(error, ERROR_INPUT,
                          "%s would be written over while %s is made; give one of them another "
                          "name",
                          from, path);
        free(name);
    }
    return apart;
}

/* That it takes nobody's database away: a coordinator would go on writing to a file without a name,
 * and one that was not closed has the newest of it in the log, which would stay behind. */
static bool check_replaceable(const char *db, const char *path, struct error *error) {
    static const char in_use[] = ": a database in use, no backup, would be written over; name "
                                 "another file";
    if (is_same_file(db, path))
        return error_set(error, ERROR_INPUT, "%s is the database itself; name another file", path);
    return check_apart(db, path, error) && check_absent(path, "-wal", in_use, error) &&
           check_absent(path, "-journal", in_use, error);
}

bool backup_make(const char *db, const char *path, int64_t *bytes, struct error *error) {
    struct stat status = {0};
    struct lock_file *turn = NULL;
    char *partial = partial_path(path, error);
    bool good = partial != NULL && check_replaceable(db, path, error) &&
                take_turn(partial, path, &turn, error) &&
                copy_database(db, partial, false, error) && atomic_file_link(partial, path, error);
    if (good && stat(path, &status) != 0)
        good = error_errno(error, ERROR_FAILED, "%s", path);
    *bytes = (int64_t)status.st_size;
    end_turn(turn, partial);
    free(partial);
    return good;
}

/* Neither the database nor what another one left beside it. */
static bool check_free(const char *db, struct error *error) {
    static const char instead[] = ", and is not overwritten; end its coordinator and move it away, "
                                  "or name another file with --db";
    return check_absent(db, "", instead, error) && check_absent(db, "-wal", instead, error) &&
           check_absent(db, "-journal", instead, error);
}

/* Brings the copy up to date. What store_close could not put from the log into the file itself,
 * which alone gets the name, is put there now, or it is an error. */
static bool migrate(const char *partial, struct error *error) {
    struct store *store = NULL;
    sqlite3 *copy = NULL;
    if (!store_open(partial, &store, error))
        return false;
    store_close(store);
    bool good = store_look(partial, &copy, error) && settle(copy, partial, error);
    sqlite3_close(copy);
    return good;
}

bool backup_restore(const char *path, const char *db, struct error *error) {
    struct lock_file *turn = NULL;
    char *partial = partial_path(db, error);
    /* Looked at once more in the end: a coordinator may have made one at `db` meanwhile. */
    bool good = partial != NULL && check_apart(path, db, error) && folder_make_of(db, error) &&
                take_turn(partial, db, &turn, error) && check_free(db, error) &&
                copy_database(path, partial, true, error) && migrate(partial, error) &&
                check_free(db, error) && atomic_file_link(partial, db, error);
    end_turn(turn, partial);
    free(partial);
    return good;
}
