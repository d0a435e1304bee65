/* bench_layers: the layer table of `assay-worker bench --layers`: what each layer of a step took,
 * what it could not do without, and how far one is from the other. */
#ifndef ASSAY_WORKER_BENCH_LAYERS_H
#define ASSAY_WORKER_BENCH_LAYERS_H

#include "worker/nn/backend.h"

#include <cjson/cJSON.h>

struct bench_layers {
    const struct network *network;
    int side;
    size_t batch;
    enum precision precision;
    const struct optimizer *optimizer;
    const struct peak *peak;       /* NULL: nothing is known, so there are no floors */
    const struct profile *profile; /* of `steps` steps; NULL: nothing was measured */
    double steps;
};

/* Adds to `out`:
 *   "floor_of": the machine, "flops_per_second", "bytes_per_second" (where there is a peak)
 *   "rows": one object a layer, "name", "output" [channels, height, width], and "forward" and
 *       "backward" (of its input and of its weights together), each with "flops", "bytes", "ms"
 *       (where measured), "floor_ms" and "ratio" (of the time to the floor)
 *   "optimizer" and "step": the same of the update, and of all together */
bool bench_layers(const struct bench_layers *options, cJSON *out, struct error *error);

/* The same as a table for people, on stdout. */
void bench_layers_print(const cJSON *out);

#endif
