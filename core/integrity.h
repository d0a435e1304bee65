/* integrity: what SQLite says of a database that is damaged, told apart from what only reads so.
 *
 * Its checks (quick_check, integrity_check) list a page that the disk did not give, or that there
 * was no memory for, among the damage, and its queries call a read damage (SQLITE_CORRUPT) of which
 * the system says EIO. The page may be whole, and be read the next time: nobody is to move a file
 * away for it.
 */
#ifndef ASSAY_CORE_INTEGRITY_H
#define ASSAY_CORE_INTEGRITY_H

#include "core/error.h"

struct sqlite3;

/* Whether `said`, a row of such a check of the database at `path`, is of a page that could not be
 * read. The error is set then. */
bool integrity_unread(const char *said, const char *path, struct error *error);

/* The code of the last call that failed, and in `what` SQLite's words for it: SQLITE_IOERR in place
 * of SQLITE_CORRUPT where the disk has failed in a read of the open database or of its log, which
 * then is no word on what stands there. */
int integrity_code(struct sqlite3 *database, const char **what);

#endif
