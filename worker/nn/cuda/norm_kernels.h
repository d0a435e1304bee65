/* norm_kernels: batch normalisation on NHWC activations, with the addition and the ReLU that follow
 * it in the same pass (worker/nn/cpu/batch_norm.h has the formulas).
 *
 * Sums over a channel's values are taken in double, in two stages with a fixed order: each slice
 * of rows by one thread, then the slices. So no thread waits for another, nothing is added
 * atomically, and every run gives the same bits.
 */
#ifndef ASSAY_WORKER_NN_CUDA_NORM_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_NORM_KERNELS_H

#include "worker/nn/cuda/element.h"

#include <math.h>
#include <stdbool.h>

#define NORM_EPSILON 1e-5
#define NORM_MOMENTUM 0.1

/* A row is one pixel of one picture: `channels` values. */
struct norm_rows {
    size_t rows, channels, slices;
    enum element element;
};

enum { NORM_FOLD = 32 }; /* slices that norm_fold makes one of */

/* Slices for sums over so many rows: enough threads for a large GPU, and some rows for each. */
PORTABLE size_t norm_slices(size_t rows, size_t channels) {
    size_t most = (rows + 15) / 16, wanted = ((size_t)1 << 18) / channels;
    size_t slices = wanted < most ? wanted : most;
    return slices > 0 ? slices : 1;
}

/* First row of a slice. */
PORTABLE size_t norm_row(const struct norm_rows *at, size_t slice) {
    return at->rows * slice / at->slices;
}

/* ---- forward ---- */

/* Thread: a slice's four channels. partial: [slices][2][channels], of x and of x squared. */
struct norm_moments {
    struct norm_rows at;
    const void *x;
    double *partial;
};

PORTABLE void norm_moments(const struct norm_moments *a, size_t thread) {
    size_t quads = a->at.channels / 4, quad = thread % quads, slice = thread / quads;
    double sum[4] = {0, 0, 0, 0}, square[4] = {0, 0, 0, 0};
    for (size_t row = norm_row(&a->at, slice); row < norm_row(&a->at, slice + 1); row++) {
        struct quad x = quad_load(a->x, a->at.element, row * quads + quad);
        for (int i = 0; i < 4; i++) {
            sum[i] += (double)x.v[i];
            square[i] += (double)x.v[i] * (double)x.v[i];
        }
    }
    double *partial = a->partial + 2 * slice * a->at.channels + 4 * quad;
    for (size_t i = 0; i < 4; i++) {
        partial[i] = sum[i];
        partial[a->at.channels + i] = square[i];
    }
}

/* Thread: one column of a group of NORM_FOLD slices. */
struct norm_fold {
    size_t slices, columns; /* columns: 2 * channels */
    const double *from;
    double *to;
};

PORTABLE void norm_fold(const struct norm_fold *a, size_t thread) {
    size_t group = thread / a->columns, column = thread % a->columns;
    double sum = 0;
    for (size_t slice = group * NORM_FOLD; slice < (group + 1) * NORM_FOLD && slice < a->slices;
         slice++)
        sum += a->from[slice * a->columns + column];
    a->to[group * a->columns + column] = sum;
}

/* What is a channel's, `channels` floats each; y = x * scale + shift,
 * dx = scale * g - (x - mean) * slope - offset. */
struct norm_channels {
    float *mean, *inverse, *scale, *shift, *slope, *offset;
};

PORTABLE void norm_total(const double *partial, size_t slices, size_t channels, size_t channel,
                         double sums[2]) {
    sums[0] = sums[1] = 0;
    for (size_t slice = 0; slice < slices; slice++) {
        sums[0] += partial[2 * slice * channels + channel];
        sums[1] += partial[(2 * slice + 1) * channels + channel];
    }
}

PORTABLE float norm_blend(float running, double value) {
    return (float)((1 - NORM_MOMENTUM) * (double)running + NORM_MOMENTUM * value);
}

/* Thread: a channel. The variance runs on with Bessel's correction. */
struct norm_statistics {
    struct norm_rows at; /* slices: what folding left */
    const double *partial;
    const float *weight, *bias;
    float *running_mean, *running_variance;
    struct norm_channels of;
};

PORTABLE void norm_statistics(const struct norm_statistics *a, size_t channel) {
    double sums[2], values = (double)a->at.rows;
    norm_total(a->partial, a->at.slices, a->at.channels, channel, sums);
    double mean = sums[0] / values, variance = sums[1] / values - mean * mean;
    if (variance < 0)
        variance = 0;
    double inverse = 1 / sqrt(variance + NORM_EPSILON);
    double scale = (double)a->weight[channel] * inverse;
    a->of.mean[channel] = (float)mean;
    a->of.inverse[channel] = (float)inverse;
    a->of.scale[channel] = (float)scale;
    a->of.shift[channel] = (float)((double)a->bias[channel] - mean * scale);
    a->running_mean[channel] = norm_blend(a->running_mean[channel], mean);
    a->running_variance[channel] =
        norm_blend(a->running_variance[channel], variance * values / (values - 1));
}

/* Thread: a channel. Evaluation, and frozen layers. */
struct norm_running {
    const float *weight, *bias, *running_mean, *running_variance;
    struct norm_channels of;
};

PORTABLE void norm_running(const struct norm_running *a, size_t channel) {
    double scale =
        (double)a->weight[channel] / sqrt((double)a->running_variance[channel] + NORM_EPSILON);
    a->of.mean[channel] = a->running_mean[channel];
    a->of.scale[channel] = (float)scale;
    a->of.shift[channel] =
        (float)((double)a->bias[channel] - (double)a->running_mean[channel] * scale);
}

/* Thread: four values. y = [relu](x * scale + shift [+ residual]); y may be x. */
struct norm_apply {
    size_t channels;
    enum element element;
    bool relu;
    const void *x, *residual;
    const float *scale, *shift;
    void *y;
};

PORTABLE void norm_apply(const struct norm_apply *a, size_t thread) {
    size_t quad = thread % (a->channels / 4);
    struct quad y = quad_load(a->x, a->element, thread);
    struct quad scale = quad_load(a->scale, ELEMENT_F32, quad);
    struct quad shift = quad_load(a->shift, ELEMENT_F32, quad);
    for (int i = 0; i < 4; i++)
        y.v[i] = y.v[i] * scale.v[i] + shift.v[i];
    if (a->residual != NULL) {
        struct quad residual = quad_load(a->residual, a->element, thread);
        for (int i = 0; i < 4; i++)
            y.v[i] += residual.v[i];
    }
    for (int i = 0; a->relu && i < 4; i++)
        y.v[i] = y.v[i] <= 0 ? 0 : y.v[i];
    quad_store(a->y, a->element, thread, y);
}

/* ---- backward ---- */

/* How the backward pass finds where the ReLU let the gradient through. */
enum norm_mask {
    NORM_MASK_NONE, /* there is no ReLU */
    NORM_MASK_X,    /* by x * scale + shift */
    NORM_MASK_Y     /* by the output, which a residual went into */
};

PORTABLE struct quad norm_masked(enum norm_mask mask, struct quad gradient, struct quad x,
                                 struct quad y, struct quad scale, struct quad shift) {
    for (int i = 0; mask != NORM_MASK_NONE && i < 4; i++) {
        float output = mask == NORM_MASK_X ? x.v[i] * scale.v[i] + shift.v[i] : y.v[i];
        gradient.v[i] = output <= 0 ? 0 : gradient.v[i];
    }
    return gradient;
}

/* Thread: a slice's four channels. g is the gradient (`first` + `second`, which may be NULL) that
 * the ReLU lets through; partial: [slices][2][channels], of g and of g x. `store` leaves g in
 * `first`. */
struct norm_reduce {
    struct norm_rows at;
    enum norm_mask mask;
    bool store;
    const void *x, *y, *second;
    void *first;
    const float *scale, *shift;
    double *partial;
};

PORTABLE void norm_reduce(const struct norm_reduce *a, size_t thread) {
    size_t quads = a->at.channels / 4, quad = thread % quads, slice = thread / quads;
    enum element element = a->at.element;
    double sum[4] = {0, 0, 0, 0}, product[4] = {0, 0, 0, 0};
    struct quad scale = quad_load(a->scale, ELEMENT_F32, quad);
    struct quad shift = quad_load(a->shift, ELEMENT_F32, quad);
    for (size_t row = norm_row(&a->at, slice); row < norm_row(&a->at, slice + 1); row++) {
        size_t at = row * quads + quad;
        struct quad g = quad_load(a->first, element, at), x = quad_load(a->x, element, at), y = x;
        if (a->second != NULL) {
            struct quad second = quad_load(a->second, element, at);
            for (int i = 0; i < 4; i++)
                g.v[i] = element_rounded(element, g.v[i] + second.v[i]);
        }
        if (a->mask == NORM_MASK_Y)
            y = quad_load(a->y, element, at);
        g = norm_masked(a->mask, g, x, y, scale, shift);
        if (a->store)
            quad_store(a->first, element, at, g);
        for (int i = 0; i < 4; i++) {
            sum[i] += (double)g.v[i];
            product[i] += (double)g.v[i] * (double)x.v[i];
        }
    }
    double *partial = a->partial + 2 * slice * a->at.channels + 4 * quad;
    for (size_t i = 0; i < 4; i++) {
        partial[i] = sum[i];
        partial[a->at.channels + i] = product[i];
    }
}

/* Thread: a channel. The gradients of weight and bias, and dx's slope and offset; when frozen the
 * statistics are constants, and dx = scale * g. */
struct norm_gradients {
    struct norm_rows at; /* slices: what folding left */
    bool frozen;
    const double *partial;
    const float *weight;
    float *weight_gradient, *bias_gradient;
    struct norm_channels of;
};

PORTABLE void norm_gradients(const struct norm_gradients *a, size_t channel) {
    if (a->frozen) {
        a->of.slope[channel] = a->of.offset[channel] = 0;
        return;
    }
    double sums[2], values = (double)a->at.rows, inverse = (double)a->of.inverse[channel];
    norm_total(a->partial, a->at.slices, a->at.channels, channel, sums);
    sums[1] -= (double)a->of.mean[channel] * sums[0]; /* now of g (x - mean) */
    a->bias_gradient[channel] = (float)sums[0];
    a->weight_gradient[channel] = (float)(sums[1] * inverse);
    double scale = (double)a->weight[channel] * inverse;
    a->of.slope[channel] = (float)(scale * inverse * inverse * sums[1] / values);
    a->of.offset[channel] = (float)(scale * sums[0] / values);
}

/* Thread: four values. mask: NORM_MASK_NONE or NORM_MASK_X; dx may be `gradient`. */
struct norm_finish {
    size_t channels;
    enum element element;
    enum norm_mask mask;
    const void *x, *gradient;
    struct norm_channels of;
    void *dx;
};

PORTABLE void norm_finish(const struct norm_finish *a, size_t thread) {
    size_t quad = thread % (a->channels / 4);
    struct quad x = quad_load(a->x, a->element, thread);
    struct quad g = quad_load(a->gradient, a->element, thread);
    struct quad scale = quad_load(a->of.scale, ELEMENT_F32, quad);
    struct quad shift = quad_load(a->of.shift, ELEMENT_F32, quad);
    struct quad mean = quad_load(a->of.mean, ELEMENT_F32, quad);
    struct quad slope = quad_load(a->of.slope, ELEMENT_F32, quad);
    struct quad offset = quad_load(a->of.offset, ELEMENT_F32, quad);
    g = norm_masked(a->mask, g, x, x, scale, shift);
    for (int i = 0; i < 4; i++)
        g.v[i] = g.v[i] * scale.v[i] - (x.v[i] - mean.v[i]) * slope.v[i] - offset.v[i];
    quad_store(a->dx, a->element, thread, g);
}

#endif
