#include "core/picture.h"

#include "core/file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool picture_named(const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".webp"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t tail = strlen(endings[i]);
        if (length >= tail && strcasecmp(name + length - tail, endings[i]) == 0)
            return true;
    }
    return false;
}

static bool begins(const uint8_t *data, size_t length, const char *magic, size_t magic_length) {
    return length >= magic_length && memcmp(data, magic, magic_length) == 0;
}

bool picture_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                    struct error *error) {
    *image = (struct image){0};
    if (length == 0)
        return error_set(error, ERROR_INPUT, "%s: empty file; restore the file or remove it", name);
    if (begins(data, length, "\x89PNG", 4))
        return png_decode(data, length, name, image, error);
    if (begins(data, length, "\xff\xd8\xff", 3))
        return jpeg_decode(data, length, name, image, error);
    if (begins(data, length, "RIFF", 4) && length >= 12 && memcmp(data + 8, "WEBP", 4) == 0)
        return webp_decode(data, length, name, image, error);
    return error_set(error, ERROR_INPUT,
                     "%s: not a PNG, JPEG or WebP file; convert it or remove it from the folder",
                     name);
}

bool picture_read(const char *path, struct image *image, struct error *error) {
    char *data = NULL;
    size_t length = 0;
    *image = (struct image){0};
    if (!file_read(path, PICTURE_BYTES_MAX, &data, &length, error))
        return false;
    bool done = picture_decode((const uint8_t *)data, length, path, image, error);
    free(data);
    return done;
}
