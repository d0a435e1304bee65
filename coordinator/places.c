#include "coordinator/places.h"

#include "core/home.h"

#include <stdio.h>
#include <stdlib.h>

bool places_fill(char **db, char **artifacts, struct error *error) {
    char *home = NULL;
    if (*db == NULL && !home_folder(&home, error))
        return error_context(error, "without --db");
    if (*db == NULL && asprintf(db, "%s/assay.db", home) < 0)
        *db = NULL;
    free(home);
    if (*db != NULL && *artifacts == NULL && asprintf(artifacts, "%s-artifacts", *db) < 0)
        *artifacts = NULL;
    return (*db != NULL && *artifacts != NULL) || error_set(error, ERROR_FAILED, "out of memory");
}
