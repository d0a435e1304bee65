/* defined: a convolution and all its gradients from the definition, in double, on plain NCHW and
 * OIHW; and kernels' weights, of blocks of 8 or 16 channels, from plain ones and back: Ohwi8o, or
 * OIhw8i8o where minimal filtering takes them.
 */
#ifndef ASSAY_TESTS_WORKER_NN_DEFINED_H
#define ASSAY_TESTS_WORKER_NN_DEFINED_H

#include "tests/worker/nn/reference.h"

struct defined_shape {
    size_t count, in, out, height, width, kernel, stride; /* padding: kernel / 2 */
};

struct defined {
    struct defined_shape shape;
    const float *x, *w, *dy;
    double *y, *dx, *dw; /* zeros before, sums behind */
};

static inline size_t defined_side(const struct defined_shape *c, size_t side) {
    return (side - 1) / c->stride + 1;
}

/* What minimal filtering takes over. */
static inline bool defined_tiled(const struct defined_shape *c) {
    return c->kernel == 3 && c->stride == 1 && c->height > 1 && c->width > 1;
}

/* One tap of one pair of channels of one picture. */
static inline void define_tap(const struct defined *values, size_t n, size_t o, size_t i,
                              size_t tap) {
    const struct defined_shape *c = &values->shape;
    size_t k = c->kernel, rows = defined_side(c, c->height), columns = defined_side(c, c->width);
    size_t w = (o * c->in + i) * k * k + tap;
    for (size_t at = 0; at < rows; at++)
        for (size_t across = 0; across < columns; across++) {
            size_t row = at * c->stride + tap / k - k / 2;
            size_t column = across * c->stride + tap % k - k / 2;
            if (row >= c->height || column >= c->width) /* before the first as well */
                continue;
            size_t x = ((n * c->in + i) * c->height + row) * c->width + column;
            size_t y = ((n * c->out + o) * rows + at) * columns + across;
            values->y[y] += (double)values->x[x] * (double)values->w[w];
            values->dx[x] += (double)values->dy[y] * (double)values->w[w];
            values->dw[w] += (double)values->dy[y] * (double)values->x[x];
        }
}

static inline void define(const struct defined *values) {
    const struct defined_shape *c = &values->shape;
    for (size_t n = 0; n < c->count; n++)
        for (size_t o = 0; o < c->out; o++)
            for (size_t i = 0; i < c->in; i++)
                for (size_t tap = 0; tap < c->kernel * c->kernel; tap++)
                    define_tap(values, n, o, i, tap);
}

static inline size_t weight_index(const struct defined_shape *c, size_t block, size_t plain) {
    size_t taps = c->kernel * c->kernel, tap = plain % taps;
    size_t in = plain / taps % c->in, out = plain / taps / c->in;
    if (!defined_tiled(c))
        return ((out / block * taps + tap) * c->in + in) * block + out % block;
    size_t square = (out / block * (c->in / block) + in / block) * taps + tap;
    return (square * block + in % block) * block + out % block;
}

static inline size_t weights_of(const struct defined_shape *c) {
    return c->out * c->in * c->kernel * c->kernel;
}

static inline float *weights_packed(const struct defined_shape *c, size_t block,
                                    const float *plain) {
    float *blocked = zeroed(weights_of(c) * sizeof(float));
    for (size_t i = 0; i < weights_of(c); i++)
        blocked[weight_index(c, block, i)] = plain[i];
    return blocked;
}

static inline float *weights_unpacked(const struct defined_shape *c, size_t block,
                                      const float *blocked) {
    float *plain = zeroed(weights_of(c) * sizeof(float));
    for (size_t i = 0; i < weights_of(c); i++)
        plain[i] = blocked[weight_index(c, block, i)];
    return plain;
}

#endif
