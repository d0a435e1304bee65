/* norm_rule: what follows for a channel from its mean and variance, on the CPU and on the GPU alike
 * (PyTorch's nn.BatchNorm2d).
 */
#ifndef ASSAY_WORKER_NN_NORM_RULE_H
#define ASSAY_WORKER_NN_NORM_RULE_H

#include "core/portable.h"

#include <math.h>

#define NORM_EPSILON 1e-5
#define NORM_MOMENTUM 0.1

/* y = x * scale + shift; inverse: of the deviation. */
struct norm_channel {
    float mean, inverse, scale, shift;
};

/* Of a batch's mean and biased variance. */
PORTABLE struct norm_channel norm_learn(double mean, double variance, float weight, float bias) {
    struct norm_channel of;
    double inverse = 1 / sqrt(variance + NORM_EPSILON), scale = (double)weight * inverse;
    of.mean = (float)mean;
    of.inverse = (float)inverse;
    of.scale = (float)scale;
    of.shift = (float)((double)bias - mean * scale);
    return of;
}

/* Of the running statistics. */
PORTABLE struct norm_channel norm_recall(float mean, float variance, float weight, float bias) {
    struct norm_channel of;
    double deviation = sqrt((double)variance + NORM_EPSILON), scale = (double)weight / deviation;
    of.mean = mean;
    of.inverse = (float)(1 / deviation);
    of.scale = (float)scale;
    of.shift = (float)((double)bias - (double)mean * scale);
    return of;
}

/* A running statistic after a batch that has `value`. */
PORTABLE float norm_blend(float running, double value) {
    return (float)((1 - NORM_MOMENTUM) * (double)running + NORM_MOMENTUM * value);
}

/* The variance runs on with Bessel's correction: of so many values, more than one. */
PORTABLE float norm_blend_variance(float running, double variance, double values) {
    return norm_blend(running, variance * values / (values - 1));
}

#endif
