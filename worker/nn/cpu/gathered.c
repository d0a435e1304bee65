#include "worker/nn/cpu/gathered.h"

#include "worker/nn/cpu/product.h"

#include <string.h>

/* Pixels of the batch at a time, at most: what is gathered stays in the cache. */
enum { CHUNK = 192 };

static size_t strides(const struct gathered *shape, size_t side) {
    return (side + 2 * shape->padding - shape->kernel) / shape->stride + 1;
}

static size_t pixels_of(const struct gathered *shape) {
    return strides(shape, shape->height) * strides(shape, shape->width);
}

static size_t taps_of(const struct gathered *shape) {
    return shape->kernel * shape->kernel;
}

static size_t chunk_rows(const struct gathered *shape) {
    return product_run(shape->count * pixels_of(shape), CHUNK);
}

size_t gathered_scratch(const struct gathered *shape) {
    return chunk_rows(shape) * (shape->in_channels * taps_of(shape) + shape->out_channels) *
           sizeof(float);
}

/* Some of the output's pixels, counted picture by picture: each one's picture, and where it begins
 * in the input. */
struct chunk {
    size_t first, rows;
    struct {
        size_t picture, y, x;
    } at[CHUNK];
};

static void chunk_place(const struct gathered *shape, size_t first, struct chunk *chunk) {
    size_t columns = strides(shape, shape->width), pixels = pixels_of(shape);
    chunk->first = first;
    size_t left = shape->count * pixels - first, most = chunk_rows(shape);
    chunk->rows = left < most ? left : most;
    for (size_t row = 0; row < chunk->rows; row++) {
        size_t pixel = (first + row) % pixels;
        chunk->at[row].picture = (first + row) / pixels;
        chunk->at[row].y = pixel / columns * shape->stride;
        chunk->at[row].x = pixel % columns * shape->stride;
    }
}

/* A pixel's block of channels; of a size that compilers know, no call. */
static inline void pixel_copy(size_t block, float *to, const float *from) {
    if (block == 16)
        memcpy(to, from, 16 * sizeof *to);
    else
        memcpy(to, from, 8 * sizeof *to);
}

/* What stands under the taps of one block of the input's channels. */
static void gather_input(const struct gathered *shape, const struct chunk *chunk, size_t block,
                         const float *input, float *gathered) {
    static const float outside[16];
    size_t size = shape->block;
    gathered += block * taps_of(shape) * chunk->rows * size;
    for (size_t tap = 0; tap < taps_of(shape); tap++)
        for (size_t row = 0; row < chunk->rows; row++, gathered += size) {
            size_t plane = chunk->at[row].picture * (shape->in_channels / size) + block;
            size_t y = chunk->at[row].y + tap / shape->kernel - shape->padding;
            size_t x = chunk->at[row].x + tap % shape->kernel - shape->padding;
            bool inside = y < shape->height && x < shape->width; /* before: beyond both */
            size_t at = ((plane * shape->height + y) * shape->width + x) * size;
            pixel_copy(size, gathered, inside ? input + at : outside);
        }
}

/* One block of the output's channels. */
static void gather_output(const struct gathered *shape, const struct chunk *chunk, size_t block,
                          const float *output, float *gathered) {
    size_t pixels = pixels_of(shape), size = shape->block;
    gathered += block * chunk->rows * size;
    for (size_t row = 0; row < chunk->rows; row++, gathered += size) {
        size_t plane = chunk->at[row].picture * (shape->out_channels / size) + block;
        pixel_copy(size, gathered,
                   output + (plane * pixels + (chunk->first + row) % pixels) * size);
    }
}

void gathered_backward_weights(const struct gathered *shape, const float *input,
                               const float *output_gradient, float *weights_gradient,
                               float *scratch) {
    size_t ins = shape->in_channels * taps_of(shape), total = shape->count * pixels_of(shape);
    size_t run = product_run(chunk_rows(shape), PRODUCT_SUM / shape->block);
    struct chunk chunk;
    for (size_t first = 0; first < total; first += chunk_rows(shape)) {
        chunk_place(shape, first, &chunk);
        size_t rows = chunk.rows;
        float *gradient = scratch + rows * ins;
#pragma omp parallel
        {
#pragma omp for nowait
            for (size_t block = 0; block < shape->in_channels / shape->block; block++)
                gather_input(shape, &chunk, block, input, scratch);
#pragma omp for
            for (size_t block = 0; block < shape->out_channels / shape->block; block++)
                gather_output(shape, &chunk, block, output_gradient, gradient);
            product_outer_all(shape->block, ins, shape->out_channels, rows, run, first > 0, scratch,
                              gradient, weights_gradient);
        }
    }
}
