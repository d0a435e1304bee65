#include "cli/listing.h"

#include "tests/values.h"

#include <stdlib.h>

static const char *const three =
    "[{\"id\": 1, \"name\": \"a/flip\", \"state\": \"done\", \"submitted_ms\": 1000,"
    "  \"variant\": {\"augmentations\": \"flip\", \"train.seed\": \"1\"},"
    "  \"best\": {\"epoch\": 3, \"valid\": {\"accuracy\": 0.9, \"loss\": 0.25}},"
    "  \"tags\": [\"b\", \"c\"], \"note_count\": 2},"
    " {\"id\": 2, \"name\": \"a/jitter\", \"state\": \"running\", \"submitted_ms\": 61000,"
    "  \"variant\": {\"augmentations\": \"flip+jitter\", \"train.seed\": \"0\"}, \"best\": null,"
    "  \"tags\": []},"
    " {\"id\": 3, \"name\": \"b\", \"state\": \"failed\", \"submitted_ms\": 71000, \"variant\": {},"
    "  \"tags\": [\"b\"], \"best\": {\"epoch\": 1, \"valid\": {\"accuracy\": 0.95, \"loss\": "
    "0.5}}}]";

static void assert_order(const cJSON *experiments, const char *ids) {
    char text[16] = "";
    const cJSON *one;
    cJSON_ArrayForEach(one, experiments) {
        strcat(text, (const char[]){(char)('0' + cJSON_GetObjectItem(one, "id")->valueint), 0});
    }
    assert_string_equal(text, ids);
}

static void sorted_by(const char *name, const char *ids) {
    cJSON *experiments = parsed(three);
    listing_age(experiments, 100000);
    assert_true(listing_sort(&listing_experiments, experiments, name));
    assert_order(experiments, ids);
    cJSON_Delete(experiments);
}

static void what_has_no_value_comes_last_both_ways(void **state) {
    (void)state;
    sorted_by("accuracy", "132");
    sorted_by("-accuracy", "312");
    sorted_by("-id", "321");
    sorted_by("name", "123");
    sorted_by("seed", "213");
    sorted_by("age", "321");
    sorted_by("group", "123"); /* none has it: as they stood */
    sorted_by("tags", "312");  /* b comes before b, c */
    sorted_by("-tags", "132");
}

static void filtered_by(const char *text, const char *ids) {
    cJSON *experiments = parsed(three);
    struct filter *filter;
    struct error error = {0};
    listing_age(experiments, 100000);
    assert_true(filter_parse(text, &filter, &error));
    assert_true(listing_check_filter(&listing_experiments, experiments, filter, &error));
    listing_filter(&listing_experiments, experiments, filter);
    assert_order(experiments, ids);
    filter_free(filter);
    cJSON_Delete(experiments);
}

static void matrix_keys_sort_as_the_numbers_that_they_are(void **state) {
    (void)state;
    cJSON *experiments = parsed("[{\"id\": 1, \"variant\": {\"train.batch_size\": \"128\"}},"
                                " {\"id\": 2, \"variant\": {\"train.batch_size\": \"large\"}},"
                                " {\"id\": 3, \"variant\": {\"train.batch_size\": \"16\"}},"
                                " {\"id\": 4, \"variant\": {\"train.batch_size\": \"8\"}}]");
    assert_true(listing_sort(&listing_experiments, experiments, "batch_size"));
    assert_order(experiments, "4312");
    assert_true(listing_sort(&listing_experiments, experiments, "-batch_size"));
    assert_order(experiments, "2134");
    cJSON_Delete(experiments);
}

/* A decimal comma above all: as text, "0.9" would be more than "0,95". */
static void a_number_is_compared_with_a_number_alone(void **state) {
    (void)state;
    static const char *const wrong[] = {"accuracy > 0,95", "loss < 5%", "age > 1h", "id = x"};
    cJSON *experiments = parsed(three);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct filter *filter;
        struct error error = {0};
        assert_true(filter_parse(wrong[i], &filter, &error));
        if (listing_check_filter(&listing_experiments, experiments, filter, &error))
            fail_msg("%s was taken", wrong[i]);
        assert_int_equal(error.code, ERROR_INPUT);
        assert_non_null(strstr(error.message, "is a number"));
        filter_free(filter);
    }
    cJSON_Delete(experiments);
    filtered_by("accuracy ~ 0.9 and seed = 1", "1");
}

static void filters_know_columns_and_matrix_keys(void **state) {
    (void)state;
    filtered_by("accuracy > 0.92", "3");
    filtered_by("augmentations ~ jitter or accuracy >= 0.95", "23");
    filtered_by("augmentations = flip and train.seed = 1", "1");
    filtered_by("age < 60", "23");
    filtered_by("state != done and state != failed", "2");
    filtered_by("id > 3", "");
    filtered_by("tag = b", "13");
    filtered_by("tags ~ C or notes > 1", "1");
    filtered_by("tags != c", "23");
}

static void cells_say_values_as_people_read_them(void **state) {
    (void)state;
    static const char *const expected[][2] = {
        {"accuracy", "0.9000"}, {"id", "1"},      {"age", "1m 39s"}, {"seed", "1"}, {"worker", ""},
        {"best_epoch", "3"},    {"tags", "b, c"}, {"tag", "b, c"},   {"notes", "2"}};
    cJSON *experiments = parsed(three);
    listing_age(experiments, 100000);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char *text = listing_text(&listing_experiments, experiments->child, expected[i][0]);
        assert_string_equal(text, expected[i][1]);
        free(text);
    }
    cJSON_Delete(experiments);
}

static void unknown_columns_are_refused_with_the_nearest(void **state) {
    (void)state;
    cJSON *experiments = parsed(three);
    struct error error = {0};
    assert_true(listing_check(&listing_experiments, experiments,
                              (const char *[]){"id", "augmentations"}, 2, &error));
    assert_false(listing_check(&listing_experiments, experiments, (const char *[]){"id", "acuracy"},
                               2, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message,
                        "there is no column \"acuracy\"; did you mean \"accuracy\"?");
    assert_false(
        listing_check(&listing_experiments, experiments, (const char *[]){"zzzzzzzz"}, 1, &error));
    assert_non_null(strstr(error.message, LISTING_COLUMNS));
    cJSON_Delete(experiments);
}

/* "a, b" of a literal as LISTING_COLUMNS. */
static void are_known(const struct listing *listing, const char *names) {
    cJSON *none = cJSON_CreateArray();
    char *copy = strdup(names), *rest = NULL;
    for (char *name = strtok_r(copy, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest))
        assert_true(listing_check(listing, none, (const char *const *)&name, 1, NULL));
    free(copy);
    cJSON_Delete(none);
}

static void a_name_that_is_short_for_two_keys_is_refused(void **state) {
    static const char *const names[] = {"seed", "data.split.seed", "train"};
    (void)state;
    struct error error = {0};
    cJSON *rows = parsed(three);
    assert_true(listing_check(&listing_experiments, rows, names, 1, &error));
    cJSON *variant = cJSON_GetObjectItem(cJSON_GetArrayItem(rows, 1), "variant");
    cJSON_AddStringToObject(variant, "data.split.seed", "5");
    cJSON_AddStringToObject(variant, "data.split.train", "0.5");
    cJSON_AddStringToObject(variant, "train", "long");
    assert_false(listing_check(&listing_experiments, rows, names, 1, &error));
    assert_string_equal(error.message,
                        "\"seed\" is short for train.seed and for data.split.seed; write which");
    assert_int_equal(error.code, ERROR_INPUT);
    assert_true(listing_check(&listing_experiments, rows, names + 1, 2, &error));
    assert_string_equal(
        listing_look(&listing_experiments, cJSON_GetArrayItem(rows, 1), "train")->valuestring,
        "long");
    cJSON_Delete(rows);
}

static void every_column_of_the_help_is_one(void **state) {
    (void)state;
    are_known(&listing_experiments, LISTING_COLUMNS);
    are_known(&listing_evaluations, LISTING_EVALUATION_COLUMNS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_value_comes_last_both_ways),
        cmocka_unit_test(matrix_keys_sort_as_the_numbers_that_they_are),
        cmocka_unit_test(a_number_is_compared_with_a_number_alone),
        cmocka_unit_test(filters_know_columns_and_matrix_keys),
        cmocka_unit_test(cells_say_values_as_people_read_them),
        cmocka_unit_test(unknown_columns_are_refused_with_the_nearest),
        cmocka_unit_test(a_name_that_is_short_for_two_keys_is_refused),
        cmocka_unit_test(every_column_of_the_help_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
