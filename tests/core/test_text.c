/* What comes from elsewhere and goes to a terminal: whatever it is made of, nothing in it is an
 * order to the terminal, and text stays what it was. */
#include "core/text.h"

#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20000, LENGTH = 40 };

static void expect_line(const char *given, const char *expected) {
    char text[256];
    strcpy(text, given);
    text_one_line(text);
    assert_string_equal(text, expected);
}

static void text_of_people_stays_as_it_is(void **state) {
    (void)state;
    static const char *const kept[] = {"",       "aug3_v2/flip+jitter,seed=1", "Größe ×2",
                                       "日本語", "\xf0\x9f\x98\x80",           "e\xcc\x81"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        expect_line(kept[i], kept[i]);
}

static void what_orders_a_terminal_becomes_a_question_mark(void **state) {
    (void)state;
    expect_line("\033[31mred\033[0m", "?[31mred?[0m");
    expect_line("\033]0;title\007", "?]0;title?");
    expect_line("a\rb\bc\177d", "a?b?c?d");
    expect_line("a\nb\tc", "a?b?c");
    expect_line("\xc2\x9b"
                "31m",
                "?31m"); /* CSI as one character, U+009B */
    expect_line("\x9b"
                "31m",
                "?31m"); /* and as one byte */
    expect_line("\xe2\x80\xae"
                "gpj.exe",
                "?gpj.exe");                   /* U+202E turns what follows round */
    expect_line("\xc3(\xf0\x9f\x98", "?(???"); /* broken UTF-8 */
}

static void the_middle_is_left_out_in_whole_characters(void **state) {
    (void)state;
    static const struct {
        const char *given;
        size_t kept;
        const char *left;
    } cases[] = {{"abcdef", 5,
                  "ab\xE2\x80\xA6"
                  "def"},
                 {"abcdef", 0, "\xE2\x80\xA6"},
                 {"", 0, "\xE2\x80\xA6"},
                 {"\xC3\xA9z\xC3\xA9", 4, "\xC3\xA9\xE2\x80\xA6\xC3\xA9"},
                 {"\xC3\xA9z\xC3\xA9", 3, "\xE2\x80\xA6\xC3\xA9"},
                 {"\xC3\xA9z\xC3\xA9", 2, "\xE2\x80\xA6"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *left = text_without_middle(cases[i].given, cases[i].kept);
        assert_non_null(left);
        assert_string_equal(left, cases[i].left);
        free(left);
    }
}

/* The ends of each row of table 3-7 of the Unicode standard, and what is next to them. */
static void utf8_is_what_unicode_calls_well_formed(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        unsigned long code; /* of all of the bytes; 0: not well formed */
    } cases[] = {{"\x7f", 0x7f},
                 {"\x80", 0},
                 {"\xc1\xbf", 0},
                 {"\xc2\x80", 0x80},
                 {"\xdf\xbf", 0x7ff},
                 {"\xe0\x9f\xbf", 0},
                 {"\xe0\xa0\x80", 0x800},
                 {"\xed\x9f\xbf", 0xd7ff},
                 {"\xed\xa0\x80", 0},
                 {"\xed\xbf\xbf", 0},
                 {"\xee\x80\x80", 0xe000},
                 {"\xf0\x8f\xbf\xbf", 0},
                 {"\xf0\x90\x80\x80", 0x10000},
                 {"\xf4\x8f\xbf\xbf", 0x10ffff},
                 {"\xf4\x90\x80\x80", 0},
                 {"\xf5\x80\x80\x80", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned long code = 0;
        size_t length = utf8_decode(cases[i].bytes, &code);
        assert_int_equal(length, cases[i].code != 0 ? strlen(cases[i].bytes) : 0);
        assert_int_equal(code, cases[i].code);
    }
}

/* RFC 4180. */
static void a_field_of_csv_is_quoted_where_it_must_be(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"", ""},
                                           {"a b", "a b"},
                                           {"a,b", "\"a,b\""},
                                           {"a\nb", "\"a\nb\""},
                                           {"a\rb", "\"a\rb\""},
                                           {"\"a\"", "\"\"\"a\"\"\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text = {0};
        text_csv_field(&text, cases[i][0]);
        assert_string_equal(text_string(&text), cases[i][1]);
        text_free(&text);
    }
}

static void what_is_not_seen_is_no_part_of_a_name(void **state) {
    (void)state;
    /* the joiner of an emoji and of Indic scripts, and marks above a letter, are */
    assert_true(text_printable("aug3_v2/flip+jitter,real x2,seed=1 \xf0\x9f\x91\xa9\xe2\x80\x8d"
                               "\xf0\x9f\x92\xbb e\xcc\x81"));
    static const char *const hidden[] = {
        "a\tb",         "\xc2\xad",     "\xd8\x9c",     "\xe2\x80\x8b",
        "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8", "\xe2\x80\xaa",
        "\xe2\x80\xae", "\xe2\x81\xa0", "\xe2\x81\xa6", "\xe2\x81\xa9",
        "\xef\xbb\xbf", "\xef\xbf\xb9", "\xff",         "\xc2",
    };
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_false(text_printable(hidden[i]));
    expect_line("a\xe2\x80\x8ez\xef\xbb\xbf", "a?z?");
}

static void a_word_for_a_shell_is_quoted_where_it_must_be(void **state) {
    (void)state;
    static const char *const words[][2] = {
        {"", "''"},
        {"/home/ann/demo_2,x=1+y@z:%-.", "/home/ann/demo_2,x=1+y@z:%-."},
        {"my demo", "'my demo'"},
        {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},
        {"$(x)`y`\"\\;~!*", "'$(x)`y`\"\\;~!*'"},
        {"ü", "'ü'"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct text text = {0};
        text_shell_word(&text, words[i][0]);
        assert_string_equal(text_string(&text), words[i][1]);
        text_free(&text);
    }
}

static void a_log_keeps_its_lines_and_tabs(void **state) {
    (void)state;
    char text[] = "epoch 1\tloss\r\n\033[2Jepoch 2\n";
    text_harmless(text);
    assert_string_equal(text, "epoch 1\tloss?\n?[2Jepoch 2\n");
}

static void json_says_the_same_with_its_control_characters_escaped(void **state) {
    (void)state;
    char *json = text_harmless_json("{\"a\": \"x\xc2\x9by\177z\xe2\x80\xae ü\"}");
    assert_string_equal(json, "{\"a\": \"x\\u009by\\u007fz\\u202e ü\"}");
    free(json);
    json = text_harmless_json("\"\xf3\xa0\x80\x81x\"");
    assert_string_equal(json, "\"\\udb40\\udc01x\""); /* json.dumps("\U000e0001x") */
    free(json);
}

/* Bytes of which every third is a part of something dangerous. */
static size_t draw(struct random_stream *draws, char text[LENGTH + 1]) {
    static const char *const parts[] = {"\033[", "\033]0;", "\xc2\x9b", "\x9b", "\xe2\x80\xae",
                                        "\xc2",  "\r",      "\n",       "ü",    "日"};
    size_t length = 0;
    while (length < LENGTH - 4) {
        if (random_below(draws, 3) > 0) {
            text[length++] = (char)(1 + random_below(draws, 255));
            continue;
        }
        const char *part = parts[random_below(draws, sizeof parts / sizeof parts[0])];
        memcpy(text + length, part, strlen(part));
        length += strlen(part);
    }
    text[length] = '\0';
    return length;
}

static void whatever_comes_nothing_is_left_that_a_terminal_obeys(void **state) {
    (void)state;
    struct random_stream draws;
    random_open(&draws, 1, RANDOM_SHUFFLE, 0, 0);
    for (int round = 0; round < ROUNDS; round++) {
        char text[LENGTH + 1], again[LENGTH + 1];
        size_t length = draw(&draws, text);
        text_one_line(text);
        assert_true(strlen(text) <= length);
        for (const char *at = text; *at != '\0';) {
            unsigned long code = 0;
            size_t bytes = utf8_decode(at, &code);
            assert_true(bytes > 0 && !text_controls(code));
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7f);
            at += bytes;
        }
        strcpy(again, text);
        text_one_line(again);
        assert_string_equal(again, text); /* once is enough */
    }
}

static void an_ending_is_no_longer_than_what_ends_in_it(void **state) {
    (void)state;
    assert_true(text_ends("a.png", ".png"));
    assert_true(text_ends(".png", ".png"));
    assert_true(text_ends("", ""));
    assert_false(text_ends("png", ".png"));
    assert_false(text_ends("a.png.", ".png"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_people_stays_as_it_is),
        cmocka_unit_test(what_orders_a_terminal_becomes_a_question_mark),
        cmocka_unit_test(the_middle_is_left_out_in_whole_characters),
        cmocka_unit_test(utf8_is_what_unicode_calls_well_formed),
        cmocka_unit_test(a_field_of_csv_is_quoted_where_it_must_be),
        cmocka_unit_test(what_is_not_seen_is_no_part_of_a_name),
        cmocka_unit_test(a_word_for_a_shell_is_quoted_where_it_must_be),
        cmocka_unit_test(a_log_keeps_its_lines_and_tabs),
        cmocka_unit_test(json_says_the_same_with_its_control_characters_escaped),
        cmocka_unit_test(an_ending_is_no_longer_than_what_ends_in_it),
        cmocka_unit_test(whatever_comes_nothing_is_left_that_a_terminal_obeys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
