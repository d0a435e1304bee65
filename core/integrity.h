/* integrity: what SQLite's checks of a database (quick_check, integrity_check) say, told apart.
 *
 * They list a page that the disk did not give, or that there was no memory for, among the damage.
 * It may be whole, and be read the next time: nobody is to move a file away for it.
 */
#ifndef ASSAY_CORE_INTEGRITY_H
#define ASSAY_CORE_INTEGRITY_H

#include "core/error.h"

/* Whether `said`, a row of such a check of the database at `path`, is of a page that could not be
 * read. The error is set then. */
bool integrity_unread(const char *said, const char *path, struct error *error);

#endif
