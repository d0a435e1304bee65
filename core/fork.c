#include "core/fork.h"

#include "core/experiment.h"
#include "core/json.h"
#include "core/shortage.h"
#include "core/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What must be the same: section, key, and the key below it or NULL. */
static const struct {
    const char *section, *key, *below;
} fixed[] = {
    {"model", "arch", NULL},        {"model", "head", NULL},        {"model", "freeze", NULL},
    {"train", "optimizer", "name"}, {"train", "scheduler", "name"}, {"data", "classes", NULL},
    {"data", "split", NULL},        {"data", "files", NULL},        {"evaluation", NULL, NULL},
};

static const cJSON *value_at(const cJSON *config, size_t i) {
    const cJSON *value = json_member(config, fixed[i].section);
    if (fixed[i].key != NULL)
        value = json_member(value, fixed[i].key);
    return fixed[i].below != NULL ? json_member(value, fixed[i].below) : value;
}

/* A key that neither has is the same in both. */
static bool same(const cJSON *a, const cJSON *b) {
    return (a == NULL && b == NULL) || json_same(a, b);
}

/* "\"resnet18\"", or NULL when it is long. */
static char *brief(const cJSON *value) {
    char *text = json_text(value);
    if (text != NULL && strlen(text) <= 60)
        return text;
    free(text);
    return NULL;
}

/* An older assay's config lacks the keys that came since: they had their defaults. */
static cJSON *completed(const cJSON *config) {
    cJSON *copy = cJSON_Duplicate(config, true);
    experiment_complete(copy);
    return copy;
}

static bool refuse(size_t i, const cJSON *had, const cJSON *has, struct error *error) {
    char *its = brief(had), *ours = brief(has);
    struct text path = {0};
    text_format(&path, "%s%s%s", fixed[i].section, fixed[i].key != NULL ? "." : "",
                fixed[i].key != NULL ? fixed[i].key : "");
    if (fixed[i].below != NULL)
        text_format(&path, ".%s", fixed[i].below);
    if (ours != NULL && its != NULL)
        text_format(&path, " is %s and the checkpoint's is %s", ours, its);
    else
        text_format(&path, " is not the checkpoint's");
    error_set(error, ERROR_INPUT,
              "%s, so that its state does not fit; to begin anew with its weights alone, name its "
              "file in model.weights",
              text_string(&path));
    text_free(&path);
    free(its);
    free(ours);
    return false;
}

bool fork_check(const cJSON *from, const cJSON *config, uint32_t epoch, struct error *error) {
    double epochs = cJSON_GetNumberValue(json_member(json_member(config, "train"), "epochs"));
    cJSON *its = completed(from);
    bool ok = !shortage_in_trees() || error_memory(error);
    for (size_t i = 0; ok && i < sizeof fixed / sizeof fixed[0]; i++) {
        const cJSON *had = value_at(its, i), *has = value_at(config, i);
        ok = same(had, has) || refuse(i, had, has, error);
    }
    cJSON_Delete(its);
    if (ok && epochs <= (double)epoch)
        ok = error_set(error, ERROR_INPUT,
                       "the checkpoint is of epoch %" PRIu32 " and train.epochs is %.0f; "
                       "raise it, to train more",
                       epoch, epochs);
    return ok;
}

bool fork_absent(int64_t experiment, const char *checkpoint, struct error *error) {
    return error_set(error, ERROR_INPUT,
                     "experiment %" PRId64 " has no checkpoint %s; assay show %" PRId64
                     " lists those it has",
                     experiment, checkpoint, experiment);
}
