#include "worker/nn/cpu/adam.h"

#include "worker/nn/cpu/map.h"

#include <math.h>

/* What does not change within a step, with the scalars rounded where PyTorch rounds them. */
struct factors {
    float beta1, beta1_rest, beta2, beta2_rest, decay;
    float correction; /* sqrt(1 - beta2^step) */
    float eps, rate;  /* lr / (1 - beta1^step) */
};

SIMD_CLONES static void update(const struct factors *factors, size_t count, float *restrict value,
                               const float *restrict gradient, float *restrict m,
                               float *restrict v) {
    const struct factors f = *factors;
    for (size_t i = 0; i < count; i++) {
        float g = gradient[i] + f.decay * value[i];
        float mean = m[i] * f.beta1 + f.beta1_rest * g;
        float square = v[i] * f.beta2 + f.beta2_rest * g * g;
        m[i] = mean;
        v[i] = square;
        float deviation = sqrtf(square) / f.correction + f.eps;
        value[i] = value[i] - f.rate * mean / deviation;
    }
}

void adam_update(const struct adam *adam, size_t count, float *value, const float *gradient,
                 float *m, float *v) {
    enum { PIECE = 8192 };
    const struct factors factors = {
        .beta1 = (float)adam->beta1,
        .beta1_rest = (float)(1 - adam->beta1),
        .beta2 = (float)adam->beta2,
        .beta2_rest = (float)(1 - adam->beta2),
        .decay = (float)adam->weight_decay,
        .correction = (float)sqrt(1 - pow(adam->beta2, (double)adam->step)),
        .eps = (float)adam->eps,
        .rate = (float)(adam->lr / (1 - pow(adam->beta1, (double)adam->step))),
    };
    size_t pieces = (count + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (pieces > 1)
    for (size_t piece = 0; piece < pieces; piece++) {
        size_t from = piece * PIECE, rest = count - from;
        update(&factors, rest < PIECE ? rest : PIECE, value + from, gradient + from, m + from,
               v + from);
    }
}
