/* bench_input: the input half of `assay-worker bench`: how fast pictures become tensors.
 *
 * The pipeline is the notebook's: Resize(256), RandomCrop(224), RandomHorizontalFlip, Normalize.
 */
#ifndef ASSAY_WORKER_BENCH_INPUT_H
#define ASSAY_WORKER_BENCH_INPUT_H

#include "core/error.h"

#include <cjson/cJSON.h>

/* Measures the PNGs in `folder` and the folders right below it, and adds to `out`:
 *   "pictures": how many there are, at most 512
 *   "one_thread": images/s of "decode" (the file read included), "resize", "rest" (crop, flip,
 *       normalise), "cold" (all of it) and "cached" (crop, flip, normalise of a kept picture)
 *   "loader": images/s of "cold" and "cached" passes with all threads, in batches of 32
 * threads 0: the number of cores. Each figure is of the median over passes. */
bool bench_input(const char *folder, int threads, cJSON *out, struct error *error);

#endif
