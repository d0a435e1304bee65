#include "worker/nn/cpu/convolution.h"

#include "worker/nn/cpu/gathered.h"
#include "worker/nn/cpu/pointwise.h"
#include "worker/nn/cpu/primitives.h"
#include "worker/nn/cpu/product.h"
#include "worker/nn/cpu/stem.h"
#include "worker/nn/cpu/winograd.h"

#include <stdlib.h>

/* Who computes it: oneDNN (PRIMITIVES), or kernels of our own. */
enum way { PRIMITIVES, WINOGRAD, POINTWISE, GATHERED, STEM };

struct convolution {
    enum way way;
    struct primitives *primitives;
    onednn_layout *weights; /* of kernels of our own */
    struct winograd winograd;
    struct pointwise pointwise;
    struct gathered gathered;
    struct stem stem;
};

/* Winograd halves oneDNN's time, the others take as much; and neither a number of threads nor the
 * size of a block changes their sums. Of a map of one row or column, tiles would be mostly border;
 * of few pixels, products of a picture's alone would wait for their weights. */
static enum way way_of(const struct convolution_shape *shape) {
    enum { FEW = 48 };
    int pair = 2 * (int)shape->block;
    if (!product_is_fast(shape->block) || shape->out.channels % pair != 0)
        return PRIMITIVES;
    if (shape->plain_input)
        return shape->kernel == 7 && shape->padding == 3 && !shape->input_gradient ? STEM
                                                                                   : PRIMITIVES;
    if (shape->in.channels % pair != 0)
        return PRIMITIVES;
    if (shape->stride == 1 && shape->kernel == 1 && shape->padding == 0 &&
        shape->in.height * shape->in.width >= FEW)
        return POINTWISE;
    bool tiled = shape->stride == 1 && shape->kernel == 3 && shape->padding == 1;
    if (tiled && shape->in.height > 1 && shape->in.width > 1)
        return WINOGRAD;
    return shape->kernel <= GATHERED_KERNEL ? GATHERED : PRIMITIVES;
}

static bool weights_new(const struct convolution_shape *shape, enum way way,
                        onednn_layout **weights, struct error *error) {
    const dnnl_dims_t dims = {shape->out.channels, shape->in.channels, shape->kernel,
                              shape->kernel};
    bool large = shape->block == 16;
    if (way == WINOGRAD)
        return onednn_layout_new(4, dims, large ? dnnl_OIhw16i16o : dnnl_OIhw8i8o, weights, error);
    return onednn_layout_new(4, dims, large ? dnnl_Ohwi16o : dnnl_Ohwi8o, weights, error);
}

bool convolution_new(const struct onednn *onednn, const struct convolution_shape *shape,
                     struct convolution **result, struct error *error) {
    *result = NULL;
    struct convolution *convolution = calloc(1, sizeof *convolution);
    if (convolution == NULL)
        return error_machine(error, "out of memory for a convolution");
    size_t block = shape->block, count = shape->count, ins = (size_t)shape->in.channels;
    size_t outs = (size_t)shape->out.channels;
    size_t height = (size_t)shape->in.height, width = (size_t)shape->in.width;
    size_t stride = (size_t)shape->stride;
    *convolution =
        (struct convolution){.way = way_of(shape),
                             .winograd = {block, count, ins, outs, height, width},
                             .pointwise = {block, count, ins, outs, height * width},
                             .gathered = {block, count, ins, outs, height, width,
                                          (size_t)shape->kernel, stride, (size_t)shape->padding},
                             .stem = {block, count, ins, outs, height, width, stride}};
    bool made = convolution->way == PRIMITIVES
                    ? primitives_new(onednn, shape, &convolution->primitives, error)
                    : weights_new(shape, convolution->way, &convolution->weights, error);
    if (!made) {
        convolution_free(convolution);
        return false;
    }
    *result = convolution;
    return true;
}

void convolution_free(struct convolution *convolution) {
    if (convolution == NULL)
        return;
    primitives_free(convolution->primitives);
    onednn_layout_free(convolution->weights);
    free(convolution);
}

const onednn_layout *convolution_weights(const struct convolution *convolution) {
    return convolution->way == PRIMITIVES ? primitives_weights(convolution->primitives)
                                          : convolution->weights;
}

size_t convolution_scratch(const struct convolution *convolution) {
    switch (convolution->way) {
    case WINOGRAD: return winograd_scratch(&convolution->winograd);
    case POINTWISE: return pointwise_scratch(&convolution->pointwise);
    case GATHERED: return gathered_scratch(&convolution->gathered);
    case STEM: return stem_scratch(&convolution->stem);
    case PRIMITIVES: break;
    }
    return primitives_scratch(convolution->primitives);
}

bool convolution_forward(const struct convolution *convolution, const float *input,
                         const float *weights, float *output, void *scratch, struct error *error) {
    switch (convolution->way) {
    case WINOGRAD:
        winograd_forward(&convolution->winograd, input, weights, output, scratch);
        return true;
    case POINTWISE: pointwise_forward(&convolution->pointwise, input, weights, output); return true;
    case GATHERED:
        gathered_forward(&convolution->gathered, input, weights, output, scratch);
        return true;
    case STEM: stem_forward(&convolution->stem, input, weights, output, scratch); return true;
    case PRIMITIVES: break;
    }
    return primitives_forward(convolution->primitives, input, weights, output, scratch, error);
}

bool convolution_backward_data(const struct convolution *convolution, const float *output_gradient,
                               const float *weights, float *input_gradient, void *scratch,
                               struct error *error) {
    switch (convolution->way) {
    case WINOGRAD:
        winograd_backward_data(&convolution->winograd, output_gradient, weights, input_gradient,
                               scratch);
        return true;
    case POINTWISE:
        pointwise_backward_data(&convolution->pointwise, output_gradient, weights, input_gradient,
                                scratch);
        return true;
    case GATHERED:
        gathered_backward_data(&convolution->gathered, output_gradient, weights, input_gradient,
                               scratch);
        return true;
    case STEM: return error_set(error, ERROR_FAILED, "pictures have no gradient");
    case PRIMITIVES: break;
    }
    return primitives_backward_data(convolution->primitives, output_gradient, weights,
                                    input_gradient, scratch, error);
}

bool convolution_backward_weights(const struct convolution *convolution, const float *input,
                                  const float *output_gradient, float *weights_gradient,
                                  void *scratch, struct error *error) {
    switch (convolution->way) {
    case WINOGRAD:
        winograd_backward_weights(&convolution->winograd, input, output_gradient, weights_gradient,
                                  scratch);
        return true;
    case POINTWISE:
        pointwise_backward_weights(&convolution->pointwise, input, output_gradient,
                                   weights_gradient);
        return true;
    case GATHERED:
        gathered_backward_weights(&convolution->gathered, input, output_gradient, weights_gradient,
                                  scratch);
        return true;
    case STEM:
        stem_backward_weights(&convolution->stem, input, output_gradient, weights_gradient,
                              scratch);
        return true;
    case PRIMITIVES: break;
    }
    return primitives_backward_weights(convolution->primitives, input, output_gradient,
                                       weights_gradient, scratch, error);
}
