#include "cli/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

float lattice_noise(uint32_t seed, float x, float y) {
    float fx = floorf(x), fy = floorf(y), value[4];
    for (int corner = 0; corner < 4; corner++) {
        uint32_t ix = (uint32_t)(int32_t)fx + (uint32_t)(corner & 1);
        uint32_t iy = (uint32_t)(int32_t)fy + (uint32_t)(corner >> 1);
        uint32_t h = seed ^ (ix * 0x9E3779B1u) ^ (iy * 0x85EBCA77u);
        h = (h ^ (h >> 15)) * 0x2C1B3C6Du; /* lowbias32 by C. Wellons */
        h = (h ^ (h >> 12)) * 0x297A2D39u;
        value[corner] = (float)((h ^ (h >> 15)) >> 8) * 0x1p-24f;
    }
    float tx = soft_step(0, 1, x - fx), ty = soft_step(0, 1, y - fy);
    return mix(mix(value[0], value[1], tx), mix(value[2], value[3], tx), ty);
}

bool canvas_new(struct canvas *canvas, int width, int height, struct error *error) {
    *canvas = (struct canvas){0};
    if (width < 1 || height < 1 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX) {
        return error_set(error, ERROR_INPUT, "a canvas of %d x %d is impossible", width, height);
    }
    canvas->pixels = calloc((size_t)width * (size_t)height, sizeof *canvas->pixels);
    if (canvas->pixels == NULL) {
        return error_set(error, ERROR_FAILED, "no memory for a canvas of %d x %d", width, height);
    }
    canvas->width = width;
    canvas->height = height;
    return true;
}

void canvas_free(struct canvas *canvas) {
    free(canvas->pixels);
    *canvas = (struct canvas){0};
}

bool canvas_copy(const struct canvas *from, struct canvas *to, struct error *error) {
    if (!canvas_new(to, from->width, from->height, error)) {
        return false;
    }
    memcpy(to->pixels, from->pixels,
           (size_t)from->width * (size_t)from->height * sizeof *from->pixels);
    return true;
}

static int clamp_index(int i, int count) {
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

struct colour canvas_sample(const struct canvas *canvas, float x, float y) {
    float fx = floorf(x), fy = floorf(y);
    int x0 = clamp_index((int)fx, canvas->width), x1 = clamp_index((int)fx + 1, canvas->width);
    int y0 = clamp_index((int)fy, canvas->height), y1 = clamp_index((int)fy + 1, canvas->height);
    struct colour above =
        colour_mix(*canvas_at(canvas, x0, y0), *canvas_at(canvas, x1, y0), x - fx);
    struct colour below =
        colour_mix(*canvas_at(canvas, x0, y1), *canvas_at(canvas, x1, y1), x - fx);
    return colour_mix(above, below, y - fy);
}

enum { BLUR_RADIUS_MAX = 24 };

/* One direction of the blur: along x from `from` into `to`, which is its transpose. */
static void blur_transpose(const struct canvas *from, struct canvas *to, const float *weights,
                           int radius) {
    for (int y = 0; y < from->height; y++) {
        for (int x = 0; x < from->width; x++) {
            struct colour sum = {0};
            for (int k = -radius; k <= radius; k++) {
                struct colour c = *canvas_at(from, clamp_index(x + k, from->width), y);
                sum = colour_add(sum, colour_scale(c, weights[k + radius]));
            }
            *canvas_at(to, y, x) = sum;
        }
    }
}

bool canvas_blur(struct canvas *canvas, float sigma, struct error *error) {
    int radius = (int)ceilf(3 * sigma);
    if (radius > BLUR_RADIUS_MAX) {
        return error_set(error, ERROR_INPUT, "a blur of %g pixels is too wide", (double)sigma);
    }
    if (radius < 1) {
        return true;
    }
    float weights[2 * BLUR_RADIUS_MAX + 1], sum = 0;
    for (int k = -radius; k <= radius; k++) {
        weights[k + radius] = expf(-(float)(k * k) / (2 * sigma * sigma));
        sum += weights[k + radius];
    }
    for (int k = 0; k <= 2 * radius; k++) {
        weights[k] /= sum;
    }
    struct canvas turned;
    if (!canvas_new(&turned, canvas->height, canvas->width, error)) {
        return false;
    }
    blur_transpose(canvas, &turned, weights, radius);
    blur_transpose(&turned, canvas, weights, radius);
    canvas_free(&turned);
    return true;
}

bool canvas_grain(struct canvas *canvas, float sigma, struct random_stream *stream,
                  struct error *error) {
    struct canvas grain;
    if (!canvas_new(&grain, canvas->width, canvas->height, error)) {
        return false;
    }
    size_t count = (size_t)canvas->width * (size_t)canvas->height;
    for (size_t i = 0; i < count; i++) {
        float grey = (float)random_normal(stream);
        grain.pixels[i] = (struct colour){grey + 0.5f * (float)random_normal(stream),
                                          grey + 0.5f * (float)random_normal(stream),
                                          grey + 0.5f * (float)random_normal(stream)};
    }
    /* Demosaicing spreads a pixel's noise over its neighbours. The blur leaves 0.742 of the
     * deviation, grey and own noise together have sqrt(1.25). */
    float unit = 1 / (0.742f * sqrtf(1.25f));
    bool done = canvas_blur(&grain, 0.45f, error);
    for (size_t i = 0; done && i < count; i++) {
        canvas->pixels[i] =
            colour_add(canvas->pixels[i], colour_scale(grain.pixels[i], sigma * unit));
    }
    canvas_free(&grain);
    return done;
}

static float encode(float linear) {
    return linear <= 0 ? 0 : powf(linear, 1 / 2.2f);
}

void canvas_encode(struct canvas *canvas) {
    size_t count = (size_t)canvas->width * (size_t)canvas->height;
    for (size_t i = 0; i < count; i++) {
        struct colour *c = &canvas->pixels[i];
        *c = (struct colour){encode(c->r), encode(c->g), encode(c->b)};
    }
}

static uint8_t quantize(float value) {
    return (uint8_t)(clamp_unit(value) * 255 + 0.5f);
}

bool canvas_to_image(const struct canvas *canvas, struct image *image, struct error *error) {
    if (!image_new(image, canvas->width, canvas->height, error)) {
        return false;
    }
    size_t count = (size_t)canvas->width * (size_t)canvas->height;
    for (size_t i = 0; i < count; i++) {
        image->pixels[3 * i] = quantize(canvas->pixels[i].r);
        image->pixels[3 * i + 1] = quantize(canvas->pixels[i].g);
        image->pixels[3 * i + 2] = quantize(canvas->pixels[i].b);
    }
    return true;
}
