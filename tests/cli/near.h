/* near: doubles compared within a tolerance; cmocka's own takes floats. */
#ifndef ASSAY_TESTS_CLI_NEAR_H
#define ASSAY_TESTS_CLI_NEAR_H

#include <math.h>

#define assert_near(value, expected, tolerance)                                                    \
    assert_true(fabs((value) - (expected)) <= (tolerance))

#endif
