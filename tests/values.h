/* values: numbers and JSON in tests. */
#ifndef ASSAY_TESTS_VALUES_H
#define ASSAY_TESTS_VALUES_H

#include "core/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* cmocka's own takes floats. */
#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

/* Text that must be JSON. */
static inline cJSON *parsed(const char *text) {
    struct error error = {0};
    cJSON *value = json_parse(text, strlen(text), "test", &error);
    if (value == NULL)
        fail_msg("%s", error.message);
    return value;
}

#endif
