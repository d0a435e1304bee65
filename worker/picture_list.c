#include "worker/picture_list.h"

#include "core/array.h"
#include "core/picture.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool append(struct picture_list *list, const char *path, struct error *error) {
    char **paths = array_room(list->paths, list->count + 1, &list->capacity, sizeof *paths);
    if (paths == NULL)
        return error_machine(error, "no memory for the paths");
    list->paths = paths;
    list->paths[list->count] = strdup(path);
    if (list->paths[list->count] == NULL)
        return error_machine(error, "no memory for the paths");
    list->count++;
    return true;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A link to a folder, which is not followed, may be called like a picture. */
static bool is_folder(const FTSENT *entry) {
    struct stat status;
    return entry->fts_info == FTS_SL && stat(entry->fts_path, &status) == 0 &&
           S_ISDIR(status.st_mode);
}

static bool walk(struct picture_list *list, char *folder, struct error *error) {
    char *roots[] = {folder, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool ok = tree != NULL || error_errno(error, ERROR_FAILED, "cannot read %s", folder);
    const FTSENT *entry;
    while (ok && (errno = 0, entry = fts_read(tree)) != NULL) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            ok = error_set(error, ERROR_INPUT, "cannot read %s: %s", entry->fts_path,
                           strerror(entry->fts_errno));
        else if ((entry->fts_info == FTS_F || entry->fts_info == FTS_SL) &&
                 picture_named(entry->fts_name) && !is_folder(entry))
            ok = append(list, entry->fts_path, error);
    }
    if (ok && errno != 0) /* it was not the end */
        ok = error_errno(error, ERROR_FAILED, "cannot read %s", folder);
    if (tree != NULL)
        fts_close(tree);
    return ok;
}

bool picture_list_add(struct picture_list *list, const char *path, struct error *error) {
    struct stat status;
    if (stat(path, &status) != 0)
        return error_errno(error, ERROR_INPUT, "cannot read %s", path);
    if (!S_ISDIR(status.st_mode))
        return append(list, path, error);
    size_t before = list->count, length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *folder = strndup(path, length);
    bool ok = folder != NULL ? walk(list, folder, error)
                             : error_machine(error, "no memory for the paths");
    free(folder);
    if (ok && list->count == before)
        ok = error_set(error, ERROR_INPUT, "%s: no picture in it: no %s", path, PICTURE_NAMES);
    if (list->count > before)
        qsort(list->paths + before, list->count - before, sizeof *list->paths, by_bytes);
    return ok;
}

void picture_list_free(struct picture_list *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct picture_list){0};
}
