#include "worker/fingerprint.h"

#include "core/json.h"
#include "core/manifest_file.h"
#include "core/manifest_fingerprint.h"
#include "worker/hashes.h"

#include <stdio.h>
#include <stdlib.h>

/* *remembered: of some pictures what was read earlier is taken. */
static bool fill_in(struct manifest *manifest, const char *root, const char *cache,
                    const struct trainer_events *events, bool *remembered, bool *stopped,
                    struct error *error) {
    struct hashes *hashes;
    bool ok = hashes_open(cache, &hashes, error);
    for (size_t i = 0; ok && i < manifest->count; i++) {
        struct manifest_picture *picture = &manifest->pictures[i];
        char *path = NULL;
        *stopped = events->stop != NULL && events->stop(events->context);
        if (*stopped)
            ok = false;
        else if (asprintf(&path, "%s/%s", root, picture->path) < 0) {
            path = NULL;
            ok = error_memory(error);
        } else
            ok = hashes_file(hashes, path, &picture->bytes, picture->sha256, error);
        free(path);
    }
    *remembered = ok && hashes_read_count(hashes) < manifest->count;
    hashes_close(hashes);
    return ok;
}

static bool compare(const cJSON *expected, const struct experiment *experiment, const char *root,
                    const struct manifest *here, struct error *error) {
    struct manifest then = {0};
    char *path = NULL;
    cJSON *actual = manifest_fingerprint(here, experiment, error);
    if (actual == NULL)
        return false;
    /* Only to name the first picture that differs. */
    if (asprintf(&path, "%s/" MANIFEST_NAME, root) < 0)
        path = NULL;
    bool known = path != NULL && manifest_read(path, &then, NULL);
    bool same = manifest_compare(expected, actual, here, known ? &then : NULL, error);
    manifest_free(&then);
    free(path);
    cJSON_Delete(actual);
    return same;
}

bool fingerprint_check(const struct experiment *experiment, const char *root,
                       const struct split *split, const struct trainer_options *options,
                       const struct trainer_events *events, bool *stopped, struct error *error) {
    const cJSON *expected = json_member(json_member(experiment->config, "data"), "fingerprint");
    struct manifest here;
    struct error why = {0};
    bool remembered;
    if (expected == NULL)
        return true;
    if (!manifest_of_split(split, &here, error))
        return false;
    bool ok = fill_in(&here, root, options->hashes, events, &remembered, stopped, &why) &&
              compare(expected, experiment, root, &here, &why);
    if (!ok && remembered) {
        /* only what has just been read is held against a picture: memory may be damaged */
        hashes_forget(options->hashes);
        why = (struct error){0};
        ok = fill_in(&here, root, options->hashes, events, &remembered, stopped, &why) &&
             compare(expected, experiment, root, &here, &why);
    }
    manifest_free(&here);
    if (!ok && why.code != ERROR_NONE && error != NULL)
        *error = why;
    return ok;
}
