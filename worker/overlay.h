/* overlay: a picture with where the network looked laid over it.
 *
 * The picture loses some of its colour; over it lie the colours of core/heat.h, the more opaque the
 * larger the map is there. Each map is scaled by its own largest value: colours of two pictures say
 * nothing about each other.
 */
#ifndef ASSAY_WORKER_OVERLAY_H
#define ASSAY_WORKER_OVERLAY_H

#include "worker/predictor.h"

/* Makes `image`, of the size of what was seen. */
bool overlay_draw(const struct looking *looking, struct image *image, struct error *error);

/* Draws it into a PNG in `folder`, "0007-face.png" for number 7 of ".../face.jpg" (of a long name
 * its beginning); *path is the file's, freed by the caller. */
bool overlay_write(const struct looking *looking, const char *folder, size_t number,
                   const char *picture, char **path, struct error *error);

#endif
