#include "coordinator/after.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 5000 };

/* A submission in the making; `words` is JSON. */
struct submission {
    struct after_item items[MOST];
    char names[MOST][16];
    cJSON *words[MOST];
    size_t count;
    struct after_plan plan;
    struct error error;
};

static int set_up(void **state) {
    *state = calloc(1, sizeof(struct submission));
    return *state != NULL ? 0 : -1;
}

static int tear_down(void **state) {
    struct submission *submission = *state;
    for (size_t i = 0; i < submission->count; i++)
        cJSON_Delete(submission->words[i]);
    after_plan_free(&submission->plan);
    free(submission);
    return 0;
}

static void add(struct submission *submission, const char *name, const char *group,
                const char *words) {
    size_t i = submission->count++;
    snprintf(submission->names[i], sizeof submission->names[i], "%s", name);
    submission->words[i] = cJSON_Parse(words);
    submission->items[i] = (struct after_item){
        .name = submission->names[i], .group = group, .words = submission->words[i]};
}

static bool plan(struct submission *submission) {
    return after_plan_make(submission->items, submission->count, &submission->plan,
                           &submission->error);
}

static void those_with_one_list_share_it_and_those_without_have_none(void **state) {
    struct submission *submission = *state;
    add(submission, "a", "a", "[]");
    add(submission, "b", "b", "[\"a\"]");
    add(submission, "c", "c", "[\"a\", \"b\"]");
    add(submission, "d", "d", "[\"a\"]");
    assert_true(plan(submission));
    assert_int_equal(submission->plan.list_count, 2);
    assert_true(submission->plan.list_of[0] == AFTER_NOBODY);
    assert_int_equal(submission->plan.list_of[1], submission->plan.list_of[3]);
    assert_int_not_equal(submission->plan.list_of[1], submission->plan.list_of[2]);
    assert_int_equal(submission->plan.elsewhere_count, 0);
}

static void words_that_name_nobody_here_are_told(void **state) {
    struct submission *submission = *state;
    add(submission, "a", "group", "[]");
    add(submission, "b", "b", "[\"group\", \"old\", \"a\", \"older\"]");
    assert_true(plan(submission));
    assert_int_equal(submission->plan.elsewhere_count, 2);
    assert_string_equal(submission->plan.elsewhere[0], "old");
    assert_string_equal(submission->plan.elsewhere[1], "older");
}

static void nobody_waits_for_themselves_by_name_or_group(void **state) {
    struct submission *submission = *state;
    add(submission, "a", "g", "[\"b\"]");
    add(submission, "b", "h", "[\"c\"]");
    add(submission, "c", "h", "[\"g\"]");
    assert_false(plan(submission));
    assert_int_equal(submission->error.code, ERROR_INPUT);
    assert_non_null(strstr(submission->error.message, "would wait for itself"));
}

static void two_who_wait_for_each_other_are_found_from_whoever_waits_for_them(void **state) {
    struct submission *submission = *state;
    add(submission, "last", "x", "[\"a\", \"b\"]");
    add(submission, "a", "x1", "[\"b\"]");
    add(submission, "b", "x2", "[\"a\"]");
    assert_false(plan(submission));
    assert_int_equal(submission->error.code, ERROR_INPUT);
}

static void two_ways_to_one_experiment_are_no_cycle(void **state) {
    struct submission *submission = *state;
    add(submission, "last", "x", "[\"left\", \"right\"]");
    add(submission, "left", "x1", "[\"first\"]");
    add(submission, "right", "x2", "[\"first\"]");
    add(submission, "first", "x3", "[]");
    assert_true(plan(submission));
}

/* A chain as long as lists may be, given from its end: no recursion, and no more lists. */
static void a_long_chain_is_walked_and_a_longer_one_refused(void **state) {
    struct submission *submission = *state;
    char name[16], words[32];
    for (int i = AFTER_LISTS_MAX; i > 0; i--) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(words, sizeof words, "[\"n%d\"]", i - 1);
        add(submission, name, "g", words);
    }
    add(submission, "n0", "g", "[]");
    assert_true(plan(submission));
    assert_int_equal(submission->plan.list_count, AFTER_LISTS_MAX);
    after_plan_free(&submission->plan);
    add(submission, "more", "g", "[\"n7\", \"n8\"]");
    assert_false(plan(submission));
    assert_int_equal(submission->error.code, ERROR_INPUT);
}

/* 500 lists of a group of 2000, and each list of one of them by name too. */
static void as_many_as_may_be_are_named_each_once_and_no_more(void **state) {
    enum { MEMBERS = 2000, LISTS = AFTER_MEMBERS_MAX / MEMBERS };
    struct submission *submission = *state;
    char name[16], words[32];
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(name, sizeof name, "n%d", i);
        add(submission, name, "g", "[]");
    }
    for (int i = 0; i < LISTS; i++) {
        snprintf(name, sizeof name, "w%d", i);
        snprintf(words, sizeof words, "[\"g\", \"n%d\"]", i);
        add(submission, name, "x", words);
    }
    assert_true(plan(submission));
    after_plan_free(&submission->plan);
    add(submission, "more", "x", "[\"n0\"]");
    assert_false(plan(submission));
    assert_int_equal(submission->error.code, ERROR_INPUT);
    assert_non_null(strstr(submission->error.message, "more than 1000000 experiments"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(those_with_one_list_share_it_and_those_without_have_none),
        TEST(words_that_name_nobody_here_are_told),
        TEST(nobody_waits_for_themselves_by_name_or_group),
        TEST(two_who_wait_for_each_other_are_found_from_whoever_waits_for_them),
        TEST(two_ways_to_one_experiment_are_no_cycle),
        TEST(a_long_chain_is_walked_and_a_longer_one_refused),
        TEST(as_many_as_may_be_are_named_each_once_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
