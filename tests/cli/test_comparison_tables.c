#include "cli/comparison_tables.h"

#include "tests/cli/capture.h"
#include "tests/values.h"

#include <string.h>

/* The second repeats the first, whose loss has run away and which has no precision; the third is no
 * repeat. None has any other evaluation. */
static void a_row_of_repeats_has_all_its_columns_whatever_the_values_are(void **state) {
    (void)state;
    cJSON *experiments = parsed("[{\"name\": \"demo/seed=0\", \"state\": \"done\", "
                                "\"evaluations\": [{\"checkpoint\": \"best\","
                                " \"split\": \"valid\", \"epoch\": 1, \"accuracy\": 0.5, "
                                "\"recall\": 0.5, \"precision\": null,"
                                " \"loss\": 3e19}]},"
                                " {\"name\": \"demo/seed=1\", \"state\": \"done\", "
                                "\"evaluations\": [{\"checkpoint\": \"best\","
                                " \"split\": \"valid\", \"epoch\": 1, \"accuracy\": 0.5, "
                                "\"recall\": 0.5, \"precision\": 0.5,"
                                " \"loss\": 1e19}]},"
                                " {\"name\": \"demo/other\", \"state\": \"done\", "
                                "\"evaluations\": []}]");
    size_t repeats[] = {0, 0, 2}, counts[] = {2, 0, 1};
    double values[3];
    struct comparison comparison = {.repeats = repeats, .repeat_counts = counts, .values = values};
    comparison.contenders = contenders_make(experiments, &comparison.count);
    struct capture capture;
    capture_begin(&capture);
    repeats_print(&comparison, &capture.screen);
    char *text = capture_end(&capture);
    /* statistics.stdev([3e19, 1e19]) = 1.414e+19 */
    assert_non_null(strstr(text, "  best valid  0.5000 ± 0.0000  0.5000 ± 0.0000        n/a"
                                 "  2.000e+19 ± 1.414e+19\n"
                                 "  best test               n/a              n/a        n/a"
                                 "                    n/a\n"));
    assert_null(strstr(text, "demo/other"));
    free(text);
    free(comparison.contenders);
    cJSON_Delete(experiments);
}

static void an_average_of_several_has_its_spread_and_one_of_one_has_none(void **state) {
    (void)state;
    cJSON *effects =
        parsed("{\"model.arch\": {\"resnet18\": {\"experiments\": 2, \"valid\": {\"mean\": 0.9,"
               " \"standard_deviation\": 0.01, \"effect\": 0.05}, \"test\": null},"
               " \"resnet34\": {\"experiments\": 1, \"valid\": {\"mean\": 0.8,"
               " \"standard_deviation\": null, \"effect\": -0.05},"
               " \"test\": {\"mean\": 0.75, \"standard_deviation\": null, \"effect\": 0}}}}");
    struct capture capture;
    capture_begin(&capture);
    effects_print(effects, &capture.screen);
    char *text = capture_end(&capture);
    assert_non_null(strstr(text, "model.arch\n"
                                 "  resnet18            2  0.9000 ± 0.0100 (+0.0500)"
                                 "               n/a\n"
                                 "  resnet34            1           0.8000 (-0.0500)"
                                 "  0.7500 (+0.0000)\n"));
    free(text);
    cJSON_Delete(effects);
}

static void averages_of_one_experiment_each_are_not_printed(void **state) {
    (void)state;
    cJSON *effects = parsed("{\"train.seed\": {\"0\": {\"experiments\": 1, \"valid\": null,"
                            " \"test\": null}}}");
    struct capture capture;
    capture_begin(&capture);
    effects_print(effects, &capture.screen);
    char *text = capture_end(&capture);
    assert_string_equal(text, "");
    free(text);
    cJSON_Delete(effects);
}

static const char *const two =
    "[{\"id\": 1, \"name\": \"demo/a\", \"state\": \"done\", \"evaluations\": [{\"checkpoint\":"
    " \"best\", \"split\": \"valid\", \"epoch\": 1, \"accuracy\": 0.5, \"loss\": 1}]},"
    " {\"id\": 2, \"name\": \"demo/b\", \"state\": \"done\", \"evaluations\": [{\"checkpoint\":"
    " \"best\", \"split\": \"valid\", \"epoch\": 1, \"accuracy\": 0.6, \"loss\": 1}]}]";

static void the_first_of_the_ranking_alone_is_green(void **state) {
    (void)state;
    cJSON *experiments = parsed(two);
    size_t order[] = {1, 0};
    struct comparison comparison = {.order = order, .ranked = 2};
    comparison.contenders = contenders_make(experiments, &comparison.count);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.colour = true;
    ranking_print(&comparison, &capture.screen);
    char *text = capture_end(&capture);
    assert_non_null(strstr(text, "\n 2  \033[32mdemo/b\033[0m      \033[32mbest\033[0m      1 "));
    assert_non_null(strstr(text, "\n 1  demo/a      best      1 "));
    free(text);
    free(comparison.contenders);
    cJSON_Delete(experiments);
}

static void a_duel_is_bold_where_its_p_is_below_chance(void **state) {
    (void)state;
    cJSON *experiments = parsed(two);
    size_t count;
    struct contender *contenders = contenders_make(experiments, &count);
    const struct duel duels[] = {
        {.first = {&contenders[1], CHECKPOINT_BEST},
         .second = {&contenders[0], CHECKPOINT_BEST},
         .p = 0.0499},
        {.first = {&contenders[1], CHECKPOINT_BEST},
         .second = {&contenders[1], CHECKPOINT_LAST},
         .p = 0.05},
    };
    struct capture capture;
    capture_begin(&capture);
    capture.screen.colour = true;
    duels_print(duels, 2, &capture.screen);
    char *text = capture_end(&capture);
    assert_non_null(
        strstr(text, "\n2 best  1 best           0            0  \033[1m0.0499\033[0m  +0.0000 "));
    assert_non_null(strstr(text, "\n2 best  2 last           0            0  0.0500  +0.0000 "));
    free(text);
    free(contenders);
    cJSON_Delete(experiments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_average_of_several_has_its_spread_and_one_of_one_has_none),
        cmocka_unit_test(averages_of_one_experiment_each_are_not_printed),
        cmocka_unit_test(the_first_of_the_ranking_alone_is_green),
        cmocka_unit_test(a_duel_is_bold_where_its_p_is_below_chance),
        cmocka_unit_test(a_row_of_repeats_has_all_its_columns_whatever_the_values_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
