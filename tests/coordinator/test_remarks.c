/* Tags and notes, as requests on a clock of the test's own. */
#include "core/remark.h"
#include "tests/coordinator/bench.h"

/* "a,b" of the tags that `question` (list or show) tells of an experiment. */
static void tags_are(struct bench *bench, long long id, const char *expected) {
    static const char *const questions[][2] = {{"list", "experiments"}, {"show", "details"}};
    for (size_t i = 0; i < 2; i++) {
        char text[4096] = "";
        const cJSON *answer =
            ask(bench, questions[i][0], body("{\"ids\": [%lld]}", id), questions[i][1]);
        const cJSON *tag;
        cJSON_ArrayForEach(tag, json_member(json_member(answer, "experiments")->child, "tags")) {
            strcat(text, text[0] != '\0' ? "," : "");
            strcat(text, tag->valuestring);
        }
        assert_string_equal(text, expected);
    }
}

/* Asks `request` and compares the ids that have changed with "1,2". */
static void changes(struct bench *bench, const char *request, cJSON *of_request,
                    const char *expected) {
    char text[256] = "", one[32];
    const cJSON *answer = ask(bench, request, of_request, "changed"), *id;
    cJSON_ArrayForEach(id, json_member(answer, "ids")) {
        snprintf(one, sizeof one, "%s%.0f", text[0] != '\0' ? "," : "", id->valuedouble);
        strcat(text, one);
    }
    assert_string_equal(text, expected);
}

static void is_refused(struct bench *bench, const char *request, cJSON *of_request,
                       const char *code, const char *says) {
    const cJSON *error = ask(bench, request, of_request, "error");
    assert_string_equal(text_of(error, "code"), code);
    if (strstr(text_of(error, "message"), says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text_of(error, "message"), says);
}

/* --- tags --- */

static void tags_are_put_on_and_taken_off_and_shown_in_order(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    changes(bench, "tag", body("{\"ids\": [1, 2], \"add\": [\"todo\", \"keep\"]}"), "1,2");
    changes(bench, "tag", body("{\"ids\": [1], \"add\": [\"B\"], \"remove\": [\"todo\"]}"), "1");
    tags_are(bench, 1, "B,keep");
    tags_are(bench, 2, "keep,todo");
}

static void what_has_the_tags_already_is_not_changed(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    changes(bench, "tag", body("{\"ids\": [1], \"add\": [\"a\", \"a\"]}"), "1");
    changes(bench, "tag", body("{\"ids\": [1, 2], \"add\": [\"a\"]}"), "2");
    changes(bench, "tag", body("{\"ids\": [1, 2], \"remove\": [\"b\"]}"), "");
    changes(bench, "tag", body("{\"ids\": [1, 2], \"remove\": [\"a\"], \"add\": [\"a\"]}"), "");
    changes(bench, "tag", body("{\"ids\": [1, 2]}"), "");
    tags_are(bench, 1, "a");
}

static void a_tag_that_is_none_changes_nobody(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    is_refused(bench, "tag", body("{\"ids\": [1], \"add\": [\"good\", \"a b\"]}"), "invalid",
               "\"a b\" is no tag");
    is_refused(bench, "tag", body("{\"ids\": [1, 9], \"add\": [\"good\"]}"), "not_found",
               "no experiment 9");
    tags_are(bench, 1, "");
}

/* {"ids": [1], "add": ["t0", ...]} */
static cJSON *tagging(const char *ids, int first, int count) {
    cJSON *tag = body("{\"ids\": %s, \"add\": []}", ids);
    for (int i = first; i < first + count; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%02d", i);
        cJSON_AddItemToArray(cJSON_GetObjectItem(tag, "add"), cJSON_CreateString(name));
    }
    return tag;
}

static void an_experiment_has_at_most_32_tags(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    changes(bench, "tag", tagging("[1]", 0, TAGS_MAX), "1");
    is_refused(bench, "tag", tagging("[2, 1]", 1, TAGS_MAX), "invalid",
               "experiment 1 would have more than 32 tags");
    tags_are(bench, 2, "");
    changes(bench, "tag", tagging("[1]", 1, TAGS_MAX - 1), ""); /* it has these */
    cJSON *exchange = tagging("[1]", TAGS_MAX, 1);
    cJSON_AddItemToObject(exchange, "remove", body("[\"t00\"]"));
    changes(bench, "tag", exchange, "1");
}

/* --- notes --- */

static cJSON *noting(const char *ids, const char *key, const char *text) {
    return body("{\"ids\": %s, \"key\": \"key %s of a test\", \"text\": \"%s\","
                " \"person\": \"ann@here\"}",
                ids, key, text);
}

static long long number_at(struct bench *bench, cJSON *of_note, int index) {
    const cJSON *answer = ask(bench, "note", of_note, "noted");
    return number_of(cJSON_GetArrayItem(json_member(answer, "notes"), index), "number");
}

/* "1 one;3 three" */
static void notes_are(struct bench *bench, long long id, const char *expected) {
    char text[4096] = "", one[256];
    const cJSON *details = show(bench, id), *note;
    cJSON_ArrayForEach(note, json_member(details, "notes")) {
        snprintf(one, sizeof one, "%s%lld %s", text[0] != '\0' ? ";" : "",
                 number_of(note, "number"), text_of(note, "text"));
        strcat(text, one);
    }
    assert_string_equal(text, expected);
}

static void notes_are_numbered_and_say_who_wrote_them_when(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    assert_int_equal(number_at(bench, noting("[1]", "a", "one"), 0), 1);
    wait_ms(bench, 7);
    assert_int_equal(number_at(bench, noting("[2, 1]", "b", "two\\nlines"), 1), 2);
    assert_int_equal(number_at(bench, noting("[2, 1]", "b", "two\\nlines"), 0), 1);
    notes_are(bench, 1, "1 one;2 two\nlines");
    notes_are(bench, 2, "1 two\nlines");
    const cJSON *note = json_member(show(bench, 2), "notes")->child;
    assert_string_equal(text_of(note, "person"), "ann@here");
    assert_int_equal(number_of(note, "at_ms"), 1700000000007);
}

static void a_note_that_is_sent_twice_is_one_note(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    assert_int_equal(number_at(bench, noting("[1]", "a", "one"), 0), 1);
    assert_int_equal(number_at(bench, noting("[1]", "b", "two"), 0), 2);
    assert_int_equal(number_at(bench, noting("[1, 1]", "a", "one"), 1), 1);
    notes_are(bench, 1, "1 one;2 two");
}

static void the_number_of_an_erased_note_is_not_given_again(void **state) {
    struct bench *bench = *state;
    submit(bench, 2, 2, 3);
    number_at(bench, noting("[1, 2]", "a", "one"), 0);
    number_at(bench, noting("[1, 2]", "b", "two"), 0);
    changes(bench, "erase", body("{\"id\": 1, \"number\": 2}"), "1");
    changes(bench, "erase", body("{\"id\": 1, \"number\": 2}"), "");
    assert_int_equal(number_at(bench, noting("[1]", "c", "three"), 0), 3);
    number_at(bench, noting("[1]", "b", "two"), 0); /* came late: it was erased */
    notes_are(bench, 1, "1 one;3 three");
    notes_are(bench, 2, "1 one;2 two");
    is_refused(bench, "erase", body("{\"id\": 1, \"number\": 4}"), "not_found", "no note 4");
    is_refused(bench, "erase", body("{\"id\": 9, \"number\": 1}"), "not_found", "no note 1");
}

static void a_note_that_is_none_is_written_nowhere(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    is_refused(bench, "note", noting("[1]", "a", " "), "invalid", "empty");
    is_refused(bench, "note", noting("[1]", "a", "\\u001b[31m"), "invalid", "control character");
    is_refused(bench, "note", noting("[1, 9]", "a", "one"), "not_found", "no experiment 9");
    notes_are(bench, 1, "");
}

static void an_experiment_has_at_most_256_notes(void **state) {
    struct bench *bench = *state;
    char key[16];
    submit(bench, 2, 2, 3);
    number_at(bench, noting("[2]", "more", "of another"), 0);
    for (int i = 1; i <= NOTES_MAX; i++) {
        snprintf(key, sizeof key, "%d", i);
        assert_int_equal(number_at(bench, noting("[1]", key, "x"), 0), i);
    }
    is_refused(bench, "note", noting("[1]", "more", "x"), "invalid", "has 256 notes");
    assert_int_equal(number_at(bench, noting("[1]", key, "x"), 0), NOTES_MAX); /* again */
    changes(bench, "erase", body("{\"id\": 1, \"number\": 9}"), "1");
    assert_int_equal(number_at(bench, noting("[1]", "more", "x"), 0), NOTES_MAX + 1);
}

/* --- submissions and watchers --- */

static cJSON *submission(const char *tags, const char *note) {
    cJSON *submit = body_submit("a test's key", 2, 2, 3);
    cJSON_AddItemToObject(submit, "tags", body("%s", tags));
    cJSON_AddStringToObject(submit, "note", note);
    cJSON_AddStringToObject(submit, "person", "ann@here");
    return submit;
}

static void a_submission_puts_its_tags_and_its_note_on_all_of_its_experiments_once(void **state) {
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++)
        ask(bench, "submit", submission("[\"b\", \"a\"]", "for the paper"), "submitted");
    for (int id = 1; id <= 2; id++) {
        tags_are(bench, id, "a,b");
        notes_are(bench, id, "1 for the paper");
        assert_string_equal(text_of(json_member(show(bench, id), "notes")->child, "person"),
                            "ann@here");
    }
    assert_int_equal(number_at(bench, noting("[2]", "a", "more"), 0), 2);
}

static void a_submission_with_a_tag_that_is_none_queues_nothing(void **state) {
    struct bench *bench = *state;
    is_refused(bench, "submit", submission("[\"a b\"]", "x"), "invalid", "is no tag");
    is_refused(bench, "submit", submission("[]", "\t"), "invalid", "note");
    const cJSON *list = ask(bench, "list", body("{}"), "experiments");
    assert_null(json_member(list, "experiments")->child);
}

static long long revision(struct bench *bench) {
    return number_of(ask(bench, "changes", body("{\"since\": 0}"), "change"), "revision");
}

static void who_waits_for_changes_hears_of_tags_and_notes(void **state) {
    struct bench *bench = *state;
    submit(bench, 1, 2, 3);
    long long before = revision(bench);
    ask(bench, "tag", body("{\"ids\": [1], \"add\": [\"a\"]}"), "changed");
    assert_int_equal(revision(bench), before + 1);
    ask(bench, "tag", body("{\"ids\": [1], \"add\": [\"a\"]}"), "changed");
    assert_int_equal(revision(bench), before + 1); /* nothing new */
    ask(bench, "note", noting("[1]", "a", "one"), "noted");
    ask(bench, "erase", body("{\"id\": 1, \"number\": 1}"), "changed");
    assert_int_equal(revision(bench), before + 3);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set, bench_strike)
    const struct CMUnitTest tests[] = {
        TEST(tags_are_put_on_and_taken_off_and_shown_in_order),
        TEST(what_has_the_tags_already_is_not_changed),
        TEST(a_tag_that_is_none_changes_nobody),
        TEST(an_experiment_has_at_most_32_tags),
        TEST(notes_are_numbered_and_say_who_wrote_them_when),
        TEST(a_note_that_is_sent_twice_is_one_note),
        TEST(the_number_of_an_erased_note_is_not_given_again),
        TEST(a_note_that_is_none_is_written_nowhere),
        TEST(an_experiment_has_at_most_256_notes),
        TEST(a_submission_puts_its_tags_and_its_note_on_all_of_its_experiments_once),
        TEST(a_submission_with_a_tag_that_is_none_queues_nothing),
        TEST(who_waits_for_changes_hears_of_tags_and_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
