/* affine: torchvision's F.affine on a PIL image with nearest neighbours, bit for bit. */
#ifndef ASSAY_CORE_AFFINE_H
#define ASSAY_CORE_AFFINE_H

#include "core/affine_pixel.h"
#include "core/image.h"

struct affine {
    double angle;                   /* degrees, clockwise on screen */
    int translate_x, translate_y;   /* pixels */
    double scale, shear_x, shear_y; /* factor; degrees */
};

/* torchvision 0.14's _get_inverse_affine_matrix about the centre of a width x height picture: maps
 * a pixel of the result to one of the source, x' = m[0] x + m[1] y + m[2], y' = m[3] x + m[4] y +
 * m[5]. */
void affine_inverse_matrix(const struct affine *affine, int width, int height, double matrix[6]);

/* The matrix made ready for a width x height picture. */
void affine_map_make(const double matrix[6], int width, int height, struct affine_map *map);

/* Pillow's transform(size, AFFINE, matrix, NEAREST, fillcolor=fill): `to` has the size of `from`,
 * which the map was made for. */
bool affine_nearest(const struct image *from, const struct affine_map *map, uint8_t fill,
                    struct image *to, struct error *error);

#endif
