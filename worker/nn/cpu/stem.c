#include "worker/nn/cpu/stem.h"

#include "worker/nn/cpu/product.h"

#include <string.h>

enum { KERNEL = PRODUCT_TAPS, PADDING = KERNEL / 2 };

static size_t padded(size_t side) {
    return side + 2 * PADDING;
}

static size_t strides(const struct stem *shape, size_t side) {
    return (padded(side) - KERNEL) / shape->stride + 1;
}

/* Floats of a picture with its border. */
static size_t picture_floats(const struct stem *shape) {
    return shape->in_channels * padded(shape->height) * padded(shape->width);
}

/* One picture is summed over while another is read. */
size_t stem_scratch(const struct stem *shape) {
    return 2 * picture_floats(shape) * sizeof(float);
}

/* A picture within a border of zeros, by the threads of the region that calls it together. */
static void picture_pad(const struct stem *shape, const float *picture, float *to) {
    size_t width = shape->width;
#pragma omp for collapse(2)
    for (size_t channel = 0; channel < shape->in_channels; channel++)
        for (size_t row = 0; row < padded(shape->height); row++) {
            float *line = to + (channel * padded(shape->height) + row) * padded(width);
            size_t from = row - PADDING; /* beyond the picture in the border above it, too */
            memset(line, 0, padded(width) * sizeof *line);
            if (from < shape->height)
                memcpy(line + PADDING, picture + (channel * shape->height + from) * width,
                       width * sizeof *line);
        }
}

/* A row of the output. */
static void row_convolve(const struct stem *shape, size_t row, const float *picture,
                         const float *weights, float *output) {
    size_t block = shape->block, ins = shape->in_channels, line = padded(shape->width);
    size_t columns = strides(shape, shape->width), pixels = strides(shape, shape->height) * columns;
    for (size_t out = 0; out < shape->out_channels; out += 2 * block)
        product_kernel(block)->window(ins, shape->stride, line, padded(shape->height) * line,
                                      pixels, columns, picture + row * shape->stride * line,
                                      weights + out * KERNEL * KERNEL * ins,
                                      output + out * pixels + row * columns * block);
}

void stem_forward(const struct stem *shape, const float *input, const float *weights, float *output,
                  float *scratch) {
    size_t values = shape->in_channels * shape->height * shape->width;
    size_t outputs =
        shape->out_channels * strides(shape, shape->height) * strides(shape, shape->width);
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++) {
        float *read = scratch + picture % 2 * picture_floats(shape);
        picture_pad(shape, input + picture * values, read);
#pragma omp for nowait
        for (size_t row = 0; row < strides(shape, shape->height); row++)
            row_convolve(shape, row, read, weights, output + picture * outputs);
    }
}

/* What a row of the output adds. Each thread has the same weights of every row of every picture,
 * and waits for nobody behind it. */
static void row_sum(const struct stem *shape, size_t row, bool add, const float *picture,
                    const float *gradient, float *weights) {
    const struct product_kernel *kernel = product_kernel(shape->block);
    size_t block = shape->block, ins = shape->in_channels, top = row * shape->stride;
    size_t columns = strides(shape, shape->width), pixels = strides(shape, shape->height) * columns;
#pragma omp for collapse(3) schedule(static) nowait
    for (size_t out = 0; out < shape->out_channels; out += 2 * block)
        for (size_t tap = 0; tap < KERNEL; tap++)
            for (size_t in = 0; in < ins; in++)
                kernel->taps(ins, shape->stride, pixels, columns, add,
                             picture +
                                 (in * padded(shape->height) + top + tap) * padded(shape->width),
                             gradient + out * pixels + row * columns * block,
                             weights + (out * KERNEL + tap * block) * KERNEL * ins + in * block);
}

void stem_backward_weights(const struct stem *shape, const float *input,
                           const float *output_gradient, float *weights_gradient, float *scratch) {
    size_t pixels = shape->height * shape->width;
    size_t gradients = strides(shape, shape->height) * strides(shape, shape->width);
#pragma omp parallel
    for (size_t picture = 0; picture < shape->count; picture++) {
        float *read = scratch + picture % 2 * picture_floats(shape);
        picture_pad(shape, input + picture * shape->in_channels * pixels, read);
        for (size_t row = 0; row < strides(shape, shape->height); row++)
            row_sum(shape, row, picture > 0 || row > 0, read,
                    output_gradient + picture * shape->out_channels * gradients, weights_gradient);
    }
}
