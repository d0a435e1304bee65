#include "worker/nn/cpu/primitives.h"

#include "worker/nn/cpu/pass.h"

#include <stdlib.h>
#include <string.h>

/* The operands' layouts, of values and of their gradients alike. */
struct layouts {
    onednn_layout *input, *weights, *output;
};

struct primitives {
    const struct onednn *onednn;
    struct layouts held; /* weights: as the forward pass likes them best */
    struct layouts any;  /* left to oneDNN */
    struct pass forward, backward_data, backward_weights;
};

/* ---- layouts ---- */

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

/* ---- what oneDNN has ---- */

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
static bool pass_choose(const struct primitives *primitives, enum onednn_pass pass,
                        const struct convolution_shape *shape, dnnl_primitive_desc_t forward,
                        dnnl_primitive_desc_t *desc, struct error *error) {
    const struct layouts ours = {.input = primitives->held.input,
                                 .weights = primitives->any.weights,
                                 .output = primitives->held.output};
    dnnl_primitive_desc_t held = NULL, free_choice = NULL;
    dnnl_status_t status = pass_desc(primitives->onednn, pass, shape, &ours, forward, &held);
    if (status == dnnl_success && !is_reference(held)) {
        *desc = held;
        return true;
    }
    dnnl_status_t second =
        pass_desc(primitives->onednn, pass, shape, &primitives->any, forward, &free_choice);
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

bool primitives_block(const struct onednn *onednn, const struct convolution_shape *shape,
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

/* ---- passes ---- */

static bool forward_new(struct primitives *primitives, const struct convolution_shape *shape,
                        dnnl_primitive_desc_t *desc, struct error *error) {
    if (!pass_choose(primitives, ONEDNN_FORWARD, shape, NULL, desc, error))
        return false;
    struct layouts *layouts = &primitives->held;
    onednn_layout_free(layouts->weights);
    if (!onednn_layout_copy(dnnl_primitive_desc_query_md(*desc, dnnl_query_weights_md, 0),
                            &layouts->weights, error))
        return false;
    const struct held held[OPERANDS] = {
        {DNNL_ARG_SRC, false, layouts->input, dnnl_query_src_md},
        {DNNL_ARG_WEIGHTS, false, layouts->weights, dnnl_query_weights_md},
        {DNNL_ARG_DST, true, layouts->output, dnnl_query_dst_md}};
    return pass_new(&primitives->forward, primitives->onednn, *desc, held, error);
}

static bool backward_data_new(struct primitives *primitives, const struct convolution_shape *shape,
                              dnnl_primitive_desc_t forward, struct error *error) {
    dnnl_primitive_desc_t desc;
    if (!pass_choose(primitives, ONEDNN_BACKWARD_DATA, shape, forward, &desc, error))
        return false;
    const struct layouts *layouts = &primitives->held;
    const struct held held[OPERANDS] = {
        {DNNL_ARG_DIFF_DST, false, layouts->output, dnnl_query_diff_dst_md},
        {DNNL_ARG_WEIGHTS, false, layouts->weights, dnnl_query_weights_md},
        {DNNL_ARG_DIFF_SRC, true, layouts->input, dnnl_query_diff_src_md}};
    bool made = pass_new(&primitives->backward_data, primitives->onednn, desc, held, error);
    dnnl_primitive_desc_destroy(desc);
    return made;
}

static bool backward_weights_new(struct primitives *primitives,
                                 const struct convolution_shape *shape,
                                 dnnl_primitive_desc_t forward, struct error *error) {
    const struct layouts *layouts = &primitives->held;
    const struct held held[OPERANDS] = {
        {DNNL_ARG_SRC, false, layouts->input, dnnl_query_src_md},
        {DNNL_ARG_DIFF_DST, false, layouts->output, dnnl_query_diff_dst_md},
        {DNNL_ARG_DIFF_WEIGHTS, true, layouts->weights, dnnl_query_diff_weights_md}};
    dnnl_primitive_desc_t desc;
    if (!pass_choose(primitives, ONEDNN_BACKWARD_WEIGHTS, shape, forward, &desc, error))
        return false;
    bool made = pass_new(&primitives->backward_weights, primitives->onednn, desc, held, error);
    dnnl_primitive_desc_destroy(desc);
    return made;
}

bool primitives_new(const struct onednn *onednn, const struct convolution_shape *shape,
                    struct primitives **result, struct error *error) {
    *result = NULL;
    struct primitives *primitives = calloc(1, sizeof *primitives);
    if (primitives == NULL)
        return error_machine(error, "out of memory for a convolution");
    primitives->onednn = onednn;
    dnnl_primitive_desc_t forward = NULL;
    dnnl_format_tag_t held = block_tag(shape->block);
    bool made = layouts_new(shape, shape->plain_input ? dnnl_nchw : held, dnnl_format_tag_any, held,
                            &primitives->held, error) &&
                layouts_new(shape, dnnl_format_tag_any, dnnl_format_tag_any, dnnl_format_tag_any,
                            &primitives->any, error) &&
                forward_new(primitives, shape, &forward, error) &&
                (!shape->training || !shape->input_gradient ||
                 backward_data_new(primitives, shape, forward, error)) &&
                (!shape->training || !shape->weights_gradient ||
                 backward_weights_new(primitives, shape, forward, error));
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
    if (!made) {
        primitives_free(primitives);
        return false;
    }
    *result = primitives;
    return true;
}

void primitives_free(struct primitives *primitives) {
    if (primitives == NULL)
        return;
    pass_free(&primitives->forward);
    pass_free(&primitives->backward_data);
    pass_free(&primitives->backward_weights);
    layouts_free(&primitives->held);
    layouts_free(&primitives->any);
    free(primitives);
}

const onednn_layout *primitives_weights(const struct primitives *primitives) {
    return primitives->held.weights;
}

size_t primitives_scratch(const struct primitives *primitives) {
    const size_t passes[] = {primitives->forward.scratch_bytes,
                             primitives->backward_data.scratch_bytes,
                             primitives->backward_weights.scratch_bytes};
    size_t most = 0;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        most = passes[i] > most ? passes[i] : most;
    return most;
}

bool primitives_forward(const struct primitives *primitives, const float *input,
                        const float *weights, float *output, void *scratch, struct error *error) {
    return pass_run(primitives->onednn, &primitives->forward,
                    (const void *const[]){input, weights, output}, scratch, error);
}

bool primitives_backward_data(const struct primitives *primitives, const float *output_gradient,
                              const float *weights, float *input_gradient, void *scratch,
                              struct error *error) {
    return pass_run(primitives->onednn, &primitives->backward_data,
                    (const void *const[]){output_gradient, weights, input_gradient}, scratch,
                    error);
}

bool primitives_backward_weights(const struct primitives *primitives, const float *input,
                                 const float *output_gradient, float *weights_gradient,
                                 void *scratch, struct error *error) {
    return pass_run(primitives->onednn, &primitives->backward_weights,
                    (const void *const[]){input, output_gradient, weights_gradient}, scratch,
                    error);
}
