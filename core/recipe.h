/* recipe: what will happen to one picture: the ops of a pipeline with their draws made.
 *
 * Drawing (transform.c) and doing are apart, so that the same draws can be carried out here, op
 * after op on the whole picture, or on a GPU, pixel by pixel (recipe_pixel.h), with the same bytes.
 * A recipe is plain data that may be copied to a device.
 */
#ifndef ASSAY_CORE_RECIPE_H
#define ASSAY_CORE_RECIPE_H

#include "core/affine_pixel.h"
#include "core/image.h"

enum recipe_kind {
    RECIPE_RESIZE, /* Pillow's antialiased bilinear; has no recipe_pixel */
    RECIPE_WINDOW, /* the part that begins at (left, top); what lies outside is black */
    RECIPE_FLIP_X,
    RECIPE_FLIP_Y,
    RECIPE_AFFINE,
    RECIPE_BRIGHTNESS,
    RECIPE_CONTRAST,
    RECIPE_SATURATION,
    RECIPE_HUE,
};

struct recipe_step {
    enum recipe_kind kind;
    int width, height; /* of the picture that comes out */
    union {
        struct {
            int left, top;
        } window;
        struct {
            struct affine_map map;
            uint8_t fill;
        } affine;
        double factor; /* the colour steps; of hue: the shift in turns */
    } of;
};

enum { RECIPE_STEPS = 16 }; /* color_jitter has four, every other op at most one */

struct recipe {
    int width, height; /* of the picture that goes in */
    int count;
    struct recipe_step steps[RECIPE_STEPS];
};

static inline void recipe_begin(struct recipe *recipe, int width, int height) {
    recipe->width = width;
    recipe->height = height;
    recipe->count = 0;
}

/* Of the picture that comes out. */
static inline int recipe_width(const struct recipe *recipe) {
    return recipe->count > 0 ? recipe->steps[recipe->count - 1].width : recipe->width;
}

static inline int recipe_height(const struct recipe *recipe) {
    return recipe->count > 0 ? recipe->steps[recipe->count - 1].height : recipe->height;
}

/* Carries the steps out, in place: `image` is replaced by the result. */
bool recipe_apply(const struct recipe *recipe, struct image *image, struct error *error);

#endif
