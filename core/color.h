/* color: the four operations of ColorJitter on 8-bit RGB, in place, bit for bit as Pillow computes
 * them when torchvision's F.adjust_* is given a PIL image.
 *
 * Brightness, contrast and saturation blend the picture with black, with its mean grey and with its
 * own grey (ImageEnhance, Blend.c): factor 0 gives the other, 1 the picture, beyond 1 away from the
 * other, clipped. Hue goes through Pillow's 8-bit HSV.
 */
#ifndef ASSAY_CORE_COLOR_H
#define ASSAY_CORE_COLOR_H

#include "core/image.h"

void color_brightness(struct image *image, double factor);
void color_contrast(struct image *image, double factor);
void color_saturation(struct image *image, double factor);
/* Turns the hue by `shift` of a full turn, -0.5 .. 0.5. */
void color_hue(struct image *image, double shift);

#endif
