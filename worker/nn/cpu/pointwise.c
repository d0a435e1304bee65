#include "worker/nn/cpu/pointwise.h"

#include "worker/nn/cpu/product_kernel.h"

#include <string.h>

enum {
    BLOCK = PRODUCT_BLOCK,
    PAIR = PRODUCT_PAIR,
    RUN = 192,  /* pixels that are summed over in one go, from the first cache */
    GROUP = 64, /* input channels that a thread takes with what it read of a gradient */
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t strides(size_t side, size_t stride) {
    return (side - 1) / stride + 1;
}

static size_t pixels_of(const struct pointwise *shape) {
    return strides(shape->height, shape->stride) * strides(shape->width, shape->stride);
}

size_t pointwise_scratch(const struct pointwise *shape) {
    return shape->stride == 1 ? 0 : shape->in_channels * pixels_of(shape) * sizeof(float);
}

/* The pixels of a picture that a stride leaves, by the threads of the region together. */
static void gather(const struct pointwise *shape, const float *picture, float *gathered) {
    size_t columns = strides(shape->width, shape->stride);
#pragma omp for
    for (size_t block = 0; block < shape->in_channels / BLOCK; block++) {
        const float *from = picture + block * shape->height * shape->width * BLOCK;
        float *to = gathered + block * pixels_of(shape) * BLOCK;
        for (size_t pixel = 0; pixel < pixels_of(shape); pixel++) {
            size_t row = pixel / columns * shape->stride, column = pixel % columns * shape->stride;
            memcpy(to + pixel * BLOCK, from + (row * shape->width + column) * BLOCK,
                   BLOCK * sizeof(float));
        }
    }
}

/* Adds what a picture gives. The same thread has the same sums in every picture: none waits. */
static void sum_picture(const struct pointwise *shape, bool first, const float *input,
                        const float *gradient, float *weights) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = pixels_of(shape);
    for (size_t at = 0; at < pixels; at += RUN) {
#pragma omp for collapse(2) schedule(static) nowait
        for (size_t out = 0; out < outs; out += PAIR)
            for (size_t group = 0; group < ins; group += GROUP)
                for (size_t in = group; in < least(group + GROUP, ins); in += BLOCK)
                    product_outer(ins, pixels, least(pixels - at, RUN), !first || at > 0,
                                  input + in * pixels + at * BLOCK,
                                  gradient + out * pixels + at * BLOCK,
                                  weights + out * ins + in * BLOCK);
    }
}

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient,
                                float *scratch) {
    size_t floats = shape->in_channels * shape->height * shape->width;
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++) {
        const float *from = input + picture * floats;
        if (shape->stride > 1) {
#pragma omp barrier /* scratch memory is read no more */
            gather(shape, from, scratch);
            from = scratch;
        }
        sum_picture(shape, picture == 0, from,
                    output_gradient + picture * shape->out_channels * pixels_of(shape),
                    weights_gradient);
    }
}
