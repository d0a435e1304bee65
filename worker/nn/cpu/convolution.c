#include "worker/nn/cpu/convolution.h"

#include "worker/nn/cpu/gathered.h"
#include "worker/nn/cpu/pass.h"
#include "worker/nn/cpu/pointwise.h"
#include "worker/nn/cpu/product.h"
#include "worker/nn/cpu/stem.h"
#include "worker/nn/cpu/winograd.h"

#include <stdlib.h>
#include <string.h>

/* The operands' layouts, of values and of their gradients alike. */
struct layouts {
    onednn_layout *input, *weights, *output;
};

/* What is done by kernels of our own: all passes, or of the stem the gradients of weights alone. */
enum ours { NOTHING, WINOGRAD, POINTWISE, GATHERED, STEM };

struct convolution {
    enum ours ours;
    struct winograd winograd;
    struct pointwise pointwise;
    struct gathered gathered;
    struct stem stem;
    struct layouts held; /* weights: as the forward pass likes them best */
    /* For the passes that are oneDNN's: */
    const struct onednn *onednn;
    struct layouts any; /* left to it */
    struct pass forward, backward_data, backward_weights;
};

static void layouts_free(struct layouts *layouts) {
    onednn_layout_free(layouts->input);
    onednn_layout_free(layouts->weights);
    onednn_layout_free(layouts->output);
}

/* To be freed when it fails, too. */
static bool layouts_new(const struct convolution_shape *shape, dnnl_format_tag_t input,
                        dnnl_format_tag_t filter, dnnl_format_tag_t output, struct layouts *layouts,
                        struct error *error) {
    const dnnl_dims_t in = {(dnnl_dim_t)shape->count, shape->in.channels, shape->in.height,
                            shape->in.width};
    const dnnl_dims_t weights = {shape->out.channels, shape->in.channels, shape->kernel,
                                 shape->kernel};
    const dnnl_dims_t out = {(dnnl_dim_t)shape->count, shape->out.channels, shape->out.height,
                             shape->out.width};
    *layouts = (struct layouts){0};
    return onednn_layout_new(4, in, input, &layouts->input, error) &&
           onednn_layout_new(4, weights, filter, &layouts->weights, error) &&
           onednn_layout_new(4, out, output, &layouts->output, error);
}

static dnnl_format_tag_t block_tag(size_t block) {
    return block == 16 ? dnnl_nChw16c : block == 8 ? dnnl_nChw8c : dnnl_nchw;
}

/* A primitive descriptor for one pass with these layouts (any of them may be `any`). */
static dnnl_status_t pass_desc(const struct onednn *onednn, enum onednn_pass pass,
                               const struct convolution_shape *shape, const struct layouts *layouts,
                               dnnl_primitive_desc_t forward, dnnl_primitive_desc_t *desc) {
    const struct onednn_convolution convolution = {
        .pass = pass,
        .training = shape->training,
        .input = layouts->input,
        .weights = layouts->weights,
        .output = layouts->output,
        .stride = {shape->stride, shape->stride},
        .padding = {shape->padding, shape->padding},
        .forward = forward,
    };
    return onednn_convolution_desc(onednn, &convolution, desc);
}

static bool is_reference(const_dnnl_primitive_desc_t desc) {
    const char *name = NULL;
    return dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name) == dnnl_success &&
           name != NULL && strstr(name, "ref") != NULL;
}

/* The layouts we hold, when oneDNN has a fast kernel for them; else those it likes best. Weights
 * are always left to it. */
static bool pass_choose(const struct convolution *convolution, enum onednn_pass pass,
                        const struct convolution_shape *shape, dnnl_primitive_desc_t forward,
                        dnnl_primitive_desc_t *desc, struct error *error) {
    const struct layouts ours = {.input = convolution->held.input,
                                 .weights = convolution->any.weights,
                                 .output = convolution->held.output};
    dnnl_primitive_desc_t held = NULL, free_choice = NULL;
    dnnl_status_t status = pass_desc(convolution->onednn, pass, shape, &ours, forward, &held);
    if (status == dnnl_success && !is_reference(held)) {
        *desc = held;
        return true;
    }
    dnnl_status_t second =
        pass_desc(convolution->onednn, pass, shape, &convolution->any, forward, &free_choice);
    if (second == dnnl_success) {
        if (held != NULL)
            dnnl_primitive_desc_destroy(held);
        *desc = free_choice;
        return true;
    }
    *desc = held;
    return onednn_ok(status, "find a convolution kernel", error);
}

/* Whether a layout is that of the output with blocks of so many channels. */
static bool is_blocked(const onednn_layout *layout, const struct convolution_shape *shape,
                       size_t block, bool *blocked, struct error *error) {
    struct layouts layouts;
    bool made =
        layouts_new(shape, dnnl_nchw, dnnl_format_tag_any, block_tag(block), &layouts, error);
    *blocked = made && dnnl_memory_desc_equal(layout, layouts.output);
    layouts_free(&layouts);
    return made;
}

bool convolution_block(const struct onednn *onednn, const struct convolution_shape *shape,
                       size_t *block, struct error *error) {
    struct layouts layouts;
    dnnl_primitive_desc_t desc = NULL;
    bool done =
        layouts_new(shape, dnnl_nchw, dnnl_format_tag_any, dnnl_format_tag_any, &layouts, error) &&
        onednn_ok(pass_desc(onednn, ONEDNN_FORWARD, shape, &layouts, NULL, &desc),
                  "find a convolution kernel", error);
    layouts_free(&layouts);
    *block = 1;
    for (size_t candidate = 8; done && candidate <= 16; candidate *= 2) {
        bool blocked;
        done = is_blocked(dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0), shape,
                          candidate, &blocked, error);
        if (blocked)
            *block = candidate;
    }
    if (desc != NULL)
        dnnl_primitive_desc_destroy(desc);
    return done;
}

static bool forward_new(struct convolution *convolution, const struct convolution_shape *shape,
                        dnnl_primitive_desc_t *desc, struct error *error) {
    if (!pass_choose(convolution, ONEDNN_FORWARD, shape, NULL, desc, error))
        return false;
    struct layouts *layouts = &convolution->held;
    if (convolution->ours == NOTHING) {
        onednn_layout_free(layouts->weights);
        if (!onednn_layout_copy(dnnl_primitive_desc_query_md(*desc, dnnl_query_weights_md, 0),
                                &layouts->weights, error))
            return false;
    }
    const struct held held[OPERANDS] = {
        {DNNL_ARG_SRC, false, layouts->input, dnnl_query_src_md},
        {DNNL_ARG_WEIGHTS, false, layouts->weights, dnnl_query_weights_md},
        {DNNL_ARG_DST, true, layouts->output, dnnl_query_dst_md}};
    return pass_new(&convolution->forward, convolution->onednn, *desc, held, error);
}

static bool backward_data_new(struct convolution *convolution,
                              const struct convolution_shape *shape, dnnl_primitive_desc_t forward,
                              struct error *error) {
    dnnl_primitive_desc_t desc;
    if (!pass_choose(convolution, ONEDNN_BACKWARD_DATA, shape, forward, &desc, error))
        return false;
    const struct layouts *layouts = &convolution->held;
    const struct held held[OPERANDS] = {
        {DNNL_ARG_DIFF_DST, false, layouts->output, dnnl_query_diff_dst_md},
        {DNNL_ARG_WEIGHTS, false, layouts->weights, dnnl_query_weights_md},
        {DNNL_ARG_DIFF_SRC, true, layouts->input, dnnl_query_diff_src_md}};
    bool made = pass_new(&convolution->backward_data, convolution->onednn, desc, held, error);
    dnnl_primitive_desc_destroy(desc);
    return made;
}

static bool backward_weights_new(struct convolution *convolution,
                                 const struct convolution_shape *shape,
                                 dnnl_primitive_desc_t forward, struct error *error) {
    const struct layouts *layouts = &convolution->held;
    const struct held held[OPERANDS] = {
        {DNNL_ARG_SRC, false, layouts->input, dnnl_query_src_md},
        {DNNL_ARG_DIFF_DST, false, layouts->output, dnnl_query_diff_dst_md},
        {DNNL_ARG_DIFF_WEIGHTS, true, layouts->weights, dnnl_query_diff_weights_md}};
    dnnl_primitive_desc_t desc;
    if (!pass_choose(convolution, ONEDNN_BACKWARD_WEIGHTS, shape, forward, &desc, error))
        return false;
    bool made = pass_new(&convolution->backward_weights, convolution->onednn, desc, held, error);
    dnnl_primitive_desc_destroy(desc);
    return made;
}

/* Winograd halves oneDNN's time, the others take as much; and neither a number of threads nor the
 * size of a block changes their sums. Of a map of one row or column, tiles would be mostly border;
 * of few pixels, products of a picture's alone would wait for their weights. */
static enum ours ours_of(const struct convolution_shape *shape) {
    enum { FEW = 48 };
    int pair = 2 * (int)shape->block;
    if (!product_is_fast(shape->block) || shape->out.channels % pair != 0)
        return NOTHING;
    if (shape->plain_input)
        return shape->kernel == 7 && shape->padding == 3 ? STEM : NOTHING;
    if (shape->in.channels % pair != 0)
        return NOTHING;
    if (shape->stride == 1 && shape->kernel == 1 && shape->padding == 0 &&
        shape->in.height * shape->in.width >= FEW)
        return POINTWISE;
    bool tiled = shape->stride == 1 && shape->kernel == 3 && shape->padding == 1;
    if (tiled && shape->in.height > 1 && shape->in.width > 1)
        return WINOGRAD;
    return shape->kernel <= GATHERED_KERNEL ? GATHERED : NOTHING;
}

/* The layout in which weights are held. */
static dnnl_format_tag_t weights_tag(enum ours ours, size_t block) {
    if (ours == NOTHING)
        return dnnl_format_tag_any;
    if (ours == WINOGRAD)
        return block == 16 ? dnnl_OIhw16i16o : dnnl_OIhw8i8o;
    return block == 16 ? dnnl_Ohwi16o : dnnl_Ohwi8o;
}

static bool passes_new(struct convolution *convolution, const struct convolution_shape *shape,
                       struct error *error) {
    dnnl_primitive_desc_t forward = NULL;
    bool made = layouts_new(shape, dnnl_format_tag_any, dnnl_format_tag_any, dnnl_format_tag_any,
                            &convolution->any, error) &&
                forward_new(convolution, shape, &forward, error) &&
                (!shape->training || !shape->input_gradient ||
                 backward_data_new(convolution, shape, forward, error)) &&
                (!shape->training || !shape->weights_gradient || convolution->ours != NOTHING ||
                 backward_weights_new(convolution, shape, forward, error));
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
    return made;
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
        (struct convolution){.ours = ours_of(shape),
                             .winograd = {block, count, ins, outs, height, width},
                             .pointwise = {block, count, ins, outs, height * width},
                             .gathered = {block, count, ins, outs, height, width,
                                          (size_t)shape->kernel, stride, (size_t)shape->padding},
                             .stem = {block, count, ins, outs, height, width, stride},
                             .onednn = onednn};
    dnnl_format_tag_t held = block_tag(block);
    if (!layouts_new(shape, shape->plain_input ? dnnl_nchw : held,
                     weights_tag(convolution->ours, block), held, &convolution->held, error) ||
        ((convolution->ours == NOTHING || convolution->ours == STEM) &&
         !passes_new(convolution, shape, error))) {
        convolution_free(convolution);
        return false;
    }
    *result = convolution;
    return true;
}

void convolution_free(struct convolution *convolution) {
    if (convolution == NULL)
        return;
    pass_free(&convolution->forward);
    pass_free(&convolution->backward_data);
    pass_free(&convolution->backward_weights);
    layouts_free(&convolution->held);
    layouts_free(&convolution->any);
    free(convolution);
}

const onednn_layout *convolution_weights(const struct convolution *convolution) {
    return convolution->held.weights;
}

size_t convolution_scratch(const struct convolution *convolution) {
    size_t passes[] = {convolution->forward.scratch_bytes, convolution->backward_data.scratch_bytes,
                       convolution->backward_weights.scratch_bytes};
    size_t most = 0;
    switch (convolution->ours) {
    case WINOGRAD: return winograd_scratch(&convolution->winograd);
    case POINTWISE: return pointwise_scratch(&convolution->pointwise);
    case GATHERED: return gathered_scratch(&convolution->gathered);
    case STEM: most = stem_scratch(&convolution->stem); break;
    case NOTHING: break;
    }
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        most = passes[i] > most ? passes[i] : most;
    return most;
}

bool convolution_forward(const struct convolution *convolution, const float *input,
                         const float *weights, float *output, void *scratch, struct error *error) {
    switch (convolution->ours) {
    case WINOGRAD:
        winograd_forward(&convolution->winograd, input, weights, output, scratch);
        return true;
    case POINTWISE: pointwise_forward(&convolution->pointwise, input, weights, output); return true;
    case GATHERED:
        gathered_forward(&convolution->gathered, input, weights, output, scratch);
        return true;
    case STEM:
    case NOTHING: break;
    }
    return pass_run(convolution->onednn, &convolution->forward,
                    (const void *const[]){input, weights, output}, scratch, error);
}

bool convolution_backward_data(const struct convolution *convolution, const float *output_gradient,
                               const float *weights, float *input_gradient, void *scratch,
                               struct error *error) {
    switch (convolution->ours) {
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
    case STEM:
    case NOTHING: break;
    }
    return pass_run(convolution->onednn, &convolution->backward_data,
                    (const void *const[]){output_gradient, weights, input_gradient}, scratch,
                    error);
}

bool convolution_backward_weights(const struct convolution *convolution, const float *input,
                                  const float *output_gradient, float *weights_gradient,
                                  void *scratch, struct error *error) {
    switch (convolution->ours) {
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
    case NOTHING: break;
    }
    return pass_run(convolution->onednn, &convolution->backward_weights,
                    (const void *const[]){input, output_gradient, weights_gradient}, scratch,
                    error);
}
