#include "compare/contender.h"

#include "core/field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const checkpoint_names[] = {"best", "last"};
const char *const split_names[] = {"valid", "test"};
const char *const ratio_names[] = {
    "accuracy", "recall", "precision", "loss", "roc_auc", "average_precision", "equal_error_rate"};

/* Below 0 when evaluation `a` is to be preferred to `b`, above 0 the other way round, 0 when equal.
 * Without an evaluation (NULL), accuracy or loss comes last. */
static int compare_evaluations(const cJSON *a, const cJSON *b) {
    double accuracy_a = field_number(a, "accuracy", -INFINITY);
    double accuracy_b = field_number(b, "accuracy", -INFINITY);
    if (accuracy_a > accuracy_b)
        return -1;
    if (accuracy_a < accuracy_b)
        return 1;
    double loss_a = field_number(a, "loss", INFINITY), loss_b = field_number(b, "loss", INFINITY);
    return loss_a < loss_b ? -1 : loss_a > loss_b;
}

static int checkpoint_to_keep(const struct contender *contender) {
    int keep = -1;
    for (int i = 0; i < CHECKPOINT_COUNT; i++) {
        const cJSON *valid = contender->evaluations[i][SPLIT_VALID];
        if (valid == NULL)
            continue;
        if (keep < 0 || compare_evaluations(valid, contender->evaluations[keep][SPLIT_VALID]) < 0)
            keep = i;
    }
    return keep;
}

struct contender contender_of(const cJSON *experiment) {
    struct contender contender = {.experiment = experiment};
    const cJSON *evaluation;
    cJSON_ArrayForEach(evaluation, field_at(experiment, "evaluations")) {
        for (size_t i = 0; i < CHECKPOINT_COUNT; i++)
            for (size_t j = 0; j < SPLIT_COUNT; j++)
                if (strcmp(field_text(evaluation, "checkpoint", ""), checkpoint_names[i]) == 0 &&
                    strcmp(field_text(evaluation, "split", ""), split_names[j]) == 0)
                    contender.evaluations[i][j] = evaluation;
    }
    contender.keep = checkpoint_to_keep(&contender);
    return contender;
}

struct contender *contenders_make(const cJSON *experiments, size_t *count) {
    size_t room = (size_t)cJSON_GetArraySize(experiments);
    struct contender *contenders = calloc(room > 0 ? room : 1, sizeof *contenders);
    const cJSON *experiment;
    *count = 0;
    if (contenders == NULL)
        return NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        contenders[(*count)++] = contender_of(experiment);
    }
    return contenders;
}

static const cJSON *kept(const struct contender *contender) {
    return contender->evaluations[contender->keep][SPLIT_VALID];
}

size_t contenders_rank(const struct contender *contenders, size_t count, size_t *order) {
    size_t ranked = 0;
    for (size_t i = 0; i < count; i++) {
        if (contenders[i].keep < 0)
            continue;
        size_t at = ranked++;
        for (; at > 0 &&
               compare_evaluations(kept(&contenders[i]), kept(&contenders[order[at - 1]])) < 0;
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return ranked;
}

struct spread spread_of(const double *values, size_t count) {
    struct spread spread = {.count = count};
    for (size_t i = 0; i < count; i++)
        spread.mean += values[i] / (double)count;
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - spread.mean) * (values[i] - spread.mean);
    spread.deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    return spread;
}

/* The config without what repeats differ in. */
static cJSON *config_without_seed(const cJSON *experiment) {
    cJSON *config = cJSON_Duplicate(field_at(experiment, "config"), true);
    cJSON_DeleteItemFromObjectCaseSensitive(config, "name");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "priority");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "max_attempts");
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(config, "train"),
                                            "seed");
    return config;
}

static double seed_of(const struct contender *contender) {
    return field_number(contender->experiment, "config.train.seed", -1);
}

static bool seed_seen(const struct contender *contenders, const size_t *repeats, size_t first,
                      size_t i) {
    double seed = seed_of(&contenders[i]);
    for (size_t j = first; j < i; j++)
        if (repeats[j] == first && seed_of(&contenders[j]) >= seed &&
            seed_of(&contenders[j]) <= seed)
            return true;
    return false;
}

static bool complete(const struct contender *contender) {
    for (size_t i = 0; i < CHECKPOINT_COUNT; i++)
        for (size_t j = 0; j < SPLIT_COUNT; j++)
            if (contender->evaluations[i][j] == NULL)
                return false;
    return true;
}

void contenders_repeats(const struct contender *contenders, size_t count, size_t *repeats) {
    cJSON *configs = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++) {
        cJSON *config = config_without_seed(contenders[i].experiment);
        repeats[i] = count;
        if (complete(&contenders[i])) {
            size_t first = 0;
            const cJSON *other = configs->child;
            while (first < i && !(repeats[first] == first && cJSON_Compare(config, other, true))) {
                first++;
                other = other->next;
            }
            if (first == i || !seed_seen(contenders, repeats, first, i))
                repeats[i] = first;
        }
        cJSON_AddItemToArray(configs, config);
    }
    cJSON_Delete(configs);
}

bool contenders_spread(const struct contender *contenders, size_t count, const size_t *repeats,
                       size_t first, enum checkpoint checkpoint, enum split_name split,
                       enum ratio ratio, struct spread *spread) {
    double *values = calloc(count > 0 ? count : 1, sizeof *values);
    size_t found = 0;
    bool defined = values != NULL;
    for (size_t i = 0; i < count && defined; i++) {
        if (repeats[i] != first)
            continue;
        const cJSON *value =
            field_at(contenders[i].evaluations[checkpoint][split], ratio_names[ratio]);
        defined = cJSON_IsNumber(value);
        values[found++] = defined ? value->valuedouble : 0;
    }
    if (defined)
        *spread = spread_of(values, found);
    free(values);
    return defined;
}
