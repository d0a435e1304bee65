/* Operations and whole pipelines against the bytes that Pillow and torchvision give
 * (tests/make_picture_data.py). */
#include "core/affine.h"
#include "core/color.h"
#include "tests/core/notebook.h"
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
