#include "worker/pictures.h"

#include "core/inside.h"
#include "core/split_make.h"
#include "worker/fingerprint.h"

#include <stdlib.h>

/* What a path of the experiment really is, which must lie in data_root when that is given. `key` is
 * what the experiment calls it. Caller frees. */
static char *resolve_data(const char *key, const char *path, const char *data_root,
                          struct error *error) {
    if (data_root != NULL)
        return inside_resolve(path, &data_root, 1, key, error);
    char *real = realpath(path, NULL);
    if (real == NULL)
        error_errno(error, ERROR_INPUT, "%s \"%s\"", key, path);
    return real;
}

/* Split files are read like pictures: inside data_root only. */
static bool check_files(const struct experiment *experiment, const char *data_root,
                        struct error *error) {
    const char *const files[] = {experiment->data.files.train, experiment->data.files.valid,
                                 experiment->data.files.test};
    for (size_t i = 0; i < 3 && data_root != NULL && files[i] != NULL; i++) {
        char *real = resolve_data("data.files", files[i], data_root, error);
        if (real == NULL)
            return false;
        free(real);
    }
    return true;
}

bool pictures_find(const struct experiment *experiment, const struct trainer_options *options,
                   const struct trainer_events *events, char **root, struct split *split,
                   bool *stopped, struct error *error) {
    *root = resolve_data("data.root", experiment->data.root, options->data_root, error);
    return *root != NULL && check_files(experiment, options->data_root, error) &&
           split_make(experiment, *root, split, error) &&
           fingerprint_check(experiment, *root, split, options, events, stopped, error);
}
