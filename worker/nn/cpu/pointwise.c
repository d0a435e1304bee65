#include "worker/nn/cpu/pointwise.h"

#include "worker/nn/cpu/product_kernel.h"

enum { RUN = 192 }; /* pixels that are summed over in one go, from the first cache */

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = shape->pixels;
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++) {
        const float *from = input + picture * ins * pixels;
        const float *gradient = output_gradient + picture * outs * pixels;
        for (size_t at = 0; at < pixels; at += RUN)
            product_outer_all(ins, outs, pixels, pixels - at < RUN ? pixels - at : RUN,
                              picture > 0 || at > 0, from + at * LANES_BLOCK,
                              gradient + at * LANES_BLOCK, weights_gradient);
    }
}
