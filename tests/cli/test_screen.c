/* Where lines are broken. */
#include "cli/screen.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void squeezes(const char *text, size_t width, const char *expected) {
    char *squeezed = screen_squeeze(text, width);
    assert_string_equal(squeezed, expected);
    free(squeezed);
}

static void a_letter_of_two_columns_that_would_not_fit_is_left_out(void **state) {
    (void)state;
    squeezes("längs日本", 9, "längs日本");
    squeezes("längs日本", 8, "läng…本");
    squeezes("längs日本", 6, "län…本");
    squeezes("a日本 is so", 4, "a…o");
    squeezes("a cafe\xCC\x81", 5, "a …fe\xCC\x81"); /* with an accent of no column */
    squeezes("a cafe\xCC\x81s", 4, "a …s");
}

/* With TERM as it is now: what is written to a new terminal to draw a line twice. */
static void draws_twice(bool redraws, const char *expected) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    char written[64] = "";
    size_t length = 0;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    FILE *terminal = fopen(ptsname(master), "r+");
    assert_non_null(terminal);
    struct screen screen = screen_of(terminal);
    assert_true(screen.terminal);
    assert_int_equal(screen.redraws, redraws);
    assert_int_equal(screen.colour, redraws);
    screen_live(&screen, "one\n");
    screen_live(&screen, "two\n");
    fputs("end\n", terminal);
    fflush(terminal);
    while (strstr(written, "end") == NULL) { /* it may come in parts */
        ssize_t got = read(master, written + length, sizeof written - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
    }
    assert_string_equal(written, expected);
    fclose(terminal);
    close(master);
}

static void a_dumb_terminal_has_no_lines_redrawn_and_no_colours(void **state) {
    (void)state;
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    draws_twice(true, "one\r\n\033[1A\033[Jtwo\r\nend\r\n");
    setenv("TERM", "dumb", 1);
    draws_twice(false, "end\r\n");
    unsetenv("TERM");
    draws_twice(false, "end\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_broken_at_spaces_and_indented),
        cmocka_unit_test(a_word_wider_than_the_line_has_one_of_its_own),
        cmocka_unit_test(what_follows_a_title_goes_on_below_its_beginning),
        cmocka_unit_test(elsewhere_a_title_and_what_follows_are_one_line_and_prose_has_80_columns),
        cmocka_unit_test(a_letter_of_two_columns_that_would_not_fit_is_left_out),
        cmocka_unit_test(a_dumb_terminal_has_no_lines_redrawn_and_no_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
