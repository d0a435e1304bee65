#include "core/integrity.h"

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
