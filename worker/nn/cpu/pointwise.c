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

/* Adds what a picture gives. The same thread has the same sums in every picture: none waits. */
static void sum_picture(const struct pointwise *shape, bool first, const float *input,
                        const float *gradient, float *weights) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = shape->pixels;
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
                                const float *output_gradient, float *weights_gradient) {
    size_t ins = shape->in_channels * shape->pixels, outs = shape->out_channels * shape->pixels;
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++)
        sum_picture(shape, picture == 0, input + picture * ins, output_gradient + picture * outs,
                    weights_gradient);
}
