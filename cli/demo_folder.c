#include "cli/demo_folder.h"

#include "cli/field.h"
#include "core/file.h"
#include "core/home.h"
#include "core/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MARKER_BYTES = 4096 };

static char *marker_path(const char *dir, struct error *error) {
    char *path;
    if (asprintf(&path, "%s/assay-demo.json", dir) >= 0)
        return path;
    error_memory(error);
    return NULL;
}

static bool write_marker(const char *path, const struct demo_set *set, struct error *error) {
    char text[256];
    int length = snprintf(text, sizeof text,
                          "{\"pictures\": %lld, \"size\": %lld, \"seed\": %lld, \"drawn\": %s}\n",
                          set->pictures, set->size, set->seed, set->drawn ? "true" : "false");
    return file_write_atomic(path, text, (size_t)length, error);
}

static void choose(long long *chosen, long long otherwise) {
    if (*chosen < 0)
        *chosen = otherwise;
}

/* A number of the marker, -1 where it is not between those two. */
static long long number(const cJSON *marker, const char *key, long long least, long long most) {
    double value = field_number(marker, key, -1);
    return value >= (double)least && value <= (double)most ? (long long)value : -1;
}

/* What is there stands; false when something else was chosen. */
static bool agree(long long *chosen, long long there) {
    bool same = *chosen < 0 || *chosen == there;
    *chosen = there;
    return same;
}

static bool go_on(const char *dir, const char *path, struct demo_set *set, struct error *error) {
    char *text;
    size_t length;
    if (!file_read(path, MARKER_BYTES, &text, &length, error))
        return false;
    cJSON *marker = json_parse(text, length, path, error);
    free(text);
    if (marker == NULL)
        return false;
    long long pictures = number(marker, "pictures", DEMO_PICTURES_LEAST, DEMO_PICTURES_MOST);
    long long size = number(marker, "size", DEMO_SIZE_LEAST, DEMO_SIZE_MOST);
    long long seed = number(marker, "seed", 0, DEMO_SEED_MOST);
    set->drawn = cJSON_IsTrue(field_at(marker, "drawn"));
    cJSON_Delete(marker);
    if (pictures < 0 || size < 0 || seed < 0)
        return error_set(error, ERROR_INPUT, "%s: no marker of a demo; name another --dir", path);
    bool same = agree(&set->pictures, pictures);
    same = agree(&set->size, size) && same;
    same = agree(&set->seed, seed) && same;
    return same ||
           error_set(error, ERROR_INPUT,
                     "%s holds a demo of --pictures %lld --size %lld --seed %lld; leave these "
                     "options out to go on with it, or name another --dir",
                     dir, pictures, size, seed);
}

/* ERROR_INPUT when there is something in the folder; one that is not there is empty. */
static bool is_empty(const char *dir, struct error *error) {
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    if (folder == NULL && errno == ENOENT)
        return true;
    if (folder == NULL)
        return error_errno(error, ERROR_INPUT, "%s: cannot be a demo's folder", dir);
    do {
        entry = readdir(folder);
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    bool empty = entry == NULL ||
                 error_set(error, ERROR_INPUT,
                           "%s holds something else (%s); name a --dir that is empty, new or an "
                           "earlier demo's",
                           dir, entry->d_name);
    closedir(folder);
    return empty;
}

static bool take(const char *dir, struct demo_set *set, struct error *error) {
    char *path = marker_path(dir, error);
    bool good = path != NULL;
    set->drawn = false;
    if (good && access(path, F_OK) == 0)
        good = go_on(dir, path, set, error);
    else if (good) {
        choose(&set->pictures, DEMO_PICTURES);
        choose(&set->size, DEMO_SIZE);
        choose(&set->seed, DEMO_SEED);
        good = is_empty(dir, error) && folder_make(dir, error) && write_marker(path, set, error);
    }
    free(path);
    return good;
}

bool demo_folder_take(const char *dir, struct demo_set *set, char **path, struct error *error) {
    char *named = dir == NULL ? home_path("demo", error) : NULL;
    const char *chosen = dir != NULL ? dir : named;
    bool good = chosen != NULL && take(chosen, set, error);
    if (good) {
        *path = realpath(chosen, NULL);
        good = *path != NULL || error_errno(error, ERROR_FAILED, "cannot find %s", chosen);
    }
    free(named);
    return good;
}

bool demo_folder_drawn(const char *dir, struct demo_set *set, struct error *error) {
    char *path = marker_path(dir, error);
    set->drawn = true;
    bool good = path != NULL && write_marker(path, set, error);
    free(path);
    return good;
}
