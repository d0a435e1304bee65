/* layout_kernels: from one way of storing numbers to another. */
#ifndef ASSAY_WORKER_NN_CUDA_LAYOUT_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_LAYOUT_KERNELS_H

#include "worker/nn/cuda/element.h"

/* Thread: a pixel. Three planes of floats (NCHW) to NHWC with `channels`, padded with zeros. */
struct planes_gather {
    size_t pixels, channels;
    enum element element;
    const float *from;
    void *to;
};

PORTABLE void planes_gather(const struct planes_gather *a, size_t thread) {
    size_t picture = thread / a->pixels, pixel = thread % a->pixels;
    for (size_t quad = 0; quad < a->channels / 4; quad++) {
        struct quad value = {{0, 0, 0, 0}};
        for (size_t i = 0; quad == 0 && i < 3; i++)
            value.v[i] = a->from[(3 * picture + i) * a->pixels + pixel];
        quad_store(a->to, a->element, thread * (a->channels / 4) + quad, value);
    }
}

/* Thread: four numbers. */
struct element_convert {
    enum element from_element, to_element;
    const void *from;
    void *to;
};

PORTABLE void element_convert(const struct element_convert *a, size_t thread) {
    quad_store(a->to, a->to_element, thread, quad_load(a->from, a->from_element, thread));
}

#endif
