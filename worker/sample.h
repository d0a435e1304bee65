/* sample: one picture of a pass, from its file or the cache to normalised floats.
 *
 * The pipeline's fixed ops (resize, center_crop) are applied once and their result kept in the
 * cache, under a key that names them and the file; what comes after them draws anew every epoch.
 */
#ifndef ASSAY_WORKER_SAMPLE_H
#define ASSAY_WORKER_SAMPLE_H

#include "core/transform.h"
#include "worker/cache.h"
#include "worker/nn/backend.h"

/* Where the samples of a pass come from: the same for all threads, and not changed while they work.
 */
struct sample_source {
    const char *root;
    struct cache *cache;
    const struct pipeline *pipeline;
    uint64_t seed;
    uint32_t epoch;
    size_t fixed_count;
    char fixed_key[256];
};

/* Sets everything but root and cache. `pipeline` is borrowed. */
void sample_source_set(struct sample_source *source, const struct pipeline *pipeline, uint64_t seed,
                       uint32_t epoch);

/* Tells glibc to keep freed memory of a picture's size. By default it goes back to the kernel and
 * is taken again, page by page, which is an eighth of the time that a picture takes. Concerns the
 * whole process; calling it again changes nothing. */
void sample_keep_heap(void);

/* What a thread keeps from sample to sample so as not to ask for memory again. Zero-initialise. */
struct sample_memory {
    struct image picture;
    size_t capacity; /* bytes at picture.pixels */
    char *key;
    size_t key_size;
};
void sample_memory_free(struct sample_memory *memory);

/* Picture `path` (relative to the root) through the whole pipeline into `out`, 3 x height x width
 * floats. `index` is its place in the training list, which decides its draws. *cached: it came from
 * the cache. Errors name the file. */
bool sample_load(const struct sample_source *source, const char *path, uint64_t index,
                 struct sample_memory *memory, float *out, bool *cached, struct error *error);

/* The same as far as it is decoded and the fixed ops are done, with the recipe of what is left, for
 * a backend that does the rest. The pixels are the cache's, or *own's, whose memory is replaced.
 * The pipeline must be pixelwise from source->fixed_count. */
bool sample_picture(const struct sample_source *source, const char *path, uint64_t index,
                    struct sample_memory *memory, struct picture *picture, struct image *own,
                    bool *cached, struct error *error);

#endif
