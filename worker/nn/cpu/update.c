#include "worker/nn/cpu/update.h"

#include "worker/nn/cpu/map.h"
#include "worker/nn/update_rule.h"

SIMD_CLONES static void adam(const struct update_rule *rule, size_t count, float *restrict value,
                             const float *restrict gradient, float *restrict m, float *restrict v) {
    const struct update_rule r = *rule;
    for (size_t i = 0; i < count; i++)
        update_adam(&r, &value[i], gradient[i], &m[i], &v[i]);
}

SIMD_CLONES static void descend(const struct update_rule *rule, size_t count, float *restrict value,
                                const float *restrict gradient) {
    const struct update_rule r = *rule;
    for (size_t i = 0; i < count; i++)
        update_descend(&r, &value[i], gradient[i]);
}

SIMD_CLONES static void roll(const struct update_rule *rule, size_t count, float *restrict value,
                             const float *restrict gradient, float *restrict m) {
    const struct update_rule r = *rule;
    for (size_t i = 0; i < count; i++)
        update_roll(&r, &value[i], gradient[i], &m[i]);
}

static void apply(const struct update_rule *rule, size_t count, float *value, const float *gradient,
                  float *m, float *v) {
    if (rule->name != OPTIMIZER_SGD)
        adam(rule, count, value, gradient, m, v);
    else if (rule->momentum > 0)
        roll(rule, count, value, gradient, m);
    else
        descend(rule, count, value, gradient);
}

static float *from(float *array, size_t at) {
    return array == NULL ? NULL : array + at;
}

void update_apply(const struct update *update, size_t count, float *value, const float *gradient,
                  float *m, float *v) {
    enum { PIECE = 8192 };
    struct update_rule rule;
    update_rule_make(update, &rule);
    size_t pieces = (count + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 1)
    for (size_t piece = 0; piece < pieces; piece++) {
        size_t at = piece * PIECE, rest = count - at;
        apply(&rule, rest < PIECE ? rest : PIECE, value + at, gradient + at, from(m, at),
              from(v, at));
    }
}
