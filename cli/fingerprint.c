#include "cli/fingerprint.h"

#include "cli/experiment_file.h"
#include "core/json.h"
#include "core/manifest_file.h"
#include "core/manifest_fingerprint.h"
#include "core/split_make.h"
#include "core/standard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fingerprint_memory_free(struct fingerprint_memory *memory) {
    cJSON_Delete(memory->data);
    cJSON_Delete(memory->fingerprint);
    *memory = (struct fingerprint_memory){0};
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const struct manifest_picture *)a)->path,
                  ((const struct manifest_picture *)b)->path);
}

static bool is_newer(const struct stat *picture, const struct stat *manifest) {
    return picture->st_mtim.tv_sec != manifest->st_mtim.tv_sec
               ? picture->st_mtim.tv_sec > manifest->st_mtim.tv_sec
               : picture->st_mtim.tv_nsec > manifest->st_mtim.tv_nsec;
}

bool fingerprint_checksums(const char *path, const char *root, struct manifest *here,
                           struct error *error) {
    struct manifest then;
    struct stat written, status;
    if (stat(path, &written) != 0)
        return error_errno(error, ERROR_INPUT, "%s", path);
    if (!manifest_read(path, &then, error))
        return false;
    bool ok = true;
    qsort(then.pictures, then.count, sizeof *then.pictures, compare_paths);
    for (size_t i = 0; ok && i < here->count; i++) {
        struct manifest_picture *picture = &here->pictures[i];
        const struct manifest_picture *known =
            bsearch(picture, then.pictures, then.count, sizeof *then.pictures, compare_paths);
        char *whole = NULL;
        if (asprintf(&whole, "%s/%s", root, picture->path) < 0) {
            manifest_free(&then);
            return error_memory(error);
        }
        if (stat(whole, &status) != 0)
            ok = error_errno(error, ERROR_INPUT, "%s", whole);
        else if (known == NULL)
            ok = error_set(error, ERROR_INPUT, "%s does not know %s", path, picture->path);
        else if ((uint64_t)status.st_size != known->bytes || is_newer(&status, &written))
            ok = error_set(error, ERROR_INPUT, "%s is older than %s", path, picture->path);
        free(whole);
        if (ok) {
            picture->bytes = known->bytes;
            memcpy(picture->sha256, known->sha256, sizeof picture->sha256);
        }
    }
    manifest_free(&then);
    return ok;
}

/* Why there is no fingerprint: an error where a manifest was named, else a warning. Of pictures
 * that could not be listed assay data check would write no manifest either. */
static bool tell_none(const char *file, const char *manifest, bool listed, const struct error *why,
                      struct error *error) {
    if (error_is_shortage(why))
        return error_machine(error, "%s", why->message);
    if (manifest != NULL && listed)
        return error_set(error, ERROR_INPUT, "%s; assay data check %s --out %s writes it anew",
                         why->message, file, manifest);
    if (manifest != NULL)
        return error_set(error, ERROR_INPUT, "%s: %s", file, why->message);
    standard_complain("%s: warning: no fingerprint of its pictures: %s%s%s%s", file, why->message,
                      listed ? "; assay data check " : "", listed ? file : "",
                      listed ? " writes it anew" : "");
    return true;
}

/* *fingerprint stays NULL where there is none to be had in data.root. */
static bool make(const char *file, const char *manifest, const struct member *member,
                 cJSON **fingerprint, struct error *error) {
    struct experiment experiment;
    struct split split = {0};
    struct manifest here = {0};
    struct error why = {0};
    char *path = NULL;
    if (!experiment_decode(member, &experiment, error))
        return false;
    if (manifest == NULL && asprintf(&path, "%s/" MANIFEST_NAME, experiment.data.root) < 0) {
        experiment_free(&experiment);
        return error_memory(error);
    }
    bool good = true;
    if (manifest != NULL || access(path, F_OK) == 0) {
        const char *root = experiment.data.root;
        bool listed = split_make(&experiment, root, &split, &why);
        if (listed && manifest_of_split(&split, &here, &why) &&
            fingerprint_checksums(manifest != NULL ? manifest : path, root, &here, &why))
            *fingerprint = manifest_fingerprint(&here, &experiment, &why);
        if (*fingerprint == NULL)
            good = tell_none(file, manifest, listed, &why, error);
    }
    manifest_free(&here);
    split_free(&split);
    experiment_free(&experiment);
    free(path);
    return good;
}

/* What of data the pictures depend on. */
static cJSON *pictures_of(const cJSON *data) {
    cJSON *copy = cJSON_Duplicate(data, true);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "split");
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "upsample");
    return copy;
}

bool fingerprint_add(const char *file, const char *manifest, struct member *member,
                     struct fingerprint_memory *memory, struct error *error) {
    cJSON *data = cJSON_GetObjectItemCaseSensitive(member->config, "data");
    if (json_member(data, "fingerprint") != NULL)
        return true;
    cJSON *pictures = pictures_of(data);
    if (pictures == NULL)
        return error_memory(error);
    if (memory->data != NULL && cJSON_Compare(memory->data, pictures, true)) {
        cJSON_Delete(pictures);
    } else {
        fingerprint_memory_free(memory);
        memory->data = pictures;
        if (!make(file, manifest, member, &memory->fingerprint, error))
            return false;
    }
    cJSON *copy = cJSON_Duplicate(memory->fingerprint, true);
    return memory->fingerprint == NULL ||
           (copy != NULL && cJSON_AddItemToObject(data, "fingerprint", copy)) ||
           error_memory(error);
}
