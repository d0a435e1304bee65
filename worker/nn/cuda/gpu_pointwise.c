#include "worker/nn/cuda/gpu_pointwise.h"

#include <limits.h>

static size_t pixels(const struct convolution_task *task, const struct shape *shape) {
    return task->count * (size_t)shape->height * (size_t)shape->width;
}

bool gpu_pointwise_takes(const struct convolution_task *task) {
    return task->kernel == 1 && task->padding == 0 && task->element == ELEMENT_F32 &&
           !task->tensor_cores && pixels(task, &task->out) <= INT_MAX;
}

/* The rows of x that the stride meets, one for each pixel of y. */
static size_t rows_values(const struct convolution_task *task) {
    return pixels(task, &task->out) * (size_t)task->in.channels;
}

size_t gpu_pointwise_scratch(const struct convolution_task *task) {
    return task->stride == 1 ? 0 : rows_values(task) * sizeof(float);
}

static struct rows_map map_of(const struct convolution_task *task) {
    return (struct rows_map){(unsigned)task->in.height,       (unsigned)task->in.width,
                             (unsigned)task->out.height,      (unsigned)task->out.width,
                             (unsigned)task->in.channels / 4, (unsigned)task->stride};
}

static bool take(struct device *device, const struct convolution_task *task, const float *x,
                 float *rows, struct error *error) {
    const struct rows_take arguments = {map_of(task), x, rows};
    return device_launch(device, rows_take, &arguments, rows_values(task) / 4, error);
}

static bool spread(struct device *device, const struct convolution_task *task, const float *rows,
                   float *x, struct error *error) {
    const struct rows_spread arguments = {map_of(task), rows, x};
    return device_launch(device, rows_spread, &arguments,
                         pixels(task, &task->in) * (size_t)task->in.channels / 4, error);
}

bool gpu_pointwise_run(struct device *device, const struct convolution_task *task, enum pass pass,
                       void *x, void *w, void *y, void *scratch, struct error *error) {
    const size_t m = pixels(task, &task->out), in = (size_t)task->in.channels,
                 out = (size_t)task->out.channels;
    const bool strided = task->stride != 1;
    float *rows = strided ? scratch : x;
    struct device_product product = {0};
    if (strided && pass != PASS_DATA && !take(device, task, x, rows, error))
        return false;
    switch (pass) {
    case PASS_FORWARD: /* y = rows w^T */
        product = (struct device_product){
            .transpose_b = true, .m = m, .n = out, .k = in, .a = rows, .b = w, .c = y};
        break;
    case PASS_DATA: /* rows = y w */
        product = (struct device_product){.m = m, .n = in, .k = out, .a = y, .b = w, .c = rows};
        break;
    case PASS_WEIGHTS: /* w = y^T rows */
        product = (struct device_product){
            .transpose_a = true, .m = out, .n = in, .k = m, .a = y, .b = rows, .c = w};
        break;
    }
    return device->multiply(device, &product, error) &&
           (!strided || pass != PASS_DATA || spread(device, task, rows, x, error));
}
