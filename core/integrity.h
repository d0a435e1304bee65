/* integrity: telling a damaged database from one that could only not be read just now.
 *
 * SQLite does not: its checks (quick_check, integrity_check) list pages that the disk did not
 * deliver, or that there was no memory for, among the damage, and its queries report SQLITE_CORRUPT
 * for reads that failed with EIO. Such a page may be whole, and readable the next time: nobody is
 * to move the file away for it.
 */
#ifndef ASSAY_CORE_INTEGRITY_H
#define ASSAY_CORE_INTEGRITY_H

#include "core/error.h"

struct sqlite3;

/* Whether `said`, a row of such a check of the database at `path`, is of a page that could not be
 * read. The error is set then. */
bool integrity_unread(const char *said, const char *path, struct error *error);

/* The code of the last call that failed, and in `what` SQLite's words for it; SQLITE_IOERR instead
 * of SQLITE_CORRUPT where the disk failed a read of the open database or of its log, because that
 * says nothing of what is stored there. */
int integrity_code(struct sqlite3 *database, const char **what);

#endif
