#include "core/json.h"
#include "core/place.h"
#include "tests/values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parses a copy that ends exactly where memory does, so that ASan sees a byte read beyond. */
static void assert_refused(const char *text, size_t length, const char *message) {
    struct error error = {0};
    char *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, text, length);
    assert_null(json_parse(copy, length, "x", &error));
    free(copy);
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, ERROR_INPUT);
}

static void assert_same_text(const char *text, const char *expected) {
    cJSON *value = parsed(text);
    char *again = json_text(value);
    assert_string_equal(again, expected);
    free(again);
    cJSON_Delete(value);
}

static void every_kind_of_value_is_read(void **state) {
    (void)state;
    cJSON *value =
        parsed(" {\"a\" : [ true,false , null ] ,\r\n\t\"b\":{},\"c\":[],\"d\":-1.5E+2}\n");
    assert_true(cJSON_IsTrue(json_member(value, "a")->child));
    assert_true(cJSON_IsNull(json_member(value, "a")->child->next->next));
    assert_true(cJSON_IsObject(json_member(value, "b")));
    assert_int_equal(cJSON_GetArraySize(json_member(value, "c")), 0);
    assert_float_equal(json_member(value, "d")->valuedouble, -150, 0);
    assert_null(json_member(value, "e"));
    cJSON_Delete(value);
}

/* /usr/bin/python3 -c 'import json; print(json.loads(r"\"\u00e9 \ud83d\ude00 \u20ac \" \\ \/
 * \b\f\n\r\t\"").encode())' with the quote and backslash escaped as here. */
static void escapes_become_utf8(void **state) {
    (void)state;
    cJSON *value = parsed("\"\\u00e9 \\ud83d\\ude00 \\u20AC \\\" \\\\ \\/ \\b\\f\\n\\r\\t\"");
    assert_string_equal(value->valuestring,
                        "\xc3\xa9 \xf0\x9f\x98\x80 \xe2\x82\xac \" \\ / \b\f\n\r\t");
    cJSON_Delete(value);
}

/* The same of the first and last of each length. */
static void escapes_at_the_ends_of_their_ranges_become_utf8(void **state) {
    (void)state;
    cJSON *value = parsed("\"\\u007f\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uffff"
                          "\\ud800\\udc00\\udbff\\udfff\"");
    assert_string_equal(value->valuestring, "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf"
                                            "\xee\x80\x80\xef\xbf\xbf\xf0\x90\x80\x80"
                                            "\xf4\x8f\xbf\xbf");
    cJSON_Delete(value);
}

static void what_is_no_character_is_refused(void **state) {
    (void)state;
    static const char high[] = "is half a character; \\uDC00 to \\uDFFF must follow",
                      low[] = "is half a character; \\uD800 to \\uDBFF must precede";
    static const struct {
        const char *text, *half, *what;
    } cases[] = {{"\"\\ud800\"", "d800", high},        {"\"\\udbff\\n\"", "dbff", high},
                 {"\"\\ud800\\u0041\"", "d800", high}, {"\"\\ud800\\udbff\"", "d800", high},
                 {"\"\\ud800\\ue000\"", "d800", high}, {"\"\\udc00\"", "dc00", low},
                 {"\"\\udfff\"", "dfff", low}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[128];
        snprintf(message, sizeof message, "x:1: \\u%s %s", cases[i].half, cases[i].what);
        assert_refused(cases[i].text, strlen(cases[i].text), message);
    }
    assert_refused("\"\\u0000\"", 8, "x:1: a string holds the character \\u0000; take it out");
    assert_refused("\"a\nb\"", 5, "x:1: a string has no closing quote on its line");
    assert_refused("\"a\tb\"", 5, "x:1: a string holds a control character; escape it");
    assert_refused("\"a", 2, "x:1: the text ends inside a string; is it cut short?");
    assert_refused("\"\\u12\"", 6, "x:1: \\u needs four hexadecimal digits");
}

/* os.fsencode of what json.loads gives */
static void a_lone_low_half_is_a_byte_of_a_file_name(void **state) {
    (void)state;
    static const char text[] = "\"\\udc80\\udcff\"", not_one[] = "\"\\udc7f\"";
    cJSON *value = json_parse_names(text, sizeof text - 1, "x", NULL);
    assert_non_null(value);
    assert_string_equal(value->valuestring, "\x80\xff");
    cJSON_Delete(value);
    assert_null(json_parse_names(not_one, sizeof not_one - 1, "x", NULL));
}

/* /usr/bin/python3 -c 'print(repr(float.fromhex("...")))' of each: what repr prints is the
 * shortest. */
static void numbers_print_as_python_prints_them(void **state) {
    (void)state;
    static const struct {
        double number;
        const char *text;
    } cases[] = {{0x1.999999999999ap-4, "0.1"},
                 {0x1.52d02c7e14af6p+76, "1e+23"},
                 {0x1p-1074, "5e-324"},
                 {0x1p-1022, "2.2250738585072014e-308"},
                 {0x1.fffffffffffffp+1023, "1.7976931348623157e+308"},
                 {0x1.5555555555555p-2, "0.3333333333333333"},
                 {0x1.d6f3454800000p+26, "123456789.125"},
                 {0x1.3333333333334p-2, "0.30000000000000004"},
                 {0x1.ad7f29abcaf48p-24, "1e-07"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cJSON *value = cJSON_CreateNumber(cases[i].number);
        char *text = json_text(value);
        assert_string_equal(text, cases[i].text);
        free(text);
        cJSON_Delete(value);
    }
}

static void whole_numbers_print_without_point(void **state) {
    (void)state;
    assert_same_text("[1.0,-0,2e3,9007199254740991,9007199254740993]",
                     "[1,-0,2000,9007199254740991,9007199254740992]");
}

static void every_number_reads_back_the_same(void **state) {
    (void)state;
    uint64_t bits = 88172645463325252u; /* xorshift64, Marsaglia 2003 */
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double number;
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number))
            continue;
        cJSON *value = cJSON_CreateNumber(number);
        char *text = json_text(value);
        cJSON *again = parsed(text);
        assert_memory_equal(&again->valuedouble, &number, sizeof number);
        cJSON_Delete(again);
        cJSON_Delete(value);
        free(text);
    }
}

static void text_for_people_has_lines_and_the_same_numbers(void **state) {
    (void)state;
    cJSON *value = parsed("{\"seed\":9007199254740991,\"list\":[0.1,\"a\"],\"none\":{},"
                          "\"steps\":[{\"size\":[1,2]},[]]}");
    char *text = json_text_pretty(value), *compact = json_text(value);
    assert_string_equal(text, "{\n"
                              "  \"seed\": 9007199254740991,\n"
                              "  \"list\": [0.1, \"a\"],\n"
                              "  \"none\": {},\n"
                              "  \"steps\": [\n"
                              "    {\n"
                              "      \"size\": [1, 2]\n"
                              "    },\n"
                              "    []\n"
                              "  ]\n"
                              "}");
    cJSON *again = parsed(text);
    char *same = json_text(again);
    assert_string_equal(same, compact);
    cJSON_Delete(again);
    cJSON_Delete(value);
    free(same);
    free(compact);
    free(text);
}

static void what_is_no_number_prints_as_null(void **state) {
    (void)state;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "a", NAN);
    cJSON_AddNumberToObject(object, "b", INFINITY);
    json_add_defined(object, "c", false, 0.5);
    json_add_defined(object, "d", true, 0.5);
    char *text = json_text(object);
    assert_string_equal(text, "{\"a\":null,\"b\":null,\"c\":null,\"d\":0.5}");
    free(text);
    cJSON_Delete(object);
}

static void text_that_is_not_utf8_can_still_be_read_back(void **state) {
    (void)state;
    cJSON *value = cJSON_CreateString("a\xff\"\\\n\x01\x7f\xe2\x82\xac");
    char *text = json_text(value);
    assert_string_equal(text, "\"a\xef\xbf\xbd\\\"\\\\\\n\\u0001\x7f\xe2\x82\xac\"");
    cJSON_Delete(parsed(text));
    cJSON_Delete(value);
    free(text);
}

/* Of each kind of value a hundred, so that none hides behind the others; no numbers of few digits,
 * which count as fractions do. */
static void a_length_is_about_that_of_the_text(void **state) {
    (void)state;
    static const char *const members[] = {"null",      "\"some words\"", "0.12345678901234567",
                                          "[[],[[]]]", "{\"key\":true}", "{\"a\":{\"b\":[false]}}"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        struct text list = {0};
        for (int item = 0; item < 100; item++)
            text_format(&list, "%s%s", item > 0 ? "," : "[", members[i]);
        text_format(&list, "]");
        cJSON *value = parsed(text_string(&list));
        double ratio = (double)json_text_length(value) / (double)list.length;
        if (ratio < 0.9 || ratio > 1.35)
            fail_msg("%s: %g times the length of its text", members[i], ratio);
        cJSON_Delete(value);
        text_free(&list);
    }
}

static void sixty_four_levels_pass_and_one_more_does_not(void **state) {
    (void)state;
    char text[2 * 65 + 1];
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    struct error error = {0};
    cJSON *value = json_parse(text + 1, 128, "x", &error);
    assert_non_null(value);
    cJSON_Delete(value);
    assert_refused(text, 130, "x:1: brackets stand more than 64 deep");
}

static void a_hundred_beside_one_another_are_not_deep(void **state) {
    (void)state;
    char text[] = "[[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},"
                  "[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},"
                  "[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{},[],{}]";
    assert_same_text(text, text);
}

static void a_number_that_no_double_holds_is_refused(void **state) {
    (void)state;
    assert_refused("[1e999]", 7, "x:1: the number '1e999' is too large");
    assert_refused("[12px]", 6, "x:1: '12px' is no JSON number");
}

static void a_text_cut_anywhere_is_refused(void **state) {
    (void)state;
    static const char text[] = "{\"k\\u00e9\": [1.5e3, true, null, \"\\ud83d\\ude00 "
                               "\xf0\x9f\x98\x80\"], \"o\": {\"x\": -0.1}}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        struct error error = {0};
        char *copy = malloc(length + 1);
        memcpy(copy, text, length);
        char *exact = realloc(copy, length > 0 ? length : 1);
        assert_null(json_parse(exact, length, "x", &error));
        assert_int_equal(error.code, ERROR_INPUT);
        free(exact);
    }
}

static void the_first_duplicate_is_named_with_both_lines(void **state) {
    (void)state;
    static const char text[] = "{\"b\": 1,\n\"a\": 2,\n\"a\": 3,\n\"b\": 4}";
    assert_refused(text, sizeof text - 1,
                   "x:3: the key \"a\" stands twice in one object (first on line 2); take one out");
}

static void keys_of_different_objects_may_be_the_same(void **state) {
    (void)state;
    assert_same_text("[{\"a\":{\"a\":1}},{\"a\":2}]", "[{\"a\":{\"a\":1}},{\"a\":2}]");
}

/* The suite that parsers are measured by: N. Seriot, "Parsing JSON is a Minefield", some of its n_
 * cases. */
static void what_other_parsers_let_pass_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"[1 true]",
                                        "[a]",
                                        "[\"\": 1]",
                                        "[,1]",
                                        "[1,,2]",
                                        "[\"x\"]]",
                                        "[1:2]",
                                        "[-]",
                                        "[-01]",
                                        "[.2e-3]",
                                        "[0.3e]",
                                        "[0e+]",
                                        "[2.e3]",
                                        "[1eE2]",
                                        "[- 1]",
                                        "[Infin]",
                                        "[--2.]",
                                        "[1+2]",
                                        "[0x42]",
                                        "[1_000]",
                                        "{\"a\":\"b\"}/**/",
                                        "{1:1}",
                                        "{:\"b\"}",
                                        "{\"a\" b}",
                                        "{\"a\":1,,}",
                                        "[\"\\x00\"]",
                                        "[\"\\uD800\\u\"]",
                                        "[\"\\uDC00\"]",
                                        "[\"\\a\"]",
                                        "[\"\\u00A\"]",
                                        "[\"new\nline\"]",
                                        "tru",
                                        "nul",
                                        "[fals]",
                                        "*",
                                        "\"\\",
                                        "{\"a\":",
                                        "[\"a",
                                        "]",
                                        "[}",
                                        "{]",
                                        "\xe5",
                                        "[1.8011670033376514H-308]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {0};
        if (json_parse(texts[i], strlen(texts[i]), "x", &error) != NULL)
            fail_msg("%s passed", texts[i]);
        assert_int_equal(strncmp(error.message, "x:", 2), 0);
    }
}

/* What is found is shown up to 24 bytes, and never what is behind the text. */
static void what_stands_in_the_way_is_shown(void **state) {
    (void)state;
    static const struct {
        const char *text, *found;
    } cases[] = {{"[1 \"ab\" 2", "\"ab\""},
                 {"[1 \"ab c\"]", "\"ab"},
                 {"[1 \"ab\nc\"]", "\"ab"},
                 {"[1 \"ab\x7f\"]", "\"ab"},
                 {"[1 \"ab", "\"ab"},
                 {"[1 \"", "\""},
                 {"[1 \"abcdefghijklmnopqrstuvwxyz\"]", "\"abcdefghijklmnopqrstuvw"},
                 {"[1 abcdefghijklmnopqrstuvwxyz]", "'abcdefghijklmnopqrstuvwx'"},
                 {"[1 a_b.c+d-e", "'a_b.c+d-e'"},
                 {"[1 ~b", "'~'"},
                 {"[1 \x7f", "the byte 0x7f"},
                 {"[1 \xc3\xa9", "the byte 0xc3"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[128];
        snprintf(message, sizeof message,
                 "x:1: expected a comma or ], found %s; put one after the value before it",
                 cases[i].found);
        assert_refused(cases[i].text, strlen(cases[i].text), message);
    }
    assert_refused(
        "{\"a\"", 4,
        "x:1: expected a colon after the key \"a\", found the end of the text (is it cut "
        "short?)");
}

static void an_error_line_holds_no_control_characters(void **state) {
    (void)state;
    assert_refused(
        "{\"a\\nb\": 1, \"a\\nb\": 2}", 22,
        "x:1: the key \"a?b\" stands twice in one object (first on line 1); take one out");
}

static const char lines[] = "{\n"                            /* 1 */
                            "  \"a\" : [\n"                  /* 2 */
                            "    1, {\"b\": \"}}]\\\"\"},\n" /* 3 */
                            "    {\"c.d\": 1,\n"             /* 4 */
                            "     \"two \\u0077ords\": {\n"  /* 5 */
                            "        \"x\":\n"               /* 6 */
                            "          [[],\n"               /* 7 */
                            "           [5]]}}],\n"          /* 8 */
                            "  \"z\": 0}\n";                 /* 9 */

static void a_place_has_its_line(void **state) {
    (void)state;
    assert_int_equal(json_line(lines, ""), 1);
    assert_int_equal(json_line(lines, "a"), 2);
    assert_int_equal(json_line(lines, "a[0]"), 3);
    assert_int_equal(json_line(lines, "a[1].b"), 3);
    assert_int_equal(json_line(lines, "a[2]"), 4);
    assert_int_equal(json_line(lines, "a[2][\"c.d\"]"), 4);
    assert_int_equal(json_line(lines, "a[2][\"two words\"]"), 5);
    assert_int_equal(json_line(lines, "a[2][\"two words\"].x"), 6);
    assert_int_equal(json_line(lines, "a[2][\"two words\"].x[1]"), 8);
    assert_int_equal(json_line(lines, "a[2][\"two words\"].x[1][0]"), 8);
    assert_int_equal(json_line(lines, "z"), 9);
    assert_int_equal(json_line("\n\n{\"a\": 1}", "a"), 3);
}

static void a_place_that_is_not_there_has_the_line_of_its_deepest_part(void **state) {
    (void)state;
    assert_int_equal(json_line(lines, "train.seed"), 1);
    assert_int_equal(json_line(lines, "a[3]"), 2);
    assert_int_equal(json_line(lines, "a[0].b"), 3);
    assert_int_equal(json_line(lines, "a[2].q.r"), 4);
    assert_int_equal(json_line(lines, "a.q[2]"), 2);
    assert_int_equal(json_line(lines, "a[2][\"two words\"].x[0][7]"), 7);
    assert_int_equal(json_line(lines, "z[0]"), 9);
    assert_int_equal(json_line("{\n\"a\": [\n]}", "a[0]"), 2);
}

static void places_are_written_as_they_are_found(void **state) {
    (void)state;
    struct text place = {0};
    place_add_key(&place, "a");
    place_add_index(&place, 2);
    size_t length = place.length;
    place_add_key(&place, "two words");
    place_add_key(&place, "x");
    assert_string_equal(text_string(&place), "a[2][\"two words\"].x");
    assert_int_equal(json_line(lines, text_string(&place)), 6);
    place_cut(&place, length);
    place_add_key(&place, "a\"\\\n");
    assert_string_equal(text_string(&place), "a[2][\"a\\\"\\\\\\u000a\"]");
    text_free(&place);
}

static void below_a_place_is_what_follows_it(void **state) {
    (void)state;
    assert_string_equal(place_below("a.b[1]", "a"), ".b[1]");
    assert_string_equal(place_below("a.b[1]", "a.b"), "[1]");
    assert_string_equal(place_below("a.b", "a.b"), "");
    assert_string_equal(place_below("a", ""), "a");
    assert_null(place_below("ab", "a"));
    assert_null(place_below("a", "a.b"));
}

static void a_member_that_is_of_another_kind_is_none(void **state) {
    (void)state;
    cJSON *object =
        cJSON_Parse("{\"n\": 7, \"big\": 9007199254740991, \"t\": \"seven\", \"z\": null}");
    assert_int_equal(json_integer(object, "n"), 7);
    assert_int_equal(json_integer(object, "big"), INT64_C(9007199254740991));
    assert_int_equal(json_integer(object, "t"), 0);
    assert_int_equal(json_integer(object, "N"), 0);
    assert_string_equal(json_string(object, "t"), "seven");
    assert_null(json_string(object, "n"));
    assert_null(json_string(object, "z"));
    assert_null(json_string(NULL, "t"));
    cJSON_Delete(object);
}

static void sorted_keys_leave_equal_values_with_one_text(void **state) {
    (void)state;
    cJSON *value =
        parsed("{\"b\": [{\"y\": 1, \"x\": {}}, 2], \"a\": {\"d\": null, \"c\": 3}, \"B\": 0}");
    assert_true(json_sort_keys(value));
    char *text = json_text(value);
    assert_string_equal(text, "{\"B\":0,\"a\":{\"c\":3,\"d\":null},\"b\":[{\"x\":{},\"y\":1},2]}");
    free(text);
    assert_int_equal(json_integer(value, "B"), 0);
    cJSON_Delete(value);
}

/* Of every row the first two are the same, and the third is another. */
static void values_are_the_same_to_the_last_bit_and_whatever_the_order_of_keys(void **state) {
    (void)state;
    static const char *const rows[][3] = {
        {"9007199254740991", "9007199254740991", "9007199254740990"},
        {"0.1", "0.10", "0.10000000000000001942"},
        {"\"a\"", "\"a\"", "\"b\""},
        {"null", "null", "false"},
        {"true", "true", "\"true\""},
        {"{}", "{}", "[]"},
        {"[1, {}]", "[1, {}]", "[1, {}, 2]"},
        {"[1, 2]", "[1, 2]", "[2, 1]"},
        {"{\"a\": 1, \"b\": [2]}", "{\"b\": [2], \"a\": 1}", "{\"a\": 1, \"b\": [3]}"},
        {"{\"a\": null}", "{\"a\": null}", "{}"},
        {"{\"a\": null}", "{\"a\": null}", "{\"b\": null}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cJSON *one = parsed(rows[i][0]), *same = parsed(rows[i][1]), *other = parsed(rows[i][2]);
        assert_true(json_same(one, same) && json_same(same, one));
        assert_false(json_same(one, other) || json_same(other, one));
        cJSON_Delete(one);
        cJSON_Delete(same);
        cJSON_Delete(other);
    }
    assert_false(json_same(NULL, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(escapes_become_utf8),
        cmocka_unit_test(escapes_at_the_ends_of_their_ranges_become_utf8),
        cmocka_unit_test(what_is_no_character_is_refused),
        cmocka_unit_test(a_lone_low_half_is_a_byte_of_a_file_name),
        cmocka_unit_test(numbers_print_as_python_prints_them),
        cmocka_unit_test(whole_numbers_print_without_point),
        cmocka_unit_test(every_number_reads_back_the_same),
        cmocka_unit_test(text_for_people_has_lines_and_the_same_numbers),
        cmocka_unit_test(what_is_no_number_prints_as_null),
        cmocka_unit_test(text_that_is_not_utf8_can_still_be_read_back),
        cmocka_unit_test(a_length_is_about_that_of_the_text),
        cmocka_unit_test(sixty_four_levels_pass_and_one_more_does_not),
        cmocka_unit_test(a_hundred_beside_one_another_are_not_deep),
        cmocka_unit_test(a_number_that_no_double_holds_is_refused),
        cmocka_unit_test(a_text_cut_anywhere_is_refused),
        cmocka_unit_test(the_first_duplicate_is_named_with_both_lines),
        cmocka_unit_test(keys_of_different_objects_may_be_the_same),
        cmocka_unit_test(what_other_parsers_let_pass_is_refused),
        cmocka_unit_test(what_stands_in_the_way_is_shown),
        cmocka_unit_test(an_error_line_holds_no_control_characters),
        cmocka_unit_test(a_place_has_its_line),
        cmocka_unit_test(a_place_that_is_not_there_has_the_line_of_its_deepest_part),
        cmocka_unit_test(places_are_written_as_they_are_found),
        cmocka_unit_test(below_a_place_is_what_follows_it),
        cmocka_unit_test(a_member_that_is_of_another_kind_is_none),
        cmocka_unit_test(values_are_the_same_to_the_last_bit_and_whatever_the_order_of_keys),
        cmocka_unit_test(sorted_keys_leave_equal_values_with_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
