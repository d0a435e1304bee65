#include "core/checksums.h"

#include "core/inside.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS = SHA256_TEXT_SIZE - 1, PATH_BYTES_MAX = 4096, PART_BYTES_MAX = 255 };

char *checksums_text(const struct manifest *manifest, const struct manifest_class *class,
                     size_t *length) {
    struct text lines = {0};
    for (size_t i = class->first; i < class->first + class->count; i++)
        text_format(&lines, "%s  %s\n", manifest->pictures[i].sha256, manifest->pictures[i].path);
    *length = lines.length;
    return class->count > 0 ? text_take(&lines) : strdup("");
}

bool checksums_sum(const struct manifest *manifest, const struct manifest_class *class,
                   struct checksums_sum *sum) {
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

/* Every part of the path names a file in a folder. */
static bool path_good(const char *path) {
    if (!inside_written(path) || strlen(path) > PATH_BYTES_MAX)
        return false;
    for (const char *part = path; part != NULL;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || length > PART_BYTES_MAX || (length == 1 && part[0] == '.'))
            return false;
        part = part[length] == '/' ? part + length + 1 : NULL;
    }
    return true;
}

static bool read_line(const char *line, size_t length, struct manifest *manifest, bool *no_memory) {
    struct manifest_picture *picture = &manifest->pictures[manifest->count];
    if (length <= DIGITS + 2 || memcmp(line + DIGITS, "  ", 2) != 0 ||
        memchr(line, '\0', length) != NULL)
        return false;
    memcpy(picture->sha256, line, DIGITS);
    picture->sha256[DIGITS] = '\0';
    picture->path = strndup(line + DIGITS + 2, length - DIGITS - 2);
    *no_memory = picture->path == NULL;
    if (*no_memory)
        return false;
    manifest->classes[0].count = ++manifest->count;
    return sha256_valid(picture->sha256) && path_good(picture->path) &&
           (manifest->count == 1 || strcmp(picture[-1].path, picture->path) < 0);
}

bool checksums_read(const char *text, size_t length, const char *name, struct manifest *manifest,
                    struct error *error) {
    size_t lines = 0, at = 0;
    bool no_memory = false;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    *manifest = (struct manifest){.pictures = calloc(lines + 1, sizeof *manifest->pictures),
                                  .classes = calloc(1, sizeof *manifest->classes)};
    if (manifest->pictures == NULL || manifest->classes == NULL) {
        manifest_free(manifest);
        return error_machine(error, "out of memory for a list of %zu pictures", lines);
    }
    manifest->class_count = 1;
    for (size_t line = 1; at < length; line++) {
        const char *end = memchr(text + at, '\n', length - at);
        if (end == NULL || !read_line(text + at, (size_t)(end - text) - at, manifest, &no_memory)) {
            manifest_free(manifest);
            if (no_memory)
                return error_machine(error, "out of memory for a list of %zu pictures", lines);
            return error_set(error, ERROR_INPUT,
                             "%s:%zu: no line of a listing: a SHA-256, two spaces and a picture's "
                             "path inside data.root, behind the one before it",
                             name, line);
        }
        at = (size_t)(end - text) + 1;
    }
    return true;
}
