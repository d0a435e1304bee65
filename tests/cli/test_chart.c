#include "cli/chart.h"

#include "core/file.h"
#include "core/image.h"
#include "tests/temporary.h"
#include "tests/values.h"

static void a_value_lands_in_proportion_between_the_ends_of_its_axis(void **state) {
    (void)state;
    const struct chart_scale x = {.ticks = {.low = 0, .high = 10}, .from = 100, .to = 300};
    const struct chart_scale y = {
        .ticks = {.low = 1e-4, .high = 1}, .logarithmic = true, .from = 400, .to = 0};
    assert_near(chart_place(&x, 0), 100, 1e-9);
    assert_near(chart_place(&x, 2.5), 150, 1e-9);
    assert_near(chart_place(&x, 10), 300, 1e-9);
    assert_near(chart_place(&y, 1e-4), 400, 1e-9);
    assert_near(chart_place(&y, 1e-2), 200, 1e-9);
    assert_near(chart_place(&y, 1), 0, 1e-9);
}

/* A chart of one line with a gap, as SVG. */
static char *svg_with(const double *y, size_t count, long marked, struct chart_axis y_axis) {
    const double x[] = {1, 2, 3, 4, 5};
    const struct chart_line line = {.x = x,
                                    .y = y,
                                    .count = count,
                                    .pen = {.tint = TINT_FIRST, .width = 2, .opacity = 1},
                                    .marked = marked};
    const struct chart chart = {
        .title = "Loss & <more>",
        .x = {.label = "epoch", .scale = SCALE_WHOLE, .low = 1},
        .y = y_axis,
        .lines = &line,
        .line_count = 1,
        .empty = "nothing reported",
    };
    struct drawing *drawing = drawing_new(500, 300);
    struct text text = {0};
    chart_draw(drawing, &chart, 0, 0, 500, 300);
    drawing_svg(drawing, "sample", &text);
    drawing_free(drawing);
    return text_take(&text);
}

static char *sample_svg(const double *y, size_t count) {
    return svg_with(y, count, 1, (struct chart_axis){.label = "nats", .low = 1});
}

static size_t occurrences(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

static void svg_has_words_as_escaped_text(void **state) {
    (void)state;
    char *svg = sample_svg((const double[]){0.5, 0.4, 0.45, 0.3, 0.2}, 5);
    assert_non_null(strstr(svg, "<title>sample</title>"));
    assert_non_null(strstr(svg, ">Loss &amp; &lt;more&gt;</text>"));
    assert_non_null(strstr(svg, ">epoch</text>"));
    assert_non_null(strstr(svg, ">nats</text>"));
    assert_non_null(strstr(svg, ">0.5</text>"));
    free(svg);
}

static void a_value_that_is_not_finite_parts_the_line(void **state) {
    (void)state;
    char *whole = sample_svg((const double[]){0.5, 0.4, 0.45, 0.3, 0.2}, 5);
    char *parted = sample_svg((const double[]){0.5, 0.4, NAN, 0.3, 0.2}, 5);
    char *alone = sample_svg((const double[]){0.5, 0.4, NAN, 0.3, NAN}, 5);
    size_t lines = occurrences(whole, "stroke-width=\"2\" points");
    assert_int_equal(lines, 1);
    assert_int_equal(occurrences(parted, "stroke-width=\"2\" points"), 2);
    assert_int_equal(occurrences(alone, "stroke-width=\"2\" points"), 1);
    assert_int_equal(occurrences(whole, "<circle"), 1);
    assert_int_equal(occurrences(alone, "<circle"), 2);
    free(whole);
    free(parted);
    free(alone);
}

static void what_is_not_positive_parts_the_line_on_a_logarithmic_axis_alone(void **state) {
    (void)state;
    const double y[] = {0.5, 0.4, 0, 0.3, 0.2};
    const struct chart_axis axis = {.label = "nats", .scale = SCALE_LOG, .low = 1};
    char *linear = sample_svg(y, 5), *logarithmic = svg_with(y, 5, 2, axis);
    assert_int_equal(occurrences(linear, "stroke-width=\"2\" points"), 1);
    assert_int_equal(occurrences(logarithmic, "stroke-width=\"2\" points"), 2);
    assert_int_equal(occurrences(logarithmic, "<circle"), 0); /* nor has it a mark */
    free(linear);
    free(logarithmic);
}

/* 5e-324 is the least number of all, which many halvings of a learning rate come to. */
static void what_no_axis_reaches_parts_the_line(void **state) {
    (void)state;
    const double y[] = {1e-4, 1e-200, 5e-324, 1e-250, 1.7e308};
    const struct chart_axis axis = {.label = "rate", .scale = SCALE_LOG, .low = 1};
    char *linear = sample_svg((const double[]){0.5, 0.4, 1.7e308, 0.3, 0.2}, 5),
         *logarithmic = svg_with(y, 5, -1, axis);
    assert_int_equal(occurrences(linear, "stroke-width=\"2\" points"), 2);
    assert_non_null(strstr(linear, ">0.5</text>"));
    assert_int_equal(occurrences(logarithmic, "stroke-width=\"2\" points"), 1);
    assert_int_equal(occurrences(logarithmic, "<circle"), 1);
    assert_null(strstr(logarithmic, "nan"));
    free(linear);
    free(logarithmic);
}

static void a_line_is_marked_where_it_is_asked_to(void **state) {
    (void)state;
    const double y[] = {0.5, 0.4, 0.45, 0.3, 0.2};
    const struct chart_axis axis = {.label = "nats", .low = 1};
    char *without = svg_with(y, 5, -1, axis), *first = svg_with(y, 5, 0, axis);
    assert_int_equal(occurrences(without, "<circle"), 0);
    assert_int_equal(occurrences(first, "<circle"), 1);
    free(without);
    free(first);
}

static void the_ends_of_an_axis_are_those_of_its_values(void **state) {
    (void)state;
    /* of negative values alone, too: nothing is taken from where the ranges began */
    char *svg = sample_svg((const double[]){-0.5, -0.4, -0.45, -0.3, -0.2}, 5);
    assert_non_null(strstr(svg, ">-0.5</text>"));
    assert_null(strstr(svg, ">0.0</text>"));
    free(svg);
}

/* The second of five epochs is a quarter of the way from 78 to 500 pixels, the third half of it. */
static void what_has_no_point_at_its_end_is_as_long_as_it_is(void **state) {
    (void)state;
    char *svg = sample_svg((const double[]){NAN, 0.4, 0.45, NAN, NAN}, 5);
    assert_non_null(strstr(svg, " points=\"183.50,"));
    assert_non_null(strstr(svg, " 289.00,"));
    assert_non_null(strstr(svg, ">1</text>"));
    assert_non_null(strstr(svg, ">5</text>"));
    free(svg);
}

/* An axis goes from 78 pixels to the right end, and from the foot of 46 to below the title's 30. */
static void names_of_axes_stand_in_their_middle(void **state) {
    (void)state;
    char *svg = sample_svg((const double[]){0.5, 0.4, 0.45, 0.3, 0.2}, 5);
    assert_non_null(strstr(svg, "x=\"289.00\" y=\"292.00\"")); /* (78 + 500) / 2 */
    assert_non_null(strstr(svg, "rotate(-90 12.00 142.00)"));  /* (254 + 30) / 2 */
    free(svg);
}

static void a_chart_without_a_point_says_so(void **state) {
    (void)state;
    char *svg = sample_svg((const double[]){NAN}, 1);
    assert_non_null(strstr(svg, ">nothing reported</text>"));
    assert_int_equal(occurrences(svg, "<polyline"), 0);
    free(svg);
}

/* U+FFFD is the last of its plane that an XML parser takes. */
static void svg_leaves_out_what_xml_has_no_place_for(void **state) {
    (void)state;
    struct text text = {0};
    drawing_escape(&text, "a\xef\xbf\xbd\xef\xbf\xbe\xef\xbf\xbf\x1b\xff"
                          "b");
    assert_string_equal(text_string(&text), "a\xef\xbf\xbd"
                                            "b");
    text_free(&text);
}

static void a_long_name_loses_its_middle_and_no_half_character(void **state) {
    (void)state;
    struct drawing *drawing = drawing_new(100, 100);
    const struct words words = {.size = 12};
    struct text text = {0};
    drawing_fitted(drawing, &words, 0, 0, 60, "größer größer größer größer größer");
    drawing_svg(drawing, "", &text);
    const char *svg = text_string(&text);
    assert_non_null(strstr(svg, "…"));
    for (const char *at = svg; *at != '\0';) {
        unsigned long code;
        size_t length = utf8_decode(at, &code);
        assert_true(length > 0);
        at += length;
    }
    text_free(&text);
    drawing_free(drawing);
}

static void png_has_the_size_of_the_drawing_and_its_colours(void **state) {
    struct error error = {0};
    struct image image;
    char *path = temporary_path(state, "p.png"), *data;
    size_t length;
    struct drawing *drawing = drawing_new(120, 80);
    const struct pen pen = {.tint = TINT_FIRST, .width = 1, .opacity = 1};
    drawing_box(drawing, &pen, 10, 20, 30, 40);
    assert_true(drawing_write(drawing, path, "t", &error));
    drawing_free(drawing);
    assert_true(file_read(path, 1 << 20, &data, &length, &error));
    assert_true(png_decode((const uint8_t *)data, length, path, &image, &error));
    assert_int_equal(image.width, 120);
    assert_int_equal(image.height, 80);
    const uint8_t inside[] = {0x00, 0x72, 0xb2}, outside[] = {255, 255, 255};
    assert_memory_equal(image.pixels + 3 * (ptrdiff_t)(40 * 120 + 20), inside, 3);
    assert_memory_equal(image.pixels + 3 * (ptrdiff_t)(40 * 120 + 50), outside, 3);
    image_free(&image);
    free(data);
    free(path);
}

static void a_path_is_taken_by_its_ending(void **state) {
    (void)state;
    assert_true(drawing_takes("a.png"));
    assert_true(drawing_takes("dir/b.SVG"));
    assert_false(drawing_takes("a.pdf"));
    assert_false(drawing_takes(".svg"));
    assert_false(drawing_takes("png"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_lands_in_proportion_between_the_ends_of_its_axis),
        cmocka_unit_test(svg_has_words_as_escaped_text),
        cmocka_unit_test(svg_leaves_out_what_xml_has_no_place_for),
        cmocka_unit_test(a_value_that_is_not_finite_parts_the_line),
        cmocka_unit_test(what_is_not_positive_parts_the_line_on_a_logarithmic_axis_alone),
        cmocka_unit_test(what_no_axis_reaches_parts_the_line),
        cmocka_unit_test(a_line_is_marked_where_it_is_asked_to),
        cmocka_unit_test(the_ends_of_an_axis_are_those_of_its_values),
        cmocka_unit_test(what_has_no_point_at_its_end_is_as_long_as_it_is),
        cmocka_unit_test(names_of_axes_stand_in_their_middle),
        cmocka_unit_test(a_chart_without_a_point_says_so),
        cmocka_unit_test(a_long_name_loses_its_middle_and_no_half_character),
        cmocka_unit_test_setup_teardown(png_has_the_size_of_the_drawing_and_its_colours,
                                        temporary_make, temporary_remove),
        cmocka_unit_test(a_path_is_taken_by_its_ending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
