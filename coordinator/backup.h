/* backup: the database as one file elsewhere, and back.
 *
 * A backup is a snapshot of all that is committed, through SQLite's own backup, while a coordinator
 * may write: it waits for nobody and nobody for it. It is checked before it gets its name, so what
 * stands there is whole, or what stood there before. One at a time makes a file of one name; who
 * comes second fails and disturbs nobody.
 *
 * It is the same database, but not of the same history (schema/012_identity.sql): what was reported
 * after it was made is not in it, and who goes on from it may hand out the same numbers again.
 */
#ifndef ASSAY_COORDINATOR_BACKUP_H
#define ASSAY_COORDINATOR_BACKUP_H

#include "core/error.h"

#include <stdint.h>

/* Copies the database at `db` to `path`, over an earlier backup if there is one. *bytes is how
 * large it has become. Another program's database, or a damaged one, is refused, and so is a `path`
 * that is `db` itself or a database in use. */
bool backup_make(const char *db, const char *path, int64_t *bytes, struct error *error);

/* Makes the backup at `path` the database at `db` (with its folder if missing), brought up to date
 * (store.h). A `db` that is there is not overwritten: it has to be moved away first. As root it
 * belongs to the owner of its folder, whose coordinator is to write to it. */
bool backup_restore(const char *path, const char *db, struct error *error);

#endif
