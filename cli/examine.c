#include "cli/examine.h"

#include "core/file.h"
#include "core/picture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 64 };

/* The readers share this; `lock` guards what stands below it. Each picture and its facts are
 * written by the one thread that took it. */
struct reading_room {
    struct manifest *manifest;
    const char *root;
    struct facts *facts;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, done;
    int readers;
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
    struct facts *facts = &room->facts[index];
    struct image image = {0};
    char *path = NULL, *data = NULL;
    size_t length = 0;
    if (asprintf(&path, "%s/%s", room->root, picture->path) < 0)
        return error_set(error, ERROR_FAILED, "out of memory");
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

static void *read_pictures(void *argument) {
    struct reading_room *room = argument;
    pthread_mutex_lock(&room->lock);
    while (room->next < room->manifest->count) {
        size_t index = room->next++;
        struct error error = {0};
        pthread_mutex_unlock(&room->lock);
        if (!look_at(room, index, &error))
            room->facts[index].fault = strdup(error.message);
        pthread_mutex_lock(&room->lock);
        room->done++;
    }
    room->readers--;
    pthread_cond_signal(&room->changed);
    pthread_mutex_unlock(&room->lock);
    return NULL;
}

/* Waits until every reader has gone home, and tells how far they are five times a second. */
static void watch(struct reading_room *room,
                  void (*progress)(void *context, size_t done, size_t count), void *context) {
    pthread_mutex_lock(&room->lock);
    while (room->readers > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&room->changed, &room->lock, &until);
        size_t done = room->done;
        pthread_mutex_unlock(&room->lock);
        if (progress != NULL)
            progress(context, done, room->manifest->count);
        pthread_mutex_lock(&room->lock);
    }
    pthread_mutex_unlock(&room->lock);
}

bool examine(struct manifest *manifest, const char *root, int threads,
             void (*progress)(void *context, size_t done, size_t count), void *context,
             struct facts **facts, struct error *error) {
    struct reading_room room = {.manifest = manifest, .root = root};
    pthread_t readers[THREADS_MAX];
    int started = 0, wanted = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    room.facts = *facts = calloc(manifest->count + 1, sizeof **facts);
    if (room.facts == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    pthread_mutex_init(&room.lock, NULL);
    pthread_cond_init(&room.changed, NULL);
    room.readers = wanted;
    while (started < wanted && pthread_create(&readers[started], NULL, read_pictures, &room) == 0)
        started++;
    pthread_mutex_lock(&room.lock);
    room.readers -= wanted - started;
    pthread_mutex_unlock(&room.lock);
    watch(&room, progress, context);
    for (int i = 0; i < started; i++)
        pthread_join(readers[i], NULL);
    pthread_cond_destroy(&room.changed);
    pthread_mutex_destroy(&room.lock);
    if (started > 0)
        return true;
    facts_free(*facts, manifest->count);
    *facts = NULL;
    return error_set(error, ERROR_FAILED, "cannot start a thread");
}

void facts_free(struct facts *facts, size_t count) {
    for (size_t i = 0; facts != NULL && i < count; i++)
        free(facts[i].fault);
    free(facts);
}
