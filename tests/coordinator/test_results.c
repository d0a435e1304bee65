/* What evaluations say, from the report to the answers that people get. */
#include "coordinator/query.h"
#include "tests/coordinator/bench.h"

static void work(struct bench *bench) {
    submit(bench, 1, 2, 9);
    hello(bench, "a");
    take(bench, "a");
}

/* The experiment goes back into the queue and to the worker again: another attempt. */
static void next_attempt(struct bench *bench, int attempt) {
    fenced(bench, "a", 1, attempt, "end", body("{\"outcome\": \"given_back\"}"));
    take(bench, "a");
}

/* --- evaluations --- */

#define COUNTS                                                                                     \
    "\"true_positive\": %d, \"true_negative\": 3, \"false_positive\": 1, \"false_negative\": 0,"   \
    " \"accuracy\": %.17g, \"precision\": %.17g, \"recall\": 1"

/* `real` pictures, all of them right, and 4 fakes of two classes, one of them wrong. */
static cJSON *evaluation(int real) {
    double accuracy = (real + 3) / (real + 4.0), precision = real / (real + 1.0);
    return body("{\"checkpoint\": \"best\", \"split\": \"test\", \"epoch\": 2, " COUNTS
                ", \"loss\": 0.25, \"roc_auc\": 0.75, \"average_precision\": 0.875,"
                " \"equal_error_rate\": 0.125, \"threshold\": 0.375, \"at_threshold\": {" COUNTS
                "}, \"classes\": ["
                "{\"name\": \"smooth\", \"label\": 0, \"pictures\": 4, \"correct\": 3,"
                " \"accuracy\": 0.75, \"correct_at_threshold\": 4},"
                "{\"name\": \"none of it\", \"label\": 0, \"pictures\": 0, \"correct\": 0,"
                " \"accuracy\": null, \"correct_at_threshold\": 0},"
                "{\"name\": \"real\", \"label\": 1, \"pictures\": %d, \"correct\": %d,"
                " \"accuracy\": 1, \"correct_at_threshold\": %d}]}",
                real, accuracy, precision, real, accuracy, precision, real, real, real);
}

static void is_shown(struct bench *bench, const cJSON *expected) {
    const cJSON *shown = json_member(show(bench, 1), "evaluations");
    assert_int_equal(cJSON_GetArraySize(shown), 1);
    char *text = json_text(shown->child), *wanted = json_text(expected);
    if (!cJSON_Compare(shown->child, expected, true))
        fail_msg("shown is %s, not %s", text, wanted);
    free(text);
    free(wanted);
}

static void an_evaluation_comes_back_as_it_was_reported(void **state) {
    struct bench *bench = *state;
    work(bench);
    cJSON *first = evaluation(5);
    fenced(bench, "a", 1, 1, "evaluation", cJSON_Duplicate(first, true));
    is_shown(bench, first);
    fenced(bench, "a", 1, 1, "evaluation", evaluation(7)); /* it is the same report again */
    is_shown(bench, first);
    cJSON_Delete(first);
}

static void the_accuracy_of_a_class_has_all_its_digits(void **state) {
    struct bench *bench = *state;
    work(bench);
    cJSON *one = evaluation(6);
    cJSON *class = cJSON_GetArrayItem(cJSON_GetObjectItem(one, "classes"), 2);
    cJSON_ReplaceItemInObject(class, "correct", cJSON_CreateNumber(5));
    fenced(bench, "a", 1, 1, "evaluation", one);
    const cJSON *shown = json_member(show(bench, 1), "evaluations");
    const cJSON *classes = json_member(shown->child, "classes");
    /* python3 -c 'print("%.17g" % (5 / 6))' */
    assert_true(json_member(cJSON_GetArrayItem(classes, 2), "accuracy")->valuedouble ==
                0.83333333333333337);
    assert_true(cJSON_IsNull(json_member(cJSON_GetArrayItem(classes, 1), "accuracy")));
}

static void a_later_attempts_evaluation_replaces_it_and_its_classes(void **state) {
    struct bench *bench = *state;
    work(bench);
    fenced(bench, "a", 1, 1, "evaluation", evaluation(5));
    next_attempt(bench, 1);
    cJSON *second = evaluation(7);
    cJSON_DeleteItemFromArray(cJSON_GetObjectItemCaseSensitive(second, "classes"), 1);
    fenced(bench, "a", 1, 2, "evaluation", cJSON_Duplicate(second, true));
    is_shown(bench, second);
    cJSON_Delete(second);
}

static void each_checkpoints_evaluation_on_each_split_has_its_own_counts_and_classes(void **state) {
    struct bench *bench = *state;
    static const struct {
        const char *checkpoint, *split;
        int real, shown; /* as which of them, best and valid first */
    } cases[] = {{"last", "test", 5, 3},
                 {"best", "test", 6, 1},
                 {"last", "valid", 7, 2},
                 {"best", "valid", 8, 0}};
    work(bench);
    for (size_t i = 0; i < 4; i++) {
        cJSON *one = evaluation(cases[i].real);
        cJSON_ReplaceItemInObject(one, "checkpoint", cJSON_CreateString(cases[i].checkpoint));
        cJSON_ReplaceItemInObject(one, "split", cJSON_CreateString(cases[i].split));
        fenced(bench, "a", 1, 1, "evaluation", one);
    }
    const cJSON *shown = json_member(show(bench, 1), "evaluations");
    assert_int_equal(cJSON_GetArraySize(shown), 4);
    for (size_t i = 0; i < 4; i++) {
        cJSON *one = cJSON_GetArrayItem(shown, cases[i].shown);
        const cJSON *classes = json_member(one, "classes");
        assert_string_equal(text_of(one, "checkpoint"), cases[i].checkpoint);
        assert_string_equal(text_of(one, "split"), cases[i].split);
        assert_int_equal(number_of(one, "true_positive"), cases[i].real);
        assert_int_equal(cJSON_GetArraySize(classes), 3);
        assert_int_equal(number_of(cJSON_GetArrayItem(classes, 2), "pictures"), cases[i].real);
    }
}

/* The number of a class is its place in data.classes, for who reads the database. */
static void
a_class_is_stored_under_its_place_and_without_a_threshold_it_has_no_count_there(void **state) {
    struct bench *bench = *state;
    struct query query;
    struct error error = {0};
    work(bench);
    cJSON *one = evaluation(5), *class;
    cJSON_ArrayForEach(class, cJSON_GetObjectItem(one, "classes")) {
        cJSON_ReplaceItemInObject(class, "correct_at_threshold", cJSON_CreateNull());
    }
    fenced(bench, "a", 1, 1, "evaluation", cJSON_Duplicate(one, true));
    is_shown(bench, one);
    cJSON_Delete(one);
    query_open(&query, bench->store,
               "SELECT group_concat(class || ' ' || name, ', ') FROM"
               " (SELECT * FROM class_result ORDER BY class)");
    assert_true(query_next(&query));
    assert_string_equal(query_text(&query), "0 smooth, 1 none of it, 2 real");
    assert_true(query_close(&query, &error));
}

/* Of a worker from before there were such results, or on pictures of one label. */
static void what_an_evaluation_does_not_say_is_null(void **state) {
    struct bench *bench = *state;
    work(bench);
    cJSON *counts = body("{\"checkpoint\": \"last\", \"split\": \"valid\", \"epoch\": 2, " COUNTS
                         ", \"loss\": 0.25}",
                         2, 5 / 6.0, 2 / 3.0);
    fenced(bench, "a", 1, 1, "evaluation", cJSON_Duplicate(counts, true));
    static const char *const nulls[] = {"roc_auc", "average_precision", "equal_error_rate",
                                        "threshold", "at_threshold"};
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        cJSON_AddNullToObject(counts, nulls[i]);
    cJSON_AddArrayToObject(counts, "classes");
    is_shown(bench, counts);
    cJSON_Delete(counts);
}

/* --- scores --- */

static double probability(long long position) {
    return (double)(position * 7 % 100) / 128;
}

/* The score of each picture from `position` on, of two classes in turn. */
static cJSON *scores(long long position, int count, const char *name) {
    cJSON *of_kind = body("{\"checkpoint\": \"best\", \"split\": \"test\", \"position\": %lld,"
                          " \"pictures\": []}",
                          position);
    for (int i = 0; i < count; i++, position++)
        cJSON_AddItemToArray(
            cJSON_GetObjectItemCaseSensitive(of_kind, "pictures"),
            body("{\"path\": \"%s/%lld.png\", \"class\": %lld, \"probability\": %.17g}", name,
                 position, position % 2, probability(position)));
    return of_kind;
}

static const cJSON *asked(struct bench *bench, long long position) {
    return ask(bench, "scores",
               body("{\"id\": 1, \"checkpoint\": \"best\", \"split\": \"test\","
                    " \"position\": %lld}",
                    position),
               "score_list");
}

/* The answer has these pictures and no others. */
static void has_pictures(const cJSON *list, long long position, long long end, const char *name) {
    const cJSON *picture;
    assert_int_equal(number_of(list, "position"), position);
    cJSON_ArrayForEach(picture, json_member(list, "pictures")) {
        char path[4100];
        snprintf(path, sizeof path, "%s/%lld.png", name, position);
        assert_string_equal(text_of(picture, "path"), path);
        assert_int_equal(number_of(picture, "class"), position % 2);
        assert_true(json_member(picture, "probability")->valuedouble >= probability(position) &&
                    json_member(picture, "probability")->valuedouble <= probability(position));
        position++;
    }
    assert_int_equal(position, end);
}

/* The evaluation that belongs to the scores of so many pictures, from a worker that names no
 * classes. */
static void evaluated(struct bench *bench, int attempt, int pictures) {
    cJSON *of_all = evaluation(pictures - 4);
    cJSON_DeleteItemFromObject(of_all, "classes");
    fenced(bench, "a", 1, attempt, "evaluation", of_all);
}

static void scores_come_in_pieces_and_go_in_pages(void **state) {
    struct bench *bench = *state;
    enum { PICTURES = 20500, PIECE = 1000, PAGE = 10000 };
    work(bench);
    for (int i = 0; i < PICTURES; i += PIECE) {
        int count = PICTURES - i < PIECE ? PICTURES - i : PIECE;
        assert_false(fenced(bench, "a", 1, 1, "scores", scores(i, count, "real")));
    }
    evaluated(bench, 1, PICTURES);
    assert_int_equal(number_of(asked(bench, 0), "next"), PAGE);
    has_pictures(bench->answer.body, 0, PAGE, "real");
    assert_int_equal(number_of(asked(bench, PAGE), "next"), 2 * PAGE);
    assert_string_equal(text_of(asked(bench, 2 * PAGE), "next"), "null");
    has_pictures(bench->answer.body, 2 * PAGE, PICTURES, "real");
    const cJSON *classes = json_member(bench->answer.body, "classes");
    assert_int_equal(cJSON_GetArraySize(classes), 2);
    assert_string_equal(text_of(classes->child->next, "name"), "real");
    assert_int_equal(number_of(classes->child->next, "label"), 1);
}

static void the_classes_of_scores_are_those_that_the_evaluation_names_if_any(void **state) {
    struct bench *bench = *state;
    work(bench);
    ask(bench, "submit", body_submit("another key", 1, 2, 1), "submitted");
    const cJSON *classes = json_member(asked(bench, 0), "classes");
    assert_int_equal(cJSON_GetArraySize(classes), 2);
    assert_string_equal(text_of(classes->child, "name"), "fake");
    fenced(bench, "a", 1, 1, "evaluation", evaluation(5));
    classes = json_member(asked(bench, 0), "classes");
    assert_int_equal(cJSON_GetArraySize(classes), 3);
    assert_string_equal(text_of(classes->child, "name"), "smooth");
    assert_string_equal(text_of(classes->child->next->next, "name"), "real");
    assert_int_equal(number_of(classes->child->next->next, "label"), 1);
}

static void a_piece_that_comes_again_changes_nothing(void **state) {
    struct bench *bench = *state;
    work(bench);
    fenced(bench, "a", 1, 1, "scores", scores(0, 3, "one"));
    fenced(bench, "a", 1, 1, "scores", scores(3, 3, "one"));
    fenced(bench, "a", 1, 1, "scores", scores(0, 3, "two"));
    evaluated(bench, 1, 6);
    has_pictures(asked(bench, 0), 0, 6, "one");
}

static void a_later_attempts_scores_replace_them_all(void **state) {
    struct bench *bench = *state;
    work(bench);
    fenced(bench, "a", 1, 1, "scores", scores(0, 7, "one"));
    evaluated(bench, 1, 7);
    next_attempt(bench, 1);
    fenced(bench, "a", 1, 2, "scores", scores(0, 5, "two"));
    evaluated(bench, 2, 5);
    has_pictures(asked(bench, 0), 0, 5, "two");
    fenced(bench, "a", 1, 1, "scores", scores(5, 2, "one")); /* of an attempt that is over */
    has_pictures(asked(bench, 0), 0, 5, "two");
}

/* Whoever counts those of an evaluation that was interrupted would take them for all. */
static void scores_are_shown_when_all_of_an_evaluation_are_there(void **state) {
    struct bench *bench = *state;
    work(bench);
    fenced(bench, "a", 1, 1, "scores", scores(0, 3, "one"));
    has_pictures(asked(bench, 0), 0, 0, "none");
    fenced(bench, "a", 1, 1, "scores", scores(3, 3, "one"));
    has_pictures(asked(bench, 0), 0, 0, "none");
    evaluated(bench, 1, 6);
    has_pictures(asked(bench, 0), 0, 6, "one");
    next_attempt(bench, 1);
    fenced(bench, "a", 1, 2, "scores", scores(0, 3, "two"));
    has_pictures(asked(bench, 0), 0, 0, "none");
    fenced(bench, "a", 1, 2, "scores", scores(3, 3, "two"));
    has_pictures(asked(bench, 0), 0, 6, "two");
}

static void scores_that_were_not_reported_are_an_empty_list(void **state) {
    struct bench *bench = *state;
    work(bench);
    has_pictures(asked(bench, 0), 0, 0, "none");
    ask(bench, "scores",
        body("{\"id\": 7, \"checkpoint\": \"best\", \"split\": \"test\", \"position\": 0}"),
        "error");
    assert_string_equal(text_of(bench->answer.body, "code"), "not_found");
}

/* Every byte of such a path is six on the wire. */
static void a_page_of_long_paths_fits_a_message(void **state) {
    struct bench *bench = *state;
    char name[4001];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    work(bench);
    for (int i = 0; i < 2000; i += 200)
        fenced(bench, "a", 1, 1, "scores", scores(i, 200, name));
    evaluated(bench, 1, 2000);
    long long next = number_of(asked(bench, 0), "next");
    assert_true(next > 100 && next < 2000);
    has_pictures(bench->answer.body, 0, next, name);
    has_pictures(asked(bench, 1900), 1900, 2000, name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_BENCH(an_evaluation_comes_back_as_it_was_reported),
        ON_BENCH(the_accuracy_of_a_class_has_all_its_digits),
        ON_BENCH(a_later_attempts_evaluation_replaces_it_and_its_classes),
        ON_BENCH(each_checkpoints_evaluation_on_each_split_has_its_own_counts_and_classes),
        ON_BENCH(a_class_is_stored_under_its_place_and_without_a_threshold_it_has_no_count_there),
        ON_BENCH(what_an_evaluation_does_not_say_is_null),
        ON_BENCH(scores_come_in_pieces_and_go_in_pages),
        ON_BENCH(the_classes_of_scores_are_those_that_the_evaluation_names_if_any),
        ON_BENCH(a_piece_that_comes_again_changes_nothing),
        ON_BENCH(a_later_attempts_scores_replace_them_all),
        ON_BENCH(scores_are_shown_when_all_of_an_evaluation_are_there),
        ON_BENCH(scores_that_were_not_reported_are_an_empty_list),
        ON_BENCH(a_page_of_long_paths_fits_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
