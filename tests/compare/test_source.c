#include "compare/source.h"

#include "core/field.h"
#include "tests/values.h"

#include <stdlib.h>

static void every_id_is_told_once_in_rising_order(void **state) {
    (void)state;
    static const double expected[] = {2, 5, 7};
    cJSON *items = parsed("[7, {\"id\": 2}, 5, 7, {\"id\": 5}, 2]");
    size_t count;
    double *ids = source_ids(items, &count);
    assert_int_equal(count, 3);
    assert_memory_equal(ids, expected, sizeof expected);
    free(ids);
    cJSON_Delete(items);
}

/* Experiments 1 to 3, each on a page of its own, which leads on from the id before. */
static bool answer_one(void *context, const char *request, cJSON *body, const char *expected,
                       cJSON **answer, struct error *error) {
    size_t *questions = context;
    const double after = field_number(body, "after", 0);
    (void)error;
    assert_string_equal(request, "show");
    assert_string_equal(expected, "details");
    assert_string_equal(field_text(body, "group", ""), "g");
    assert_near(after, (double)(*questions)++, 0);
    cJSON_Delete(body);
    *answer = parsed("{\"experiments\": [{}]}");
    cJSON_AddNumberToObject(field_at(*answer, "experiments")->child, "id", after + 1);
    if (after < 2)
        cJSON_AddNumberToObject(*answer, "next", after + 1);
    return true;
}

static void pages_are_asked_for_until_none_follows(void **state) {
    (void)state;
    size_t questions = 0;
    struct error error = {0};
    cJSON *selection = parsed("{\"group\": \"g\"}");
    cJSON *all =
        source_experiments(&(struct source){answer_one, &questions}, "show", selection, &error);
    cJSON *expected = parsed("[{\"id\": 1}, {\"id\": 2}, {\"id\": 3}]");
    assert_true(cJSON_Compare(all, expected, true));
    assert_int_equal(questions, 3);
    cJSON_Delete(expected);
    cJSON_Delete(all);
    cJSON_Delete(selection);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_id_is_told_once_in_rising_order),
        cmocka_unit_test(pages_are_asked_for_until_none_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
