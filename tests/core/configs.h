/* configs: the experiment files of tests/data/experiments, read and decoded. */
#ifndef ASSAY_TESTS_CORE_CONFIGS_H
#define ASSAY_TESTS_CORE_CONFIGS_H

#include "core/experiment.h"
#include "core/file.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define FOLDER TEST_DATA "/experiments/"

static inline cJSON *read_config(const char *path) {
    struct error error = {0};
    char *text;
    size_t length;
    if (!file_read(path, 1 << 20, &text, &length, &error))
        fail_msg("%s", error.message);
    cJSON *config = json_parse(text, length, path, &error);
    if (config == NULL)
        fail_msg("%s", error.message);
    free(text);
    return config;
}

static inline void assert_filled_is_stable(cJSON *config) {
    struct experiment experiment;
    struct faults faults = {0};
    char *before = json_text(config);
    if (!experiment_from_json(config, &experiment, &faults))
        fail_msg("%s: %s", faults.items[0].place, faults.items[0].message);
    char *after = json_text(config);
    assert_string_equal(before, after);
    free(before);
    free(after);
    experiment_free(&experiment);
}

#endif
