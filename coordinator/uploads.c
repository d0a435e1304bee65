#include "coordinator/uploads.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A SEALING entry is the sealing thread's, which ends that by setting the stage again; all others
 * are the caller's thread's alone. */
enum stage { FREE, COMING, SEALING, SEALED, FAILED };

struct upload {
    enum stage stage; /* guarded by the lock */
    char sha256[SHA256_TEXT_SIZE];
    int64_t bytes, have; /* of the whole, of the part */
    int64_t touched_ms;  /* the last offer or piece */
    struct error error;  /* of FAILED */
};

struct uploads {
    struct blobs *blobs;
    int64_t most_bytes, used_bytes; /* of sealed blobs; one still SEALED below is not in it yet */
    struct upload items[UPLOADS_MAX];
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* something is to be done, or stopping */
    /* guarded by the lock */
    bool stopping, sweep;
};

/* --- the sealing thread, which also gives back the room of what was removed --- */

static struct upload *find_stage(struct uploads *uploads, enum stage stage) {
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        if (uploads->items[i].stage == stage)
            return &uploads->items[i];
    return NULL;
}

static void *seal_main(void *context) {
    struct uploads *uploads = context;
    pthread_mutex_lock(&uploads->lock);
    for (;;) {
        struct upload *upload = find_stage(uploads, SEALING);
        if (uploads->stopping)
            break;
        if (uploads->sweep) {
            uploads->sweep = false;
            pthread_mutex_unlock(&uploads->lock);
            blobs_sweep(uploads->blobs);
            pthread_mutex_lock(&uploads->lock);
            continue;
        }
        if (upload == NULL) {
            pthread_cond_wait(&uploads->wake, &uploads->lock);
            continue;
        }
        pthread_mutex_unlock(&uploads->lock);
        bool sealed = blobs_seal(uploads->blobs, upload->sha256, &upload->error);
        pthread_mutex_lock(&uploads->lock);
        upload->stage = sealed ? SEALED : FAILED;
    }
    pthread_mutex_unlock(&uploads->lock);
    return NULL;
}

static enum stage stage_of(struct uploads *uploads, const struct upload *upload) {
    pthread_mutex_lock(&uploads->lock);
    enum stage stage = upload->stage;
    pthread_mutex_unlock(&uploads->lock);
    return stage;
}

static void set_stage(struct uploads *uploads, struct upload *upload, enum stage stage) {
    pthread_mutex_lock(&uploads->lock);
    upload->stage = stage;
    pthread_cond_signal(&uploads->wake);
    pthread_mutex_unlock(&uploads->lock);
}

/* --- opening --- */

static void count_bytes(void *context, const char *sha256, bool part, int64_t bytes) {
    struct uploads *uploads = context;
    (void)sha256;
    if (!part)
        uploads->used_bytes += bytes;
}

bool uploads_open(struct blobs *blobs, int64_t most_bytes, struct uploads **uploads,
                  struct error *error) {
    struct uploads *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(error, ERROR_FAILED, "no memory for uploads");
    made->blobs = blobs;
    made->most_bytes = most_bytes;
    made->sweep = true; /* what a killed process left */
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->wake, NULL);
    bool ok = blobs_each(blobs, count_bytes, made, error);
    int code = ok ? pthread_create(&made->thread, NULL, seal_main, made) : 0;
    made->started = ok && code == 0;
    if (code != 0)
        error_set(error, ERROR_FAILED, "cannot start a thread: %s", strerror(code));
    ok = made->started;
    if (ok)
        *uploads = made;
    else
        uploads_close(made);
    return ok;
}

void uploads_close(struct uploads *uploads) {
    if (uploads == NULL)
        return;
    pthread_mutex_lock(&uploads->lock);
    uploads->stopping = true;
    pthread_cond_signal(&uploads->wake);
    pthread_mutex_unlock(&uploads->lock);
    if (uploads->started)
        pthread_join(uploads->thread, NULL);
    pthread_cond_destroy(&uploads->wake);
    pthread_mutex_destroy(&uploads->lock);
    free(uploads);
}

struct blobs *uploads_blobs(struct uploads *uploads) {
    return uploads->blobs;
}

/* --- offers and pieces --- */

static struct upload *find(const struct uploads *uploads, const char *sha256) {
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        if (strcmp(uploads->items[i].sha256, sha256) == 0)
            return (struct upload *)&uploads->items[i];
    return NULL;
}

/* Not while it is being sealed. */
static void forget(struct uploads *uploads, struct upload *upload) {
    pthread_mutex_lock(&uploads->lock);
    if (upload->stage == SEALED)
        uploads->used_bytes += upload->bytes;
    *upload = (struct upload){.stage = FREE};
    pthread_mutex_unlock(&uploads->lock);
}

static bool is_silent(struct uploads *uploads, const struct upload *upload, int64_t now_ms) {
    enum stage stage = stage_of(uploads, upload);
    return stage != FREE && stage != SEALING && now_ms - upload->touched_ms >= UPLOADS_SILENT_MS;
}

/* So that they take no room from others; their parts stay. */
static void forget_silent(struct uploads *uploads, int64_t now_ms) {
    for (size_t i = 0; i < UPLOADS_MAX; i++)
        if (is_silent(uploads, &uploads->items[i], now_ms))
            forget(uploads, &uploads->items[i]);
}

/* A free entry, or that of the longest silent one that is not being sealed; NULL when all are. */
static struct upload *make_place(struct uploads *uploads) {
    struct upload *oldest = NULL;
    for (size_t i = 0; i < UPLOADS_MAX; i++) {
        struct upload *upload = &uploads->items[i];
        enum stage stage = stage_of(uploads, upload);
        if (stage == FREE)
            return upload;
        if (stage != SEALING && (oldest == NULL || upload->touched_ms < oldest->touched_ms))
            oldest = upload;
    }
    if (oldest != NULL)
        forget(uploads, oldest);
    return oldest;
}

/* What the uploads under way will still take of the disk, and what all will have taken. */
static int64_t promised(struct uploads *uploads, bool whole) {
    int64_t bytes = 0;
    for (size_t i = 0; i < UPLOADS_MAX; i++) {
        const struct upload *upload = &uploads->items[i];
        enum stage stage = stage_of(uploads, upload);
        if (stage == COMING)
            bytes += whole ? upload->bytes : upload->bytes - upload->have;
        else if ((stage == SEALING || stage == SEALED) && whole) /* counted as used once offered */
            bytes += upload->bytes;
    }
    return bytes;
}

static bool check_room(struct uploads *uploads, int64_t bytes, int64_t have, struct error *error) {
    const char *dir = blobs_dir(uploads->blobs);
    int64_t room;
    if (!blobs_room(uploads->blobs, &room, error))
        return false;
    room -= UPLOADS_RESERVE + promised(uploads, false);
    if (bytes - have > room)
        return error_set(error, ERROR_FAILED,
                         "no room for a file of %lld bytes: the disk of %s has %lld left; make "
                         "room there",
                         (long long)bytes, dir, (long long)(room > 0 ? room : 0));
    if (uploads->most_bytes == 0 ||
        bytes <= uploads->most_bytes - uploads->used_bytes - promised(uploads, true))
        return true;
    return error_set(
        error, ERROR_FAILED,
        "no room for a file of %lld bytes: %s may hold %lld and has %lld; run assay gc "
        "or raise --artifacts-max",
        (long long)bytes, dir, (long long)uploads->most_bytes, (long long)uploads->used_bytes);
}

/* Over to the sealing thread when the part is as long as it was to be. */
static enum upload_state seal_if_whole(struct uploads *uploads, struct upload *upload) {
    if (upload->have < upload->bytes)
        return UPLOAD_WANTED;
    set_stage(uploads, upload, SEALING);
    return UPLOAD_SEALING;
}

static enum upload_state begin(struct uploads *uploads, const char *sha256, int64_t bytes,
                               int64_t now_ms, int64_t *offset, struct error *error) {
    int64_t have = blobs_part_size(uploads->blobs, sha256);
    if (have > bytes) { /* of somebody who was wrong about the length */
        if (!blobs_remove_part(uploads->blobs, sha256, error))
            return UPLOAD_REFUSED;
        have = 0;
    }
    if (have < 0)
        have = 0;
    forget_silent(uploads, now_ms);
    if (!check_room(uploads, bytes, have, error))
        return UPLOAD_REFUSED;
    struct upload *upload = make_place(uploads);
    if (upload == NULL)
        return UPLOAD_SEALING;
    memcpy(upload->sha256, sha256, SHA256_TEXT_SIZE);
    upload->bytes = bytes;
    upload->have = have;
    upload->touched_ms = now_ms;
    set_stage(uploads, upload, COMING);
    *offset = have;
    return seal_if_whole(uploads, upload);
}

int64_t uploads_bytes(const struct uploads *uploads) {
    return uploads->used_bytes;
}

enum upload_state uploads_offer(struct uploads *uploads, const char *sha256, int64_t bytes,
                                int64_t now_ms, int64_t *offset, struct error *error) {
    struct upload *upload = find(uploads, sha256);
    enum stage stage = upload != NULL ? stage_of(uploads, upload) : FREE;
    *offset = 0;
    if (stage == SEALING)
        return UPLOAD_SEALING;
    if (stage == FAILED)
        *error = upload->error;
    if (upload != NULL)
        forget(uploads, upload);
    if (stage == FAILED)
        return UPLOAD_REFUSED;
    int64_t size = blobs_size(uploads->blobs, sha256);
    if (size == bytes)
        return UPLOAD_THERE;
    if (size < 0)
        return begin(uploads, sha256, bytes, now_ms, offset, error);
    error_set(error, ERROR_INPUT, "the file with the SHA-256 %s has %lld bytes, not %lld", sha256,
              (long long)size, (long long)bytes);
    return UPLOAD_REFUSED;
}

enum upload_state uploads_take(struct uploads *uploads, const char *sha256, int64_t offset,
                               const void *data, size_t length, int64_t now_ms, int64_t *next,
                               struct error *error) {
    struct upload *upload = find(uploads, sha256);
    enum stage stage = upload != NULL ? stage_of(uploads, upload) : FREE;
    *next = 0;
    if (stage == SEALING || stage == SEALED) {
        *next = upload->bytes;
        return UPLOAD_SEALING;
    }
    if (stage != COMING)
        return UPLOAD_UNKNOWN;
    upload->touched_ms = now_ms;
    if (offset == upload->have && (int64_t)length <= upload->bytes - upload->have) {
        /* the part may have been taken away, or be longer than we know: by its own length, or
         * because a worker that shares the folder has put its whole file there */
        int64_t size = blobs_part_size(uploads->blobs, sha256);
        if ((size < 0 ? 0 : size) != offset) {
            forget(uploads, upload);
            return UPLOAD_UNKNOWN;
        }
        if (!blobs_append(uploads->blobs, sha256, data, length, error)) {
            forget(uploads, upload);
            return UPLOAD_REFUSED;
        }
        upload->have += (int64_t)length;
    } else if (offset >= 0 && offset + (int64_t)length > upload->bytes) {
        error_set(error, ERROR_INPUT, "a piece of %zu bytes at %lld of a file of %lld bytes",
                  length, (long long)offset, (long long)upload->bytes);
        return UPLOAD_REFUSED;
    }
    *next = upload->have;
    return seal_if_whole(uploads, upload);
}

/* --- clearing away --- */

bool uploads_expects(struct uploads *uploads, const char *sha256, int64_t now_ms) {
    forget_silent(uploads, now_ms);
    return find(uploads, sha256) != NULL;
}

bool uploads_remove(struct uploads *uploads, const char *sha256, struct error *error) {
    int64_t bytes = blobs_size(uploads->blobs, sha256);
    if (bytes < 0)
        return true;
    if (!blobs_remove(uploads->blobs, sha256, error))
        return false;
    uploads->used_bytes -= bytes;
    pthread_mutex_lock(&uploads->lock);
    uploads->sweep = true;
    pthread_cond_signal(&uploads->wake);
    pthread_mutex_unlock(&uploads->lock);
    return true;
}
