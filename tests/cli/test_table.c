#include "cli/table.h"

#include "tests/cli/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct column columns[] = {
    {"name", COLUMN_ELASTIC}, {"count", COLUMN_RIGHT}, {"note", COLUMN_LEFT}};

static void fill(struct table *table) {
    table_add(table, "%s", "short");
    table_add(table, "%d", 7);
    table_add(table, "%s", "a");
    table_add(table, "%s", "a much longer name");
    table_add(table, "%d", 123456);
    table_add(table, "%s", "");
}

static void numbers_stand_right_and_no_line_ends_in_spaces(void **state) {
    (void)state;
    struct table table = TABLE_OF(columns);
    struct capture capture;
    capture_begin(&capture);
    fill(&table);
    table_print(&table, &capture.screen, 2);
    char *text = capture_end(&capture);
    assert_string_equal(text, "  name                 count  note\n"
                              "  short                    7  a\n"
                              "  a much longer name  123456\n");
    free(text);
    table_free(&table);
}

static void a_narrow_screen_cuts_the_elastic_column_alone(void **state) {
    (void)state;
    struct table table = TABLE_OF(columns);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = 28; /* the table needs 32 */
    fill(&table);
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "name             count  note\n"
                              "short                7  a\n"
                              "a much longer…  123456\n");
    free(text);
    table_free(&table);
}

static void of_a_name_that_is_too_long_the_middle_is_cut(void **state) {
    (void)state;
    static const struct column two[] = {{"id", COLUMN_RIGHT}, {"name", COLUMN_NAME}};
    struct table table = TABLE_OF(two);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = 20;
    table_add(&table, "1");
    table_add(&table, "%s", "größe/flip,seed=0,lr=0.0002");
    table_add(&table, "2");
    table_add(&table, "%s", "größe/flip,a=0.1");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "id  name\n"
                              " 1  größe/fl…=0.0002\n"
                              " 2  größe/flip,a=0.1\n");
    free(text);
    table_free(&table);
}

static void of_several_elastic_columns_the_widest_is_cut_first(void **state) {
    (void)state;
    static const struct column two[] = {
        {"name", COLUMN_ELASTIC}, {"n", COLUMN_RIGHT}, {"tags", COLUMN_ELASTIC}};
    struct table table = TABLE_OF(two);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = 35; /* 30 columns for the three, when both of them give */
    table_add(&table, "twenty letters long,");
    table_add(&table, "1");
    table_add(&table, "seventeen of them");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "name             n  tags\n"
                              "twenty letters…  1  seventeen of t…\n");
    free(text);
    table_free(&table);
}

/* {"id", spare "loss", "name", spare "age"}: 2 + 6 + 24 + 3 columns and the gaps are 41. */
static void print_spare(size_t width, const char *expected) {
    static const struct column four[] = {{"id", COLUMN_RIGHT},
                                         {"loss", COLUMN_RIGHT | COLUMN_SPARE},
                                         {"name", COLUMN_ELASTIC},
                                         {"age", COLUMN_RIGHT | COLUMN_SPARE}};
    struct table table = TABLE_OF(four);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = width;
    table_add(&table, "7");
    table_add(&table, "0.5000");
    table_add(&table, "a name of 24 characters.");
    table_add(&table, "9s");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, expected);
    free(text);
    table_free(&table);
}

static void spare_columns_go_the_last_first_before_a_long_one_gets_too_narrow(void **state) {
    (void)state;
    print_spare(0, "id    loss  name                      age\n"
                   " 7  0.5000  a name of 24 characters.   9s\n");
    print_spare(37, "id    loss  name                  age\n"
                    " 7  0.5000  a name of 24 charac…   9s\n");
    print_spare(36, "id    loss  name\n"
                    " 7  0.5000  a name of 24 characters.\n");
    print_spare(31, "id  name\n"
                    " 7  a name of 24 characters.\n");
    print_spare(20, "id  name\n"
                    " 7  a name of 24 ch…\n");
}

/* {"id", first to go "tags", "name", later "epoch", then "loss", last "acc."}: with a name of 12
 * columns 2 + 4 + 12 + 5 + 4 + 4 and five gaps are 41. */
static void print_minor(size_t width, const char *expected) {
    static const struct column six[] = {{"id", COLUMN_RIGHT},
                                        {"tags", COLUMN_LEFT | COLUMN_MINOR_FIRST},
                                        {"name", COLUMN_NAME},
                                        {"epoch", COLUMN_RIGHT | COLUMN_MINOR_LAST},
                                        {"loss", COLUMN_RIGHT | COLUMN_MINOR},
                                        {"acc.", COLUMN_RIGHT | COLUMN_MINOR}};
    struct table table = TABLE_OF(six);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = width;
    table_heading(&table, STYLE_PLAIN, "a heading that names seed=2");
    table_add(&table, "7");
    table_add(&table, "kept");
    table_add(&table, "augmentations,seed=2");
    table_add(&table, "3/9");
    table_add(&table, "0.25");
    table_add(&table, "0.75");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, expected);
    free(text);
    table_free(&table);
}

static void minor_columns_go_in_their_order_before_a_long_one_cannot_be_read(void **state) {
    (void)state;
    print_minor(0, "id  tags  name                  epoch  loss  acc.\n"
                   "a heading that names seed=2\n"
                   " 7  kept  augmentations,seed=2    3/9  0.25  0.75\n");
    print_minor(41, "id  tags  name          epoch  loss  acc.\n"
                    "a heading that names seed=2\n"
                    " 7  kept  augmen…eed=2    3/9  0.25  0.75\n");
    print_minor(40, "id  name               epoch  loss  acc.\n"
                    "a heading that names seed=2\n"
                    " 7  augmenta…s,seed=2    3/9  0.25  0.75\n");
    print_minor(29, "id  name          epoch  loss\n"
                    "a heading that names seed=2\n"
                    " 7  augmen…eed=2    3/9  0.25\n");
    print_minor(23, "id  name          epoch\n"
                    "a heading t…ames seed=2\n"
                    " 7  augmen…eed=2    3/9\n");
    print_minor(22, "id  name\n"
                    "a heading t…mes seed=2\n"
                    " 7  augmentat…s,seed=2\n");
}

static void at_last_gaps_and_long_columns_are_tight_where_that_helps(void **state) {
    (void)state;
    print_minor(15, "id name\n"
                    "a headi… seed=2\n"
                    " 7 augmen…eed=2\n");
    print_minor(9, "id name\n"
                   "a he…ed=2\n"
                   " 7 aug…=2\n");
    print_minor(8, "id  name\n" /* that does not */
                   "a he…d=2\n"
                   " 7  augmen…eed=2\n");
}

static void a_title_is_broken_where_the_terminal_ends_and_stands_over_no_empty_table(void **state) {
    (void)state;
    struct table table = TABLE_OF(columns);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = 34;
    table_print_titled(&table, &capture.screen, "Nothing");
    fill(&table);
    table_print_titled(&table, &capture.screen, "What there is, by name, and how much of it");
    char *text = capture_end(&capture);
    assert_string_equal(text, "\nWhat there is, by name, and how\nmuch of it\n"
                              "name                 count  note\n"
                              "short                    7  a\n"
                              "a much longer name  123456\n");
    free(text);
    table_free(&table);
}

static void columns_are_as_wide_as_their_text_looks_not_as_its_bytes(void **state) {
    (void)state;
    static const struct column two[] = {{"spread", COLUMN_RIGHT}, {"next", COLUMN_LEFT}};
    struct table table = TABLE_OF(two);
    struct capture capture;
    capture_begin(&capture);
    table_add(&table, "%.4f ± %.4f", 0.9942, 0.0012);
    table_add(&table, "%s", "a");
    table_add(&table, "%s", "人脸"); /* two columns each */
    table_add(&table, "%s", "b");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "         spread  next\n"
                              "0.9942 ± 0.0012  a\n"
                              "           人脸  b\n");
    free(text);
    table_free(&table);
}

static void a_heading_goes_across_without_widening_a_column(void **state) {
    (void)state;
    struct table table = TABLE_OF(columns);
    struct capture capture;
    capture_begin(&capture);
    table_heading(&table, STYLE_BOLD, "a heading much wider than its column");
    fill(&table);
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "name                 count  note\n"
                              "a heading much wider than its column\n"
                              "short                    7  a\n"
                              "a much longer name  123456\n");
    free(text);
    table_free(&table);
}

static void what_goes_in_front_of_a_line_is_taken_from_the_terminal_s_width(void **state) {
    (void)state;
    static const struct column two[] = {{"id", COLUMN_RIGHT}, {"note", COLUMN_ELASTIC}};
    struct table table = TABLE_OF(two);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.width = 20;
    table_add(&table, "1");
    table_add(&table, "one that is too long for it");
    table_print(&table, &capture.screen, 4);
    char *text = capture_end(&capture);
    assert_string_equal(text, "    id  note\n"
                              "     1  one that is…\n");
    free(text);
    table_free(&table);
}

static void colours_stand_around_the_text_and_change_no_width(void **state) {
    (void)state;
    static const struct column two[] = {{"state", COLUMN_LEFT}, {"n", COLUMN_RIGHT}};
    struct table table = TABLE_OF(two);
    struct capture capture;
    capture_begin(&capture);
    capture.screen.colour = true;
    table_add_styled(&table, STYLE_BAD, "failed");
    table_add(&table, "1");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "\033[1mstate\033[0m   \033[1mn\033[0m\n"
                              "\033[31mfailed\033[0m  1\n");
    free(text);
    table_free(&table);
}

static void control_characters_in_names_do_not_reach_the_terminal(void **state) {
    (void)state;
    static const struct column one[] = {{"name", COLUMN_LEFT}};
    struct table table = TABLE_OF(one);
    struct capture capture;
    capture_begin(&capture);
    table_add(&table, "%s", "a\033[2J\nb\xff");
    table_print(&table, &capture.screen, 0);
    char *text = capture_end(&capture);
    assert_string_equal(text, "name\na?[2J?b?\n");
    free(text);
    table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_right_and_no_line_ends_in_spaces),
        cmocka_unit_test(a_narrow_screen_cuts_the_elastic_column_alone),
        cmocka_unit_test(of_a_name_that_is_too_long_the_middle_is_cut),
        cmocka_unit_test(of_several_elastic_columns_the_widest_is_cut_first),
        cmocka_unit_test(spare_columns_go_the_last_first_before_a_long_one_gets_too_narrow),
        cmocka_unit_test(minor_columns_go_in_their_order_before_a_long_one_cannot_be_read),
        cmocka_unit_test(at_last_gaps_and_long_columns_are_tight_where_that_helps),
        cmocka_unit_test(a_title_is_broken_where_the_terminal_ends_and_stands_over_no_empty_table),
        cmocka_unit_test(columns_are_as_wide_as_their_text_looks_not_as_its_bytes),
        cmocka_unit_test(a_heading_goes_across_without_widening_a_column),
        cmocka_unit_test(what_goes_in_front_of_a_line_is_taken_from_the_terminal_s_width),
        cmocka_unit_test(colours_stand_around_the_text_and_change_no_width),
        cmocka_unit_test(control_characters_in_names_do_not_reach_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
