#include "core/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool home_folder(char **path, struct error *error) {
    const char *chosen = getenv("ASSAY_HOME"), *home = getenv("HOME");
    *path = NULL;
    if (chosen != NULL && chosen[0] != '\0')
        *path = strdup(chosen);
    else if (home == NULL || home[0] == '\0')
        return error_set(error, ERROR_INPUT, "neither ASSAY_HOME nor HOME is set; set one");
    else if (asprintf(path, "%s/.local/share/assay", home) < 0)
        *path = NULL;
    return *path != NULL || error_memory(error);
}

char *home_path(const char *name, struct error *error) {
    char *folder = NULL, *path = NULL;
    if (!home_folder(&folder, error))
        return NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0) {
        path = NULL;
        error_memory(error);
    }
    free(folder);
    return path;
}
