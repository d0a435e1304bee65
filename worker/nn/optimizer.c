#include "worker/nn/optimizer.h"

#include "worker/nn/update_rule.h"

size_t optimizer_moments(const struct optimizer *optimizer) {
    if (optimizer->name != OPTIMIZER_SGD)
        return 2;
    return optimizer->momentum > 0 ? 1 : 0;
}

void update_rule_make(const struct update *update, struct update_rule *rule) {
    const struct optimizer *o = &update->optimizer;
    const double step = (double)update->step;
    if (o->name == OPTIMIZER_SGD) {
        *rule = (struct update_rule){.name = o->name,
                                     .decay = (float)o->weight_decay,
                                     .rate = (float)o->lr,
                                     .momentum = (float)o->momentum,
                                     .nesterov = o->nesterov};
        return;
    }
    bool decoupled = o->name == OPTIMIZER_ADAMW;
    *rule = (struct update_rule){.name = o->name,
                                 .decay = decoupled ? 0 : (float)o->weight_decay,
                                 .rate = (float)(o->lr / (1 - pow(o->beta1, step))),
                                 .kept = decoupled ? (float)(1 - o->lr * o->weight_decay) : 1,
                                 .beta1 = (float)o->beta1,
                                 .beta1_rest = (float)(1 - o->beta1),
                                 .beta2 = (float)o->beta2,
                                 .beta2_rest = (float)(1 - o->beta2),
                                 .eps = (float)o->eps,
                                 .correction = (float)sqrt(1 - pow(o->beta2, step))};
}
