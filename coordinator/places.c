#include "coordinator/places.h"

#include "core/home.h"

#include <stdio.h>

bool places_fill(char **db, char **artifacts, struct error *error) {
    if (*db == NULL && (*db = home_path("assay.db", error)) == NULL)
        return error_context(error, "without --db");
    if (*artifacts == NULL && asprintf(artifacts, "%s-artifacts", *db) < 0)
        *artifacts = NULL;
    return *artifacts != NULL || error_memory(error);
}
