/* png: the two ways of reading a PNG behind png_decode (core/image.h).
 *
 * png_decode_plain is fast and takes only what most data sets consist of; png_decode_libpng takes
 * every PNG and finds the words for what is wrong with one. png_decode tries them in this order.
 * They are apart for the tests that hold them equal.
 */
#ifndef ASSAY_CORE_PNG_H
#define ASSAY_CORE_PNG_H

#include "core/image.h"

enum {
    PNG_PLAIN_BYTES_MAX = 32 << 20,
    /* A byte of deflate stands for at most this many: 258 a match, a match in 2 bits. */
    PNG_DEFLATE_RATIO_MAX = 1032,
};

/* Whole, undamaged pictures of 8-bit RGB or RGBA, not interlaced and of at most
 * PNG_PLAIN_BYTES_MAX bytes of pixels. False leaves an empty image and says nothing but "ask
 * libpng": what is refused here may still be a good PNG. */
bool png_decode_plain(const uint8_t *data, size_t length, struct image *image);

/* As png_decode. */
bool png_decode_libpng(const uint8_t *data, size_t length, const char *name, struct image *image,
                       struct error *error);

/* Undoes the filters of 8-bit rows in place (PNG specification, section 9). `rows` is height + 1
 * rows of 1 + pixels * channels bytes, each the filter's type and then the pixels, and a byte to
 * spare behind them; the first row is zeros and stands above the picture. False if a row names a
 * filter that there is not. `channels` is 3 or 4. */
bool png_unfilter(uint8_t *rows, size_t height, size_t pixels, size_t channels);

#endif
