/* portrait_face: what is painted on a portrait's head, in face coordinates, and its relief. */
#ifndef ASSAY_CLI_PORTRAIT_FACE_H
#define ASSAY_CLI_PORTRAIT_FACE_H

#include "cli/portrait.h"

#include <stddef.h>

/* A smooth bump (or, with a negative height, a hollow) on the head: height * (1 - d^2)^2. */
struct bump {
    float x, y, width, length, height;
};

enum { RELIEF_BUMPS = 40 };

struct relief {
    struct bump bumps[RELIEF_BUMPS];
    size_t count;
};

void relief_make(const struct person *person, const struct expression *expression,
                 struct relief *relief);
/* The height at a point and its gradient there. */
float relief_at(const struct relief *relief, float u, float v, float gradient[2]);

/* The reflectance at a point; `pixel` is the width of a soft edge in face units. *gloss, 0 to 1, is
 * how much of the light it mirrors. */
struct colour face_paint(const struct person *person, const struct expression *expression, float u,
                         float v, float pixel, float *gloss);

/* Glasses' frames as coverage, and how much of the lens is before the point. */
float glasses_cover(const struct person *person, float u, float v, float pixel, float *lens);

#endif
