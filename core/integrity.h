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

/* Whether the disk has failed in a read of the open database or of its log: then SQLITE_CORRUPT is
 * no word on what stands there. */
bool integrity_disk_failed(struct sqlite3 *database);

#endif
