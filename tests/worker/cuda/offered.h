/* offered: instead of worker/nn/module.c: the module is there, and the host stands in for its GPU.
 * A test's module_backend offers it, changed or as it is. */
#ifndef ASSAY_TESTS_WORKER_CUDA_OFFERED_H
#define ASSAY_TESTS_WORKER_CUDA_OFFERED_H

#include "tests/worker/nn/cuda/host_device.h"
#include "worker/nn/module.h"

#include <stdatomic.h>
#include <stdio.h>

static struct backend offered;
static atomic_bool broken; /* it is there, and does not work */

static inline bool available(int device, char *what, size_t size) {
    (void)device;
    snprintf(what, size, "%s", broken ? "an illegal memory access was encountered" : "the host");
    return !broken;
}

static inline struct backend *offer(void) {
    offered = backend_host;
    offered.name = "cuda";
    offered.available = available;
    return &offered;
}

bool module_built(void) {
    return true;
}

#endif
