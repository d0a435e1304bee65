/* The CPU backend: oneDNN's convolutions and matrix products, kernels of this folder for the rest.
 * Threads are OpenMP's. */
#include "core/machine.h"
#include "worker/nn/backend.h"
#include "worker/nn/cpu/peak.h"
#include "worker/nn/cpu/run.h"
#include "worker/nn/cpu/team.h"
#include "worker/nn/refuse.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model {
    const struct network *network;
    struct model_options options;
    struct loss loss; /* of training */
    struct onednn onednn;
    struct parameters parameters;
    struct plan_cache plans;
    void *arena; /* shared by the plans: nothing in it outlives a step */
    size_t arena_bytes;
};

static bool cpu_available(int device, char *what, size_t size) {
    (void)device;
    const dnnl_version_t *version = dnnl_version();
    int cores = omp_get_num_procs();
    snprintf(what, size, "%d %s, oneDNN %d.%d.%d", cores, cores > 1 ? "cores" : "core",
             version->major, version->minor, version->patch);
    return true;
}

static uint64_t cpu_memory_bytes(int device) {
    (void)device;
    return machine_memory_bytes();
}

static void cpu_model_free(struct model *model) {
    if (model == NULL)
        return;
    for (int i = 0; i < PLANS; i++)
        plan_free(model->plans.slots[i].plan);
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
        return error_machine(error, "out of memory for a model");
    model->network = network;
    model->options = *options;
    if (options->threads == 0) /* cores may come and go, and plans are made for so many threads */
        model->options.threads = omp_get_num_procs();
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
    team_set(model->options.threads);
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
                      struct plan **plan, struct error *error) {
    const struct plan_key key = {batch->count, batch->height, batch->width, training};
    *plan = plan_cache_find(&model->plans, &key);
    if (*plan != NULL)
        return true;
    if (!plan_new(&model->onednn, model->network, key, plan, error))
        return false;
    plan_free(plan_cache_keep(&model->plans, &key, *plan));
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
                        .profile = model->options.profile,
                        .stop = model->options.stop,
                        .stop_context = model->options.stop_context};
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

static bool cpu_evaluate_maps(struct model *model, const struct batch *batch, float *losses,
                              float *logits, float *maps, struct error *error) {
    struct run run;
    if (!begin(model, batch, NULL, &run, losses, logits, error))
        return false;
    run_maps(&run, maps);
    return true;
}

const struct backend backend_cpu = {
    .name = "cpu",
    .available = cpu_available,
    .memory_bytes = cpu_memory_bytes,
    .measure_peak = peak_measure,
    .model_new = cpu_model_new,
    .model_free = cpu_model_free,
    .state_set = cpu_state_set,
    .state_get = cpu_state_get,
    .train_step = cpu_train_step,
    .evaluate = cpu_evaluate,
    .evaluate_maps = cpu_evaluate_maps,
};
