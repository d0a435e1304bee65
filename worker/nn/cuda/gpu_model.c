#include "worker/nn/cuda/gpu_model.h"

#include "worker/nn/cuda/gpu_exchange.h"
#include "worker/nn/cuda/gpu_pictures.h"
#include "worker/nn/cuda/gpu_step.h"
#include "worker/nn/refuse.h"

#include <assert.h>
#include <stdlib.h>

struct model {
    struct device *device;
    const struct network *network;
    struct gpu_precision precision;
    struct loss loss; /* of training */
    uint64_t seed;
    struct profile *profile;
    void (*tell)(void *context, const char *line);
    void *tell_context;
    struct gpu_weights weights;
    struct plan_cache plans;
    void *arena; /* shared by the plans: nothing in it outlives a step */
    size_t arena_bytes;
    void *tickets; /* of reductions; likewise */
    struct gpu_exchange exchange;
    struct gpu_pictures pictures;
};

/* ---- the model ---- */

bool gpu_model_new(struct device *device, const struct network *network,
                   const struct model_options *options, struct model **result,
                   struct error *error) {
    *result = NULL;
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        device->free(device);
        return error_machine(error, "out of memory for a model");
    }
    *model = (struct model){
        .device = device,
        .network = network,
        .precision = {.element = options->precision == PRECISION_BF16 ? ELEMENT_BF16 : ELEMENT_F32,
                      .tensor_cores = options->precision != PRECISION_FP32,
                      .deterministic = options->deterministic},
        .loss = options->loss != NULL ? *options->loss : plain_loss,
        .seed = options->seed,
        .profile = options->profile,
        .tell = options->tell,
        .tell_context = options->tell_context,
    };
    gpu_exchange_init(device, &model->exchange);
    gpu_pictures_init(device, &model->pictures);
    if (!device->allocate(device, REDUCE_TICKETS * sizeof(unsigned), &model->tickets, error) ||
        !gpu_weights_new(device, network, model->precision.element, &model->weights, error)) {
        gpu_model_free(model);
        return false;
    }
    *result = model;
    return true;
}

void gpu_model_free(struct model *model) {
    if (model == NULL)
        return;
    model->device->finish(model->device, NULL); /* steps may be under way */
    for (int i = 0; i < PLANS; i++)
        gpu_plan_free(model->plans.slots[i].plan);
    if (model->arena != NULL)
        model->device->release(model->device, model->arena);
    if (model->tickets != NULL)
        model->device->release(model->device, model->tickets);
    gpu_exchange_free(&model->exchange);
    gpu_pictures_free(&model->pictures);
    if (model->weights.device != NULL)
        gpu_weights_free(&model->weights);
    model->device->free(model->device);
    free(model);
}

uint64_t gpu_model_memory_most(const struct model *model) {
    return model->device->most(model->device);
}

bool gpu_model_state_set(struct model *model, enum model_state state, size_t parameter,
                         const float *values, struct error *error) {
    return gpu_weights_set(&model->weights, state, parameter, values, error);
}

bool gpu_model_state_get(struct model *model, enum model_state state, size_t parameter,
                         float *values, struct error *error) {
    return gpu_weights_get(&model->weights, state, parameter, values, error);
}

static bool arena_reserve(struct model *model, size_t bytes, struct error *error) {
    if (bytes <= model->arena_bytes)
        return true;
    if (model->arena != NULL)
        model->device->release(model->device, model->arena);
    model->arena = NULL;
    model->arena_bytes = 0;
    bool done = model->device->allocate(model->device, bytes, &model->arena, error);
    if (!done && gpu_pictures_yield(&model->pictures)) /* they can come with each batch instead */
        done = model->device->allocate(model->device, bytes, &model->arena, error);
    if (!done)
        return error_context(error, "the activations of a batch; try a smaller train.batch_size");
    model->arena_bytes = bytes;
    return true;
}

static bool plan_find(struct model *model, const struct batch *batch, bool training,
                      struct gpu_plan **plan, struct error *error) {
    const struct plan_key key = {batch->count, batch->height, batch->width, training};
    *plan = plan_cache_find(&model->plans, &key);
    if (*plan != NULL)
        return true;
    if (!gpu_plan_new(model->device, model->network, &model->precision, &key, plan, error))
        return false;
    struct gpu_plan *dropped = plan_cache_keep(&model->plans, &key, *plan);
    bool done =
        dropped == NULL || model->device->finish(model->device, error); /* it may be at work */
    gpu_plan_free(dropped);
    return done;
}

/* Brings the pictures to where the plan's input stands. */
static bool input_send(struct model *model, const struct gpu_run *run, const struct batch *batch,
                       struct error *error) {
    enum element element = run->plan->steps[0].element;
    return batch->pictures != NULL
               ? gpu_pictures_make(&model->pictures, batch, element, gpu_run_input(run), error)
               : gpu_pictures_lay(&model->pictures, batch, element, gpu_run_input(run), error);
}

/* `run`: what was queued, for who wants more of it than losses and logits. */
static bool queue(struct model *model, const struct batch *batch, const struct update *update,
                  struct gpu_run *run, struct error *error) {
    struct gpu_plan *plan;
    const struct loss *loss = update != NULL ? &model->loss : &plain_loss;
    size_t moments = update != NULL ? optimizer_moments(&update->optimizer) : 0;
    if (!labels_valid(batch, error) || !plan_find(model, batch, update != NULL, &plan, error) ||
        (update != NULL && !gpu_weights_reserve(&model->weights, moments, error)) ||
        !arena_reserve(model, plan->flow.arena_bytes, error) ||
        !gpu_exchange_send(&model->exchange, batch, update, loss, error) ||
        !gpu_weights_ready(&model->weights, error))
        return false;
    *run = (struct gpu_run){.plan = plan,
                            .weights = &model->weights,
                            .arena = model->arena,
                            .tickets = model->tickets,
                            .batch = gpu_exchange_batch(&model->exchange),
                            .loss = *loss,
                            .seed = model->seed,
                            .profile = model->profile,
                            .tell = model->tell,
                            .tell_context = model->tell_context};
    bool done = input_send(model, run, batch, error) &&
                gpu_step_queue(run, moments, &plan->recording, error) &&
                gpu_exchange_return(&model->exchange, batch, error);
    if (!done)
        model->device->finish(model->device, NULL); /* what was sent stands where the next goes */
    return done;
}

bool gpu_model_queue(struct model *model, const struct batch *batch, const struct update *update,
                     struct error *error) {
    struct gpu_run run;
    return queue(model, batch, update, &run, error);
}

bool gpu_model_take(struct model *model, float *losses, float *logits, struct error *error) {
    return gpu_exchange_take(&model->exchange, losses, logits, error);
}

bool gpu_model_train_step(struct model *model, const struct batch *batch,
                          const struct update *update, float *losses, float *logits,
                          struct error *error) {
    assert(model->exchange.sent == model->exchange.taken);
    return gpu_model_queue(model, batch, update, error) &&
           gpu_model_take(model, losses, logits, error);
}

bool gpu_model_evaluate(struct model *model, const struct batch *batch, float *losses,
                        float *logits, struct error *error) {
    assert(model->exchange.sent == model->exchange.taken);
    return gpu_model_queue(model, batch, NULL, error) &&
           gpu_model_take(model, losses, logits, error);
}

bool gpu_model_evaluate_maps(struct model *model, const struct batch *batch, float *losses,
                             float *logits, float *maps, struct error *error) {
    struct gpu_run run;
    assert(model->exchange.sent == model->exchange.taken);
    return queue(model, batch, NULL, &run, error) && gpu_model_take(model, losses, logits, error) &&
           gpu_run_maps(&run, maps, error);
}

bool gpu_model_prefetch(struct model *model, const struct batch *next, struct error *error) {
    return gpu_pictures_send(&model->pictures, next, error);
}
