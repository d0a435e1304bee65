#include "worker/nn/cpu/winograd.h"

#include "worker/nn/cpu/product.h"
#include "worker/nn/cpu/winograd_kernel.h"

enum {
    POINTS = WINOGRAD_POINTS,
    CHUNK = 192, /* tiles at a time, at most: their points stay in the cache */
    PART = 48,   /* tiles that one thread transforms */
    APART = 16,  /* floats between points: at multiples of 4096 bytes they would share its sets */
};

static const struct winograd_kernel *kernel_of(const struct winograd *shape) {
    return shape->block == 16 ? &winograd_kernel_16 : &winograd_kernel_8;
}

static size_t tiles_of(const struct winograd *shape) {
    return shape->count * ((shape->height + 1) / 2) * ((shape->width + 1) / 2);
}

static size_t chunk_tiles(const struct winograd *shape) {
    return product_run(tiles_of(shape), CHUNK);
}

/* Floats from one point of the weights to the next. */
static size_t weights_point(const struct winograd *shape) {
    return shape->in_channels * shape->out_channels + APART;
}

static size_t tiles_point(size_t tiles, size_t channels) {
    return tiles * channels + APART;
}

static struct winograd_tiles chunk_of(const struct winograd *shape, size_t channels, size_t first) {
    size_t left = tiles_of(shape) - first, most = chunk_tiles(shape);
    size_t count = left < most ? left : most;
    return (struct winograd_tiles){.height = shape->height,
                                   .width = shape->width,
                                   .channels = channels,
                                   .first = first,
                                   .count = count,
                                   .rows = count,
                                   .point = tiles_point(count, channels)};
}

size_t winograd_scratch(const struct winograd *shape) {
    size_t tiles = chunk_tiles(shape);
    return POINTS * sizeof(float) *
           (weights_point(shape) + tiles_point(tiles, shape->in_channels) +
            tiles_point(tiles, shape->out_channels));
}

/* All of a chunk, by the threads of the region that calls it together. */
static void transform_chunk(const struct winograd *shape, winograd_transform *transform,
                            const struct winograd_tiles *chunk, const float *from, float *to) {
#pragma omp for collapse(2)
    for (size_t at = 0; at < chunk->count; at += PART)
        for (size_t block = 0; block < chunk->channels / shape->block; block++) {
            struct winograd_tiles part = *chunk;
            part.first += at;
            part.at = at;
            part.count = chunk->count - at < PART ? chunk->count - at : PART;
            transform(&part, block, from, to);
        }
}

/* The convolution, with the points of its weights at hand. */
static void convolve(const struct winograd *shape, const float *input, const float *weights,
                     float *output, float *scratch) {
    const struct winograd_kernel *kernel = kernel_of(shape);
    const struct product_kernel *products = product_kernel(shape->block);
    size_t point = weights_point(shape);
    for (size_t first = 0; first < tiles_of(shape); first += chunk_tiles(shape)) {
        const struct winograd_tiles in = chunk_of(shape, shape->in_channels, first);
        const struct winograd_tiles out = chunk_of(shape, shape->out_channels, first);
        float *from = scratch, *to = scratch + POINTS * in.point;
#pragma omp parallel
        {
            transform_chunk(shape, kernel->input, &in, input, from);
#pragma omp for collapse(2)
            for (size_t i = 0; i < POINTS; i++)
                for (size_t outs = 0; outs < out.channels; outs += 2 * shape->block)
                    products->product(in.channels, in.rows, in.rows, from + i * in.point,
                                      weights + i * point + outs * in.channels,
                                      to + i * out.point + outs * out.rows);
            transform_chunk(shape, kernel->output, &out, to, output);
        }
    }
}

void winograd_forward(const struct winograd *shape, const float *input, const float *weights,
                      float *output, float *scratch) {
    const struct winograd_kernel *kernel = kernel_of(shape);
    size_t point = weights_point(shape);
#pragma omp parallel for
    for (size_t block = 0; block < shape->out_channels / shape->block; block++)
        kernel->weights(shape->in_channels, point, block, weights, scratch);
    convolve(shape, input, scratch, output, scratch + POINTS * point);
}

void winograd_backward_data(const struct winograd *shape, const float *output_gradient,
                            const float *weights, float *input_gradient, float *scratch) {
    const struct winograd_kernel *kernel = kernel_of(shape);
    size_t point = weights_point(shape);
#pragma omp parallel for
    for (size_t block = 0; block < shape->in_channels / shape->block; block++)
        kernel->weights_turned(shape->in_channels, shape->out_channels, point, block, weights,
                               scratch);
    struct winograd turned = *shape;
    turned.in_channels = shape->out_channels;
    turned.out_channels = shape->in_channels;
    convolve(&turned, output_gradient, scratch, input_gradient, scratch + POINTS * point);
}

void winograd_backward_weights(const struct winograd *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch) {
    const struct winograd_kernel *kernel = kernel_of(shape);
    const struct product_kernel *products = product_kernel(shape->block);
    size_t point = weights_point(shape);
    float *sums = scratch, *points = scratch + POINTS * point;
    for (size_t first = 0; first < tiles_of(shape); first += chunk_tiles(shape)) {
        const struct winograd_tiles in = chunk_of(shape, shape->in_channels, first);
        const struct winograd_tiles out = chunk_of(shape, shape->out_channels, first);
        float *gradients = points + POINTS * in.point;
#pragma omp parallel
        {
            transform_chunk(shape, kernel->input, &in, input, points);
            transform_chunk(shape, kernel->gradient, &out, output_gradient, gradients);
#pragma omp for collapse(2)
            for (size_t i = 0; i < POINTS; i++)
                for (size_t outs = 0; outs < out.channels; outs += 2 * shape->block)
                    for (size_t ins = 0; ins < in.channels; ins += shape->block)
                        products->outer(in.channels, in.rows, in.rows, first > 0,
                                        points + i * in.point + ins * in.rows,
                                        gradients + i * out.point + outs * out.rows,
                                        sums + i * point + outs * in.channels + ins * shape->block);
        }
    }
#pragma omp parallel for
    for (size_t block = 0; block < shape->out_channels / shape->block; block++)
        kernel->weights_gradient(shape->in_channels, point, block, sums, weights_gradient);
}
