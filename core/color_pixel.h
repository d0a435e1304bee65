/* color_pixel: what the operations of ColorJitter do to one pixel (color.h says whose bits these
 * are); the loops of color.c and the GPU's kernels are made of it. */
#ifndef ASSAY_CORE_COLOR_PIXEL_H
#define ASSAY_CORE_COLOR_PIXEL_H

#include "core/portable.h"

#include <math.h>
#include <stdint.h>

/* Pillow's blend of two bytes. Between 0 and 1 it only truncates; outside it clips, and truncates
 * what is left, which is the same for values inside 0..255. */
PORTABLE uint8_t color_blend(int other, int own, float factor) {
    float value = (float)other + factor * (float)(own - other);
    return value <= 0.0F ? (uint8_t)0 : value >= 255.0F ? (uint8_t)255 : (uint8_t)value;
}

/* ITU-R 601-2 luma in 16 binary places, rounded: Pillow's convert("L"). */
PORTABLE uint8_t color_luma(uint32_t red, uint32_t green, uint32_t blue) {
    return (uint8_t)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

/* The mean grey of a picture, from the sum of its lumas: what contrast blends with. */
PORTABLE uint8_t color_mean(uint64_t luma_sum, uint64_t pixels) {
    return (uint8_t)((double)luma_sum / (double)pixels + 0.5);
}

/* Pillow's rgb2hsv_row, after Python's colorsys: hue and saturation of 0..255. What it keeps in
 * float is kept in float and what C promotes to double is double, for the bits' sake. */
PORTABLE void color_hue_and_saturation(int red, int green, int blue, uint8_t *hue,
                                       uint8_t *saturation) {
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

/* Pillow's hsv2rgb: what depends on the hue alone. */
struct color_hue_entry {
    int sector; /* 0..5 */
    float part; /* of the sector, 0..1 */
};

PORTABLE struct color_hue_entry color_hue_entry(uint8_t hue) {
    double sixths = (double)hue * 6.0 / 255.0;
    int sector = (int)floor(sixths);
    struct color_hue_entry entry;
    entry.sector = sector % 6;
    entry.part = (float)(sixths - (double)(float)sector);
    return entry;
}

PORTABLE uint8_t color_scaled(uint8_t value, double by) {
    return (uint8_t)(value * by + 0.5); /* round(): halves go up, nothing is negative */
}

PORTABLE void color_from_hsv(struct color_hue_entry hue, uint8_t saturation, uint8_t value,
                             uint8_t rgb[3]) {
    float pale = (float)((double)saturation / 255.0);
    uint8_t low = color_scaled(value, 1.0 - (double)pale);
    uint8_t falling = color_scaled(value, 1.0 - (double)(pale * hue.part));
    uint8_t rising = color_scaled(value, 1.0 - (double)pale * (1.0 - (double)hue.part));
    const uint8_t sectors[6][3] = {{value, rising, low}, {falling, value, low},
                                   {low, value, rising}, {low, falling, value},
                                   {rising, low, value}, {value, low, falling}};
    for (int i = 0; i < 3; i++)
        rgb[i] = sectors[hue.sector][i];
}

/* numpy's uint8(shift * 255): truncated towards zero, then modulo 256. */
PORTABLE uint8_t color_turn(double shift) {
    return (uint8_t)(int)(shift * 255);
}

/* The pixel's value beside its hue and saturation: its brightest channel. */
PORTABLE uint8_t color_value(const uint8_t rgb[3]) {
    uint8_t value = rgb[0] > rgb[1] ? rgb[0] : rgb[1];
    return rgb[2] > value ? rgb[2] : value;
}

#endif
