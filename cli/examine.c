#include "cli/examine.h"

#include "core/file.h"
#include "core/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each picture and its facts are written by the one thread that took it. */
struct reading_room {
    struct manifest *manifest;
    const char *root;
    struct picture_facts *facts;
};

static bool is_grey(const struct image *image) {
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixel = image->pixels + 3 * i;
        if (pixel[0] != pixel[1] || pixel[1] != pixel[2])
            return false;
    }
    return true;
}

static bool look_at(const struct reading_room *room, size_t index, struct error *error) {
    struct manifest_picture *picture = &room->manifest->pictures[index];
    struct picture_facts *facts = &room->facts[index];
    struct image image = {0};
    char *path = NULL, *data = NULL;
    size_t length = 0;
    if (asprintf(&path, "%s/%s", room->root, picture->path) < 0)
        return error_memory(error);
    bool ok = file_read(path, PICTURE_BYTES_MAX, &data, &length, error);
    if (ok) {
        picture->bytes = length;
        sha256_text(data, length, picture->sha256);
        ok = picture_decode((const uint8_t *)data, length, picture->path, &image, error);
    }
    if (ok) {
        facts->width = image.width;
        facts->height = image.height;
        facts->grey = is_grey(&image);
        sha256_text(image.pixels, 3 * (size_t)image.width * (size_t)image.height, facts->pixels);
    }
    image_free(&image);
    free(data);
    free(path);
    return ok;
}

/* A picture that cannot be read is a fault of it, and nothing that stops the others, unless it is
 * this process that is short of memory or descriptors. */
static bool read_picture(void *context, size_t index, struct error *error) {
    const struct reading_room *room = context;
    struct error fault = {0};
    if (look_at(room, index, &fault))
        return true;
    if (error_take_shortage(error, &fault))
        return false;
    room->facts[index].fault = strdup(fault.message);
    return room->facts[index].fault != NULL || error_memory(error);
}

bool examine(struct manifest *manifest, const char *root, int threads, gang_progress *progress,
             void *context, struct picture_facts **facts, struct error *error) {
    struct reading_room room = {manifest, root, calloc(manifest->count + 1, sizeof **facts)};
    const struct gang gang = {manifest->count, threads, read_picture, &room, progress, context};
    *facts = room.facts;
    if (room.facts == NULL)
        return error_memory(error);
    if (gang_run(&gang, error))
        return true;
    picture_facts_free(*facts, manifest->count);
    *facts = NULL;
    return false;
}

void picture_facts_free(struct picture_facts *facts, size_t count) {
    for (size_t i = 0; facts != NULL && i < count; i++)
        free(facts[i].fault);
    free(facts);
}
