/* What holds of the operations whatever torchvision does: what they draw, move and refuse. That
 * their bytes are torchvision's is in test_torchvision.c. */
#include "tests/core/notebook.h"
#include "tests/sample_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_pipeline_takes_what_its_crops_find_room_in(void **state) {
    (void)state;
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = 30},
                              {.kind = TRANSFORM_RANDOM_CROP, .height = 30, .width = 40},
                              {.kind = TRANSFORM_NORMALIZE}};
    struct error error = {0};
    assert_true(pipeline_takes(&(struct pipeline){ops, 3}, 4, 3, NULL));
    assert_true(pipeline_takes(&(struct pipeline){ops + 1, 2}, 40, 30, NULL));
    assert_false(pipeline_takes(&(struct pipeline){ops, 3}, 5, 4, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "larger than the picture, 37 x 30 here"));
    assert_false(pipeline_takes(&(struct pipeline){ops + 1, 2}, 40, 29, NULL));
}

static void flips_turn_rows_and_columns_around(void **state) {
    (void)state;
    static const struct transform horizontal = {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP,
                                                .probability = 1};
    static const struct transform vertical = {.kind = TRANSFORM_RANDOM_VERTICAL_FLIP,
                                              .probability = 1};
    for (int width = 1; width < 40; width++)
        for (int height = 1; height < 4; height++) {
            struct image from = sample_picture(width, height),
                         image = sample_picture(width, height);
            struct random_stream stream;
            random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
            assert_true(transform_apply(&horizontal, &image, &stream, NULL));
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++)
                    assert_memory_equal(image.pixels + 3 * (y * width + x),
                                        from.pixels + 3 * (y * width + width - 1 - x), 3);
            assert_true(transform_apply(&horizontal, &image, &stream, NULL));
            assert_true(transform_apply(&vertical, &image, &stream, NULL));
            for (int y = 0; y < height; y++)
                assert_memory_equal(image.pixels + 3 * y * width,
                                    from.pixels + 3 * (height - 1 - y) * width, 3 * (size_t)width);
            image_free(&from);
            image_free(&image);
        }
}

static void a_flip_that_never_happens_changes_nothing(void **state) {
    (void)state;
    static const struct transform never = {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP};
    struct image image = sample_picture(9, 9);
    uint64_t before = image_hash(&image);
    struct random_stream stream;
    random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
    for (int i = 0; i < 100; i++)
        assert_true(transform_apply(&never, &image, &stream, NULL));
    assert_true(image_hash(&image) == before);
    image_free(&image);
}

static void every_op_takes_its_documented_number_of_words_whatever_the_picture(void **state) {
    (void)state;
    static const int words[] = {0, 2, 1, 1, 7, 6};
    static const int sizes[][2] = {{72, 80}, {73, 400}, {200, 81}, {999, 500}};
    for (size_t op = 0; op < 6; op++)
        for (size_t i = 0; i < 4; i++) {
            struct image image = sample_picture(sizes[i][0], sizes[i][1]);
            struct random_stream used, counted;
            random_open(&used, 7, RANDOM_AUGMENT, 3, i);
            random_open(&counted, 7, RANDOM_AUGMENT, 3, i);
            assert_true(transform_apply(&notebook_ops[op], &image, &used, NULL));
            for (int k = 0; k < words[op]; k++)
                random_u32(&counted);
            assert_int_equal(random_u32(&used), random_u32(&counted));
            image_free(&image);
        }
}

static void random_crops_reach_every_corner(void **state) {
    (void)state;
    static const struct transform op = {.kind = TRANSFORM_RANDOM_CROP, .height = 2, .width = 3};
    bool seen[3][3] = {{false}};
    for (uint64_t sample = 0; sample < 200; sample++) {
        struct image image;
        struct random_stream stream;
        assert_true(image_new(&image, 5, 4, NULL));
        for (int i = 0; i < 20; i++)
            memset(image.pixels + 3 * i, i, 3);
        random_open(&stream, 0, RANDOM_AUGMENT, 0, sample);
        assert_true(transform_apply(&op, &image, &stream, NULL));
        int first = image.pixels[0];
        assert_int_equal(image.pixels[9], first + 5); /* the row below */
        assert_int_equal(image.pixels[15], first + 7);
        assert_in_range(first / 5, 0, 2);
        assert_in_range(first % 5, 0, 2);
        seen[first / 5][first % 5] = true;
        image_free(&image);
    }
    for (int i = 0; i < 9; i++)
        assert_true(seen[i / 3][i % 3]);
}

static void a_crop_larger_than_the_picture_is_an_error_that_says_what_to_do(void **state) {
    (void)state;
    struct image image = sample_picture(72, 79);
    struct random_stream stream;
    struct error error;
    struct transform crop = notebook_ops[1];
    const struct pipeline pipeline = {&crop, 1};
    struct recipe recipe;
    random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
    recipe_begin(&recipe, image.width, image.height);
    for (int way = 0; way < 3; way++) {
        error = (struct error){0};
        assert_false(way == 0   ? transform_apply(&crop, &image, &stream, &error)
                     : way == 1 ? pipeline_apply(&pipeline, 0, &image, &stream, &error)
                                : pipeline_draw(&pipeline, 0, &stream, &recipe, &error));
        assert_int_equal(error.code, ERROR_INPUT);
        assert_string_equal(error.message,
                            "random_crop of 72 x 80 is larger than the picture, 72 x 79 here; put "
                            "a resize before it or make it smaller");
    }
    image_free(&image);
}

static void an_operation_of_jitter_that_is_off_changes_nothing(void **state) {
    (void)state;
    static const struct transform op = {.kind = TRANSFORM_COLOR_JITTER,
                                        .brightness = {1, 1},
                                        .contrast = {1, 1},
                                        .saturation = {1, 1},
                                        .hue = {0, 0}};
    struct image image = all_colors();
    uint64_t before = image_hash(&image);
    struct random_stream stream;
    random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
    assert_true(transform_apply(&op, &image, &stream, NULL));
    assert_true(image_hash(&image) == before); /* through HSV and back it would not be */
    image_free(&image);
}

static void an_operation_of_jitter_whose_range_only_ends_at_nothing_is_on(void **state) {
    (void)state;
    static const struct transform up = {.kind = TRANSFORM_COLOR_JITTER,
                                        .brightness = {1, 1.5},
                                        .contrast = {1, 2},
                                        .saturation = {1, 3},
                                        .hue = {0, 0.1}};
    static const struct transform down = {.kind = TRANSFORM_COLOR_JITTER,
                                          .brightness = {0.5, 1},
                                          .contrast = {0, 1},
                                          .saturation = {0.9, 1},
                                          .hue = {-0.1, 0}};
    const struct transform *const ops[] = {&up, &down};
    for (size_t i = 0; i < 2; i++) {
        struct transform op = *ops[i];
        struct random_stream stream;
        struct recipe recipe;
        random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
        recipe_begin(&recipe, 9, 9);
        assert_true(pipeline_draw(&(struct pipeline){&op, 1}, 0, &stream, &recipe, NULL));
        assert_int_equal(recipe.count, 4);
    }
}

static void the_fixed_ops_are_those_before_the_first_draw(void **state) {
    (void)state;
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = 256},
                              {.kind = TRANSFORM_CENTER_CROP, .height = 224, .width = 224},
                              {.kind = TRANSFORM_NORMALIZE}};
    assert_int_equal(pipeline_fixed_count(&notebook), 1);
    assert_int_equal(pipeline_fixed_count(&(struct pipeline){ops, 3}), 2);
    assert_int_equal(pipeline_fixed_count(&(struct pipeline){notebook_ops + 1, 6}), 0);
}

static void the_output_size_follows_the_last_op_that_sets_it(void **state) {
    (void)state;
    int height, width;
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = 30, .width = 20},
                              {.kind = TRANSFORM_RESIZE, .height = 40},
                              {.kind = TRANSFORM_NORMALIZE}};
    assert_true(pipeline_output_size(&notebook, &height, &width, NULL));
    assert_int_equal(height, 80);
    assert_int_equal(width, 72);
    assert_true(pipeline_output_size(&(struct pipeline){ops, 3}, &height, &width, NULL));
    assert_int_equal(height, 60);
    assert_int_equal(width, 40);
    struct error error;
    assert_false(pipeline_output_size(&(struct pipeline){ops + 1, 2}, &height, &width, &error));
    assert_int_equal(error.code, ERROR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipeline_takes_what_its_crops_find_room_in),
        cmocka_unit_test(flips_turn_rows_and_columns_around),
        cmocka_unit_test(a_flip_that_never_happens_changes_nothing),
        cmocka_unit_test(every_op_takes_its_documented_number_of_words_whatever_the_picture),
        cmocka_unit_test(random_crops_reach_every_corner),
        cmocka_unit_test(a_crop_larger_than_the_picture_is_an_error_that_says_what_to_do),
        cmocka_unit_test(an_operation_of_jitter_that_is_off_changes_nothing),
        cmocka_unit_test(an_operation_of_jitter_whose_range_only_ends_at_nothing_is_on),
        cmocka_unit_test(the_fixed_ops_are_those_before_the_first_draw),
        cmocka_unit_test(the_output_size_follows_the_last_op_that_sets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
