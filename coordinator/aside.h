/* aside: a copy of a database that cannot be read where it stands.
 *
 * SQLite reads a database in WAL mode by way of DB-shm, which it makes beside it. Where nobody may
 * write beside it, as in a snapshot or on a read-only mount, it is copied with its log to a folder
 * of its own in TMPDIR, and looked at there.
 */
#ifndef ASSAY_COORDINATOR_ASIDE_H
#define ASSAY_COORDINATOR_ASIDE_H

#include "core/error.h"

#include <sqlite3.h>

/* Whether that is why it could not be read: its folder is not writable, and nobody who may write
 * there has it open. */
bool aside_needed(const char *path);

/* Opens a copy, of which no name is left when this returns. An error when the database changes
 * meanwhile, or there is no room for it. The caller closes *database with sqlite3_close, also on
 * failure (it may be NULL). */
bool aside_open(const char *path, sqlite3 **database, struct error *error);

/* Removes a copy of a database, with what SQLite has beside it where it could not close it. NULL is
 * fine. */
void aside_remove(const char *copy);

#endif
