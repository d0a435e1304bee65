#include "worker/nn/cpu/head.h"

#include "core/random.h"
#include "core/simd.h"
#include "worker/nn/cross_entropy.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- products: plain C, so that every processor adds in the same order ---- */

enum { SUMS = 16, TOGETHER = 4, STRIP = 64 };

/* Products of `count` rows with one: a row's sum is of SUMS, of every SUMS-th value each. */
INLINE void dots_of(size_t count, size_t values, const float *rows, const float *one, float *dots,
                    size_t apart) {
    float sums[TOGETHER][SUMS] = {{0}};
    size_t i = 0;
    for (; i + SUMS <= values; i += SUMS)
        for (size_t row = 0; row < count; row++)
            for (size_t lane = 0; lane < SUMS; lane++)
                sums[row][lane] += rows[row * values + i + lane] * one[i + lane];
    for (size_t lane = 0; i < values; i++, lane++)
        for (size_t row = 0; row < count; row++)
            sums[row][lane] += rows[row * values + i] * one[i];
    for (size_t row = 0; row < count; row++) {
        float sum = 0;
        for (size_t lane = 0; lane < SUMS; lane++)
            sum += sums[row][lane];
        dots[row * apart] = sum;
    }
}

SIMD_CLONES static void dots(size_t count, size_t values, const float *rows, const float *one,
                             float *dots, size_t apart) {
    size_t row = 0;
    for (; row + TOGETHER <= count; row += TOGETHER)
        dots_of(TOGETHER, values, rows + row * values, one, dots + row * apart, apart);
    for (; row < count; row++)
        dots_of(1, values, rows + row * values, one, dots + row * apart, apart);
}

/* A strip of the sum of `count` rows of so many values, each by its factor; these stand `apart`. */
INLINE void strip_of(size_t width, size_t count, size_t values, const float *factors, size_t apart,
                     const float *rows, float *sum) {
    float sums[STRIP] = {0};
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < width; i++)
            sums[i] += factors[row * apart] * rows[row * values + i];
    memcpy(sum, sums, width * sizeof *sum);
}

SIMD_CLONES static void strip(size_t width, size_t count, size_t values, const float *factors,
                              size_t apart, const float *rows, float *sum) {
    if (width == STRIP)
        strip_of(STRIP, count, values, factors, apart, rows, sum);
    else
        strip_of(width, count, values, factors, apart, rows, sum);
}

/* Each of `sum_count` sums of `count` rows by its own factors: that of a row and a sum stands at
 * row * `row_apart` + sum * `sum_apart`. */
static void combine(size_t sum_count, size_t count, size_t values, const float *factors,
                    size_t row_apart, size_t sum_apart, const float *rows, float *sums) {
#pragma omp parallel for collapse(2) schedule(static)
    for (size_t first = 0; first < values; first += STRIP)
        for (size_t sum = 0; sum < sum_count; sum++)
            strip(values - first < STRIP ? values - first : STRIP, count, values,
                  factors + sum * sum_apart, row_apart, rows + first, sums + sum * values + first);
}

/* ---- layers ---- */

void linear_forward(const struct linear *linear, const float *input, const float *weight,
                    const float *bias, float *output) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < linear->out; i++)
        dots(linear->count, linear->in, input, weight + i * linear->in, output + i, linear->out);
    for (size_t row = 0; row < linear->count; row++)
        for (size_t i = 0; i < linear->out; i++) {
            float *value = &output[row * linear->out + i];
            *value += bias[i];
            if (linear->relu && *value <= 0)
                *value = 0;
        }
}

void linear_backward(const struct linear *linear, const float *input, const float *weight,
                     const float *output, float *output_gradient, float *weight_gradient,
                     float *bias_gradient, float *input_gradient) {
    for (size_t i = 0; linear->relu && i < linear->count * linear->out; i++)
        if (output[i] <= 0)
            output_gradient[i] = 0;
    for (size_t i = 0; bias_gradient != NULL && i < linear->out; i++) {
        double sum = 0;
        for (size_t row = 0; row < linear->count; row++)
            sum += (double)output_gradient[row * linear->out + i];
        bias_gradient[i] = (float)sum;
    }
    if (weight_gradient != NULL)
        combine(linear->out, linear->count, linear->in, output_gradient, linear->out, 1, input,
                weight_gradient);
    if (input_gradient != NULL)
        combine(linear->count, linear->out, linear->in, output_gradient, 1, linear->out, weight,
                input_gradient);
}

void dropout_draw(const struct dropout *dropout, float *factors) {
    float kept = (float)(1 / (1 - dropout->probability));
    for (size_t row = 0; row < dropout->count; row++) {
        struct random_stream stream;
        random_open(&stream, dropout->seed, RANDOM_DROPOUT, dropout->epoch, dropout->samples[row]);
        for (size_t i = 0; i < dropout->features; i++)
            factors[row * dropout->features + i] =
                random_uniform(&stream) < dropout->probability ? 0 : kept;
    }
}

void dropout_apply(size_t floats, const float *from, const float *factors, float *to) {
    for (size_t i = 0; i < floats; i++)
        to[i] = from[i] * factors[i];
}

void cross_entropy(const struct loss *loss, size_t count, const float *logits,
                   const int32_t *labels, float *losses, float *gradient) {
    double weights = 0;
    for (size_t row = 0; row < count; row++)
        weights += loss->class_weights[labels[row]];
    for (size_t row = 0; row < count; row++)
        losses[row] = cross_entropy_row(loss, weights, logits + 2 * row, labels[row],
                                        gradient == NULL ? NULL : gradient + 2 * row);
}
