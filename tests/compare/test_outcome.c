#include "compare/outcome.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a variable is for an experiment. */
static void variable_is(const char *text, const char *name, const char *expected) {
    cJSON *experiment = json_parse(text, strlen(text), "experiment", NULL);
    char *strings = NULL, **environment = outcome_environment(experiment, "tcp://x:1", &strings);
    const size_t length = strlen(name);
    size_t at = 0;
    assert_non_null(environment);
    while (environment[at] != NULL &&
           (strncmp(environment[at], name, length) != 0 || environment[at][length] != '='))
        at++;
    assert_non_null(environment[at]);
    assert_string_equal(environment[at] + length + 1, expected);
    free(environment);
    free(strings);
    cJSON_Delete(experiment);
}

static void what_became_of_an_experiment_stands_in_variables(void **state) {
    (void)state;
    static const char *const experiment =
        "{\"id\": 7, \"name\": \"g/a\", \"state\": \"done\", \"error\": \"one\\ntwo\","
        " \"epochs\": 200, \"epochs_done\": 40, \"best\": {\"epoch\": 31},"
        " \"stopped\": {\"reason\": \"behind\"},"
        " \"evaluations\": [{\"checkpoint\": \"last\", \"split\": \"test\", \"accuracy\": 0.75}]}";
    static const char *const variables[][2] = {{"ASSAY_ID", "7"},
                                               {"ASSAY_NAME", "g/a"},
                                               {"ASSAY_STATE", "done"},
                                               {"ASSAY_ERROR", "one?two"},
                                               {"ASSAY_EPOCHS", "200"},
                                               {"ASSAY_EPOCHS_DONE", "40"},
                                               {"ASSAY_BEST_EPOCH", "31"},
                                               {"ASSAY_PERSON", ""},
                                               {"ASSAY_STOPPED", "behind"},
                                               {"ASSAY_CONNECT", "tcp://x:1"},
                                               {"ASSAY_LAST_TEST_ACCURACY", "0.750000"},
                                               {"ASSAY_LAST_TEST_LOSS", ""},
                                               {"ASSAY_BEST_VALID_RECALL", ""}};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        variable_is(experiment, variables[i][0], variables[i][1]);
}

static void a_loss_that_went_astray_is_told_with_all_its_digits(void **state) {
    (void)state;
    variable_is(
        "{\"evaluations\": [{\"checkpoint\": \"best\", \"split\": \"valid\", \"loss\": 1e32}]}",
        "ASSAY_BEST_VALID_LOSS", "100000000000000005366162204393472.000000");
}

/* What ASSAY_SECONDS is for an experiment of these times. */
static void seconds_are(const char *times, const char *expected) {
    variable_is(times, "ASSAY_SECONDS", expected);
}

static void its_seconds_are_from_the_first_start_to_the_end(void **state) {
    (void)state;
    seconds_are("{\"started_ms\": 1000, \"finished_ms\": 63000}", "62");
    seconds_are("{\"started_ms\": 1000, \"finished_ms\": 1000}", "0");
    seconds_are("{\"started_ms\": 1, \"finished_ms\": 1000001}", "1000");
}

static void it_took_nobody_knows_how_long_when_it_never_began_or_the_clock_went_back(void **state) {
    (void)state;
    seconds_are("{\"started_ms\": null, \"finished_ms\": 63000}", "");
    seconds_are("{\"started_ms\": 7200000, \"finished_ms\": 2000}", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_became_of_an_experiment_stands_in_variables),
        cmocka_unit_test(a_loss_that_went_astray_is_told_with_all_its_digits),
        cmocka_unit_test(its_seconds_are_from_the_first_start_to_the_end),
        cmocka_unit_test(it_took_nobody_knows_how_long_when_it_never_began_or_the_clock_went_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
