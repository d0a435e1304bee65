#include "worker/nn/cpu/pointwise.h"

#include "worker/nn/cpu/product.h"

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = shape->pixels;
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++) {
        const float *from = input + picture * ins * pixels;
        const float *gradient = output_gradient + picture * outs * pixels;
        product_outer_all(shape->block, ins, outs, pixels, PRODUCT_SUM / shape->block, picture > 0,
                          from, gradient, weights_gradient);
    }
}
