#include "core/manifest_file.h"

#include "core/checksums.h"
#include "core/file.h"
#include "core/json.h"
#include "core/text.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 30 };

static void add_class_text(const struct manifest *manifest, const struct manifest_class *class,
                           struct text *text) {
    struct checksums_sum sum;
    if (!checksums_sum(manifest, class, &sum))
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

/* The folder of `path`, locked, since there is one temporary name for all; -1 where it cannot be
 * opened, which the writing will tell. On a file system without locks there are no turns. */
static bool take_turn(const char *path, int *folder, struct error *error) {
    char *copy = strdup(path);
    if (copy == NULL)
        return error_memory(error);
    *folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (*folder >= 0)
        file_lock(*folder);
    return true;
}

bool manifest_write(const char *path, const struct manifest *manifest, struct error *error) {
    char *text = manifest_text(manifest);
    int folder = -1;
    bool ok = text != NULL ? take_turn(path, &folder, error) : error_memory(error);
    ok = ok && file_write_atomic(path, text, strlen(text), error);
    if (folder >= 0)
        close(folder);
    free(text);
    return ok || error_context(error, "no manifest; choose another place with --out");
}

static bool read_picture(const cJSON *json, struct manifest_picture *picture, bool *no_memory) {
    const char *path = cJSON_GetStringValue(json_member(json, "path")),
               *sha256 = cJSON_GetStringValue(json_member(json, "sha256"));
    const cJSON *bytes = json_member(json, "bytes");
    if (path == NULL || sha256 == NULL || !sha256_valid(sha256) || !cJSON_IsNumber(bytes) ||
        bytes->valuedouble < 0 || bytes->valuedouble > 0x1p53)
        return false;
    picture->path = strdup(path);
    picture->bytes = (uint64_t)bytes->valuedouble;
    memcpy(picture->sha256, sha256, SHA256_TEXT_SIZE);
    *no_memory = picture->path == NULL;
    return !*no_memory;
}

static bool read_class(const cJSON *json, struct manifest *manifest, bool *no_memory) {
    const char *name = cJSON_GetStringValue(json_member(json, "name"));
    const cJSON *files = json_member(json, "files");
    if (name == NULL || !cJSON_IsArray(files))
        return false;
    struct manifest_class *class = &manifest->classes[manifest->class_count];
    *class = (struct manifest_class){.name = strdup(name), .first = manifest->count};
    *no_memory = class->name == NULL;
    if (*no_memory)
        return false;
    manifest->class_count++;
    size_t more = (size_t)cJSON_GetArraySize(files);
    struct manifest_picture *pictures =
        reallocarray(manifest->pictures, manifest->count + more + 1, sizeof *pictures);
    *no_memory = pictures == NULL;
    if (*no_memory)
        return false;
    manifest->pictures = pictures;
    for (const cJSON *one = files->child; one != NULL; one = one->next) {
        pictures[manifest->count] = (struct manifest_picture){0};
        if (!read_picture(one, &pictures[manifest->count], no_memory))
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
    bool no_memory = manifest->classes == NULL, ok = cJSON_IsArray(classes) && !no_memory;
    for (const cJSON *one = ok ? classes->child : NULL; ok && one != NULL; one = one->next)
        ok = read_class(one, manifest, &no_memory);
    cJSON_Delete(json);
    if (ok)
        return true;
    manifest_free(manifest);
    if (no_memory)
        return error_machine(error, "%s: no memory to read it", path);
    return error_set(error, ERROR_INPUT,
                     "%s: no manifest of pictures; write it anew with assay data check", path);
}
