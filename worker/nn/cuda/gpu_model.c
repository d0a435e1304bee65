#include "worker/nn/cuda/gpu_model.h"

#include "core/clock.h"
#include "worker/nn/cuda/gpu_pictures.h"
#include "worker/nn/cuda/gpu_run.h"
#include "worker/nn/refuse.h"

#include <stdlib.h>
#include <string.h>

/* What goes to the device and comes back with every batch: one block of the same layout on both
 * sides, pinned on the host. */
struct exchange {
    size_t room; /* pictures */
    char *host, *device;
};

struct model {
    struct device *device;
    const struct network *network;
    struct gpu_precision precision;
    struct loss loss; /* of training */
    uint64_t seed;
    struct profile *profile;
    struct gpu_weights weights;
    struct plan_cache plans;
    void *arena; /* shared by the plans: nothing in it outlives a step */
    size_t arena_bytes;
    struct exchange exchange;
    struct gpu_pictures pictures;
};

/* ---- the block that is exchanged: numbers, samples, labels; losses, logits ---- */

enum { NUMBERS_BYTES = 256 };
_Static_assert(sizeof(struct step_numbers) <= NUMBERS_BYTES, "numbers have grown");

static size_t labels_at(size_t room) {
    return NUMBERS_BYTES + room * sizeof(uint64_t);
}

static size_t results_at(size_t room) {
    return labels_at(room) + room * sizeof(int32_t);
}

static size_t results_bytes(size_t room) {
    return 3 * room * sizeof(float);
}

static void exchange_free(struct model *model) {
    if (model->exchange.host != NULL)
        model->device->unpin(model->device, model->exchange.host);
    if (model->exchange.device != NULL)
        model->device->release(model->device, model->exchange.device);
    model->exchange = (struct exchange){0};
}

static bool exchange_reserve(struct model *model, size_t count, struct error *error) {
    struct exchange *exchange = &model->exchange;
    if (count <= exchange->room)
        return true;
    exchange_free(model);
    size_t room = (count + 3) / 4 * 4; /* what follows the labels stays aligned */
    size_t bytes = results_at(room) + results_bytes(room);
    if (!model->device->pin(model->device, bytes, (void **)&exchange->host, error) ||
        !model->device->allocate(model->device, bytes, (void **)&exchange->device, error))
        return false;
    exchange->room = room;
    return true;
}

static bool exchange_send(struct model *model, const struct batch *batch,
                          const struct update *update, const struct loss *loss,
                          struct error *error) {
    struct exchange *exchange = &model->exchange;
    if (!exchange_reserve(model, batch->count, error))
        return false;
    struct step_numbers *numbers = (struct step_numbers *)exchange->host;
    *numbers = (struct step_numbers){.epoch = batch->epoch};
    if (update != NULL)
        update_rule_make(update, &numbers->rule);
    for (size_t i = 0; i < batch->count; i++)
        numbers->class_weights += loss->class_weights[batch->labels[i]];
    memcpy(exchange->host + NUMBERS_BYTES, batch->samples, batch->count * sizeof *batch->samples);
    memcpy(exchange->host + labels_at(exchange->room), batch->labels,
           batch->count * sizeof *batch->labels);
    return model->device->upload(model->device, exchange->device, exchange->host,
                                 results_at(exchange->room), error);
}

static bool exchange_receive(struct model *model, size_t count, float *losses, float *logits,
                             struct error *error) {
    const struct exchange *exchange = &model->exchange;
    size_t at = results_at(exchange->room);
    if (!model->device->download(model->device, exchange->host + at, exchange->device + at,
                                 results_bytes(exchange->room), error))
        return false;
    const float *results = (const float *)(exchange->host + at);
    memcpy(losses, results, count * sizeof *losses);
    memcpy(logits, results + exchange->room, NETWORK_CLASSES * count * sizeof *logits);
    return true;
}

static struct gpu_batch exchange_batch(const struct exchange *exchange) {
    float *results = (float *)(exchange->device + results_at(exchange->room));
    return (struct gpu_batch){
        .numbers = (const struct step_numbers *)exchange->device,
        .samples = (const uint64_t *)(exchange->device + NUMBERS_BYTES),
        .labels = (const int32_t *)(exchange->device + labels_at(exchange->room)),
        .losses = results,
        .logits = results + exchange->room,
    };
}

/* ---- the model ---- */

bool gpu_model_new(struct device *device, const struct network *network,
                   const struct model_options *options, struct model **result,
                   struct error *error) {
    *result = NULL;
    struct model *model = calloc(1, sizeof *model);
    if (model == NULL) {
        device->free(device);
        return error_set(error, ERROR_FAILED, "out of memory for a model");
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
    };
    gpu_pictures_init(device, &model->pictures);
    if (!gpu_weights_new(device, network, model->precision.element, &model->weights, error)) {
        gpu_model_free(model);
        return false;
    }
    *result = model;
    return true;
}

void gpu_model_free(struct model *model) {
    if (model == NULL)
        return;
    for (int i = 0; i < PLANS; i++)
        gpu_plan_free(model->plans.slots[i].plan);
    if (model->arena != NULL)
        model->device->release(model->device, model->arena);
    exchange_free(model);
    gpu_pictures_free(&model->pictures);
    if (model->weights.device != NULL)
        gpu_weights_free(&model->weights);
    model->device->free(model->device);
    free(model);
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
    gpu_plan_free(plan_cache_keep(&model->plans, &key, *plan));
    return true;
}

/* Brings the pictures to where the plan's input stands. */
static bool input_send(struct model *model, const struct gpu_run *run, const struct batch *batch,
                       struct error *error) {
    struct device *device = model->device;
    const struct gpu_step *input = &run->plan->steps[0];
    size_t pixels = (size_t)batch->height * (size_t)batch->width;
    if (batch->pictures != NULL)
        return gpu_pictures_make(&model->pictures, batch, input->element,
                                 (size_t)input->shape.channels, gpu_run_input(run), error);
    const struct planes_gather gather = {pixels, (size_t)input->shape.channels, input->element,
                                         gpu_run_scratch(run), gpu_run_input(run)};
    return device->upload(device, gpu_run_scratch(run), batch->images,
                          batch->count * 3 * pixels * sizeof(float), error) &&
           device_launch(device, planes_gather, &gather, batch->count * pixels, error);
}

/* Everything up to the losses; update is NULL in evaluation. */
static bool begin(struct model *model, const struct batch *batch, const struct update *update,
                  struct gpu_run *run, struct error *error) {
    struct gpu_plan *plan;
    const struct loss *loss = update != NULL ? &model->loss : &plain_loss;
    if (!labels_valid(batch, error) || !plan_find(model, batch, update != NULL, &plan, error) ||
        !arena_reserve(model, plan->flow.arena_bytes, error) ||
        !exchange_send(model, batch, update, loss, error) ||
        !gpu_weights_ready(&model->weights, error))
        return false;
    *run = (struct gpu_run){.plan = plan,
                            .weights = &model->weights,
                            .arena = model->arena,
                            .batch = exchange_batch(&model->exchange),
                            .loss = *loss,
                            .seed = model->seed,
                            .profile = model->profile};
    return input_send(model, run, batch, error) && gpu_run_forward(run, error) &&
           gpu_run_loss(run, error);
}

static bool update_weights(struct model *model, const struct gpu_run *run, size_t moments,
                           struct error *error) {
    double began = model->profile == NULL ? 0 : clock_steady_seconds();
    if (!gpu_weights_update(&model->weights, moments, run->batch.numbers, error))
        return false;
    if (model->profile == NULL)
        return true;
    bool done = model->device->finish(model->device, error);
    model->profile->optimizer += 1e3 * (clock_steady_seconds() - began);
    return done;
}

bool gpu_model_train_step(struct model *model, const struct batch *batch,
                          const struct update *update, float *losses, float *logits,
                          struct error *error) {
    struct gpu_run run;
    size_t moments = optimizer_moments(&update->optimizer);
    return gpu_weights_reserve(&model->weights, moments, error) &&
           begin(model, batch, update, &run, error) && gpu_run_backward(&run, error) &&
           update_weights(model, &run, moments, error) &&
           exchange_receive(model, batch->count, losses, logits, error);
}

bool gpu_model_evaluate(struct model *model, const struct batch *batch, float *losses,
                        float *logits, struct error *error) {
    struct gpu_run run;
    return begin(model, batch, NULL, &run, error) &&
           exchange_receive(model, batch->count, losses, logits, error);
}

bool gpu_model_evaluate_maps(struct model *model, const struct batch *batch, float *losses,
                             float *logits, float *maps, struct error *error) {
    struct gpu_run run;
    return begin(model, batch, NULL, &run, error) &&
           exchange_receive(model, batch->count, losses, logits, error) &&
           gpu_run_maps(&run, maps, error);
}

bool gpu_model_prefetch(struct model *model, const struct batch *next, struct error *error) {
    return gpu_pictures_send(&model->pictures, next, error);
}
