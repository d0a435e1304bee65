#include "worker/checkpoint.h"

#include "core/json.h"
#include "core/safetensors.h"
#include "core/schema.h"
#include "core/text.h"
#include "worker/weights.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_EPOCHS_MOST = 1000000 };

void checkpoint_state_free(struct checkpoint_state *state) {
    free(state->history);
    free(state->batches_tracked);
    state->history = NULL;
    state->batches_tracked = NULL;
}

/* --- state to text. Doubles have 17 digits, which read back the same. --- */

static void add_metrics(struct text *text, const struct metrics *metrics) {
    text_format(text,
                "{\"true_positive\":%" PRIu64 ",\"true_negative\":%" PRIu64
                ",\"false_positive\":%" PRIu64 ",\"false_negative\":%" PRIu64
                ",\"loss_sum\":%.17g}",
                metrics->true_positive, metrics->true_negative, metrics->false_positive,
                metrics->false_negative, metrics->loss_sum);
}

static char *history_text(const struct checkpoint_state *state) {
    struct text text = {0};
    text_add(&text, "[", 1);
    for (uint32_t i = 0; i < state->epoch; i++) {
        const struct epoch_report *report = &state->history[i];
        text_format(&text, "%s{\"epoch\":%" PRIu32 ",\"train\":", i == 0 ? "" : ",", report->epoch);
        add_metrics(&text, &report->train);
        text_format(&text, ",\"valid\":");
        add_metrics(&text, &report->valid);
        text_format(
            &text,
            ",\"learning_rate\":%.17g,\"seconds\":%.17g,\"images_per_second\":%.17g,\"best\":%s}",
            report->learning_rate, report->seconds, report->images_per_second,
            report->best ? "true" : "false");
    }
    text_add(&text, "]", 1);
    return text_take(&text);
}

enum { METADATA_COUNT = 11, NUMBER_SIZE = 32, SCHEDULE_SIZE = 128 };

struct metadata_text {
    char epoch[NUMBER_SIZE], iteration[NUMBER_SIZE], best_loss[NUMBER_SIZE],
        best_epoch[NUMBER_SIZE], log_bytes[NUMBER_SIZE], board_bytes[NUMBER_SIZE],
        scheduler[SCHEDULE_SIZE];
    char *history;
    struct metadata items[METADATA_COUNT];
};

/* JSON knows no infinity: a schedule that looks at no loss has its rate alone. */
static void schedule_text(const struct schedule_state *schedule, char text[static SCHEDULE_SIZE]) {
    int length = snprintf(text, SCHEDULE_SIZE, "{\"lr\":%.17g", schedule->lr);
    if (isfinite(schedule->best))
        length += snprintf(text + length, SCHEDULE_SIZE - (size_t)length,
                           ",\"best\":%.17g,\"bad_epochs\":%" PRIu32, schedule->best,
                           schedule->bad_epochs);
    snprintf(text + length, SCHEDULE_SIZE - (size_t)length, "}");
}

static bool metadata_make(const struct checkpoint_state *state, const char *config,
                          struct metadata_text *text, struct error *error) {
    text->history = history_text(state);
    if (text->history == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    snprintf(text->epoch, NUMBER_SIZE, "%" PRIu32, state->epoch);
    snprintf(text->iteration, NUMBER_SIZE, "%" PRIu64, state->iteration);
    snprintf(text->best_loss, NUMBER_SIZE, "%.17g", state->best_loss);
    snprintf(text->best_epoch, NUMBER_SIZE, "%" PRIu32, state->best_epoch);
    snprintf(text->log_bytes, NUMBER_SIZE, "%" PRIu64, state->log_bytes);
    snprintf(text->board_bytes, NUMBER_SIZE, "%" PRIu64, state->board_bytes);
    schedule_text(&state->schedule, text->scheduler);
    const struct metadata items[METADATA_COUNT] = {
        {"format", "pt"},
        {"assay_version", ASSAY_VERSION},
        {"epoch", text->epoch},
        {"iteration", text->iteration},
        {"best_loss", text->best_loss},
        {"best_epoch", text->best_epoch},
        {"scheduler", text->scheduler},
        {"log_bytes", text->log_bytes},
        {"board_bytes", text->board_bytes},
        {"config", config},
        {"history", text->history},
    };
    memcpy(text->items, items, sizeof items);
    return true;
}

/* --- writing --- */

/* One tensor of the file to be: where its data comes from. */
struct part {
    char name[80];
    enum model_state state;
    size_t parameter;
    const int64_t *tracked; /* num_batches_tracked, or NULL */
};

struct writer {
    const struct backend *backend;
    struct model *model;
    struct part *parts;
    struct tensor *tensors;
    size_t count;
    float *buffer; /* the largest parameter */
};

static void add_part(struct writer *writer, const struct network *network, const char *prefix,
                     enum model_state state, size_t parameter) {
    const struct parameter *from = &network->parameters[parameter];
    struct part *part = &writer->parts[writer->count];
    struct tensor *tensor = &writer->tensors[writer->count++];
    *part = (struct part){.state = state, .parameter = parameter};
    snprintf(part->name, sizeof part->name, "%s%s", prefix, from->name);
    *tensor = (struct tensor){.name = part->name,
                              .type = TENSOR_F32,
                              .rank = from->rank,
                              .bytes = from->count * sizeof(float)};
    memcpy(tensor->shape, from->shape, from->rank * sizeof from->shape[0]);
}

static void add_tracked(struct writer *writer, const struct parameter *mean, const int64_t *value) {
    struct part *part = &writer->parts[writer->count];
    struct tensor *tensor = &writer->tensors[writer->count++];
    *part = (struct part){.tracked = value};
    weights_tracked_name(mean, part->name);
    *tensor = (struct tensor){.name = part->name, .type = TENSOR_I64, .bytes = sizeof *value};
}

/* What stands before a parameter's name in each of its states that a checkpoint has: the value,
 * then the moments. */
static const struct {
    const char *prefix;
    enum model_state state;
} kinds[] = {{"", MODEL_VALUE}, {"optimizer.m.", MODEL_MOMENT_M}, {"optimizer.v.", MODEL_MOMENT_V}};

/* The I64 scalars stand first, so that everything is aligned to its size. */
static void add_parts(struct writer *writer, const struct network *network,
                      const struct checkpoint_state *state) {
    const int64_t *batches_tracked = state->batches_tracked;
    for (size_t i = 0; i < network->parameter_count; i++) {
        if (network->parameters[i].kind == PARAMETER_MEAN)
            add_tracked(writer, &network->parameters[i], batches_tracked++);
    }
    for (size_t k = 0; k <= state->moments; k++) {
        for (size_t i = 0; i < network->parameter_count; i++) {
            if (kinds[k].state == MODEL_VALUE || network->parameters[i].trainable)
                add_part(writer, network, kinds[k].prefix, kinds[k].state, i);
        }
    }
}

static bool give_part(void *context, size_t index, const void **data, struct error *error) {
    struct writer *writer = context;
    const struct part *part = &writer->parts[index];
    if (part->tracked != NULL) {
        *data = part->tracked;
        return true;
    }
    *data = writer->buffer;
    return writer->backend->state_get(writer->model, part->state, part->parameter, writer->buffer,
                                      error);
}

bool checkpoint_write(const char *path, const struct network *network,
                      const struct backend *backend, struct model *model,
                      const struct checkpoint_state *state, const char *config,
                      struct error *error) {
    bool ok = false;
    struct writer writer = {.backend = backend, .model = model};
    struct metadata_text metadata = {.history = NULL};
    size_t most = 4 * network->parameter_count, largest = 1;
    for (size_t i = 0; i < network->parameter_count; i++) {
        if (network->parameters[i].count > largest)
            largest = network->parameters[i].count;
    }
    writer.parts = calloc(most, sizeof *writer.parts);
    writer.tensors = calloc(most, sizeof *writer.tensors);
    writer.buffer = reallocarray(NULL, largest, sizeof *writer.buffer);
    if (writer.parts == NULL || writer.tensors == NULL || writer.buffer == NULL) {
        error_set(error, ERROR_FAILED, "out of memory");
        goto out;
    }
    if (!metadata_make(state, config, &metadata, error))
        goto out;
    add_parts(&writer, network, state);
    ok = safetensors_write_from(path, writer.tensors, writer.count, metadata.items, METADATA_COUNT,
                                give_part, &writer, error);
out:
    free(metadata.history);
    free(writer.buffer);
    free(writer.tensors);
    free(writer.parts);
    return ok;
}

/* --- reading --- */

struct checkpoint {
    struct safetensors *file;
    struct checkpoint_state state;
    cJSON *config;
};

static const cJSON *member(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* A whole number from 0 to `most` under the key. */
static bool read_whole(const cJSON *object, const char *key, double most, uint64_t *value) {
    const cJSON *item = member(object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || !(item->valuedouble <= most) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *value = (uint64_t)item->valuedouble;
    return true;
}

static bool read_number(const cJSON *object, const char *key, double *value) {
    const cJSON *item = member(object, key);
    if (!cJSON_IsNumber(item))
        return false;
    *value = item->valuedouble;
    return true;
}

static bool read_metrics(const cJSON *json, struct metrics *metrics) {
    return read_whole(json, "true_positive", 0x1p53, &metrics->true_positive) &&
           read_whole(json, "true_negative", 0x1p53, &metrics->true_negative) &&
           read_whole(json, "false_positive", 0x1p53, &metrics->false_positive) &&
           read_whole(json, "false_negative", 0x1p53, &metrics->false_negative) &&
           read_number(json, "loss_sum", &metrics->loss_sum);
}

static bool read_report(const cJSON *json, uint32_t epoch, struct epoch_report *report) {
    uint64_t number;
    const cJSON *best = member(json, "best");
    report->epoch = epoch;
    report->best = cJSON_IsTrue(best);
    return cJSON_IsBool(best) && read_whole(json, "epoch", UINT32_MAX, &number) &&
           number == epoch && read_metrics(member(json, "train"), &report->train) &&
           read_metrics(member(json, "valid"), &report->valid) &&
           read_number(json, "learning_rate", &report->learning_rate) &&
           read_number(json, "seconds", &report->seconds) &&
           read_number(json, "images_per_second", &report->images_per_second);
}

/* The key's text as JSON; NULL when it is missing or broken. The caller frees. */
static cJSON *read_json(const struct safetensors *file, const char *key) {
    const char *text = safetensors_metadata(file, key);
    return text != NULL ? json_parse(text, strlen(text), key, NULL) : NULL;
}

static bool read_history(const struct safetensors *file, struct checkpoint_state *state) {
    bool ok = false;
    uint32_t epoch = 0;
    cJSON *json = read_json(file, "history");
    state->history = calloc(state->epoch, sizeof *state->history);
    if (!cJSON_IsArray(json) || state->history == NULL ||
        (uint32_t)cJSON_GetArraySize(json) != state->epoch)
        goto out;
    const cJSON *item;
    cJSON_ArrayForEach(item, json) {
        if (!read_report(item, epoch + 1, &state->history[epoch]))
            goto out;
        epoch++;
    }
    ok = true;
out:
    cJSON_Delete(json);
    return ok;
}

static bool read_schedule(const struct safetensors *file, struct schedule_state *schedule) {
    uint64_t bad_epochs = 0;
    cJSON *json = read_json(file, "scheduler");
    bool ok = read_number(json, "lr", &schedule->lr);
    schedule->best = INFINITY;
    if (member(json, "best") != NULL)
        ok = ok && read_number(json, "best", &schedule->best) &&
             read_whole(json, "bad_epochs", UINT32_MAX, &bad_epochs);
    schedule->bad_epochs = (uint32_t)bad_epochs;
    cJSON_Delete(json);
    return ok;
}

static bool read_count(const struct safetensors *file, const char *key, uint64_t most,
                       uint64_t *value) {
    const char *text = safetensors_metadata(file, key);
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *value <= most;
}

static bool read_finite(const struct safetensors *file, const char *key, double *value) {
    const char *text = safetensors_metadata(file, key);
    if (text == NULL)
        return false;
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

/* The name of the metadata that is missing or wrong, or NULL. */
static const char *read_state(const struct safetensors *file, struct checkpoint_state *state) {
    uint64_t epoch, best_epoch;
    if (!read_count(file, "epoch", CHECKPOINT_EPOCHS_MOST, &epoch) || epoch == 0)
        return "epoch";
    state->epoch = (uint32_t)epoch;
    if (!read_count(file, "best_epoch", epoch, &best_epoch) || best_epoch == 0)
        return "best_epoch";
    state->best_epoch = (uint32_t)best_epoch;
    if (!read_count(file, "iteration", UINT64_MAX, &state->iteration))
        return "iteration";
    if (!read_count(file, "log_bytes", INT64_MAX, &state->log_bytes))
        return "log_bytes";
    if (safetensors_metadata(file, "board_bytes") != NULL && /* older checkpoints have none */
        !read_count(file, "board_bytes", INT64_MAX, &state->board_bytes))
        return "board_bytes";
    if (!read_finite(file, "best_loss", &state->best_loss))
        return "best_loss";
    if (!read_schedule(file, &state->schedule))
        return "scheduler";
    if (!read_history(file, state))
        return "history";
    return NULL;
}

bool checkpoint_open(const char *path, struct checkpoint **out, struct error *error) {
    *out = NULL;
    struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (checkpoint == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    if (!safetensors_open(path, &checkpoint->file, error))
        goto failed;
    const char *wrong = read_state(checkpoint->file, &checkpoint->state);
    checkpoint->config = read_json(checkpoint->file, "config");
    if (wrong == NULL && !cJSON_IsObject(checkpoint->config))
        wrong = "config";
    if (wrong != NULL) {
        error_set(error, ERROR_INPUT,
                  "%s: is no checkpoint of assay: its metadata \"%s\" is "
                  "missing or wrong",
                  path, wrong);
        goto failed;
    }
    *out = checkpoint;
    return true;
failed:
    checkpoint_close(checkpoint);
    return false;
}

void checkpoint_close(struct checkpoint *checkpoint) {
    if (checkpoint == NULL)
        return;
    safetensors_close(checkpoint->file);
    checkpoint_state_free(&checkpoint->state);
    cJSON_Delete(checkpoint->config);
    free(checkpoint);
}

const struct checkpoint_state *checkpoint_state(const struct checkpoint *checkpoint) {
    return &checkpoint->state;
}

const cJSON *checkpoint_config(const struct checkpoint *checkpoint) {
    return checkpoint->config;
}

/* A copy without the keys that do not change the weights, and with all the defaults. */
static cJSON *config_essence(const cJSON *config) {
    static const char *const other[] = {"name", "priority", "max_attempts", "resources", "after"};
    cJSON *essence = cJSON_Duplicate(config, true);
    schema_fill_defaults(schema_experiment(), schema_experiment(), essence);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(essence, other[i]);
    return essence;
}

bool checkpoint_matches(const struct checkpoint *checkpoint, const cJSON *config) {
    cJSON *ours = config_essence(config), *its = config_essence(checkpoint->config);
    bool same = cJSON_Compare(ours, its, true);
    cJSON_Delete(ours);
    cJSON_Delete(its);
    return same;
}

bool checkpoint_restore(const struct checkpoint *checkpoint, const struct network *network,
                        const struct backend *backend, struct model *model, size_t moments,
                        int64_t *batches_tracked, struct error *error) {
    const struct safetensors *file = checkpoint->file;
    for (size_t i = 0; i < network->parameter_count; i++) {
        const struct parameter *parameter = &network->parameters[i];
        if (!weights_set(file, "", network, i, backend, model, MODEL_VALUE, error))
            return false;
        if (batches_tracked == NULL)
            continue;
        for (size_t k = 1; parameter->trainable && k <= moments; k++)
            if (!weights_set(file, kinds[k].prefix, network, i, backend, model, kinds[k].state,
                             error))
                return false;
        if (parameter->kind == PARAMETER_MEAN)
            *batches_tracked++ = weights_tracked(file, parameter);
    }
    return true;
}
