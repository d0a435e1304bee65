/* The views that people read with sqlite3 (schema/011_views.sql, 014_remarks.sql): values computed
 * by hand. */
#include "coordinator/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* One that is done, without its last checkpoint on the test split, and one that is paused. */
static const char *const rows[] = {
    "INSERT INTO submission (key, submitted_ms) VALUES ('k', 1)",
    "INSERT INTO experiment (id, submission, name, \"group\", config, variant, priority, backend,"
    "  memory_bytes, epochs, max_attempts, state, paused, submitted_ms, finished_ms)"
    " VALUES (1, 'k', 'a/x', 'a', '{}', '{}', 0, 'any', 0, 3, 1, 'done', 0, 1, 9),"
    "  (2, 'k', 'a/y', 'a', '{}', '{}', 0, 'any', 0, 5, 1, 'queued', 1, 1, NULL)",
    "INSERT INTO epoch (experiment, epoch, attempt, reported_ms, learning_rate, best,"
    "  train_true_positive, train_true_negative, train_false_positive, train_false_negative,"
    "  train_loss, valid_true_positive, valid_true_negative, valid_false_positive,"
    "  valid_false_negative, valid_loss)"
    " VALUES (1, 1, 1, 2, 0.5, 1, 1, 2, 3, 4, 0.75, 0, 8, 0, 0, 0.5),"
    "  (1, 2, 1, 3, 0.5, 1, 6, 2, 2, 0, NULL, 3, 4, 1, 2, 0.25),"
    "  (1, 3, 1, 4, 0.25, 0, 5, 5, 0, 0, 0.125, 1, 1, 3, 3, NULL)",
    "INSERT INTO evaluation (experiment, checkpoint, split, attempt, reported_ms, epoch,"
    "  true_positive, true_negative, false_positive, false_negative, loss)"
    " VALUES (1, 'best', 'valid', 1, 5, 2, 3, 4, 1, 2, 0.25),"
    "  (1, 'best', 'test', 1, 5, 2, 0, 5, 0, 0, 0.375),"
    "  (1, 'last', 'valid', 1, 5, 3, 1, 1, 3, 3, NULL)",
    "INSERT INTO tag (experiment, tag, at_ms, person) VALUES (1, 'b', 6, ''), (1, 'a', 7, 'ann')",
    "INSERT INTO note (experiment, number, key, at_ms, person, text)"
    " VALUES (1, 1, 'k', 8, '', 'one'), (1, 2, 'l', 8, '', NULL), (1, 3, 'm', 8, '', 'three')",
};

static int open_filled(void **state) {
    struct store *store;
    struct error error = {0};
    if (!store_open(":memory:", &store, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct query query;
        query_open(&query, store, rows[i]);
        if (!query_run(&query, &error))
            fail_msg("%s", error.message);
    }
    *state = store;
    return 0;
}

static int close_store(void **state) {
    store_close(*state);
    return 0;
}

/* quote() of each column makes NULL and 0 two things. */
static void is_text(void **state, const char *sql, const char *expected) {
    struct query query;
    struct error error = {0};
    query_open(&query, *state, sql);
    assert_true(query_next(&query));
    assert_string_equal(query_text(&query), expected);
    if (!query_close(&query, &error))
        fail_msg("%s", error.message);
}

#define QUOTED(stem)                                                                               \
    "quote(" stem "_accuracy) || ' ' || quote(" stem "_precision) || ' ' || quote(" stem           \
    "_recall) || ' ' || quote(" stem "_loss)"

static void an_experiment_is_one_row_with_its_state_and_best_epoch(void **state) {
    is_text(state,
            "SELECT group_concat(id || name || \"group\" || ' ' || state || ' ' || epochs_done ||"
            " '/' || epochs || ' ' || quote(best_epoch), ', ')"
            " FROM (SELECT * FROM experiment_result ORDER BY id)",
            "1a/xa done 3/3 2, 2a/ya paused 0/5 NULL");
}

static void its_ratios_follow_from_the_counts_of_each_evaluation(void **state) {
    is_text(state, "SELECT " QUOTED("best_valid") " FROM experiment_result WHERE id = 1",
            "0.7 0.75 0.6 0.25");
    is_text(state, "SELECT " QUOTED("last_valid") " FROM experiment_result WHERE id = 1",
            "0.25 0.25 0.25 NULL");
}

static void what_is_undefined_or_not_there_is_null(void **state) {
    is_text(state, "SELECT " QUOTED("best_test") " FROM experiment_result WHERE id = 1",
            "1.0 NULL NULL 0.375");
    is_text(state, "SELECT " QUOTED("last_test") " FROM experiment_result WHERE id = 1",
            "NULL NULL NULL NULL");
    is_text(state, "SELECT " QUOTED("best_valid") " FROM experiment_result WHERE id = 2",
            "NULL NULL NULL NULL");
}

static void what_is_written_on_an_experiment_is_in_its_row(void **state) {
    is_text(state,
            "SELECT group_concat(quote(tags) || ' ' || notes, ', ')"
            " FROM (SELECT * FROM experiment_result ORDER BY id)",
            "'a b' 2, NULL 0");
}

static void an_epoch_is_one_row_with_the_ratios_of_both_splits(void **state) {
    is_text(state,
            "SELECT group_concat(id || name || ' ' || epoch || ' ' || best || ' ' || learning_rate"
            " || ': ' || " QUOTED("train") " || ', ' || " QUOTED(
                "valid") ", '; ')"
                         " FROM (SELECT * FROM epoch_result ORDER BY epoch)",
            "1a/x 1 1 0.5: 0.3 0.25 0.2 0.75, 1.0 NULL NULL 0.5; "
            "1a/x 2 1 0.5: 0.8 0.75 1.0 NULL, 0.7 0.75 0.6 0.25; "
            "1a/x 3 0 0.25: 1.0 1.0 1.0 0.125, 0.25 0.25 0.25 NULL");
}

int main(void) {
#define FILLED(test) cmocka_unit_test_setup_teardown(test, open_filled, close_store)
    const struct CMUnitTest tests[] = {
        FILLED(an_experiment_is_one_row_with_its_state_and_best_epoch),
        FILLED(its_ratios_follow_from_the_counts_of_each_evaluation),
        FILLED(what_is_undefined_or_not_there_is_null),
        FILLED(what_is_written_on_an_experiment_is_in_its_row),
        FILLED(an_epoch_is_one_row_with_the_ratios_of_both_splits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
