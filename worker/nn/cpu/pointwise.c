#include "worker/nn/cpu/pointwise.h"

#include "worker/nn/cpu/product.h"

#include <omp.h>

/* Some of the output's channels, of some of a picture's pixels. */
struct piece {
    size_t picture, first, rows, out_first, out_end;
};

static void piece_multiply(const struct pointwise *shape, const struct piece *piece,
                           const float *input, const float *weights, float *output) {
    size_t ins = shape->in_channels, pixels = shape->pixels, block = shape->block;
    const float *from = input + piece->picture * ins * pixels + piece->first * block;
    float *to = output + piece->picture * shape->out_channels * pixels + piece->first * block;
    for (size_t out = piece->out_first; out < piece->out_end; out += 2 * block)
        product_kernel(block)->product(ins, pixels, piece->rows, ins * block, false, from,
                                       weights + out * ins, to + out * pixels);
}

/* output = input x weights. Where pixels are too few for all threads, they share out channels. */
static void multiply(const struct pointwise *shape, const float *input, const float *weights,
                     float *output) {
    size_t pixels = shape->pixels, pair = 2 * shape->block, pairs = shape->out_channels / pair;
    size_t run = product_run(pixels, product_chunk(shape->in_channels + shape->out_channels));
    size_t runs = (pixels + run - 1) / run;
    size_t wanted = 2 * (size_t)omp_get_max_threads() / (shape->count * runs) + 1;
    size_t parts = wanted < pairs ? wanted : pairs;
#pragma omp parallel for collapse(3) schedule(dynamic)
    for (size_t picture = 0; picture < shape->count; picture++)
        for (size_t at = 0; at < runs; at++)
            for (size_t part = 0; part < parts; part++) {
                size_t first = at * run;
                const struct piece piece = {.picture = picture,
                                            .first = first,
                                            .rows = pixels - first < run ? pixels - first : run,
                                            .out_first = pairs * part / parts * pair,
                                            .out_end = pairs * (part + 1) / parts * pair};
                piece_multiply(shape, &piece, input, weights, output);
            }
}

size_t pointwise_scratch(const struct pointwise *shape) {
    return shape->in_channels * shape->out_channels * sizeof(float);
}

void pointwise_forward(const struct pointwise *shape, const float *input, const float *weights,
                       float *output) {
    multiply(shape, input, weights, output);
}

void pointwise_backward_data(const struct pointwise *shape, const float *output_gradient,
                             const float *weights, float *input_gradient, float *scratch) {
    struct pointwise back = *shape;
    back.in_channels = shape->out_channels;
    back.out_channels = shape->in_channels;
    product_turn_all(shape->block, 1, shape->in_channels, shape->out_channels, weights, scratch);
    multiply(&back, output_gradient, scratch, input_gradient);
}

void pointwise_backward_weights(const struct pointwise *shape, const float *input,
                                const float *output_gradient, float *weights_gradient) {
    size_t ins = shape->in_channels, outs = shape->out_channels, pixels = shape->pixels;
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++)
        product_outer_all(shape->block, ins, outs, pixels, PRODUCT_RUN, picture > 0,
                          input + picture * ins * pixels, output_gradient + picture * outs * pixels,
                          weights_gradient);
}
