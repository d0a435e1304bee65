/* The CPU backend: oneDNN's convolutions and matrix products, kernels of this folder for the rest.
 * Threads are OpenMP's. */
#include "worker/nn/backend.h"
#include "worker/nn/cpu/run.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Training's full and last batches, evaluation's full and last batches. */
enum { PLANS = 4 };

struct model {
    const struct network *network;
    struct model_options options;
    struct loss loss; /* of training */
    struct onednn onednn;
    struct parameters parameters;
    struct {
        struct plan *plan;
        uint64_t used; /* for dropping the one that was not used for longest */
    } plans[PLANS];
    uint64_t clock;
    void *arena; /* shared by the plans: nothing in it outlives a step */
    size_t arena_bytes;
};

static const struct loss plain_loss = {.class_weights = {1, 1}};

static bool cpu_available(int device, char *what, size_t size) {
    (void)device;
    const dnnl_version_t *version = dnnl_version();
    snprintf(what, size, "%d cores, oneDNN %d.%d.%d", omp_get_num_procs(), version->major,
             version->minor, version->patch);
    return true;
}

static void cpu_model_free(struct model *model) {
    if (model == NULL)
        return;
    for (int i = 0; i < PLANS; i++)
        plan_free(model->plans[i].plan);
    arena_free(model->arena, model->arena_bytes);
    parameters_free(&model->parameters);
    onednn_close(&model->onednn);
    free(model);
}

static bool cpu_model_new(const struct network *network, const struct model_options *options,
                          struct model **result, struct error *error) {
    *result = NULL;
    if (options->precision != PRECISION_FP32)
        return error_set(error, ERROR_INPUT,
                         "the CPU backend computes in fp32 alone; set train.precision to \"fp32\" "
                         "or use backend cuda");
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL)
        return error_set(error, ERROR_FAILED, "out of memory for a model");
    model->network = network;
    model->options = *options;
    model->loss = options->loss != NULL ? *options->loss : plain_loss;
    if (!onednn_open(&model->onednn, error) ||
        !parameters_new(&model->onednn, network, &model->parameters, error)) {
        cpu_model_free(model);
        return false;
    }
    *result = model;
    return true;
}

/* The number of threads is the calling thread's: set it on every way in, since a model may move
 * from thread to thread, and primitives must run on as many threads as they were compiled for. */
static void enter(const struct model *model) {
    omp_set_num_threads(model->options.threads > 0 ? model->options.threads : omp_get_num_procs());
}

static bool cpu_state_set(struct model *model, enum model_state state, size_t parameter,
                          const float *values, struct error *error) {
    enter(model);
    return parameters_set(&model->parameters, state, parameter, values, error);
}

static bool cpu_state_get(struct model *model, enum model_state state, size_t parameter,
                          float *values, struct error *error) {
    enter(model);
    return parameters_get(&model->parameters, state, parameter, values, error);
}

static struct plan *plan_cached(struct model *model, const struct batch *batch, bool training) {
    for (int i = 0; i < PLANS; i++) {
        struct plan *plan = model->plans[i].plan;
        if (plan != NULL && plan->count == batch->count && plan->height == batch->height &&
            plan->width == batch->width && plan->training == training) {
            model->plans[i].used = ++model->clock;
            return plan;
        }
    }
    return NULL;
}

static bool arena_grow(struct model *model, size_t bytes, struct error *error) {
    if (bytes <= model->arena_bytes)
        return true;
    arena_free(model->arena, model->arena_bytes);
    model->arena = NULL;
    model->arena_bytes = 0;
    if (!arena_new(bytes, &model->arena, error))
        return false;
    model->arena_bytes = bytes;
    return true;
}

static bool plan_find(struct model *model, const struct batch *batch, bool training,
                      struct plan **result, struct error *error) {
    *result = plan_cached(model, batch, training);
    if (*result != NULL)
        return true;
    struct plan_key key = {batch->count, batch->height, batch->width, training};
    struct plan *plan;
    if (!plan_new(&model->onednn, model->network, key, &plan, error))
        return false;
    int oldest = 0;
    for (int i = 1; i < PLANS; i++)
        if (model->plans[i].used < model->plans[oldest].used)
            oldest = i;
    plan_free(model->plans[oldest].plan);
    model->plans[oldest].plan = plan;
    model->plans[oldest].used = ++model->clock;
    *result = plan;
    return true;
}

static bool labels_valid(const struct batch *batch, struct error *error) {
    for (size_t i = 0; i < batch->count; i++)
        if (batch->labels[i] < 0 || batch->labels[i] >= NETWORK_CLASSES)
            return error_set(error, ERROR_INPUT, "label %d of picture %zu is not 0 to %d",
                             (int)batch->labels[i], i, NETWORK_CLASSES - 1);
    return true;
}

/* Everything up to the losses; update is NULL in evaluation. */
static bool begin(struct model *model, const struct batch *batch, const struct update *update,
                  struct run *run, float *losses, float *logits, struct error *error) {
    struct plan *plan;
    bool training = update != NULL;
    enter(model);
    if (!labels_valid(batch, error) || !plan_find(model, batch, training, &plan, error) ||
        !arena_grow(model, plan->flow.arena_bytes, error) ||
        !plan_adopt(plan, &model->parameters, error) ||
        (training &&
         !parameters_reserve(&model->parameters, optimizer_moments(&update->optimizer), error)))
        return false;
    *run = (struct run){.plan = plan,
                        .parameters = &model->parameters,
                        .arena = model->arena,
                        .batch = batch,
                        .loss = training ? &model->loss : &plain_loss,
                        .seed = model->options.seed,
                        .profile = model->options.profile};
    if (!run_forward(run, error))
        return false;
    run_loss(run, losses, logits);
    return true;
}

static bool cpu_train_step(struct model *model, const struct batch *batch,
                           const struct update *update, float *losses, float *logits,
                           struct error *error) {
    struct run run;
    return begin(model, batch, update, &run, losses, logits, error) &&
           run_backward(&run, update, error);
}

static bool cpu_evaluate(struct model *model, const struct batch *batch, float *losses,
                         float *logits, struct error *error) {
    struct run run;
    return begin(model, batch, NULL, &run, losses, logits, error);
}

const struct backend backend_cpu = {
    .name = "cpu",
    .available = cpu_available,
    .model_new = cpu_model_new,
    .model_free = cpu_model_free,
    .state_set = cpu_state_set,
    .state_get = cpu_state_get,
    .train_step = cpu_train_step,
    .evaluate = cpu_evaluate,
};
