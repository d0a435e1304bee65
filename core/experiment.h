/* experiment: one experiment file as a struct, checked and with every default filled in.
 *
 * The schema (schema/experiment.schema.json) defines keys, types, ranges and defaults; what a
 * schema cannot say (a normalize that is last, fractions that sum to 1, labels of both kinds) is
 * checked here.
 */
#ifndef ASSAY_CORE_EXPERIMENT_H
#define ASSAY_CORE_EXPERIMENT_H

#include "core/faults.h"
#include "core/pipeline.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct experiment_class {
    char *name, *dir;
    int label;       /* 0 or 1 */
    uint32_t repeat; /* how often each training picture of it is seen an epoch: data.upsample, 1 if
                        unnamed */
};

enum head { HEAD_RELU, HEAD_DROPOUT, HEAD_LINEAR };
enum precision { PRECISION_FP32, PRECISION_TF32, PRECISION_BF16 };
enum { PRECISIONS = PRECISION_BF16 + 1 };
extern const char *const precision_names[PRECISIONS + 1]; /* "fp32"; the last is NULL */
enum optimizer_name { OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_SGD };

/* torch.optim's Adam, AdamW or SGD with their arguments' names. */
struct optimizer {
    enum optimizer_name name;
    double lr, weight_decay;
    double beta1, beta2, eps; /* adam, adamw */
    double momentum;          /* sgd */
    bool nesterov;
};

enum scheduler_name {
    SCHEDULER_REDUCE_ON_PLATEAU,
    SCHEDULER_COSINE,
    SCHEDULER_STEP,
    SCHEDULER_CONSTANT
};

/* core/schedule.h says what comes of them. */
struct scheduler_options {
    enum scheduler_name name;
    double min_lr;          /* reduce_on_plateau, cosine */
    double factor;          /* reduce_on_plateau */
    uint32_t patience;      /* reduce_on_plateau */
    uint32_t warmup_epochs; /* cosine */
    uint32_t step_size;     /* step */
    double gamma;           /* step */
};

/* What torch.nn.CrossEntropyLoss takes; of training alone. */
struct loss {
    double label_smoothing;
    double class_weights[2]; /* of label 0 and 1 */
};

struct experiment {
    char *name;
    struct {
        char *root; /* as written; submit makes it absolute */
        struct {
            char *train, *valid, *test;   /* as written; submit makes them absolute */
        } files;                          /* all NULL: the folders of the classes are split */
        struct experiment_class *classes; /* may be none beside files */
        size_t class_count;
        double train, valid, test;
        uint64_t seed;
    } data;
    struct pipeline augmentations, evaluation;
    struct {
        char *arch; /* resnet18|34|50|101|152 */
        enum head head;
        double dropout; /* probability, for head "dropout" */
        char *weights;  /* path or NULL: from scratch */
        char **fresh;   /* prefixes of parameter names: "layer4", "fc" */
        size_t fresh_count;
        char **freeze; /* prefixes of layers' names: "conv1", "layer1" */
        size_t freeze_count;
    } model;
    struct {
        uint32_t epochs, batch_size;
        uint64_t seed;
        enum precision precision;
        bool deterministic;
        struct loss loss;
        struct optimizer optimizer;
        struct scheduler_options scheduler;
        uint32_t checkpoint_every;
    } train;
    struct {
        char *backend; /* any|cpu|cuda */
        double memory_gib;
    } resources;
    int priority;
    uint32_t max_attempts;
    cJSON
        *config; /* a copy of the complete JSON that this was decoded from: checkpoints carry it */
};

/* Checks `json` (one experiment, no matrix; NULL where there was no memory to copy one) and, if it
 * has no fault, fills the defaults into `json` itself and decodes it. Returns false and adds faults
 * otherwise. Free with experiment_free. */
bool experiment_from_json(cJSON *json, struct experiment *experiment, struct faults *faults);
/* The defaults alone, into a config that has passed the schema, of whatever version of assay, as
 * far as there is memory (shortage_in_trees). Beside split files there is no data.split. */
void experiment_complete(cJSON *config);
void experiment_free(struct experiment *experiment);

#endif
