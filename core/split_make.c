#include "core/split_make.h"

#include "core/array.h"
#include "core/inside.h"
#include "core/picture.h"
#include "core/random.h"
#include "core/split_files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The pictures of one class: file names sorted as bytes, and the order in which they are dealt out.
 */
struct folder {
    char **names;
    size_t count, capacity;
    size_t *order;
};

/* Whether a link named as a picture is one where what it leads to is not to be had. */
enum dead_links { DEAD_LINKS_REFUSED, DEAD_LINKS_LISTED };

/* --- listing --- */

/* The real path of the class's folder, which must be the root or lie below it. Caller frees. */
static char *folder_resolve(const char *root, const struct experiment_class *class,
                            struct error *error) {
    char *real_root = NULL, *joined = NULL, *real = NULL;
    if (!inside_written(class->dir)) {
        error_set(error, ERROR_INPUT,
                  "class \"%s\": dir \"%s\" leaves data.root; name a folder inside it", class->name,
                  class->dir);
        goto out;
    }
    real_root = realpath(root, NULL);
    if (real_root == NULL) {
        error_errno(error, ERROR_INPUT, "data.root \"%s\"", root);
        goto out;
    }
    if (asprintf(&joined, "%s/%s", real_root, class->dir) < 0) {
        joined = NULL;
        error_memory(error);
        goto out;
    }
    real = realpath(joined, NULL);
    if (real == NULL) {
        error_errno(error, ERROR_INPUT, "class \"%s\": folder \"%s\"", class->name, joined);
        goto out;
    }
    if (inside_real(real_root, real) == NULL) {
        error_set(
            error, ERROR_INPUT,
            "class \"%s\": dir \"%s\" leads out of data.root to \"%s\"; move the folder inside",
            class->name, class->dir, real);
        free(real);
        real = NULL;
    }
out:
    free(joined);
    free(real_root);
    return real;
}

static bool folder_add(struct folder *folder, const char *name, struct error *error) {
    char **names = array_room(folder->names, folder->count + 1, &folder->capacity, sizeof *names);
    if (names == NULL)
        return error_memory(error);
    folder->names = names;
    folder->names[folder->count] = strdup(name);
    if (folder->names[folder->count] == NULL)
        return error_memory(error);
    folder->count++;
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds the entry when it is a file named as a picture, or a link to one; of a dead link that is
 * `dead`. */
static bool folder_consider(struct folder *folder, DIR *listing, const struct dirent *entry,
                            const char *path, enum dead_links dead, struct error *error) {
    if (!picture_named(entry->d_name))
        return true;
    if (entry->d_type != DT_REG) {
        struct stat status;
        struct error why = {0};
        bool known = fstatat(dirfd(listing), entry->d_name, &status, 0) == 0;
        if (known && !S_ISREG(status.st_mode))
            return true;
        if (!known && dead == DEAD_LINKS_REFUSED)
            return error_errno(error, ERROR_INPUT, "%s/%s", path, entry->d_name);
        if (!known && !error_errno(&why, ERROR_INPUT, "%s/%s", path, entry->d_name) &&
            error_take_shortage(error, &why))
            return false;
    }
    return folder_add(folder, entry->d_name, error);
}

static bool folder_list(struct folder *folder, const char *root,
                        const struct experiment_class *class, enum dead_links dead,
                        struct error *error) {
    bool ok = false;
    DIR *listing = NULL;
    char *path = folder_resolve(root, class, error);
    if (path == NULL)
        goto out;
    listing = opendir(path);
    if (listing == NULL) {
        error_errno(error, ERROR_INPUT, "class \"%s\": folder \"%s\"", class->name, path);
        goto out;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(listing);
        if (entry == NULL && errno != 0) {
            error_errno(error, ERROR_INPUT, "class \"%s\": folder \"%s\"", class->name, path);
            goto out;
        }
        if (entry == NULL)
            break;
        if (!folder_consider(folder, listing, entry, path, dead, error))
            goto out;
    }
    if (folder->count == 0) {
        error_set(error, ERROR_INPUT,
                  "class \"%s\": no picture (" PICTURE_NAMES
                  ") in \"%s\"; put pictures there or mend its dir",
                  class->name, path);
        goto out;
    }
    qsort(folder->names, folder->count, sizeof *folder->names, compare_names);
    ok = true;
out:
    if (listing != NULL)
        closedir(listing);
    free(path);
    return ok;
}

static void folders_free(struct folder *folders, size_t count) {
    for (size_t c = 0; folders != NULL && c < count; c++) {
        for (size_t i = 0; i < folders[c].count; i++)
            free(folders[c].names[i]);
        free(folders[c].names);
        free(folders[c].order);
    }
    free(folders);
}

/* --- shuffling and dealing --- */

/* Gives folder c its order: that of an earlier folder of the same size, else a new shuffle. */
static bool folder_shuffle(struct folder *folders, size_t c, struct mt19937 *generator,
                           struct error *error) {
    size_t count = folders[c].count;
    size_t *order = calloc(count, sizeof *order);
    if (order == NULL)
        return error_memory(error);
    folders[c].order = order;
    for (size_t earlier = 0; earlier < c; earlier++) {
        assert(folders[earlier].order != NULL);
        if (folders[earlier].count == count) {
            memcpy(order, folders[earlier].order, count * sizeof *order);
            return true;
        }
    }
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    mt19937_shuffle(generator, order, count);
    return true;
}

static char *item_path(const char *dir, const char *name) {
    size_t length = strlen(dir);
    while (length > 1 && dir[length - 1] == '/')
        length--;
    char *path = NULL;
    return asprintf(&path, "%.*s/%s", (int)length, dir, name) < 0 ? NULL : path;
}

/* Appends the folder's pictures [first, first + count) in its order, `repeat` times over. */
static bool list_deal(struct split_list *list, const struct folder *folder,
                      const struct experiment_class *class, size_t class_index, size_t first,
                      size_t count, size_t repeat, struct error *error) {
    size_t more, total;
    if (__builtin_mul_overflow(count, repeat, &more) ||
        __builtin_add_overflow(list->count, more, &total))
        return error_set(error, ERROR_INPUT, "class \"%s\": too many pictures", class->name);
    if (more == 0)
        return true;
    assert(folder->order != NULL);
    struct split_item *items = reallocarray(list->items, total, sizeof *items);
    if (items == NULL)
        return error_machine(error, "out of memory for a list of %zu pictures", total);
    list->items = items;
    for (size_t time = 0; time < repeat; time++) {
        for (size_t i = 0; i < count; i++) {
            struct split_item *item = &list->items[list->count];
            item->path = item_path(class->dir, folder->names[folder->order[first + i]]);
            if (item->path == NULL)
                return error_memory(error);
            item->label = class->label;
            item->class_index = class_index;
            list->count++;
        }
    }
    return true;
}

/* Python's int(fraction * count), of the product as a double: 28 for 0.29 of 100. */
static size_t part(double fraction, size_t count) {
    return (size_t)(fraction * (double)count);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static bool split_folders(const struct experiment *experiment, const char *root,
                          enum dead_links dead, struct split *split, struct error *error) {
    bool ok = false;
    size_t class_count = experiment->data.class_count;
    struct folder *folders = calloc(class_count + 1, sizeof *folders);
    if (folders == NULL) {
        error_memory(error);
        goto out;
    }
    struct mt19937 generator;
    mt19937_seed(&generator, experiment->data.seed);
    for (size_t c = 0; c < class_count; c++) {
        const struct experiment_class *class = &experiment->data.classes[c];
        struct folder *folder = &folders[c];
        if (!folder_list(folder, root, class, dead, error) ||
            !folder_shuffle(folders, c, &generator, error))
            goto out;
        size_t train = least(part(experiment->data.train, folder->count), folder->count);
        size_t valid = least(part(experiment->data.valid, folder->count), folder->count - train);
        size_t test = folder->count - train - valid;
        if (!list_deal(&split->train, folder, class, c, 0, train, class->repeat, error) ||
            !list_deal(&split->valid, folder, class, c, train, valid, 1, error) ||
            !list_deal(&split->test, folder, class, c, train + valid, test, 1, error))
            goto out;
    }
    ok = true;
out:
    folders_free(folders, class_count);
    return ok;
}

static bool make(const struct experiment *experiment, const char *root, enum dead_links dead,
                 struct split *split, struct error *error) {
    bool ok = true;
    *split = (struct split){0};
    for (size_t c = 0; ok && c < experiment->data.class_count; c++) {
        const struct experiment_class *class = &experiment->data.classes[c];
        ok = split_add_class(split, class->name, class->label, class->repeat, error);
    }
    ok = ok && (experiment->data.files.train != NULL
                    ? split_files_read(experiment, root, split, error)
                    : split_folders(experiment, root, dead, split, error));
    if (!ok)
        split_free(split);
    return ok;
}

bool split_make(const struct experiment *experiment, const char *root, struct split *split,
                struct error *error) {
    return make(experiment, root, DEAD_LINKS_REFUSED, split, error);
}

bool split_make_as_named(const struct experiment *experiment, const char *root, struct split *split,
                         struct error *error) {
    return make(experiment, root, DEAD_LINKS_LISTED, split, error);
}
