#include "worker/bench.h"

#include "core/clock.h"
#include "core/json.h"
#include "core/standard.h"
#include "worker/bench_batch.h"
#include "worker/bench_input.h"
#include "worker/bench_layers.h"
#include "worker/bench_steps.h"
#include "worker/flight.h"
#include "worker/nn/backend.h"
#include "worker/options.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct bench_options {
    const char *arch, *backend, *input, *floor_of;
    long long size, batch, steps;
    int threads, device;
    bool layers, compact;
    enum precision precision;
};

/* A model on drawn weights, and drawn pictures: as many as a batch of evaluation has, of which
 * training takes the first. */
struct trained {
    struct network network;
    const struct backend *backend;
    struct model *model;
    struct profile profile; /* nodes is NULL where none is wanted */
    struct bench_batch drawn;
    size_t batch, evaluation_batch; /* pictures */
    struct update update;
    struct flight flight;
};

/* ---- the command line ---- */

enum {
    KEY_SIZE = 0x1000,
    KEY_BATCH,
    KEY_ARCH,
    KEY_STEPS,
    KEY_THREADS,
    KEY_BACKEND,
    KEY_DEVICE,
    KEY_PRECISION,
    KEY_LAYERS,
    KEY_FLOOR_OF,
    KEY_INPUT,
    KEY_JSON
};

/* Unless the options say. */
#define SIDE 224
#define BATCH 32
#define STEPS 5
#define ARCH "resnet50"

static const struct argp_option bench_table[] = {
    {"size", KEY_SIZE, "N", 0, "Pictures of N x N pixels (default: " OPTIONS_TEXT(SIDE) ")", 0},
    {"batch", KEY_BATCH, "N", 0, "Pictures a step (default: " OPTIONS_TEXT(BATCH) ")", 0},
    {"arch", KEY_ARCH, "NAME", 0, "resnet18, 34, 50, 101 or 152 (default: " ARCH ")", 0},
    {"steps", KEY_STEPS, "N", 0,
     "Steps timed, after the first that are not (default: " OPTIONS_TEXT(STEPS) "; 0: no training)",
     0},
    {"threads", KEY_THREADS, "N", 0, "Threads that compute (default: the cores)", 0},
    {"backend", KEY_BACKEND, "auto|cpu|cuda", 0, "What computes (default: auto)", 0},
    {"device", KEY_DEVICE, "N", 0, "Which GPU (default: 0)", 0},
    {"precision", KEY_PRECISION, "fp32|tf32|bf16", 0, "What it computes in (default: fp32)", 0},
    {"layers", KEY_LAYERS, NULL, 0,
     "What each layer of a step took, and what it could not do without: FLOPs over the matrix "
     "rate, bytes over the bandwidth; as a table where --json is not given",
     0},
    {"floor-of", KEY_FLOOR_OF, "h100|h200|a100", 0,
     "Whose rates --layers takes (default: the device's own, on a CPU measured); with --steps 0 "
     "nothing is trained",
     0},
    {"input", KEY_INPUT, "DIR", 0,
     "Also how fast this folder's pictures become tensors, alone and while training", 0},
    {"json", KEY_JSON, NULL, 0, "All on one line", 0},
    OPTIONS_HELP,
    {0},
};

static error_t bench_parse(int key, char *text, struct argp_state *state) {
    struct bench_options *options = state->input;
    struct peak peak;
    switch (key) {
    case KEY_SIZE: return options_integer(state, "--size", text, 1, 4096, &options->size);
    case KEY_BATCH: return options_integer(state, "--batch", text, 1, 65536, &options->batch);
    case KEY_ARCH: options->arch = text; return 0;
    case KEY_STEPS: return options_integer(state, "--steps", text, 0, 100000, &options->steps);
    case KEY_THREADS: return options_threads(state, text, &options->threads);
    case KEY_BACKEND: return options_backend(state, text, &options->backend);
    case KEY_DEVICE: return options_device(state, text, &options->device);
    case KEY_PRECISION: return options_precision(state, text, &options->precision);
    case KEY_LAYERS: options->layers = true; return 0;
    case KEY_FLOOR_OF:
        options->floor_of = text;
        if (!peak_find(text, &peak))
            return options_mistake(state, "--floor-of knows h100, h200 and a100, not \"%s\"", text);
        return 0;
    case KEY_INPUT: options->input = text; return 0;
    case KEY_JSON: options->compact = true; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---- what is trained ---- */

static bool weights_draw(struct trained *trained, struct error *error) {
    for (size_t i = 0; i < trained->network.parameter_count; i++) {
        float *values = calloc(trained->network.parameters[i].count, sizeof *values);
        if (values == NULL)
            return error_machine(error, "out of memory for the weights");
        network_initialise(&trained->network, i, 0, values);
        bool ok = trained->backend->state_set(trained->model, MODEL_VALUE, i, values, error);
        free(values);
        if (!ok)
            return false;
    }
    return true;
}

static bool profile_new(struct trained *trained, struct error *error) {
    trained->profile.nodes = calloc(trained->network.node_count, sizeof *trained->profile.nodes);
    return trained->profile.nodes != NULL || error_memory(error);
}

static void profile_clear(struct trained *trained) {
    trained->profile.optimizer = 0;
    if (trained->profile.nodes != NULL)
        memset(trained->profile.nodes, 0,
               trained->network.node_count * sizeof *trained->profile.nodes);
}

/* The network is there already. */
static bool trained_new(struct trained *trained, const struct bench_options *options,
                        struct error *error) {
    const struct model_options model_options = {.precision = options->precision,
                                                .deterministic = true,
                                                .threads = options->threads,
                                                .device = options->device,
                                                .tell = options_tell,
                                                .profile =
                                                    options->layers ? &trained->profile : NULL};
    options_tell_backend(options->backend, options->device);
    trained->backend = backend_find(options->backend, options->device, error);
    if (trained->backend == NULL)
        return false;
    trained->batch = (size_t)options->batch;
    trained->evaluation_batch = backend_evaluation_size(trained->backend, trained->batch);
    return (!options->layers || profile_new(trained, error)) &&
           trained->backend->model_new(&trained->network, &model_options, &trained->model, error) &&
           flight_open(trained->backend, trained->model, trained->evaluation_batch,
                       &trained->flight, error) &&
           weights_draw(trained, error) &&
           bench_batch_draw(trained->evaluation_batch, (int)options->size,
                            trained->backend->takes_pictures, &trained->drawn, error);
}

static void trained_free(struct trained *trained) {
    if (trained->model != NULL)
        trained->backend->model_free(trained->model);
    flight_close(&trained->flight);
    network_free(&trained->network);
    free(trained->profile.nodes);
    bench_batch_free(&trained->drawn);
}

/* ---- measuring ---- */

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, ascending);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* As a session trains: waits for a result only when the flight must land one; batch NULL: for all
 * of them. */
static bool train(void *context, const struct batch *batch, struct error *error) {
    struct trained *trained = context;
    const struct landed *landed;
    trained->update.step += batch != NULL;
    if (batch != NULL && !flight_send(&trained->flight, batch, &trained->update, error))
        return false;
    while (batch != NULL ? flight_due(&trained->flight) : flight_count(&trained->flight) > 0)
        if (!flight_land(&trained->flight, &landed, error))
            return false;
    return true;
}

static bool timed_steps(struct trained *trained, bool training, size_t steps, double *seconds,
                        struct error *error) {
    trained->drawn.batch.count = training ? trained->batch : trained->evaluation_batch;
    return bench_steps(&trained->flight, &trained->drawn.batch, training ? &trained->update : NULL,
                       steps, seconds, error);
}

/* Whose rates the floors take: the machine that was named, the device's, or what is measured; *peak
 * is NULL when nobody knows. `room` is where it goes. */
static bool choose_peak(const struct trained *trained, const struct bench_options *options,
                        struct peak *room, const struct peak **peak, struct error *error) {
    char what[256] = "";
    *peak = room;
    if (options->floor_of != NULL)
        return peak_find(options->floor_of, room);
    if (trained->backend != NULL && trained->backend->measure_peak != NULL)
        return trained->backend->measure_peak(options->threads, room, error);
    if (trained->backend != NULL)
        trained->backend->available(options->device, what, sizeof what);
    if (!peak_find(what, room))
        *peak = NULL;
    return true;
}

static bool measure_layers(const struct trained *trained, const struct bench_options *options,
                           cJSON *out, struct error *error) {
    struct peak room;
    struct bench_layers layers = {
        .network = &trained->network,
        .side = (int)options->size,
        .batch = (size_t)options->batch,
        .precision = options->precision,
        .optimizer = &trained->update.optimizer,
        .profile = trained->profile.nodes != NULL ? &trained->profile : NULL,
        .steps = (double)options->steps,
    };
    return choose_peak(trained, options, &room, &layers.peak, error) &&
           bench_layers(&layers, out, error);
}

/* Of an epoch, where a tenth of the pictures is validated on for eight tenths trained, by how many
 * of each are done in a second. */
static double evaluation_share(double training_rate, double evaluation_rate) {
    double validation = 0.1 / evaluation_rate;
    return validation / (0.8 / training_rate + validation);
}

/* The first step of a kind loads and compiles. A backend that queues records the second, and
 * training's anew where evaluation took larger batches since. */
static bool warm_up(struct trained *trained, double *first, struct error *error) {
    bool queues = trained->backend->queue != NULL;
    double seconds[2];
    if (!timed_steps(trained, true, queues ? 2 : 1, seconds, error))
        return false;
    *first = seconds[0];
    return timed_steps(trained, false, queues ? 2 : 1, seconds, error) &&
           (!queues || timed_steps(trained, true, 2, seconds, error));
}

static bool measure_training(struct trained *trained, const struct bench_options *options,
                             cJSON *out, struct error *error) {
    size_t steps = (size_t)options->steps;
    /* No fewer pictures than are trained on. */
    size_t evaluations = (steps * trained->batch - 1) / trained->evaluation_batch + 1;
    double first;
    double *seconds = calloc(steps, sizeof *seconds);
    if (seconds == NULL)
        return error_memory(error);
    bool ok =
        warm_up(trained, &first, error) && timed_steps(trained, false, evaluations, seconds, error);
    double evaluation_rate =
        ok ? (double)trained->evaluation_batch / median(seconds, evaluations) : 0;
    profile_clear(trained);
    int64_t from = clock_unix_ms();
    ok = ok && timed_steps(trained, true, steps, seconds, error);
    if (ok) {
        int64_t until = clock_unix_ms();
        double middle = median(seconds, steps), rate = (double)trained->batch / middle;
        cJSON *training = cJSON_AddObjectToObject(out, "training");
        cJSON_AddNumberToObject(training, "images_per_second", rate);
        cJSON_AddNumberToObject(training, "step_seconds", middle);
        cJSON_AddNumberToObject(training, "best_step_seconds", seconds[0]);
        cJSON_AddNumberToObject(training, "first_step_seconds", first);
        cJSON_AddNumberToObject(training, "evaluation_batch", (double)trained->evaluation_batch);
        cJSON_AddNumberToObject(training, "evaluation_images_per_second", evaluation_rate);
        cJSON_AddNumberToObject(training, "evaluation_share",
                                evaluation_share(rate, evaluation_rate));
        cJSON_AddNumberToObject(training, "from_unix_ms", (double)from);
        cJSON_AddNumberToObject(training, "until_unix_ms", (double)until);
        if (trained->backend->memory_most != NULL)
            cJSON_AddNumberToObject(training, "device_memory_peak_bytes",
                                    (double)trained->backend->memory_most(trained->model));
    }
    free(seconds);
    return ok;
}

static bool measure_together(struct trained *trained, const struct bench_options *options,
                             cJSON *out, struct error *error) {
    const struct bench_feed feed = {.folder = options->input,
                                    .backend = trained->backend,
                                    .model = trained->model,
                                    .side = (int)options->size,
                                    .threads = options->threads,
                                    .batch = (size_t)options->batch,
                                    .steps = (size_t)options->steps};
    return bench_together(&feed, train, trained, out, error);
}

static void describe(cJSON *out, const struct bench_options *options,
                     const struct backend *backend) {
    char what[256] = "";
    if (backend != NULL) {
        backend->available(options->device, what, sizeof what);
        cJSON_AddStringToObject(out, "backend", backend->name);
        cJSON_AddStringToObject(out, "device", what);
    }
    cJSON_AddStringToObject(out, "precision", precision_names[options->precision]);
    cJSON_AddStringToObject(out, "arch", options->arch);
    cJSON_AddNumberToObject(out, "size", (double)options->size);
    cJSON_AddNumberToObject(out, "batch", (double)options->batch);
    cJSON_AddNumberToObject(out, "steps", (double)options->steps);
    cJSON_AddNumberToObject(out, "threads", options->threads);
}

/* JSON, or the layer table for people; false where something lacks. */
static bool print(const cJSON *out, const struct bench_options *options) {
    char *text = options->compact ? json_text(out) : json_text_pretty(out);
    if (text == NULL)
        return false;
    if (options->layers && !options->compact) {
        printf("%s, batch %lld of %lld x %lld\n", options->arch, options->batch, options->size,
               options->size);
        bench_layers_print(cJSON_GetObjectItemCaseSensitive(out, "layers"));
    } else {
        puts(text);
    }
    free(text);
    return true;
}

/* All that the options ask for, into `out`. */
static bool measure(struct trained *trained, const struct bench_options *options, cJSON *out,
                    struct error *error) {
    struct rusage usage;
    bool training = options->steps > 0;
    if (options->input != NULL && !bench_input(options->input, (int)options->size, options->threads,
                                               cJSON_AddObjectToObject(out, "input"), error))
        return false;
    if (training || options->layers) {
        if (!network_build(options->arch, HEAD_RELU, 0, &trained->network, error) ||
            (training && !trained_new(trained, options, error)))
            return false;
        describe(out, options, trained->backend);
    }
    if (training && !measure_training(trained, options, out, error))
        return false;
    if (options->layers &&
        !measure_layers(trained, options, cJSON_AddObjectToObject(out, "layers"), error))
        return false;
    if (training && options->input != NULL &&
        !measure_together(trained, options, cJSON_AddObjectToObject(out, "together"), error))
        return false;
    getrusage(RUSAGE_SELF, &usage);
    cJSON_AddNumberToObject(out, "memory_peak_bytes", (double)usage.ru_maxrss * 1024);
    return true;
}

int bench_main(int argc, char **argv) {
    static const struct argp argp = {
        .options = bench_table,
        .parser = bench_parse,
        .doc = "Measure training steps on drawn pictures, and reading pictures; prints JSON.\v"
               "Steps are queued ahead as a run queues them: on a GPU up to 16 are waited for at "
               "once, each counting as its share of their time, and images_per_second is of the "
               "median step, as is evaluation_images_per_second, in batches as a run evaluates "
               "them. from_unix_ms and until_unix_ms: when the timed steps ran. evaluation_share "
               "is of an epoch that validates on a tenth of the pictures and trains on eight. "
               "memory_peak_bytes is the whole program's, as the system counts it; "
               "device_memory_peak_bytes what it allocated of a GPU's at most, evaluation "
               "included, without CUDA's own. With --layers each layer is waited for, which makes "
               "a step on a GPU longer. Example: assay-worker bench --size 64 --layers"};
    struct bench_options options = {
        .arch = ARCH, .backend = "auto", .size = SIDE, .batch = BATCH, .steps = STEPS};
    struct trained trained = {
        .update.optimizer = {.lr = 2e-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}};
    struct error error = {0};
    int code = 0;
    if (!options_parse(&argp, "assay-worker bench", argc, argv, &options, &code))
        return code;
    cJSON *out = cJSON_CreateObject();
    bool ok = out != NULL || error_memory(&error);
    ok = ok && measure(&trained, &options, out, &error) &&
         (print(out, &options) || error_memory(&error));
    trained_free(&trained);
    cJSON_Delete(out);
    if (ok)
        return 0;
    standard_complain("%s", error.message);
    return (int)error.code;
}
