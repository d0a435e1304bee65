/* The two ways to carry a recipe out, picture by picture and pixel by pixel, give the same bytes.
 * That the first gives Pillow's is shown by test_torchvision.c. */
#include "core/recipe_pixel.h"
#include "core/transform.h"
#include "tests/sample_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct transform CROP = {.kind = TRANSFORM_RANDOM_CROP, .height = 40, .width = 33};
static const struct transform FLIP_X = {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP,
                                        .probability = 0.5};
static const struct transform FLIP_Y = {.kind = TRANSFORM_RANDOM_VERTICAL_FLIP, .probability = 0.5};
static const struct transform JITTER = {.kind = TRANSFORM_COLOR_JITTER,
                                        .brightness = {0.2, 1.8},
                                        .contrast = {0.1, 2.5},
                                        .saturation = {0, 3},
                                        .hue = {-0.5, 0.5}};
static const struct transform AFFINE = {.kind = TRANSFORM_RANDOM_AFFINE,
                                        .degrees = {-180, 180},
                                        .scale = {0.3, 3},
                                        .shear_x = {-30, 30},
                                        .shear_y = {-30, 30},
                                        .translate_x = 0.3,
                                        .translate_y = 0.3,
                                        .fill = 77};
/* no turn and no shear: Pillow goes by rows and columns, in double */
static const struct transform SCALE = {
    .kind = TRANSFORM_RANDOM_AFFINE, .scale = {0.5, 2}, .translate_x = 0.2, .fill = 3};
/* coordinates that 16.16 does not hold */
static const struct transform SHRINK = {
    .kind = TRANSFORM_RANDOM_AFFINE, .degrees = {-90, 90}, .scale = {0.0008, 0.0012}};
static const struct transform PAD = {.kind = TRANSFORM_CENTER_CROP, .height = 60, .width = 71};
static const struct transform CUT = {.kind = TRANSFORM_CENTER_CROP, .height = 31, .width = 90};

/* The means that contrast needs, with the steps before each. */
static void find_greys(const struct recipe *recipe, const uint8_t *pixels, uint8_t *greys) {
    size_t found = 0;
    for (int i = 0; i < recipe->count; i++) {
        const struct recipe_step *step = &recipe->steps[i];
        uint64_t sum = 0;
        for (int y = 0; step->kind == RECIPE_CONTRAST && y < step->height; y++)
            for (int x = 0; x < step->width; x++) {
                uint8_t rgb[3];
                recipe_pixel(recipe, i, pixels, greys, x, y, rgb);
                sum += color_luma(rgb[0], rgb[1], rgb[2]);
            }
        if (step->kind == RECIPE_CONTRAST)
            greys[found++] = color_mean(sum, (uint64_t)step->width * (uint64_t)step->height);
    }
}

static void assert_same(const struct transform *const *ops, size_t count) {
    struct transform list[8];
    for (size_t i = 0; i < count; i++)
        list[i] = *ops[i];
    const struct pipeline pipeline = {list, count};
    assert_true(pipeline_pixelwise(&pipeline, 0));
    for (uint64_t sample = 0; sample < 40; sample++) {
        struct image from = sample_picture(50 + (int)sample % 3, 43), whole;
        struct random_stream stream;
        struct recipe recipe;
        uint8_t greys[RECIPE_STEPS];
        assert_true(image_copy(&from, &whole, NULL));
        random_open(&stream, 5, RANDOM_AUGMENT, 2, sample);
        assert_true(pipeline_apply(&pipeline, 0, &whole, &stream, NULL));
        random_open(&stream, 5, RANDOM_AUGMENT, 2, sample);
        recipe_begin(&recipe, from.width, from.height);
        assert_true(pipeline_draw(&pipeline, 0, &stream, &recipe, NULL));
        assert_int_equal(recipe_width(&recipe), whole.width);
        assert_int_equal(recipe_height(&recipe), whole.height);
        find_greys(&recipe, from.pixels, greys);
        for (int y = 0; y < whole.height; y++)
            for (int x = 0; x < whole.width; x++) {
                uint8_t rgb[3];
                recipe_pixel(&recipe, recipe.count, from.pixels, greys, x, y, rgb);
                const uint8_t *pixel = whole.pixels + 3 * (y * whole.width + x);
                if (memcmp(rgb, pixel, 3) != 0)
                    fail_msg("sample %d, pixel (%d, %d): %d %d %d instead of %d %d %d", (int)sample,
                             x, y, rgb[0], rgb[1], rgb[2], pixel[0], pixel[1], pixel[2]);
            }
        image_free(&whole);
        image_free(&from);
    }
}

#define SAME(...)                                                                                  \
    assert_same((const struct transform *const[]){__VA_ARGS__},                                    \
                sizeof((const struct transform *const[]){__VA_ARGS__}) /                           \
                    sizeof(const struct transform *))

static void crops_and_flips_find_their_pixels(void **state) {
    (void)state;
    SAME(&CROP, &FLIP_X, &FLIP_Y);
    SAME(&FLIP_Y, &CROP, &FLIP_X);
}

static void windows_beyond_the_picture_are_black(void **state) {
    (void)state;
    SAME(&PAD);
    SAME(&CUT, &FLIP_X);
    SAME(&JITTER, &PAD, &JITTER, &CROP);
}

static void jitter_finds_the_mean_grey_at_its_place_in_the_order(void **state) {
    (void)state;
    SAME(&JITTER);
    SAME(&CROP, &JITTER, &FLIP_X, &JITTER);
}

static void affine_finds_its_pixels_whichever_way_pillow_goes(void **state) {
    (void)state;
    SAME(&AFFINE);
    SAME(&SCALE);
    SAME(&SHRINK);
    SAME(&SCALE, &AFFINE, &SHRINK);
}

static void the_notebooks_ops_give_the_same_bytes_both_ways(void **state) {
    (void)state;
    SAME(&CROP, &FLIP_X, &FLIP_Y, &JITTER, &AFFINE);
    SAME(&AFFINE, &JITTER, &CROP, &JITTER, &FLIP_X);
}

static void what_has_no_pixel_of_its_own_or_is_too_long_is_told_apart(void **state) {
    (void)state;
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = 20},
                              JITTER,
                              JITTER,
                              JITTER,
                              JITTER,
                              FLIP_X,
                              {.kind = TRANSFORM_NORMALIZE}};
    struct transform flips[RECIPE_STEPS + 1];
    for (size_t i = 0; i <= RECIPE_STEPS; i++)
        flips[i] = FLIP_X;
    assert_true(pipeline_pixelwise(&(struct pipeline){flips, RECIPE_STEPS}, 0));
    assert_false(pipeline_pixelwise(&(struct pipeline){flips, RECIPE_STEPS + 1}, 0));
    flips[RECIPE_STEPS].kind = TRANSFORM_NORMALIZE;
    assert_true(pipeline_pixelwise(&(struct pipeline){flips, RECIPE_STEPS + 1}, 0));
    assert_false(pipeline_pixelwise(&(struct pipeline){ops, 1}, 0)); /* a resize and no more */
    const struct pipeline all = {ops, 7}, four = {ops, 5};
    assert_false(pipeline_pixelwise(&all, 0)); /* a resize */
    assert_false(pipeline_pixelwise(&all, 1)); /* 17 steps */
    assert_true(pipeline_pixelwise(&four, 1)); /* 16 */
    assert_true(pipeline_pixelwise(&all, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_and_flips_find_their_pixels),
        cmocka_unit_test(windows_beyond_the_picture_are_black),
        cmocka_unit_test(jitter_finds_the_mean_grey_at_its_place_in_the_order),
        cmocka_unit_test(affine_finds_its_pixels_whichever_way_pillow_goes),
        cmocka_unit_test(the_notebooks_ops_give_the_same_bytes_both_ways),
        cmocka_unit_test(what_has_no_pixel_of_its_own_or_is_too_long_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
