#include "worker/nn/cpu/winograd.h"

#include "worker/nn/cpu/product.h"
#include "worker/nn/cpu/winograd_kernel.h"

#include <omp.h>
#include <stdbool.h>

enum {
    POINTS = WINOGRAD_POINTS,
    CHUNK = 96,      /* tiles of a convolution at a time, at most: their points stay in the cache */
    ROUND = 1 << 21, /* values of points, at most, whose sums threads share out before they wait */
    PART = 48,       /* tiles that one thread transforms */
    APART = 16, /* floats between points: at multiples of 4096 bytes they would share its sets */
};

static const struct winograd_kernel *kernel_of(const struct winograd *shape) {
    return shape->block == 16 ? &winograd_kernel_16 : &winograd_kernel_8;
}

static size_t tiles_of(const struct winograd *shape) {
    return shape->count * ((shape->height + 1) / 2) * ((shape->width + 1) / 2);
}

/* Of a convolution's chunk. */
static size_t chunk_tiles(const struct winograd *shape) {
    return product_run(tiles_of(shape), CHUNK);
}

/* Summed over at a time, whatever the chunk. */
static size_t run_tiles(const struct winograd *shape) {
    return product_run(tiles_of(shape), PRODUCT_RUN);
}

/* Floats from one point of the weights to the next. */
static size_t weights_point(const struct winograd *shape) {
    return shape->in_channels * shape->out_channels + APART;
}

static size_t tiles_point(size_t tiles, size_t channels) {
    return tiles * channels + APART;
}

static struct winograd_tiles chunk_of(const struct winograd *shape, size_t channels, size_t first,
                                      size_t most) {
    size_t left = tiles_of(shape) - first;
    size_t count = left < most ? left : most;
    return (struct winograd_tiles){.height = shape->height,
                                   .width = shape->width,
                                   .channels = channels,
                                   .first = first,
                                   .count = count,
                                   .rows = count,
                                   .point = tiles_point(count, channels)};
}

/* Of points of a chunk's input and output. */
static size_t chunk_floats(const struct winograd *shape, size_t tiles) {
    return POINTS *
           (tiles_point(tiles, shape->in_channels) + tiles_point(tiles, shape->out_channels));
}

/* Of a chunk for gradients of weights: whole runs. */
static size_t round_tiles(const struct winograd *shape) {
    size_t run = run_tiles(shape), runs = ROUND / chunk_floats(shape, run);
    return runs > 1 ? runs * run : run;
}

static bool chunks_are_shared(const struct winograd *shape) {
    return product_is_shared(tiles_of(shape), chunk_tiles(shape));
}

size_t winograd_scratch(const struct winograd *shape) {
    size_t chunks = chunks_are_shared(shape) ? 1 : (size_t)omp_get_max_threads();
    size_t convolved = chunks * chunk_floats(shape, chunk_tiles(shape));
    size_t summed = chunk_floats(shape, round_tiles(shape));
    return (POINTS * weights_point(shape) + (convolved > summed ? convolved : summed)) *
           sizeof(float);
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

/* A chunk of the convolution, with the points of its weights at hand. */
static void convolve_chunk(const struct winograd *shape, size_t first, int threads,
                           const float *input, const float *weights, float *output,
                           float *scratch) {
    const struct winograd_kernel *kernel = kernel_of(shape);
    const struct product_kernel *products = product_kernel(shape->block);
    size_t most = chunk_tiles(shape);
    const struct winograd_tiles in = chunk_of(shape, shape->in_channels, first, most);
    const struct winograd_tiles out = chunk_of(shape, shape->out_channels, first, most);
    size_t point = weights_point(shape);
    float *from = scratch, *to = scratch + POINTS * in.point;
#pragma omp parallel num_threads(threads)
    {
        transform_chunk(shape, kernel->input, &in, input, from);
#pragma omp for collapse(2)
        for (size_t i = 0; i < POINTS; i++)
            for (size_t outs = 0; outs < out.channels; outs += 2 * shape->block)
                products->product(in.channels, in.rows, in.rows, in.channels * shape->block, false,
                                  from + i * in.point, weights + i * point + outs * in.channels,
                                  to + i * out.point + outs * out.rows);
        transform_chunk(shape, kernel->output, &out, to, output);
    }
}

/* A chunk for each thread, who then wait for each other but once; where chunks are too few, all
 * threads for each. */
static void convolve(const struct winograd *shape, const float *input, const float *weights,
                     float *output, float *scratch) {
    int threads = omp_get_max_threads();
    size_t tiles = tiles_of(shape), most = chunk_tiles(shape);
    if (chunks_are_shared(shape)) {
        for (size_t first = 0; first < tiles; first += most)
            convolve_chunk(shape, first, threads, input, weights, output, scratch);
        return;
    }
#pragma omp parallel for schedule(dynamic)
    for (size_t first = 0; first < tiles; first += most)
        convolve_chunk(shape, first, 1, input, weights, output,
                       scratch + (size_t)omp_get_thread_num() * chunk_floats(shape, most));
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

/* What a chunk adds to the sums of one point, of a block of input channels and a pair of output
 * channels': run by run, which rounds less and is the same in any chunk. */
static void chunk_sum(const struct winograd *shape, size_t rows, bool add, const float *input,
                      const float *gradient, float *sums) {
    size_t run = run_tiles(shape);
    for (size_t at = 0; at < rows; at += run)
        product_kernel(shape->block)
            ->outer(shape->in_channels, rows, rows - at < run ? rows - at : run, add || at > 0,
                    input + at * shape->block, gradient + at * shape->block, sums);
}

void winograd_backward_weights(const struct winograd *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch) {
    const struct winograd_kernel *kernel = kernel_of(shape);
    size_t point = weights_point(shape), block = shape->block, most = round_tiles(shape);
    float *sums = scratch, *points = scratch + POINTS * point;
    for (size_t first = 0; first < tiles_of(shape); first += most) {
        const struct winograd_tiles in = chunk_of(shape, shape->in_channels, first, most);
        const struct winograd_tiles out = chunk_of(shape, shape->out_channels, first, most);
        float *gradients = points + POINTS * in.point;
#pragma omp parallel
        {
            transform_chunk(shape, kernel->input, &in, input, points);
            transform_chunk(shape, kernel->gradient, &out, output_gradient, gradients);
#pragma omp for collapse(2)
            for (size_t i = 0; i < POINTS; i++)
                for (size_t outs = 0; outs < out.channels; outs += 2 * block)
                    for (size_t ins = 0; ins < in.channels; ins += block)
                        chunk_sum(shape, in.rows, first > 0, points + i * in.point + ins * in.rows,
                                  gradients + i * out.point + outs * out.rows,
                                  sums + i * point + outs * in.channels + ins * block);
        }
    }
#pragma omp parallel for
    for (size_t at = 0; at < shape->out_channels / block; at++)
        kernel->weights_gradient(shape->in_channels, point, at, sums, weights_gradient);
}
