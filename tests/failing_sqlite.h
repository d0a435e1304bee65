/* failing_sqlite: SQLite as it is, but for one moment of a test at which it fails, and whatever
 * moment is meant.
 *
 *     FAIL_EACH(FAIL_READ, SQLITE_IOERR_READ, lasting) { ... } runs the block with the first read
 *     from a file failing with that code (and, where it is lasting, every later one), then with the
 *     second, and so on, until one run has made fewer.
 *
 * `failing.failed` says in the block whether the moment has come; behind fail_no_more() in it
 * everything goes well again. failing_sqlite_open() comes before all else of SQLite in a process.
 */
#ifndef ASSAY_TESTS_FAILING_SQLITE_H
#define ASSAY_TESTS_FAILING_SQLITE_H

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum failing_kind {
    FAIL_READ,
    FAIL_EIO,    /* a read, of which the system says so, whatever the code */
    FAIL_CHANGE, /* a write, a cut, a sync, a removal */
    FAIL_LOCK,   /* of the log's index */
    FAIL_MEMORY  /* there is none for SQLite, whatever the code */
};

static struct {
    enum failing_kind kind;
    int code;
    bool lasting, failed;
    long after; /* 0: nothing fails */
} failing;

#define FAIL_EACH(which, with, lasts)                                                              \
    for (long fail_at = 1; fail_at == 1 || failing.failed; fail_at++)                              \
        for (bool fail_once =                                                                      \
                 (failing.kind = (which), failing.code = (with), failing.lasting = (lasts),        \
                 failing.failed = false, failing.after = fail_at, true);                           \
             fail_once; fail_once = (failing.after = 0, false))

static inline void fail_no_more(void) {
    failing.after = 0;
}

static bool failing_now(enum failing_kind kind) {
    if (failing.after == 0 || failing.kind != kind || --failing.after > 0)
        return false;
    failing.failed = true;
    failing.after = failing.lasting; /* the next one too */
    return true;
}

/* --- files --- */

/* SQLite's own have one table of functions where they are locked, and one where they are not. */
static struct {
    const sqlite3_io_methods *own;
    sqlite3_io_methods failing;
} failing_tables[4];
static sqlite3_vfs *failing_below;

static int failing_read(sqlite3_file *file, void *bytes, int amount, sqlite3_int64 offset) {
    return failing_now(FAIL_READ) ? failing.code
                                  : failing_tables[0].own->xRead(file, bytes, amount, offset);
}
/* Half of it is written. */
static int failing_write(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset) {
    bool fails = failing_now(FAIL_CHANGE);
    int code = failing_tables[0].own->xWrite(file, bytes, fails ? amount / 2 : amount, offset);
    return fails ? failing.code : code;
}
static int failing_truncate(sqlite3_file *file, sqlite3_int64 length) {
    return failing_now(FAIL_CHANGE) ? failing.code : failing_tables[0].own->xTruncate(file, length);
}
static int failing_sync(sqlite3_file *file, int flags) {
    return failing_now(FAIL_CHANGE) ? failing.code : failing_tables[0].own->xSync(file, flags);
}
static int failing_lock(sqlite3_file *file, int offset, int count, int flags) {
    bool fails = (flags & SQLITE_SHM_LOCK) != 0 && failing_now(FAIL_LOCK);
    return fails ? failing.code : failing_tables[0].own->xShmLock(file, offset, count, flags);
}

/* SQLite has a code of its own for this (SQLITE_IOERR_CORRUPTFS), which it makes of errno. */
static ssize_t failing_pread(int descriptor, void *bytes, size_t amount, off_t offset) {
    if (!failing_now(FAIL_EIO))
        return pread(descriptor, bytes, amount, offset);
    errno = EIO;
    return -1;
}

static int failing_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                        int *out) {
    (void)vfs;
    int code = failing_below->xOpen(failing_below, name, file, flags, out), i = 0;
    if (code != SQLITE_OK)
        return code;
    while (failing_tables[i].own != NULL && failing_tables[i].own != file->pMethods)
        i++;
    failing_tables[i].own = file->pMethods;
    failing_tables[i].failing = *file->pMethods;
    failing_tables[i].failing.xRead = failing_read;
    failing_tables[i].failing.xWrite = failing_write;
    failing_tables[i].failing.xTruncate = failing_truncate;
    failing_tables[i].failing.xSync = failing_sync;
    failing_tables[i].failing.xShmLock = failing_lock;
    file->pMethods = &failing_tables[i].failing;
    return code;
}

static int failing_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    (void)vfs;
    return failing_now(FAIL_CHANGE) ? failing.code
                                    : failing_below->xDelete(failing_below, name, sync_folder);
}

/* --- memory --- */

static sqlite3_mem_methods failing_memory;

static void *failing_malloc(int size) {
    return failing_now(FAIL_MEMORY) ? NULL : failing_memory.xMalloc(size);
}
static void *failing_realloc(void *memory, int size) {
    return failing_now(FAIL_MEMORY) ? NULL : failing_memory.xRealloc(memory, size);
}

static inline void failing_sqlite_open(void) {
    static sqlite3_vfs vfs;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &failing_memory);
    sqlite3_mem_methods memory = failing_memory;
    memory.xMalloc = failing_malloc;
    memory.xRealloc = failing_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &memory);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* it would go round these */
    sqlite3_initialize();
    failing_below = sqlite3_vfs_find(NULL);
    failing_below->xSetSystemCall(failing_below, "pread", (sqlite3_syscall_ptr)failing_pread);
    failing_below->xSetSystemCall(failing_below, "pread64", (sqlite3_syscall_ptr)failing_pread);
    vfs = *failing_below;
    vfs.zName = "failing";
    vfs.xOpen = failing_open;
    vfs.xDelete = failing_delete;
    sqlite3_vfs_register(&vfs, 1);
}

#endif
