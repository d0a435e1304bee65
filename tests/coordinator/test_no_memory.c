/* Memory that is refused at each allocation in turn: SQLite's in a batch, ours in a backup. */
#include "coordinator/backup.h"
#include "coordinator/listings.h"
#include "coordinator/views.h"
#include "core/shortage.h"
#include "tests/coordinator/bench.h"
#include "tests/failing_sqlite.h"
#include "tests/refusing.h"
#include "tests/temporary.h"

/* The text of the answer in a batch of its own; NULL when there is none but an error. */
static char *try_to_ask(struct bench *bench, const char *name, cJSON *of_name) {
    struct error error = {0};
    bool begun = coordinator_begin(&bench->coordinator, bench->now);
    if (!begun) {
        cJSON_Delete(of_name);
        return NULL;
    }
    answer(bench, name, of_name);
    bool kept = coordinator_commit(&bench->coordinator, &error);
    return kept && strcmp(bench->answer.name, "error") != 0 ? json_text(bench->answer.body) : NULL;
}

static void an_answer_is_all_that_it_would_be_or_an_error(void **state) {
    struct bench *bench = *state;
    static const char *const questions[][2] = {{"show", "{\"ids\": [1, 2]}"}, {"list", "{}"}};
    submit(bench, 2, 3, 3);
    hello(bench, "w");
    assert_int_equal(take(bench, "w"), 1);
    assert_false(fenced(bench, "w", 1, 1, "epoch", body_epoch(1, 0.5)));
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        char *wanted = try_to_ask(bench, questions[i][0], body("%s", questions[i][1]));
        assert_non_null(wanted);
        FAIL_EACH(FAIL_MEMORY, SQLITE_NOMEM, false) {
            char *got = try_to_ask(bench, questions[i][0], body("%s", questions[i][1]));
            if (got != NULL)
                assert_string_equal(got, wanted);
            free(got);
        }
        free(wanted);
    }
}

/* Experiments, or words that say why there are none. */
static void look(struct bench *bench, const struct view_filter *filter, bool details) {
    REFUSE_EACH(n) {
        struct error error = {0};
        cJSON *experiments = NULL;
        int64_t next;
        bool good = view_experiments(bench->store, filter, details, &experiments, &next, &error);
        refuse_no_more();
        shortage_forgive(0);
        assert_true(good ? experiments != NULL : error.message[0] != '\0');
        cJSON_Delete(experiments);
    }
}

static void experiments_are_looked_for_with_any_memory(void **state) {
    struct bench *bench = *state;
    const struct view_filter nobody = {.group = "nobody"}, all = {0};
    look(bench, &nobody, true);
    submit(bench, 2, 3, 3);
    hello(bench, "w");
    assert_int_equal(take(bench, "w"), 1);
    assert_false(fenced(bench, "w", 1, 1, "epoch", body_epoch(1, 0.5)));
    assert_false(
        fenced(bench, "w", 1, 1, "checkpoint",
               body("{\"kind\": \"last\", \"epoch\": 1, \"path\": \"/p\", \"host\": \"h\"}")));
    look(bench, &all, false);
    look(bench, &all, true);
}

#define SUM "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"

/* A data set that an experiment names. */
static void push_named(struct bench *bench) {
    struct error error = {0};
    cJSON *submit = body_submit("a test's key", 1, 3, 3);
    cJSON *config =
        cJSON_GetObjectItem(cJSON_GetObjectItem(submit, "experiments")->child, "config");
    cJSON_AddItemToObject(cJSON_GetObjectItem(config, "data"), "fingerprint",
                          body("{\"classes\": [{\"name\": \"fake\", \"pictures\": 1, \"bytes\": 1,"
                               " \"sha256\": \"" SUM "\"}]}"));
    ask(bench, "submit", submit, "submitted");
    begin(bench);
    assert_true(listing_put(bench->store, SUM, "faces", 1, &error));
    assert_true(listing_add(bench->store, SUM, SUM, 1, &error));
    commit(bench);
}

static void data_sets_are_listed_as_they_are_or_not_at_all(void **state) {
    struct bench *bench = *state;
    struct error error = {0};
    cJSON *listings = NULL;
    push_named(bench);
    assert_true(listing_all(bench->store, &listings, &error));
    assert_int_equal(number_of(listings->child, "experiments"), 1);
    char *wanted = json_text(listings);
    cJSON_Delete(listings);
    REFUSE_EACH(n) {
        bool good = listing_all(bench->store, &listings, &error);
        refuse_no_more();
        char *got = good ? json_text(listings) : NULL; /* none of a tree with a gap */
        if (got != NULL)
            assert_string_equal(got, wanted);
        free(got);
        shortage_forgive(0);
        if (good)
            cJSON_Delete(listings);
    }
    free(wanted);
}

static void a_backup_that_there_is_no_memory_for_leaves_no_half(void **state) {
    char *db = temporary_path(state, "runs.db"), *out = temporary_path(state, "out.db"),
         *partial = temporary_path(state, "out.db.partial");
    struct store *store = NULL;
    assert_true(store_open(db, &store, NULL));
    store_close(store);
    REFUSE_EACH(n) {
        struct error error = {0};
        int64_t bytes;
        bool made = backup_make(db, out, &bytes, &error);
        refuse_no_more();
        assert_true(unlink(out) == 0 || !made);
        assert_int_not_equal(access(partial, F_OK), 0);
    }
    free(partial);
    free(out);
    free(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(an_answer_is_all_that_it_would_be_or_an_error),
        ON_BENCH(experiments_are_looked_for_with_any_memory),
        ON_BENCH(data_sets_are_listed_as_they_are_or_not_at_all),
        IN_FOLDER(a_backup_that_there_is_no_memory_for_leaves_no_half),
    };
    failing_sqlite_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
