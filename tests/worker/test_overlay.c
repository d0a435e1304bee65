#include "worker/overlay.h"

#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 40, HEIGHT = 20 };

/* A picture of one colour with a map laid over it that has two values in its last row. */
static void draw(const uint8_t colour[3], float left, float right, struct image *overlay) {
    struct image seen;
    struct error error = {0};
    const float map[6] = {0, 0, 0, 0, left, right};
    assert_true(image_new(&seen, WIDTH, HEIGHT, &error));
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++)
        memcpy(seen.pixels + 3 * i, colour, 3);
    const struct looking looking = {&seen, 1, 3, 2, map};
    assert_true(overlay_draw(&looking, overlay, &error));
    assert_int_equal(overlay->width, WIDTH);
    assert_int_equal(overlay->height, HEIGHT);
    image_free(&seen);
}

static void assert_pixel(const struct image *image, int x, uint8_t r, uint8_t g, uint8_t b) {
    const uint8_t *pixel = image->pixels + (size_t)(3 * ((HEIGHT - 1) * WIDTH + x));
    assert_int_equal(pixel[0], r);
    assert_int_equal(pixel[1], g);
    assert_int_equal(pixel[2], b);
}

static void what_was_not_looked_at_only_fades(void **state) {
    (void)state;
    struct image image;
    draw((const uint8_t[]){101, 101, 101}, 0, 2, &image);
    assert_pixel(&image, 0, 101, 101, 101);
    image_free(&image);
    draw((const uint8_t[]){200, 0, 0}, 0, 2, &image);
    assert_pixel(&image, 0, 130, 30, 30); /* half way to grey 59.8 */
    image_free(&image);
}

/* 0.3 of the picture, 0.7 of the lightest colour (252, 255, 164), however large the value is. */
static void the_largest_value_is_the_lightest_colour(void **state) {
    (void)state;
    static const float largest[] = {1e-6F, 1, 1e6F};
    for (size_t i = 0; i < 3; i++) {
        struct image image;
        draw((const uint8_t[]){101, 101, 101}, 0, largest[i], &image);
        assert_pixel(&image, WIDTH - 1, 207, 209, 145);
        image_free(&image);
    }
}

/* 0.79 of the picture, 0.21 of a fifth of the way from the second stop, (147, 38, 103), to the
 * third, (221, 81, 58). */
static void a_value_between_has_a_colour_between_two_stops(void **state) {
    (void)state;
    struct image image;
    draw((const uint8_t[]){101, 101, 101}, 0.3F, 1, &image);
    assert_pixel(&image, 0, 114, 90, 100);
    image_free(&image);
}

static void a_map_of_nothing_leaves_the_picture(void **state) {
    (void)state;
    struct image image;
    draw((const uint8_t[]){101, 101, 101}, 0, 0, &image);
    assert_pixel(&image, WIDTH - 1, 101, 101, 101);
    image_free(&image);
}

static char *written_in(void **state, const char *folder, const char *picture) {
    struct image seen;
    struct error error = {0};
    const float map[2] = {0, 1};
    char *place, *path, *name = NULL;
    assert_true(asprintf(&place, "%s%s", (const char *)*state, folder) > 0);
    assert_true(image_new(&seen, WIDTH, HEIGHT, &error));
    memset(seen.pixels, 0, (size_t)3 * WIDTH * HEIGHT);
    const struct looking looking = {&seen, 1, 1, 2, map};
    assert_true(overlay_write(&looking, place, 7, picture, &path, &error));
    assert_int_equal(access(path, R_OK), 0);
    name = strdup(path + strlen(*state));
    image_free(&seen);
    free(place);
    free(path);
    return name;
}

static void a_slash_behind_the_folder_is_not_doubled(void **state) {
    static const char *const folders[] = {"", "/"};
    for (size_t i = 0; i < 2; i++) {
        char *name = written_in(state, folders[i], "faces/ann.one.png");
        assert_string_equal(name, "/0007-ann.one.png");
        free(name);
    }
}

static void a_picture_is_called_as_its_file_with_an_ending_or_without(void **state) {
    static const char *const names[][2] = {{"a/ann", "/0007-ann.png"},
                                           {"b.c/.png", "/0007-.png.png"}};
    for (size_t i = 0; i < 2; i++) {
        char *name = written_in(state, "", names[i][0]);
        assert_string_equal(name, names[i][1]);
        free(name);
    }
}

/* A picture's name may take all 255 bytes that a name can have, and characters have up to 4. */
static void of_a_long_name_whole_characters_are_kept(void **state) {
    char picture[256] = "";
    for (int i = 0; i < 83; i++)
        strcat(picture, "\u507d"); /* 3 bytes each, 249 in all */
    char *name = written_in(state, "", strcat(picture, ".png"));
    size_t kept = strlen(name) - strlen("/0007-.png");
    assert_true(kept >= 200 && kept % 3 == 0);
    assert_memory_equal(name + strlen("/0007-"), picture, kept);
    assert_string_equal(name + strlen(name) - 4, ".png");
    free(name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_not_looked_at_only_fades),
        cmocka_unit_test(the_largest_value_is_the_lightest_colour),
        cmocka_unit_test(a_value_between_has_a_colour_between_two_stops),
        cmocka_unit_test(a_map_of_nothing_leaves_the_picture),
        cmocka_unit_test_setup_teardown(of_a_long_name_whole_characters_are_kept, temporary_make,
                                        temporary_remove),
        cmocka_unit_test_setup_teardown(a_picture_is_called_as_its_file_with_an_ending_or_without,
                                        temporary_make, temporary_remove),
        cmocka_unit_test_setup_teardown(a_slash_behind_the_folder_is_not_doubled, temporary_make,
                                        temporary_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
