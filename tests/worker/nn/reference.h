/* reference: what the tests of worker/nn compare with.
 *
 * Stored numbers are PyTorch's (tests/make_step_data.py); central differences are taken of layers
 * written once more here, in double, on plain NCHW, as the textbook says.
 */
#ifndef ASSAY_TESTS_WORKER_NN_REFERENCE_H
#define ASSAY_TESTS_WORKER_NN_REFERENCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/safetensors.h"
#include "worker/nn/cpu/map.h"
#include "worker/nn/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct safetensors *data_open(const char *file) {
    char path[512];
    struct safetensors *data;
    struct error error = {0};
    snprintf(path, sizeof path, "%s/step/%s", TEST_DATA, file);
    if (!safetensors_open(path, &data, &error))
        fail_msg("%s", error.message);
    return data;
}

static inline const struct tensor *data_find(const struct safetensors *data, const char *layer,
                                             const char *name) {
    char full[128];
    snprintf(full, sizeof full, "%s%s%s", layer, *layer == '\0' ? "" : ".", name);
    const struct tensor *tensor = safetensors_find(data, full);
    if (tensor == NULL)
        fail_msg("there is no %s in the stored data", full);
    return tensor;
}

static inline void *zeroed(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    assert_non_null(memory);
    return memset(memory, 0, bytes);
}

/* A copy as floats (the caller frees). */
static inline float *data_floats(const struct safetensors *data, const char *layer,
                                 const char *name, size_t *count) {
    const struct tensor *tensor = data_find(data, layer, name);
    size_t values = tensor_count(tensor);
    float *copy = zeroed(values * sizeof(float));
    for (size_t i = 0; i < values; i++)
        if (tensor->type == TENSOR_F32) {
            memcpy(&copy[i], (const float *)tensor->data + i, sizeof(float));
        } else {
            double value;
            assert_int_equal(tensor->type, TENSOR_F64);
            memcpy(&value, (const char *)tensor->data + i * sizeof value, sizeof value);
            copy[i] = (float)value;
        }
    if (count != NULL)
        *count = values;
    return copy;
}

/* Of the entry of largest magnitude. Not by fmax, at which GCC 12 for ARM crashes. */
static inline double largest_of(const float *values, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabs((double)values[i]) > largest)
            largest = fabs((double)values[i]);
    return largest;
}

static inline void assert_close(const char *what, const float *got, const float *expected,
                                size_t count, double tolerance) {
    double scale = fmax(largest_of(expected, count), 1);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)expected[i]) <= tolerance * scale))
            fail_msg("%s[%zu] is %.9g and should be %.9g", what, i, (double)got[i],
                     (double)expected[i]);
}

/* Compares with the stored tensor `layer`.`name`, to 1e-5 of its largest entry. */
static inline void assert_stored(const struct safetensors *data, const char *layer,
                                 const char *name, const float *got) {
    size_t count;
    char what[128];
    float *expected = data_floats(data, layer, name, &count);
    snprintf(what, sizeof what, "%s.%s", layer, name);
    assert_close(what, got, expected, count, 1e-5);
    free(expected);
}

/* tests/make_step_data.py: hashes(). */
static inline uint64_t hash_seed(const char *name) {
    uint64_t seed = UINT64_C(14695981039346656037);
    for (const char *c = name; *c != '\0'; c++)
        seed = (seed ^ (uint8_t)*c) * UINT64_C(1099511628211);
    return seed;
}

static inline uint64_t hash_at(uint64_t seed, size_t index) {
    uint64_t z = seed + (index + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* tests/make_step_data.py: drawn(). */
static inline void drawn(const char *name, size_t count, float *values) {
    uint64_t seed = hash_seed(name);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(hash_at(seed, i) >> 40) / 8388608.0F - 1.0F;
}

/* tests/make_step_data.py: fill(). */
static inline void weight(const struct network *network, size_t index, float shift, float *values) {
    const struct parameter *p = &network->parameters[index];
    float scale = 1, offset = 0;
    if (p->rank == 4)
        scale = (float)sqrt(6.0 / (double)(p->shape[0] * p->shape[2] * p->shape[3]));
    else if (p->rank == 2)
        scale = (float)(1 / sqrt((double)p->shape[1]));
    else if (p->kind == PARAMETER_BIAS)
        scale = (float)(1 / sqrt((double)network->parameters[index - 1].shape[1]));
    else if (p->kind == PARAMETER_SCALE || p->kind == PARAMETER_VARIANCE)
        offset = 1, scale = 0.25F;
    else if (p->kind == PARAMETER_SHIFT)
        offset = shift, scale = 0.125F;
    drawn(p->name, p->count, values);
    for (size_t i = 0; i < p->count; i++)
        values[i] = offset + values[i] * scale;
}

/* ---- between plain NCHW and the blocked layout ---- */

static inline size_t blocked_index(const struct map *map, size_t n, size_t c, size_t pixel) {
    return map_at(map, n, c / map->block) + pixel * map->block + c % map->block;
}

static inline float *packed(const struct map *map, const float *plain) {
    float *blocked = zeroed(map_floats(map) * sizeof(float));
    size_t pixels = map->height * map->width;
    for (size_t n = 0; n < map->count; n++)
        for (size_t c = 0; c < map->channels; c++)
            for (size_t p = 0; p < pixels; p++)
                blocked[blocked_index(map, n, c, p)] = plain[(n * map->channels + c) * pixels + p];
    return blocked;
}

static inline float *unpacked(const struct map *map, const float *blocked) {
    float *plain = zeroed(map_floats(map) * sizeof(float));
    size_t pixels = map->height * map->width;
    for (size_t n = 0; n < map->count; n++)
        for (size_t c = 0; c < map->channels; c++)
            for (size_t p = 0; p < pixels; p++)
                plain[(n * map->channels + c) * pixels + p] = blocked[blocked_index(map, n, c, p)];
    return plain;
}

/* ---- central differences ---- */

/* A scalar function of `count` values, in double. */
struct scalar {
    double (*value)(const void *context, const double *at);
    const void *context;
};

/* Checks a few dozen entries of `gradient`, at `at`, against (f(x + h) - f(x - h)) / 2h. */
static inline void assert_gradient(const char *what, struct scalar scalar, const float *at,
                                   size_t count, const float *gradient, double tolerance) {
    const double h = 1e-5;
    const double scale = fmax(largest_of(gradient, count), 1);
    double *x = calloc(count, sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++)
        x[i] = (double)at[i];
    size_t stride = count / 31 + 1;
    for (size_t i = 0; i < count; i += stride) {
        double kept = x[i];
        x[i] = kept + h;
        double above = scalar.value(scalar.context, x);
        x[i] = kept - h;
        double below = scalar.value(scalar.context, x);
        x[i] = kept;
        double expected = (above - below) / (2 * h);
        if (!(fabs(expected - (double)gradient[i]) <= tolerance * scale))
            fail_msg("d %s[%zu] is %.9g, central differences say %.9g", what, i,
                     (double)gradient[i], expected);
    }
    free(x);
}

#endif
