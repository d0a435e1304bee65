/* image: 8-bit RGB pictures in memory, and the formats of files that they come from, each as
 * Pillow's open().convert("RGB") reads it. Who does not know the format asks core/picture.h.
 */
#ifndef ASSAY_CORE_IMAGE_H
#define ASSAY_CORE_IMAGE_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    IMAGE_SIDE_MAX = 32768
}; /* pixels a side; larger pictures are refused before memory is taken */

/* Interleaved R, G, B, row by row, no padding: pixel (x, y) is at pixels + 3 * (y * width + x). */
struct image {
    uint8_t *pixels;
    int width, height;
};

/* Takes memory for width x height (contents undefined). */
bool image_new(struct image *image, int width, int height, struct error *error);
void image_free(struct image *image); /* leaves a zeroed image; a zeroed image may be freed */
bool image_copy(const struct image *from, struct image *to, struct error *error);

/* Refuses what no file may claim, before memory is taken: a side over IMAGE_SIDE_MAX, or more
 * pixels than Pillow takes (twice its Image.MAX_IMAGE_PIXELS). */
bool image_check_claim(uint64_t width, uint64_t height, struct error *error);

/* Each of these reads a whole file in memory; `name` is what errors call it. A broken or short
 * file, and one of another format, is an ERROR_INPUT that names it, and the image is then empty. */

/* Any PNG (8/16 bit, palette, grey, alpha, interlaced, tRNS): alpha dropped, 16-bit colour cut to
 * its high byte, 16-bit grey clipped at 255. */
bool png_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                struct error *error);
/* JPEG (baseline or progressive; grey, YCbCr, RGB, CMYK, YCCK). What EXIF says of the orientation
 * is left alone; data that is corrupt but whole is read as far as the library guesses it. */
bool jpeg_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                 struct error *error);
/* WebP (lossy or lossless): alpha dropped, of an animation the first frame. */
bool webp_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                 struct error *error);

/* Writes an 8-bit RGB PNG, atomically. */
bool png_write(const char *path, const struct image *image, struct error *error);

#endif
