#include "core/transform.h"

#include "core/affine.h"
#include "core/color.h"
#include "tests/sample_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* torchvision's F.adjust_* on all_colors() and on sample_picture(61, 47) */
static const struct {
    void (*adjust)(struct image *, double);
    double value;
    uint64_t colors_hash, small_hash;
} jitters[] = {
#include "tests/data/pictures/jitter.inc"
};

/* F.affine(image, angle, translate, scale, shear, fill=fill) */
static const struct {
    int width, height;
    struct affine affine;
    uint8_t fill;
    uint64_t hash;
} affines[] = {
#include "tests/data/pictures/affine.inc"
};

/* F.center_crop(image, [to_height, to_width]) */
static const struct {
    int width, height, to_height, to_width;
    uint64_t hash;
} center_crops[] = {
#include "tests/data/pictures/center_crop.inc"
};

/* F.normalize(F.to_tensor(image), mean, std) of a row of 256 greys */
static const struct {
    float mean[3], std[3];
    uint64_t hash;
} normals[] = {
#include "tests/data/pictures/normalize.inc"
};

/* augment() in make_picture_data.py, with its own Philox */
static const struct {
    int width, height;
    uint64_t seed;
    uint32_t epoch;
    uint64_t sample, image_hash, tensor_hash;
} pipelines[] = {
#include "tests/data/pictures/pipeline.inc"
};

/* evaluations() in make_picture_data.py: Resize(256), CenterCrop(224), ToTensor */
static const struct {
    int width, height;
    uint64_t image_hash, tensor_hash;
} evaluations[] = {
#include "tests/data/pictures/evaluation.inc"
};

/* jitter_orders(): F.adjust_* of brightness, contrast, saturation, hue on all_colors() */
static const struct {
    int order[4];
    double values[4];
    uint64_t hash;
} jitter_orders[] = {
#include "tests/data/pictures/jitter_orders.inc"
};

/* affine_draws(): RandomAffine(10, scale=(1, 2), shear=15) with the draws of samples 0, 1, ... */
static const uint64_t affine_draws[] = {
#include "tests/data/pictures/affine_draws.inc"
};

static struct transform notebook_ops[] = {
    {.kind = TRANSFORM_RESIZE, .height = 96},
    {.kind = TRANSFORM_RANDOM_CROP, .height = 80, .width = 72},
    {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
    {.kind = TRANSFORM_RANDOM_VERTICAL_FLIP, .probability = 0.25},
    {.kind = TRANSFORM_COLOR_JITTER,
     .brightness = {0.8, 1.2},
     .contrast = {0.8, 1.2},
     .saturation = {0.9, 1.1},
     .hue = {-0.1, 0.1}},
    {.kind = TRANSFORM_RANDOM_AFFINE,
     .degrees = {-10, 10},
     .scale = {1, 2},
     .shear_x = {-15, 15},
     .shear_y = {-5, 5},
     .translate_x = 0.1,
     .translate_y = 0.2,
     .fill = 9},
    {.kind = TRANSFORM_NORMALIZE,
     .mean = {0.485F, 0.456F, 0.406F},
     .std = {0.229F, 0.224F, 0.225F}},
};
static const struct pipeline notebook = {notebook_ops, 7};

static void jitter_gives_the_bytes_that_pillow_gives(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof jitters / sizeof *jitters; i++) {
        struct image colors = all_colors(), small = sample_picture(61, 47);
        jitters[i].adjust(&colors, jitters[i].value);
        jitters[i].adjust(&small, jitters[i].value);
        if (image_hash(&colors) != jitters[i].colors_hash ||
            image_hash(&small) != jitters[i].small_hash)
            fail_msg("row %zu of jitter.inc: %g", i, jitters[i].value);
        image_free(&colors);
        image_free(&small);
    }
}

static void affine_gives_the_bytes_that_torchvision_gives(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof affines / sizeof *affines; i++) {
        struct image from = sample_picture(affines[i].width, affines[i].height), to;
        double matrix[6];
        struct affine_map map;
        affine_inverse_matrix(&affines[i].affine, from.width, from.height, matrix);
        affine_map_make(matrix, from.width, from.height, &map);
        assert_true(affine_nearest(&from, &map, affines[i].fill, &to, NULL));
        if (image_hash(&to) != affines[i].hash)
            fail_msg("row %zu of affine.inc: angle %g", i, affines[i].affine.angle);
        image_free(&from);
        image_free(&to);
    }
}

static void center_crop_cuts_and_pads_as_torchvision_does(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof center_crops / sizeof *center_crops; i++) {
        const struct transform op = {.kind = TRANSFORM_CENTER_CROP,
                                     .height = center_crops[i].to_height,
                                     .width = center_crops[i].to_width};
        struct image image = sample_picture(center_crops[i].width, center_crops[i].height);
        assert_true(transform_apply(&op, &image, NULL, NULL));
        assert_int_equal(image.width, op.width);
        assert_int_equal(image.height, op.height);
        if (image_hash(&image) != center_crops[i].hash)
            fail_msg("%d x %d to %d x %d", center_crops[i].width, center_crops[i].height, op.width,
                     op.height);
        image_free(&image);
    }
}

static void normalize_gives_the_bits_that_torch_gives(void **state) {
    (void)state;
    struct image greys;
    assert_true(image_new(&greys, 256, 1, NULL));
    for (int i = 0; i < 256; i++)
        memset(greys.pixels + 3 * i, i, 3);
    for (size_t i = 0; i < sizeof normals / sizeof *normals; i++) {
        struct transform op = {.kind = TRANSFORM_NORMALIZE};
        memcpy(op.mean, normals[i].mean, sizeof op.mean);
        memcpy(op.std, normals[i].std, sizeof op.std);
        float out[3 * 256];
        pipeline_normalize(&(struct pipeline){&op, 1}, &greys, out);
        if (bytes_hash(out, sizeof out) != normals[i].hash)
            fail_msg("row %zu of normalize.inc", i);
    }
    image_free(&greys);
}

static void every_op_with_its_draws_gives_the_bits_that_torchvision_gives(void **state) {
    (void)state;
    static float out[3 * 80 * 72];
    for (size_t i = 0; i < sizeof pipelines / sizeof *pipelines; i++) {
        struct image image = sample_picture(pipelines[i].width, pipelines[i].height);
        struct random_stream stream;
        random_open(&stream, pipelines[i].seed, RANDOM_AUGMENT, pipelines[i].epoch,
                    pipelines[i].sample);
        assert_true(pipeline_apply(&notebook, 0, &image, &stream, NULL));
        assert_int_equal(image.width, 72);
        assert_int_equal(image.height, 80);
        if (image_hash(&image) != pipelines[i].image_hash)
            fail_msg("row %zu of pipeline.inc: picture", i);
        pipeline_normalize(&notebook, &image, out);
        if (bytes_hash(out, sizeof out) != pipelines[i].tensor_hash)
            fail_msg("row %zu of pipeline.inc: tensor", i);
        image_free(&image);
    }
}

/* Where assay may differ from torchvision by nothing at all, however far the size is off. */
static void the_evaluation_transform_gives_the_bits_that_torchvision_gives(void **state) {
    (void)state;
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = 256},
                              {.kind = TRANSFORM_CENTER_CROP, .height = 224, .width = 224},
                              {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}}};
    const struct pipeline pipeline = {ops, 3};
    float *tensor = malloc(sizeof(float) * 3 * 224 * 224);
    for (size_t i = 0; i < sizeof evaluations / sizeof *evaluations; i++) {
        struct image image = sample_picture(evaluations[i].width, evaluations[i].height);
        assert_true(pipeline_apply(&pipeline, 0, &image, NULL, NULL));
        pipeline_normalize(&pipeline, &image, tensor); /* by 0 and 1: ToTensor alone */
        if (image_hash(&image) != evaluations[i].image_hash ||
            bytes_hash(tensor, sizeof(float) * 3 * 224 * 224) != evaluations[i].tensor_hash)
            fail_msg("%d x %d", evaluations[i].width, evaluations[i].height);
        image_free(&image);
    }
    free(tensor);
}

static void jitter_gives_pillows_bytes_in_each_of_its_24_orders(void **state) {
    (void)state;
    static void (*const adjust[4])(struct image *, double) = {color_brightness, color_contrast,
                                                              color_saturation, color_hue};
    assert_int_equal(sizeof jitter_orders / sizeof *jitter_orders, 24);
    for (size_t i = 0; i < 24; i++) {
        struct image image = all_colors();
        for (int k = 0; k < 4; k++)
            adjust[jitter_orders[i].order[k]](&image,
                                              jitter_orders[i].values[jitter_orders[i].order[k]]);
        if (image_hash(&image) != jitter_orders[i].hash)
            fail_msg("row %zu of jitter_orders.inc", i);
        image_free(&image);
    }
}

/* Every pixel of every draw. */
static void random_affine_takes_torchvisions_source_pixels_over_many_draws(void **state) {
    (void)state;
    static const struct transform op = {.kind = TRANSFORM_RANDOM_AFFINE,
                                        .degrees = {-10, 10},
                                        .scale = {1, 2},
                                        .shear_x = {-15, 15}};
    size_t count = sizeof affine_draws / sizeof *affine_draws;
    for (size_t sample = 0; sample < count; sample++) {
        struct image image = sample_picture(224, 224);
        struct random_stream stream;
        random_open(&stream, 0, RANDOM_AUGMENT, 1, sample);
        assert_true(transform_apply(&op, &image, &stream, NULL));
        if (image_hash(&image) != affine_draws[sample])
            fail_msg("draw %zu of %zu", sample, count);
        image_free(&image);
    }
}

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
    random_open(&stream, 0, RANDOM_AUGMENT, 0, 0);
    assert_false(transform_apply(&notebook_ops[1], &image, &stream, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_string_equal(error.message,
                        "random_crop of 72 x 80 is larger than the picture, 72 x 79 here; put a "
                        "resize before it or make it smaller");
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
        cmocka_unit_test(jitter_gives_the_bytes_that_pillow_gives),
        cmocka_unit_test(affine_gives_the_bytes_that_torchvision_gives),
        cmocka_unit_test(center_crop_cuts_and_pads_as_torchvision_does),
        cmocka_unit_test(normalize_gives_the_bits_that_torch_gives),
        cmocka_unit_test(every_op_with_its_draws_gives_the_bits_that_torchvision_gives),
        cmocka_unit_test(the_evaluation_transform_gives_the_bits_that_torchvision_gives),
        cmocka_unit_test(jitter_gives_pillows_bytes_in_each_of_its_24_orders),
        cmocka_unit_test(random_affine_takes_torchvisions_source_pixels_over_many_draws),
        cmocka_unit_test(a_pipeline_takes_what_its_crops_find_room_in),
        cmocka_unit_test(flips_turn_rows_and_columns_around),
        cmocka_unit_test(a_flip_that_never_happens_changes_nothing),
        cmocka_unit_test(every_op_takes_its_documented_number_of_words_whatever_the_picture),
        cmocka_unit_test(random_crops_reach_every_corner),
        cmocka_unit_test(a_crop_larger_than_the_picture_is_an_error_that_says_what_to_do),
        cmocka_unit_test(an_operation_of_jitter_that_is_off_changes_nothing),
        cmocka_unit_test(the_fixed_ops_are_those_before_the_first_draw),
        cmocka_unit_test(the_output_size_follows_the_last_op_that_sets_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
