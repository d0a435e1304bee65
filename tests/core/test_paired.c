#include "core/paired.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double expected, double slack) {
    if (!(fabs(value - expected) <= slack))
        fail_msg("%.17g is not %.17g within %g", value, expected, slack);
}

/* The constants are printed by tests/core/make_paired.py. */
static const struct paired uneven = {{{{700, 30}, {45, 25}}, {{20, 60}, {15, 305}}}};

static void a_picture_is_counted_where_it_belongs(void **state) {
    (void)state;
    struct paired paired = {0};
    paired_add(&paired, 0, 0, 1);
    paired_add(&paired, 0, 0, 1);
    paired_add(&paired, 1, 1, 0);
    paired_add(&paired, 1, 0, 1);
    paired_add(&paired, 0, 1, 1);
    assert_int_equal(paired.cells[0][0][1], 2);
    assert_int_equal(paired_only_first(&paired), 3);
    assert_int_equal(paired_only_second(&paired), 1);
}

static void mcnemar_gives_the_binomials_exact_p(void **state) {
    (void)state;
    static const struct {
        uint64_t first, second;
        double p;
    } cases[] = {
        {0, 0, 1.0},
        {1, 0, 1.0},
        {0, 6, 0.03125},
        {3, 11, 0.057373046875},
        {11, 3, 0.057373046875},
        {7, 7, 1.0},
        {25, 48, 0.009542211425865475},
        {400, 500, 0.0009564441369189461},
        {3000, 2900, 0.1974390248435765},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* spread over both labels, among pictures that both get right or wrong */
        struct paired paired = {{{{50, cases[i].first}, {0, 9}}, {{7, cases[i].second}, {0, 80}}}};
        assert_near(paired_mcnemar(&paired), cases[i].p, 1e-9 * cases[i].p + 1e-12);
    }
}

static void differences_are_those_of_the_metrics(void **state) {
    (void)state;
    double value;
    assert_true(paired_difference(&uneven, PAIRED_ACCURACY, &value));
    assert_near(value, 0.05, 1e-12);
    assert_true(paired_difference(&uneven, PAIRED_PRECISION, &value));
    assert_near(value, 0.048534798534798584, 1e-12);
    assert_true(paired_difference(&uneven, PAIRED_RECALL, &value));
    assert_near(value, 0.1125, 1e-12);
}

static void intervals_are_those_of_another_bootstrap(void **state) {
    (void)state;
    static const struct {
        enum paired_metric metric;
        double low, high;
    } cases[] = {{PAIRED_ACCURACY, 0.03000, 0.07000},
                 {PAIRED_PRECISION, 0.01242, 0.08503},
                 {PAIRED_RECALL, 0.07200, 0.15385}};
    for (size_t i = 0; i < 3; i++) {
        struct paired_interval interval;
        assert_true(paired_bootstrap(&uneven, cases[i].metric, 0.95, 1, &interval));
        /* two generators: the ends of 10,000 resamples scatter by about a fiftieth of the width */
        double slack = (cases[i].high - cases[i].low) / 20;
        assert_near(interval.low, cases[i].low, slack);
        assert_near(interval.high, cases[i].high, slack);
    }
}

static void one_seed_gives_one_interval(void **state) {
    (void)state;
    struct paired_interval a, b, other;
    assert_true(paired_bootstrap(&uneven, PAIRED_PRECISION, 0.95, 7, &a));
    assert_true(paired_bootstrap(&uneven, PAIRED_PRECISION, 0.95, 7, &b));
    assert_true(paired_bootstrap(&uneven, PAIRED_PRECISION, 0.95, 8, &other));
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &other, sizeof a);
}

static void equal_answers_differ_by_nothing(void **state) {
    (void)state;
    const struct paired same = {{{{90, 0}, {0, 4}}, {{6, 0}, {0, 50}}}};
    struct paired_interval interval;
    assert_true(paired_bootstrap(&same, PAIRED_ACCURACY, 0.95, 1, &interval));
    assert_true(interval.low == 0 && interval.high == 0);
    assert_true(paired_mcnemar(&same) == 1);
}

static void where_one_alone_is_right_every_time_nothing_scatters(void **state) {
    (void)state;
    const struct paired first_alone = {{{{0, 30}, {0, 0}}, {{0, 0}, {70, 0}}}};
    struct paired_interval interval;
    assert_true(paired_bootstrap(&first_alone, PAIRED_ACCURACY, 0.95, 1, &interval));
    assert_true(interval.low == -1 && interval.high == -1);
}

/* Of two pictures that part them each way, both draws are of the same one in a quarter of the sets.
 */
static void as_many_pictures_are_drawn_as_there_are(void **state) {
    (void)state;
    const struct paired one_each = {{{{0}}, {{0, 1}, {1, 0}}}};
    struct paired_interval interval;
    assert_true(paired_bootstrap(&one_each, PAIRED_ACCURACY, 0.95, 1, &interval));
    assert_true(interval.low == -1 && interval.high == 1);
}

static void what_is_undefined_is_said_to_be(void **state) {
    (void)state;
    const struct paired none = {0}, no_reals = {{{{5, 1}, {1, 0}}}},
                        never_real = {{{{5, 1}, {0, 0}}, {{3, 1}, {0, 0}}}};
    struct paired_interval interval;
    double value;
    assert_false(paired_difference(&none, PAIRED_ACCURACY, &value));
    assert_false(paired_bootstrap(&none, PAIRED_ACCURACY, 0.95, 1, &interval));
    assert_false(paired_difference(&no_reals, PAIRED_RECALL, &value));
    assert_false(paired_difference(&never_real, PAIRED_PRECISION, &value));
    assert_false(paired_bootstrap(&never_real, PAIRED_PRECISION, 0.95, 1, &interval));
}

/* Each calls one picture real, and another one: in four of ten sets drawn are both. */
static void what_is_undefined_in_most_sets_drawn_has_no_interval(void **state) {
    (void)state;
    const struct paired rarely_real = {{{{98, 0}, {0, 0}}, {{0, 1}, {1, 0}}}};
    struct paired_interval interval;
    double value;
    assert_true(paired_difference(&rarely_real, PAIRED_PRECISION, &value));
    assert_false(paired_bootstrap(&rarely_real, PAIRED_PRECISION, 0.95, 1, &interval));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_counted_where_it_belongs),
        cmocka_unit_test(mcnemar_gives_the_binomials_exact_p),
        cmocka_unit_test(differences_are_those_of_the_metrics),
        cmocka_unit_test(intervals_are_those_of_another_bootstrap),
        cmocka_unit_test(one_seed_gives_one_interval),
        cmocka_unit_test(equal_answers_differ_by_nothing),
        cmocka_unit_test(where_one_alone_is_right_every_time_nothing_scatters),
        cmocka_unit_test(as_many_pictures_are_drawn_as_there_are),
        cmocka_unit_test(what_is_undefined_is_said_to_be),
        cmocka_unit_test(what_is_undefined_in_most_sets_drawn_has_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
