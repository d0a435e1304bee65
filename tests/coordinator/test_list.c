/* `list` over more experiments than a page holds: every filter finds what it should, in order,
 * once. */
#include "tests/coordinator/bench.h"

enum { COUNT = 450 };

/* Ids 1 to COUNT: every third in group h, the others in g; every fifth is cancelled. */
static bool in_h(int id) {
    return id % 3 == 0;
}

static bool is_cancelled(int id) {
    return id % 5 == 0;
}

static void fill(struct bench *bench) {
    cJSON *submission = body("{\"key\": \"a test's key\", \"experiments\": []}");
    cJSON *cancel = body("{\"ids\": []}");
    for (int id = 1; id <= COUNT; id++) {
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(submission, "experiments"),
                             body_experiment("e", in_h(id) ? "h" : "g", 3, 1));
        if (is_cancelled(id))
            cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(cancel, "ids"),
                                 cJSON_CreateNumber(id));
    }
    ask(bench, "submit", submission, "submitted");
    ask(bench, "cancel", cancel, "changed");
}

static void a_long_list_comes_in_pages_of_a_hundred(void **state) {
    struct bench *bench = *state;
    bool seen[COUNT + 1];
    fill(bench);
    const cJSON *answer = ask(bench, "list", body("{}"), "experiments");
    assert_int_equal(cJSON_GetArraySize(json_member(answer, "experiments")), 100);
    assert_int_equal(number_of(answer, "next"), 100);
    assert_int_equal(page_through(bench, "list", "", seen, COUNT), 5);
    for (int id = 1; id <= COUNT; id++)
        assert_true(seen[id]);
}

static void every_filter_finds_what_meets_it(void **state) {
    struct bench *bench = *state;
    static const char *const ids = "\"ids\": [449, 3, 15, 450, 16],";
    bool seen[COUNT + 1];
    fill(bench);
    for (int filter = 0; filter < 8; filter++) {
        bool by_ids = filter & 1, by_group = filter & 2, by_state = filter & 4;
        char selection[128];
        snprintf(selection, sizeof selection, "%s%s%s", by_ids ? ids : "",
                 by_group ? "\"group\": \"h\"," : "", by_state ? "\"state\": \"cancelled\"," : "");
        page_through(bench, "list", selection, seen, COUNT);
        for (int id = 1; id <= COUNT; id++) {
            bool named = id == 449 || id == 3 || id == 15 || id == 450 || id == 16;
            bool expected =
                (!by_ids || named) && (!by_group || in_h(id)) && (!by_state || is_cancelled(id));
            assert_int_equal(seen[id], expected);
        }
    }
}

static void what_meets_no_filter_is_an_empty_page(void **state) {
    struct bench *bench = *state;
    fill(bench);
    const cJSON *answer =
        ask(bench, "list", body("{\"group\": \"h\", \"state\": \"failed\"}"), "experiments");
    assert_int_equal(cJSON_GetArraySize(json_member(answer, "experiments")), 0);
    assert_true(cJSON_IsNull(json_member(answer, "next")));
}

/* But a page behind the last of a group is empty. */
static void a_group_that_is_not_there_is_shown_to_nobody(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 3, 1);
    const cJSON *answer = ask(bench, "list", body("{\"group\": \"none\"}"), "experiments");
    assert_int_equal(cJSON_GetArraySize(json_member(answer, "experiments")), 0);
    const char *group = text_of(show(bench, 1), "group");
    cJSON *rest = body("{\"group\": \"%s\", \"after\": 2}", group);
    answer = ask(bench, "show", rest, "details");
    assert_int_equal(cJSON_GetArraySize(json_member(answer, "experiments")), 0);
    answer = ask(bench, "show", body("{\"group\": \"none\"}"), "error");
    assert_string_equal(text_of(answer, "code"), "not_found");
    assert_non_null(strstr(text_of(answer, "message"), "there is no group \"none\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(a_long_list_comes_in_pages_of_a_hundred),
        ON_BENCH(every_filter_finds_what_meets_it),
        ON_BENCH(what_meets_no_filter_is_an_empty_page),
        ON_BENCH(a_group_that_is_not_there_is_shown_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
