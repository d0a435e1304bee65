/* map_place: which part of which pixel a thread has, where each part of each pixel of NHWC maps has
 * one: the parts of a pixel side by side, then column, row and picture. */
#ifndef ASSAY_WORKER_NN_CUDA_MAP_PLACE_H
#define ASSAY_WORKER_NN_CUDA_MAP_PLACE_H

#include "core/portable.h"

#include <stddef.h>

struct map_place {
    unsigned part, column, row;
    size_t picture;
};

/* Of maps of width x height pixels, each in so many parts: packs or quads. */
PORTABLE struct map_place map_place_of(size_t thread, unsigned parts, unsigned width,
                                       unsigned height) {
    unsigned pixel = (unsigned)thread / parts;
    struct map_place place;
    place.part = (unsigned)thread % parts;
    place.column = pixel % width;
    place.row = pixel / width % height;
    place.picture = pixel / width / height;
    return place;
}

#endif
