#include "core/affine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double radians(double degrees) {
    return degrees * (3.141592653589793 / 180.0); /* as CPython's math.radians */
}

void affine_inverse_matrix(const struct affine *affine, int width, int height, double matrix[6]) {
    double angle = radians(affine->angle), shear_x = radians(affine->shear_x),
           shear_y = radians(affine->shear_y);
    double center_x = width * 0.5, center_y = height * 0.5;
    /* rotation and shear without the scale; its determinant is 1 */
    double a = cos(angle - shear_y) / cos(shear_y);
    double b = -cos(angle - shear_y) * tan(shear_x) / cos(shear_y) - sin(angle);
    double c = sin(angle - shear_y) / cos(shear_y);
    double d = -sin(angle - shear_y) * tan(shear_x) / cos(shear_y) + cos(angle);
    matrix[0] = d / affine->scale;
    matrix[1] = -b / affine->scale;
    matrix[3] = -c / affine->scale;
    matrix[4] = a / affine->scale;
    double back_x = -center_x - affine->translate_x, back_y = -center_y - affine->translate_y;
    matrix[2] = 0.0 / affine->scale + (matrix[0] * back_x + matrix[1] * back_y);
    matrix[5] = 0.0 / affine->scale + (matrix[3] * back_x + matrix[4] * back_y);
    matrix[2] += center_x;
    matrix[5] += center_y;
}

static void copy_pixel(const struct image *from, int from_x, int from_y, uint8_t *to) {
    memcpy(to, from->pixels + 3 * ((size_t)from_y * (size_t)from->width + (size_t)from_x), 3);
}

/* No rotation and no shear: each column has one source column (Pillow's ImagingScaleAffine). */
static bool scale_only(const struct image *from, const double matrix[6], struct image *to,
                       struct error *error) {
    int *columns = malloc((size_t)to->width * sizeof *columns);
    if (columns == NULL)
        return error_machine(error, "no memory to transform a picture");
    double x_in = matrix[2] + matrix[0] * 0.5, y_in = matrix[5] + matrix[4] * 0.5;
    for (int x = 0; x < to->width; x++, x_in += matrix[0])
        columns[x] = affine_coordinate(x_in, from->width);
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++, y_in += matrix[4]) {
        int from_y = affine_coordinate(y_in, from->height);
        for (int x = 0; x < to->width; x++, out += 3)
            if (from_y >= 0 && columns[x] >= 0)
                copy_pixel(from, columns[x], from_y, out);
    }
    free(columns);
    return true;
}

static bool fits_fixed_point(const double m[6], int x, int y) {
    return fabs(x * m[0] + y * m[1] + m[2]) < 32768.0 && fabs(x * m[3] + y * m[4] + m[5]) < 32768.0;
}

static uint32_t fixed_point(double value) {
    return (uint32_t)(int64_t)floor(value * 65536.0 + 0.5);
}

void affine_map_make(const double m[6], int width, int height, struct affine_map *map) {
    memcpy(map->matrix, m, sizeof map->matrix);
    map->fixed = !(m[1] == 0 && m[3] == 0) && fits_fixed_point(m, 0, 0) &&
                 fits_fixed_point(m, width, height) && fits_fixed_point(m, 0, height) &&
                 fits_fixed_point(m, width, 0);
    map->start_x = map->start_y = map->step_x = map->step_y = map->row_step_x = map->row_step_y = 0;
    if (!map->fixed)
        return;
    map->start_x = fixed_point(m[2] + m[0] * 0.5 + m[1] * 0.5);
    map->start_y = fixed_point(m[5] + m[3] * 0.5 + m[4] * 0.5);
    map->step_x = fixed_point(m[0]);
    map->step_y = fixed_point(m[3]);
    map->row_step_x = fixed_point(m[1]);
    map->row_step_y = fixed_point(m[4]);
}

/* One addition a pixel. */
static void transform_fixed(const struct image *from, const struct affine_map *map,
                            struct image *to) {
    uint32_t row_x = map->start_x, row_y = map->start_y;
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++, row_x += map->row_step_x, row_y += map->row_step_y) {
        uint32_t x_in = row_x, y_in = row_y;
        for (int x = 0; x < to->width; x++, out += 3, x_in += map->step_x, y_in += map->step_y) {
            int from_x = (int32_t)x_in >> 16, from_y = (int32_t)y_in >> 16;
            if (from_x >= 0 && from_x < from->width && from_y >= 0 && from_y < from->height)
                copy_pixel(from, from_x, from_y, out);
        }
    }
}

/* Coordinates beyond 16.16, in double. */
static void transform_double(const struct image *from, const double m[6], struct image *to) {
    double row_x = m[2] + m[1] * 0.5 + m[0] * 0.5, row_y = m[5] + m[4] * 0.5 + m[3] * 0.5;
    uint8_t *out = to->pixels;
    for (int y = 0; y < to->height; y++, row_x += m[1], row_y += m[4]) {
        double x_in = row_x, y_in = row_y;
        for (int x = 0; x < to->width; x++, out += 3, x_in += m[0], y_in += m[3]) {
            int from_x = affine_coordinate(x_in, from->width),
                from_y = affine_coordinate(y_in, from->height);
            if (from_x >= 0 && from_y >= 0)
                copy_pixel(from, from_x, from_y, out);
        }
    }
}

bool affine_nearest(const struct image *from, const struct affine_map *map, uint8_t fill,
                    struct image *to, struct error *error) {
    if (!image_new(to, from->width, from->height, error))
        return false;
    memset(to->pixels, fill, 3 * (size_t)to->width * (size_t)to->height);
    if (map->fixed) {
        transform_fixed(from, map, to);
    } else if (map->matrix[1] != 0 || map->matrix[3] != 0) {
        transform_double(from, map->matrix, to);
    } else if (!scale_only(from, map->matrix, to, error)) {
        image_free(to);
        return false;
    }
    return true;
}
