#include "core/manifest.h"

#include "core/checksums.h"
#include "core/file.h"
#include "core/json.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 30 };

const char *const manifest_lists[MANIFEST_LISTS] = {"train", "valid", "test"};

void manifest_free(struct manifest *manifest) {
    for (size_t i = 0; i < manifest->count; i++)
        free(manifest->pictures[i].path);
    for (size_t c = 0; c < manifest->class_count; c++)
        free(manifest->classes[c].name);
    free(manifest->pictures);
    free(manifest->classes);
    *manifest = (struct manifest){0};
}

/* --- of a split --- */

struct mention {
    const struct split_item *item;
    unsigned list;
};

static int compare_mentions(const void *a, const void *b) {
    const struct split_item *left = ((const struct mention *)a)->item,
                            *right = ((const struct mention *)b)->item;
    if (left->class_index != right->class_index)
        return left->class_index < right->class_index ? -1 : 1;
    return strcmp(left->path, right->path);
}

/* Adds the sorted mentions, those of one picture once. */
static bool add_mentions(const struct mention *mentions, size_t count, struct manifest *manifest) {
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_mentions(&mentions[i - 1], &mentions[i]) == 0) {
            manifest->pictures[manifest->count - 1].lists |= mentions[i].list;
            continue;
        }
        struct manifest_class *class = &manifest->classes[mentions[i].item->class_index];
        if (class->count++ == 0)
            class->first = manifest->count;
        struct manifest_picture *picture = &manifest->pictures[manifest->count];
        *picture = (struct manifest_picture){.path = strdup(mentions[i].item->path),
                                             .lists = mentions[i].list};
        if (picture->path == NULL)
            return false;
        manifest->count++;
    }
    return true;
}

bool manifest_of_split(const struct split *split, struct manifest *manifest, struct error *error) {
    const struct split_list *const lists[] = {&split->train, &split->valid, &split->test};
    size_t total = split->train.count + split->valid.count + split->test.count, count = 0;
    struct mention *mentions = calloc(total + 1, sizeof *mentions);
    *manifest =
        (struct manifest){.pictures = calloc(total + 1, sizeof *manifest->pictures),
                          .classes = calloc(split->class_count + 1, sizeof *manifest->classes)};
    bool ok = mentions != NULL && manifest->pictures != NULL && manifest->classes != NULL;
    for (size_t c = 0; ok && c < split->class_count; c++) {
        manifest->classes[c].name = strdup(split->classes[c].name);
        ok = manifest->classes[c].name != NULL;
        manifest->class_count += ok;
    }
    for (size_t l = 0; ok && l < 3; l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            mentions[count++] = (struct mention){&lists[l]->items[i], 1U << l};
    if (ok) {
        qsort(mentions, count, sizeof *mentions, compare_mentions);
        ok = add_mentions(mentions, count, manifest);
    }
    free(mentions);
    if (ok)
        return true;
    manifest_free(manifest);
    return error_machine(error, "out of memory for a list of %zu pictures", total);
}

/* --- sums --- */

struct sum {
    uint64_t bytes;
    char sha256[SHA256_TEXT_SIZE];
};

static bool class_sum(const struct manifest *manifest, const struct manifest_class *class,
                      struct sum *sum) {
    size_t length = 0;
    char *lines = checksums_text(manifest, class, &length);
    sum->bytes = 0;
    for (size_t i = class->first; i < class->first + class->count; i++)
        sum->bytes += manifest->pictures[i].bytes;
    bool ok = lines != NULL;
    if (ok)
        sha256_text(lines, length, sum->sha256);
    free(lines);
    return ok;
}

/* --- files --- */

static void add_class_text(const struct manifest *manifest, const struct manifest_class *class,
                           struct text *text) {
    struct sum sum;
    if (!class_sum(manifest, class, &sum))
        text->failed = true;
    text_add(text, "    {\"name\": ", 13);
    text_json_string(text, class->name);
    text_format(text, ", \"pictures\": %zu, \"bytes\": %llu, \"sha256\": \"%s\", \"files\": [",
                class->count, (unsigned long long)sum.bytes, sum.sha256);
    for (size_t i = class->first; i < class->first + class->count; i++) {
        const struct manifest_picture *picture = &manifest->pictures[i];
        text_format(text, "%s\n      {\"path\": ", i == class->first ? "" : ",");
        text_json_string(text, picture->path);
        text_format(text, ", \"bytes\": %llu, \"sha256\": \"%s\"}",
                    (unsigned long long)picture->bytes, picture->sha256);
    }
    text_format(text, "\n    ]}");
}

char *manifest_text(const struct manifest *manifest) {
    struct text text = {0};
    uint64_t bytes = 0;
    for (size_t i = 0; i < manifest->count; i++)
        bytes += manifest->pictures[i].bytes;
    text_format(&text, "{\n  \"pictures\": %zu,\n  \"bytes\": %llu,\n  \"classes\": [\n",
                manifest->count, (unsigned long long)bytes);
    for (size_t c = 0; c < manifest->class_count; c++) {
        add_class_text(manifest, &manifest->classes[c], &text);
        text_format(&text, "%s\n", c + 1 < manifest->class_count ? "," : "");
    }
    text_format(&text, "  ]\n}\n");
    return text_take(&text);
}

static bool read_picture(const cJSON *json, struct manifest_picture *picture) {
    const char *path = cJSON_GetStringValue(json_member(json, "path")),
               *sha256 = cJSON_GetStringValue(json_member(json, "sha256"));
    const cJSON *bytes = json_member(json, "bytes");
    if (path == NULL || sha256 == NULL || !sha256_valid(sha256) || !cJSON_IsNumber(bytes) ||
        bytes->valuedouble < 0 || bytes->valuedouble > 0x1p53)
        return false;
    picture->path = strdup(path);
    picture->bytes = (uint64_t)bytes->valuedouble;
    memcpy(picture->sha256, sha256, SHA256_TEXT_SIZE);
    return picture->path != NULL;
}

static bool read_class(const cJSON *json, struct manifest *manifest) {
    const char *name = cJSON_GetStringValue(json_member(json, "name"));
    const cJSON *files = json_member(json, "files");
    if (name == NULL || !cJSON_IsArray(files))
        return false;
    struct manifest_class *class = &manifest->classes[manifest->class_count];
    *class = (struct manifest_class){.name = strdup(name), .first = manifest->count};
    if (class->name == NULL)
        return false;
    manifest->class_count++;
    size_t more = (size_t)cJSON_GetArraySize(files);
    struct manifest_picture *pictures =
        reallocarray(manifest->pictures, manifest->count + more + 1, sizeof *pictures);
    if (pictures == NULL)
        return false;
    manifest->pictures = pictures;
    for (const cJSON *one = files->child; one != NULL; one = one->next) {
        pictures[manifest->count] = (struct manifest_picture){0};
        if (!read_picture(one, &pictures[manifest->count]))
            return false;
        manifest->count++;
        class->count++;
    }
    return true;
}

bool manifest_read(const char *path, struct manifest *manifest, struct error *error) {
    char *text = NULL;
    size_t length = 0;
    *manifest = (struct manifest){0};
    if (!file_read(path, FILE_BYTES_MAX, &text, &length, error))
        return false;
    cJSON *json = json_parse_names(text, length, path, error);
    free(text);
    if (json == NULL)
        return false;
    const cJSON *classes = json_member(json, "classes");
    manifest->classes = calloc((size_t)cJSON_GetArraySize(classes) + 1, sizeof *manifest->classes);
    bool ok = cJSON_IsArray(classes) && manifest->classes != NULL;
    for (const cJSON *one = ok ? classes->child : NULL; ok && one != NULL; one = one->next)
        ok = read_class(one, manifest);
    cJSON_Delete(json);
    if (ok)
        return true;
    manifest_free(manifest);
    return error_set(error, ERROR_INPUT,
                     "%s: no manifest of pictures; write it anew with assay data check", path);
}

/* --- fingerprints --- */

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
        struct sum sum;
        ok =
            (class_sum(manifest, &manifest->classes[c], &sum) &&
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
    struct sum sum;
    out[0] = '\0';
    if (left == NULL || right == NULL || sha256 == NULL || !class_sum(then, left, &sum) ||
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
