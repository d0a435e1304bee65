#include "compare/effects.h"

#include "compare/alike.h"
#include "compare/differences.h"
#include "core/field.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

/* The accuracy on a split of what a contender would keep; false when it has none. */
static bool accuracy_of(const struct contender *contender, enum split_name split, double *value) {
    const cJSON *evaluation =
        contender->keep >= 0 ? contender->evaluations[contender->keep][split] : NULL;
    const cJSON *accuracy = field_at(evaluation, "accuracy");
    *value = cJSON_IsNumber(accuracy) ? accuracy->valuedouble : 0;
    return cJSON_IsNumber(accuracy);
}

static const char *label_of(const struct contender *contender, const char *key) {
    const cJSON *variant = field_at(contender->experiment, "variant");
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(variant, key));
}

/* Whether the matrix of a group sets the key in any of its members. */
static bool group_sets(const struct contender *contenders, size_t count, const char *group,
                       const char *key) {
    for (size_t i = 0; i < count; i++)
        if (label_of(&contenders[i], key) != NULL &&
            strcmp(field_text(contenders[i].experiment, "group", ""), group) == 0)
            return true;
    return false;
}

/* The value of a key that each contender has, as the matrix calls it; NULL where its group has no
 * such key, and where it has nothing to keep. Members of a group mostly follow one another: it is
 * looked at once for all of them. */
static void find_levels(const struct contender *contenders, size_t count, const char *key,
                        const char **levels) {
    const char *judged = NULL;
    bool sets = false;
    for (size_t i = 0; i < count; i++) {
        levels[i] = label_of(&contenders[i], key);
        if (levels[i] != NULL)
            continue;
        const char *group = field_text(contenders[i].experiment, "group", "");
        if (judged == NULL || strcmp(judged, group) != 0)
            sets = group_sets(contenders, count, group, key);
        judged = group;
        if (sets)
            levels[i] = DIFFERENCES_AS_FILE;
    }
    for (size_t i = 0; i < count; i++)
        levels[i] = contenders[i].keep < 0 ? NULL : levels[i];
}

/* Of those with these indexes (NULL: of the first `count`). `values` has room for count. */
static struct spread spread_among(const struct contender *contenders, const size_t *indexes,
                                  size_t count, enum split_name split, double *values) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += accuracy_of(&contenders[indexes != NULL ? indexes[i] : i], split, &values[found]);
    return spread_of(values, found);
}

static void add_split(cJSON *effect, const char *name, const struct spread *spread,
                      const struct spread *all) {
    cJSON *split = cJSON_AddObjectToObject(effect, name);
    cJSON_AddNumberToObject(split, "mean", spread->mean);
    if (spread->count > 1)
        cJSON_AddNumberToObject(split, "standard_deviation", spread->deviation);
    else
        cJSON_AddNullToObject(split, "standard_deviation");
    cJSON_AddNumberToObject(split, "effect", spread->mean - all->mean);
}

/* What one value does: that of the contenders with these indexes. */
static void add_effect(cJSON *effects, const char *level, const struct contender *contenders,
                       const size_t *indexes, size_t count, const struct spread *all,
                       double *values) {
    cJSON *effect = cJSON_AddObjectToObject(effects, level);
    for (int split = 0; split < SPLIT_COUNT; split++) {
        struct spread own =
            spread_among(contenders, indexes, count, (enum split_name)split, values);
        if (split == 0)
            cJSON_AddNumberToObject(effect, "experiments", (double)own.count);
        if (own.count > 0)
            add_split(effect, split_names[split], &own, &all[split]);
    }
}

/* The values of one key, in the order in which they are met. NULL without memory. */
static cJSON *effects_of_key(const struct contender *contenders, size_t count,
                             const char *const *levels, const struct spread *all, double *values) {
    cJSON *effects = NULL;
    struct alike alike;
    if (alike_make(levels, count, &alike)) {
        effects = cJSON_CreateObject();
        for (size_t i = 0; i < count; i++)
            if (alike_first(&alike, i))
                add_effect(effects, levels[i], contenders, alike_members(&alike, i), alike.many[i],
                           all, values);
    }
    alike_free(&alike);
    return effects;
}

/* Adds what the values of a key do, where there are two or more. False without memory. */
static bool add_key(cJSON *effects, const char *key, const struct contender *contenders,
                    size_t count, const char **levels, const struct spread *all, double *values) {
    find_levels(contenders, count, key, levels);
    cJSON *of_key = effects_of_key(contenders, count, levels, all, values);
    const bool good = of_key != NULL;
    if (cJSON_GetArraySize(of_key) > 1)
        json_put(effects, key, of_key);
    else
        cJSON_Delete(of_key);
    return good;
}

cJSON *effects_of(const struct contender *contenders, size_t count) {
    cJSON *effects = cJSON_CreateObject(), *seen = cJSON_CreateObject();
    double *values = calloc(count + 1, sizeof *values);
    const char **levels = calloc(count + 1, sizeof *levels);
    bool good = effects != NULL && seen != NULL && values != NULL && levels != NULL;
    struct spread all[SPLIT_COUNT];
    for (int split = 0; good && split < SPLIT_COUNT; split++)
        all[split] = spread_among(contenders, NULL, count, (enum split_name)split, values);
    for (size_t i = 0; good && i < count; i++) {
        const cJSON *one;
        cJSON_ArrayForEach(one, field_at(contenders[i].experiment, "variant")) {
            if (cJSON_GetObjectItemCaseSensitive(seen, one->string) != NULL)
                continue;
            cJSON_AddTrueToObject(seen, one->string);
            good = good && add_key(effects, one->string, contenders, count, levels, all, values);
        }
    }
    free(levels);
    free(values);
    cJSON_Delete(seen);
    if (good)
        return effects;
    cJSON_Delete(effects);
    return NULL;
}
