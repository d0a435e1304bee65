#include "core/roc.h"

#include "core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct roc_case {
    const char *name;
    const struct score *scores;
    size_t count;
    double auc, average_precision, equal_error_rate, threshold;
};
#include "tests/core/roc_cases.h"
enum { CASES = sizeof cases / sizeof cases[0], PICTURES = 200 };

/* What the four measures are; fails the test where one is undefined. */
struct measures {
    double auc, average_precision, equal_error_rate, threshold;
};

static struct measures measure(const struct score *scores, size_t count) {
    struct measures measures;
    struct roc roc;
    struct error error = {0};
    if (!roc_make(scores, count, &roc, &error))
        fail_msg("%s", error.message);
    assert_true(roc_auc(&roc, &measures.auc));
    assert_true(roc_average_precision(&roc, &measures.average_precision));
    assert_true(roc_equal_error_rate(&roc, &measures.equal_error_rate));
    assert_true(roc_threshold(&roc, &measures.threshold));
    roc_free(&roc);
    return measures;
}

static void near(const char *name, const char *what, double value, double expected,
                 double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s: the %s is %.17g, not %.17g", name, what, value, expected);
}

static void the_measures_are_those_of_scikit_learn(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        const struct roc_case *c = &cases[i];
        struct measures measures = measure(c->scores, c->count);
        near(c->name, "ROC AUC", measures.auc, c->auc, 1e-15);
        near(c->name, "average precision", measures.average_precision, c->average_precision, 1e-15);
        near(c->name, "equal error rate", measures.equal_error_rate, c->equal_error_rate, 1e-10);
    }
}

static void the_threshold_is_the_one_that_trying_them_all_finds(void **state) {
    (void)state;
    for (size_t i = 0; i < CASES; i++)
        near(cases[i].name, "threshold", measure(cases[i].scores, cases[i].count).threshold,
             cases[i].threshold, 0);
}

static void
of_thresholds_that_are_as_good_the_lower_of_the_nearest_to_one_half_is_taken(void **state) {
    (void)state;
    static const struct score
        as_near[] = {{0.875, 1, 0}, {0.625, 0, 0}, {0.375, 1, 0}, {0.125, 0, 0}},
        nearer[] = {{1, 1, 0}, {0.75, 0, 0}, {0.75, 1, 0}, {0.625, 1, 0}, {0.25, 0, 0}};
    near("as near", "threshold", measure(as_near, 4).threshold, 0.25, 0);
    near("nearer", "threshold", measure(nearer, 5).threshold, 0.5, 0);
}

/* One half would call all of them real. */
static void where_every_score_is_above_one_half_so_is_the_threshold(void **state) {
    (void)state;
    static const struct score two[] = {{1, 1, 0}, {0.75, 0, 0}};
    near("two", "threshold", measure(two, 2).threshold, 0.875, 0);
}

static void the_curve_has_one_point_a_probability(void **state) {
    (void)state;
    static const struct score scores[] = {{0.5, 1, 0}, {0.25, 0, 0}, {0.5, 0, 0}, {0.75, 1, 0}};
    struct roc roc;
    assert_true(roc_make(scores, 4, &roc, NULL));
    assert_int_equal(roc.count, 4);
    static const struct roc_point expected[] = {
        {INFINITY, 0, 0}, {0.75, 1, 0}, {0.5, 2, 1}, {0.25, 2, 2}};
    for (size_t i = 0; i < 4; i++) {
        assert_true(roc.points[i].probability >= expected[i].probability &&
                    roc.points[i].probability <= expected[i].probability);
        assert_int_equal(roc.points[i].true_positive, expected[i].true_positive);
        assert_int_equal(roc.points[i].false_positive, expected[i].false_positive);
    }
    roc_free(&roc);
}

static void with_one_label_alone_every_measure_is_undefined(void **state) {
    (void)state;
    static const struct score fakes[] = {{0.5, 0, 0}, {0.25, 0, 0}},
                              faces[] = {{0.5, 1, 0}, {0.25, 1, 0}};
    const struct score *const lists[] = {fakes, faces, fakes};
    static const size_t counts[] = {2, 2, 0};
    for (size_t i = 0; i < 3; i++) {
        struct roc roc;
        double value = 7;
        assert_true(roc_make(lists[i], counts[i], &roc, NULL));
        assert_false(roc_auc(&roc, &value));
        assert_false(roc_average_precision(&roc, &value));
        assert_false(roc_equal_error_rate(&roc, &value));
        assert_false(roc_threshold(&roc, &value));
        assert_true(value >= 7 && value <= 7);
        roc_free(&roc);
    }
}

static void what_is_no_probability_is_refused(void **state) {
    (void)state;
    static const double values[] = {NAN, -0.001, 1.001, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct score scores[] = {{0.5, 1, 0}, {values[i], 0, 0}};
        struct roc roc;
        struct error error = {0};
        assert_false(roc_make(scores, 2, &roc, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "picture 1: the probability "));
    }
}

static void more_pictures_than_can_be_counted_are_refused(void **state) {
    (void)state;
    static const struct score one = {0.5, 1, 0};
    struct roc roc;
    struct error error = {0};
    assert_false(roc_make(&one, (size_t)INT32_MAX + 1, &roc, &error));
    assert_string_equal(error.message, "2147483648 pictures are more than an evaluation takes");
}

/* --- properties, on scores drawn with many ties --- */

static void draw(struct random_stream *stream, struct score *scores) {
    for (size_t i = 0; i < PICTURES; i++)
        scores[i] = (struct score){.probability = random_below(stream, 41) / 40.0,
                                   .label = (int)random_below(stream, 3) == 0};
}

#define FOR_DRAWN(scores)                                                                          \
    struct score scores[PICTURES];                                                                 \
    struct random_stream stream;                                                                   \
    random_open(&stream, 5, RANDOM_PORTRAIT, 0, 0);                                                \
    for (int round = 0; draw(&stream, scores), round < 50; round++)

static void a_monotone_map_of_the_scores_changes_no_measure(void **state) {
    (void)state;
    FOR_DRAWN(scores) {
        struct measures before = measure(scores, PICTURES);
        for (size_t i = 0; i < PICTURES; i++)
            scores[i].probability = pow(scores[i].probability, 3) / 2 + 0.1;
        struct measures after = measure(scores, PICTURES);
        near("cubed", "ROC AUC", after.auc, before.auc, 0);
        near("cubed", "average precision", after.average_precision, before.average_precision, 0);
        near("cubed", "equal error rate", after.equal_error_rate, before.equal_error_rate, 0);
    }
}

static void exchanged_labels_give_the_rest_of_the_area(void **state) {
    (void)state;
    FOR_DRAWN(scores) {
        double before = measure(scores, PICTURES).auc;
        for (size_t i = 0; i < PICTURES; i++)
            scores[i].label = 1 - scores[i].label;
        near("exchanged", "ROC AUC", measure(scores, PICTURES).auc, 1 - before, 1e-15);
    }
}

static void both_mirrored_changes_neither_area_nor_equal_error_rate(void **state) {
    (void)state;
    FOR_DRAWN(scores) {
        struct measures before = measure(scores, PICTURES);
        for (size_t i = 0; i < PICTURES; i++) {
            scores[i].label = 1 - scores[i].label;
            scores[i].probability = 1 - scores[i].probability;
        }
        struct measures after = measure(scores, PICTURES);
        near("mirrored", "ROC AUC", after.auc, before.auc, 1e-15);
        near("mirrored", "equal error rate", after.equal_error_rate, before.equal_error_rate,
             1e-14);
    }
}

static void the_order_of_the_pictures_does_not_matter(void **state) {
    (void)state;
    FOR_DRAWN(scores) {
        struct measures before = measure(scores, PICTURES);
        for (size_t i = PICTURES - 1; i > 0; i--) {
            size_t j = random_below(&stream, (uint32_t)i + 1);
            struct score other = scores[i];
            scores[i] = scores[j];
            scores[j] = other;
        }
        struct measures after = measure(scores, PICTURES);
        assert_memory_equal(&before, &after, sizeof before);
    }
}

/* The area is the chance that a real picture is above a fake one, by its definition. */
static void the_area_is_the_part_of_pairs_in_the_right_order(void **state) {
    (void)state;
    FOR_DRAWN(scores) {
        double right = 0, pairs = 0;
        for (size_t i = 0; i < PICTURES; i++)
            for (size_t j = 0; j < PICTURES; j++) {
                if (scores[i].label != 1 || scores[j].label != 0)
                    continue;
                pairs++;
                right += scores[i].probability > scores[j].probability   ? 1
                         : scores[i].probability < scores[j].probability ? 0
                                                                         : 0.5;
            }
        near("drawn", "ROC AUC", measure(scores, PICTURES).auc, right / pairs, 0);
    }
}

/* None, that is, that calls some real and some fake. */
static void no_threshold_separates_better_than_the_chosen_one(void **state) {
    (void)state;
    FOR_DRAWN(scores) {
        double chosen = measure(scores, PICTURES).threshold, recall, best = -2, its = -2;
        for (int i = 0; i <= 80; i++) {
            struct metrics metrics;
            double threshold = i == 0 ? chosen : i / 80.0;
            scores_count(scores, PICTURES, threshold, &metrics);
            assert_true(metrics_recall(&metrics, &recall));
            double fakes = (double)(metrics.false_positive + metrics.true_negative);
            double youden = recall - (double)metrics.false_positive / fakes;
            uint64_t real = metrics.true_positive + metrics.false_positive;
            if (real > 0 && real < PICTURES)
                best = youden > best ? youden : best;
            its = i == 0 ? youden : its;
        }
        near("drawn", "Youden's J", its, best, 1e-15);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_measures_are_those_of_scikit_learn),
        cmocka_unit_test(the_threshold_is_the_one_that_trying_them_all_finds),
        cmocka_unit_test(
            of_thresholds_that_are_as_good_the_lower_of_the_nearest_to_one_half_is_taken),
        cmocka_unit_test(where_every_score_is_above_one_half_so_is_the_threshold),
        cmocka_unit_test(the_curve_has_one_point_a_probability),
        cmocka_unit_test(with_one_label_alone_every_measure_is_undefined),
        cmocka_unit_test(what_is_no_probability_is_refused),
        cmocka_unit_test(more_pictures_than_can_be_counted_are_refused),
        cmocka_unit_test(a_monotone_map_of_the_scores_changes_no_measure),
        cmocka_unit_test(exchanged_labels_give_the_rest_of_the_area),
        cmocka_unit_test(both_mirrored_changes_neither_area_nor_equal_error_rate),
        cmocka_unit_test(the_order_of_the_pictures_does_not_matter),
        cmocka_unit_test(the_area_is_the_part_of_pairs_in_the_right_order),
        cmocka_unit_test(no_threshold_separates_better_than_the_chosen_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
