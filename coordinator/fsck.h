/* fsck: whether the database is whole, agrees with itself, and with the files that it names. */
#ifndef ASSAY_COORDINATOR_FSCK_H
#define ASSAY_COORDINATOR_FSCK_H

#include "core/error.h"

#include <stddef.h>

/* One line about one fault, without its end. */
typedef void fsck_say(void *context, const char *line);

/* Looks at the database, beside a running coordinator or without one, and at the folder of its
 * artifacts (NULL: not at files). *faults counts what was said. False when it cannot be opened. */
bool fsck_run(const char *db, const char *artifacts, fsck_say *say, void *context, size_t *faults,
              struct error *error);

#endif
