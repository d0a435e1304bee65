#include "cli/braille.h"

#include "core/text.h"
#include "tests/values.h"

#include <stdlib.h>

/* All rows with "|" after each. */
static char *drawn(const struct braille *braille) {
    struct text text = {0};
    for (size_t row = 0; row < braille->rows; row++) {
        for (size_t column = 0; column < braille->columns; column++) {
            char cell[BRAILLE_CELL];
            braille_cell(braille, column, row, cell);
            text_add(&text, cell, strlen(cell));
        }
        text_add(&text, "|", 1);
    }
    return text_take(&text);
}

static void assert_drawn(const struct braille *braille, const char *expected) {
    char *text = drawn(braille);
    assert_string_equal(text, expected);
    free(text);
}

static void a_rising_line_is_a_diagonal_of_dots(void **state) {
    (void)state;
    static const double values[] = {0, 1, 2, 3};
    struct braille braille;
    assert_true(braille_new(&braille, 2, 1));
    braille_curve(&braille, values, 4, 4, 0, 3, 1);
    /* dots 7 and 6 (lower left, third right), then 2 and 4: U+2860, U+280A */
    assert_drawn(&braille, "⡠⠊|");
    braille_free(&braille);
}

static void every_dot_of_a_cell_has_its_bit(void **state) {
    (void)state;
    static const char *const cells[] = {"⡀", "⠄", "⠂", "⠁"};
    for (int i = 0; i < 4; i++) {
        double value = i;
        struct braille braille;
        assert_true(braille_new(&braille, 1, 1));
        braille_curve(&braille, &value, 1, 1, 0, 3, 1);
        char cell[BRAILLE_CELL];
        braille_cell(&braille, 0, 0, cell);
        assert_string_equal(cell, cells[i]);
        braille_free(&braille);
    }
}

static void a_steep_line_has_no_holes(void **state) {
    (void)state;
    static const double values[] = {0, 7};
    struct braille braille;
    assert_true(braille_new(&braille, 1, 2));
    braille_curve(&braille, values, 2, 2, 0, 7, 1);
    unsigned dots = 0;
    for (int i = 0; i < 2; i++)
        dots += (unsigned)__builtin_popcount(braille.dots[i]);
    assert_int_equal(dots, 8);
    braille_free(&braille);
}

static void what_is_no_number_or_beyond_leaves_a_gap(void **state) {
    (void)state;
    static const double values[] = {0, NAN, 0, 9, 0, -1};
    struct braille braille;
    assert_true(braille_new(&braille, 3, 1));
    braille_curve(&braille, values, 6, 6, 0, 3, 1);
    assert_drawn(&braille, "⡀⡀⡀|");
    braille_free(&braille);
}

static void a_curve_that_has_begun_takes_its_part_of_the_width(void **state) {
    (void)state;
    static const double values[] = {1, 1, 1};
    struct braille braille;
    assert_true(braille_new(&braille, 4, 1));
    braille_curve(&braille, values, 3, 8, 0, 1, 1);
    assert_drawn(&braille, "⠉⠁  |");
    assert_int_equal(braille_column(&braille, 7, 8), 3);
    assert_int_equal(braille_column(&braille, 0, 1), 0);
    braille_free(&braille);
}

static void the_last_curve_owns_the_cell(void **state) {
    (void)state;
    static const double low = 0, high = 1;
    struct braille braille;
    assert_true(braille_new(&braille, 1, 1));
    braille_curve(&braille, &low, 1, 1, 0, 1, 1);
    braille_curve(&braille, &high, 1, 1, 0, 1, 2);
    assert_drawn(&braille, "⡁|");
    assert_int_equal(braille.curves[0], 2);
    braille_free(&braille);
}

static void equal_values_stand_in_the_middle(void **state) {
    (void)state;
    static const double values[] = {5, 5};
    struct braille braille;
    assert_true(braille_new(&braille, 1, 1));
    braille_curve(&braille, values, 2, 2, 5, 5, 1);
    assert_drawn(&braille, "⠤|");
    braille_free(&braille);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rising_line_is_a_diagonal_of_dots),
        cmocka_unit_test(every_dot_of_a_cell_has_its_bit),
        cmocka_unit_test(a_steep_line_has_no_holes),
        cmocka_unit_test(what_is_no_number_or_beyond_leaves_a_gap),
        cmocka_unit_test(a_curve_that_has_begun_takes_its_part_of_the_width),
        cmocka_unit_test(the_last_curve_owns_the_cell),
        cmocka_unit_test(equal_values_stand_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
