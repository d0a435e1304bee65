/* places: where the database and its artifacts are unless the command line says. */
#ifndef ASSAY_COORDINATOR_PLACES_H
#define ASSAY_COORDINATOR_PLACES_H

#include "core/error.h"

/* Fills in what is NULL: the database is $ASSAY_HOME/assay.db (core/home.h), the artifacts' folder
 * has its name with -artifacts behind it. Both are the caller's, also on failure. ERROR_INPUT for a
 * database that would be none: ":memory:", a URI. */
bool places_fill(char **db, char **artifacts, struct error *error);

#endif
