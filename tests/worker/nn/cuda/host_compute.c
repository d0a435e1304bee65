#include "tests/worker/nn/cuda/host_compute.h"

#include "core/simd.h"
#include "tests/worker/nn/cuda/host_device.h"

#include <stdlib.h>
#include <string.h>

/* ---- matrix products ---- */

static void count_tensor_cores(bool allowed) {
    *(allowed ? &host_device_counts.tensor_cores : &host_device_counts.without_tensor_cores) += 1;
}

/* Nearly all the time of a step is here, so the sanitizers look on only where the rows are filled
 * and read, in product(). */
SIMD_CLONES __attribute__((no_sanitize("address", "undefined"))) static void
add_scaled(double *restrict row, double factor, const float *restrict b, size_t count) {
    for (size_t j = 0; j < count; j++)
        row[j] += factor * (double)b[j];
}

/* Row-major c = a b + beta c, a row at a time; summed in double, so that no ReLU opens or shuts by
 * rounding. */
static bool product(const struct device_product *p, float beta, struct error *error) {
    double *row = calloc(p->n, sizeof *row);
    float *b = malloc(p->k * p->n * sizeof *b); /* k x n */
    bool done = row != NULL && b != NULL;
    for (size_t k = 0; done && k < p->k; k++)
        for (size_t j = 0; j < p->n; j++)
            b[k * p->n + j] = p->b[p->transpose_b ? j * p->k + k : k * p->n + j];
    for (size_t i = 0; done && i < p->m; i++) {
        float *c = p->c + i * p->n;
        for (size_t j = 0; j < p->n; j++)
            row[j] = beta == 0 ? 0 : (double)(beta * c[j]);
        for (size_t k = 0; k < p->k; k++)
            add_scaled(row, (double)(p->transpose_a ? p->a[k * p->m + i] : p->a[i * p->k + k]),
                       b + k * p->n, p->n);
        for (size_t j = 0; j < p->n; j++)
            c[j] = (float)row[j];
    }
    free(row);
    free(b);
    return done || error_set(error, ERROR_FAILED, "out of memory");
}

bool compute_product(const struct device_product *p, struct error *error) {
    host_device_counts.products++;
    count_tensor_cores(p->tensor_cores);
    return product(p, 0, error);
}

/* ---- convolutions: a matrix product for each tap of the window ---- */

struct device_convolution {
    struct convolution_task task;
    enum pass pass;
};

bool compute_convolution_new(struct device *device, const struct convolution_task *task,
                             enum pass pass, struct device_convolution **convolution,
                             size_t *workspace, struct error *error) {
    (void)device;
    *workspace = 64;
    *convolution = malloc(sizeof **convolution);
    if (*convolution == NULL)
        return error_set(error, ERROR_FAILED, "out of memory");
    **convolution = (struct device_convolution){*task, pass};
    return true;
}

void compute_convolution_free(struct device *device, struct device_convolution *convolution) {
    (void)device;
    free(convolution);
}

static float *floats_new(size_t count) {
    return calloc(count + 1, sizeof(float));
}

/* Between x and one row for each output pixel: what stands under the window's tap there, or zeros.
 * With `back` the rows are added into x. */
static void under_tap(const struct convolution_task *task, int tap_y, int tap_x, bool back,
                      float *x, float *rows) {
    size_t channels = (size_t)task->in.channels;
    for (size_t picture = 0; picture < task->count; picture++)
        for (int row = 0; row < task->out.height; row++)
            for (int column = 0; column < task->out.width; column++, rows += channels) {
                int y = row * task->stride + tap_y - task->padding;
                int at = column * task->stride + tap_x - task->padding;
                bool inside = y >= 0 && y < task->in.height && at >= 0 && at < task->in.width;
                float *pixel = x;
                if (inside)
                    pixel +=
                        ((picture * (size_t)task->in.height + (size_t)y) * (size_t)task->in.width +
                         (size_t)at) *
                        channels;
                for (size_t i = 0; i < channels; i++)
                    if (back && inside)
                        pixel[i] += rows[i];
                    else if (!back)
                        rows[i] = inside ? pixel[i] : 0;
            }
}

/* Tap `tap` of the weights as out x in, and back. */
static void of_tap(const struct convolution_task *task, int tap, bool back, float *w,
                   float *matrix) {
    size_t in = (size_t)task->in.channels, taps = (size_t)(task->kernel * task->kernel);
    for (size_t o = 0; o < (size_t)task->out.channels; o++)
        for (size_t i = 0; i < in; i++) {
            float *weight = &w[(o * taps + (size_t)tap) * in + i];
            if (back)
                *weight = matrix[o * in + i];
            else
                matrix[o * in + i] = *weight;
        }
}

static bool convolve_tap(const struct device_convolution *c, int tap, float *x, float *w, float *y,
                         float *rows, float *matrix, struct error *error) {
    const struct convolution_task *task = &c->task;
    size_t pixels = task->count * (size_t)task->out.height * (size_t)task->out.width;
    size_t in = (size_t)task->in.channels, out = (size_t)task->out.channels;
    int tap_y = tap / task->kernel, tap_x = tap % task->kernel;
    struct device_product p = {0};
    switch (c->pass) {
    case PASS_FORWARD: /* y += rows matrix^T */
        under_tap(task, tap_y, tap_x, false, x, rows);
        of_tap(task, tap, false, w, matrix);
        p = (struct device_product){
            .transpose_b = true, .m = pixels, .n = out, .k = in, .a = rows, .b = matrix, .c = y};
        return product(&p, 1, error);
    case PASS_DATA: /* rows = y matrix */
        of_tap(task, tap, false, w, matrix);
        p = (struct device_product){.m = pixels, .n = in, .k = out, .a = y, .b = matrix, .c = rows};
        if (!product(&p, 0, error))
            return false;
        under_tap(task, tap_y, tap_x, true, x, rows);
        return true;
    case PASS_WEIGHTS: /* matrix = y^T rows */
        under_tap(task, tap_y, tap_x, false, x, rows);
        p = (struct device_product){
            .transpose_a = true, .m = out, .n = in, .k = pixels, .a = y, .b = rows, .c = matrix};
        if (!product(&p, 0, error))
            return false;
        of_tap(task, tap, true, w, matrix);
        return true;
    }
    return false;
}

bool compute_convolution(const struct device_convolution *c, void *x, void *w, void *y,
                         void *workspace, struct error *error) {
    const struct convolution_task *task = &c->task;
    size_t in = (size_t)task->in.channels, out = (size_t)task->out.channels;
    size_t pixels = task->count * (size_t)task->out.height * (size_t)task->out.width;
    size_t counts[PASSES] = {pixels * out,
                             task->count * (size_t)task->in.height * (size_t)task->in.width * in,
                             out * in * (size_t)(task->kernel * task->kernel)};
    void *const operands[PASSES] = {y, x, w}; /* by the pass that writes it */
    float *wide[PASSES];
    float *rows = floats_new(pixels * in), *matrix = floats_new(out * in);
    bool done = true;
    memset(workspace, 0xff, 64); /* as scratch memory is: not to be relied on */
    host_device_counts.convolutions[c->pass]++;
    count_tensor_cores(task->tensor_cores);
    for (int i = 0; i < PASSES; i++) {
        wide[i] = floats_new(counts[i]);
        for (size_t j = 0; i != (int)c->pass && j < counts[i]; j++)
            wide[i][j] = element_load(operands[i], task->element, j);
    }
    for (int tap = 0; done && tap < task->kernel * task->kernel; tap++)
        done = convolve_tap(c, tap, wide[PASS_DATA], wide[PASS_WEIGHTS], wide[PASS_FORWARD], rows,
                            matrix, error);
    for (size_t j = 0; j < counts[c->pass]; j++)
        element_store(operands[c->pass], task->element, j, wide[c->pass][j]);
    for (int i = 0; i < PASSES; i++)
        free(wide[i]);
    free(rows);
    free(matrix);
    return done;
}
