/* image: 8-bit RGB pictures in memory and as PNG files. */
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

/* Reads any PNG (8/16 bit, palette, grey, alpha, interlaced, tRNS) as Pillow's
 * open().convert("RGB") does: alpha dropped, 16-bit colour cut to its high byte, 16-bit grey
 * clipped at 255. A broken file is an ERROR_INPUT that names it. */
bool png_read(const char *path, struct image *image, struct error *error);
/* The same from memory; `name` is what errors call it. */
bool png_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                struct error *error);
/* Writes an 8-bit RGB PNG, atomically. */
bool png_write(const char *path, const struct image *image, struct error *error);

#endif
