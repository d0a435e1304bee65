/* resize: Pillow's antialiased bilinear resampling, bit for bit.
 *
 * Pillow's Resample.c (Image.resize with Resampling.BILINEAR): a triangle filter as wide as the
 * scale, its weights computed in double and rounded to 22 binary places, first along the rows, then
 * along the columns, each pass rounded to 8 bits.
 */
#ifndef ASSAY_CORE_RESIZE_H
#define ASSAY_CORE_RESIZE_H

#include "core/image.h"

/* Makes `to`, width x height, from `from`. Fails when the size is out of range or memory is short.
 */
bool resize_bilinear(const struct image *from, int width, int height, struct image *to,
                     struct error *error);

/* The size that torchvision's Resize(shorter) gives: the longer side is truncated, not rounded. */
void resize_shorter(int width, int height, int shorter, int *new_width, int *new_height);

#endif
