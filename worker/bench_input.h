/* bench_input: the input half of `assay-worker bench`: how fast pictures become tensors, alone and
 * while a network trains on them.
 *
 * The pipeline is the notebook's: Resize(256), RandomCrop(224), RandomHorizontalFlip, Normalize;
 * for a side that is not 224, 256 changes with it.
 */
#ifndef ASSAY_WORKER_BENCH_INPUT_H
#define ASSAY_WORKER_BENCH_INPUT_H

#include "core/error.h"
#include "worker/nn/backend.h"

#include <cjson/cJSON.h>

/* Measures the pictures in `folder` and the folders right below it, and adds to `out`:
 *   "pictures": how many there are, at most 512
 *   "one_thread": images/s of "decode" (the file read included), "resize", "rest" (crop, flip,
 *       normalise), "cold" (all of it) and "cached" (crop, flip, normalise of a kept picture)
 *   "loader": images/s of "cold" and "cached" passes with all threads, in batches of 32
 * threads 0: the number of cores. Each figure is of the median over passes. */
bool bench_input(const char *folder, int side, int threads, cJSON *out, struct error *error);

struct bench_feed {
    const char *folder;
    const struct backend *backend;
    struct model *model;
    int side, threads;
    size_t batch, steps;
};

/* Begins a step of training on a batch; NULL: ends those that were begun. */
typedef bool bench_train(void *context, const struct batch *batch, struct error *error);

/* Trains on the folder's pictures, taken again and again when they are too few, and adds to `out`
 * an object "cold" and then, with the pictures kept, one "cached", each of `steps` steps:
 *   "images_per_second"; "waiting": the part of the time in which training waited for pictures;
 *   "from_unix_ms" and "until_unix_ms": when that was */
bool bench_together(const struct bench_feed *feed, bench_train *train, void *context, cJSON *out,
                    struct error *error);

#endif
