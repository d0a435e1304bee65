/* The writing half of checkpoint.h: a draft holds the whole file in memory, so that it can be
 * written while the model trains on. */
#include "core/content_sum.h"
#include "core/safetensors.h"
#include "core/text.h"
#include "worker/checkpoint.h"
#include "worker/weights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum { METADATA_COUNT = 13, NUMBER_SIZE = 32, SCHEDULE_SIZE = 128 };

/* All of __metadata__; the items point into it. */
struct metadata_text {
    char epoch[NUMBER_SIZE], iteration[NUMBER_SIZE], loss[NUMBER_SIZE], best_loss[NUMBER_SIZE],
        best_epoch[NUMBER_SIZE], log_bytes[NUMBER_SIZE], board_bytes[NUMBER_SIZE],
        scheduler[SCHEDULE_SIZE], content_sum[CONTENT_SUM_SIZE];
    char *history, *config;
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
    text->config = strdup(config);
    if (text->history == NULL || text->config == NULL)
        return error_memory(error);
    double loss = 0;
    if (state->epoch > 0)
        metrics_loss(&state->history[state->epoch - 1].valid, &loss);
    snprintf(text->epoch, NUMBER_SIZE, "%" PRIu32, state->epoch);
    snprintf(text->iteration, NUMBER_SIZE, "%" PRIu64, state->iteration);
    snprintf(text->loss, NUMBER_SIZE, "%.17g", loss);
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
        {"loss", text->loss},
        {"best_loss", text->best_loss},
        {"best_epoch", text->best_epoch},
        {"scheduler", text->scheduler},
        {"log_bytes", text->log_bytes},
        {"board_bytes", text->board_bytes},
        {"config", text->config},
        {"history", text->history},
        {CONTENT_SUM_KEY, text->content_sum}, /* draft_write fills it in */
    };
    memcpy(text->items, items, sizeof items);
    return true;
}

/* --- the draft --- */

struct draft {
    struct tensor *tensors;
    char (*names)[80]; /* one a tensor */
    size_t count;
    char *data; /* of all tensors */
    size_t bytes;
    struct metadata_text metadata;
};

static void add_tensor(struct draft *draft, enum tensor_type type, const struct parameter *shape,
                       size_t bytes) {
    struct tensor *tensor = &draft->tensors[draft->count];
    *tensor = (struct tensor){.name = draft->names[draft->count], .type = type, .bytes = bytes};
    if (shape != NULL) {
        tensor->rank = shape->rank;
        memcpy(tensor->shape, shape->shape, shape->rank * sizeof shape->shape[0]);
    }
    draft->count++;
    draft->bytes += bytes;
}

/* Lists the tensors. The I64 scalars stand first, so that everything is aligned to its size. */
static void draft_list(struct draft *draft, const struct network *network, size_t moments) {
    for (size_t i = 0; i < network->parameter_count; i++)
        if (network->parameters[i].kind == PARAMETER_MEAN) {
            weights_tracked_name(&network->parameters[i], draft->names[draft->count]);
            add_tensor(draft, TENSOR_I64, NULL, sizeof(int64_t));
        }
    for (size_t k = 0; k <= moments; k++)
        for (size_t i = 0; i < network->parameter_count; i++) {
            const struct parameter *parameter = &network->parameters[i];
            if (checkpoint_kinds[k].state != MODEL_VALUE && !parameter->trainable)
                continue;
            snprintf(draft->names[draft->count], sizeof draft->names[0], "%s%s",
                     checkpoint_kinds[k].prefix, parameter->name);
            add_tensor(draft, TENSOR_F32, parameter, parameter->count * sizeof(float));
        }
}

/* Copies the data of all tensors, in the order in which they are listed. */
static bool draft_copy(struct draft *draft, const struct network *network,
                       const struct backend *backend, struct model *model,
                       const struct checkpoint_state *state, struct error *error) {
    size_t tracked = weights_tracked_count(network) * sizeof *state->batches_tracked;
    char *at = draft->data;
    for (size_t i = 0; i < draft->count; i++) {
        draft->tensors[i].data = at;
        at += draft->tensors[i].bytes;
    }
    memcpy(draft->data, state->batches_tracked, tracked);
    at = draft->data + tracked;
    for (size_t k = 0; k <= state->moments; k++)
        for (size_t i = 0; i < network->parameter_count; i++) {
            if (checkpoint_kinds[k].state != MODEL_VALUE && !network->parameters[i].trainable)
                continue;
            if (!backend->state_get(model, checkpoint_kinds[k].state, i, (float *)(void *)at,
                                    error))
                return false;
            at += network->parameters[i].count * sizeof(float);
        }
    return true;
}

bool checkpoint_draft(const struct network *network, const struct backend *backend,
                      struct model *model, const struct checkpoint_state *state, const char *config,
                      struct draft **out, struct error *error) {
    size_t most = 4 * network->parameter_count;
    struct draft *draft = calloc(1, sizeof *draft);
    *out = NULL;
    if (draft == NULL)
        return error_machine(error, "out of memory for a checkpoint");
    draft->tensors = calloc(most, sizeof *draft->tensors);
    draft->names = calloc(most, sizeof *draft->names);
    if (draft->tensors != NULL && draft->names != NULL) {
        draft_list(draft, network, state->moments);
        draft->data = malloc(draft->bytes);
    }
    if (draft->data == NULL ? error_machine(error, "out of memory for a checkpoint")
                            : metadata_make(state, config, &draft->metadata, error) &&
                                  draft_copy(draft, network, backend, model, state, error)) {
        *out = draft;
        return true;
    }
    draft_free(draft);
    return false;
}

void draft_free(struct draft *draft) {
    if (draft == NULL)
        return;
    free(draft->metadata.history);
    free(draft->metadata.config);
    free(draft->data);
    free(draft->names);
    free(draft->tensors);
    free(draft);
}

bool draft_write(struct draft *draft, const char *path, struct error *error) {
    struct metadata_text *metadata = &draft->metadata;
    content_sum_text(metadata->items, METADATA_COUNT, draft->tensors, draft->count,
                     metadata->content_sum);
    return safetensors_write(path, draft->tensors, draft->count, metadata->items, METADATA_COUNT,
                             error);
}

bool checkpoint_write(const char *path, const struct network *network,
                      const struct backend *backend, struct model *model,
                      const struct checkpoint_state *state, const char *config,
                      struct error *error) {
    struct draft *draft;
    if (!checkpoint_draft(network, backend, model, state, config, &draft, error))
        return false;
    bool done = draft_write(draft, path, error);
    draft_free(draft);
    return done;
}
