/* recipe_pixel: one pixel of the picture that a recipe makes, found from its end: back through the
 * steps that move pixels to where it stood, then forward through those that change its colour.
 *
 * Contrast needs the mean grey of the whole picture before it, which the caller has found before,
 * contrast after contrast in the recipe's order, with the steps before it alone.
 */
#ifndef ASSAY_CORE_RECIPE_PIXEL_H
#define ASSAY_CORE_RECIPE_PIXEL_H

#include "core/color_pixel.h"
#include "core/recipe.h"

/* Where (x, y) of step's result stood before it; false: nowhere, and the pixel is *fill. */
PORTABLE bool recipe_source(const struct recipe_step *step, int width, int height, int *x, int *y,
                            uint8_t *fill) {
    switch (step->kind) {
    case RECIPE_WINDOW:
        *x += step->of.window.left;
        *y += step->of.window.top;
        *fill = 0;
        return *x >= 0 && *x < width && *y >= 0 && *y < height;
    case RECIPE_FLIP_X: *x = width - 1 - *x; return true;
    case RECIPE_FLIP_Y: *y = height - 1 - *y; return true;
    case RECIPE_AFFINE:
        *fill = step->of.affine.fill;
        return affine_source(&step->of.affine.map, *x, *y, width, height, x, y);
    default: return true;
    }
}

PORTABLE void recipe_color(const struct recipe_step *step, uint8_t grey, uint8_t rgb[3]) {
    int other[3] = {0, 0, 0};
    switch (step->kind) {
    case RECIPE_BRIGHTNESS: break;
    case RECIPE_CONTRAST: other[0] = other[1] = other[2] = grey; break;
    case RECIPE_SATURATION:
        other[0] = other[1] = other[2] = color_luma(rgb[0], rgb[1], rgb[2]);
        break;
    case RECIPE_HUE: {
        uint8_t hue, saturation, value = color_value(rgb);
        color_hue_and_saturation(rgb[0], rgb[1], rgb[2], &hue, &saturation);
        hue = (uint8_t)(hue + color_turn(step->of.factor));
        color_from_hsv(color_hue_entry(hue), saturation, value, rgb);
        return;
    }
    default: return;
    }
    for (int i = 0; i < 3; i++)
        rgb[i] = color_blend(other[i], rgb[i], (float)step->of.factor);
}

/* Pixel (x, y) after the first `count` steps. `pixels`: the picture that goes in, recipe->width x
 * recipe->height; greys: of each contrast among those steps. No step may be a resize. */
PORTABLE void recipe_pixel(const struct recipe *recipe, int count, const uint8_t *pixels,
                           const uint8_t *greys, int x, int y, uint8_t rgb[3]) {
    int from = count;
    uint8_t fill = 0;
    bool inside = true;
    while (inside && from > 0) {
        from--;
        int width = from > 0 ? recipe->steps[from - 1].width : recipe->width;
        int height = from > 0 ? recipe->steps[from - 1].height : recipe->height;
        inside = recipe_source(&recipe->steps[from], width, height, &x, &y, &fill);
    }
    for (int i = 0; i < 3; i++)
        rgb[i] =
            inside ? pixels[3 * ((size_t)y * (size_t)recipe->width + (size_t)x) + (size_t)i] : fill;
    for (int i = 0; i < count; i++) {
        uint8_t grey = recipe->steps[i].kind == RECIPE_CONTRAST ? *greys++ : (uint8_t)0;
        if (i >= from)
            recipe_color(&recipe->steps[i], grey, rgb);
    }
}

/* ToTensor and Normalize of one byte. */
PORTABLE float recipe_normal(uint8_t value, float mean, float deviation) {
    return ((float)value / 255.0F - mean) / deviation;
}

#endif
