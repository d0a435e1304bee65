#include "core/resize.h"

#include "tests/sample_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Image.resize((to_width, to_height), Image.BILINEAR) */
static const struct {
    int width, height, to_width, to_height;
    uint64_t hash;
} resizes[] = {
#include "tests/data/pictures/resize.inc"
};

/* F.resize(image, shorter).size */
static const struct {
    int width, height, shorter, to_width, to_height;
} sizes[] = {
#include "tests/data/pictures/shorter.inc"
};

static void resizing_gives_the_bytes_that_pillow_gives(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof resizes / sizeof *resizes; i++) {
        struct image from = sample_picture(resizes[i].width, resizes[i].height), to;
        struct error error;
        assert_true(resize_bilinear(&from, resizes[i].to_width, resizes[i].to_height, &to, &error));
        assert_int_equal(to.width, resizes[i].to_width);
        assert_int_equal(to.height, resizes[i].to_height);
        if (image_hash(&to) != resizes[i].hash)
            fail_msg("%d x %d to %d x %d", from.width, from.height, to.width, to.height);
        image_free(&from);
        image_free(&to);
    }
}

/* Sides whose triangle is thousands of pixels wide; a constant picture stays what it is. */
static void a_constant_picture_stays_constant_at_any_scale(void **state) {
    (void)state;
    static const int widths[] = {1, 2, 3, 100, 20000, IMAGE_SIDE_MAX};
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < 6; j++) {
            struct image from, to;
            assert_true(image_new(&from, widths[i], 2, NULL));
            memset(from.pixels, 255, 6 * (size_t)widths[i]);
            assert_true(resize_bilinear(&from, widths[j], 3, &to, NULL));
            for (size_t k = 0; k < 9 * (size_t)widths[j]; k++)
                assert_int_equal(to.pixels[k], 255);
            image_free(&from);
            image_free(&to);
        }
}

static void the_longer_side_is_truncated_as_torchvision_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int width, height;
        resize_shorter(sizes[i].width, sizes[i].height, sizes[i].shorter, &width, &height);
        assert_int_equal(width, sizes[i].to_width);
        assert_int_equal(height, sizes[i].to_height);
    }
}

static void a_size_out_of_range_is_an_error(void **state) {
    (void)state;
    static const int bad[][2] = {
        {0, 5}, {5, 0}, {-1, 5}, {IMAGE_SIDE_MAX + 1, 1}, {1, IMAGE_SIDE_MAX + 1}};
    struct image from = sample_picture(4, 4);
    for (size_t i = 0; i < 5; i++) {
        struct image to;
        struct error error;
        assert_false(resize_bilinear(&from, bad[i][0], bad[i][1], &to, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_null(to.pixels);
    }
    image_free(&from);
}

static void a_strip_whose_longer_side_would_pass_the_limit_is_refused(void **state) {
    (void)state;
    struct image from = sample_picture(IMAGE_SIDE_MAX, 1), to;
    struct error error;
    int width, height;
    resize_shorter(from.width, from.height, 256, &width, &height);
    assert_false(resize_bilinear(&from, width, height, &to, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "a picture of 8388608 x 256 pixels"));
    image_free(&from);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizing_gives_the_bytes_that_pillow_gives),
        cmocka_unit_test(a_constant_picture_stays_constant_at_any_scale),
        cmocka_unit_test(the_longer_side_is_truncated_as_torchvision_does),
        cmocka_unit_test(a_size_out_of_range_is_an_error),
        cmocka_unit_test(a_strip_whose_longer_side_would_pass_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
