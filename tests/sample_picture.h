/* sample_picture: pictures made by a formula, and the hash that their results are compared by. The
 * same formulas stand in tests/sample_picture.py. */
#ifndef ASSAY_TESTS_SAMPLE_PICTURE_H
#define ASSAY_TESTS_SAMPLE_PICTURE_H

#include "core/image.h"

/* FNV-1a. */
static inline uint64_t bytes_hash(const void *data, size_t length) {
    const uint8_t *bytes = data;
    uint64_t hash = 14695981039346656037U;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211U;
    return hash;
}

static inline uint64_t image_hash(const struct image *image) {
    return bytes_hash(image->pixels, 3 * (size_t)image->width * (size_t)image->height);
}

/* Squares of noise in gradients. The caller frees. */
static inline struct image sample_picture(int width, int height) {
    struct image image = {0};
    if (!image_new(&image, width, height, NULL))
        return image;
    uint32_t state = (uint32_t)width * 40503 + (uint32_t)height * 9973 + 1;
    uint8_t *pixel = image.pixels;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, pixel += 3) {
            const int gradients[3] = {255 * x / width, 255 * y / height, 7 * (x + y)};
            for (int c = 0; c < 3; c++) {
                state = state * 1664525 + 1013904223;
                int value = (x / 8 + y / 8) % 3 == 0 ? (int)(state >> 24)
                                                     : gradients[c] + (int)(state >> 28);
                pixel[c] = (uint8_t)(c < 2 && value > 255 ? 255 : value);
            }
        }
    return image;
}

/* 52 x 52 x 52 colours, five apart. The caller frees. */
static inline struct image all_colors(void) {
    struct image image = {0};
    if (!image_new(&image, 52, 52 * 52, NULL))
        return image;
    for (size_t i = 0; i < 52 * 52 * 52; i++) {
        image.pixels[3 * i] = (uint8_t)(5 * (i / (52 * 52)));
        image.pixels[3 * i + 1] = (uint8_t)(5 * (i / 52 % 52));
        image.pixels[3 * i + 2] = (uint8_t)(5 * (i % 52));
    }
    return image;
}

#endif
