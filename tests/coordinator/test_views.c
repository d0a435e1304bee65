/* What is shown of an experiment that has more rows than an answer tells: the newest, in order. */
#include "coordinator/columns.h"
#include "coordinator/query.h"
#include "tests/coordinator/bench.h"

enum { MORE = COLUMNS_ROWS_MAX + 2 };

static void put(struct bench *bench, const char *sql) {
    struct query query;
    struct error error = {0};
    query_open(&query, bench->store, sql);
    query_bind_int(&query, MORE);
    if (!query_run(&query, &error))
        fail_msg("%s", error.message);
}

/* From the first of the list on, `key` is `first`, and one more each time. Returns how many so. */
static int counts_up(const cJSON *one, const char *key, long long first) {
    int count = 0;
    for (; one != NULL && number_of(one, key) == first + count; one = one->next)
        count++;
    return count;
}

#define NUMBERS                                                                                    \
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"

static void of_too_many_attempts_and_deeds_the_last_are_shown_in_order(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    put(bench, NUMBERS " INSERT INTO attempt (experiment, attempt, worker, started_ms, outcome)"
                       " SELECT 1, n, 'a', n, 'lost' FROM numbers");
    put(bench, NUMBERS " INSERT INTO steering (experiment, at_ms, person, what)"
                       " SELECT 1, n, '', 'pause' FROM numbers");
    const cJSON *shown = show(bench, 1);
    assert_int_equal(counts_up(json_member(shown, "attempts")->child, "attempt", 3),
                     COLUMNS_ROWS_MAX);
    assert_int_equal(counts_up(json_member(shown, "steering")->child, "at_ms", 3),
                     COLUMNS_ROWS_MAX);
}

static void of_too_many_checkpoints_the_best_and_the_last_and_the_newest_are_shown(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    put(bench, NUMBERS " INSERT INTO checkpoint (experiment, kind, epoch, attempt, reported_ms,"
                       " path, host) SELECT 1, 'epoch', n, 1, n, 'p', 'h' FROM numbers");
    put(bench, "INSERT INTO checkpoint (experiment, kind, epoch, attempt, reported_ms, path, host)"
               " VALUES (1, 'best', 2, 1, 1, 'p', 'h'), (1, 'last', ?, 1, 1, 'p', 'h')");
    const cJSON *checkpoints = json_member(show(bench, 1), "checkpoints");
    assert_int_equal(cJSON_GetArraySize(checkpoints), COLUMNS_ROWS_MAX);
    assert_string_equal(text_of(checkpoints->child, "kind"), "best");
    assert_int_equal(counts_up(checkpoints->child->next, "epoch", 5), COLUMNS_ROWS_MAX - 2);
    const cJSON *last = cJSON_GetArrayItem(checkpoints, COLUMNS_ROWS_MAX - 1);
    assert_string_equal(text_of(last, "kind"), "last");
    assert_int_equal(number_of(last, "epoch"), MORE);
}

static void one_that_is_more_than_a_page_is_a_page(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    put(bench, NUMBERS " INSERT INTO attempt (experiment, attempt, worker, started_ms, outcome,"
                       " error) SELECT 1, n, 'a', n, 'lost', printf('%.*c', 900, 'x')"
                       " FROM numbers");
    assert_int_equal(number_of(ask(bench, "show", body("{}"), "details"), "next"), 1);
    assert_int_equal(counts_up(json_member(bench->answer.body, "experiments")->child, "id", 1), 1);
    ask(bench, "show", body("{\"after\": 1}"), "details");
    assert_int_equal(counts_up(json_member(bench->answer.body, "experiments")->child, "id", 2), 1);
}

static void of_those_asked_for_by_number_the_ones_in_the_group_are_shown(void **state) {
    struct bench *bench = *state;
    bool seen[4];
    submit(bench, 3, 2, 3);
    put(bench, "UPDATE experiment SET \"group\" = 'other' WHERE id > 1 AND id < ?");
    assert_int_equal(page_through(bench, "list", "\"ids\": [1, 2], \"group\": \"other\",", seen, 3),
                     1);
    assert_true(!seen[1] && seen[2] && !seen[3]);
}

/* A control character is six bytes of JSON: three of these are more than a message may be. */
static void a_page_of_summaries_is_as_long_as_its_texts_are_when_they_are_sent(void **state) {
    struct bench *bench = *state;
    bool seen[4];
    submit(bench, 3, 2, 3);
    put(bench, "UPDATE experiment SET error = replace(printf('%.*c', 1000000, 'x'), 'x', char(1))"
               " WHERE id < ?");
    assert_int_equal(page_through(bench, "list", "", seen, 3), 3);
    assert_true(seen[1] && seen[2] && seen[3]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(of_too_many_attempts_and_deeds_the_last_are_shown_in_order),
        ON_BENCH(of_too_many_checkpoints_the_best_and_the_last_and_the_newest_are_shown),
        ON_BENCH(one_that_is_more_than_a_page_is_a_page),
        ON_BENCH(of_those_asked_for_by_number_the_ones_in_the_group_are_shown),
        ON_BENCH(a_page_of_summaries_is_as_long_as_its_texts_are_when_they_are_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
