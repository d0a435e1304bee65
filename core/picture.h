/* picture: pictures from files of any format that is read (PNG, JPEG, WebP).
 *
 * The format is told by a file's first bytes; its name only says that it is meant to be a picture.
 */
#ifndef ASSAY_CORE_PICTURE_H
#define ASSAY_CORE_PICTURE_H

#include "core/image.h"

/* For messages that say what was looked for. */
#define PICTURE_NAMES ".png, .jpg, .jpeg or .webp"
enum { PICTURE_BYTES_MAX = 1 << 30 }; /* of a file */

/* Whether a file of this name is taken for a picture: *.png, *.jpg, *.jpeg, *.webp, in any case. */
bool picture_named(const char *name);

/* Reads the picture as Pillow's open().convert("RGB") does. ERROR_INPUT names the path. */
bool picture_read(const char *path, struct image *image, struct error *error);
/* The same from memory; `name` is what errors call it. */
bool picture_decode(const uint8_t *data, size_t length, const char *name, struct image *image,
                    struct error *error);

#endif
