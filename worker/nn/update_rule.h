/* update_rule: an update (optimizer.h) as it meets one weight, on the CPU and on the GPU alike. */
#ifndef ASSAY_WORKER_NN_UPDATE_RULE_H
#define ASSAY_WORKER_NN_UPDATE_RULE_H

#include "core/portable.h"
#include "worker/nn/optimizer.h"

#include <math.h>

/* What does not change within a step, with the scalars rounded where PyTorch rounds them. */
struct update_rule {
    enum optimizer_name name;
    float decay; /* of the value into the gradient */
    float rate;  /* adam: lr / (1 - beta1^step) */
    /* adam, adamw */
    float kept; /* of the value: 1 - lr * weight_decay for adamw, else 1 */
    float beta1, beta1_rest, beta2, beta2_rest, eps;
    float correction; /* sqrt(1 - beta2^step) */
    /* sgd */
    float momentum;
    bool nesterov;
};

void update_rule_make(const struct update *update, struct update_rule *rule);

PORTABLE void update_adam(const struct update_rule *rule, float *value, float gradient, float *m,
                          float *v) {
    float g = gradient + rule->decay * *value;
    float mean = *m * rule->beta1 + rule->beta1_rest * g;
    float square = *v * rule->beta2 + rule->beta2_rest * g * g;
    *m = mean;
    *v = square;
    float deviation = sqrtf(square) / rule->correction + rule->eps;
    *value = *value * rule->kept - rule->rate * mean / deviation;
}

/* sgd without momentum, and with. */
PORTABLE void update_descend(const struct update_rule *rule, float *value, float gradient) {
    *value -= rule->rate * (gradient + rule->decay * *value);
}

PORTABLE void update_roll(const struct update_rule *rule, float *value, float gradient, float *m) {
    float g = gradient + rule->decay * *value;
    float buffer = *m * rule->momentum + g;
    *m = buffer;
    *value -= rule->rate * (rule->nesterov ? g + rule->momentum * buffer : buffer);
}

#endif
