#include "tests/worker/nn/cuda/host_compute.h"

#include "tests/worker/nn/cuda/host_device.h"
#include "tests/worker/nn/cuda/host_memory.h"
#include "tests/worker/nn/cuda/host_rows.h"

#include <stdlib.h>
#include <string.h>

/* Room for what one product or convolution needs at a time, kept for the next one: a step has
 * hundreds, and new pages for each would take a fifth of its time. */
enum scratch { SCRATCH_SUMS, SCRATCH_RIGHT, SCRATCH_ROWS, SCRATCH_MATRIX, SCRATCH_WIDE };

static void *scratch(enum scratch which, size_t bytes) {
    static struct {
        void *memory;
        size_t bytes;
    } kept[SCRATCH_WIDE + PASSES];
    if (bytes > kept[which].bytes) {
        free(kept[which].memory);
        kept[which].memory = malloc(bytes);
        kept[which].bytes = bytes;
        host_demand(kept[which].memory != NULL, "out of memory");
    }
    return kept[which].memory;
}

/* ---- matrix products ---- */

static void count_tensor_cores(bool allowed) {
    *(allowed ? &host_device_counts.tensor_cores : &host_device_counts.without_tensor_cores) += 1;
}

/* Row-major c = a b + beta c, a row at a time; summed in double, so that no ReLU opens or shuts by
 * rounding. */
static void product(const struct device_product *p, float beta) {
    double *row = scratch(SCRATCH_SUMS, p->n * sizeof *row);
    size_t depth = (p->k + ROWS - 1) / ROWS * ROWS; /* the last rows are zeros, with factors of 0 */
    float *b = scratch(SCRATCH_RIGHT, depth * p->n * sizeof *b); /* depth x n */
    if (p->transpose_b) {
        rows_transpose(b, p->b, p->n, p->k);
        b[0] = p->b[0]; /* the sanitizers, which do not see the copy, see both ends */
        b[p->n * p->k - 1] = p->b[p->n * p->k - 1];
    } else
        memcpy(b, p->b, p->k * p->n * sizeof *b);
    memset(b + p->k * p->n, 0, (depth - p->k) * p->n * sizeof *b);
    for (size_t i = 0; i < p->m; i++) {
        float *c = p->c + i * p->n;
        for (size_t j = 0; j < p->n; j++)
            row[j] = beta == 0 ? 0 : (double)(beta * c[j]);
        for (size_t k = 0; k < depth; k += ROWS) {
            float factors[ROWS] = {0};
            for (size_t at = k; at < p->k && at < k + ROWS; at++)
                factors[at - k] = p->transpose_a ? p->a[at * p->m + i] : p->a[i * p->k + at];
            row_add_scaled(row, factors, b + k * p->n, p->n);
        }
        for (size_t j = 0; j < p->n; j++)
            c[j] = (float)row[j];
    }
}

void compute_product(const struct device_product *p) {
    host_device_counts.products++;
    count_tensor_cores(p->tensor_cores);
    product(p, 0);
}

/* ---- convolutions: a matrix product for each tap of the window ---- */

struct device_convolution {
    struct convolution_task task;
    enum pass pass;
    size_t number, *used; /* when it was carried out last, which those set who may not change it */
};

bool compute_convolution_new(struct device *device, const struct convolution_task *task,
                             enum pass pass, struct device_convolution **convolution,
                             size_t *workspace, struct error *error) {
    (void)device;
    *workspace = 64;
    host_device_counts.prepared[pass]++;
    *convolution = malloc(sizeof **convolution);
    if (*convolution == NULL)
        return error_memory(error);
    **convolution = (struct device_convolution){*task, pass, 0, &(*convolution)->number};
    return true;
}

void compute_convolution_free(struct device *device, struct device_convolution *convolution) {
    (void)device;
    host_demand(host_is_over(convolution->number), "a convolution is freed that may be at work");
    free(convolution);
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
                for (size_t i = 0; back && inside && i < channels; i++)
                    pixel[i] += rows[i];
                if (!back && inside)
                    memcpy(rows, pixel, channels * sizeof *rows);
                else if (!back)
                    memset(rows, 0, channels * sizeof *rows);
            }
}

/* Tap `tap` of the weights as out x in, and back. */
static void of_tap(const struct convolution_task *task, int tap, bool back, float *w,
                   float *matrix) {
    size_t in = (size_t)task->in.channels, taps = (size_t)(task->kernel * task->kernel);
    for (size_t o = 0; o < (size_t)task->out.channels; o++) {
        float *weights = w + (o * taps + (size_t)tap) * in, *row = matrix + o * in;
        memcpy(back ? weights : row, back ? row : weights, in * sizeof *row);
    }
}

static void convolve_tap(const struct device_convolution *c, int tap, float *x, float *w, float *y,
                         float *rows, float *matrix) {
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
        product(&p, 1);
        break;
    case PASS_DATA: /* rows = y matrix */
        of_tap(task, tap, false, w, matrix);
        p = (struct device_product){.m = pixels, .n = in, .k = out, .a = y, .b = matrix, .c = rows};
        product(&p, 0);
        under_tap(task, tap_y, tap_x, true, x, rows);
        break;
    case PASS_WEIGHTS: /* matrix = y^T rows */
        under_tap(task, tap_y, tap_x, false, x, rows);
        p = (struct device_product){
            .transpose_a = true, .m = out, .n = in, .k = pixels, .a = y, .b = rows, .c = matrix};
        product(&p, 0);
        of_tap(task, tap, true, w, matrix);
        break;
    }
}

/* As above: both ends, for the sanitizers. */
static void look(void *operand, enum element element, size_t count) {
    element_store(operand, element, 0, element_load(operand, element, 0));
    element_store(operand, element, count - 1, element_load(operand, element, count - 1));
}

void compute_convolution(const struct device_convolution *c, void *x, void *w, void *y,
                         void *workspace) {
    const struct convolution_task *task = &c->task;
    size_t in = (size_t)task->in.channels, out = (size_t)task->out.channels;
    size_t pixels = task->count * (size_t)task->out.height * (size_t)task->out.width;
    size_t counts[PASSES] = {pixels * out,
                             task->count * (size_t)task->in.height * (size_t)task->in.width * in,
                             out * in * (size_t)(task->kernel * task->kernel)};
    void *const operands[PASSES] = {y, x, w}; /* by the pass that writes it */
    float *wide[PASSES];
    float *rows = scratch(SCRATCH_ROWS, pixels * in * sizeof *rows);
    float *matrix = scratch(SCRATCH_MATRIX, out * in * sizeof *matrix);
    *c->used = host_number();
    memset(workspace, 0xff, 64); /* as scratch memory is: not to be relied on */
    host_device_counts.convolutions[c->pass]++;
    count_tensor_cores(task->tensor_cores);
    for (int i = 0; i < PASSES; i++) {
        wide[i] = scratch(SCRATCH_WIDE + (enum scratch)i, counts[i] * sizeof *wide[i]);
        host_demand((uintptr_t)operands[i] % PACK_BYTES == 0,
                    "an operand is not aligned"); /* cudnn_plan.h */
        look(operands[i], task->element, counts[i]);
        if (i == (int)c->pass)
            memset(wide[i], 0, counts[i] * sizeof *wide[i]);
        else
            row_widen(wide[i], operands[i], task->element, counts[i]);
    }
    for (int tap = 0; tap < task->kernel * task->kernel; tap++)
        convolve_tap(c, tap, wide[PASS_DATA], wide[PASS_WEIGHTS], wide[PASS_FORWARD], rows, matrix);
    row_narrow(operands[c->pass], task->element, wide[c->pass], counts[c->pass]);
}
