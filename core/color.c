#include "core/color.h"

#include "core/color_pixel.h"
#include "core/simd.h"

static size_t pixel_count(const struct image *image) {
    return (size_t)image->width * (size_t)image->height;
}

/* Every byte blended with one value: a table of 256 holds all outcomes. */
static void blend_with(struct image *image, int other, float factor) {
    uint8_t table[256];
    for (int own = 0; own < 256; own++)
        table[own] = color_blend(other, own, factor);
    size_t bytes = 3 * pixel_count(image);
    for (size_t i = 0; i < bytes; i++)
        image->pixels[i] = table[image->pixels[i]];
}

void color_brightness(struct image *image, double factor) {
    blend_with(image, 0, (float)factor);
}

SIMD_CLONES
static uint64_t luma_sum(const uint8_t *pixels, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += color_luma(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
    return sum;
}

void color_contrast(struct image *image, double factor) {
    size_t count = pixel_count(image);
    blend_with(image, color_mean(luma_sum(image->pixels, count), count), (float)factor);
}

SIMD_CLONES
static void blend_with_luma(uint8_t *pixels, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) {
        int red = pixels[3 * i], green = pixels[3 * i + 1], blue = pixels[3 * i + 2];
        int grey = color_luma((uint32_t)red, (uint32_t)green, (uint32_t)blue);
        pixels[3 * i] = color_blend(grey, red, factor);
        pixels[3 * i + 1] = color_blend(grey, green, factor);
        pixels[3 * i + 2] = color_blend(grey, blue, factor);
    }
}

void color_saturation(struct image *image, double factor) {
    blend_with_luma(image->pixels, pixel_count(image), (float)factor);
}

void color_hue(struct image *image, double shift) {
    struct color_hue_entry table[256];
    for (int hue = 0; hue < 256; hue++)
        table[hue] = color_hue_entry((uint8_t)hue);
    uint8_t turn = color_turn(shift);
    size_t count = pixel_count(image);
    for (size_t i = 0; i < count; i++) {
        uint8_t *rgb = image->pixels + 3 * i;
        uint8_t hue, saturation, value = color_value(rgb);
        color_hue_and_saturation(rgb[0], rgb[1], rgb[2], &hue, &saturation);
        color_from_hsv(table[(uint8_t)(hue + turn)], saturation, value, rgb);
    }
}
