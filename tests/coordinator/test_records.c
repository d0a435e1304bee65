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

/* The one text that the statement gives. */
static void text_is(struct store *store, const char *sql, const char *expected) {
    struct query query;
    struct error error = {0};
    query_open(&query, store, sql);
    assert_true(query_next(&query));
    assert_string_equal(query_text(&query), expected);
    if (!query_close(&query, &error))
        fail_msg("%s", error.message);
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
    assert_true(run(store, "INSERT INTO experiment (submission, name, \"group\", config, variant,"
                           " priority, backend, memory_bytes, epochs, max_attempts, submitted_ms)"
                           " VALUES ('a key', 'other', 'g', '{}', '{}', 0, 'any', 0, 9, 1, 1)"));
    assert_true(run(store, "INSERT INTO checkpoint (experiment, kind, epoch, attempt, reported_ms,"
                           " path, host) VALUES (2, 'best', 4, 1, 1, '/o', 'h')"));
    static const char format[] =
        "{\"kind\": \"%s\", \"epoch\": %d, \"path\": \"/p\", \"host\": \"h\"}";
    report(store, 1, "checkpoint", body(format, "best", 3));
    assert_true(number(store, "SELECT count(*) FROM checkpoint") == 2);
    report(store, 1, "checkpoint", body(format, "best", 5));
    report(store, 1, "checkpoint", body(format, "best", 3)); /* it comes again, late */
    report(store, 1, "checkpoint", body(format, "epoch", 3));
    report(store, 1, "checkpoint", body(format, "epoch", 4));
    static const char stand[] = "SELECT group_concat(format('%d %s %d %d', experiment, kind, epoch,"
                                " attempt), '; ') FROM checkpoint";
    text_is(store, stand, "1 best 5 1; 1 epoch 3 1; 1 epoch 4 1; 2 best 4 1");
    report(store, 2, "checkpoint", body(format, "best", 4));
    text_is(store, stand, "1 best 4 2; 1 epoch 3 1; 1 epoch 4 1; 2 best 4 1");
    store_close(store);
}

static void of_a_checkpoint_the_latest_attempts_place_stands(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    for (int i = 0; i < 3; i++) {
        const int attempt = (int[]){2, 1, 3}[i];
        report(store, attempt, "checkpoint",
               body("{\"kind\": \"epoch\", \"epoch\": 1, \"path\": \"/%d\", \"host\": \"h%d\"}",
                    attempt, attempt));
        text_is(store,
                "SELECT format('%d %s %s %d', attempt, path, host, reported_ms)"
                " FROM checkpoint",
                attempt < 3 ? "2 /2 h2 2" : "3 /3 h3 3");
    }
    store_close(store);
}

/* What a coordinator that is started again goes by. */
static void a_submission_is_stored_with_whose_it_is_and_what_it_needs(void **state) {
    (void)state;
    struct store *store = open_store(":memory:");
    const struct submitter submitter = {"ann", "node", "1.2"};
    const struct submission submission = {.name = "g/n",
                                          .group = "g",
                                          .config = "{}",
                                          .variant = "[]",
                                          .priority = -5,
                                          .need = {BACKEND_CUDA, 6, "big", ""},
                                          .epochs = 7,
                                          .max_attempts = 2};
    struct error error = {0};
    int64_t id;
    assert_true(record_key(store, "a key", &submitter, 8, &error));
    assert_true(record_experiment(store, "a key", &submission, 9, &id, &error));
    text_is(store,
            "SELECT format('%s %s %s %d', person, host, version, submitted_ms)"
            " FROM submission",
            "ann node 1.2 8");
    text_is(store,
            "SELECT format('%s %s %s %s %d %s %d %s %d %d %d %s', name, \"group\", config, variant,"
            " priority, backend, memory_bytes, labels, epochs, max_attempts, submitted_ms, state)"
            " FROM experiment",
            "g/n g {} [] -5 cuda 6 big 7 2 9 queued");
    store_close(store);
}

static void end(struct store *store, struct job *job, enum lease_state to, const char *outcome,
                const char *why) {
    struct error error = {0};
    job->lease.state = to;
    if (!record_end(store, job, outcome, why, 50, &error))
        fail_msg("%s", error.message);
}

static void an_error_stays_until_an_attempt_is_done_and_outcomes_for_good(void **state) {
    (void)state;
    static const char experiment[] =
        "SELECT format('%s %d %s %s %s', state, failures, coalesce(worker, '-'),"
        " coalesce(error, '-'), coalesce(finished_ms, '-')) FROM experiment";
    struct store *store = open_store(":memory:");
    struct job job = {.id = 1, .lease = {.worker = "w"}};
    struct error error = {0};
    insert_experiment(store);
    for (job.lease.attempt = 1; job.lease.attempt <= 3; job.lease.attempt++) {
        job.lease.state = LEASE_RUNNING;
        assert_true(record_grant(store, &job, 10, &error));
        job.lease.failures = 1;
        if (job.lease.attempt == 1)
            end(store, &job, LEASE_QUEUED, "failed", "it broke");
        else if (job.lease.attempt == 2)
            end(store, &job, LEASE_QUEUED, "given_back", NULL);
        else
            end(store, &job, LEASE_DONE, "done", NULL);
        text_is(store, experiment,
                job.lease.attempt < 3 ? "queued 1 - it broke -" : "done 1 w - 50");
    }
    assert_true(record_retry(store, 1, &error));
    text_is(store, experiment, "queued 0 - - -");
    job.lease.attempt = 3;
    end(store, &job, LEASE_CANCELLED, "cancelled", NULL); /* in the queue */
    text_is(store, "SELECT group_concat(outcome) FROM attempt", "failed,given_back,done");
    store_close(store);
}

/* The whole log in one text. */
static void log_is(struct store *store, const char *expected) {
    text_is(store,
            "SELECT coalesce(group_concat(text, ''), '') FROM"
            " (SELECT CAST(text AS TEXT) AS text FROM log ORDER BY offset)",
            expected);
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

/* A page ends within the 256 KiB between two characters, here of one byte and then of two. */
static void a_long_log_is_told_in_pages_of_whole_characters(void **state) {
    enum { PLAIN = 204801, ACCENTED = 81920 };
    (void)state;
    struct store *store = open_store(":memory:");
    insert_experiment(store);
    char *text = malloc(PLAIN + ACCENTED + 1);
    memset(text, 'a', PLAIN);
    for (size_t i = PLAIN; i < PLAIN + ACCENTED; i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    report(store, 1, "log", body("{\"offset\": 0, \"text\": \"%.*s\"}", PLAIN, text));
    report(store, 1, "log", body("{\"offset\": %d, \"text\": \"%s\"}", PLAIN, text + PLAIN));
    log_from_is(store, 262143, 262143, text + 262143);
    text[262143] = '\0';
    log_from_is(store, 0, 0, text);
    free(text);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_is_stored_once_and_only_a_later_attempt_replaces_it),
        cmocka_unit_test(what_is_undefined_is_null),
        cmocka_unit_test(of_the_best_checkpoint_only_the_newest_stands),
        cmocka_unit_test(of_a_checkpoint_the_latest_attempts_place_stands),
        cmocka_unit_test(a_submission_is_stored_with_whose_it_is_and_what_it_needs),
        cmocka_unit_test(an_error_stays_until_an_attempt_is_done_and_outcomes_for_good),
        cmocka_unit_test(a_log_is_replaced_from_the_offset_on),
        cmocka_unit_test(a_log_that_lacks_a_piece_is_told_up_to_it_and_from_there_on),
        cmocka_unit_test(a_long_log_is_told_in_pages_of_whole_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
