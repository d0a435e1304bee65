#include "cli/comparison_tables.h"

#include "tests/cli/capture.h"
#include "tests/values.h"

#include <string.h>

/* The second repeats the first, whose loss has run away. */
static void repeats_of_a_loss_that_has_run_away_are_as_narrow_as_others(void **state) {
    (void)state;
    cJSON *experiments = parsed("[{\"name\": \"demo/seed=0\", \"state\": \"done\", "
                                "\"evaluations\": [{\"checkpoint\": \"best\","
                                " \"split\": \"valid\", \"epoch\": 1, \"accuracy\": 0.5, "
                                "\"recall\": 0.5, \"precision\": 0.5,"
                                " \"loss\": 3e19}]},"
                                " {\"name\": \"demo/seed=1\", \"state\": \"done\", "
                                "\"evaluations\": [{\"checkpoint\": \"best\","
                                " \"split\": \"valid\", \"epoch\": 1, \"accuracy\": 0.5, "
                                "\"recall\": 0.5, \"precision\": 0.5,"
                                " \"loss\": 1e19}]}]");
    size_t repeats[] = {0, 0}, counts[] = {2, 0};
    double values[2];
    struct comparison comparison = {.repeats = repeats, .repeat_counts = counts, .values = values};
    comparison.contenders = contenders_make(experiments, &comparison.count);
    struct capture capture;
    capture_begin(&capture);
    repeats_print(&comparison, &capture.screen);
    char *text = capture_end(&capture);
    /* statistics.stdev([3e19, 1e19]) = 1.414e+19 */
    assert_non_null(strstr(text, "  best valid  0.5000 ± 0.0000  0.5000 ± 0.0000  0.5000 ± 0.0000"
                                 "  2.000e+19 ± 1.414e+19\n"));
    free(text);
    free(comparison.contenders);
    cJSON_Delete(experiments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_of_a_loss_that_has_run_away_are_as_narrow_as_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
