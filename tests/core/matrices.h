/* matrices: experiment files of which only the matrix matters. */
#ifndef ASSAY_TESTS_CORE_MATRICES_H
#define ASSAY_TESTS_CORE_MATRICES_H

#include "core/json.h"
#include "core/members.h"
#include "core/text.h"
#include "tests/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Expands {"name": "n", "train": {"epochs": 5}, "matrix": MATRIX}. */
static inline bool expands(const char *matrix, struct members *members, struct faults *faults) {
    struct text text = {0};
    text_format(&text, "{\"name\": \"n\", \"train\": {\"epochs\": 5}, \"matrix\": %s}", matrix);
    cJSON *file = parsed(text_string(&text));
    bool good = matrix_expand(file, members, faults);
    text_free(&text);
    cJSON_Delete(file);
    return good;
}

/* The members of it, which has no fault. */
static inline struct members expand(const char *matrix) {
    struct members members;
    struct faults faults = {0};
    if (!expands(matrix, &members, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].message);
    return members;
}

#endif
