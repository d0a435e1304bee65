#include "compare/differences.h"

#include "compare/alike.h"
#include "core/field.h"
#include "core/json.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No setting but what the pictures were: it is told beside those, as how many it stands for. */
#define FINGERPRINT "data.fingerprint"

/* Whether what stands there does not change what is learnt. */
static bool is_aside(const char *path) {
    static const char *const aside[] = {"name",      "priority", "max_attempts",
                                        "resources", "after",    FINGERPRINT};
    for (size_t i = 0; i < sizeof aside / sizeof aside[0]; i++)
        if (strcmp(path, aside[i]) == 0)
            return true;
    return false;
}

bool differences_path(const char *prefix, const char *key,
                      char path[static DIFFERENCES_PATH_SIZE]) {
    int length =
        snprintf(path, DIFFERENCES_PATH_SIZE, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key);
    return length < DIFFERENCES_PATH_SIZE && !is_aside(path);
}

/* What stands at a path of whole keys below an object. A key may have dots in it: the name of a
 * class. Goes as deep as the path has dots. */
static const cJSON *item_below(const cJSON *object, const char *path) {
    const cJSON *one;
    cJSON_ArrayForEach(one, object) {
        size_t length = strlen(one->string);
        if (strncmp(path, one->string, length) != 0)
            continue;
        if (path[length] == '\0')
            return one;
        const cJSON *found =
            path[length] == '.' && cJSON_IsObject(one) ? item_below(one, path + length + 1) : NULL;
        if (found != NULL)
            return found;
    }
    return NULL;
}

static const cJSON *item_at(const cJSON *experiment, const char *path) {
    return item_below(field_at(experiment, "config"), path);
}

/* The same, where null counts as nothing. */
static const cJSON *value_at(const cJSON *experiment, const char *path) {
    const cJSON *item = item_at(experiment, path);
    return cJSON_IsNull(item) ? NULL : item;
}

static bool has_members(const cJSON *item) {
    return cJSON_IsObject(item) && item->child != NULL;
}

/* Whether something without members stands there in any of them. */
static bool any_without_members(const cJSON *experiments, const char *path) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        const cJSON *item = item_at(experiment, path);
        if (item != NULL && !has_members(item))
            return true;
    }
    return false;
}

static bool any_label(const cJSON *experiments, const char *path) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (cJSON_GetObjectItemCaseSensitive(field_at(experiment, "variant"), path) != NULL)
            return true;
    }
    return false;
}

static char *call_fingerprint(const cJSON *fingerprint) {
    const cJSON *class;
    char *name = NULL;
    double pictures = 0;
    cJSON_ArrayForEach(class, field_at(fingerprint, "classes")) {
        pictures += field_number(class, "pictures", 0);
    }
    return asprintf(&name, "%.0f picture%s", pictures, pictures == 1 ? "" : "s") >= 0 ? name : NULL;
}

/* What a value is called: the label of the matrix, where others have one what the file has, else
 * its JSON. The caller frees. */
static char *call(const cJSON *experiment, const char *path, bool labelled) {
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(field_at(experiment, "variant"), path);
    const cJSON *value = value_at(experiment, path);
    const cJSON *text = cJSON_IsString(label) ? label : value;
    if (cJSON_IsString(text))
        return strdup(text->valuestring);
    if (labelled)
        return strdup(DIFFERENCES_AS_FILE);
    if (value != NULL && strcmp(path, FINGERPRINT) == 0)
        return call_fingerprint(value);
    return value != NULL ? json_text(value) : strdup("not set");
}

/* A label and a value as the text that equal ones have in common. The caller frees; NULL without
 * memory. */
static char *identify(const char *label, const cJSON *value) {
    cJSON *copy = value != NULL ? cJSON_Duplicate(value, true) : cJSON_CreateNull();
    char *json = json_sort_keys(copy) ? json_text(copy) : NULL, *text = NULL;
    if (json != NULL && asprintf(&text, "%s\n%s", label, json) < 0)
        text = NULL;
    free(json);
    cJSON_Delete(copy);
    return text;
}

/* The ids of all experiments under their values of this path, the values in the order in which they
 * are met. A label may stand for several values: those of files that differ. */
static bool note(cJSON *values, const cJSON *experiments, const char *path, bool labelled) {
    size_t count = 0, room = (size_t)cJSON_GetArraySize(experiments);
    char **names = calloc(room + 1, sizeof *names), **texts = calloc(room + 1, sizeof *texts);
    double *ids = calloc(room + 1, sizeof *ids);
    struct alike alike = {0}, called = {0};
    const cJSON *experiment;
    bool good = names != NULL && texts != NULL && ids != NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        if (!good)
            break;
        ids[count] = field_number(experiment, "id", 0);
        names[count] = call(experiment, path, labelled);
        good = names[count] != NULL;
        if (good)
            texts[count] = identify(labelled ? names[count] : "", value_at(experiment, path));
        good = good && texts[count++] != NULL;
    }
    good = good && alike_make((const char *const *)texts, count, &alike) &&
           alike_make((const char *const *)names, count, &called);
    for (size_t i = 0; good && i < count; i++) {
        char *apart = NULL;
        if (!alike_first(&alike, i))
            continue;
        good =
            alike_first(&called, i) || asprintf(&apart, "%s (as in %.0f)", names[i], ids[i]) >= 0;
        cJSON *those =
            good ? cJSON_AddArrayToObject(values, apart != NULL ? apart : names[i]) : NULL;
        for (size_t k = 0; good && k < alike.many[i]; k++)
            json_append(those, cJSON_CreateNumber(ids[alike_members(&alike, i)[k]]));
        free(good ? apart : NULL);
    }
    alike_free(&alike);
    alike_free(&called);
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
        free(texts[i]);
    }
    free(names);
    free(texts);
    free(ids);
    return good;
}

/* Whether all experiments have equal values at the path. */
static bool agree(const cJSON *experiments, const char *path) {
    const cJSON *experiment, *first = value_at(experiments->child, path);
    cJSON_ArrayForEach(experiment, experiments) {
        const cJSON *value = value_at(experiment, path);
        if ((value == NULL) != (first == NULL) || (value != NULL && !json_same(value, first)))
            return false;
    }
    return true;
}

/* What is to be told of a path: nothing, what the matrix calls it, the value, or its members'. */
enum verdict { VERDICT_EQUAL = 1, VERDICT_LABELLED, VERDICT_WHOLE, VERDICT_MEMBERS };

/* Looks at all experiments once for each path: `verdicts` keeps what came of it. */
static enum verdict judge(const cJSON *experiments, const char *path, cJSON *verdicts) {
    const cJSON *known = cJSON_GetObjectItemCaseSensitive(verdicts, path);
    if (known != NULL)
        return (enum verdict)known->valuedouble;
    enum verdict verdict = agree(experiments, path)                 ? VERDICT_EQUAL
                           : any_label(experiments, path)           ? VERDICT_LABELLED
                           : any_without_members(experiments, path) ? VERDICT_WHOLE
                                                                    : VERDICT_MEMBERS;
    cJSON_AddNumberToObject(verdicts, path, verdict);
    return verdict;
}

/* Goes down into objects as long as the values differ somewhere below; what the matrix set as a
 * whole is told as a whole, and so is what has no members in some of the experiments. */
static bool walk(const cJSON *experiments, const cJSON *config, const char *prefix, int depth,
                 cJSON *verdicts, cJSON *differences) {
    const cJSON *one;
    bool good = true;
    cJSON_ArrayForEach(one, config) {
        char path[DIFFERENCES_PATH_SIZE];
        if (!differences_path(prefix, one->string, path) ||
            cJSON_GetObjectItemCaseSensitive(differences, path) != NULL)
            continue;
        enum verdict verdict = judge(experiments, path, verdicts);
        if (verdict == VERDICT_EQUAL)
            continue;
        if (verdict == VERDICT_MEMBERS && depth < DIFFERENCES_DEPTH_MAX) {
            good = good && walk(experiments, one, path, depth + 1, verdicts, differences);
            continue;
        }
        cJSON *values = cJSON_AddObjectToObject(differences, path);
        good = good && note(values, experiments, path, verdict == VERDICT_LABELLED);
    }
    return good;
}

cJSON *differences_of(const cJSON *experiments) {
    cJSON *differences = cJSON_CreateObject(), *verdicts = cJSON_CreateObject();
    const cJSON *experiment;
    bool good = differences != NULL && verdicts != NULL;
    cJSON_ArrayForEach(experiment, experiments) {
        good =
            good && walk(experiments, field_at(experiment, "config"), "", 0, verdicts, differences);
    }
    if (good && !agree(experiments, FINGERPRINT))
        good = note(cJSON_AddObjectToObject(differences, FINGERPRINT), experiments, FINGERPRINT,
                    false);
    cJSON_Delete(verdicts);
    if (good)
        return differences;
    cJSON_Delete(differences);
    return NULL;
}
