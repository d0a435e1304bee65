#include "coordinator/labels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool reads(const char *json, char text[LABELS_BYTES + 1]) {
    cJSON *array = cJSON_Parse(json);
    bool good = labels_read(array, text);
    cJSON_Delete(array);
    return good;
}

static void one_set_is_one_text(void **state) {
    (void)state;
    char text[LABELS_BYTES + 1];
    assert_true(reads("[\"b\", \"a\", \"b\"]", text));
    assert_string_equal(text, "a\nb\n");
    assert_true(reads("[]", text));
    assert_string_equal(text, "");
    assert_true(labels_read(NULL, text));
    assert_string_equal(text, "");
}

static void what_would_break_the_text_is_refused(void **state) {
    (void)state;
    char text[LABELS_BYTES + 1];
    assert_false(reads("[\"a\\nb\"]", text));
    assert_false(reads("[\"\"]", text));
    assert_false(reads("[7]", text));
    assert_false(
        reads("[\"a234567890123456789012345678901234567890123456789012345678901234x\"]", text));
    assert_false(reads("[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
                       "\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]",
                       text));
}

static void a_label_is_there_as_a_whole_or_not(void **state) {
    (void)state;
    size_t length = 0;
    const char *wanted = "gpu\nquiet\n";
    assert_null(labels_missing("gpu\nquiet\nz\n", wanted, &length));
    assert_null(labels_missing("", "", &length));
    assert_ptr_equal(labels_missing("gpu\n", wanted, &length), wanted + 4);
    assert_int_equal(length, 5);
    assert_ptr_equal(labels_missing("gpu-a\nquiet\n", wanted, &length), wanted);
    assert_int_equal(length, 3);
}

static void a_text_becomes_the_array_again(void **state) {
    (void)state;
    cJSON *array = labels_json("a\nb c\n");
    assert_int_equal(cJSON_GetArraySize(array), 2);
    assert_string_equal(cJSON_GetArrayItem(array, 1)->valuestring, "b c");
    cJSON_Delete(array);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_set_is_one_text),
        cmocka_unit_test(what_would_break_the_text_is_refused),
        cmocka_unit_test(a_label_is_there_as_a_whole_or_not),
        cmocka_unit_test(a_text_becomes_the_array_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
