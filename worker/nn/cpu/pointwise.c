#include "worker/nn/cpu/pointwise.h"

#include "worker/nn/cpu/product.h"

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = shape->pixels;
    size_t block = shape->block, run = PRODUCT_SUM / block;
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++) {
        const float *from = input + picture * ins * pixels;
        const float *gradient = output_gradient + picture * outs * pixels;
        for (size_t at = 0; at < pixels; at += run)
            product_outer_all(block, ins, outs, pixels, pixels - at < run ? pixels - at : run,
                              picture > 0 || at > 0, from + at * block, gradient + at * block,
                              weights_gradient);
    }
}
