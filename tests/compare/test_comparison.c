/* A comparison of experiments whose scores a test tells. */
#include "compare/comparison.h"

#include "core/field.h"
#include "tests/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { PICTURES = 20, PAGE = 8 };

/* Answers `scores` by pages: experiment 1 is right about all pictures, 2 wrong about the first ten;
 * what `last` says is what `best` says, but of experiment 4, whose `last` alone is wrong about
 * them.
 */
struct told {
    size_t questions;
    bool refuses;
    int unscored; /* the experiment of which nothing was reported */
};

static bool tell(void *context, const char *request, cJSON *body, const char *expected,
                 cJSON **answer, struct error *error) {
    struct told *told = context;
    int id = (int)field_number(body, "id", 0), from = (int)field_number(body, "position", 0);
    assert_string_equal(request, "scores");
    assert_string_equal(expected, "score_list");
    assert_string_equal(field_text(body, "split", ""), "test");
    const bool last = strcmp(field_text(body, "checkpoint", ""), "last") == 0;
    const bool errs = id == 2 || (id == 4 && last);
    cJSON_Delete(body);
    told->questions++;
    if (told->refuses)
        return error_set(error, ERROR_UNREACHABLE, "nobody is there");
    *answer = parsed("{\"classes\": [{\"name\": \"fake\", \"label\": 0}], \"pictures\": []}");
    if (id == told->unscored)
        return true;
    for (int i = from; i < from + PAGE && i < PICTURES; i++) {
        char path[16];
        cJSON *picture = cJSON_CreateObject();
        snprintf(path, sizeof path, "%d.png", i);
        cJSON_AddStringToObject(picture, "path", path);
        cJSON_AddNumberToObject(picture, "class", 0);
        cJSON_AddNumberToObject(picture, "probability", errs && i < 10 ? 0.9 : 0.1);
        cJSON_AddItemToArray(cJSON_GetObjectItem(*answer, "pictures"), picture);
    }
    if (from + PAGE < PICTURES)
        cJSON_AddNumberToObject(*answer, "next", from + PAGE);
    return true;
}

/* The second is better on the validation split; both keep `last`. The third has not been evaluated.
 */
static const char *const three =
    "[{\"id\": 1, \"name\": \"g/a\", \"config\": {\"train\": {\"seed\": 0}}, \"evaluations\": ["
    "  {\"checkpoint\": \"last\", \"split\": \"valid\", \"epoch\": 3, \"accuracy\": 0.8,"
    "   \"loss\": 0.4},"
    "  {\"checkpoint\": \"last\", \"split\": \"test\", \"epoch\": 3, \"accuracy\": 1}]},"
    " {\"id\": 2, \"name\": \"g/b\", \"config\": {\"train\": {\"seed\": 1}}, \"evaluations\": ["
    "  {\"checkpoint\": \"last\", \"split\": \"valid\", \"epoch\": 2, \"accuracy\": 0.9,"
    "   \"loss\": 0.5},"
    "  {\"checkpoint\": \"last\", \"split\": \"test\", \"epoch\": 2, \"accuracy\": 0.5}]},"
    " {\"id\": 3, \"name\": \"g/c\", \"config\": {\"train\": {\"seed\": 2}}, \"evaluations\": "
    "[]}]";

static void is_same(const cJSON *object, const char *path, const char *expected) {
    cJSON *value = parsed(expected);
    if (!cJSON_Compare(field_at(object, path), value, true))
        fail_msg("%s is not %s", path, expected);
    cJSON_Delete(value);
}

/* The second got ten of the twenty test pictures right that the first got wrong, or none did, as
 * `sign` says. python3 -c "from scipy.stats import binom; print(binom.ppf([0.025, 0.975], 20, .5))"
 */
static void is_by_ten_of_twenty(const cJSON *duel, int sign) {
    is_same(duel, "pictures", "20");
    is_same(duel, "only_first", sign < 0 ? "10" : "0");
    is_same(duel, "only_second", sign < 0 ? "0" : "10");
    is_same(duel, "more_than_chance", "true");
    assert_near(field_number(duel, "p_value", 0), 2.0 / 1024, 1e-12);
    assert_near(field_number(duel, "accuracy_difference.value", 0), sign * 0.5, 1e-12);
    assert_near(field_number(duel, "accuracy_difference.low", 0), sign * 0.5 - 0.2, 1e-12);
    assert_near(field_number(duel, "accuracy_difference.high", 0), sign * 0.5 + 0.2, 1e-12);
}

static void a_comparison_ranks_and_tells_what_is_more_than_chance(void **state) {
    (void)state;
    struct told told = {0};
    struct comparison comparison = {0};
    struct error error = {0};
    cJSON *experiments = parsed(three);
    assert_true(comparison_make(&(struct source){tell, &told}, experiments, &comparison, &error));
    assert_int_equal(told.questions, 2 * 3); /* three pages of each of the two */
    char *verdict = comparison_verdict(&comparison);
    /* Ten of ten pictures on one side: p = 2 / 2^10. */
    assert_string_equal(verdict,
                        "Keep the last checkpoint of 2 g/b (epoch 2): validation accuracy 0.9000, "
                        "loss 0.5000. Of the 1 other the test pictures show it better than 0 and "
                        "worse than 1, and cannot tell for 0.");
    cJSON *document = comparison_json(&comparison);
    is_same(document, "ranking", "[2, 1]");
    assert_string_equal(field_text(document, "verdict", ""), verdict);
    is_same(document, "keep",
            "{\"id\": 2, \"name\": \"g/b\", \"checkpoint\": \"last\", \"epoch\": 2}");
    assert_int_equal(cJSON_GetArraySize(field_at(document, "chance")), 1);
    const cJSON *duel = field_at(document, "chance")->child;
    is_same(duel, "first", "{\"id\": 2, \"checkpoint\": \"last\"}");
    is_same(duel, "second", "{\"id\": 1, \"checkpoint\": \"last\"}");
    is_by_ten_of_twenty(duel, 1);
    cJSON_Delete(document);
    free(verdict);
    comparison_free(&comparison);
    cJSON_Delete(experiments);
}

static void the_first_meets_its_other_checkpoint_where_that_is_of_another_epoch(void **state) {
    (void)state;
    struct told told = {0};
    struct comparison comparison = {0};
    struct error error = {0};
    cJSON *experiments = parsed(
        "[{\"id\": 4, \"name\": \"h\", \"state\": \"done\", \"tags\": [\"paper\"], "
        "\"evaluations\": ["
        "  {\"checkpoint\": \"best\", \"split\": \"valid\", \"epoch\": 5, \"accuracy\": 0.9},"
        "  {\"checkpoint\": \"best\", \"split\": \"test\", \"epoch\": 5, \"accuracy\": 1},"
        "  {\"checkpoint\": \"last\", \"split\": \"valid\", \"epoch\": 9, \"accuracy\": 0.8},"
        "  {\"checkpoint\": \"last\", \"split\": \"test\", \"epoch\": 9, \"accuracy\": 0.5}]},"
        " {\"id\": 5, \"name\": \"i\", \"evaluations\": []}]");
    assert_true(comparison_make(&(struct source){tell, &told}, experiments, &comparison, &error));
    cJSON *document = comparison_json(&comparison);
    assert_int_equal(cJSON_GetArraySize(field_at(document, "chance")), 1);
    const cJSON *duel = field_at(document, "chance")->child;
    is_same(duel, "first", "{\"id\": 4, \"checkpoint\": \"best\"}");
    is_same(duel, "second", "{\"id\": 4, \"checkpoint\": \"last\"}");
    is_by_ten_of_twenty(duel, -1);
    assert_string_equal(field_text(document, "verdict", ""),
                        "Keep the best checkpoint of 4 h (epoch 5): validation accuracy 0.9000, "
                        "loss n/a. On the test pictures it is better than its last (p = 0.002).");
    is_same(document, "experiments",
            "[{\"id\": 4, \"name\": \"h\", \"state\": \"done\", \"tags\": [\"paper\"], "
            "\"evaluations\": {"
            "  \"best\": {\"valid\": {\"epoch\": 5, \"accuracy\": 0.9},"
            "             \"test\": {\"epoch\": 5, \"accuracy\": 1}},"
            "  \"last\": {\"valid\": {\"epoch\": 9, \"accuracy\": 0.8},"
            "             \"test\": {\"epoch\": 9, \"accuracy\": 0.5}}}, \"keep\": \"best\"},"
            " {\"id\": 5, \"name\": \"i\", \"evaluations\": {"
            "  \"best\": {\"valid\": null, \"test\": null},"
            "  \"last\": {\"valid\": null, \"test\": null}}, \"keep\": null}]");
    cJSON_Delete(document);
    comparison_free(&comparison);
    cJSON_Delete(experiments);
}

/* Evaluated on both splits, at best and at last, with one accuracy. */
static cJSON *member(int id, const char *variant, int seed, double accuracy) {
    static const char *const checkpoints[] = {"best", "last"}, *const splits[] = {"valid", "test"};
    cJSON *experiment = cJSON_CreateObject(), *config = cJSON_CreateObject();
    cJSON_AddNumberToObject(experiment, "id", id);
    cJSON_AddStringToObject(experiment, "group", "g");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(experiment, "variant"), "flip", variant);
    cJSON_AddStringToObject(config, "flip", variant);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(config, "train"), "seed", seed);
    cJSON_AddItemToObject(experiment, "config", config);
    cJSON *evaluations = cJSON_AddArrayToObject(experiment, "evaluations");
    for (size_t i = 0; i < 4; i++) {
        cJSON *evaluation = cJSON_CreateObject();
        cJSON_AddStringToObject(evaluation, "checkpoint", checkpoints[i / 2]);
        cJSON_AddStringToObject(evaluation, "split", splits[i % 2]);
        cJSON_AddNumberToObject(evaluation, "epoch", 4);
        cJSON_AddNumberToObject(evaluation, "accuracy", accuracy);
        cJSON_AddItemToArray(evaluations, evaluation);
    }
    return experiment;
}

static void two_seeds_are_repeats_and_two_values_have_effects(void **state) {
    (void)state;
    struct told told = {0};
    struct comparison comparison = {0};
    struct error error = {0};
    cJSON *experiments = cJSON_CreateArray();
    cJSON_AddItemToArray(experiments, member(1, "on", 0, 0.75));
    cJSON_AddItemToArray(experiments, member(2, "on", 1, 0.25));
    cJSON_AddItemToArray(experiments, member(3, "off", 0, 0.5));
    assert_true(comparison_make(&(struct source){tell, &told}, experiments, &comparison, &error));
    cJSON *document = comparison_json(&comparison);
    const cJSON *repeats = field_at(document, "repeats"),
                *flip = field_at(document, "effects.flip");
    assert_int_equal(cJSON_GetArraySize(repeats), 1);
    is_same(repeats->child, "ids", "[1, 2]");
    is_same(repeats->child, "seeds", "[0, 1]");
    const cJSON *accuracy = field_at(repeats->child, "best.test.accuracy");
    assert_near(field_number(accuracy, "mean", 0), 0.5, 1e-12);
    assert_near(field_number(accuracy, "standard_deviation", 0), 0.25 * sqrt(2), 1e-12);
    assert_true(cJSON_IsNull(
        cJSON_GetObjectItemCaseSensitive(field_at(repeats->child, "last.valid"), "recall")));
    assert_near(field_number(flip, "off.experiments", 0), 1, 0);
    assert_near(field_number(flip, "on.test.mean", 0), 0.5, 1e-12);
    is_same(document, "differences.flip", "{\"on\": [1, 2], \"off\": [3]}");
    assert_string_equal(field_text(field_at(document, "experiments")->child, "keep", ""), "best");
    /* with 2 and 3: its last is of the same epoch, and so the same weights */
    assert_int_equal(cJSON_GetArraySize(field_at(document, "chance")), 2);
    cJSON_Delete(document);
    comparison_free(&comparison);
    cJSON_Delete(experiments);
}

static void the_verdict_counts_those_that_were_not_compared(void **state) {
    (void)state;
    enum { MEMBERS = DUELS_MAX + 4 };
    struct told told = {.unscored = 3};
    struct comparison comparison = {0};
    struct error error = {0};
    cJSON *experiments = cJSON_CreateArray();
    for (int id = 1; id <= MEMBERS; id++)
        cJSON_AddItemToArray(experiments, member(id, "on", id, 1 - id * 0.01));
    assert_true(comparison_make(&(struct source){tell, &told}, experiments, &comparison, &error));
    char *verdict = comparison_verdict(&comparison);
    assert_non_null(strstr(verdict, " Of 11 others the test pictures show it better than 1 and "
                                    "worse than 0, and cannot tell for 10; 4 were not compared."));
    free(verdict);
    comparison_free(&comparison);
    cJSON_Delete(experiments);
}

/* The same page for ever. */
static bool tell_again(void *context, const char *request, cJSON *body, const char *expected,
                       cJSON **answer, struct error *error) {
    struct told *told = context;
    bool good = tell(context, request, body, expected, answer, error);
    cJSON_DeleteItemFromObject(*answer, "next");
    cJSON_AddNumberToObject(*answer, "next", PAGE);
    assert_true(told->questions < 10);
    return good;
}

static void scores_that_come_again_end_the_asking(void **state) {
    (void)state;
    struct told told = {0};
    struct score_list list;
    struct error error = {0};
    assert_false(
        score_list_fetch(&(struct source){tell_again, &told}, 1, "best", "test", &list, &error));
    assert_int_equal(told.questions, 2);
    assert_string_equal(error.message, "the coordinator answers scores with the same page again");
    score_list_free(&list);
}

static void where_nothing_is_evaluated_nothing_is_asked_and_nothing_kept(void **state) {
    (void)state;
    struct told told = {0};
    struct comparison comparison = {0};
    struct error error = {0};
    cJSON *experiments = parsed("[{\"id\": 3, \"config\": {}, \"evaluations\": []}]");
    assert_true(comparison_make(&(struct source){tell, &told}, experiments, &comparison, &error));
    assert_int_equal(told.questions, 0);
    assert_null(comparison_verdict(&comparison));
    cJSON *document = comparison_json(&comparison);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(document, "verdict")));
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(document, "keep")));
    cJSON_Delete(document);
    comparison_free(&comparison);
    cJSON_Delete(experiments);
}

static void scores_that_do_not_come_are_an_error(void **state) {
    (void)state;
    struct told told = {.refuses = true};
    struct comparison comparison = {0};
    struct error error = {0};
    cJSON *experiments = parsed(three);
    assert_false(comparison_make(&(struct source){tell, &told}, experiments, &comparison, &error));
    assert_int_equal(error.code, ERROR_UNREACHABLE);
    comparison_free(&comparison);
    cJSON_Delete(experiments);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comparison_ranks_and_tells_what_is_more_than_chance),
        cmocka_unit_test(the_first_meets_its_other_checkpoint_where_that_is_of_another_epoch),
        cmocka_unit_test(two_seeds_are_repeats_and_two_values_have_effects),
        cmocka_unit_test(the_verdict_counts_those_that_were_not_compared),
        cmocka_unit_test(scores_that_come_again_end_the_asking),
        cmocka_unit_test(where_nothing_is_evaluated_nothing_is_asked_and_nothing_kept),
        cmocka_unit_test(scores_that_do_not_come_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
