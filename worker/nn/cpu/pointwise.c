#include "worker/nn/cpu/pointwise.h"

#include "worker/nn/cpu/product_kernel.h"

enum {
    BLOCK = PRODUCT_BLOCK,
    PAIR = PRODUCT_PAIR,
    RUN = 192,  /* pixels that are summed over in one go, from the first cache */
    GROUP = 64, /* input channels that a thread takes with what it read of a gradient */
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = shape->pixels;
/* The same thread has the same sums for every run: none waits for the others. */
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++)
        for (size_t at = 0; at < pixels; at += RUN) {
            const float *from = input + picture * ins * pixels + at * BLOCK;
            const float *gradient = output_gradient + picture * outs * pixels + at * BLOCK;
            size_t run = least(pixels - at, RUN);
#pragma omp for collapse(2) schedule(static) nowait
            for (size_t out = 0; out < outs; out += PAIR)
                for (size_t group = 0; group < ins; group += GROUP)
                    for (size_t in = group; in < least(group + GROUP, ins); in += BLOCK)
                        product_outer(ins, pixels, run, picture + at > 0, from + in * pixels,
                                      gradient + out * pixels,
                                      weights_gradient + out * ins + in * BLOCK);
        }
}
