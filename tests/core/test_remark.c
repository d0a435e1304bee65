/* What is a tag and what is a note. */
#include "core/remark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void is_no_tag(const char *tag, const char *says) {
    struct error error = {0};
    assert_false(tag_check(tag, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void a_tag_is_letters_digits_and_four_signs(void **state) {
    (void)state;
    static const char *const tags[] = {"a", "keep", "v1.2_rc-3:final", "2026", "-", ":", "."};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        assert_true(tag_check(tags[i], NULL));
    static const char *const others[] = {"a b", "a,b", "+a", "é", "a\n", "a\"", "a/b", "\x1b[31m"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        is_no_tag(others[i], "is no tag");
    is_no_tag("", "empty");
}

static void a_tag_has_at_most_64_characters(void **state) {
    (void)state;
    char tag[TAG_BYTES_MAX + 2];
    memset(tag, 'x', sizeof tag);
    tag[TAG_BYTES_MAX + 1] = '\0';
    is_no_tag(tag, "has 65 characters");
    tag[TAG_BYTES_MAX] = '\0';
    assert_true(tag_check(tag, NULL));
}

static void is_no_note(const char *text, const char *says) {
    struct error error = {0};
    assert_false(note_check(text, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    if (strstr(error.message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void a_note_is_any_text_of_several_lines(void **state) {
    (void)state;
    assert_true(note_check("jitter was too strong:\n\t0.4, not 0.2", NULL));
    assert_true(note_check("größer als 0.5 → 日本語 😀", NULL));
    assert_true(note_check("-", NULL));
}

static void a_note_without_a_word_is_none(void **state) {
    (void)state;
    is_no_note("", "empty");
    is_no_note(" \n\t ", "empty");
}

static void what_orders_a_terminal_about_or_is_no_utf8_is_no_note(void **state) {
    (void)state;
    is_no_note("red \x1b[31m", "control character at byte 5");
    is_no_note("a\rb", "control character at byte 2");
    is_no_note("\x7f", "control character at byte 1");
    is_no_note("\xc2\x9b", "control character at byte 1");
    is_no_note("ab\xff", "not UTF-8 at byte 3");
    is_no_note("cut \xe2\x82", "not UTF-8 at byte 5");
}

static void a_note_has_at_most_4096_bytes(void **state) {
    (void)state;
    char text[NOTE_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    text[NOTE_BYTES_MAX + 1] = '\0';
    is_no_note(text, "has 4097 bytes");
    text[NOTE_BYTES_MAX] = '\0';
    assert_true(note_check(text, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_letters_digits_and_four_signs),
        cmocka_unit_test(a_tag_has_at_most_64_characters),
        cmocka_unit_test(a_note_is_any_text_of_several_lines),
        cmocka_unit_test(a_note_without_a_word_is_none),
        cmocka_unit_test(what_orders_a_terminal_about_or_is_no_utf8_is_no_note),
        cmocka_unit_test(a_note_has_at_most_4096_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
