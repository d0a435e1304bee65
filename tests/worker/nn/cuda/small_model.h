/* small_model: a network with drawn weights on a backend, and a batch of drawn pictures. */
#ifndef ASSAY_TESTS_WORKER_NN_CUDA_SMALL_MODEL_H
#define ASSAY_TESTS_WORKER_NN_CUDA_SMALL_MODEL_H

#include "tests/worker/nn/reference.h"

#include "worker/nn/backend.h"

enum { SMALL_COUNT = 4, SMALL_SIDE = 40 };

struct small_model {
    const struct backend *backend;
    struct network network;
    struct model *model;
    float *images, losses[SMALL_COUNT], logits[2 * SMALL_COUNT];
    struct batch batch;
};

static const int32_t small_labels[SMALL_COUNT] = {0, 1, 1, 0};
static const uint64_t small_samples[SMALL_COUNT] = {7, 3, 900, 12};

static inline void small_fill(struct small_model *small) {
    struct error error;
    for (size_t i = 0; i < small->network.parameter_count; i++) {
        float *values = zeroed(small->network.parameters[i].count * sizeof(float));
        network_initialise(&small->network, i, 5, values);
        assert_true(small->backend->state_set(small->model, MODEL_VALUE, i, values, &error));
        free(values);
    }
}

/* `freeze`: NULL or a prefix. */
static inline struct small_model *small_new(const struct backend *backend,
                                            const struct model_options *options, enum head head,
                                            const char *freeze) {
    struct small_model *small = zeroed(sizeof *small);
    struct error error = {0};
    size_t floats = (size_t)SMALL_COUNT * 3 * SMALL_SIDE * SMALL_SIDE;
    char *prefixes[] = {(char *)freeze};
    small->backend = backend;
    if (!network_build("resnet18", head, 0.3, &small->network, &error) ||
        (freeze != NULL && !network_freeze(&small->network, prefixes, 1, &error)) ||
        !backend->model_new(&small->network, options, &small->model, &error))
        fail_msg("%s", error.message);
    small_fill(small);
    small->images = zeroed(floats * sizeof(float));
    drawn("images", floats, small->images);
    small->batch = (struct batch){.count = SMALL_COUNT,
                                  .height = SMALL_SIDE,
                                  .width = SMALL_SIDE,
                                  .images = small->images,
                                  .labels = small_labels,
                                  .samples = small_samples,
                                  .epoch = 3};
    return small;
}

static inline void small_free(struct small_model *small) {
    small->backend->model_free(small->model);
    network_free(&small->network);
    free(small->images);
    free(small);
}

static inline void small_train(struct small_model *small, const struct optimizer *optimizer,
                               uint64_t step) {
    struct error error = {0};
    const struct update update = {*optimizer, step};
    if (!small->backend->train_step(small->model, &small->batch, &update, small->losses,
                                    small->logits, &error))
        fail_msg("%s", error.message);
}

static inline void small_evaluate(struct small_model *small) {
    struct error error = {0};
    if (!small->backend->evaluate(small->model, &small->batch, small->losses, small->logits,
                                  &error))
        fail_msg("%s", error.message);
}

static inline float *small_state(const struct small_model *small, enum model_state state,
                                 size_t index) {
    struct error error;
    float *values = zeroed(small->network.parameters[index].count * sizeof(float));
    assert_true(small->backend->state_get(small->model, state, index, values, &error));
    return values;
}

/* |a - b| / |b| over one state of all parameters that have it, in the middle of the parameters. */
static inline double small_distance(const struct small_model *a, const struct small_model *b,
                                    enum model_state state) {
    double distances[512];
    size_t count = 0;
    for (size_t i = 0; i < a->network.parameter_count; i++) {
        const struct parameter *parameter = &a->network.parameters[i];
        double off = 0, norm = 0;
        if (state != MODEL_VALUE && !parameter->trainable)
            continue;
        float *one = small_state(a, state, i), *two = small_state(b, state, i);
        for (size_t j = 0; j < parameter->count; j++) {
            off += pow((double)one[j] - (double)two[j], 2);
            norm += pow((double)two[j], 2);
        }
        free(one);
        free(two);
        distances[count++] = norm > 0 ? sqrt(off / norm) : sqrt(off);
    }
    for (size_t i = 1; i < count; i++) /* by insertion: a few hundred */
        for (size_t j = i; j > 0 && distances[j] < distances[j - 1]; j--) {
            double kept = distances[j];
            distances[j] = distances[j - 1];
            distances[j - 1] = kept;
        }
    return distances[count / 2];
}

/* Leaves convolutions' weights so many significant bits: 8 are bf16's, 11 TF32's. */
static inline void small_round_kernels(struct small_model *small, int bits) {
    for (size_t i = 0; i < small->network.parameter_count; i++) {
        if (small->network.parameters[i].rank != 4)
            continue;
        float *values = small_state(small, MODEL_VALUE, i);
        for (size_t j = 0; j < small->network.parameters[i].count; j++) {
            int exponent;
            float fraction = frexpf(values[j], &exponent);
            values[j] = ldexpf(rintf(ldexpf(fraction, bits)), exponent - bits);
        }
        assert_true(small->backend->state_set(small->model, MODEL_VALUE, i, values, NULL));
        free(values);
    }
}

/* Brings everything that a checkpoint holds from one model to the other. */
static inline void small_copy(const struct small_model *from, struct small_model *to) {
    struct error error = {0};
    const enum model_state states[] = {MODEL_VALUE, MODEL_MOMENT_M, MODEL_MOMENT_V};
    for (size_t i = 0; i < from->network.parameter_count; i++)
        for (size_t j = 0; j < 3; j++) {
            if (states[j] != MODEL_VALUE && !from->network.parameters[i].trainable)
                continue;
            float *values = small_state(from, states[j], i);
            if (!to->backend->state_set(to->model, states[j], i, values, &error))
                fail_msg("%s", error.message);
            free(values);
        }
}

#endif
