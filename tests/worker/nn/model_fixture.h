/* model_fixture: a model of the backend that is tested, with drawn weights, and a batch of drawn
 * pictures for it; what both come to. */
#ifndef ASSAY_TESTS_WORKER_NN_MODEL_FIXTURE_H
#define ASSAY_TESTS_WORKER_NN_MODEL_FIXTURE_H

#include "tests/worker/nn/tested.h"

/* The first step of training; its optimizer is that of the notebook. */
static const struct update FIRST = {
    {.name = OPTIMIZER_ADAM, .lr = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, 1};

struct fixture {
    struct network network;
    struct model *model;
    float *images, *losses, *logits;
    int32_t *labels;
    uint64_t *samples;
    struct batch batch;
};

/* On the heap: a model holds on to its network. */
static inline struct fixture *fixture_new(const char *arch, enum head head, size_t count, int side,
                                          float shift) {
    struct fixture *f = zeroed(sizeof *f);
    struct error error = {0};
    const struct model_options options = {.deterministic = true, .seed = 1};
    size_t floats = count * 3 * (size_t)(side * side);
    if (!network_build(arch, head, 0.5, &f->network, &error) ||
        !TESTED.model_new(&f->network, &options, &f->model, &error))
        fail_msg("%s", error.message);
    tested_fill(&f->network, f->model, shift);
    f->images = zeroed(floats * sizeof(float));
    f->labels = zeroed(count * sizeof(int32_t));
    f->samples = zeroed(count * sizeof(uint64_t));
    f->losses = zeroed(count * sizeof(float));
    f->logits = zeroed(count * NETWORK_CLASSES * sizeof(float));
    drawn("images", floats, f->images);
    for (size_t i = 0; i < count; i++) {
        f->labels[i] = (int32_t)(i % 2);
        f->samples[i] = 10 + i;
    }
    f->batch = (struct batch){.count = count,
                              .height = side,
                              .width = side,
                              .images = f->images,
                              .labels = f->labels,
                              .samples = f->samples,
                              .epoch = 1};
    return f;
}

static inline void fixture_free(struct fixture *f) {
    TESTED.model_free(f->model);
    network_free(&f->network);
    free(f->images);
    free(f->labels);
    free(f->samples);
    free(f->losses);
    free(f->logits);
    free(f);
}

static inline void train(struct fixture *f, uint64_t step) {
    struct error error = {0};
    struct update update = FIRST;
    update.step = step;
    if (!TESTED.train_step(f->model, &f->batch, &update, f->losses, f->logits, &error))
        fail_msg("%s", error.message);
}

static inline double mean_loss(const struct fixture *f) {
    double sum = 0;
    for (size_t i = 0; i < f->batch.count; i++)
        sum += (double)f->losses[i];
    return sum / (double)f->batch.count;
}

static inline void evaluate(struct fixture *f) {
    struct error error = {0};
    if (!TESTED.evaluate(f->model, &f->batch, f->losses, f->logits, &error))
        fail_msg("%s", error.message);
}

static inline float *state_of(const struct fixture *f, enum model_state state, size_t index) {
    struct error error;
    float *values = zeroed(f->network.parameters[index].count * sizeof(float));
    assert_true(TESTED.state_get(f->model, state, index, values, &error));
    return values;
}

static inline void assert_same_bits(const struct fixture *a, const struct fixture *b) {
    for (size_t i = 0; i < a->network.parameter_count; i++)
        for (int state = 0; state < 4; state++) {
            if (state != MODEL_VALUE && !a->network.parameters[i].trainable)
                continue;
            float *one = state_of(a, (enum model_state)state, i);
            float *two = state_of(b, (enum model_state)state, i);
            assert_memory_equal(one, two, a->network.parameters[i].count * sizeof(float));
            free(one);
            free(two);
        }
    assert_memory_equal(a->losses, b->losses, a->batch.count * sizeof(float));
}

#endif
