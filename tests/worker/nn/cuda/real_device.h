/* real_device: the CUDA backend on a GPU, for tests that end with REAL_SKIP where there is none. */
#ifndef ASSAY_TESTS_WORKER_NN_CUDA_REAL_DEVICE_H
#define ASSAY_TESTS_WORKER_NN_CUDA_REAL_DEVICE_H

#include "worker/nn/backend.h"

#include <stdio.h>

enum { REAL_SKIP = 77 }; /* ctest's SKIP_RETURN_CODE */

/* NULL, and a line on why, where there is no GPU. */
static inline const struct backend *real_device(void) {
    static const struct backend *found;
    struct error error = {0};
    if (found == NULL)
        found = backend_find("cuda", 0, &error);
    if (found == NULL)
        printf("skipped: %s\n", error.message);
    return found;
}

#define TESTED (*real_device())
#define TESTED_ABSENT (real_device() == NULL)

#endif
