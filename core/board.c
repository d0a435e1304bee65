#include "core/board.h"

#include "core/json.h"
#include "core/metrics.h"
#include "core/shortage.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDER_NAME_MAX = 200 };

/* --- the file --- */

/* The name as one folder's: no separator, no control character, not hidden, not too long, and not
 * cut within a UTF-8 character. */
static char *folder_name(const char *name) {
    size_t length = strlen(name);
    if (length > FOLDER_NAME_MAX) {
        length = FOLDER_NAME_MAX;
        while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
            length--;
    }
    char *folder = length > 0 ? strndup(name, length) : strdup("_");
    for (char *at = folder; at != NULL && *at != '\0'; at++) {
        if (*at == '/' || (unsigned char)*at < ' ' || *at == 0x7f || (at == folder && *at == '.'))
            *at = '_';
    }
    return folder;
}

char *board_path(const char *dir, const char *name) {
    char *folder = folder_name(name), *path = NULL;
    if (folder == NULL || asprintf(&path, "%s/%s/events.out.tfevents.assay", dir, folder) < 0)
        path = NULL;
    free(folder);
    return path;
}

/* --- scalars --- */

static void add_number(struct tensorboard *board, const char *tag, int64_t step,
                       const cJSON *number) {
    if (cJSON_IsNumber(number))
        tensorboard_scalar(board, tag, step, number->valuedouble);
}

/* The four ratios of metrics as KEY_SUFFIX. */
static void add_metrics(struct tensorboard *board, const char *suffix, int64_t step,
                        const cJSON *metrics) {
    static const char *const keys[] = {"loss", "accuracy", "precision", "recall"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char tag[64];
        bool train_loss = i == 0 && strcmp(suffix, "train") == 0;
        snprintf(tag, sizeof tag, "%s_%s%s", keys[i], suffix, train_loss ? "_epoch" : "");
        add_number(board, tag, step, json_member(metrics, keys[i]));
    }
}

void board_step(struct tensorboard *board, uint64_t iteration, double loss) {
    tensorboard_scalar(board, "loss_train", (int64_t)iteration, loss);
}

void board_epoch(struct tensorboard *board, const cJSON *report) {
    int64_t epoch = json_integer(report, "epoch");
    add_metrics(board, "train", epoch, json_member(report, "train"));
    add_metrics(board, "valid", epoch, json_member(report, "valid"));
    add_number(board, "learning_rate", epoch, json_member(report, "learning_rate"));
}

/* Steps of an epoch in the config's batches. */
static int64_t steps_of(const cJSON *config, const cJSON *report) {
    int64_t batch = json_integer(json_member(config, "train"), "batch_size");
    int64_t pictures = metrics_json_count(json_member(report, "train"));
    return batch > 0 ? (pictures + batch - 1) / batch : 1;
}

void board_history(struct tensorboard *board, const cJSON *config, const cJSON *reports,
                   uint64_t iteration) {
    const cJSON *report;
    int64_t all = 0, so_far = 0;
    cJSON_ArrayForEach(report, reports) all += steps_of(config, report);
    cJSON_ArrayForEach(report, reports) {
        so_far += steps_of(config, report);
        int64_t step =
            iteration > 0 ? llround((double)iteration * ((double)so_far / (double)all)) : so_far;
        add_number(board, "loss_train", step, json_member(json_member(report, "train"), "loss"));
        board_epoch(board, report);
    }
}

void board_evaluation(struct tensorboard *board, const cJSON *evaluation) {
    const char *split = cJSON_GetStringValue(json_member(evaluation, "split"));
    const char *checkpoint = cJSON_GetStringValue(json_member(evaluation, "checkpoint"));
    char suffix[32];
    if (split == NULL || checkpoint == NULL || strcmp(split, "test") != 0)
        return; /* the validation set is in the curves */
    snprintf(suffix, sizeof suffix, "%s_%s", split, checkpoint);
    add_metrics(board, suffix, json_integer(evaluation, "epoch"), evaluation);
}

/* --- hparams --- */

struct hparams {
    const cJSON *variant;
    cJSON *found;
    bool varied; /* what the matrix varies is looked for, or the rest */
    bool failed; /* memory ran out for a path */
};

static bool is_setting(const char *path) {
    static const char *const parts[] = {"model.", "train.", "augmentations", "data.upsample"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strncmp(path, parts[i], strlen(parts[i])) == 0)
            return true;
    return false;
}

/* "resize, random_crop" of a pipeline, "layer4, fc" of strings, "0.9, 0.999" of numbers; NULL when
 * memory is out. */
static cJSON *joined(const cJSON *array) {
    struct text text = {0};
    const cJSON *item;
    cJSON_ArrayForEach(item, array) {
        const cJSON *op = json_member(item, "op");
        const char *word = cJSON_GetStringValue(op != NULL ? op : item);
        char *other = word == NULL ? json_text(item) : NULL;
        if (word == NULL && other == NULL)
            text.failed = true; /* or what was made before lacks a part: it tells but once */
        else
            text_format(&text, "%s%s", text.length > 0 ? ", " : "", word != NULL ? word : other);
        free(other);
    }
    cJSON *string = text.failed ? NULL : cJSON_CreateString(text_string(&text));
    text_free(&text);
    return string;
}

static cJSON *hparam_value(const cJSON *value, const cJSON *label) {
    if (cJSON_IsNumber(value) || cJSON_IsBool(value) || cJSON_IsString(value))
        return cJSON_Duplicate(value, false);
    if (cJSON_IsString(label))
        return cJSON_Duplicate(label, false);
    return cJSON_IsArray(value) ? joined(value) : cJSON_CreateString("none");
}

/* The depth is that of a checked config. */
static void collect(struct hparams *hparams, const char *path, const cJSON *value) {
    const cJSON *label = cJSON_GetObjectItemCaseSensitive(hparams->variant, path);
    if (cJSON_IsObject(value) && label == NULL) {
        const cJSON *child;
        cJSON_ArrayForEach(child, value) {
            char *below = NULL;
            if (asprintf(&below, "%s%s%s", path, path[0] != '\0' ? "." : "", child->string) < 0) {
                hparams->failed = true;
                return;
            }
            collect(hparams, below, child);
            free(below);
        }
    } else if (hparams->varied ? label != NULL : label == NULL && is_setting(path)) {
        if (cJSON_GetArraySize(hparams->found) == TENSORBOARD_HPARAMS_MAX)
            return;
        cJSON *made = hparam_value(value, label);
        hparams->failed = hparams->failed || made == NULL;
        json_put(hparams->found, path, made);
    }
}

cJSON *board_hparams(const cJSON *config, const cJSON *variant) {
    struct hparams hparams = {.variant = variant, .found = cJSON_CreateObject(), .varied = true};
    collect(&hparams, "", config);
    hparams.varied = false;
    collect(&hparams, "", config);
    if (!shortage_in_trees() && !hparams.failed)
        return hparams.found;
    cJSON_Delete(hparams.found);
    return NULL;
}

void board_begin(struct tensorboard *board, const cJSON *config, const cJSON *variant) {
    cJSON *hparams = board_hparams(config, variant);
    tensorboard_hparams(board, hparams);
    cJSON_Delete(hparams);
}
