/* What a matrix must not be, and how its faults are told. */
#include "tests/core/matrices.h"

#include <stdlib.h>
#include <string.h>

static void assert_fault(const char *matrix, const char *place, const char *message) {
    struct members members;
    struct faults faults = {0};
    assert_false(expands(matrix, &members, &faults));
    assert_int_equal(members.count, 0);
    assert_string_equal(faults.items[0].message, message);
    assert_string_equal(faults.items[0].place, place);
    faults_free(&faults);
}

static void ten_thousand_members_are_the_most(void **state) {
    (void)state;
    struct text values = {0}, matrix = {0};
    for (int i = 1; i <= 100; i++)
        text_format(&values, "%s%d", i > 1 ? ", " : "", i);
    text_format(&matrix, "{\"train.seed\": [%s], \"train.epochs\": [%s]}", values.data,
                values.data);
    struct members members = expand(matrix.data);
    assert_int_equal(members.count, 10000);
    assert_string_equal(members.items[9999].name, "n/seed=100,epochs=100");
    members_free(&members);
    text_free(&matrix);
    text_format(&matrix,
                "{\"train.seed\": [%s], \"train.epochs\": [%s], \"include\": [{\"priority\": 1, "
                "\"train.seed\": 0}]}",
                values.data, values.data);
    assert_fault(matrix.data, "matrix", "makes more than 10000 experiments; take some out");
    text_free(&matrix);
    text_format(&matrix, "{\"train.seed\": [%s], \"train.epochs\": [%s], \"priority\": [0, 1]}",
                values.data, values.data);
    assert_fault(matrix.data, "matrix", "makes more than 10000 experiments; take some values out");
    text_free(&matrix);
    text_free(&values);
}

static void paths_are_not_compared_whose_faults_are_beyond_the_limit(void **state) {
    (void)state;
    struct text matrix = {0};
    text_format(&matrix, "{\"train.seed\": [0");
    for (int i = 0; i < FAULTS_MAX; i++)
        text_format(&matrix, ", 0");
    text_format(&matrix, "], \"train.sed\": [1], \"train.epochs\": [2]}");
    assert_fault(matrix.data, "matrix[\"train.seed\"][1]", "a second variant \"0\"; take one out");
    text_free(&matrix);
}

static void members_of_one_name_are_refused(void **state) {
    (void)state;
    assert_fault("{\"model.weights\": [\"a,resnet18\", \"a\"], \"model.arch\": {\"resnet18,b\": "
                 "\"resnet18\", \"b\": \"resnet18\"}, \"exclude\": []}",
                 "matrix",
                 "two members are named \"n/weights=a,resnet18,b\"; name their variants apart");
    assert_fault("{\"train.seed\": [1], \"include\": [{\"train.seed\": 7}, {\"train.seed\": 7}]}",
                 "matrix", "two members are named \"n/seed=7\"; name their variants apart");
}

static void names_of_variants_have_two_hundred_bytes_at_most(void **state) {
    (void)state;
    struct text matrix = {0};
    text_format(&matrix, "{\"train.seed\": {\"%0200d\": 1}}", 0);
    struct members members = expand(matrix.data);
    assert_int_equal(members.count, 1);
    members_free(&members);
    text_free(&matrix);
    text_format(&matrix, "{\"train.seed\": {\"%0201d\": 1}}", 0);
    struct faults faults = {0};
    assert_false(expands(matrix.data, &members, &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(
        faults.items[0].message,
        "what would name the variant is longer than 200 bytes; give it another name");
    faults_free(&faults);
    text_free(&matrix);
}

static void names_longer_than_messages_carry_are_refused(void **state) {
    (void)state;
    struct text matrix = {0};
    text_format(&matrix, "{\"include\": [{");
    for (int i = 0; i < 30; i++)
        text_format(&matrix, "%s\"data.upsample.%0150d\": 2", i > 0 ? "," : "", i);
    text_format(&matrix, "}]}");
    struct members members;
    struct faults faults = {0};
    assert_false(expands(matrix.data, &members, &faults));
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.items[0].message, "longer than 4096 bytes"));
    faults_free(&faults);
    text_free(&matrix);
}

static void every_fault_of_a_matrix_is_found(void **state) {
    (void)state;
    struct members members;
    struct faults faults = {0};
    cJSON *file = parsed("{\"name\": \"n\", \"matrix\": {\"train.sed\": [1], \"priority\": [1, 1],"
                         " \"model.arch\": {\"a\\nb\": \"resnet18\"}, \"\": [2]}}");
    assert_false(matrix_expand(file, &members, &faults));
    assert_int_equal(faults.count, 4);
    assert_string_equal(faults.items[0].place, "matrix[\"train.sed\"]");
    assert_string_equal(faults.items[1].place, "matrix.priority[1]");
    assert_string_equal(faults.items[2].place, "matrix[\"model.arch\"][\"a\\u000ab\"]");
    assert_string_equal(faults.items[3].place, "matrix[\"\"]");
    faults_free(&faults);
    cJSON_Delete(file);
}

static void paths_within_one_another_are_refused(void **state) {
    (void)state;
    assert_fault("{\"train\": {\"a\": {}}, \"train.seed\": [1]}", "matrix[\"train.seed\"][0]",
                 "\"train.seed\" and \"train\" lie in one another; vary one of them");
    assert_fault("{\"train.seed\": [1], \"include\": [{\"train\": {}}]}", "matrix.include[0].train",
                 "\"train\" and \"train.seed\" lie in one another; vary one of them");
}

static void a_matrix_of_anything_but_an_object_is_refused(void **state) {
    (void)state;
    assert_fault("null", "matrix", "must be an object, is null");
    assert_fault("{\"ablate\": \"one_at_a_time\", \"include\": {}}", "matrix.include",
                 "must be an array, is an object");
    assert_fault("{\"exclude\": [{}]}", "matrix.exclude[0]", "must not be empty");
    assert_fault("{\"exclude\": []}", "matrix", "leaves no experiment; vary something");
}

/* Faults of many members in one part of the file are one fault, in the order of its lines. */
static void faults_of_members_are_reported_once(void **state) {
    (void)state;
    struct members members;
    struct faults faults = {0};
    struct error error = {0};
    char *text;
    assert_false(members_read(TEST_DATA "/experiments/broken/matrix_variant.json", &members, &text,
                              &faults, &error));
    assert_int_equal(faults.count, 1); /* two seeds have the variant */
    assert_string_equal(faults.items[0].place, "matrix.augmentations[\"flip+jitter\"][1].p");
    assert_int_equal(members.count, 0);
    faults_free(&faults);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_members_are_the_most),
        cmocka_unit_test(paths_are_not_compared_whose_faults_are_beyond_the_limit),
        cmocka_unit_test(members_of_one_name_are_refused),
        cmocka_unit_test(names_of_variants_have_two_hundred_bytes_at_most),
        cmocka_unit_test(names_longer_than_messages_carry_are_refused),
        cmocka_unit_test(every_fault_of_a_matrix_is_found),
        cmocka_unit_test(paths_within_one_another_are_refused),
        cmocka_unit_test(a_matrix_of_anything_but_an_object_is_refused),
        cmocka_unit_test(faults_of_members_are_reported_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
