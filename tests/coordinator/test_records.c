/* What reports become in the database. */
#include "coordinator/train_log.h"
#include "coordinator/views.h"
#include "core/json.h"
#include "tests/coordinator/bodies.h"
#include "tests/coordinator/stores.h"

#include <math.h>
#include <string.h>

static void report(struct store *store, int64_t attempt, const char *kind, cJSON *of_kind) {
    struct report_key key = {.experiment = 1, .attempt = attempt, .now_ms = attempt};
    struct error error = {0};
    if (!record_report(store, &key, kind, of_kind, &error))
        fail_msg("%s", error.message);
    cJSON_Delete(of_kind);
}

static void an_epoch_is_stored_once_and_only_a_later_attempt_replaces_it(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    report(store, 2, "epoch", body_epoch(1, 0.5));
    report(store, 2, "epoch", body_epoch(1, 0.75));
    report(store, 1, "epoch", body_epoch(1, 0.875));
    assert_true(number(store, "SELECT count(*) FROM epoch") == 1);
    assert_true(number(store, "SELECT valid_loss FROM epoch") == 0.5);
    report(store, 3, "epoch", body_epoch(1, 0.25));
    assert_true(number(store, "SELECT count(*) FROM epoch") == 1);
    assert_true(number(store, "SELECT valid_loss FROM epoch") == 0.25);
    assert_true(number(store, "SELECT attempt FROM epoch") == 3);
    store_close(store);
}

static void what_is_undefined_is_null(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    report(store, 1, "epoch", body_epoch(1, 0.5));
    assert_true(isnan(number(store, "SELECT valid_precision FROM epoch"))); /* 0 / 0 */
    assert_true(isnan(number(store, "SELECT images_per_second FROM epoch")));
    assert_true(number(store, "SELECT valid_recall FROM epoch") == 0); /* 0 / 3 */
    assert_true(number(store, "SELECT valid_accuracy FROM epoch") == 0.25);
    store_close(store);
}

static void of_the_best_checkpoint_only_the_newest_stands(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    static const char format[] =
        "{\"kind\": \"%s\", \"epoch\": %d, \"path\": \"/p\", \"host\": \"h\"}";
    report(store, 1, "checkpoint", body(format, "best", 3));
    report(store, 1, "checkpoint", body(format, "best", 5));
    report(store, 1, "checkpoint", body(format, "best", 3)); /* it comes again, late */
    report(store, 1, "checkpoint", body(format, "epoch", 3));
    report(store, 1, "checkpoint", body(format, "epoch", 4));
    assert_true(number(store, "SELECT max(epoch) FROM checkpoint WHERE kind = 'best'") == 5);
    assert_true(number(store, "SELECT count(*) FROM checkpoint WHERE kind = 'best'") == 1);
    report(store, 2, "checkpoint", body(format, "best", 4));
    assert_true(number(store, "SELECT max(epoch) FROM checkpoint WHERE kind = 'best'") == 4);
    assert_true(number(store, "SELECT count(*) FROM checkpoint WHERE kind = 'epoch'") == 2);
    store_close(store);
}

/* The whole log in one text, for the caller to free. */
static char *whole_log(struct store *store) {
    struct query query;
    struct error error = {0};
    query_open(&query, store,
               "SELECT coalesce(group_concat(text, ''), '') FROM"
               " (SELECT CAST(text AS TEXT) AS text FROM log ORDER BY offset)");
    char *text = query_next(&query) ? strdup(query_text(&query)) : NULL;
    if (!query_close(&query, &error))
        fail_msg("%s", error.message);
    return text;
}

static void log_is(struct store *store, const char *expected) {
    char *text = whole_log(store);
    assert_string_equal(text, expected);
    free(text);
}

static void a_log_is_replaced_from_the_offset_on(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    static const char format[] = "{\"offset\": %d, \"text\": \"%s\"}";
    report(store, 1, "log", body(format, 0, "one "));
    report(store, 1, "log", body(format, 4, "two "));
    report(store, 1, "log", body(format, 8, "three "));
    log_is(store, "one two three ");
    report(store, 1, "log", body(format, 4, "two ")); /* comes again: changes nothing */
    log_is(store, "one two three ");
    report(store, 2, "log", body(format, 6, "elve")); /* cuts a piece in two */
    log_is(store, "one twelve");
    report(store, 2, "log", body(format, 4, ""));
    log_is(store, "one ");
    report(store, 2, "log", body(format, 0, "other ")); /* at the beginning of a piece */
    log_is(store, "other ");
    report(store, 2, "log", body(format, 0, ""));
    log_is(store, "");
    store_close(store);
}

/* The log of the experiment from the offset on begins there and has the text. */
static void log_from_is(struct store *store, int64_t offset, int64_t begins, const char *text) {
    struct error error = {0};
    cJSON *log;
    bool found;
    if (!train_log_view(store, 1, offset, &log, &found, &error))
        fail_msg("%s", error.message);
    assert_true(found);
    assert_int_equal(json_integer(log, "offset"), begins);
    assert_string_equal(json_string(log, "text"), text);
    assert_int_equal(json_integer(log, "next"), begins + (int64_t)strlen(text));
    cJSON_Delete(log);
}

static void a_log_that_lacks_a_piece_is_told_up_to_it_and_from_there_on(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    report(store, 1, "log", body("{\"offset\": 0, \"text\": \"one \"}"));
    report(store, 1, "log", body("{\"offset\": 8, \"text\": \"three \"}"));
    report(store, 1, "log", body("{\"offset\": 14, \"text\": \"four\"}"));
    log_from_is(store, 0, 0, "one ");
    log_from_is(store, 4, 8, "three four");
    log_from_is(store, 10, 10, "ree four");
    log_from_is(store, 18, 18, "");
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_is_stored_once_and_only_a_later_attempt_replaces_it),
        cmocka_unit_test(what_is_undefined_is_null),
        cmocka_unit_test(of_the_best_checkpoint_only_the_newest_stands),
        cmocka_unit_test(a_log_is_replaced_from_the_offset_on),
        cmocka_unit_test(a_log_that_lacks_a_piece_is_told_up_to_it_and_from_there_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
