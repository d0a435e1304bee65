#include "core/png.h"
#include "core/simd.h"

#include <string.h>

/* A pixel is worked on whole: its channels in the first lanes, whatever follows it in the others.
 */
typedef int16_t lanes __attribute__((vector_size(16)));
typedef uint8_t bytes __attribute__((vector_size(16)));
typedef uint32_t words __attribute__((vector_size(16)));

/* Reads four bytes, whatever the channels. */
SIMD_INLINE lanes load(const uint8_t *at) {
    uint32_t four;
    memcpy(&four, at, sizeof four);
    bytes narrow = (bytes)(words){four};
    return (lanes)__builtin_shufflevector(narrow, (bytes){0}, 0, 16, 1, 16, 2, 16, 3, 16, 4, 16, 5,
                                          16, 6, 16, 7, 16);
}

/* The low byte of each lane. */
SIMD_INLINE void store(uint8_t *at, lanes wide, size_t channels) {
    bytes all = (bytes)wide;
    words narrow = (words)__builtin_shufflevector(all, all, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6,
                                                  8, 10, 12, 14);
    uint32_t four = narrow[0];
    memcpy(at, &four, channels);
}

SIMD_INLINE void undo_sub(uint8_t *row, size_t pixels, size_t channels) {
    lanes left = {0};
    for (size_t i = 0; i < pixels; i++, row += channels) {
        left = (load(row) + left) & 255;
        store(row, left, channels);
    }
}

SIMD_INLINE void undo_up(uint8_t *restrict row, const uint8_t *restrict above, size_t count) {
    for (size_t i = 0; i < count; i++)
        row[i] = (uint8_t)(row[i] + above[i]);
}

SIMD_INLINE void undo_average(uint8_t *row, const uint8_t *above, size_t pixels, size_t channels) {
    lanes left = {0};
    for (size_t i = 0; i < pixels; i++, row += channels, above += channels) {
        left = (load(row) + ((left + load(above)) >> 1)) & 255;
        store(row, left, channels);
    }
}

SIMD_INLINE lanes magnitude(lanes x) {
    lanes sign = x >> 15;
    return (x ^ sign) - sign;
}

/* Whichever of left, up and corner is nearest to left + up - corner, in this order if equal. */
SIMD_INLINE void undo_paeth(uint8_t *row, const uint8_t *above, size_t pixels, size_t channels) {
    lanes left = {0}, corner = {0};
    for (size_t i = 0; i < pixels; i++, row += channels, above += channels) {
        lanes up = load(above);
        lanes to_left = magnitude(up - corner), to_up = magnitude(left - corner);
        lanes to_corner = magnitude((up - corner) + (left - corner));
        lanes not_left = (to_left > to_up) | (to_left > to_corner), not_up = to_up > to_corner;
        lanes other = (up & ~not_up) | (corner & not_up);
        left = (load(row) + ((left & ~not_left) | (other & not_left))) & 255;
        store(row, left, channels);
        corner = up;
    }
}

SIMD_INLINE bool undo(uint8_t *row, const uint8_t *above, size_t pixels, size_t channels) {
    switch (*row++) {
    case 0: return true;
    case 1: undo_sub(row, pixels, channels); return true;
    case 2: undo_up(row, above + 1, pixels * channels); return true;
    case 3: undo_average(row, above + 1, pixels, channels); return true;
    case 4: undo_paeth(row, above + 1, pixels, channels); return true;
    default: return false;
    }
}

SIMD_CLONES
bool png_unfilter(uint8_t *rows, size_t height, size_t pixels, size_t channels) {
    size_t stride = 1 + pixels * channels;
    bool known = true;
    /* The channels are a constant in each loop: half of the work is moving that many bytes. */
    for (size_t y = 1; known && y <= height; y++) {
        uint8_t *row = rows + y * stride;
        known =
            channels == 3 ? undo(row, row - stride, pixels, 3) : undo(row, row - stride, pixels, 4);
    }
    return known;
}
