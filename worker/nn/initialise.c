/* What a weight is before anything is learnt: PyTorch's defaults and torchvision's ResNet. */
#include "core/random.h"
#include "worker/nn/network.h"

#include <math.h>
#include <stdint.h>

/* FNV-1a, 64 bits folded to the 56 that a sample may have
 * (http://www.isthe.com/chongo/tech/comp/fnv/). */
static uint64_t name_hash(const char *name) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    return (hash >> 56) ^ (hash & ((UINT64_C(1) << 56) - 1));
}

static void fill_constant(float *values, size_t count, float value) {
    for (size_t i = 0; i < count; i++)
        values[i] = value;
}

/* torch.nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu"): std = sqrt(2 / fan_out). */
static void fill_he_normal(const struct random_stream *stream, float *values,
                           const struct parameter *parameter) {
    double fan_out = (double)(parameter->shape[0] * parameter->shape[2] * parameter->shape[3]);
    double deviation = sqrt(2 / fan_out);
    enum { PIECE = 1024 };
#pragma omp parallel for schedule(static) if (parameter->count > PIECE)
    for (size_t at = 0; at < parameter->count; at += PIECE) {
        double normals[PIECE];
        size_t rest = parameter->count - at, count = rest < PIECE ? rest : PIECE;
        random_normals(stream, (uint32_t)at, count, normals);
        for (size_t i = 0; i < count; i++)
            values[at + i] = (float)(deviation * normals[i]);
    }
}

/* torch.nn.Linear: weight and bias uniform in +-1/sqrt(fan_in). */
static void fill_linear(struct random_stream *stream, float *values, size_t count, size_t fan_in) {
    double bound = 1 / sqrt((double)fan_in);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)random_range(stream, -bound, bound);
}

void network_initialise(const struct network *network, size_t index, uint64_t seed, float *values) {
    const struct parameter *parameter = &network->parameters[index];
    struct random_stream stream;
    random_open(&stream, seed, RANDOM_INITIAL, 0, name_hash(parameter->name));
    switch (parameter->kind) {
    case PARAMETER_WEIGHT:
        if (parameter->rank == 4)
            fill_he_normal(&stream, values, parameter);
        else
            fill_linear(&stream, values, parameter->count, parameter->shape[1]);
        break;
    case PARAMETER_BIAS: /* of the linear layer whose weight stands before it */
        fill_linear(&stream, values, parameter->count, network->parameters[index - 1].shape[1]);
        break;
    case PARAMETER_SCALE:
    case PARAMETER_VARIANCE: fill_constant(values, parameter->count, 1); break;
    case PARAMETER_SHIFT:
    case PARAMETER_MEAN: fill_constant(values, parameter->count, 0); break;
    }
}
