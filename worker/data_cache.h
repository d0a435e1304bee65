/* data_cache: pictures that were fetched from the coordinator, in a folder of bounded size that all
 * workers of a machine may share.
 *
 *   fill        locked by the one process that adds or removes
 *   incoming/   what has come of files so far
 *   pictures/   each content once, ab/cdef... by its SHA-256
 *   sets/ID/    a data set: root/ with the pictures as links, lists/, `whole` when it is, and
 *               `used`, which everybody who reads the set locks: its time says when that was last
 *
 * A picture has its name only when its sum was right, but is synced with the whole set: what stands
 * in a set that is not whole is summed up again before it is trusted. Whoever finds that a whole
 * one has lost something since says so (data_cache_doubt) and fetches that. What was not used for
 * longest leaves first, never a set that somebody holds.
 */
#ifndef ASSAY_WORKER_DATA_CACHE_H
#define ASSAY_WORKER_DATA_CACHE_H

#include "core/sha256.h"

struct data_cache;

bool data_cache_open(const char *dir, int64_t most_bytes, struct data_cache **cache,
                     struct error *error);
void data_cache_close(struct data_cache *cache);                 /* NULL is fine */
const char *data_cache_incoming(const struct data_cache *cache); /* DIR/incoming */

/* A set that does not leave while it is held. */
struct data_hold {
    int descriptor; /* -1: nothing is held */
    char *path;     /* DIR/sets/ID */
    bool whole;
};
/* Holds the set, which may be empty so far. */
bool data_cache_hold(struct data_cache *cache, const char *id, struct data_hold *hold,
                     struct error *error);
void data_hold_release(struct data_hold *hold);

/* *lock is -1 while another process fills; close it to end. Only with it may the following be
 * called, and data_cache_hold for a set that is not whole. */
bool data_cache_fill(struct data_cache *cache, int *lock, struct error *error);
/* Makes room for so many bytes. ERROR_FAILED: the cache is too small, what is in it is used, or the
 * disk is full. */
bool data_cache_room(struct data_cache *cache, const struct data_hold *hold, int64_t bytes,
                     struct error *error);
/* Whether the content is there. It was checked, and a link to it stands in the set at `name`
 * ("root/real/1.png", of folders that are made); *bytes is its size. What is damaged is removed. */
bool data_cache_take(struct data_cache *cache, const struct data_hold *hold, const char *sha256,
                     const char *name, bool *there, int64_t *bytes, struct error *error);
/* Moves a checked file into the cache. */
bool data_cache_keep(struct data_cache *cache, const char *part, const char *sha256,
                     struct error *error);
bool data_cache_link(struct data_cache *cache, const struct data_hold *hold, const char *sha256,
                     const char *name, struct error *error);
/* The set is not whole any more, whatever was taken for that. */
bool data_cache_doubt(struct data_hold *hold, struct error *error);
/* The set is whole, and on the disk. */
bool data_cache_finish(struct data_cache *cache, struct data_hold *hold, struct error *error);

#endif
