/* tested: the backend that a test is compiled for (tests/CMakeLists.txt): TESTED. */
#ifndef ASSAY_TESTS_WORKER_NN_TESTED_H
#define ASSAY_TESTS_WORKER_NN_TESTED_H

#include "tests/worker/nn/reference.h"
#include "worker/nn/backend.h"

#ifdef TESTED_HEADER
#include TESTED_HEADER
#else
#define TESTED backend_cpu
#endif

/* The exit code of the tests, or of a backend that is not there. */
#ifdef TESTED_ABSENT
#define TESTED_RUN(tests) (TESTED_ABSENT ? REAL_SKIP : cmocka_run_group_tests(tests, NULL, NULL))
#else
#define TESTED_RUN(tests) cmocka_run_group_tests(tests, NULL, NULL)
#endif

/* Sets every parameter to the weights that are drawn by its name (reference.h). */
static inline void tested_fill(const struct network *network, struct model *model, float shift) {
    struct error error = {0};
    for (size_t i = 0; i < network->parameter_count; i++) {
        float *values = zeroed(network->parameters[i].count * sizeof(float));
        weight(network, i, shift, values);
        if (!TESTED.state_set(model, MODEL_VALUE, i, values, &error))
            fail_msg("%s", error.message);
        free(values);
    }
}

#endif
