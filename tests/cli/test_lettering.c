/* Words whose letters are in another font than the usual one, which here is a font of one black
 * letter, U+65E5, beside those of the system. */
#include "cli/lettering.h"

#include "core/shortage.h"
#include "tests/refusing.h"
#include "tests/temporary.h"

#include <fontconfig/fontconfig.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LETTER "\xE6\x97\xA5" /* U+65E5 */
#define OTHER "\xE6\x9C\xAC"  /* U+672C */
enum { SIZE = 16, WIDE = 200, HIGH = 40, BASE = 30 };

/* Before anything asks fontconfig: a configuration of our own, since the system's may leave out
 * fonts of pixels. */
static int configure(void **state) {
    if (temporary_make(state) != 0)
        return -1;
    char *path = temporary_path(state, "fonts.conf");
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return -1;
    fprintf(file,
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\"><fontconfig>"
            "<dir>/usr/share/fonts</dir><dir>" TEST_DATA "/fonts</dir><cachedir>%s</cachedir>"
            "<alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer>"
            "</alias></fontconfig>",
            (const char *)*state);
    fclose(file);
    setenv("FONTCONFIG_FILE", path, 1);
    free(path);
    return 0;
}

static cairo_t *paper(void) {
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDE, HIGH);
    cairo_t *cairo = cairo_create(surface);
    cairo_surface_destroy(surface);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    lettering_use(cairo, SIZE, false);
    return cairo;
}

/* How many pixels of the columns from `left` on are black; the whole letter has 256. */
static int black(cairo_t *cairo, double left) {
    cairo_surface_t *surface = cairo_get_target(cairo);
    int count = 0;
    cairo_surface_flush(surface);
    for (int y = 0; y < HIGH; y++)
        for (int x = (int)lround(left); x < (int)lround(left) + SIZE; x++) {
            uint32_t pixel;
            memcpy(&pixel,
                   cairo_image_surface_get_data(surface) +
                       y * cairo_image_surface_get_stride(surface) + 4 * x,
                   sizeof pixel);
            count += (pixel & 0xffffff) == 0;
        }
    return count;
}

static void a_letter_that_the_usual_font_lacks_comes_from_one_that_has_it(void **state) {
    (void)state;
    cairo_t *cairo = paper();
    const double before = lettering_width(cairo, "ab"), after = lettering_width(cairo, "cd");
    assert_true(before > 0);
    assert_true(fabs(lettering_width(cairo, LETTER) - SIZE) < 0.01);
    assert_true(
        fabs(lettering_width(cairo, "ab" LETTER LETTER "cd") - (before + 2 * SIZE + after)) < 0.01);
    lettering_show(cairo, 10, BASE, "ab" LETTER "cd");
    assert_int_equal(black(cairo, 10 + before), SIZE * SIZE);
    cairo_destroy(cairo);
}

static int asked; /* how often fontconfig was, by our own code */

FcPattern *__real_FcFontMatch(FcConfig *config, FcPattern *pattern, FcResult *result);
FcPattern *__wrap_FcFontMatch(FcConfig *config, FcPattern *pattern, FcResult *result);
FcPattern *__wrap_FcFontMatch(FcConfig *config, FcPattern *pattern, FcResult *result) {
    asked++;
    return __real_FcFontMatch(config, pattern, result);
}

static void fontconfig_is_asked_once_for_a_letter_however_often_it_comes(void **state) {
    (void)state;
    asked = 0;
    cairo_t *cairo = paper();
    for (int i = 0; i < 3; i++) {
        lettering_use(cairo, SIZE, true); /* in bold no test before has asked */
        assert_true(lettering_width(cairo, OTHER "a" LETTER OTHER) > 0);
        lettering_use(cairo, 2 * SIZE, true);
        assert_true(fabs(lettering_width(cairo, LETTER "b" LETTER) - 4 * SIZE -
                         lettering_width(cairo, "b")) < 0.01);
    }
    assert_int_equal(asked, 2);
    cairo_destroy(cairo);
}

static void a_letter_that_no_font_has_has_a_width_all_the_same(void **state) {
    (void)state;
    cairo_t *cairo = paper();
    assert_true(lettering_width(cairo, "\xF4\x8F\xBF\xBD") > 0); /* U+10FFFD, for private use */
    lettering_show(cairo, 10, BASE, "\xF4\x8F\xBF\xBD" LETTER);
    assert_int_equal(cairo_status(cairo), CAIRO_STATUS_SUCCESS);
    cairo_destroy(cairo);
}

static void what_is_no_utf8_ends_the_line_and_nothing_else(void **state) {
    (void)state;
    cairo_t *cairo = paper();
    lettering_show(cairo, 10, BASE,
                   "a\xFF"
                   "b");
    lettering_show(cairo, 100, BASE, LETTER);
    assert_int_equal(black(cairo, 100), SIZE * SIZE);
    cairo_destroy(cairo);
}

static void what_fits_keeps_its_beginning_and_its_end(void **state) {
    (void)state;
    cairo_t *cairo = paper();
    const double width = lettering_width(cairo, LETTER "a\xE2\x80\xA6wxyz");
    char *whole = lettering_fit(cairo, width, LETTER "ab"),
         *fitted = lettering_fit(cairo, width, LETTER "a" LETTER LETTER "mmmmwxyz");
    assert_string_equal(whole, LETTER "ab");
    assert_string_equal(fitted, LETTER "a\xE2\x80\xA6wxyz");
    free(whole);
    free(fitted);
    cairo_destroy(cairo);
}

static void words_that_there_was_no_memory_for_are_noted(void **state) {
    cairo_t *cairo = paper();
    (void)state;
    REFUSE_EACH(n) {
        char *shown = lettering_fit(cairo, WIDE, "ab");
        refuse_no_more();
        assert_true((shown != NULL && strcmp(shown, "ab") == 0) || shortage_ever());
        free(shown);
    }
    cairo_destroy(cairo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_that_the_usual_font_lacks_comes_from_one_that_has_it),
        cmocka_unit_test(fontconfig_is_asked_once_for_a_letter_however_often_it_comes),
        cmocka_unit_test(a_letter_that_no_font_has_has_a_width_all_the_same),
        cmocka_unit_test(what_is_no_utf8_ends_the_line_and_nothing_else),
        cmocka_unit_test(what_fits_keeps_its_beginning_and_its_end),
        cmocka_unit_test(words_that_there_was_no_memory_for_are_noted),
    };
    return cmocka_run_group_tests(tests, configure, temporary_remove);
}
