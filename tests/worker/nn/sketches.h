/* sketches: how far a step's gradients, updates and statistics are from PyTorch's, of which
 * tests/make_step_data.py has stored sketches: every element is added to one of some buckets, or
 * taken from it, by a hash of its place. */
#ifndef ASSAY_TESTS_WORKER_NN_SKETCHES_H
#define ASSAY_TESTS_WORKER_NN_SKETCHES_H

#include "tests/worker/nn/model_fixture.h"

enum { BUCKETS = 32 };
static const double NOTHING = 1e-6; /* a gradient of a lesser norm has no relative error */

/* tests/make_step_data.py: sketch(). Of after - before, or of `after` when there is no before. */
static inline void sketch(const char *name, size_t count, const float *after, const float *before,
                          double buckets[BUCKETS]) {
    char text[128];
    snprintf(text, sizeof text, "sketch %s", name);
    const uint64_t seed = hash_seed(text);
    for (size_t i = 0; i < BUCKETS; i++)
        buckets[i] = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t hashed = hash_at(seed, i);
        double value = (double)after[i] - (before == NULL ? 0 : (double)before[i]);
        buckets[hashed % BUCKETS] += hashed >> 63 != 0 ? -value : value;
    }
}

/* How far a tensor is from PyTorch's in float64, relative to its norm (which is returned as well),
 * by their sketches. */
static inline double sketch_error(const struct safetensors *data, const char *kind,
                                  const char *name, const double buckets[BUCKETS],
                                  double *norm_out) {
    float *expected = data_floats(data, kind, name, NULL);
    double off = 0, norm = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        off += pow(buckets[i] - (double)expected[i], 2);
        norm += pow((double)expected[i], 2);
    }
    free(expected);
    *norm_out = sqrt(norm);
    return sqrt(off / norm);
}

static inline int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The errors of all tensors of a kind against twice PyTorch's own in float32. */
static inline void assert_errors(const struct safetensors *data, const char *kind, double *errors,
                                 size_t count, size_t at) {
    double yardstick[4];
    memcpy(yardstick, data_find(data, "", "yardstick")->data, sizeof yardstick);
    qsort(errors, count, sizeof *errors, ascending);
    double worst = errors[count - 1], median = (errors[(count - 1) / 2] + errors[count / 2]) / 2;
    if (!(worst <= 2 * yardstick[at] && median <= 2 * yardstick[at + 1]))
        fail_msg("%s: off by %.2g at worst and %.2g in the median; PyTorch by %.2g and %.2g", kind,
                 worst, median, yardstick[at], yardstick[at + 1]);
}

static inline void assert_gradients_and_updates(const struct safetensors *data,
                                                const struct fixture *f, float shift) {
    double gradients[512], updates[512], buckets[BUCKETS], norm;
    size_t count = 0;
    for (size_t i = 0; i < f->network.parameter_count; i++) {
        const struct parameter *p = &f->network.parameters[i];
        if (!p->trainable)
            continue;
        float *gradient = state_of(f, MODEL_GRADIENT, i), *after = state_of(f, MODEL_VALUE, i);
        float *before = zeroed(p->count * sizeof(float));
        weight(&f->network, i, shift, before);
        sketch(p->name, p->count, gradient, NULL, buckets);
        gradients[count] = sketch_error(data, "gradient", p->name, buckets, &norm);
        bool counts = norm >= NOTHING;
        sketch(p->name, p->count, after, before, buckets);
        updates[count] = sketch_error(data, "update", p->name, buckets, &norm);
        count += counts;
        free(gradient);
        free(after);
        free(before);
    }
    assert_errors(data, "gradients", gradients, count, 0);
    assert_errors(data, "updates", updates, count, 2);
}

static inline void assert_statistics(const struct safetensors *data, const struct fixture *f) {
    size_t compared = 0;
    for (size_t i = 0; i < f->network.parameter_count; i++) {
        const struct parameter *p = &f->network.parameters[i];
        char name[128];
        snprintf(name, sizeof name, "param.%s", p->name);
        if (safetensors_find(data, name) == NULL)
            continue;
        compared++;
        float *expected = data_floats(data, "param", p->name, NULL);
        float *got = state_of(f, MODEL_VALUE, i);
        assert_close(p->name, got, expected, p->count, 1e-4);
        free(expected);
        free(got);
    }
    assert_int_equal(compared, 10); /* bn1, and bn2 of each stage's first block */
}

#endif
