#include "worker/nn/module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The module is looked for once in a process. */
static void a_module_that_was_named_and_is_not_there_is_said_to_be_missing(void **state) {
    static const char missing[] = "ASSAY_CUDA_MODULE names /nowhere/assay-cuda.so, which cannot";
    struct error error = {0};
    char line[512] = "";
    (void)state;
    assert_int_equal(setenv("ASSAY_CUDA_MODULE", "/nowhere/assay-cuda.so", 1), 0);
    assert_null(backend_find("cuda", 0, &error));
    assert_non_null(strstr(error.message, missing));
    assert_int_equal(error.cause, CAUSE_MACHINE);
    /* who leaves the choice to us computes on the CPU, and is told why */
    assert_ptr_equal(backend_find("auto", 0, &error), &backend_cpu);
    assert_true(backend_passed("auto", 0, line, sizeof line));
    assert_non_null(strstr(line, missing));
    assert_false(backend_passed("cpu", 0, line, sizeof line));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_that_was_named_and_is_not_there_is_said_to_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
