#include "compare/outcome.h"
#include "core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What ASSAY_SECONDS is for an experiment of these times. */
static void seconds_are(const char *times, const char *expected) {
    cJSON *experiment = json_parse(times, strlen(times), "experiment", NULL);
    char *strings = NULL, **environment = outcome_environment(experiment, "", &strings);
    static const char name[] = "ASSAY_SECONDS=";
    size_t at = 0;
    assert_non_null(environment);
    while (environment[at] != NULL && strncmp(environment[at], name, sizeof name - 1) != 0)
        at++;
    assert_non_null(environment[at]);
    assert_string_equal(environment[at] + sizeof name - 1, expected);
    free(environment);
    free(strings);
    cJSON_Delete(experiment);
}

static void its_seconds_are_from_the_first_start_to_the_end(void **state) {
    (void)state;
    seconds_are("{\"started_ms\": 1000, \"finished_ms\": 63000}", "62");
    seconds_are("{\"started_ms\": 1000, \"finished_ms\": 1000}", "0");
}

static void it_took_nobody_knows_how_long_when_it_never_began_or_the_clock_went_back(void **state) {
    (void)state;
    seconds_are("{\"started_ms\": null, \"finished_ms\": 63000}", "");
    seconds_are("{\"started_ms\": 7200000, \"finished_ms\": 2000}", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_seconds_are_from_the_first_start_to_the_end),
        cmocka_unit_test(it_took_nobody_knows_how_long_when_it_never_began_or_the_clock_went_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
