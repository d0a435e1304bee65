#include "worker/nn/cpu/peak.h"

#include "core/clock.h"
#include "worker/nn/cpu/team.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 384, PRODUCTS = 400 };
enum { STREAM_BYTES = 64 << 20, COPIES = 30 }; /* far more than caches hold */

/* The best rate of one thread's products. Each thread has tries of its own, some of which nothing
 * else on the machine will disturb; the matrices stay in its cache. 0: it failed. */
static double product_rate(void) {
    size_t count = (size_t)SIDE * SIDE;
    float *floats = calloc(3 * count, sizeof *floats);
    double best = 0;
    for (size_t i = 0; floats != NULL && i < 2 * count; i++)
        floats[i] = (float)(i % 7) - 3;
    for (int i = 0; floats != NULL && i < PRODUCTS; i++) {
        double began = clock_steady_seconds();
        if (dnnl_sgemm('N', 'N', SIDE, SIDE, SIDE, 1, floats, SIDE, floats + count, SIDE, 0,
                       floats + 2 * count, SIDE) != dnnl_success)
            break;
        double rate = 2.0 * SIDE * SIDE * SIDE / (clock_steady_seconds() - began);
        best = rate > best ? rate : best;
    }
    free(floats);
    return best;
}

/* The best of some copies, each thread its part: what is read and what is written are counted. */
static double copy_rate(void) {
    char *bytes = malloc((size_t)2 * STREAM_BYTES);
    double best = 0;
    if (bytes == NULL)
        return 0;
    memset(bytes, 1, (size_t)2 * STREAM_BYTES);
    for (int i = 0; i < COPIES; i++) {
        double began = clock_steady_seconds();
#pragma omp parallel
        {
            size_t part = STREAM_BYTES / (size_t)omp_get_num_threads();
            char *from = bytes + part * (size_t)omp_get_thread_num();
            memcpy(from + STREAM_BYTES, from, part);
        }
        double rate = 2.0 * STREAM_BYTES / (clock_steady_seconds() - began);
        best = rate > best ? rate : best;
    }
    free(bytes);
    return best;
}

bool peak_measure(int threads, struct peak *peak, struct error *error) {
    double flops = 0;
    *peak = (struct peak){0};
    team_set(threads);
#pragma omp parallel reduction(+ : flops)
    flops += product_rate();
    peak->flops[PRECISION_FP32] = flops;
    peak->bytes = copy_rate();
    threads = omp_get_max_threads();
    snprintf(peak->what, sizeof peak->what, "%d %s of this processor, measured", threads,
             threads > 1 ? "threads" : "thread");
    return (flops > 0 && peak->bytes > 0) ||
           error_set(error, ERROR_FAILED,
                     "what this processor does at most cannot be measured: out "
                     "of memory");
}
