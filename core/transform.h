/* transform: the augmentations, torchvision's names and formulas, on 8-bit RGB as Pillow computes
 * them.
 *
 * A pipeline is a list of ops ending in one normalize. Everything before it maps picture to picture
 * and is bit for bit what torchvision gives on PIL images (given the same draws); normalize makes
 * the float32 CHW tensor: (pixel / 255 - mean) / std, in float, as ToTensor and Normalize do.
 */
#ifndef ASSAY_CORE_TRANSFORM_H
#define ASSAY_CORE_TRANSFORM_H

#include "core/image.h"
#include "core/random.h"
#include "core/recipe.h"

enum transform_kind {
    TRANSFORM_RESIZE, /* Pillow's antialiased bilinear */
    TRANSFORM_RANDOM_CROP,
    TRANSFORM_CENTER_CROP,
    TRANSFORM_RANDOM_HORIZONTAL_FLIP,
    TRANSFORM_RANDOM_VERTICAL_FLIP,
    TRANSFORM_COLOR_JITTER,
    TRANSFORM_RANDOM_AFFINE,
    TRANSFORM_NORMALIZE,
};

struct range {
    double low, high;
};

struct transform {
    enum transform_kind kind;
    /* resize: {s, 0} is the shorter side (the longer follows, truncated as torchvision does), {h,
     * w} the exact size; crops: {h, w} */
    int height, width;
    double probability;                            /* flips */
    struct range brightness, contrast, saturation; /* color_jitter: factors; {1, 1} is off */
    struct range hue;                              /* color_jitter: shift in turns; {0, 0} is off */
    struct range degrees, scale, shear_x, shear_y; /* random_affine */
    double translate_x, translate_y; /* random_affine: largest shift as part of the side */
    uint8_t fill;                    /* random_affine */
    float mean[3], std[3];           /* normalize */
};

struct pipeline {
    struct transform *ops;
    size_t count;
};

const char *transform_name(enum transform_kind kind); /* "random_crop" */

/* Draws one op (not normalize) from `stream`, and applies it in place: `image` is replaced by the
 * result. Each op takes the same number of words whatever the picture, so that a crop does not move
 * the next op's draws. Fails when a crop is larger than the picture. */
bool transform_apply(const struct transform *op, struct image *image, struct random_stream *stream,
                     struct error *error);

/* Whether a picture of that size comes through: no crop is larger than what reaches it. */
bool pipeline_takes(const struct pipeline *pipeline, int width, int height, struct error *error);

/* How many ops at the front neither draw nor depend on the epoch (resize, center_crop): what the
 * cache keeps. */
size_t pipeline_fixed_count(const struct pipeline *pipeline);

/* Ops [from, count) except normalize, in place. */
bool pipeline_apply(const struct pipeline *pipeline, size_t from, struct image *image,
                    struct random_stream *stream, struct error *error);

/* Whether the ops [from, count) always fit into one recipe, each pixel of which can be found alone
 * (recipe_pixel.h): then pipeline_draw may be used. */
bool pipeline_pixelwise(const struct pipeline *pipeline, size_t from);

/* Adds ops [from, count) except normalize to a recipe that was begun. */
bool pipeline_draw(const struct pipeline *pipeline, size_t from, struct random_stream *stream,
                   struct recipe *recipe, struct error *error);

/* The last op: float32 CHW into `out` (3 * height * width floats). */
void pipeline_normalize(const struct pipeline *pipeline, const struct image *image, float *out);

/* The size every picture ends with; fails when the pipeline does not fix one (no crop, no exact
 * resize), because a batch needs one size. */
bool pipeline_output_size(const struct pipeline *pipeline, int *height, int *width,
                          struct error *error);

#endif
