/* norm_kernels: batch normalisation on NHWC activations, with the addition and the ReLU that follow
 * it in the same pass (worker/nn/cpu/batch_norm.h has the formulas).
 *
 * Sums over a channel's values are taken as reduce.h says, and what follows from them for the
 * channel is found by the block that adds the last of them: so a norm is two launches forward and
 * two back, and every run gives the same bits.
 */
#ifndef ASSAY_WORKER_NN_CUDA_NORM_KERNELS_H
#define ASSAY_WORKER_NN_CUDA_NORM_KERNELS_H

#include "worker/nn/cuda/reduce.h"
#include "worker/nn/norm_rule.h"

/* What is a channel's, `channels` floats each; y = x * scale + shift,
 * dx = scale * g - (x - mean) * slope - offset. */
struct norm_channels {
    float *mean, *inverse, *scale, *shift, *slope, *offset;
};

/* ---- the passes over all values: a thread has one pack of NORM_ROWS rows ---- */

enum { NORM_ROWS = 4 };

struct norm_map {
    size_t rows;
    unsigned channels;
    enum element element;
};

PORTABLE size_t norm_threads(const struct norm_map *at) {
    return (at->rows + NORM_ROWS - 1) / NORM_ROWS * (at->channels / pack_width(at->element));
}

/* A thread's pack of a row, and its first row. */
struct norm_thread {
    unsigned packs, pack;
    size_t row;
};

PORTABLE struct norm_thread norm_thread_of(const struct norm_map *at, enum element element,
                                           size_t thread) {
    struct norm_thread of;
    of.packs = at->channels / pack_width(element);
    of.pack = (unsigned)thread % of.packs;
    of.row = (size_t)((unsigned)thread / of.packs) * NORM_ROWS;
    return of;
}

/* The thread's pack of its row `i`; of what is NULL or below the last row, zeros. */
PORTABLE struct pack_bits norm_fetch(const struct norm_map *at, const struct norm_thread *of,
                                     const void *array, unsigned i) {
    const struct pack_bits none = {{0, 0, 0, 0}};
    return array != NULL && of->row + i < at->rows
               ? pack_fetch(array, (of->row + i) * of->packs + of->pack)
               : none;
}

PORTABLE void norm_store(const struct norm_map *at, enum element element,
                         const struct norm_thread *of, void *array, unsigned i, struct pack value) {
    if (of->row + i < at->rows)
        pack_store(array, element, (of->row + i) * of->packs + of->pack, value);
}

/* ---- forward ---- */

/* The sums are those of x less the channel's first value, and of the squares of that: so they keep
 * their digits where the mean is far from zero. */
struct norm_moments {
    struct reduction at;
    const void *x;
    const float *weight, *bias;
    float *running_mean, *running_variance;
    struct norm_channels of;
};

PORTABLE void norm_moments_sum(const struct norm_moments *a, enum element element, unsigned block,
                               unsigned thread, float sums[REDUCE_SUMS][PACK_MAX]) {
    unsigned width = pack_width(element), packs = a->at.channels / width;
    size_t pack = reduce_pack(&a->at, block, thread), lanes = a->at.lanes;
    const struct pack_bits first = pack_fetch(a->x, pack);
    const struct pack pivot = pack_widen(element, first);
    struct pack_bits x[REDUCE_ROWS];
    for (size_t chunk = reduce_chunks(&a->at, block); chunk-- > 0;) {
        size_t row = reduce_row(&a->at, block, thread, chunk);
        UNROLL
        for (unsigned i = 0; i < REDUCE_ROWS; i++)
            x[i] = row + i * lanes < a->at.rows ? pack_fetch(a->x, (row + i * lanes) * packs + pack)
                                                : first;
        UNROLL
        for (unsigned i = 0; i < REDUCE_ROWS; i++) {
            const struct pack wide = pack_widen(element, x[i]);
            UNROLL
            for (unsigned j = 0; j < width; j++) {
                float value = wide.v[j] - pivot.v[j];
                sums[0][j] += value;
                sums[1][j] += value * value;
            }
        }
    }
}

PORTABLE void norm_moments_gather(const struct norm_moments *a, unsigned block, unsigned thread,
                                  float sums[REDUCE_SUMS][PACK_MAX]) {
    if (a->at.element == ELEMENT_BF16)
        norm_moments_sum(a, ELEMENT_BF16, block, thread, sums);
    else
        norm_moments_sum(a, ELEMENT_F32, block, thread, sums);
}

PORTABLE void norm_keep(const struct norm_channels *to, size_t channel,
                        const struct norm_channel *of) {
    to->mean[channel] = of->mean;
    to->inverse[channel] = of->inverse;
    to->scale[channel] = of->scale;
    to->shift[channel] = of->shift;
}

PORTABLE void norm_moments_finish(const struct norm_moments *a, unsigned channel,
                                  const double totals[REDUCE_SUMS]) {
    double values = (double)a->at.rows, each = 1 / values, shifted = totals[0] * each;
    double pivot = (double)element_load(a->x, a->at.element, channel);
    double mean = pivot + shifted, variance = totals[1] * each - shifted * shifted;
    if (variance < 0)
        variance = 0;
    const struct norm_channel of = norm_learn(mean, variance, a->weight[channel], a->bias[channel]);
    norm_keep(&a->of, channel, &of);
    a->running_mean[channel] = norm_blend(a->running_mean[channel], mean);
    a->running_variance[channel] =
        norm_blend_variance(a->running_variance[channel], variance, values);
}

/* Thread: a channel. Evaluation, and frozen layers. */
struct norm_running {
    const float *weight, *bias, *running_mean, *running_variance;
    struct norm_channels of;
};

PORTABLE void norm_running(const struct norm_running *a, size_t channel) {
    const struct norm_channel of =
        norm_recall(a->running_mean[channel], a->running_variance[channel], a->weight[channel],
                    a->bias[channel]);
    norm_keep(&a->of, channel, &of);
}

/* Thread: norm_threads. y = [relu](x * scale + shift [+ residual]); y may be x. `open` or NULL: a
 * byte for each pack, whose bits say which of its values the ReLU let through. */
struct norm_apply {
    struct norm_map at;
    bool relu;
    const void *x, *residual;
    const float *scale, *shift;
    void *y;
    uint8_t *open;
};

PORTABLE void norm_apply_as(const struct norm_apply *a, enum element element, size_t thread) {
    const struct norm_thread of = norm_thread_of(&a->at, element, thread);
    const struct pack scale = pack_floats(a->scale, element, of.pack);
    const struct pack shift = pack_floats(a->shift, element, of.pack);
    struct pack_bits x[NORM_ROWS], residual[NORM_ROWS];
    UNROLL
    for (unsigned i = 0; i < NORM_ROWS; i++) {
        x[i] = norm_fetch(&a->at, &of, a->x, i);
        residual[i] = norm_fetch(&a->at, &of, a->residual, i);
    }
    UNROLL
    for (unsigned i = 0; i < NORM_ROWS; i++) {
        struct pack y = pack_widen(element, x[i]);
        const struct pack added = pack_widen(element, residual[i]);
        unsigned open = 0;
        UNROLL
        for (unsigned j = 0; j < pack_width(element); j++) {
            float value = y.v[j] * scale.v[j] + shift.v[j] + added.v[j];
            bool shut = a->relu && value <= 0;
            y.v[j] = shut ? 0 : value;
            open |= shut ? 0 : 1U << j;
        }
        norm_store(&a->at, element, &of, a->y, i, y);
        if (a->open != NULL && of.row + i < a->at.rows)
            a->open[(of.row + i) * of.packs + of.pack] = (uint8_t)open;
    }
}

PORTABLE void norm_apply(const struct norm_apply *a, size_t thread) {
    if (a->at.element == ELEMENT_BF16)
        norm_apply_as(a, ELEMENT_BF16, thread);
    else
        norm_apply_as(a, ELEMENT_F32, thread);
}

/* ---- backward ---- */

/* How the backward pass finds where the ReLU let the gradient through. */
enum norm_mask {
    NORM_MASK_NONE, /* there is no ReLU */
    NORM_MASK_X,    /* by x * scale + shift */
    NORM_MASK_OPEN  /* by what norm_apply kept, where a residual went into the output */
};

PORTABLE float norm_masked(enum norm_mask mask, float gradient, float x, bool open, float scale,
                           float shift) {
    bool shut = mask == NORM_MASK_X ? x * scale + shift <= 0 : !open;
    return mask != NORM_MASK_NONE && shut ? 0 : gradient;
}

/* g is the gradient (`first` + `second`, which may be NULL) that the ReLU lets through; summed are
 * g and g (x - mean). `store` leaves g in `first`. What follows from the sums: the gradients of
 * weight and bias, and dx's slope and offset; when frozen the statistics are constants, and dx =
 * scale * g.
 */
struct norm_reduce {
    struct reduction at;
    enum norm_mask mask;
    bool store, frozen;
    const void *x, *second;
    void *first;
    const uint8_t *open;
    const float *weight;
    float *weight_gradient, *bias_gradient;
    struct norm_channels of;
};

/* Rows under way at once, fewer than a chunk has: each is up to four loads. */
enum { NORM_REDUCE_ROWS = 2, NORM_REDUCE_PARTS = REDUCE_ROWS / NORM_REDUCE_ROWS };

PORTABLE void norm_reduce_sum(const struct norm_reduce *a, enum element element, unsigned block,
                              unsigned thread, float sums[REDUCE_SUMS][PACK_MAX]) {
    unsigned width = pack_width(element), packs = a->at.channels / width;
    size_t pack = reduce_pack(&a->at, block, thread), lanes = a->at.lanes;
    const struct pack mean = pack_floats(a->of.mean, element, pack);
    const struct pack scale = pack_floats(a->of.scale, element, pack);
    const struct pack shift = pack_floats(a->of.shift, element, pack);
    const struct pack_bits none = {{0, 0, 0, 0}};
    struct pack_bits first[NORM_REDUCE_ROWS], second[NORM_REDUCE_ROWS], x[NORM_REDUCE_ROWS];
    unsigned open[NORM_REDUCE_ROWS];
    for (size_t part = reduce_chunks(&a->at, block) * NORM_REDUCE_PARTS; part-- > 0;) {
        size_t row = reduce_row(&a->at, block, thread, part / NORM_REDUCE_PARTS) +
                     part % NORM_REDUCE_PARTS * NORM_REDUCE_ROWS * lanes;
        UNROLL
        for (unsigned i = 0; i < NORM_REDUCE_ROWS; i++) {
            size_t at = (row + i * lanes) * packs + pack;
            bool there = row + i * lanes < a->at.rows;
            first[i] = there ? pack_fetch(a->first, at) : none;
            second[i] = there && a->second != NULL ? pack_fetch(a->second, at) : none;
            x[i] = there ? pack_fetch(a->x, at) : none;
            open[i] = there && a->mask == NORM_MASK_OPEN ? a->open[at] : 0;
        }
        UNROLL
        for (unsigned i = 0; i < NORM_REDUCE_ROWS; i++) {
            struct pack g = pack_widen(element, first[i]);
            const struct pack more = pack_widen(element, second[i]);
            const struct pack in = pack_widen(element, x[i]);
            UNROLL
            for (unsigned j = 0; j < width; j++) {
                float value = g.v[j];
                if (a->second != NULL)
                    value = element_rounded(element, value + more.v[j]);
                value = norm_masked(a->mask, value, in.v[j], (open[i] >> j & 1) != 0, scale.v[j],
                                    shift.v[j]);
                g.v[j] = value;
                sums[0][j] += value;
                sums[1][j] += value * (in.v[j] - mean.v[j]);
            }
            if (a->store && row + i * lanes < a->at.rows)
                pack_store(a->first, element, (row + i * lanes) * packs + pack, g);
        }
    }
}

PORTABLE void norm_reduce_gather(const struct norm_reduce *a, unsigned block, unsigned thread,
                                 float sums[REDUCE_SUMS][PACK_MAX]) {
    if (a->at.element == ELEMENT_BF16)
        norm_reduce_sum(a, ELEMENT_BF16, block, thread, sums);
    else
        norm_reduce_sum(a, ELEMENT_F32, block, thread, sums);
}

PORTABLE void norm_reduce_finish(const struct norm_reduce *a, unsigned channel,
                                 const double totals[REDUCE_SUMS]) {
    if (a->frozen) {
        a->of.slope[channel] = a->of.offset[channel] = 0;
        return;
    }
    double each = 1 / (double)a->at.rows, inverse = (double)a->of.inverse[channel];
    double scale = (double)a->weight[channel] * inverse * each;
    a->bias_gradient[channel] = (float)totals[0];
    a->weight_gradient[channel] = (float)(totals[1] * inverse);
    a->of.slope[channel] = (float)(scale * inverse * inverse * totals[1]);
    a->of.offset[channel] = (float)(scale * totals[0]);
}

/* Thread: norm_threads. mask: NORM_MASK_NONE or NORM_MASK_X; dx may be `gradient`. */
struct norm_finish {
    struct norm_map at;
    enum norm_mask mask;
    const void *x, *gradient;
    struct norm_channels of;
    void *dx;
};

PORTABLE void norm_finish_as(const struct norm_finish *a, enum element element, size_t thread) {
    const struct norm_thread of = norm_thread_of(&a->at, element, thread);
    struct pack_bits x[NORM_ROWS], gradient[NORM_ROWS];
    UNROLL
    for (unsigned i = 0; i < NORM_ROWS; i++) {
        x[i] = norm_fetch(&a->at, &of, a->x, i);
        gradient[i] = norm_fetch(&a->at, &of, a->gradient, i);
    }
    const struct pack scale = pack_floats(a->of.scale, element, of.pack);
    const struct pack shift = pack_floats(a->of.shift, element, of.pack);
    const struct pack mean = pack_floats(a->of.mean, element, of.pack);
    const struct pack slope = pack_floats(a->of.slope, element, of.pack);
    const struct pack offset = pack_floats(a->of.offset, element, of.pack);
    UNROLL
    for (unsigned i = 0; i < NORM_ROWS; i++) {
        struct pack g = pack_widen(element, gradient[i]);
        const struct pack in = pack_widen(element, x[i]);
        UNROLL
        for (unsigned j = 0; j < pack_width(element); j++) {
            float value = norm_masked(a->mask, g.v[j], in.v[j], true, scale.v[j], shift.v[j]);
            g.v[j] = value * scale.v[j] - (in.v[j] - mean.v[j]) * slope.v[j] - offset.v[j];
        }
        norm_store(&a->at, element, &of, a->dx, i, g);
    }
}

PORTABLE void norm_finish(const struct norm_finish *a, size_t thread) {
    if (a->at.element == ELEMENT_BF16)
        norm_finish_as(a, ELEMENT_BF16, thread);
    else
        norm_finish_as(a, ELEMENT_F32, thread);
}

#endif
