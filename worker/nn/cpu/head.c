#include "worker/nn/cpu/head.h"

#include "core/random.h"
#define LANES_BLOCK 16 /* values taken together; they are of no channels here */
#include "worker/nn/cpu/lanes.h"
#include "worker/nn/cross_entropy.h"

#include <omp.h>
#include <string.h>

/* ---- products: plain C, so that every processor adds in the same order ---- */

enum { WIDTH = LANES_BLOCK, TOGETHER = 4, PAIR = 2 };

/* Products of `count` rows with `ones` others: each is the sum of WIDTH sums, of every WIDTH-th
 * value each. Those of a row with the others stand beside each other, those of the next `apart`. */
SIMD_INLINE void dots_of(size_t count, size_t ones, size_t values, const float *rows,
                         const float *one, float *dots, size_t apart) {
    lanes sums[TOGETHER][PAIR] = {{{0}}};
    size_t i = 0;
    for (; i + WIDTH <= values; i += WIDTH)
        for (size_t row = 0; row < count; row++)
            for (size_t j = 0; j < ones; j++)
                sums[row][j] +=
                    *lanes_in(rows + row * values + i) * *lanes_in(one + j * values + i);
    for (size_t lane = 0; i < values; i++, lane++)
        for (size_t row = 0; row < count; row++)
            for (size_t j = 0; j < ones; j++)
                sums[row][j][lane] += rows[row * values + i] * one[j * values + i];
    for (size_t row = 0; row < count; row++)
        for (size_t j = 0; j < ones; j++) {
            float sum = 0;
            for (size_t lane = 0; lane < WIDTH; lane++)
                sum += sums[row][j][lane];
            dots[row * apart + j] = sum;
        }
}

SIMD_CLONES static void dots(size_t count, size_t ones, size_t values, const float *rows,
                             const float *one, float *dots, size_t apart) {
    size_t row = 0;
    for (; ones == PAIR && row + TOGETHER <= count; row += TOGETHER)
        dots_of(TOGETHER, PAIR, values, rows + row * values, one, dots + row * apart, apart);
    for (; row < count; row++)
        dots_of(1, ones, values, rows + row * values, one, dots + row * apart, apart);
}

/* Sums of rows of so many values, each of all rows by factors of its own: that of a row stands at
 * row * `row_apart` + sum * `sum_apart`. */
struct combination {
    size_t sums, rows, values, row_apart, sum_apart;
};

enum { DEPTH = 32 };

/* Some rows, of some of their values, that a thread takes on together: they stay in its cache. */
struct part {
    size_t first, width, from, depth; /* values, and rows */
};

/* What they add to `count` values of some sums. */
SIMD_INLINE void values_add(const struct combination *of, const struct part *part, size_t sum_count,
                            size_t count, float own[DEPTH][TOGETHER], const float *rows,
                            float *sums) {
    lanes added[TOGETHER] = {{0}};
    for (size_t sum = 0; part->from > 0 && sum < sum_count; sum++)
        memcpy(&added[sum], sums + sum * of->values, count * sizeof *sums);
    for (size_t row = 0; row < part->depth; row++) {
        lanes values = {0};
        memcpy(&values, rows + row * of->values, count * sizeof *rows);
        for (size_t sum = 0; sum < sum_count; sum++)
            added[sum] += own[row][sum] * values;
    }
    for (size_t sum = 0; sum < sum_count; sum++)
        memcpy(sums + sum * of->values, &added[sum], count * sizeof *sums);
}

SIMD_INLINE void part_add(const struct combination *of, const struct part *part, size_t sum_count,
                          const float *factors, const float *rows, float *sums) {
    float own[DEPTH][TOGETHER];
    const float *from = rows + part->from * of->values + part->first;
    float *to = sums + part->first;
    for (size_t row = 0; row < part->depth; row++)
        for (size_t sum = 0; sum < sum_count; sum++)
            own[row][sum] = factors[(part->from + row) * of->row_apart + sum * of->sum_apart];
    size_t at = 0;
    for (; at + WIDTH <= part->width; at += WIDTH)
        values_add(of, part, sum_count, WIDTH, own, from + at, to + at);
    if (at < part->width)
        values_add(of, part, sum_count, part->width - at, own, from + at, to + at);
}

SIMD_CLONES static void combine_values(const struct combination *of, size_t first, size_t width,
                                       const float *factors, const float *rows, float *sums) {
    struct part part = {.first = first, .width = width};
    for (; part.from < of->rows; part.from += DEPTH) {
        part.depth = of->rows - part.from < DEPTH ? of->rows - part.from : DEPTH;
        size_t sum = 0;
        for (; sum + TOGETHER <= of->sums; sum += TOGETHER)
            part_add(of, &part, TOGETHER, factors + sum * of->sum_apart, rows,
                     sums + sum * of->values);
        for (; sum < of->sums; sum++)
            part_add(of, &part, 1, factors + sum * of->sum_apart, rows, sums + sum * of->values);
    }
}

static void combine(const struct combination *of, const float *factors, const float *rows,
                    float *sums) {
    enum { MOST = 1024 };
    size_t share = of->values / (size_t)omp_get_max_threads() / WIDTH * WIDTH;
    size_t most = share > MOST ? MOST : share < WIDTH ? WIDTH : share;
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < of->values; first += most)
        combine_values(of, first, of->values - first < most ? of->values - first : most, factors,
                       rows, sums);
}

/* ---- layers ---- */

void linear_forward(const struct linear *linear, const float *input, const float *weight,
                    const float *bias, float *output) {
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < linear->out; i += PAIR)
        dots(linear->count, linear->out - i < PAIR ? 1 : PAIR, linear->in, input,
             weight + i * linear->in, output + i, linear->out);
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
    const struct combination weights = {.sums = linear->out,
                                        .rows = linear->count,
                                        .values = linear->in,
                                        .row_apart = linear->out,
                                        .sum_apart = 1};
    const struct combination inputs = {.sums = linear->count,
                                       .rows = linear->out,
                                       .values = linear->in,
                                       .row_apart = 1,
                                       .sum_apart = linear->out};
    if (weight_gradient != NULL)
        combine(&weights, output_gradient, input, weight_gradient);
    if (input_gradient != NULL)
        combine(&inputs, output_gradient, weight, input_gradient);
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
