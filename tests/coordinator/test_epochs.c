/* What is shown of the epochs of a run beside those of others. */
#include "tests/coordinator/bench.h"

static void report(struct bench *bench, const char *worker, int id, int epoch, bool best) {
    cJSON *of_epoch = body_epoch(epoch, 0.5);
    cJSON_ReplaceItemInObjectCaseSensitive(of_epoch, "best", cJSON_CreateBool(best));
    assert_false(fenced(bench, worker, id, 1, "epoch", of_epoch));
}

static void the_best_the_latest_and_all_of_a_run_are_its_own(void **state) {
    struct bench *bench = *state;
    submit(bench, 3, 9, 3);
    hello(bench, "a");
    hello(bench, "b");
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(take(bench, "b"), 2);
    for (int epoch = 1; epoch <= 4; epoch++)
        report(bench, "b", 2, epoch, true);
    for (int epoch = 1; epoch <= 3; epoch++)
        report(bench, "a", 1, epoch, epoch < 3);
    const cJSON *shown = show(bench, 1), *epoch;
    int count = 0;
    assert_int_equal(number_of(shown, "epochs_done"), 3);
    assert_int_equal(number_of(json_member(shown, "best"), "epoch"), 2);
    assert_true(cJSON_IsTrue(json_member(json_member(shown, "best"), "best")));
    assert_int_equal(number_of(json_member(shown, "latest"), "epoch"), 3);
    assert_true(cJSON_IsFalse(json_member(json_member(shown, "latest"), "best")));
    cJSON_ArrayForEach(epoch, json_member(shown, "history")) {
        assert_int_equal(number_of(epoch, "epoch"), ++count);
    }
    assert_int_equal(count, 3);
}

static void what_has_not_run_has_none(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 9, 3);
    const cJSON *shown = show(bench, 1);
    assert_int_equal(number_of(shown, "epochs_done"), 0);
    assert_true(cJSON_IsNull(json_member(shown, "best")));
    assert_true(cJSON_IsNull(json_member(shown, "latest")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(the_best_the_latest_and_all_of_a_run_are_its_own),
        ON_BENCH(what_has_not_run_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
