/* details: what the coordinators of these tests answer to `show` and `list`, from
 * tests/data/cli/details.json (make_details.py).
 */
#ifndef ASSAY_TESTS_CLI_DETAILS_H
#define ASSAY_TESTS_CLI_DETAILS_H

#include "core/file.h"
#include "tests/values.h"

#include <stdlib.h>

/* The answer to `show` of all there are; free it with cJSON_Delete. */
static inline cJSON *details(void) {
    char *text;
    size_t length;
    assert_true(file_read(TEST_DATA "/cli/details.json", 1 << 20, &text, &length, NULL));
    cJSON *answer = parsed(text);
    free(text);
    return answer;
}

/* Takes from one of them what `list` does not tell. */
static inline void details_summarise(cJSON *experiment) {
    static const char *const keys[] = {"submit_host", "submit_version", "config",
                                       "history",     "evaluations",    "checkpoints",
                                       "artifacts",   "attempts",       "notes"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        cJSON_DeleteItemFromObject(experiment, keys[i]);
}

#endif
