#include "compare/comparison.h"

#include "compare/differences.h"
#include "compare/effects.h"
#include "core/field.h"
#include "core/json.h"

#include <stdlib.h>

bool comparison_make(const struct source *source, const cJSON *experiments,
                     struct comparison *comparison, struct error *error) {
    comparison->contenders = contenders_make(experiments, &comparison->count);
    comparison->order = calloc(comparison->count + 1, sizeof *comparison->order);
    comparison->repeats = calloc(comparison->count + 1, sizeof *comparison->repeats);
    comparison->repeat_counts = calloc(comparison->count + 1, sizeof *comparison->repeat_counts);
    comparison->values = calloc(comparison->count + 1, sizeof *comparison->values);
    comparison->differences = differences_of(experiments);
    if (comparison->contenders == NULL || comparison->order == NULL ||
        comparison->repeats == NULL || comparison->repeat_counts == NULL ||
        comparison->values == NULL || comparison->differences == NULL)
        return error_memory(error);
    comparison->effects = effects_of(comparison->contenders, comparison->count);
    if (comparison->effects == NULL ||
        !contenders_rank(comparison->contenders, comparison->count, comparison->order,
                         &comparison->ranked) ||
        !contenders_repeats(comparison->contenders, comparison->count, comparison->repeats))
        return error_memory(error);
    for (size_t i = 0; i < comparison->count; i++)
        comparison->repeat_counts[comparison->repeats[i]]++;
    return duels_make(source, comparison->contenders, comparison->order, comparison->ranked,
                      comparison->duels, &comparison->duel_count, error);
}

void comparison_free(struct comparison *comparison) {
    free(comparison->contenders);
    free(comparison->order);
    free(comparison->repeats);
    free(comparison->repeat_counts);
    free(comparison->values);
    cJSON_Delete(comparison->differences);
    cJSON_Delete(comparison->effects);
}

static const struct contender *best_of(const struct comparison *comparison) {
    return &comparison->contenders[comparison->order[0]];
}

const cJSON *comparison_kept(const struct contender *contender, enum split_name split) {
    return contender->evaluations[contender->keep][split];
}

/* --- as JSON --- */

/* {"best": {"valid": {...}, "test": {...}}, "last": ...} */
static cJSON *evaluations_json(const struct contender *contender) {
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < CHECKPOINT_COUNT; i++) {
        cJSON *checkpoint = cJSON_AddObjectToObject(object, checkpoint_names[i]);
        for (size_t j = 0; j < SPLIT_COUNT; j++) {
            const cJSON *evaluation = contender->evaluations[i][j];
            cJSON *copy =
                evaluation != NULL ? cJSON_Duplicate(evaluation, true) : cJSON_CreateNull();
            cJSON_DeleteItemFromObjectCaseSensitive(copy, "checkpoint");
            cJSON_DeleteItemFromObjectCaseSensitive(copy, "split");
            json_put(checkpoint, split_names[j], copy);
        }
    }
    return object;
}

static cJSON *contender_json(const struct contender *contender) {
    static const char *const copied[] = {"id",      "name",  "group",  "variant",
                                         "stopped", "state", "epochs", "epochs_done",
                                         "error",   "tags",  "notes"};
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof copied / sizeof copied[0]; i++)
        json_put(object, copied[i],
                 cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(contender->experiment, copied[i]),
                                 true));
    json_put(object, "evaluations", evaluations_json(contender));
    if (contender->keep >= 0)
        cJSON_AddStringToObject(object, "keep", checkpoint_names[contender->keep]);
    else
        cJSON_AddNullToObject(object, "keep");
    return object;
}

static cJSON *spread_json(const struct comparison *comparison, size_t first,
                          enum checkpoint checkpoint, enum split_name split) {
    cJSON *object = cJSON_CreateObject();
    for (int ratio = 0; ratio < RATIO_COUNT; ratio++) {
        struct spread spread;
        if (!contenders_spread(comparison->contenders, comparison->count, comparison->repeats,
                               first, checkpoint, split, (enum ratio)ratio, comparison->values,
                               &spread)) {
            cJSON_AddNullToObject(object, ratio_names[ratio]);
            continue;
        }
        cJSON *value = cJSON_AddObjectToObject(object, ratio_names[ratio]);
        cJSON_AddNumberToObject(value, "mean", spread.mean);
        cJSON_AddNumberToObject(value, "standard_deviation", spread.deviation);
    }
    return object;
}

/* {"ids": [...], "seeds": [...], "best": {"valid": {"accuracy": {"mean", "standard_deviation"}}}}
 */
static cJSON *repeats_json(const struct comparison *comparison, size_t first) {
    cJSON *object = cJSON_CreateObject();
    cJSON *ids = cJSON_AddArrayToObject(object, "ids");
    cJSON *seeds = cJSON_AddArrayToObject(object, "seeds");
    for (size_t i = 0; i < comparison->count; i++) {
        const cJSON *experiment = comparison->contenders[i].experiment;
        if (comparison->repeats[i] != first)
            continue;
        json_append(ids, cJSON_CreateNumber(field_number(experiment, "id", 0)));
        json_append(seeds, cJSON_CreateNumber(field_number(experiment, "config.train.seed", 0)));
    }
    for (int i = 0; i < CHECKPOINT_COUNT; i++) {
        cJSON *checkpoint = cJSON_AddObjectToObject(object, checkpoint_names[i]);
        for (int j = 0; j < SPLIT_COUNT; j++)
            json_put(checkpoint, split_names[j],
                     spread_json(comparison, first, (enum checkpoint)i, (enum split_name)j));
    }
    return object;
}

static cJSON *keep_json(const struct comparison *comparison) {
    if (comparison->ranked == 0)
        return cJSON_CreateNull();
    const struct contender *first = best_of(comparison);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "id", field_number(first->experiment, "id", 0));
    cJSON_AddStringToObject(object, "name", field_text(first->experiment, "name", ""));
    cJSON_AddStringToObject(object, "checkpoint", checkpoint_names[first->keep]);
    cJSON_AddNumberToObject(object, "epoch",
                            field_number(comparison_kept(first, SPLIT_VALID), "epoch", 0));
    return object;
}

char *comparison_verdict(const struct comparison *comparison) {
    return comparison->ranked > 0 ? duels_verdict(best_of(comparison), comparison->ranked,
                                                  comparison->duels, comparison->duel_count)
                                  : NULL;
}

/* "verdict": the sentences that are printed last; null when there is nothing to keep. */
static void add_verdict(cJSON *document, const struct comparison *comparison) {
    char *verdict = comparison_verdict(comparison);
    if (verdict != NULL)
        cJSON_AddStringToObject(document, "verdict", verdict);
    else
        cJSON_AddNullToObject(document, "verdict");
    free(verdict);
}

/* The ids of those that have a checkpoint to keep, the one to prefer first. */
static cJSON *ranking_json(const struct comparison *comparison) {
    cJSON *ids = cJSON_CreateArray();
    for (size_t i = 0; i < comparison->ranked; i++) {
        const struct contender *contender = &comparison->contenders[comparison->order[i]];
        json_append(ids, cJSON_CreateNumber(field_number(contender->experiment, "id", 0)));
    }
    return ids;
}

cJSON *comparison_json(const struct comparison *comparison) {
    cJSON *document = cJSON_CreateObject();
    cJSON *experiments = cJSON_AddArrayToObject(document, "experiments");
    for (size_t i = 0; i < comparison->count; i++)
        json_append(experiments, contender_json(&comparison->contenders[i]));
    cJSON *repeats = cJSON_AddArrayToObject(document, "repeats");
    for (size_t first = 0; first < comparison->count; first++)
        if (comparison->repeat_counts[first] >= 2)
            json_append(repeats, repeats_json(comparison, first));
    json_put(document, "ranking", ranking_json(comparison));
    json_put(document, "keep", keep_json(comparison));
    cJSON_AddItemReferenceToObject(document, "differences", comparison->differences);
    cJSON_AddItemReferenceToObject(document, "effects", comparison->effects);
    json_put(document, "chance", duels_json(comparison->duels, comparison->duel_count));
    add_verdict(document, comparison);
    return document;
}
