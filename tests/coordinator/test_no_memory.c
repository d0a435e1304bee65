/* Memory that SQLite does not get, at each allocation in turn of a batch. */
#include "tests/coordinator/bench.h"
#include "tests/failing_sqlite.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {ON_BENCH(an_answer_is_all_that_it_would_be_or_an_error)};
    failing_sqlite_open();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
