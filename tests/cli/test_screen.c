/* Where lines are broken. */
#include "cli/screen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/cli/capture.h"

/* `rest`: behind a title of four columns. */
static void wraps(bool rest, size_t width, size_t indent, const char *text, const char *expected) {
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = width;
    if (rest) {
        fputs("key ", capture.screen.stream);
        screen_wrap_rest(&capture.screen, indent, text);
    } else
        screen_wrap(&capture.screen, indent, text);
    char *printed = capture_end(&capture);
    assert_string_equal(printed, expected);
    free(printed);
}

static void lines_are_broken_at_spaces_and_indented(void **state) {
    (void)state;
    wraps(false, 12, 2, "one two three four", "  one two\n  three four\n");
    wraps(false, 12, 2, "  größer 日本  x", "  größer\n  日本 x\n");
    wraps(false, 12, 0, "", "\n");
    wraps(false, 12, 2, "one two three\nfour five", "  one two\n  three\n  four five\n");
}

static void a_word_wider_than_the_line_has_one_of_its_own(void **state) {
    (void)state;
    wraps(false, 8, 2, "a abcdefghij b", "  a\n  abcdefghij\n  b\n");
    wraps(false, 2, 4, "a b", "    a\n    b\n");
}

static void what_follows_a_title_goes_on_below_its_beginning(void **state) {
    (void)state;
    wraps(true, 14, 4, "one two three", "key one two\n    three\n");
}

static void elsewhere_a_title_and_what_follows_are_one_line_and_prose_has_80_columns(void **state) {
    (void)state;
    static const char words[] = "twenty letters long. twenty letters long. twenty letters long. "
                                "twenty letters long";
    wraps(true, 0, 4, words,
          "key twenty letters long. twenty letters long. twenty letters long. "
          "twenty letters long\n");
    wraps(false, 0, 0, words,
          "twenty letters long. twenty letters long. twenty letters long. twenty letters\n"
          "long\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_broken_at_spaces_and_indented),
        cmocka_unit_test(a_word_wider_than_the_line_has_one_of_its_own),
        cmocka_unit_test(what_follows_a_title_goes_on_below_its_beginning),
        cmocka_unit_test(elsewhere_a_title_and_what_follows_are_one_line_and_prose_has_80_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
