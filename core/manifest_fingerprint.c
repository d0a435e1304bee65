#include "core/manifest_fingerprint.h"

#include "core/checksums.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

const char *const manifest_lists[MANIFEST_LISTS] = {"train", "valid", "test"};

static bool add_list(cJSON *lists, const char *name, const char *path, struct error *error) {
    char sha256[SHA256_TEXT_SIZE];
    return sha256_path(path, sha256, NULL, error) &&
           (cJSON_AddStringToObject(lists, name, sha256) != NULL || error_memory(error));
}

cJSON *manifest_fingerprint(const struct manifest *manifest, const struct experiment *experiment,
                            struct error *error) {
    cJSON *fingerprint = cJSON_CreateObject(),
          *classes = cJSON_AddArrayToObject(fingerprint, "classes");
    bool ok = classes != NULL || error_memory(error);
    for (size_t c = 0; ok && c < manifest->class_count; c++) {
        cJSON *one = cJSON_CreateObject();
        struct checksums_sum sum;
        ok =
            (checksums_sum(manifest, &manifest->classes[c], &sum) &&
             cJSON_AddStringToObject(one, "name", manifest->classes[c].name) != NULL &&
             cJSON_AddNumberToObject(one, "pictures", (double)manifest->classes[c].count) != NULL &&
             cJSON_AddNumberToObject(one, "bytes", (double)sum.bytes) != NULL &&
             cJSON_AddStringToObject(one, "sha256", sum.sha256) != NULL) ||
            error_memory(error);
        cJSON_AddItemToArray(classes, one);
    }
    if (ok && experiment->data.files.train != NULL) {
        cJSON *lists = cJSON_AddObjectToObject(fingerprint, "lists");
        ok = add_list(lists, "train", experiment->data.files.train, error) &&
             add_list(lists, "valid", experiment->data.files.valid, error) &&
             add_list(lists, "test", experiment->data.files.test, error);
    }
    if (ok)
        return fingerprint;
    cJSON_Delete(fingerprint);
    return NULL;
}

static const struct manifest_class *find_class(const struct manifest *manifest, const char *name) {
    for (size_t c = 0; c < manifest->class_count; c++)
        if (strcmp(manifest->classes[c].name, name) == 0)
            return &manifest->classes[c];
    return NULL;
}

/* "; first: \"real/7.png\" is missing here", or nothing when `then` does not have the class as
 * `expected` describes it. */
static void first_difference(const cJSON *expected, const char *name, const struct manifest *here,
                             const struct manifest *then, char *out, size_t size) {
    const struct manifest_class *left = then != NULL ? find_class(then, name) : NULL,
                                *right = find_class(here, name);
    const char *sha256 = cJSON_GetStringValue(json_member(expected, "sha256"));
    struct checksums_sum sum;
    out[0] = '\0';
    if (left == NULL || right == NULL || sha256 == NULL || !checksums_sum(then, left, &sum) ||
        strcmp(sum.sha256, sha256) != 0)
        return;
    size_t i = 0, k = 0;
    while (i < left->count || k < right->count) {
        const struct manifest_picture *a = &then->pictures[left->first + i],
                                      *b = &here->pictures[right->first + k];
        int order = i == left->count ? 1 : k == right->count ? -1 : strcmp(a->path, b->path);
        if (order != 0 || strcmp(a->sha256, b->sha256) != 0) {
            snprintf(out, size, "; first: \"%.300s\" %s", order > 0 ? b->path : a->path,
                     order < 0   ? "is missing here"
                     : order > 0 ? "was not there"
                                 : "has other bytes");
            return;
        }
        i++;
        k++;
    }
}

static const cJSON *class_named(const cJSON *fingerprint, const char *name) {
    for (const cJSON *one = json_member(fingerprint, "classes")->child; one != NULL;
         one = one->next)
        if (strcmp(json_member(one, "name")->valuestring, name) == 0)
            return one;
    return NULL;
}

#define DIFFER "the pictures here are not those of the submission: "
#define REMEDY "; bring the same data here, or check it with assay data check and submit again"

static bool compare_class(const cJSON *expected, const cJSON *actual, const struct manifest *here,
                          const struct manifest *then, struct error *error) {
    const char *name = json_member(expected, "name")->valuestring;
    char first[400];
    if (actual == NULL)
        return error_set(error, ERROR_INPUT, DIFFER "there is no class \"%s\"" REMEDY, name);
    if (strcmp(json_member(expected, "sha256")->valuestring,
               json_member(actual, "sha256")->valuestring) == 0)
        return true;
    first_difference(expected, name, here, then, first, sizeof first);
    double pictures[2] = {json_member(expected, "pictures")->valuedouble,
                          json_member(actual, "pictures")->valuedouble};
    double bytes[2] = {json_member(expected, "bytes")->valuedouble,
                       json_member(actual, "bytes")->valuedouble};
    if (pictures[0] != pictures[1])
        return error_set(error, ERROR_INPUT,
                         DIFFER "class \"%s\" has %.0f here and %.0f there%s" REMEDY, name,
                         pictures[1], pictures[0], first);
    return error_set(error, ERROR_INPUT,
                     DIFFER
                     "class \"%s\" has %.0f in both, of %.0f bytes here and %.0f there, with "
                     "other names or contents%s" REMEDY,
                     name, pictures[0], bytes[1], bytes[0], first);
}

bool manifest_compare(const cJSON *expected, const cJSON *actual, const struct manifest *here,
                      const struct manifest *then, struct error *error) {
    for (const cJSON *one = json_member(expected, "classes")->child; one != NULL; one = one->next)
        if (!compare_class(one, class_named(actual, json_member(one, "name")->valuestring), here,
                           then, error))
            return false;
    for (const cJSON *one = json_member(actual, "classes")->child; one != NULL; one = one->next)
        if (class_named(expected, json_member(one, "name")->valuestring) == NULL)
            return error_set(error, ERROR_INPUT, DIFFER "there was no class \"%s\"" REMEDY,
                             json_member(one, "name")->valuestring);
    for (size_t l = 0; l < MANIFEST_LISTS; l++) {
        const cJSON *then_list = json_member(json_member(expected, "lists"), manifest_lists[l]),
                    *list = json_member(json_member(actual, "lists"), manifest_lists[l]);
        if (then_list != NULL && list != NULL && !cJSON_Compare(then_list, list, true))
            return error_set(error, ERROR_INPUT,
                             "data.files.%s here is not the list of the submission" REMEDY,
                             manifest_lists[l]);
    }
    return true;
}
