#include "worker/nn/cpu/update.h"

#include "worker/nn/cpu/map.h"

#include <math.h>
#include <stdbool.h>

/* What does not change within a step, with the scalars rounded where PyTorch rounds them. */
struct adam {
    float kept;  /* of the value: 1 - lr * weight_decay for adamw, else 1 */
    float decay; /* of the value into the gradient */
    float beta1, beta1_rest, beta2, beta2_rest;
    float correction; /* sqrt(1 - beta2^step) */
    float eps, rate;  /* lr / (1 - beta1^step) */
};

struct sgd {
    float decay, rate, momentum;
    bool nesterov;
};

struct factors {
    enum optimizer_name name;
    struct adam adam;
    struct sgd sgd;
};

SIMD_CLONES static void adam(const struct adam *factors, size_t count, float *restrict value,
                             const float *restrict gradient, float *restrict m, float *restrict v) {
    const struct adam f = *factors;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] + f.decay * value[i];
        float mean = m[i] * f.beta1 + f.beta1_rest * g;
        float square = v[i] * f.beta2 + f.beta2_rest * g * g;
        m[i] = mean;
        v[i] = square;
        float deviation = sqrtf(square) / f.correction + f.eps;
        value[i] = value[i] * f.kept - f.rate * mean / deviation;
    }
}

/* sgd without momentum, and with. */
SIMD_CLONES static void descend(const struct sgd *factors, size_t count, float *restrict value,
                                const float *restrict gradient) {
    const struct sgd f = *factors;
    for (size_t i = 0; i < count; i++)
        value[i] -= f.rate * (gradient[i] + f.decay * value[i]);
}

SIMD_CLONES static void roll(const struct sgd *factors, size_t count, float *restrict value,
                             const float *restrict gradient, float *restrict m) {
    const struct sgd f = *factors;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] + f.decay * value[i];
        float buffer = m[i] * f.momentum + g;
        m[i] = buffer;
        value[i] -= f.rate * (f.nesterov ? g + f.momentum * buffer : buffer);
    }
}

static struct factors factors_of(const struct update *update) {
    const struct optimizer *o = &update->optimizer;
    const double step = (double)update->step;
    if (o->name == OPTIMIZER_SGD)
        return (struct factors){.name = o->name,
                                .sgd = {.decay = (float)o->weight_decay,
                                        .rate = (float)o->lr,
                                        .momentum = (float)o->momentum,
                                        .nesterov = o->nesterov}};
    bool decoupled = o->name == OPTIMIZER_ADAMW;
    return (struct factors){.name = o->name,
                            .adam = {.kept = decoupled ? (float)(1 - o->lr * o->weight_decay) : 1,
                                     .decay = decoupled ? 0 : (float)o->weight_decay,
                                     .beta1 = (float)o->beta1,
                                     .beta1_rest = (float)(1 - o->beta1),
                                     .beta2 = (float)o->beta2,
                                     .beta2_rest = (float)(1 - o->beta2),
                                     .correction = (float)sqrt(1 - pow(o->beta2, step)),
                                     .eps = (float)o->eps,
                                     .rate = (float)(o->lr / (1 - pow(o->beta1, step)))}};
}

static void apply(const struct factors *factors, size_t count, float *value, const float *gradient,
                  float *m, float *v) {
    if (factors->name != OPTIMIZER_SGD)
        adam(&factors->adam, count, value, gradient, m, v);
    else if (factors->sgd.momentum > 0)
        roll(&factors->sgd, count, value, gradient, m);
    else
        descend(&factors->sgd, count, value, gradient);
}

static float *from(float *array, size_t at) {
    return array == NULL ? NULL : array + at;
}

void update_apply(const struct update *update, size_t count, float *value, const float *gradient,
                  float *m, float *v) {
    enum { PIECE = 8192 };
    const struct factors factors = factors_of(update);
    size_t pieces = (count + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 1)
    for (size_t piece = 0; piece < pieces; piece++) {
        size_t at = piece * PIECE, rest = count - at;
        apply(&factors, rest < PIECE ? rest : PIECE, value + at, gradient + at, from(m, at),
              from(v, at));
    }
}
