/* The ops and their draws. What each op takes from the stream, in this order and always all of it:
 *   random_crop             2 words: top, left
 *   random_horizontal_flip  1 word: flip when the uniform draw is below the probability
 *   random_vertical_flip    1 word: the same
 *   color_jitter            7 words: the order of the four operations (3, Fisher-Yates from the
 * end), then the factors of brightness, contrast, saturation and hue random_affine           6
 * words: angle, translation x and y, scale, shear x and y Operations of color_jitter that are off
 * still take their words. */
#include "core/transform.h"

#include "core/affine.h"
#include "core/color.h"
#include "core/resize.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *transform_name(enum transform_kind kind) {
    static const char *const names[] = {
        [TRANSFORM_RESIZE] = "resize",
        [TRANSFORM_RANDOM_CROP] = "random_crop",
        [TRANSFORM_CENTER_CROP] = "center_crop",
        [TRANSFORM_RANDOM_HORIZONTAL_FLIP] = "random_horizontal_flip",
        [TRANSFORM_RANDOM_VERTICAL_FLIP] = "random_vertical_flip",
        [TRANSFORM_COLOR_JITTER] = "color_jitter",
        [TRANSFORM_RANDOM_AFFINE] = "random_affine",
        [TRANSFORM_NORMALIZE] = "normalize",
    };
    return names[kind];
}

/* 0 .. bound-1 from exactly one word. random_below may take more; the bias here is below bound /
 * 2^32. */
static int draw_below(struct random_stream *stream, int bound) {
    return (int)((uint64_t)random_u32(stream) * (uint64_t)bound >> 32);
}

static double draw(struct random_stream *stream, struct range range) {
    return random_range(stream, range.low, range.high);
}

static void replace(struct image *image, struct image *with) {
    image_free(image);
    *image = *with;
}

static bool resize(const struct transform *op, struct image *image, struct error *error) {
    int width = op->width, height = op->height;
    struct image resized;
    if (op->width == 0)
        resize_shorter(image->width, image->height, op->height, &width, &height);
    if (width == image->width && height == image->height)
        return true;
    if (!resize_bilinear(image, width, height, &resized, error))
        return error_context(error, "resize");
    replace(image, &resized);
    return true;
}

/* Rows of the window move to the front of the same memory. */
static void crop(struct image *image, int top, int left, int height, int width) {
    size_t from_stride = 3 * (size_t)image->width, to_stride = 3 * (size_t)width;
    const uint8_t *from = image->pixels + (size_t)top * from_stride + 3 * (size_t)left;
    for (size_t y = 0; y < (size_t)height; y++)
        memmove(image->pixels + y * to_stride, from + y * from_stride, to_stride);
    image->width = width;
    image->height = height;
}

static bool random_crop(const struct transform *op, struct image *image,
                        struct random_stream *stream, struct error *error) {
    if (op->height > image->height || op->width > image->width)
        return error_set(error, ERROR_INPUT,
                         "random_crop of %d x %d is larger than the picture, %d x %d here; put a "
                         "resize before it or make it smaller",
                         op->width, op->height, image->width, image->height);
    int top = draw_below(stream, image->height - op->height + 1);
    int left = draw_below(stream, image->width - op->width + 1);
    crop(image, top, left, op->height, op->width);
    return true;
}

/* Half of an excess, as Python's round() does: to the even neighbour. */
static int half_to_even(int excess) {
    return excess / 2 + (excess % 2 != 0 && excess / 2 % 2 != 0);
}

/* torchvision's center_crop: pads with black to at least the size, then cuts. */
static bool center_crop(const struct transform *op, struct image *image, struct error *error) {
    int width = image->width > op->width ? image->width : op->width;
    int height = image->height > op->height ? image->height : op->height;
    if (width > image->width || height > image->height) {
        struct image padded;
        if (!image_new(&padded, width, height, error))
            return error_context(error, "center_crop");
        memset(padded.pixels, 0, 3 * (size_t)width * (size_t)height);
        size_t top = (size_t)(height - image->height) / 2,
               left = (size_t)(width - image->width) / 2;
        size_t stride = 3 * (size_t)image->width;
        for (size_t y = 0; y < (size_t)image->height; y++)
            memcpy(padded.pixels + 3 * ((top + y) * (size_t)width + left),
                   image->pixels + y * stride, stride);
        replace(image, &padded);
    }
    crop(image, half_to_even(height - op->height), half_to_even(width - op->width), op->height,
         op->width);
    return true;
}

static void flip_horizontal(struct image *image) {
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

static void flip_vertical(struct image *image) {
    size_t stride = 3 * (size_t)image->width;
    uint8_t *top = image->pixels, *bottom = top + stride * (size_t)(image->height - 1);
    for (; top < bottom; top += stride, bottom -= stride)
        for (size_t i = 0; i < stride; i++) {
            uint8_t byte = top[i];
            top[i] = bottom[i];
            bottom[i] = byte;
        }
}

static bool off(struct range range, double neutral) {
    return range.low == neutral && range.high == neutral;
}

static void color_jitter(const struct transform *op, struct image *image,
                         struct random_stream *stream) {
    int order[4] = {0, 1, 2, 3};
    for (int i = 3; i > 0; i--) {
        int j = draw_below(stream, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    double brightness = draw(stream, op->brightness), contrast = draw(stream, op->contrast);
    double saturation = draw(stream, op->saturation), hue = draw(stream, op->hue);
    for (int i = 0; i < 4; i++) {
        if (order[i] == 0 && !off(op->brightness, 1))
            color_brightness(image, brightness);
        if (order[i] == 1 && !off(op->contrast, 1))
            color_contrast(image, contrast);
        if (order[i] == 2 && !off(op->saturation, 1))
            color_saturation(image, saturation);
        if (order[i] == 3 && !off(op->hue, 0))
            color_hue(image, hue);
    }
}

static bool random_affine(const struct transform *op, struct image *image,
                          struct random_stream *stream, struct error *error) {
    double reach_x = op->translate_x * image->width, reach_y = op->translate_y * image->height;
    struct affine affine = {.angle = draw(stream, op->degrees)};
    affine.translate_x = (int)rint(random_range(stream, -reach_x, reach_x));
    affine.translate_y = (int)rint(random_range(stream, -reach_y, reach_y));
    affine.scale = draw(stream, op->scale);
    affine.shear_x = draw(stream, op->shear_x);
    affine.shear_y = draw(stream, op->shear_y);
    double matrix[6];
    affine_inverse_matrix(&affine, image->width, image->height, matrix);
    struct image moved;
    if (!affine_nearest(image, matrix, op->fill, &moved, error))
        return error_context(error, "random_affine");
    replace(image, &moved);
    return true;
}

bool transform_apply(const struct transform *op, struct image *image, struct random_stream *stream,
                     struct error *error) {
    switch (op->kind) {
    case TRANSFORM_RESIZE: return resize(op, image, error);
    case TRANSFORM_RANDOM_CROP: return random_crop(op, image, stream, error);
    case TRANSFORM_CENTER_CROP: return center_crop(op, image, error);
    case TRANSFORM_RANDOM_HORIZONTAL_FLIP:
        if (random_uniform(stream) < op->probability)
            flip_horizontal(image);
        return true;
    case TRANSFORM_RANDOM_VERTICAL_FLIP:
        if (random_uniform(stream) < op->probability)
            flip_vertical(image);
        return true;
    case TRANSFORM_COLOR_JITTER: color_jitter(op, image, stream); return true;
    case TRANSFORM_RANDOM_AFFINE: return random_affine(op, image, stream, error);
    case TRANSFORM_NORMALIZE: break;
    }
    assert(!"normalize makes no picture: pipeline_normalize applies it");
    return false;
}

size_t pipeline_fixed_count(const struct pipeline *pipeline) {
    size_t count = 0;
    while (count < pipeline->count && (pipeline->ops[count].kind == TRANSFORM_RESIZE ||
                                       pipeline->ops[count].kind == TRANSFORM_CENTER_CROP))
        count++;
    return count;
}

bool pipeline_apply(const struct pipeline *pipeline, size_t from, struct image *image,
                    struct random_stream *stream, struct error *error) {
    for (size_t i = from; i < pipeline->count; i++)
        if (pipeline->ops[i].kind != TRANSFORM_NORMALIZE &&
            !transform_apply(&pipeline->ops[i], image, stream, error))
            return false;
    return true;
}

/* A byte has 256 values: dividing them once gives the very floats that dividing every pixel would.
 */
static void normalize_table(const struct transform *op, int channel, float table[256]) {
    for (int value = 0; value < 256; value++)
        table[value] = ((float)value / 255.0F - op->mean[channel]) / op->std[channel];
}

void pipeline_normalize(const struct pipeline *pipeline, const struct image *image, float *out) {
    assert(pipeline->count > 0 && pipeline->ops[pipeline->count - 1].kind == TRANSFORM_NORMALIZE);
    float tables[3][256];
    for (int channel = 0; channel < 3; channel++)
        normalize_table(&pipeline->ops[pipeline->count - 1], channel, tables[channel]);
    size_t count = (size_t)image->width * (size_t)image->height;
    const uint8_t *pixel = image->pixels;
    for (size_t i = 0; i < count; i++, pixel += 3) {
        out[i] = tables[0][pixel[0]];
        out[count + i] = tables[1][pixel[1]];
        out[2 * count + i] = tables[2][pixel[2]];
    }
}

bool pipeline_output_size(const struct pipeline *pipeline, int *height, int *width,
                          struct error *error) {
    *height = *width = 0; /* not fixed yet */
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct transform *op = &pipeline->ops[i];
        if (op->kind == TRANSFORM_RANDOM_CROP || op->kind == TRANSFORM_CENTER_CROP ||
            (op->kind == TRANSFORM_RESIZE && op->width > 0)) {
            *height = op->height;
            *width = op->width;
        } else if (op->kind == TRANSFORM_RESIZE && *height > 0) {
            resize_shorter(*width, *height, op->height, width, height);
        }
    }
    if (*height > 0)
        return true;
    return error_set(error, ERROR_INPUT,
                     "the pictures of a batch need one size; add a random_crop, a center_crop or a "
                     "resize to [height, width]");
}
