#include "cli/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const rows =
    "{\"id\": 7, \"name\": \"aug/Flip+Jitter\", \"state\": \"done\", \"accuracy\": 0.985,"
    " \"epoch\": 12, \"data.upsample\": \"real x2\", \"deterministic\": true, \"amp\": false,"
    " \"loss\": null, \"note\": \"say \\\"hi\\\"\","
    " \"tags\": [\"paper\", \"v2\"], \"none\": [],"
    " \"batch\": \"128\", \"lr\": \"1e-05\", \"hex\": \"0x10\", \"nan\": \"nan\","
    " \"version\": \"1.2.3\", \"zero\": \"0\"}";

static const cJSON *look(const void *row, const char *field) {
    return cJSON_GetObjectItemCaseSensitive(row, field);
}

static bool takes(const char *text) {
    struct filter *filter;
    struct error error = {0};
    cJSON *row = cJSON_Parse(rows);
    if (!filter_parse(text, &filter, &error))
        fail_msg("%s: %s", text, error.message);
    bool taken = filter_takes(filter, look, row);
    filter_free(filter);
    cJSON_Delete(row);
    return taken;
}

static void numbers_compare_as_numbers(void **state) {
    (void)state;
    assert_true(takes("accuracy>0.98"));
    assert_false(takes("accuracy > .99"));
    assert_true(takes("epoch >= 12 and epoch <= 12 and epoch = 12.0"));
    assert_true(takes("epoch>9")); /* as text, "12" comes before "9" */
    assert_true(takes("epoch != 13"));
    assert_false(takes("id<7"));
    assert_false(takes("id>7 or epoch > 12.0 or epoch < 12.0"));
    assert_true(takes("accuracy ~ 98 and accuracy !~ 99 and epoch ~ 12"));
}

static void texts_of_numbers_compare_as_numbers(void **state) {
    (void)state;
    assert_true(takes("batch > 16")); /* as text, "128" comes before "16" */
    assert_true(takes("lr < 0.0005 and lr = 0.00001"));
    assert_true(takes("batch != 16 and batch = 128.0"));
    assert_true(takes("hex = 0x10 and hex != 16 and nan = nan and nan != 3"));
    assert_true(takes("batch ~ 12"));
    assert_true(takes("version != 1.2 and version = 1.2.3 and zero != \"\" and zero = 0.0"));
}

static void texts_compare_whole_and_tilde_looks_inside(void **state) {
    (void)state;
    assert_true(takes("state=done"));
    assert_false(takes("state=don"));
    assert_true(takes("name ~ jitter"));
    assert_true(takes("name~FLIP"));
    assert_false(takes("name !~ flip"));
    assert_true(takes("data.upsample = \"real x2\""));
    assert_true(takes("deterministic = true and amp = false and amp != true"));
    assert_true(takes("name > aardvark"));
    assert_true(takes("name != \"\" and not name = \"\""));
}

static void a_quote_within_quotes_is_written_twice(void **state) {
    (void)state;
    assert_true(takes("note = \"say \"\"hi\"\"\" and id=7"));
    assert_true(takes("note ~ \"\"\"\""));
    assert_false(takes("name ~ \"\"\"\""));
    assert_true(takes("name != \"\" and note !~ \"\"\"x\""));
}

static void and_binds_closer_than_or_and_not_closest(void **state) {
    (void)state;
    assert_true(takes("id=7 or id=8 and id=9"));
    assert_false(takes("(id=7 or id=8) and id=9"));
    assert_true(takes("( id=8 or id=7 ) and id=7"));
    assert_true(takes("not id=8 and id=7"));
    assert_false(takes("not (id=8 or id=7)"));
    assert_true(takes("not not id=7"));
}

static void what_has_no_value_meets_only_inequality(void **state) {
    (void)state;
    assert_false(takes("loss < 1"));
    assert_false(takes("loss >= 0"));
    assert_false(takes("loss = null"));
    assert_true(takes("loss != 1"));
    assert_true(takes("nothing !~ x"));
    assert_false(takes("nothing ~ x"));
}

static void a_list_meets_an_operator_when_one_of_its_items_does(void **state) {
    (void)state;
    assert_true(takes("tags = v2"));
    assert_false(takes("tags = v"));
    assert_true(takes("tags ~ PAP"));
    assert_true(takes("tags = paper and tags = v2"));
    assert_false(takes("none = v2 or none ~ v"));
}

static void a_list_meets_an_inequality_when_all_of_its_items_do(void **state) {
    (void)state;
    assert_false(takes("tags != v2"));
    assert_true(takes("tags != v3"));
    assert_false(takes("tags !~ p"));
    assert_true(takes("tags !~ x and none !~ x and none != x"));
}

static void the_fields_can_be_checked(void **state) {
    (void)state;
    struct filter *filter;
    assert_true(filter_parse("a=1 and not (b.c=2 or a=3) and d~4 and e!~5", &filter, NULL));
    assert_string_equal(filter_field(filter, 0), "a");
    assert_string_equal(filter_field(filter, 1), "b.c");
    assert_string_equal(filter_field(filter, 2), "a");
    assert_string_equal(filter_field(filter, 4), "e");
    assert_null(filter_field(filter, 5));
    assert_string_equal(filter_operand(filter, 1), "2");
    assert_null(filter_operand(filter, 3)); /* looked for inside: no value of the field */
    assert_null(filter_operand(filter, 4));
    assert_null(filter_operand(filter, 5));
    filter_free(filter);
}

static void mistakes_are_said_with_their_place(void **state) {
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "character 1:"},
        {"accuracy", "character 9:"},
        {"accuracy >", "character 11:"},
        {"accuracy > 1 name = x", "character 14:"},
        {"(a=1", "character 5:"},
        {"a=1)", "character 4:"},
        {"a=\"b", "character 3:"},
        {"a=\"b\"\"", "character 3:"},
        {"a=\"b\"c", "character 6:"},
        {"and a=1", "character 5:"},
        {"a=1 or", "character 7:"},
        {"> 3", "character 1:"},
        {"a = = 3", "character 5:"},
        {"(", "character 2:"},
        {"a=1 and", "character 8:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct filter *filter;
        struct error error = {0};
        assert_false(filter_parse(cases[i].text, &filter, &error));
        assert_null(filter);
        assert_int_equal(error.code, ERROR_INPUT);
        if (strstr(error.message, cases[i].place) == NULL)
            fail_msg("%s: %s", cases[i].text, error.message);
    }
}

static void depth_and_length_are_bounded(void **state) {
    (void)state;
    enum { MANY = 5000 };
    char *text = malloc(6 * MANY + 16);
    struct filter *filter;
    struct error error = {0};
    assert_non_null(text);
    memset(text, '(', MANY);
    strcpy(text + MANY, "a=1");
    assert_false(filter_parse(text, &filter, &error));
    assert_non_null(strstr(error.message, "too many levels"));
    assert_int_equal(error.code, ERROR_INPUT);
    for (int i = 0; i < MANY; i++)
        strcpy(text + 4 * i, "not a=1");
    assert_false(filter_parse(text, &filter, &error));
    assert_non_null(strstr(error.message, "too many levels"));
    strcpy(text, "a=1");
    for (int i = 0; i < MANY / 2; i++)
        strcpy(text + 3 + 8 * i, " and a=1");
    assert_false(filter_parse(text, &filter, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_compare_as_numbers),
        cmocka_unit_test(texts_of_numbers_compare_as_numbers),
        cmocka_unit_test(texts_compare_whole_and_tilde_looks_inside),
        cmocka_unit_test(a_quote_within_quotes_is_written_twice),
        cmocka_unit_test(and_binds_closer_than_or_and_not_closest),
        cmocka_unit_test(what_has_no_value_meets_only_inequality),
        cmocka_unit_test(a_list_meets_an_operator_when_one_of_its_items_does),
        cmocka_unit_test(a_list_meets_an_inequality_when_all_of_its_items_do),
        cmocka_unit_test(the_fields_can_be_checked),
        cmocka_unit_test(mistakes_are_said_with_their_place),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
