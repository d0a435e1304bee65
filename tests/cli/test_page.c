#include "cli/page.h"

#include "tests/values.h"

#include <stdlib.h>
#include <string.h>

static void assert_row(const struct page *page, size_t row, const char *expected) {
    char *text = page_row(page, row);
    assert_string_equal(text, expected);
    free(text);
}

static void text_stands_where_it_was_put_and_is_cut_to_its_width(void **state) {
    (void)state;
    struct page page;
    assert_true(page_new(&page, 2, 12));
    assert_int_equal(page_text(&page, 0, 2, 5, STYLE_PLAIN, "abc"), 5);
    assert_int_equal(page_text(&page, 1, 0, 6, STYLE_BOLD, "abcdefgh"), 6);
    assert_row(&page, 0, "  abc");
    assert_row(&page, 1, "abcde…");
    assert_int_equal(page_at(&page, 1, 5)->style, STYLE_BOLD);
    assert_int_equal(page_at(&page, 1, 6)->style, STYLE_PLAIN);
    page_free(&page);
}

static void words_go_on_below_where_the_row_ends_and_a_long_one_is_cut(void **state) {
    (void)state;
    struct page page;
    assert_true(page_new(&page, 5, 10));
    assert_int_equal(page_wrap(&page, 0, 2, STYLE_PLAIN, "ab ▲d fg over incomprehensible z"), 4);
    assert_row(&page, 0, "  ab ▲d fg");
    assert_row(&page, 1, "  over");
    assert_row(&page, 2, "  incompr…");
    assert_row(&page, 3, "  z");
    assert_row(&page, 4, "");
    page_free(&page);
}

static void what_lies_outside_is_left_out(void **state) {
    (void)state;
    struct page page;
    assert_true(page_new(&page, 1, 4));
    page_text(&page, 0, 2, 10, STYLE_PLAIN, "abcdef");
    page_text(&page, 1, 0, 4, STYLE_PLAIN, "below");
    page_text(&page, 0, 9, 4, STYLE_PLAIN, "right");
    page_format(&page, 0, 9, STYLE_PLAIN, "%s", "right");
    assert_int_equal(page_text(&page, 0, 0, 0, STYLE_PLAIN, "nothing"), 0);
    assert_row(&page, 0, "  ab");
    assert_null(page_at(&page, 1, 0));
    assert_null(page_at(&page, 0, 4));
    page_free(&page);
}

static void wide_characters_take_two_cells_and_combining_ones_none(void **state) {
    (void)state;
    struct page page;
    assert_true(page_new(&page, 2, 10));
    assert_int_equal(page_text(&page, 0, 0, 10, STYLE_PLAIN, "顔e\xCC\x81x\tz"), 6);
    assert_row(&page, 0, "顔e\xCC\x81x?z");
    assert_string_equal(page_at(&page, 0, 0)->text, "顔");
    assert_string_equal(page_at(&page, 0, 1)->text, "");
    assert_string_equal(page_at(&page, 0, 2)->text, "e\xCC\x81");
    page_text(&page, 0, 2, 1, STYLE_PLAIN, "e");
    assert_row(&page, 0, "顔ex?z");
    page_text(&page, 0, 9, 2, STYLE_PLAIN, "顔");
    assert_string_equal(page_at(&page, 1, 0)->text, " ");
    page_free(&page);
}

static void a_cell_has_no_more_combining_characters_than_it_has_room_for(void **state) {
    (void)state;
    struct page page;
    static const char many[] = "\xC3\xA9" /* of two bytes, as what combines with it */
                               "\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81\xCC\x81";
    assert_true(page_new(&page, 1, 2));
    page_text(&page, 0, 0, 1, STYLE_PLAIN, many);
    assert_int_equal(strlen(page_at(&page, 0, 0)->text), PAGE_CELL - 2);
    assert_string_equal(page_at(&page, 0, 1)->text, " ");
    page_free(&page);
}

static void a_row_can_be_reversed(void **state) {
    (void)state;
    struct page page;
    assert_true(page_new(&page, 2, 3));
    page_reverse(&page, 1);
    page_reverse(&page, 7);
    assert_false(page_at(&page, 0, 2)->reversed);
    assert_true(page_at(&page, 1, 0)->reversed && page_at(&page, 1, 2)->reversed);
    page_free(&page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_stands_where_it_was_put_and_is_cut_to_its_width),
        cmocka_unit_test(words_go_on_below_where_the_row_ends_and_a_long_one_is_cut),
        cmocka_unit_test(what_lies_outside_is_left_out),
        cmocka_unit_test(wide_characters_take_two_cells_and_combining_ones_none),
        cmocka_unit_test(a_cell_has_no_more_combining_characters_than_it_has_room_for),
        cmocka_unit_test(a_row_can_be_reversed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
