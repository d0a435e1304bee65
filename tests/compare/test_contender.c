#include "compare/contender.h"

#include "tests/values.h"

#include <stdio.h>
#include <stdlib.h>

/* What the tests set of an experiment: validation and test accuracy and validation loss of its two
 * checkpoints; a negative accuracy is undefined. */
struct made {
    int seed;
    double lr;
    double best_valid, best_loss, best_test;
    double last_valid, last_loss, last_test;
};

static void add_evaluation(cJSON *evaluations, const char *checkpoint, const char *split,
                           double accuracy, double loss) {
    cJSON *evaluation = cJSON_CreateObject();
    cJSON_AddStringToObject(evaluation, "checkpoint", checkpoint);
    cJSON_AddStringToObject(evaluation, "split", split);
    if (accuracy < 0)
        cJSON_AddNullToObject(evaluation, "accuracy");
    else
        cJSON_AddNumberToObject(evaluation, "accuracy", accuracy);
    cJSON_AddNumberToObject(evaluation, "loss", loss);
    cJSON_AddItemToArray(evaluations, evaluation);
}

static void add_experiment(cJSON *experiments, const struct made *made) {
    cJSON *experiment = cJSON_CreateObject();
    char name[32];
    snprintf(name, sizeof name, "demo/%d", cJSON_GetArraySize(experiments));
    cJSON_AddStringToObject(experiment, "name", name);
    cJSON *config = cJSON_AddObjectToObject(experiment, "config");
    cJSON_AddStringToObject(config, "name", name);
    cJSON *train = cJSON_AddObjectToObject(config, "train");
    cJSON_AddNumberToObject(train, "seed", made->seed);
    cJSON_AddNumberToObject(train, "lr", made->lr);
    cJSON *evaluations = cJSON_AddArrayToObject(experiment, "evaluations");
    add_evaluation(evaluations, "best", "valid", made->best_valid, made->best_loss);
    add_evaluation(evaluations, "best", "test", made->best_test, 1);
    add_evaluation(evaluations, "last", "valid", made->last_valid, made->last_loss);
    add_evaluation(evaluations, "last", "test", made->last_test, 1);
    cJSON_AddItemToArray(experiments, experiment);
}

static struct contender *contenders_of(const struct made *made, size_t count, cJSON **experiments) {
    size_t found;
    *experiments = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        add_experiment(*experiments, &made[i]);
    struct contender *contenders = contenders_make(*experiments, &found);
    assert_int_equal(found, count);
    return contenders;
}

static int kept(struct made made) {
    cJSON *experiments;
    struct contender *contenders = contenders_of(&made, 1, &experiments);
    int keep = contenders[0].keep;
    free(contenders);
    cJSON_Delete(experiments);
    return keep;
}

static void the_checkpoint_with_the_higher_validation_accuracy_is_kept(void **state) {
    (void)state;
    assert_int_equal(kept((struct made){0, 0, 0.95, 0.1, 0.9, 0.94, 0.1, 0.9}), CHECKPOINT_BEST);
    assert_int_equal(kept((struct made){0, 0, 0.94, 0.1, 0.9, 0.95, 0.9, 0.9}), CHECKPOINT_LAST);
}

static void equal_accuracy_is_decided_by_validation_loss(void **state) {
    (void)state;
    assert_int_equal(kept((struct made){0, 0, 0.95, 0.2, 0.9, 0.95, 0.1, 0.9}), CHECKPOINT_LAST);
    assert_int_equal(kept((struct made){0, 0, 0.95, 0.1, 0.9, 0.95, 0.1, 0.9}), CHECKPOINT_BEST);
}

static void the_test_split_decides_nothing(void **state) {
    (void)state;
    assert_int_equal(kept((struct made){0, 0, 0.95, 0.1, 0.1, 0.94, 0.1, 1.0}), CHECKPOINT_BEST);
}

static void an_undefined_accuracy_is_never_preferred(void **state) {
    (void)state;
    assert_int_equal(kept((struct made){0, 0, -1, 0.1, 0.9, 0, 9, 0.9}), CHECKPOINT_LAST);
}

static void without_evaluations_there_is_nothing_to_keep(void **state) {
    (void)state;
    cJSON *experiments = cJSON_CreateArray();
    cJSON_AddItemToArray(experiments, cJSON_CreateObject());
    size_t count, order[1], ranked;
    struct contender *contenders = contenders_make(experiments, &count);
    assert_int_equal(contenders[0].keep, -1);
    assert_true(contenders_rank(contenders, count, order, &ranked));
    assert_int_equal(ranked, 0);
    free(contenders);
    cJSON_Delete(experiments);
}

static void experiments_rank_by_what_they_keep(void **state) {
    (void)state;
    static const struct made made[] = {
        {0, 0, 0.90, 0.3, 0.99, 0.91, 0.3, 0.99},
        {0, 0, 0.95, 0.2, 0.80, 0.90, 0.1, 0.80},
        {0, 0, 0.80, 0.1, 1.00, 0.95, 0.1, 1.00},
        {0, 0, 0.91, 0.3, 0.99, 0.80, 0.1, 0.99},
    };
    cJSON *experiments;
    struct contender *contenders = contenders_of(made, 4, &experiments);
    size_t order[4], ranked;
    assert_true(contenders_rank(contenders, 4, order, &ranked));
    assert_int_equal(ranked, 4);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 0); /* as good as the fourth: in their order */
    assert_int_equal(order[3], 3);
    free(contenders);
    cJSON_Delete(experiments);
}

/* python3 -c "import statistics as s; v = [0.9942, 0.9967, 0.9892]; print(s.mean(v), s.stdev(v))"
 */
static void the_deviation_is_that_of_a_sample(void **state) {
    (void)state;
    static const double values[] = {0.9942, 0.9967, 0.9892};
    struct spread spread = spread_of(values, 3);
    assert_int_equal(spread.count, 3);
    assert_near(spread.mean, 0.9933666666666666, 1e-15);
    assert_near(spread.deviation, 0.0038188130791298944, 1e-15);
}

static void a_single_value_does_not_deviate(void **state) {
    (void)state;
    static const double value = 0.5;
    struct spread spread = spread_of(&value, 1);
    assert_near(spread.mean, 0.5, 0);
    assert_near(spread.deviation, 0, 0);
}

static const struct made repeated[] = {
    {0, 1e-3, 0.9942, 0.1, 0.5, 0.9, 0.1, 0.5}, {0, 2e-3, 0.8, 0.1, 0.5, 0.9, 0.1, 0.5},
    {1, 1e-3, 0.9967, 0.1, 0.5, 0.9, 0.1, 0.5}, {2, 1e-3, 0.9892, 0.1, -1, 0.9, 0.1, 0.5},
    {1, 1e-3, 0.9967, 0.1, 0.5, 0.9, 0.1, 0.5},
};

static void repeats_differ_in_the_seed_alone_and_each_seed_counts_once(void **state) {
    (void)state;
    cJSON *experiments;
    struct contender *contenders = contenders_of(repeated, 5, &experiments);
    size_t repeats[5];
    assert_true(contenders_repeats(contenders, 5, repeats));
    assert_int_equal(repeats[0], 0);
    assert_int_equal(repeats[1], 1);
    assert_int_equal(repeats[2], 0);
    assert_int_equal(repeats[3], 0);
    assert_int_equal(repeats[4], 5);
    free(contenders);
    cJSON_Delete(experiments);
}

static void what_changes_nothing_that_is_learnt_parts_no_repeats(void **state) {
    (void)state;
    cJSON *experiments;
    free(contenders_of(repeated, 3, &experiments));
    cJSON *config = cJSON_GetObjectItem(cJSON_GetArrayItem(experiments, 2), "config");
    cJSON_AddNumberToObject(config, "priority", 7);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(config, "resources"), "memory_gib", 8);
    cJSON_AddStringToObject(config, "after", "demo/0");
    size_t count, repeats[3];
    struct contender *contenders = contenders_make(experiments, &count);
    assert_true(contenders_repeats(contenders, count, repeats));
    assert_int_equal(repeats[2], 0);
    cJSON_AddStringToObject(config, "stop", "median");
    assert_true(contenders_repeats(contenders, count, repeats));
    assert_int_equal(repeats[2], 2);
    free(contenders);
    cJSON_Delete(experiments);
}

static void the_order_of_keys_parts_no_repeats(void **state) {
    (void)state;
    cJSON *experiments;
    free(contenders_of(repeated, 3, &experiments));
    cJSON *config = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(experiments, 2), "config");
    cJSON *train = cJSON_GetObjectItemCaseSensitive(config, "train");
    size_t count, repeats[3];
    assert_true(config->child != config->child->prev && train->child != train->child->prev);
    cJSON_AddItemToObject(train, "lr", cJSON_DetachItemFromObject(train, "lr"));
    cJSON_AddItemToObject(train, "seed", cJSON_DetachItemFromObject(train, "seed"));
    cJSON_AddItemToObject(config, "name", cJSON_DetachItemFromObject(config, "name"));
    struct contender *contenders = contenders_make(experiments, &count);
    assert_true(contenders_repeats(contenders, 3, repeats));
    assert_int_equal(repeats[1], 1);
    assert_int_equal(repeats[2], 0);
    free(contenders);
    cJSON_Delete(experiments);
}

static void the_spread_of_repeats_is_undefined_where_one_of_them_is(void **state) {
    (void)state;
    cJSON *experiments;
    struct contender *contenders = contenders_of(repeated, 5, &experiments);
    size_t repeats[5];
    struct spread spread;
    double values[5];
    assert_true(contenders_repeats(contenders, 5, repeats));
    assert_true(contenders_spread(contenders, 5, repeats, 0, CHECKPOINT_BEST, SPLIT_VALID,
                                  RATIO_ACCURACY, values, &spread));
    assert_int_equal(spread.count, 3);
    assert_near(spread.mean, 0.9933666666666666, 1e-15);
    assert_near(spread.deviation, 0.0038188130791298944, 1e-15);
    assert_false(contenders_spread(contenders, 5, repeats, 0, CHECKPOINT_BEST, SPLIT_TEST,
                                   RATIO_ACCURACY, values, &spread));
    free(contenders);
    cJSON_Delete(experiments);
}

static void an_unfinished_experiment_is_no_repeat(void **state) {
    (void)state;
    for (int lacking = 0; lacking < CHECKPOINT_COUNT * SPLIT_COUNT; lacking++) {
        cJSON *experiments;
        free(contenders_of(repeated, 3, &experiments));
        cJSON *last = cJSON_GetArrayItem(experiments, 2);
        cJSON_DeleteItemFromArray(cJSON_GetObjectItemCaseSensitive(last, "evaluations"), lacking);
        size_t count, repeats[3];
        struct contender *contenders = contenders_make(experiments, &count);
        assert_true(contenders_repeats(contenders, 3, repeats));
        assert_int_equal(repeats[2], 3);
        free(contenders);
        cJSON_Delete(experiments);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checkpoint_with_the_higher_validation_accuracy_is_kept),
        cmocka_unit_test(equal_accuracy_is_decided_by_validation_loss),
        cmocka_unit_test(the_test_split_decides_nothing),
        cmocka_unit_test(an_undefined_accuracy_is_never_preferred),
        cmocka_unit_test(without_evaluations_there_is_nothing_to_keep),
        cmocka_unit_test(experiments_rank_by_what_they_keep),
        cmocka_unit_test(the_deviation_is_that_of_a_sample),
        cmocka_unit_test(a_single_value_does_not_deviate),
        cmocka_unit_test(repeats_differ_in_the_seed_alone_and_each_seed_counts_once),
        cmocka_unit_test(what_changes_nothing_that_is_learnt_parts_no_repeats),
        cmocka_unit_test(the_order_of_keys_parts_no_repeats),
        cmocka_unit_test(the_spread_of_repeats_is_undefined_where_one_of_them_is),
        cmocka_unit_test(an_unfinished_experiment_is_no_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
