/* looked: where a checkpoint looked in pictures, asked of the worker program, which has the
 * networks (`assay-worker predict --cam`).
 */
#ifndef ASSAY_CLI_LOOKED_H
#define ASSAY_CLI_LOOKED_H

#include "core/image.h"

enum { LOOKED_MOST = 32 };

enum looked {
    LOOKED,
    LOOKED_NOT,     /* the error says why */
    LOOKED_STOPPED, /* a signal asks this program to end; the error says so */
};

/* Makes images[i] of paths[i], at most LOOKED_MOST of them: what the network saw with its map over
 * it; zeroed where a picture could not be read. The caller frees them with image_free. `wait` is
 * called about twice a second. */
enum looked looked_make(const char *checkpoint, const char *const *paths, size_t count,
                        void (*wait)(void *context), void *context, struct image *images,
                        struct error *error);

#endif
