#include "core/recipe.h"

#include "core/affine.h"
#include "core/color.h"
#include "core/resize.h"

#include <string.h>

static void replace(struct image *image, struct image *with) {
    image_free(image);
    *image = *with;
}

static bool resize(const struct recipe_step *step, struct image *image, struct error *error) {
    struct image resized;
    if (!resize_bilinear(image, step->width, step->height, &resized, error))
        return false;
    replace(image, &resized);
    return true;
}

/* Rows of the window move to the front of the same memory. */
static void cut(const struct recipe_step *step, struct image *image) {
    size_t from_stride = 3 * (size_t)image->width, to_stride = 3 * (size_t)step->width;
    const uint8_t *from = image->pixels + (size_t)step->of.window.top * from_stride +
                          3 * (size_t)step->of.window.left;
    for (size_t y = 0; y < (size_t)step->height; y++)
        memmove(image->pixels + y * to_stride, from + y * from_stride, to_stride);
    image->width = step->width;
    image->height = step->height;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* A window that reaches beyond the picture: what of it the picture covers, on black. */
static bool surround(const struct recipe_step *step, struct image *image, struct error *error) {
    struct image made;
    int left = step->of.window.left, top = step->of.window.top;
    if (!image_new(&made, step->width, step->height, error))
        return false;
    memset(made.pixels, 0, 3 * (size_t)made.width * (size_t)made.height);
    int first = larger(left, 0), last = smaller(left + made.width, image->width);
    for (int y = larger(top, 0); first < last && y < smaller(top + made.height, image->height); y++)
        memcpy(made.pixels + 3 * ((size_t)(y - top) * (size_t)made.width + (size_t)(first - left)),
               image->pixels + 3 * ((size_t)y * (size_t)image->width + (size_t)first),
               3 * (size_t)(last - first));
    replace(image, &made);
    return true;
}

static bool window(const struct recipe_step *step, struct image *image, struct error *error) {
    int left = step->of.window.left, top = step->of.window.top;
    if (left < 0 || top < 0 || left + step->width > image->width ||
        top + step->height > image->height)
        return surround(step, image, error);
    cut(step, image);
    return true;
}

static void flip_x(struct image *image) {
    size_t width = (size_t)image->width;
    for (size_t y = 0; y < (size_t)image->height; y++) {
        uint8_t *left = image->pixels + 3 * y * width, *right = left + 3 * (width - 1);
        for (; left < right; left += 3, right -= 3) {
            uint8_t pixel[3];
            memcpy(pixel, left, 3);
            memcpy(left, right, 3);
            memcpy(right, pixel, 3);
        }
    }
}

static void flip_y(struct image *image) {
    size_t stride = 3 * (size_t)image->width;
    uint8_t *top = image->pixels, *bottom = top + stride * (size_t)(image->height - 1);
    for (; top < bottom; top += stride, bottom -= stride)
        for (size_t i = 0; i < stride; i++) {
            uint8_t byte = top[i];
            top[i] = bottom[i];
            bottom[i] = byte;
        }
}

static bool move(const struct recipe_step *step, struct image *image, struct error *error) {
    struct image moved;
    if (!affine_nearest(image, &step->of.affine.map, step->of.affine.fill, &moved, error))
        return false;
    replace(image, &moved);
    return true;
}

static bool step_apply(const struct recipe_step *step, struct image *image, struct error *error) {
    switch (step->kind) {
    case RECIPE_RESIZE: return resize(step, image, error);
    case RECIPE_WINDOW: return window(step, image, error);
    case RECIPE_FLIP_X: flip_x(image); break;
    case RECIPE_FLIP_Y: flip_y(image); break;
    case RECIPE_AFFINE: return move(step, image, error);
    case RECIPE_BRIGHTNESS: color_brightness(image, step->of.factor); break;
    case RECIPE_CONTRAST: color_contrast(image, step->of.factor); break;
    case RECIPE_SATURATION: color_saturation(image, step->of.factor); break;
    case RECIPE_HUE: color_hue(image, step->of.factor); break;
    }
    return true;
}

bool recipe_apply(const struct recipe *recipe, struct image *image, struct error *error) {
    for (int i = 0; i < recipe->count; i++)
        if (!step_apply(&recipe->steps[i], image, error))
            return false;
    return true;
}
