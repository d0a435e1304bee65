#include "coordinator/aside.h"

#include "core/atomic_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What of it is copied: the database, and what was written to it last. */
static const char *const parts[] = {"", "-wal", "-journal"};
enum { PARTS = sizeof parts / sizeof parts[0], NAME_ROOM = 16 };

/* The file that SQLite would open, which has the others beside it; "" when the name is too long. */
static void real_name(const char *path, char real[static PATH_MAX]) {
    if (realpath(path, real) == NULL || strlen(real) + NAME_ROOM > PATH_MAX)
        real[0] = '\0';
}

static bool is_open_elsewhere(const char *real) {
    char index[PATH_MAX + NAME_ROOM];
    snprintf(index, sizeof index, "%s-shm", real);
    return access(index, F_OK) == 0;
}

bool aside_needed(const char *path) {
    char real[PATH_MAX], folder[PATH_MAX];
    real_name(path, real);
    if (real[0] == '\0' || is_open_elsewhere(real))
        return false;
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(real, '/') + 1 - real), real);
    return access(folder, W_OK) != 0;
}

/* Tells one state of the files from another. */
static void look_at(const char *real, struct stat now[static PARTS]) {
    char part[PATH_MAX + NAME_ROOM];
    memset(now, 0, PARTS * sizeof *now);
    for (size_t i = 0; i < PARTS; i++) {
        snprintf(part, sizeof part, "%s%s", real, parts[i]);
        if (stat(part, &now[i]) != 0)
            now[i].st_size = -1;
    }
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_size == b->st_size && a->st_ino == b->st_ino &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool copy(const char *real, const char *to, struct error *error) {
    char from[PATH_MAX + NAME_ROOM], name[PATH_MAX + NAME_ROOM];
    struct stat before[PARTS], after[PARTS];
    look_at(real, before);
    for (size_t i = 0; i < PARTS; i++) {
        snprintf(from, sizeof from, "%s%s", real, parts[i]);
        snprintf(name, sizeof name, "%s%s", to, parts[i]);
        if (before[i].st_size >= 0 && !atomic_file_copy(from, name, error))
            return error_context(error, "its folder is not writable, and the copy in TMPDIR fails");
    }
    look_at(real, after);
    bool same = !is_open_elsewhere(real);
    for (size_t i = 0; i < PARTS; i++)
        same = same && is_same(&before[i], &after[i]);
    return same || error_set(error, ERROR_FAILED,
                             "another program writes to it, in a folder where this one may not; "
                             "run this as who may");
}

void aside_remove(const char *copy) {
    static const char *const made[] = {"", "-wal", "-journal", "-shm"};
    char name[PATH_MAX]; /* there may be no memory */
    for (size_t i = 0; copy != NULL && i < sizeof made / sizeof made[0]; i++)
        if (snprintf(name, sizeof name, "%s%s", copy, made[i]) < (int)sizeof name)
            unlink(name);
}

bool aside_open(const char *path, sqlite3 **database, struct error *error) {
    const char *place = getenv("TMPDIR");
    char real[PATH_MAX], folder[PATH_MAX / 2], to[PATH_MAX];
    *database = NULL;
    real_name(path, real);
    snprintf(folder, sizeof folder, "%s/assay-look-XXXXXX",
             place != NULL && *place != '\0' ? place : "/tmp");
    if (mkdtemp(folder) == NULL)
        return error_errno(error, ERROR_FAILED,
                           "%s: its folder is not writable, and TMPDIR has no room for a copy: %s",
                           path, folder);
    snprintf(to, sizeof to, "%s/db", folder);
    bool good = copy(real, to, error) || error_context(error, "%s", path);
    if (good) {
        sqlite3_open_v2(to, database, SQLITE_OPEN_READWRITE, NULL);
        good = *database != NULL ||
               error_set(error, ERROR_FAILED, "no memory to open a copy of %s", path);
    }
    /* opens the log too; what is wrong with the database whoever reads it says */
    if (good)
        sqlite3_exec(*database, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    aside_remove(to); /* SQLite has them open by then */
    rmdir(folder);
    return good;
}
