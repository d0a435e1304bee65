/* bench_batch: a drawn batch for `assay-worker bench`, the same at every step. A backend that takes
 * pictures gets pictures that last, which it keeps where it computes; others get floats. */
#ifndef ASSAY_WORKER_BENCH_BATCH_H
#define ASSAY_WORKER_BENCH_BATCH_H

#include "worker/nn/backend.h"

struct bench_batch {
    struct batch batch;
    float *images;   /* or NULL */
    uint8_t *pixels; /* or NULL */
    struct picture *pictures;
    int32_t *labels;
    uint64_t *samples;
};

/* Whether or not it succeeds it may be freed; a zeroed one may be. */
bool bench_batch_draw(size_t count, int side, bool pictures, struct bench_batch *drawn,
                      struct error *error);
void bench_batch_free(struct bench_batch *drawn);

#endif
