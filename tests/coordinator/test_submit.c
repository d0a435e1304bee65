/* What a submission makes of its experiments in the queue: whom each waits for, whose it is, and
 * how large one may be, and that it is queued wholly or not at all. */
#include "coordinator/lookups.h"
#include "coordinator/query.h"
#include "tests/coordinator/steer.h"

enum { CONFIG_BYTES = 1 << 20 };

static void of_one_submission_each_waits_for_its_own(void **state) {
    struct bench *bench = *state;
    submit_named(bench, "x", "");
    submit_named(bench, "y", "");
    ask(bench, "submit",
        submission_of("ann@here", named("after x", "\"after\": [\"x\"]"),
                      named("after y", "\"after\": [\"y\"]")),
        "submitted");
    hello(bench, "a");
    hello(bench, "b");
    assert_int_equal(take(bench, "a"), 1);
    assert_int_equal(take(bench, "b"), 2);
    end(bench, "b", 2, "done");
    for (int life = 0; life < 2; life++) {
        waits_for(bench, 3, "after x: 0 of 1 done");
        waits_for(bench, 4, "its turn");
        start_again(bench);
    }
    assert_int_equal(take(bench, "b"), 4);
}

static void who_has_nothing_running_comes_before_who_has(void **state) {
    struct bench *bench = *state;
    static const char *const persons[] = {"ann@here", "bob@here", "cyd@here"};
    static const long long taken[] = {1, 3, 5, 2};
    static const char *const workers[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 3; i++)
        ask(bench, "submit", submission_of(persons[i], named("x", ""), named("y", "")),
            "submitted");
    for (size_t i = 0; i < 4; i++) {
        hello(bench, workers[i]);
        assert_int_equal(take(bench, workers[i]), taken[i]);
        if (i == 1)
            start_again(bench);
    }
}

/* One whose variant has so many bytes, and that has so many classes of a folder of 1024 bytes more.
 */
static cJSON *large(size_t variant_bytes, int classes) {
    static const char frame[] = "{\"train.seed\":\"\"}";
    cJSON *experiment = named("large", "");
    char *filling = calloc(1, variant_bytes), folder[1025];
    memset(filling, 'v', variant_bytes - strlen(frame));
    cJSON_ReplaceItemInObject(cJSON_GetObjectItem(experiment, "variant"), "train.seed",
                              cJSON_CreateString(filling));
    free(filling);
    cJSON *data = cJSON_GetObjectItem(cJSON_GetObjectItem(experiment, "config"), "data");
    for (int i = 0; i < classes; i++) {
        snprintf(folder, sizeof folder, "%01024d", i);
        cJSON_AddItemToArray(cJSON_GetObjectItem(data, "classes"),
                             body("{\"name\": \"%d\", \"dir\": \"%s\", \"label\": 1}", i, folder));
    }
    return experiment;
}

static void what_is_larger_than_a_mebibyte_is_not_queued(void **state) {
    struct bench *bench = *state;
    ask(bench, "submit", submission_of("ann@here", large(CONFIG_BYTES, 0), NULL), "submitted");
    for (int i = 0; i < 2; i++) {
        cJSON *one = i == 0 ? large(CONFIG_BYTES + 1, 0) : large(100, 998);
        const cJSON *error = ask(bench, "submit", submission_of("ann@here", one, NULL), "error");
        assert_string_equal(text_of(error, "code"), "invalid");
        assert_non_null(strstr(text_of(error, "message"), "larger than 1048576 bytes"));
    }
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "queued"), 1);
}

static void run(struct bench *bench, const char *sql) {
    struct query query;
    struct error error = {0};
    query_open(&query, bench->store, sql);
    if (!query_run(&query, &error))
        fail_msg("%s", error.message);
}

static void a_submission_that_fails_at_its_second_experiment_has_no_first(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    run(bench, "CREATE TRIGGER one BEFORE INSERT ON experiment WHEN EXISTS (SELECT 1 FROM"
               " experiment) BEGIN SELECT RAISE(ABORT, 'no more'); END");
    begin(bench);
    answer(bench, "submit", submission_of("ann@here", named("x", ""), named("y", "")));
    assert_string_equal(text_of(bench->answer.body, "code"), "internal");
    assert_false(coordinator_commit(&bench->coordinator, &error));
    assert_non_null(strstr(error.message, "no more"));
    run(bench, "DROP TRIGGER one");
    assert_int_equal(number_of(ask(bench, "status", body("{}"), "coordinator"), "queued"), 0);
    ask(bench, "submit", submission_of("ann@here", named("x", ""), named("y", "")), "submitted");
    hello(bench, "w");
    assert_int_equal(take(bench, "w"), 1);
}

/* As a damaged database would have it. */
static void an_experiment_that_is_read_twice_is_not_queued_twice(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    submit(bench, 1, 9, 3);
    assert_false(lookup_add(bench->coordinator.store, &bench->coordinator.scheduler, 1, &error));
    assert_non_null(strstr(error.message, "experiment 1 is in it twice"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(of_one_submission_each_waits_for_its_own),
        ON_BENCH(who_has_nothing_running_comes_before_who_has),
        ON_BENCH(what_is_larger_than_a_mebibyte_is_not_queued),
        ON_BENCH(a_submission_that_fails_at_its_second_experiment_has_no_first),
        ON_BENCH(an_experiment_that_is_read_twice_is_not_queued_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
