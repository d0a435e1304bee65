#include "core/experiment.h"

#include "core/json.h"
#include "core/rules.h"
#include "core/schema.h"
#include "core/shortage.h"

#include <stdlib.h>
#include <string.h>

const char *const precision_names[PRECISIONS + 1] = {
    [PRECISION_FP32] = "fp32", [PRECISION_TF32] = "tf32", [PRECISION_BF16] = "bf16"};

/* Below, the config has passed the schema and its defaults are filled: every key is there and of
 * its type and range. */
static double number(const cJSON *object, const char *key) {
    return json_member(object, key)->valuedouble;
}

static uint32_t whole(const cJSON *object, const char *key) {
    return (uint32_t)number(object, key);
}

/* The index of a string among the words that the schema's enum lists in the order of a C enum. */
static int choice(const cJSON *object, const char *key, const char *const *words) {
    int index = 0;
    while (words[index + 1] != NULL &&
           strcmp(words[index], json_member(object, key)->valuestring) != 0)
        index++;
    return index;
}

/* NULL stays NULL. *ok turns false without memory. */
static char *copy(const cJSON *string, bool *ok) {
    if (!cJSON_IsString(string))
        return NULL;
    char *text = strdup(string->valuestring);
    *ok = *ok && text != NULL;
    return text;
}

static bool decode_data(const cJSON *data, struct experiment *experiment) {
    const cJSON *classes = json_member(data, "classes"), *split = json_member(data, "split");
    const cJSON *files = json_member(data, "files");
    size_t count = (size_t)cJSON_GetArraySize(classes);
    bool ok = true;
    experiment->data.root = copy(json_member(data, "root"), &ok);
    experiment->data.files.train = copy(json_member(files, "train"), &ok);
    experiment->data.files.valid = copy(json_member(files, "valid"), &ok);
    experiment->data.files.test = copy(json_member(files, "test"), &ok);
    if (split != NULL) {
        experiment->data.train = number(split, "train");
        experiment->data.valid = number(split, "valid");
        experiment->data.test = number(split, "test");
        experiment->data.seed = (uint64_t)number(split, "seed");
    }
    experiment->data.classes = calloc(count + 1, sizeof *experiment->data.classes);
    if (experiment->data.classes == NULL)
        return false;
    for (const cJSON *one = count > 0 ? classes->child : NULL; one != NULL; one = one->next) {
        struct experiment_class *class = &experiment->data.classes[experiment->data.class_count++];
        class->name = copy(json_member(one, "name"), &ok);
        class->dir = copy(json_member(one, "dir"), &ok);
        class->label = json_member(one, "label")->valueint;
        const cJSON *repeat =
            json_member(json_member(data, "upsample"), json_member(one, "name")->valuestring);
        class->repeat = repeat != NULL ? (uint32_t)repeat->valuedouble : 1;
    }
    return ok;
}

/* A list of strings. The count tells how many there are to free, whatever comes back. */
static bool copy_all(const cJSON *list, char ***strings, size_t *count) {
    bool ok = true;
    *strings = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof **strings);
    if (*strings == NULL)
        return false;
    for (const cJSON *one = list->child; one != NULL; one = one->next)
        (*strings)[(*count)++] = copy(one, &ok);
    return ok;
}

static bool decode_model(const cJSON *model, struct experiment *experiment) {
    static const char *const heads[] = {"relu", "dropout", "linear", NULL};
    bool ok = true;
    experiment->model.arch = copy(json_member(model, "arch"), &ok);
    experiment->model.head = (enum head)choice(model, "head", heads);
    experiment->model.dropout = number(model, "dropout");
    experiment->model.weights = copy(json_member(model, "weights"), &ok);
    return copy_all(json_member(model, "fresh"), &experiment->model.fresh,
                    &experiment->model.fresh_count) &&
           copy_all(json_member(model, "freeze"), &experiment->model.freeze,
                    &experiment->model.freeze_count) &&
           ok;
}

static void decode_pair(const cJSON *pair, double *first, double *second) {
    *first = pair->child->valuedouble;
    *second = pair->child->next->valuedouble;
}

static void decode_optimizer(const cJSON *json, struct optimizer *optimizer) {
    static const char *const names[] = {"adam", "adamw", "sgd", NULL};
    optimizer->name = (enum optimizer_name)choice(json, "name", names);
    optimizer->lr = number(json, "lr");
    optimizer->weight_decay = number(json, "weight_decay");
    if (optimizer->name == OPTIMIZER_SGD) {
        optimizer->momentum = number(json, "momentum");
        optimizer->nesterov = cJSON_IsTrue(json_member(json, "nesterov"));
        return;
    }
    decode_pair(json_member(json, "betas"), &optimizer->beta1, &optimizer->beta2);
    optimizer->eps = number(json, "eps");
}

static void decode_scheduler(const cJSON *json, struct scheduler_options *options) {
    static const char *const names[] = {"reduce_on_plateau", "cosine", "step", "constant", NULL};
    options->name = (enum scheduler_name)choice(json, "name", names);
    switch (options->name) {
    case SCHEDULER_REDUCE_ON_PLATEAU:
        options->factor = number(json, "factor");
        options->patience = whole(json, "patience");
        options->min_lr = number(json, "min_lr");
        break;
    case SCHEDULER_COSINE:
        options->warmup_epochs = whole(json, "warmup_epochs");
        options->min_lr = number(json, "min_lr");
        break;
    case SCHEDULER_STEP:
        options->step_size = whole(json, "step_size");
        options->gamma = number(json, "gamma");
        break;
    case SCHEDULER_CONSTANT: break;
    }
}

static void decode_train(const cJSON *train, struct experiment *experiment) {
    struct loss *loss = &experiment->train.loss;
    experiment->train.epochs = whole(train, "epochs");
    experiment->train.batch_size = whole(train, "batch_size");
    experiment->train.seed = (uint64_t)number(train, "seed");
    experiment->train.precision = (enum precision)choice(train, "precision", precision_names);
    experiment->train.deterministic = cJSON_IsTrue(json_member(train, "deterministic"));
    loss->label_smoothing = number(train, "label_smoothing");
    decode_pair(json_member(train, "class_weights"), &loss->class_weights[0],
                &loss->class_weights[1]);
    decode_optimizer(json_member(train, "optimizer"), &experiment->train.optimizer);
    decode_scheduler(json_member(train, "scheduler"), &experiment->train.scheduler);
    experiment->train.checkpoint_every = whole(train, "checkpoint_every");
}

static bool decode_rest(const cJSON *json, struct experiment *experiment) {
    bool ok = true;
    experiment->name = copy(json_member(json, "name"), &ok);
    experiment->resources.backend =
        copy(json_member(json_member(json, "resources"), "backend"), &ok);
    experiment->resources.memory_gib = number(json_member(json, "resources"), "memory_gib");
    experiment->priority = json_member(json, "priority")->valueint;
    experiment->max_attempts = whole(json, "max_attempts");
    decode_train(json_member(json, "train"), experiment);
    return decode_data(json_member(json, "data"), experiment) &&
           decode_model(json_member(json, "model"), experiment) && ok;
}

static void decode_pipeline(const cJSON *json, const char *key, bool random_allowed,
                            struct pipeline *pipeline, struct faults *faults, size_t first) {
    if (cJSON_IsArray(json_member(json, key)))
        pipeline_from_json(json_member(json, key), key, random_allowed, first, pipeline, faults);
}

void experiment_complete(cJSON *config) {
    cJSON *data;
    schema_fill_defaults(schema_experiment(), schema_experiment(), config);
    data = cJSON_GetObjectItemCaseSensitive(config, "data");
    if (json_member(data, "files") != NULL) /* nothing is left to split */
        cJSON_DeleteItemFromObjectCaseSensitive(data, "split");
}

bool experiment_from_json(cJSON *json, struct experiment *experiment, struct faults *faults) {
    const cJSON *schema = schema_experiment();
    size_t first = faults->count;
    *experiment = (struct experiment){0};
    if (shortage_in_trees() || json == NULL) {
        faults_add_memory(faults, "", "copy it");
        return false;
    }
    schema_check(schema, schema, json, "", faults);
    rules_check_written(json, faults);
    experiment_complete(json);
    if (shortage_in_trees()) {
        faults_add_memory(faults, "", "complete it");
        return false;
    }
    rules_check(json, faults, first);
    decode_pipeline(json, "augmentations", true, &experiment->augmentations, faults, first);
    decode_pipeline(json, "evaluation", false, &experiment->evaluation, faults, first);
    if (!faults_since(faults, first) &&
        (!decode_rest(json, experiment) ||
         (experiment->config = cJSON_Duplicate(json, true)) == NULL)) {
        shortage_forgive(0);
        faults_add_memory(faults, "", "decode it");
    }
    if (!faults_since(faults, first))
        return true;
    experiment_free(experiment);
    return false;
}

void experiment_free(struct experiment *experiment) {
    for (size_t i = 0; i < experiment->data.class_count; i++) {
        free(experiment->data.classes[i].name);
        free(experiment->data.classes[i].dir);
    }
    for (size_t i = 0; i < experiment->model.fresh_count; i++)
        free(experiment->model.fresh[i]);
    for (size_t i = 0; i < experiment->model.freeze_count; i++)
        free(experiment->model.freeze[i]);
    free(experiment->name);
    free(experiment->data.root);
    free(experiment->data.files.train);
    free(experiment->data.files.valid);
    free(experiment->data.files.test);
    free(experiment->data.classes);
    pipeline_free(&experiment->augmentations);
    pipeline_free(&experiment->evaluation);
    free(experiment->model.arch);
    free(experiment->model.weights);
    free(experiment->model.fresh);
    free(experiment->model.freeze);
    free(experiment->resources.backend);
    cJSON_Delete(experiment->config);
    *experiment = (struct experiment){0};
}
