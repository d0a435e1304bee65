#include "worker/step.h"

#include "core/members.h"
#include "core/standard.h"
#include "worker/nn/backend.h"
#include "worker/options.h"
#include "worker/weights.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct step_options {
    const char *config, *weights, *batch, *out, *backend;
    bool other_precision; /* than the experiment's */
    enum precision precision;
    int device, threads;
};

/* Everything one step is made of, from the files to what is written. */
struct training {
    struct experiment experiment;
    struct network network;
    const struct backend *backend;
    struct model *model;
    int64_t *tracked; /* num_batches_tracked of each batch norm, in the order of the parameters */
    struct batch batch;
    float *images, *losses, *logits, *values;
    int32_t *labels;
    uint64_t *samples;
    float loss;
};

/* ---- the command line ---- */

enum {
    KEY_CONFIG = 0x1000,
    KEY_WEIGHTS,
    KEY_BATCH,
    KEY_OUT,
    KEY_BACKEND,
    KEY_PRECISION,
    KEY_DEVICE,
    KEY_THREADS
};

static const struct argp_option step_table[] = {
    {"config", KEY_CONFIG, "FILE", 0, "The experiment: its model and train (one, no matrix)", 0},
    {"weights", KEY_WEIGHTS, "W.safetensors", 0,
     "torchvision's names and head.weight, head.bias; all F32 (or a .pth of them)", 0},
    {"batch", KEY_BATCH, "B.safetensors", 0, "images: F32 [N, 3, H, W]; labels: I64 [N]", 0},
    {"out", KEY_OUT, "O.safetensors", 0, "What is written: logits, loss, grad.NAME, param.NAME", 0},
    {"backend", KEY_BACKEND, "cpu|cuda", 0, "What computes (default: auto)", 0},
    {"precision", KEY_PRECISION, "fp32|tf32|bf16", 0, "Instead of the experiment's", 0},
    {"device", KEY_DEVICE, "N", 0, "Which GPU (default: 0)", 0},
    {"threads", KEY_THREADS, "N", 0, "Threads that compute (default: the cores)", 0},
    OPTIONS_HELP,
    {0},
};

static error_t step_check(const struct step_options *options, const struct argp_state *state) {
    if (options->config == NULL || options->weights == NULL || options->batch == NULL ||
        options->out == NULL)
        return options_mistake(state, "step needs --config, --weights, --batch and --out");
    return 0;
}

static error_t step_parse(int key, char *text, struct argp_state *state) {
    struct step_options *options = state->input;
    switch (key) {
    case KEY_CONFIG: options->config = text; return 0;
    case KEY_WEIGHTS: options->weights = text; return 0;
    case KEY_BATCH: options->batch = text; return 0;
    case KEY_OUT: options->out = text; return 0;
    case KEY_BACKEND: return options_backend(state, text, &options->backend);
    case KEY_PRECISION:
        options->other_precision = true;
        return options_precision(state, text, &options->precision);
    case KEY_DEVICE: return options_device(state, text, &options->device);
    case KEY_THREADS: return options_threads(state, text, &options->threads);
    case ARGP_KEY_END: return step_check(options, state);
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---- what goes in ---- */

/* Prints every fault but the last, which becomes the error. */
static bool faults_told(const struct faults *faults, const char *path, const char *text,
                        struct error *error) {
    for (size_t i = 0; i < faults->count; i++) {
        char *line = fault_text(&faults->items[i], path, text);
        if (i + 1 == faults->count && (faults->machine || line == NULL))
            error_machine(error, "%s", line == NULL ? "out of memory" : line);
        else if (i + 1 == faults->count)
            error_set(error, ERROR_INPUT, "%s", line);
        else if (line != NULL)
            standard_complain("%s", line);
        free(line);
    }
    return false;
}

static bool config_read(const char *path, struct experiment *experiment, struct error *error) {
    struct members members = {0};
    struct faults faults = {0};
    char *text = NULL;
    bool ok = members_read(path, &members, &text, &faults, error);
    if (ok && members.count != 1)
        ok = error_set(error, ERROR_INPUT, "%s: its matrix makes %zu experiments; step needs one",
                       path, members.count);
    if (ok)
        ok = experiment_from_json(members.items[0].config, experiment, &faults);
    if (!ok && faults.count > 0)
        faults_told(&faults, path, text, error);
    faults_free(&faults);
    members_free(&members);
    free(text);
    return ok;
}

static bool has_shape(const struct tensor *tensor, enum tensor_type type, size_t rank) {
    return tensor != NULL && tensor->type == type && tensor->rank == rank;
}

static bool batch_check(const struct tensor *images, const struct tensor *labels,
                        struct error *error) {
    if (!has_shape(images, TENSOR_F32, 4) || images->shape[1] != 3)
        return error_set(error, ERROR_INPUT,
                         "the tensor \"images\" must be there as F32 [N, 3, H, W]");
    if (!has_shape(labels, TENSOR_I64, 1) || labels->shape[0] != images->shape[0])
        return error_set(error, ERROR_INPUT, "the tensor \"labels\" must be there as I64 [%zu]",
                         images->shape[0]);
    if (images->shape[0] == 0)
        return error_set(error, ERROR_INPUT, "the batch is empty");
    if (images->shape[2] > INT32_MAX || images->shape[3] > INT32_MAX)
        return error_set(error, ERROR_INPUT, "the images are too large");
    return true;
}

static bool batch_copy(struct training *training, const struct tensor *images,
                       const struct tensor *labels, struct error *error) {
    size_t count = images->shape[0];
    training->images = malloc(images->bytes);
    training->labels = calloc(count, sizeof *training->labels);
    training->samples = calloc(count, sizeof *training->samples);
    training->losses = calloc(count, sizeof *training->losses);
    training->logits = calloc(count, NETWORK_CLASSES * sizeof *training->logits);
    if (training->images == NULL || training->labels == NULL || training->samples == NULL ||
        training->losses == NULL || training->logits == NULL)
        return error_machine(error, "out of memory for the batch");
    memcpy(training->images, images->data, images->bytes);
    for (size_t i = 0; i < count; i++) {
        int64_t label;
        memcpy(&label, (const char *)labels->data + i * sizeof label, sizeof label);
        if (label < 0 || label >= NETWORK_CLASSES)
            return error_set(error, ERROR_INPUT, "label %lld of picture %zu is not 0 to %d",
                             (long long)label, i, NETWORK_CLASSES - 1);
        training->labels[i] = (int32_t)label;
        training->samples[i] = i;
    }
    training->batch = (struct batch){.count = count,
                                     .height = (int)images->shape[2],
                                     .width = (int)images->shape[3],
                                     .images = training->images,
                                     .labels = training->labels,
                                     .samples = training->samples};
    return true;
}

static bool batch_read(const char *path, struct training *training, struct error *error) {
    struct safetensors *file;
    if (!safetensors_open(path, &file, error))
        return false;
    const struct tensor *images = safetensors_find(file, "images");
    const struct tensor *labels = safetensors_find(file, "labels");
    bool ok = batch_check(images, labels, error) && batch_copy(training, images, labels, error);
    safetensors_close(file);
    return ok || error_context(error, "%s", path);
}

static bool head_check(const char *path, struct error *error) {
    struct safetensors *file;
    if (!weights_open(path, &file, error))
        return false;
    bool ok = safetensors_find(file, "head.weight") != NULL &&
              safetensors_find(file, "head.bias") != NULL;
    safetensors_close(file);
    return ok ||
           error_set(error, ERROR_INPUT, "%s: head.weight [%d, 1000] or head.bias [%d] is missing",
                     path, NETWORK_CLASSES, NETWORK_CLASSES);
}

/* The model with all of its weights from the file: nothing begins fresh here. */
static bool model_make(struct training *training, const struct step_options *options,
                       struct error *error) {
    struct experiment *experiment = &training->experiment;
    if (options->other_precision)
        experiment->train.precision = options->precision;
    const struct model_options model_options = {.precision = experiment->train.precision,
                                                .deterministic = experiment->train.deterministic,
                                                .loss = &experiment->train.loss,
                                                .seed = experiment->train.seed,
                                                .threads = options->threads,
                                                .device = options->device,
                                                .tell = options_tell};
    options_tell_backend(options->backend, options->device);
    training->backend = backend_find(options->backend, options->device, error);
    if (training->backend == NULL || !head_check(options->weights, error) ||
        !network_build(experiment->model.arch, experiment->model.head, experiment->model.dropout,
                       &training->network, error) ||
        !network_freeze(&training->network, experiment->model.freeze,
                        experiment->model.freeze_count, error))
        return false;
    training->tracked = calloc(weights_tracked_count(&training->network), sizeof(int64_t));
    if (training->tracked == NULL)
        return error_memory(error);
    struct experiment given = *experiment; /* borrows all but what is replaced */
    char *path = strdup(options->weights);
    given.model.weights = path;
    given.model.fresh_count = 0;
    bool ok = path != NULL ? training->backend->model_new(&training->network, &model_options,
                                                          &training->model, error) &&
                                 weights_begin(&given, &training->network, training->backend,
                                               training->model, training->tracked, error)
                           : error_memory(error);
    free(path);
    return ok;
}

/* ---- the step ---- */

static bool step_run(struct training *training, struct error *error) {
    const struct experiment *experiment = &training->experiment;
    const struct update update = {experiment->train.optimizer, 1};
    if (!training->backend->train_step(training->model, &training->batch, &update, training->losses,
                                       training->logits, error))
        return false;
    double sum = 0, weights = 0;
    for (size_t i = 0; i < training->batch.count; i++) {
        sum += (double)training->losses[i];
        weights += experiment->train.loss.class_weights[training->labels[i]];
    }
    training->loss = (float)(sum / weights);
    weights_tracked_add(&training->network, training->tracked, 1);
    return true;
}

/* ---- what comes out ---- */

enum source { FROM_LOSS, FROM_LOGITS, FROM_GRADIENT, FROM_VALUE, FROM_TRACKED };

struct output {
    char name[96];
    enum source source;
    size_t index; /* of the parameter, or of the batch norm */
};

struct outputs {
    struct output *items;
    struct tensor *tensors;
    size_t count;
    struct training *training;
};

static void add(struct outputs *outputs, const char *prefix, const char *name, enum source source,
                size_t index, const struct tensor *shape) {
    struct output *item = &outputs->items[outputs->count];
    struct tensor *tensor = &outputs->tensors[outputs->count++];
    snprintf(item->name, sizeof item->name, "%s%s", prefix, name);
    item->source = source;
    item->index = index;
    *tensor = *shape;
    tensor->name = item->name;
    tensor->bytes =
        tensor_count(tensor) * (tensor->type == TENSOR_I64 ? sizeof(int64_t) : sizeof(float));
}

static void add_parameter(struct outputs *outputs, size_t index, size_t *norms) {
    const struct parameter *parameter = &outputs->training->network.parameters[index];
    struct tensor shape = {.type = TENSOR_F32, .rank = parameter->rank};
    memcpy(shape.shape, parameter->shape, sizeof parameter->shape);
    if (parameter->trainable)
        add(outputs, "grad.", parameter->name, FROM_GRADIENT, index, &shape);
    add(outputs, "param.", parameter->name, FROM_VALUE, index, &shape);
    if (parameter->kind == PARAMETER_MEAN) {
        char name[80];
        weights_tracked_name(parameter, name);
        add(outputs, "param.", name, FROM_TRACKED, (*norms)++,
            &(struct tensor){.type = TENSOR_I64});
    }
}

static bool output_data(void *context, size_t index, const void **data, struct error *error) {
    const struct outputs *outputs = context;
    struct training *training = outputs->training;
    const struct output *item = &outputs->items[index];
    switch (item->source) {
    case FROM_LOSS: *data = &training->loss; return true;
    case FROM_LOGITS: *data = training->logits; return true;
    case FROM_TRACKED: *data = &training->tracked[item->index]; return true;
    case FROM_GRADIENT:
    case FROM_VALUE:
        *data = training->values;
        return training->backend->state_get(
            training->model, item->source == FROM_VALUE ? MODEL_VALUE : MODEL_GRADIENT, item->index,
            training->values, error);
    }
    return false;
}

static bool result_write(const char *path, struct training *training, struct error *error) {
    const struct network *network = &training->network;
    size_t most = 2 + 2 * network->parameter_count + weights_tracked_count(network);
    size_t largest = 0, norms = 0;
    struct outputs outputs = {.items = calloc(most, sizeof *outputs.items),
                              .tensors = calloc(most, sizeof *outputs.tensors),
                              .training = training};
    for (size_t i = 0; i < network->parameter_count; i++)
        if (network->parameters[i].count > largest)
            largest = network->parameters[i].count;
    training->values = calloc(largest, sizeof *training->values);
    bool ok = outputs.items != NULL && outputs.tensors != NULL && training->values != NULL;
    if (!ok) {
        error_machine(error, "out of memory for the result");
    } else {
        add(&outputs, "", "logits", FROM_LOGITS, 0,
            &(struct tensor){
                .type = TENSOR_F32, .rank = 2, .shape = {training->batch.count, NETWORK_CLASSES}});
        add(&outputs, "", "loss", FROM_LOSS, 0, &(struct tensor){.type = TENSOR_F32});
        for (size_t i = 0; i < network->parameter_count; i++)
            add_parameter(&outputs, i, &norms);
        ok = safetensors_write_from(path, outputs.tensors, outputs.count, NULL, 0, output_data,
                                    &outputs, error);
    }
    free(outputs.items);
    free(outputs.tensors);
    return ok;
}

static void training_free(struct training *training) {
    if (training->model != NULL)
        training->backend->model_free(training->model);
    network_free(&training->network);
    experiment_free(&training->experiment);
    free(training->tracked);
    free(training->images);
    free(training->labels);
    free(training->samples);
    free(training->losses);
    free(training->logits);
    free(training->values);
}

int step_main(int argc, char **argv) {
    static const struct argp argp = {
        .options = step_table,
        .parser = step_parse,
        .doc = "Run one training step (forward, backward, one update) from files to a file.\v"
               "The result holds logits [N, 2], loss, grad.NAME of every trained parameter, and "
               "param.NAME after the update, running statistics and num_batches_tracked among "
               "them: what PyTorch's own step can be compared with, tensor by tensor."};
    struct step_options options = {.backend = "auto"};
    struct training training = {0};
    struct error error = {0};
    int code = 0;
    if (!options_parse(&argp, "assay-worker step", argc, argv, &options, &code))
        return code;
    bool ok = config_read(options.config, &training.experiment, &error) &&
              batch_read(options.batch, &training, &error) &&
              model_make(&training, &options, &error) && step_run(&training, &error) &&
              result_write(options.out, &training, &error);
    training_free(&training);
    if (ok)
        return 0;
    standard_complain("%s", error.message);
    return (int)error.code;
}
