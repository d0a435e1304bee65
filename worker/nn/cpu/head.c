#include "worker/nn/cpu/head.h"

#include "core/random.h"
#include "worker/nn/cross_entropy.h"

#include <oneapi/dnnl/dnnl.h>

/* Row-major C (m x n) = A B, where `a` and `b` are stored transposed when asked. Slices of columns
 * that each are one thread's: by itself oneDNN may share a sum out, among as many as there are. */
static bool multiply(bool transpose_a, bool transpose_b, size_t m, size_t n, size_t k,
                     const float *a, const float *b, float *c, struct error *error) {
    enum { SLICE = 1024 };
    dnnl_status_t status = dnnl_success;
#pragma omp parallel for schedule(static)
    for (size_t first = 0; first < n; first += SLICE) {
        size_t columns = n - first < SLICE ? n - first : SLICE;
        dnnl_status_t slice =
            dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', (dnnl_dim_t)m,
                       (dnnl_dim_t)columns, (dnnl_dim_t)k, 1, a, (dnnl_dim_t)(transpose_a ? m : k),
                       b + first * (transpose_b ? k : 1), (dnnl_dim_t)(transpose_b ? k : n), 0,
                       c + first, (dnnl_dim_t)n);
        if (slice != dnnl_success)
#pragma omp atomic write
            status = slice;
    }
    return status == dnnl_success ||
           error_set(error, ERROR_FAILED, "oneDNN cannot multiply matrices of %zu x %zu x %zu", m,
                     n, k);
}

bool linear_forward(const struct linear *linear, const float *input, const float *weight,
                    const float *bias, float *output, struct error *error) {
    if (!multiply(false, true, linear->count, linear->out, linear->in, input, weight, output,
                  error))
        return false;
    for (size_t row = 0; row < linear->count; row++)
        for (size_t i = 0; i < linear->out; i++) {
            float *value = &output[row * linear->out + i];
            *value += bias[i];
            if (linear->relu && *value <= 0)
                *value = 0;
        }
    return true;
}

bool linear_backward(const struct linear *linear, const float *input, const float *weight,
                     const float *output, float *output_gradient, float *weight_gradient,
                     float *bias_gradient, float *input_gradient, struct error *error) {
    for (size_t i = 0; linear->relu && i < linear->count * linear->out; i++)
        if (output[i] <= 0)
            output_gradient[i] = 0;
    for (size_t i = 0; bias_gradient != NULL && i < linear->out; i++) {
        double sum = 0;
        for (size_t row = 0; row < linear->count; row++)
            sum += (double)output_gradient[row * linear->out + i];
        bias_gradient[i] = (float)sum;
    }
    return (weight_gradient == NULL || multiply(true, false, linear->out, linear->in, linear->count,
                                                output_gradient, input, weight_gradient, error)) &&
           (input_gradient == NULL || multiply(false, false, linear->count, linear->in, linear->out,
                                               output_gradient, weight, input_gradient, error));
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
