#include "compare/contender.h"

#include "compare/alike.h"
#include "compare/differences.h"
#include "core/field.h"
#include "core/json.h"

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

struct ranked {
    const cJSON *kept;
    size_t index;
};

static int compare_ranked(const void *a, const void *b) {
    const struct ranked *left = a, *right = b;
    int preferred = compare_evaluations(left->kept, right->kept);
    return preferred != 0               ? preferred
           : left->index < right->index ? -1
                                        : left->index > right->index;
}

bool contenders_rank(const struct contender *contenders, size_t count, size_t *order,
                     size_t *ranked) {
    struct ranked *all = calloc(count + 1, sizeof *all);
    *ranked = 0;
    if (all == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        if (contenders[i].keep >= 0)
            all[(*ranked)++] = (struct ranked){kept(&contenders[i]), i};
    qsort(all, *ranked, sizeof *all, compare_ranked);
    for (size_t i = 0; i < *ranked; i++)
        order[i] = all[i].index;
    free(all);
    return true;
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

static bool complete(const struct contender *contender) {
    for (size_t i = 0; i < CHECKPOINT_COUNT; i++)
        for (size_t j = 0; j < SPLIT_COUNT; j++)
            if (contender->evaluations[i][j] == NULL)
                return false;
    return true;
}

/* Takes away whose difference is none (differences.h). */
static void leave_aside(cJSON *config) {
    char path[DIFFERENCES_PATH_SIZE];
    for (cJSON *one = config != NULL ? config->child : NULL, *next; one != NULL; one = next) {
        next = one->next;
        if (!differences_path("", one->string, path))
            cJSON_Delete(cJSON_DetachItemViaPointer(config, one));
    }
}

/* The config without what repeats differ in, as the text that equal ones have in common, and the
 * same with the seed. Those of one that is not complete stay NULL. */
static bool describe(const struct contender *contender, char **config, char **seeded) {
    const cJSON *whole = field_at(contender->experiment, "config");
    if (whole == NULL || !complete(contender))
        return true;
    cJSON *copy = cJSON_Duplicate(whole, true);
    leave_aside(copy);
    bool good = copy != NULL && json_sort_keys(copy);
    *seeded = json_text(copy);
    cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(copy, "train"),
                                            "seed");
    *config = json_text(copy);
    cJSON_Delete(copy);
    return good && *config != NULL && *seeded != NULL;
}

bool contenders_repeats(const struct contender *contenders, size_t count, size_t *repeats) {
    char **configs = calloc(count + 1, sizeof *configs),
         **seeded = calloc(count + 1, sizeof *seeded);
    struct alike same = {0}, twice = {0};
    bool good = configs != NULL && seeded != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = describe(&contenders[i], &configs[i], &seeded[i]);
    good = good && alike_make((const char *const *)configs, count, &same) &&
           alike_make((const char *const *)seeded, count, &twice);
    for (size_t i = 0; good && i < count; i++)
        repeats[i] = alike_first(&twice, i) ? alike_members(&same, i)[0] : count;
    alike_free(&same);
    alike_free(&twice);
    for (size_t i = 0; configs != NULL && seeded != NULL && i < count; i++) {
        free(configs[i]);
        free(seeded[i]);
    }
    free(configs);
    free(seeded);
    return good;
}

bool contenders_spread(const struct contender *contenders, size_t count, const size_t *repeats,
                       size_t first, enum checkpoint checkpoint, enum split_name split,
                       enum ratio ratio, double *values, struct spread *spread) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (repeats[i] != first)
            continue;
        const cJSON *value =
            field_at(contenders[i].evaluations[checkpoint][split], ratio_names[ratio]);
        if (!cJSON_IsNumber(value))
            return false;
        values[found++] = value->valuedouble;
    }
    *spread = spread_of(values, found);
    return true;
}
