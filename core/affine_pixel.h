/* affine_pixel: where one pixel of a moved picture comes from, as Pillow finds it (affine.h). The
 * loops of affine.c go from pixel to pixel; this finds any one of them, for the GPU's kernels. */
#ifndef ASSAY_CORE_AFFINE_PIXEL_H
#define ASSAY_CORE_AFFINE_PIXEL_H

#include "core/portable.h"

#include <stdbool.h>
#include <stdint.h>

/* A matrix made ready for a picture. Coordinates are 16.16 fixed point where all of them fit, which
 * may wrap where the picture is not; else doubles. Pillow goes from pixel to pixel by addition. */
struct affine_map {
    bool fixed;
    uint32_t start_x, start_y, step_x, step_y, row_step_x, row_step_y; /* fixed */
    double matrix[6];
};

/* Pillow's COORD: truncated, and anything below zero is outside (-1). Comparing as double first
 * keeps values that no int holds out of the conversion. */
PORTABLE int affine_coordinate(double value, int size) {
    return value < 0.0 || value >= size ? -1 : (int)value;
}

/* The source of pixel (x, y); false when it lies outside of the width x height source. In doubles
 * the additions are made one by one: their roundings add up, and every bit counts. */
PORTABLE bool affine_source(const struct affine_map *map, int x, int y, int width, int height,
                            int *from_x, int *from_y) {
    if (map->fixed) {
        uint32_t x_in = map->start_x + (uint32_t)y * map->row_step_x + (uint32_t)x * map->step_x;
        uint32_t y_in = map->start_y + (uint32_t)y * map->row_step_y + (uint32_t)x * map->step_y;
        *from_x = (int32_t)x_in >> 16;
        *from_y = (int32_t)y_in >> 16;
        return *from_x >= 0 && *from_x < width && *from_y >= 0 && *from_y < height;
    }
    const double *m = map->matrix;
    double x_in = m[2] + m[1] * 0.5 + m[0] * 0.5, y_in = m[5] + m[4] * 0.5 + m[3] * 0.5;
    for (int i = 0; i < y; i++) {
        x_in += m[1];
        y_in += m[4];
    }
    for (int i = 0; i < x; i++) {
        x_in += m[0];
        y_in += m[3];
    }
    *from_x = affine_coordinate(x_in, width);
    *from_y = affine_coordinate(y_in, height);
    return *from_x >= 0 && *from_y >= 0;
}

#endif
