#include "core/color.h"

#include "core/simd.h"

#include <math.h>
#include <string.h>

static size_t pixel_count(const struct image *image) {
    return (size_t)image->width * (size_t)image->height;
}

/* Pillow's blend of two bytes. Between 0 and 1 it only truncates; outside it clips, and truncates
 * what is left, which is the same for values inside 0..255. */
static inline uint8_t blend(int other, int own, float factor) {
    float value = (float)other + factor * (float)(own - other);
    return value <= 0.0F ? 0 : value >= 255.0F ? 255 : (uint8_t)value;
}

/* ITU-R 601-2 luma in 16 binary places, rounded: Pillow's convert("L"). */
static inline uint8_t luma(uint32_t red, uint32_t green, uint32_t blue) {
    return (uint8_t)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/* Every byte blended with one value: a table of 256 holds all outcomes. */
static void blend_with(struct image *image, int other, float factor) {
    uint8_t table[256];
    for (int own = 0; own < 256; own++)
        table[own] = blend(other, own, factor);
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
        sum += luma(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
    return sum;
}

void color_contrast(struct image *image, double factor) {
    size_t count = pixel_count(image);
    double mean = (double)luma_sum(image->pixels, count) / (double)count;
    blend_with(image, (int)(mean + 0.5), (float)factor);
}

SIMD_CLONES
static void blend_with_luma(uint8_t *pixels, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) {
        int red = pixels[3 * i], green = pixels[3 * i + 1], blue = pixels[3 * i + 2];
        int grey = luma((uint32_t)red, (uint32_t)green, (uint32_t)blue);
        pixels[3 * i] = blend(grey, red, factor);
        pixels[3 * i + 1] = blend(grey, green, factor);
        pixels[3 * i + 2] = blend(grey, blue, factor);
    }
}

void color_saturation(struct image *image, double factor) {
    blend_with_luma(image->pixels, pixel_count(image), (float)factor);
}

/* Pillow's rgb2hsv_row, after Python's colorsys: hue and saturation of 0..255. What it keeps in
 * float is kept in float and what C promotes to double is double, for the bits' sake. */
static void hue_and_saturation(int red, int green, int blue, uint8_t *hue, uint8_t *saturation) {
    int high = red > green ? red : green, low = red > green ? green : red;
    high = blue > high ? blue : high;
    low = blue < low ? blue : low;
    if (high == low) {
        *hue = *saturation = 0;
        return;
    }
    float chroma = (float)(high - low);
    float to_red = (float)(high - red) / chroma, to_green = (float)(high - green) / chroma,
          to_blue = (float)(high - blue) / chroma;
    float sixths; /* of a turn */
    if (red == high)
        sixths = to_blue - to_green;
    else if (green == high)
        sixths = (float)(2.0 + (double)to_red - (double)to_blue);
    else
        sixths = (float)(4.0 + (double)to_green - (double)to_red);
    double turn = (double)sixths / 6.0 + 1.0; /* 5/6 .. 2 - 1/6, of which the fraction counts */
    float fraction = (float)(turn >= 1.0 ? turn - 1.0 : turn);
    *hue = (uint8_t)((double)fraction * 255.0);
    *saturation = (uint8_t)((double)(chroma / (float)high) * 255.0);
}

/* Pillow's hsv2rgb with what depends on the hue alone worked out beforehand. */
struct hue_entry {
    int sector; /* 0..5 */
    float part; /* of the sector, 0..1 */
};

static void hue_table(struct hue_entry table[256]) {
    for (int hue = 0; hue < 256; hue++) {
        double sixths = (double)hue * 6.0 / 255.0;
        int sector = (int)floor(sixths);
        table[hue].sector = sector % 6;
        table[hue].part = (float)(sixths - (double)(float)sector);
    }
}

static uint8_t scaled(uint8_t value, double by) {
    return (uint8_t)(value * by + 0.5); /* round(): halves go up, nothing is negative */
}

static void hsv_to_rgb(const struct hue_entry *hue, uint8_t saturation, uint8_t value,
                       uint8_t rgb[3]) {
    float pale = (float)((double)saturation / 255.0);
    uint8_t low = scaled(value, 1.0 - (double)pale);
    uint8_t falling = scaled(value, 1.0 - (double)(pale * hue->part));
    uint8_t rising = scaled(value, 1.0 - (double)pale * (1.0 - (double)hue->part));
    const uint8_t sectors[6][3] = {{value, rising, low}, {falling, value, low},
                                   {low, value, rising}, {low, falling, value},
                                   {rising, low, value}, {value, low, falling}};
    memcpy(rgb, sectors[hue->sector], 3);
}

void color_hue(struct image *image, double shift) {
    struct hue_entry table[256];
    hue_table(table);
    /* numpy's uint8(shift * 255): truncated towards zero, then modulo 256 */
    uint8_t turn = (uint8_t)(int)(shift * 255);
    size_t count = pixel_count(image);
    for (size_t i = 0; i < count; i++) {
        uint8_t *rgb = image->pixels + 3 * i;
        uint8_t hue, saturation, value = rgb[0] > rgb[1] ? rgb[0] : rgb[1];
        value = rgb[2] > value ? rgb[2] : value;
        hue_and_saturation(rgb[0], rgb[1], rgb[2], &hue, &saturation);
        hsv_to_rgb(&table[(uint8_t)(hue + turn)], saturation, value, rgb);
    }
}
