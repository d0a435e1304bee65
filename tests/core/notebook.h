/* notebook: a pipeline of every op of the notebook's trials; make_picture_data.py's augment() is
 * the same. */
#ifndef ASSAY_TESTS_CORE_NOTEBOOK_H
#define ASSAY_TESTS_CORE_NOTEBOOK_H

#include "core/transform.h"

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

#endif
