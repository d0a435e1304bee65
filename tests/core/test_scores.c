#include "core/scores.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* python3 -c "import torch; x = torch.tensor([[0.3, -1.7], [-4.25, 3.5], [20, -20], [-90, 90]]);
 * print(torch.softmax(x.double(), 1)[:, 1].tolist())" */
static void the_probability_is_pytorchs_softmax_in_double(void **state) {
    (void)state;
    static const float logits[][2] = {{0.3f, -1.7f}, {-4.25f, 3.5f}, {20, -20}, {-90, 90}};
    static const double expected[] = {0.11920291576401235, 0.9995694429186754,
                                      4.248354255291589e-18, 1.0};
    for (size_t i = 0; i < 4; i++)
        assert_true(fabs(score_probability(logits[i]) - expected[i]) <= 4e-16 * expected[i]);
}

static void it_is_above_one_half_exactly_when_the_second_logit_is_larger(void **state) {
    (void)state;
    static const float logits[][2] = {{0, 0},          {7, 7},          {0, 1e-30f}, {1e-30f, 0},
                                      {1, 1.0000001f}, {1.0000001f, 1}, {0, 1e-17f}, {0, 2e-16f}};
    for (size_t i = 0; i < sizeof logits / sizeof logits[0]; i++)
        assert_int_equal(score_probability(logits[i]) > 0.5, logits[i][1] > logits[i][0]);
}

static void logits_that_run_away_give_0_or_1_or_no_number(void **state) {
    (void)state;
    assert_true(score_probability((float[]){-3e38f, 3e38f}) >= 1);
    assert_true(score_probability((float[]){3e38f, -3e38f}) <= 0);
    assert_true(score_probability((float[]){INFINITY, 0}) <= 0);
    assert_true(isnan(score_probability((float[]){INFINITY, INFINITY})));
    assert_true(isnan(score_probability((float[]){NAN, 0})));
}

static const struct score scores[] = {{0.9, 1, 2}, {0.6, 1, 2},   {0.5, 1, 2}, {0.1, 0, 0},
                                      {0.7, 0, 1}, {0.501, 0, 1}, {0.4, 0, 1}};

static void a_picture_is_real_above_the_threshold_and_not_at_it(void **state) {
    (void)state;
    struct metrics metrics;
    scores_count(scores, 7, 0.5, &metrics);
    assert_int_equal(metrics.true_positive, 2);
    assert_int_equal(metrics.false_negative, 1);
    assert_int_equal(metrics.false_positive, 2);
    assert_int_equal(metrics.true_negative, 2);
    scores_count(scores, 7, 0.7, &metrics);
    assert_int_equal(metrics.true_positive, 1);
    assert_int_equal(metrics.false_positive, 0);
}

static void each_class_has_its_pictures_and_those_that_are_right(void **state) {
    (void)state;
    struct class_result results[4];
    scores_by_class(scores, 7, 0.6, results, 4);
    static const struct class_result expected[] = {{1, 1, 1}, {3, 1, 2}, {3, 2, 1}, {0, 0, 0}};
    assert_memory_equal(results, expected, sizeof expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_probability_is_pytorchs_softmax_in_double),
        cmocka_unit_test(it_is_above_one_half_exactly_when_the_second_logit_is_larger),
        cmocka_unit_test(logits_that_run_away_give_0_or_1_or_no_number),
        cmocka_unit_test(a_picture_is_real_above_the_threshold_and_not_at_it),
        cmocka_unit_test(each_class_has_its_pictures_and_those_that_are_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
