#include "worker/nn/cpu/gathered.h"

#include "worker/nn/cpu/product.h"

#include <omp.h>
#include <string.h>

static size_t strides(const struct gathered *shape, size_t side) {
    return (side + 2 * shape->padding - shape->kernel) / shape->stride + 1;
}

static size_t taps_of(const struct gathered *shape) {
    return shape->kernel * shape->kernel;
}

/* ---- pixels beside each other ---- */

/* Pixels of a map that each belong to one of a grid's: that of a row and a column stands at
 * (top + step * row, left + step * column). Before the map is beyond it, as numbers without sign
 * have it. */
struct pixels {
    size_t channels, height, width; /* of the map */
    size_t step, top, left;
};

/* Some pixels of a batch's grids, counted picture by picture. */
struct chunk {
    size_t block, rows;
    struct {
        size_t picture, row, column;
    } at[PRODUCT_CHUNK];
};

static void chunk_place(size_t block, size_t columns, size_t pixels, size_t first, size_t rows,
                        struct chunk *chunk) {
    chunk->block = block;
    chunk->rows = rows;
    for (size_t row = 0; row < rows; row++) {
        size_t pixel = (first + row) % pixels;
        chunk->at[row].picture = (first + row) / pixels;
        chunk->at[row].row = pixel / columns;
        chunk->at[row].column = pixel % columns;
    }
}

enum { OUTSIDE = -1 };

/* Where each row of the chunk has its pixel in the first block of the map's channels. */
static void pixels_find(const struct chunk *chunk, const struct pixels *pixels, ptrdiff_t *at) {
    size_t blocks = pixels->channels / chunk->block;
    for (size_t row = 0; row < chunk->rows; row++) {
        size_t y = chunk->at[row].row * pixels->step + pixels->top;
        size_t x = chunk->at[row].column * pixels->step + pixels->left;
        size_t line = chunk->at[row].picture * blocks * pixels->height + y;
        at[row] = y < pixels->height && x < pixels->width
                      ? (ptrdiff_t)((line * pixels->width + x) * chunk->block)
                      : OUTSIDE;
    }
}

static size_t plane_floats(const struct chunk *chunk, const struct pixels *pixels) {
    return pixels->height * pixels->width * chunk->block;
}

/* A pixel's block of channels; of a size that compilers know, no call. */
static inline void pixel_copy(size_t block, float *to, const float *from) {
    if (block == 16)
        memcpy(to, from, 16 * sizeof *to);
    else
        memcpy(to, from, 8 * sizeof *to);
}

/* All channels of a chunk's pixels, zeros of those outside, by the threads of the region that calls
 * it together; none waits behind it. */
static void gather(const struct chunk *chunk, const struct pixels *pixels, const float *map,
                   float *gathered) {
    static const float outside[16];
    ptrdiff_t at[PRODUCT_CHUNK];
    pixels_find(chunk, pixels, at);
    size_t size = chunk->block;
#pragma omp for nowait
    for (size_t block = 0; block < pixels->channels / size; block++) {
        const float *from = map + block * plane_floats(chunk, pixels);
        float *to = gathered + block * chunk->rows * size;
        for (size_t row = 0; row < chunk->rows; row++, to += size)
            pixel_copy(size, to, at[row] == OUTSIDE ? outside : from + at[row]);
    }
}

/* Back to where they belong; none of them is outside. */
static void scatter(const struct chunk *chunk, const struct pixels *pixels, const float *gathered,
                    float *map) {
    ptrdiff_t at[PRODUCT_CHUNK];
    pixels_find(chunk, pixels, at);
    size_t size = chunk->block;
#pragma omp for
    for (size_t block = 0; block < pixels->channels / size; block++) {
        const float *from = gathered + block * chunk->rows * size;
        float *to = map + block * plane_floats(chunk, pixels);
        for (size_t row = 0; row < chunk->rows; row++, from += size)
            pixel_copy(size, to + at[row], from);
    }
}

static struct pixels output_pixels(const struct gathered *shape) {
    return (struct pixels){.channels = shape->out_channels,
                           .height = strides(shape, shape->height),
                           .width = strides(shape, shape->width),
                           .step = 1};
}

/* What stands under a tap, of the grid of the output. */
static struct pixels input_pixels(const struct gathered *shape, size_t tap) {
    return (struct pixels){.channels = shape->in_channels,
                           .height = shape->height,
                           .width = shape->width,
                           .step = shape->stride,
                           .top = tap / shape->kernel - shape->padding,
                           .left = tap % shape->kernel - shape->padding};
}

/* ---- forward, and backward to the input ---- */

/* Products with the weights of some taps, added up tap by tap. */
struct sweep {
    size_t block, count;
    size_t rows, columns;                                    /* of the grid of a picture */
    struct pixels to;                                        /* where sums go */
    size_t tap_count;                                        /* 0: there is nothing to add up */
    struct pixels from[GATHERED_KERNEL * GATHERED_KERNEL];   /* what is under each tap */
    const float *weights[GATHERED_KERNEL * GATHERED_KERNEL]; /* of each tap */
    size_t apart; /* floats of weights to the next block of the channels that come out */
};

static size_t chunk_floats(size_t in_channels, size_t out_channels) {
    return product_chunk(in_channels + out_channels) * (in_channels + out_channels);
}

static void sweep_chunk(const struct sweep *sweep, size_t first, size_t rows, int threads,
                        const float *input, float *output, float *scratch) {
    const struct product_kernel *kernel = product_kernel(sweep->block);
    size_t ins = sweep->from[0].channels, outs = sweep->to.channels;
    float *from = scratch, *to = scratch + rows * ins;
    struct chunk chunk;
    chunk_place(sweep->block, sweep->columns, sweep->rows * sweep->columns, first, rows, &chunk);
    if (sweep->tap_count == 0)
        memset(to, 0, rows * outs * sizeof *to);
#pragma omp parallel num_threads(threads)
    {
        for (size_t tap = 0; tap < sweep->tap_count; tap++) {
            gather(&chunk, &sweep->from[tap], input, from);
#pragma omp barrier
#pragma omp for
            for (size_t out = 0; out < outs; out += 2 * sweep->block)
                kernel->product(ins, rows, rows, sweep->apart, tap > 0, from,
                                sweep->weights[tap] + out / sweep->block * sweep->apart,
                                to + out * rows);
        }
        scatter(&chunk, &sweep->to, to, output);
    }
}

/* A chunk for each thread, who then wait for each other but once; where chunks are less than two
 * for each, all threads for each. */
static void sweep_run(const struct sweep *sweep, const float *input, float *output,
                      float *scratch) {
    size_t ins = sweep->from[0].channels, outs = sweep->to.channels;
    size_t total = sweep->count * sweep->rows * sweep->columns;
    size_t run = product_run(total, product_chunk(ins + outs));
    if (product_is_shared(total, run)) {
        for (size_t first = 0; first < total; first += run)
            sweep_chunk(sweep, first, total - first < run ? total - first : run,
                        omp_get_max_threads(), input, output, scratch);
        return;
    }
#pragma omp parallel for schedule(dynamic)
    for (size_t first = 0; first < total; first += run)
        sweep_chunk(sweep, first, total - first < run ? total - first : run, 1, input, output,
                    scratch + (size_t)omp_get_thread_num() * chunk_floats(ins, outs));
}

void gathered_forward(const struct gathered *shape, const float *input, const float *weights,
                      float *output, float *scratch) {
    struct sweep sweep = {.block = shape->block,
                          .count = shape->count,
                          .rows = strides(shape, shape->height),
                          .columns = strides(shape, shape->width),
                          .to = output_pixels(shape),
                          .tap_count = taps_of(shape),
                          .apart = taps_of(shape) * shape->in_channels * shape->block};
    for (size_t tap = 0; tap < sweep.tap_count; tap++) {
        sweep.from[tap] = input_pixels(shape, tap);
        sweep.weights[tap] = weights + tap * shape->in_channels * shape->block;
    }
    sweep_run(&sweep, input, output, scratch);
}

/* The pixels of the output under whose tap those of one phase of the input stand: of every
 * stride-th row from `top` on and column from `left` on. False: none. */
static bool phase_tap(const struct gathered *shape, size_t top, size_t left, size_t tap,
                      struct pixels *pixels) {
    ptrdiff_t stride = (ptrdiff_t)shape->stride;
    ptrdiff_t down = (ptrdiff_t)(top + shape->padding) - (ptrdiff_t)(tap / shape->kernel);
    ptrdiff_t across = (ptrdiff_t)(left + shape->padding) - (ptrdiff_t)(tap % shape->kernel);
    *pixels = output_pixels(shape);
    pixels->top = (size_t)(down / stride);
    pixels->left = (size_t)(across / stride);
    return down % stride == 0 && across % stride == 0;
}

static void phase_run(const struct gathered *shape, size_t top, size_t left, const float *gradient,
                      const float *turned, float *input_gradient, float *scratch) {
    struct pixels to = input_pixels(shape, 0);
    to.top = top;
    to.left = left;
    struct sweep sweep = {.block = shape->block,
                          .count = shape->count,
                          .rows = (shape->height - top + shape->stride - 1) / shape->stride,
                          .columns = (shape->width - left + shape->stride - 1) / shape->stride,
                          .to = to,
                          .apart = shape->out_channels * shape->block};
    sweep.from[0] = output_pixels(shape);
    for (size_t tap = 0; tap < taps_of(shape); tap++)
        if (phase_tap(shape, top, left, tap, &sweep.from[sweep.tap_count]))
            sweep.weights[sweep.tap_count++] =
                turned + tap * shape->in_channels * shape->out_channels;
    sweep_run(&sweep, gradient, input_gradient, scratch);
}

static size_t weights_floats(const struct gathered *shape) {
    return taps_of(shape) * shape->in_channels * shape->out_channels;
}

void gathered_backward_data(const struct gathered *shape, const float *output_gradient,
                            const float *weights, float *input_gradient, float *scratch) {
    product_turn_all(shape->block, taps_of(shape), shape->in_channels, shape->out_channels, weights,
                     scratch);
    for (size_t top = 0; top < shape->stride && top < shape->height; top++)
        for (size_t left = 0; left < shape->stride && left < shape->width; left++)
            phase_run(shape, top, left, output_gradient, scratch, input_gradient,
                      scratch + weights_floats(shape));
}

/* ---- gradients of weights ---- */

static size_t output_total(const struct gathered *shape) {
    return shape->count * strides(shape, shape->height) * strides(shape, shape->width);
}

static size_t sum_rows(const struct gathered *shape) {
    return product_run(output_total(shape), PRODUCT_CHUNK);
}

void gathered_backward_weights(const struct gathered *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch) {
    size_t ins = shape->in_channels, total = output_total(shape), most = sum_rows(shape);
    size_t run = product_run(most, PRODUCT_RUN);
    const struct pixels out = output_pixels(shape);
    struct chunk chunk;
    for (size_t first = 0; first < total; first += most) {
        size_t rows = total - first < most ? total - first : most;
        float *gradient = scratch + rows * taps_of(shape) * ins;
        chunk_place(shape->block, out.width, out.height * out.width, first, rows, &chunk);
#pragma omp parallel
        {
            for (size_t tap = 0; tap < taps_of(shape); tap++) {
                const struct pixels in = input_pixels(shape, tap);
                gather(&chunk, &in, input, scratch + tap * ins * rows);
            }
            gather(&chunk, &out, output_gradient, gradient);
#pragma omp barrier
            product_outer_all(shape->block, taps_of(shape) * ins, shape->out_channels, rows, run,
                              first > 0, scratch, gradient, weights_gradient);
        }
    }
}

size_t gathered_scratch(const struct gathered *shape) {
    size_t ins = shape->in_channels, outs = shape->out_channels;
    size_t swept = (size_t)omp_get_max_threads() * chunk_floats(ins, outs);
    size_t convolved = weights_floats(shape) + swept;
    size_t summed = sum_rows(shape) * (taps_of(shape) * ins + outs);
    return (convolved > summed ? convolved : summed) * sizeof(float);
}
