#include "worker/sample.h"

#include "core/picture.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sample_source_set(struct sample_source *source, const struct pipeline *pipeline, uint64_t seed,
                       uint32_t epoch) {
    source->pipeline = pipeline;
    source->seed = seed;
    source->epoch = epoch;
    source->fixed_count = 0;
    source->fixed_key[0] = '\0';
    size_t length = 0;
    for (size_t i = 0; i < pipeline_fixed_count(pipeline); i++) {
        const struct transform *op = &pipeline->ops[i];
        size_t room = sizeof source->fixed_key - length;
        int written = snprintf(source->fixed_key + length, room,
                               "%s %d %d:", transform_name(op->kind), op->height, op->width);
        if (written < 0 || (size_t)written >= room) {
            source->fixed_key[length] = '\0'; /* the ops from here on are done every time */
            break;
        }
        length += (size_t)written;
        source->fixed_count++;
    }
}

void sample_keep_heap(void) {
    mallopt(M_MMAP_THRESHOLD, 16 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

void sample_memory_free(struct sample_memory *memory) {
    image_free(&memory->picture);
    free(memory->key);
    *memory = (struct sample_memory){0};
}

/* The cache's key: the fixed ops, then ROOT/PATH, which is the file's path as well. */
static bool make_key(const struct sample_source *source, const char *path,
                     struct sample_memory *memory, struct error *error) {
    size_t needed = strlen(source->fixed_key) + strlen(source->root) + 1 + strlen(path) + 1;
    if (needed > memory->key_size) {
        char *grown = realloc(memory->key, needed);
        if (grown == NULL)
            return error_machine(error, "no memory for a path");
        memory->key = grown;
        memory->key_size = needed;
    }
    snprintf(memory->key, needed, "%s%s/%s", source->fixed_key, source->root, path);
    return true;
}

static size_t picture_bytes(const struct image *image) {
    return 3 * (size_t)image->width * (size_t)image->height;
}

/* Ops [from, to) on the thread's picture; each works in its memory or makes one new picture. One
 * after the other: of two new ones the second may stand where the first op found its own. */
static bool apply(const struct sample_source *source, size_t from, size_t to,
                  struct sample_memory *memory, struct random_stream *stream, struct error *error) {
    bool done = true;
    for (size_t i = from; done && i < to; i++) {
        const struct pipeline part = {source->pipeline->ops, i + 1};
        const uint8_t *before = memory->picture.pixels;
        done = pipeline_apply(&part, i, &memory->picture, stream, error);
        if (memory->picture.pixels != before)
            memory->capacity = picture_bytes(&memory->picture);
    }
    return done;
}

static bool copy_picture(const struct image *from, struct sample_memory *memory,
                         struct error *error) {
    if (picture_bytes(from) > memory->capacity) {
        memory->capacity = 0;
        image_free(&memory->picture);
        if (!image_new(&memory->picture, from->width, from->height, error))
            return false;
        memory->capacity = picture_bytes(from);
    }
    memcpy(memory->picture.pixels, from->pixels, picture_bytes(from));
    memory->picture.width = from->width;
    memory->picture.height = from->height;
    return true;
}

static bool read_picture(const struct sample_source *source, const char *file,
                         struct sample_memory *memory, struct error *error) {
    memory->capacity = 0;
    image_free(&memory->picture);
    if (!picture_read(file, &memory->picture, error))
        return false;
    memory->capacity = picture_bytes(&memory->picture);
    if (!apply(source, 0, source->fixed_count, memory, NULL, error))
        return error_context(error, "%s", file);
    cache_keep(source->cache, memory->key, &memory->picture);
    return true;
}

/* The picture in the cache, or NULL once it was read into the thread's memory. */
static bool find_or_read(const struct sample_source *source, const char *path,
                         struct sample_memory *memory, const struct image **kept,
                         struct error *error) {
    if (!make_key(source, path, memory, error))
        return false;
    *kept = cache_find(source->cache, memory->key);
    return *kept != NULL ||
           read_picture(source, memory->key + strlen(source->fixed_key), memory, error);
}

bool sample_load(const struct sample_source *source, const char *path, uint64_t index,
                 struct sample_memory *memory, float *out, bool *cached, struct error *error) {
    const struct image *kept;
    if (!find_or_read(source, path, memory, &kept, error))
        return false;
    const char *file = memory->key + strlen(source->fixed_key);
    *cached = kept != NULL;
    bool draws =
        source->fixed_count + 1 < source->pipeline->count; /* normalize alone draws nothing */
    if (kept != NULL && draws && !copy_picture(kept, memory, error))
        return error_context(error, "%s", file);
    if (draws) {
        struct random_stream stream;
        random_open(&stream, source->seed, RANDOM_AUGMENT, source->epoch, index);
        if (!apply(source, source->fixed_count, source->pipeline->count, memory, &stream, error))
            return error_context(error, "%s", file);
    }
    pipeline_normalize(source->pipeline, draws || kept == NULL ? &memory->picture : kept, out);
    return true;
}

bool sample_picture(const struct sample_source *source, const char *path, uint64_t index,
                    struct sample_memory *memory, struct picture *picture, struct image *own,
                    bool *cached, struct error *error) {
    const struct image *kept;
    if (!find_or_read(source, path, memory, &kept, error))
        return false;
    const char *file = memory->key + strlen(source->fixed_key);
    *cached = kept != NULL;
    if (kept == NULL)
        kept = cache_find(source->cache, memory->key); /* there was room for it */
    picture->lasting = kept != NULL;
    if (kept == NULL) {
        image_free(own);
        *own = memory->picture;
        memory->picture = (struct image){0};
        memory->capacity = 0;
        kept = own;
    }
    struct random_stream stream;
    picture->pixels = kept->pixels;
    recipe_begin(&picture->recipe, kept->width, kept->height);
    random_open(&stream, source->seed, RANDOM_AUGMENT, source->epoch, index);
    return pipeline_draw(source->pipeline, source->fixed_count, &stream, &picture->recipe, error) ||
           error_context(error, "%s", file);
}
