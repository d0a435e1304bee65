/* defined: a convolution of stride 1 and all its gradients from the definition, in double, on plain
 * NCHW and OIHW; and kernels' weights, OIhw8i8o, from plain ones and back.
 */
#ifndef ASSAY_TESTS_WORKER_NN_DEFINED_H
#define ASSAY_TESTS_WORKER_NN_DEFINED_H

#include "tests/worker/nn/reference.h"

struct defined {
    size_t count, in, out, height, width, kernel;
    const float *x, *w, *dy;
    double *y, *dx, *dw; /* zeros before, sums behind */
};

static inline void define(const struct defined *c) {
    size_t k = c->kernel, area = c->height * c->width;
    for (size_t n = 0; n < c->count; n++)
        for (size_t o = 0; o < c->out; o++)
            for (size_t i = 0; i < c->in; i++)
                for (size_t at = 0; at < area * k * k; at++) {
                    size_t pixel = at / (k * k), tap = at % (k * k);
                    size_t row = pixel / c->width + tap / k - k / 2; /* outside: beyond both */
                    size_t column = pixel % c->width + tap % k - k / 2;
                    if (row >= c->height || column >= c->width)
                        continue;
                    size_t x = (n * c->in + i) * area + row * c->width + column;
                    size_t y = (n * c->out + o) * area + pixel, w = (o * c->in + i) * k * k + tap;
                    c->y[y] += (double)c->x[x] * (double)c->w[w];
                    c->dx[x] += (double)c->dy[y] * (double)c->w[w];
                    c->dw[w] += (double)c->dy[y] * (double)c->x[x];
                }
}

static inline size_t weight_index(const struct defined *c, size_t plain) {
    size_t taps = c->kernel * c->kernel, tap = plain % taps;
    size_t in = plain / taps % c->in, out = plain / taps / c->in;
    return ((out / 8 * (c->in / 8) + in / 8) * taps + tap) * 64 + in % 8 * 8 + out % 8;
}

static inline size_t weights_of(const struct defined *c) {
    return c->out * c->in * c->kernel * c->kernel;
}

static inline float *weights_packed(const struct defined *c, const float *plain) {
    float *blocked = zeroed(weights_of(c) * sizeof(float));
    for (size_t i = 0; i < weights_of(c); i++)
        blocked[weight_index(c, i)] = plain[i];
    return blocked;
}

static inline float *weights_unpacked(const struct defined *c, const float *blocked) {
    float *plain = zeroed(weights_of(c) * sizeof(float));
    for (size_t i = 0; i < weights_of(c); i++)
        plain[i] = blocked[weight_index(c, i)];
    return plain;
}

#endif
