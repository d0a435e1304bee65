/* seeds: a property that is tried from many seeds, other ones at every run. SEED=n in the
 * environment repeats one; a failure names its seed, by cmocka's teardown name_the_seed. */
#ifndef ASSAY_TESTS_COORDINATOR_SEEDS_H
#define ASSAY_TESTS_COORDINATOR_SEEDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static uint64_t seed_under_way; /* 0 once all went well */

static inline void from_seeds(uint64_t count, void (*walk)(uint64_t seed)) {
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000;
    for (uint64_t i = 0; i < (given != NULL ? 1 : count); i++) {
        seed_under_way = seed + i;
        walk(seed_under_way);
    }
    seed_under_way = 0;
}

static inline int name_the_seed(void **state) {
    (void)state;
    if (seed_under_way != 0)
        print_error("run it again with SEED=%llu\n", (unsigned long long)seed_under_way);
    return 0;
}

#endif
