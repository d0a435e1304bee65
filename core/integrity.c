#include "core/integrity.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

bool integrity_unread(const char *said, const char *path, struct error *error) {
    /* SQLite's words, in btree.c */
    if (strstr(said, "unable to get the page") == NULL &&
        strstr(said, "failed to get page") == NULL)
        return false;
    const char *last = strrchr(said, '\n'); /* the first line says which database */
    error_set(error, ERROR_FAILED,
              "%s cannot be read (%s); try again, and see what the system says of the disk (dmesg)",
              path, last != NULL ? last + 1 : said);
    return true;
}

/* Those that SQLite takes for damage (unixRead in os_unix.c). */
static bool taken_for_damage(int number) {
    return number == EIO || number == ENXIO || number == ERANGE;
}

static bool disk_failed(sqlite3 *database) {
    sqlite3_file *log = NULL;
    int of_file = 0, of_log = 0;
    sqlite3_file_control(database, "main", SQLITE_FCNTL_LAST_ERRNO, &of_file);
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
        log->pMethods != NULL)
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &of_log);
    return taken_for_damage(of_file) || taken_for_damage(of_log);
}

int integrity_code(struct sqlite3 *database, const char **what) {
    int code = sqlite3_errcode(database);
    *what = sqlite3_errmsg(database);
    if ((code & 0xff) == SQLITE_CORRUPT && disk_failed(database)) {
        code = SQLITE_IOERR;
        *what = sqlite3_errstr(code);
    }
    return code;
}
