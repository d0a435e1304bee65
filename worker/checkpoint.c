#include "worker/checkpoint.h"

#include "core/content_sum.h"
#include "core/essence.h"
#include "core/json.h"
#include "core/safetensors.h"
#include "worker/weights.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKPOINT_EPOCHS_MOST = 1000000 };

bool checkpoint_state_new(const struct experiment *experiment, const struct network *network,
                          struct checkpoint_state *state, struct error *error) {
    size_t tracked = weights_tracked_count(network);
    *state = (struct checkpoint_state){.best_loss = INFINITY,
                                       .moments = optimizer_moments(&experiment->train.optimizer)};
    state->history = calloc((size_t)experiment->train.epochs + 1, sizeof *state->history);
    state->batches_tracked = calloc(tracked + 1, sizeof *state->batches_tracked);
    if (state->history == NULL || state->batches_tracked == NULL)
        return error_memory(error);
    schedule_begin(experiment, &state->schedule);
    return true;
}

void checkpoint_state_free(struct checkpoint_state *state) {
    free(state->history);
    free(state->batches_tracked);
    state->history = NULL;
    state->batches_tracked = NULL;
}

const struct checkpoint_kind checkpoint_kinds[] = {
    {"", MODEL_VALUE}, {"optimizer.m.", MODEL_MOMENT_M}, {"optimizer.v.", MODEL_MOMENT_V}};

/* --- reading --- */

struct checkpoint {
    struct safetensors *file;
    struct checkpoint_state state;
    cJSON *config;
};

/* A whole number from 0 to `most` under the key. */
static bool read_whole(const cJSON *object, const char *key, double most, uint64_t *value) {
    const cJSON *item = json_member(object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || !(item->valuedouble <= most) ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *value = (uint64_t)item->valuedouble;
    return true;
}

static bool read_number(const cJSON *object, const char *key, double *value) {
    const cJSON *item = json_member(object, key);
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
    const cJSON *best = json_member(json, "best");
    report->epoch = epoch;
    report->best = cJSON_IsTrue(best);
    return cJSON_IsBool(best) && read_whole(json, "epoch", UINT32_MAX, &number) &&
           number == epoch && read_metrics(json_member(json, "train"), &report->train) &&
           read_metrics(json_member(json, "valid"), &report->valid) &&
           read_number(json, "learning_rate", &report->learning_rate) &&
           read_number(json, "seconds", &report->seconds) &&
           read_number(json, "images_per_second", &report->images_per_second);
}

/* The key's text as JSON; NULL when it is missing or broken, or there is no memory (error). The
 * caller frees. */
static cJSON *read_json(const struct safetensors *file, const char *key, struct error *error) {
    const char *text = safetensors_metadata(file, key);
    return text != NULL ? json_parse(text, strlen(text), key, error) : NULL;
}

static bool read_history(const struct safetensors *file, struct checkpoint_state *state,
                         struct error *error) {
    bool ok = false;
    uint32_t epoch = 0;
    cJSON *json = read_json(file, "history", error);
    if (!cJSON_IsArray(json) || (uint32_t)cJSON_GetArraySize(json) != state->epoch)
        goto out;
    state->history = calloc(state->epoch, sizeof *state->history);
    if (state->history == NULL) {
        error_memory(error);
        goto out;
    }
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

static bool read_schedule(const struct safetensors *file, struct schedule_state *schedule,
                          struct error *error) {
    uint64_t bad_epochs = 0;
    cJSON *json = read_json(file, "scheduler", error);
    bool ok = read_number(json, "lr", &schedule->lr);
    schedule->best = INFINITY;
    if (json_member(json, "best") != NULL)
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

static bool read_epoch(const struct safetensors *file, uint32_t *epoch) {
    uint64_t value = 0;
    bool read = read_count(file, "epoch", CHECKPOINT_EPOCHS_MOST, &value) && value > 0;
    *epoch = (uint32_t)value;
    return read;
}

/* The name of the metadata that is missing or wrong, or NULL. The error says where it was memory
 * that was missing. */
static const char *read_state(const struct safetensors *file, struct checkpoint_state *state,
                              struct error *error) {
    uint64_t best_epoch;
    if (!read_epoch(file, &state->epoch))
        return "epoch";
    if (!read_count(file, "best_epoch", state->epoch, &best_epoch) || best_epoch == 0)
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
    if (!read_schedule(file, &state->schedule, error))
        return "scheduler";
    if (!read_history(file, state, error))
        return "history";
    return NULL;
}

static bool is_none(const char *path, const char *wrong, struct error *error) {
    return error_set(error, ERROR_INPUT,
                     "%s: is no checkpoint of assay: its metadata \"%s\" is missing or wrong", path,
                     wrong);
}

/* So many moments of each trainable parameter the file has. */
static size_t moments_of(const struct safetensors *file) {
    size_t moments = 0;
    for (size_t i = 0; i < safetensors_size(file); i++)
        for (size_t k = moments + 1; k < sizeof checkpoint_kinds / sizeof checkpoint_kinds[0]; k++)
            if (strncmp(safetensors_at(file, i)->name, checkpoint_kinds[k].prefix,
                        strlen(checkpoint_kinds[k].prefix)) == 0)
                moments = k;
    return moments;
}

bool checkpoint_epoch(const char *path, uint32_t *epoch, struct error *error) {
    struct safetensors *file;
    if (!safetensors_open_head(path, &file, error))
        return false;
    bool read = read_epoch(file, epoch) || is_none(path, "epoch", error);
    safetensors_close(file);
    return read;
}

bool checkpoint_open(const char *path, struct checkpoint **out, struct error *error) {
    *out = NULL;
    struct checkpoint *checkpoint = calloc(1, sizeof *checkpoint);
    if (checkpoint == NULL)
        return error_memory(error);
    if (!safetensors_open(path, &checkpoint->file, error) ||
        !content_sum_check(checkpoint->file, path, error))
        goto failed;
    checkpoint->state.moments = moments_of(checkpoint->file);
    struct error why = {0};
    const char *wrong = read_state(checkpoint->file, &checkpoint->state, &why);
    if (wrong == NULL) {
        checkpoint->config = read_json(checkpoint->file, "config", &why);
        wrong = cJSON_IsObject(checkpoint->config) ? NULL : "config";
    }
    if (wrong != NULL) {
        if (error_is_shortage(&why))
            error_machine(error, "%s: %s", path, why.message);
        else
            is_none(path, wrong, error);
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

bool checkpoint_matches(const struct checkpoint *checkpoint, const cJSON *config) {
    return essence_same(config, checkpoint->config);
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
            if (!weights_set(file, checkpoint_kinds[k].prefix, network, i, backend, model,
                             checkpoint_kinds[k].state, error))
                return false;
        if (parameter->kind == PARAMETER_MEAN)
            *batches_tracked++ = weights_tracked(file, parameter);
    }
    return true;
}
