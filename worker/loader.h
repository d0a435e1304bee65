/* loader: threads that read, transform and normalise pictures into batches ahead of training.
 *
 * One loader lives as long as an experiment and serves its passes (train, valid, test) one after
 * the other. Decoded pictures, after the pipeline's fixed ops (resize), stay in a cache of bounded
 * size that all passes share. What a batch holds depends on the pass alone, never on the number of
 * threads.
 */
#ifndef ASSAY_WORKER_LOADER_H
#define ASSAY_WORKER_LOADER_H

#include "core/split.h"
#include "core/transform.h"
#include "worker/nn/backend.h"

struct loader;

struct loader_options {
    const char *root;     /* the folder that items' paths are relative to */
    int threads;          /* 0: the number of cores */
    size_t cache_bytes;   /* 0: a quarter of the machine's memory */
    size_t batches_ahead; /* finished batches kept waiting; 0: 4 */
    bool pictures;        /* give pictures and recipes instead of floats, where pixelwise */
};

struct loader_pass {
    const struct split_list *list;
    const struct pipeline *pipeline;
    const size_t *order; /* indexes into list in the order to be seen; NULL: as they stand */
    size_t batch_size;   /* the last batch may be smaller */
    uint64_t seed;       /* draws: RANDOM_AUGMENT, sample = index into list */
    uint32_t epoch;
};

bool loader_new(const struct loader_options *options, struct loader **loader, struct error *error);
void loader_free(struct loader *loader); /* stops a pass that is under way */
/* Begins a pass; what it points to must live until the pass ends. Ends one that is under way. */
bool loader_begin(struct loader *loader, const struct loader_pass *pass, struct error *error);
/* The next batch in order, valid until the next call but one; *batch is NULL after the last one.
 * Fails, naming the file, when a picture cannot be read. */
bool loader_next(struct loader *loader, const struct batch **batch, struct error *error);

struct loader_statistics {
    uint64_t decoded, from_cache;
    size_t cache_bytes;
    double waited_seconds; /* how long loader_next had to wait */
};
void loader_statistics(const struct loader *loader, struct loader_statistics *statistics);

#endif
