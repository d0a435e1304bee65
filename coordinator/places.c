#include "coordinator/places.h"

#include "core/home.h"

#include <stdio.h>
#include <string.h>

/* What SQLite would make something else of than a file by that name. */
static bool check_db(const char *db, struct error *error) {
    if (strcmp(db, ":memory:") == 0)
        return error_set(error, ERROR_INPUT,
                         "--db :memory: is no file, and all would be lost at the end; name one, as "
                         "in --db runs.db");
    return strncmp(db, "file:", 5) != 0 ||
           error_set(error, ERROR_INPUT,
                     "--db takes a file's name, no URI: %s; leave out file: and all from ? on, or "
                     "write ./%s if the file is called that",
                     db, db);
}

bool places_fill(char **db, char **artifacts, struct error *error) {
    if (*db != NULL && !check_db(*db, error))
        return false;
    if (*db == NULL && (*db = home_path("assay.db", error)) == NULL)
        return error_context(error, "without --db");
    if (*artifacts == NULL && asprintf(artifacts, "%s-artifacts", *db) < 0)
        *artifacts = NULL;
    return *artifacts != NULL || error_memory(error);
}
