/* picture_list: the pictures that a command line names: files, and folders with all that is below.
 */
#ifndef ASSAY_WORKER_PICTURE_LIST_H
#define ASSAY_WORKER_PICTURE_LIST_H

#include "core/error.h"

#include <stddef.h>

/* Zero-initialise. */
struct picture_list {
    char **paths;
    size_t count, capacity;
};

/* Adds a file whatever its name, or the pictures below a folder (picture_named; links to folders
 * are not followed), sorted by the bytes of their paths. A folder without any is ERROR_INPUT, as is
 * what is not there. */
bool picture_list_add(struct picture_list *list, const char *path, struct error *error);
void picture_list_free(struct picture_list *list);

#endif
