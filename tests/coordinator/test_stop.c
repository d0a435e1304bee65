/* The stopping rules on values alone: what a second implementation says (make_stop.py), and what
 * must hold for whatever is reported. */
#include "coordinator/stop.h"

#include "core/json.h"
#include "core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct stop_case {
    struct stop_rule rule;
    int64_t epochs;
    const double *values;  /* its own, then the others', one behind the other */
    const size_t *lengths; /* its own first */
    size_t others;
    bool due, stop;
    double value, threshold;
    size_t peers;
};
#include "tests/coordinator/stop_cases.h"
enum { CASES = sizeof cases / sizeof cases[0], OTHERS_MAX = 16, EPOCHS_MAX = 32 };

/* What an experiment has reported, from epoch 1 on. */
struct stop_course {
    const double *values;
    size_t count;
};

static struct stop_standing stand(const struct stop_course *course, enum stop_metric metric,
                                  size_t epoch) {
    struct stop_standing standing = {.value = NAN, .best = NAN};
    for (size_t i = 0; i < epoch; i++)
        stop_stand(&standing, metric, (int64_t)i + 1, course->values[i]);
    return standing;
}

static struct stop_verdict decide(const struct stop_rule *rule, const struct stop_course *own,
                                  const struct stop_course *others, size_t count) {
    struct stop_verdict verdict;
    struct stop_standing at = stand(own, rule->metric, own->count), standings[OTHERS_MAX];
    size_t come = 0;
    for (size_t i = 0; i < count; i++)
        if (others[i].count >= own->count)
            standings[come++] = stand(&others[i], rule->metric, own->count);
    assert_true(stop_decide(rule, &at, standings, come, &verdict));
    return verdict;
}

static void is_number(double found, double expected) {
    if (isnan(expected))
        assert_true(isnan(found));
    else
        assert_true(fabs(found - expected) < 1e-12);
}

static void decisions_are_those_of_a_second_implementation(void **state) {
    (void)state;
    size_t stopped = 0;
    for (size_t i = 0; i < CASES; i++) {
        const struct stop_case *one = &cases[i];
        struct stop_course courses[1 + OTHERS_MAX];
        const double *values = one->values;
        for (size_t j = 0; j <= one->others; j++) {
            courses[j] = (struct stop_course){values, one->lengths[j]};
            values += one->lengths[j];
        }
        bool due = stop_due(&one->rule, (int64_t)one->lengths[0], one->epochs);
        struct stop_verdict verdict = decide(&one->rule, courses, courses + 1, one->others);
        if (due != one->due || verdict.stop != one->stop)
            fail_msg("case %zu: due %d, stop %d", i, due, verdict.stop);
        is_number(verdict.value, one->value);
        if (verdict.stop)
            is_number(verdict.threshold, one->threshold);
        assert_int_equal(verdict.peers, one->peers);
        stopped += verdict.stop;
    }
    assert_true(stopped > CASES / 10 && stopped < CASES / 2); /* they are about something */
}

/* --- properties --- */

/* A group drawn at random. */
struct group {
    struct random_stream draws;
    struct stop_rule rule;
    double values[1 + OTHERS_MAX][EPOCHS_MAX];
    struct stop_course courses[1 + OTHERS_MAX]; /* the first is the one that is judged */
    size_t others;
};

static double draw(struct group *group) {
    return (double)random_below(&group->draws, 1000000) / 1e6;
}

static void group_draw(struct group *group, uint64_t seed, enum stop_rule_name name) {
    random_open(&group->draws, seed, RANDOM_SHUFFLE, 0, 0);
    group->rule = (struct stop_rule){.name = name,
                                     .metric = (enum stop_metric)random_below(&group->draws, 4),
                                     .grace_epochs = 1 + random_below(&group->draws, 3),
                                     .min_peers = 1 + random_below(&group->draws, 3),
                                     .eta = 2 + random_below(&group->draws, 3)};
    group->others = random_below(&group->draws, OTHERS_MAX + 1);
    size_t epoch = 1 + random_below(&group->draws, EPOCHS_MAX - 1);
    for (size_t i = 0; i <= group->others; i++) {
        size_t length = i == 0 ? epoch : 1 + random_below(&group->draws, EPOCHS_MAX - 1);
        double level = draw(group);
        for (size_t j = 0; j < length; j++)
            group->values[i][j] = level + draw(group) / 4;
        group->courses[i] = (struct stop_course){group->values[i], length};
    }
}

static struct stop_verdict group_decide(const struct group *group) {
    return decide(&group->rule, group->courses, group->courses + 1, group->others);
}

/* Calls `hold` with groups of both rules. */
static void for_groups(void (*hold)(struct group *group)) {
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct group group;
        group_draw(&group, seed, seed % 2 == 0 ? STOP_MEDIAN : STOP_ASHA);
        hold(&group);
    }
}

/* Better by `by` for its metric; worse where that is negative. */
static double improved(const struct group *group, double value, double by) {
    return group->rule.metric == STOP_VALID_LOSS ? value - by : value + by;
}

static bool is_better(const struct group *group, double a, double b) {
    return group->rule.metric == STOP_VALID_LOSS ? a < b : a > b;
}

static void holds_whoever_comes_first(struct group *group) {
    struct stop_verdict before = group_decide(group);
    for (size_t i = group->others; i > 1; i--) {
        size_t j = 1 + random_below(&group->draws, (uint32_t)i);
        struct stop_course course = group->courses[i];
        group->courses[i] = group->courses[j];
        group->courses[j] = course;
    }
    struct stop_verdict after = group_decide(group);
    assert_int_equal(after.stop, before.stop);
    assert_int_equal(after.peers, before.peers);
    is_number(after.threshold, before.threshold);
}

static void the_order_of_the_others_does_not_matter(void **state) {
    (void)state;
    for_groups(holds_whoever_comes_first);
}

static void a_worse_course_is_stopped_too(struct group *group) {
    bool before = group_decide(group).stop;
    for (size_t i = 0; i < group->courses[0].count; i++)
        group->values[0][i] = improved(group, group->values[0][i], -draw(group));
    assert_true(group_decide(group).stop || !before);
}

static void who_is_stopped_would_be_stopped_with_worse_values(void **state) {
    (void)state;
    for_groups(a_worse_course_is_stopped_too);
}

static void the_best_goes_on(struct group *group) {
    double best = improved(group, 0, 2); /* better than all that is drawn */
    group->values[0][group->courses[0].count - 1] = best;
    assert_false(group_decide(group).stop);
}

static void who_is_better_than_all_others_now_is_not_stopped(void **state) {
    (void)state;
    for_groups(the_best_goes_on);
}

static void too_few_do_not_stop(struct group *group) {
    struct stop_verdict verdict = group_decide(group);
    if (verdict.peers >= (size_t)group->rule.min_peers)
        return;
    assert_false(verdict.stop);
    assert_true(isnan(verdict.threshold));
}

static void fewer_others_than_min_peers_stop_nobody(void **state) {
    (void)state;
    for_groups(too_few_do_not_stop);
}

static void only_what_came_up_to_now_counts(struct group *group) {
    struct stop_verdict before = group_decide(group);
    size_t epoch = group->courses[0].count;
    for (size_t i = 1; i <= group->others; i++) {
        for (size_t j = epoch; j < group->courses[i].count; j++)
            group->values[i][j] = improved(group, 0, 10);
        if (group->courses[i].count < epoch)
            for (size_t j = 0; j < group->courses[i].count; j++)
                group->values[i][j] = improved(group, 0, 10);
    }
    struct stop_verdict after = group_decide(group);
    assert_int_equal(after.stop, before.stop);
    is_number(after.threshold, before.threshold);
}

static void what_others_did_later_or_who_is_not_as_far_does_not_matter(void **state) {
    (void)state;
    for_groups(only_what_came_up_to_now_counts);
}

static void a_loss_is_as_good_as_its_negative_as_an_accuracy(struct group *group) {
    group->rule.metric = STOP_VALID_LOSS;
    struct stop_verdict loss = group_decide(group);
    for (size_t i = 0; i <= group->others; i++)
        for (size_t j = 0; j < group->courses[i].count; j++)
            group->values[i][j] = -group->values[i][j];
    group->rule.metric = STOP_ACCURACY;
    struct stop_verdict accuracy = group_decide(group);
    assert_int_equal(accuracy.stop, loss.stop);
    is_number(accuracy.value, -loss.value);
    is_number(accuracy.threshold, -loss.threshold);
}

static void metrics_differ_in_their_direction_alone(void **state) {
    (void)state;
    for_groups(a_loss_is_as_good_as_its_negative_as_an_accuracy);
}

/* n come to a rung one after the other; who comes sees those that came before. */
static void of_a_rung_the_best_goes_on_whenever_it_comes(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct group group;
        group_draw(&group, seed, STOP_ASHA);
        group.rule.min_peers = 1;
        size_t n = 2 + random_below(&group.draws, OTHERS_MAX - 1), best = 0;
        bool gone_on[1 + OTHERS_MAX];
        for (size_t i = 0; i < n; i++) {
            group.values[i][0] = draw(&group);
            group.courses[i] = (struct stop_course){group.values[i], 1};
            gone_on[i] = !decide(&group.rule, &group.courses[i], group.courses, i).stop;
            if (is_better(&group, group.values[i][0], group.values[best][0]))
                best = i;
        }
        assert_true(gone_on[best]);
    }
}

/* --- the rest --- */

static void an_undefined_value_is_the_worst(void **state) {
    (void)state;
    const struct stop_rule median = {STOP_MEDIAN, STOP_VALID_LOSS, 1, 2, 0};
    const double good[] = {0.5, 0.4}, bad[] = {NAN, NAN}, some[] = {0.5, NAN};
    const struct stop_course own = {bad, 2}, better = {some, 2};
    const struct stop_course others[] = {{good, 2}, {good, 2}, {bad, 2}};
    struct stop_verdict verdict = decide(&median, &own, others, 3);
    assert_true(verdict.stop);
    assert_true(isnan(verdict.value));
    is_number(verdict.threshold, 0.45);
    assert_true(decide(&median, &better, others, 3).stop); /* 0.5 against 0.45 */
    const struct stop_course hopeless[] = {{bad, 2}, {bad, 2}};
    assert_false(decide(&median, &own, hopeless, 2).stop); /* not worse than they */
}

static void rungs_are_at_grace_epochs_times_powers_of_eta(void **state) {
    (void)state;
    const struct stop_rule asha = {STOP_ASHA, STOP_VALID_LOSS, 3, 1, 4};
    for (int64_t epoch = 1; epoch <= 200; epoch++)
        assert_int_equal(stop_due(&asha, epoch, 200),
                         epoch == 3 || epoch == 12 || epoch == 48 || epoch == 192);
    assert_false(stop_due(&asha, 12, 12)); /* the last one */
}

static void the_median_rule_looks_from_the_grace_epochs_on_but_not_at_the_last(void **state) {
    (void)state;
    const struct stop_rule median = {STOP_MEDIAN, STOP_VALID_LOSS, 3, 1, 0};
    for (int64_t epoch = 1; epoch <= 10; epoch++)
        assert_int_equal(stop_due(&median, epoch, 10), epoch >= 3 && epoch < 10);
}

static bool reads(const char *text, struct stop_rule *rule) {
    cJSON *stop = json_parse(text, strlen(text), "stop", NULL);
    bool read = stop_rule_read(stop, rule);
    cJSON_Delete(stop);
    return read;
}

static void a_rule_is_read_from_a_config_and_null_is_none(void **state) {
    (void)state;
    struct stop_rule rule;
    assert_true(
        reads("{\"rule\": \"asha\", \"metric\": \"recall\", \"grace_epochs\": 2, \"eta\": 3,"
              " \"min_peers\": 5}",
              &rule));
    assert_int_equal(rule.name, STOP_ASHA);
    assert_int_equal(rule.metric, STOP_RECALL);
    assert_int_equal(rule.grace_epochs, 2);
    assert_int_equal(rule.eta, 3);
    assert_int_equal(rule.min_peers, 5);
    assert_false(reads("null", &rule));
    assert_false(
        reads("{\"rule\": \"hyperband\", \"metric\": \"recall\", \"grace_epochs\": 2}", &rule));
}

static bool reads_asha(int grace_epochs, int eta) {
    char text[128];
    struct stop_rule rule;
    snprintf(text, sizeof text,
             "{\"rule\": \"asha\", \"metric\": \"recall\", \"grace_epochs\": %d, \"eta\": %d}",
             grace_epochs, eta);
    return reads(text, &rule);
}

/* With others there would be no end to the rungs, or none to reach. */
static void a_rung_is_of_an_epoch_or_more_and_lets_half_of_them_on_at_most(void **state) {
    (void)state;
    assert_true(reads_asha(1, 2));
    assert_false(reads_asha(0, 2));
    assert_false(reads_asha(1, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_those_of_a_second_implementation),
        cmocka_unit_test(the_order_of_the_others_does_not_matter),
        cmocka_unit_test(who_is_stopped_would_be_stopped_with_worse_values),
        cmocka_unit_test(who_is_better_than_all_others_now_is_not_stopped),
        cmocka_unit_test(fewer_others_than_min_peers_stop_nobody),
        cmocka_unit_test(what_others_did_later_or_who_is_not_as_far_does_not_matter),
        cmocka_unit_test(metrics_differ_in_their_direction_alone),
        cmocka_unit_test(of_a_rung_the_best_goes_on_whenever_it_comes),
        cmocka_unit_test(an_undefined_value_is_the_worst),
        cmocka_unit_test(rungs_are_at_grace_epochs_times_powers_of_eta),
        cmocka_unit_test(the_median_rule_looks_from_the_grace_epochs_on_but_not_at_the_last),
        cmocka_unit_test(a_rule_is_read_from_a_config_and_null_is_none),
        cmocka_unit_test(a_rung_is_of_an_epoch_or_more_and_lets_half_of_them_on_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
