#include "worker/nn/cpu/convolution.h"

#include <stdlib.h>
#include <string.h>

/* One operand of a primitive: as we hold it, and as the primitive uses it. */
struct operand {
    int argument; /* DNNL_ARG_... */
    bool output;
    dnnl_memory_t held, used;
    dnnl_primitive_t reorder; /* NULL: the layouts are one, and held == used */
    size_t scratch_offset;    /* where the reordered copy stands */
};

enum { OPERANDS = 3 };

/* One of forward, backward data, backward weights. */
struct pass {
    dnnl_primitive_t primitive;
    struct operand operands[OPERANDS];
    dnnl_memory_t scratchpad; /* oneDNN's own, at scratch_offset */
    size_t scratch_offset, scratch_bytes;
};

/* The operands' layouts, of values and of their gradients alike. */
struct layouts {
    onednn_layout *input, *weights, *output;
};

struct convolution {
    const struct onednn *onednn;
    struct layouts held; /* weights: as the forward pass likes them best */
    struct layouts any;  /* left to oneDNN */
    struct pass forward, backward_data, backward_weights;
};

static void layouts_free(struct layouts *layouts) {
    onednn_layout_free(layouts->input);
    onednn_layout_free(layouts->weights);
    onednn_layout_free(layouts->output);
}

/* Weights are left to oneDNN. To be freed when it fails, too. */
static bool layouts_new(const struct convolution_shape *shape, dnnl_format_tag_t input,
                        dnnl_format_tag_t output, struct layouts *layouts, struct error *error) {
    const dnnl_dims_t in = {(dnnl_dim_t)shape->count, shape->in.channels, shape->in.height,
                            shape->in.width};
    const dnnl_dims_t weights = {shape->out.channels, shape->in.channels, shape->kernel,
                                 shape->kernel};
    const dnnl_dims_t out = {(dnnl_dim_t)shape->count, shape->out.channels, shape->out.height,
                             shape->out.width};
    *layouts = (struct layouts){0};
    return onednn_layout_new(4, in, input, &layouts->input, error) &&
           onednn_layout_new(4, weights, dnnl_format_tag_any, &layouts->weights, error) &&
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

static size_t aligned(size_t bytes) {
    return (bytes + 63) / 64 * 64;
}

static bool operand_new(struct pass *pass, struct operand *operand, const struct onednn *onednn,
                        int argument, bool output, const onednn_layout *held,
                        const onednn_layout *used, struct error *error) {
    operand->argument = argument;
    operand->output = output;
    if (!onednn_memory(onednn, held, &operand->held, error))
        return false;
    if (dnnl_memory_desc_equal(held, used)) {
        operand->used = operand->held;
        return true;
    }
    operand->scratch_offset = pass->scratch_bytes;
    pass->scratch_bytes += aligned(dnnl_memory_desc_get_size(used));
    return onednn_memory(onednn, used, &operand->used, error) &&
           onednn_reorder_new(onednn, output ? used : held, output ? held : used, &operand->reorder,
                              error);
}

struct held {
    int argument;
    bool output;
    const onednn_layout *desc;
    dnnl_query_t query;
};

static bool pass_new(struct pass *pass, const struct onednn *onednn, dnnl_primitive_desc_t desc,
                     const struct held held[OPERANDS], struct error *error) {
    if (!onednn_ok(dnnl_primitive_create(&pass->primitive, desc), "compile a convolution", error))
        return false;
    for (int i = 0; i < OPERANDS; i++)
        if (!operand_new(pass, &pass->operands[i], onednn, held[i].argument, held[i].output,
                         held[i].desc, dnnl_primitive_desc_query_md(desc, held[i].query, 0), error))
            return false;
    const onednn_layout *scratchpad =
        dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    pass->scratch_offset = pass->scratch_bytes;
    pass->scratch_bytes += aligned(dnnl_memory_desc_get_size(scratchpad));
    return onednn_memory(onednn, scratchpad, &pass->scratchpad, error);
}

static void pass_free(struct pass *pass) {
    for (int i = 0; i < OPERANDS; i++) {
        struct operand *operand = &pass->operands[i];
        if (operand->reorder != NULL)
            dnnl_primitive_destroy(operand->reorder);
        if (operand->used != NULL && operand->used != operand->held)
            dnnl_memory_destroy(operand->used);
        if (operand->held != NULL)
            dnnl_memory_destroy(operand->held);
    }
    if (pass->scratchpad != NULL)
        dnnl_memory_destroy(pass->scratchpad);
    if (pass->primitive != NULL)
        dnnl_primitive_destroy(pass->primitive);
}

static bool operand_reorder(const struct onednn *onednn, const struct operand *operand,
                            struct error *error) {
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_FROM, operand->output ? operand->used : operand->held},
        {DNNL_ARG_TO, operand->output ? operand->held : operand->used}};
    return onednn_run(onednn, operand->reorder, 2, arguments, error);
}

/* data: where the operands stand, in their order in the pass. */
static bool pass_run(const struct onednn *onednn, const struct pass *pass,
                     const void *const data[OPERANDS], void *scratch, struct error *error) {
    dnnl_exec_arg_t arguments[OPERANDS + 1];
    for (int i = 0; i < OPERANDS; i++) {
        const struct operand *operand = &pass->operands[i];
        /* oneDNN's handles are not const; inputs are not written. */
        dnnl_memory_set_data_handle(operand->held, (void *)(uintptr_t)data[i]);
        if (operand->reorder != NULL) {
            dnnl_memory_set_data_handle(operand->used, (char *)scratch + operand->scratch_offset);
            if (!operand->output && !operand_reorder(onednn, operand, error))
                return false;
        }
        arguments[i] = (dnnl_exec_arg_t){operand->argument, operand->used};
    }
    dnnl_memory_set_data_handle(pass->scratchpad, (char *)scratch + pass->scratch_offset);
    arguments[OPERANDS] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, pass->scratchpad};
    if (!onednn_run(onednn, pass->primitive, OPERANDS + 1, arguments, error))
        return false;
    for (int i = 0; i < OPERANDS; i++)
        if (pass->operands[i].output && pass->operands[i].reorder != NULL &&
            !operand_reorder(onednn, &pass->operands[i], error))
            return false;
    return true;
}

/* Whether a layout is that of the output with blocks of so many channels. */
static bool is_blocked(const onednn_layout *layout, const struct convolution_shape *shape,
                       size_t block, bool *blocked, struct error *error) {
    struct layouts layouts;
    bool made = layouts_new(shape, dnnl_nchw, block_tag(block), &layouts, error);
    *blocked = made && dnnl_memory_desc_equal(layout, layouts.output);
    layouts_free(&layouts);
    return made;
}

bool convolution_block(const struct onednn *onednn, const struct convolution_shape *shape,
                       size_t *block, struct error *error) {
    struct layouts layouts;
    dnnl_primitive_desc_t desc = NULL;
    bool done = layouts_new(shape, dnnl_nchw, dnnl_format_tag_any, &layouts, error) &&
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
    onednn_layout_free(layouts->weights);
    if (!onednn_layout_copy(dnnl_primitive_desc_query_md(*desc, dnnl_query_weights_md, 0),
                            &layouts->weights, error))
        return false;
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
    dnnl_primitive_desc_t desc;
    if (!pass_choose(convolution, ONEDNN_BACKWARD_WEIGHTS, shape, forward, &desc, error))
        return false;
    const struct layouts *layouts = &convolution->held;
    const struct held held[OPERANDS] = {
        {DNNL_ARG_SRC, false, layouts->input, dnnl_query_src_md},
        {DNNL_ARG_DIFF_DST, false, layouts->output, dnnl_query_diff_dst_md},
        {DNNL_ARG_DIFF_WEIGHTS, true, layouts->weights, dnnl_query_diff_weights_md}};
    bool made = pass_new(&convolution->backward_weights, convolution->onednn, desc, held, error);
    dnnl_primitive_desc_destroy(desc);
    return made;
}

bool convolution_new(const struct onednn *onednn, const struct convolution_shape *shape,
                     struct convolution **result, struct error *error) {
    *result = NULL;
    struct convolution *convolution = calloc(1, sizeof *convolution);
    if (convolution == NULL)
        return error_machine(error, "out of memory for a convolution");
    convolution->onednn = onednn;
    dnnl_format_tag_t held = block_tag(shape->block);
    dnnl_primitive_desc_t forward = NULL;
    bool made =
        layouts_new(shape, shape->plain_input ? dnnl_nchw : held, held, &convolution->held,
                    error) &&
        layouts_new(shape, dnnl_format_tag_any, dnnl_format_tag_any, &convolution->any, error) &&
        forward_new(convolution, shape, &forward, error) &&
        (!shape->training || !shape->input_gradient ||
         backward_data_new(convolution, shape, forward, error)) &&
        (!shape->training || !shape->weights_gradient ||
         backward_weights_new(convolution, shape, forward, error));
    if (forward != NULL)
        dnnl_primitive_desc_destroy(forward);
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
    size_t most = convolution->forward.scratch_bytes;
    if (convolution->backward_data.scratch_bytes > most)
        most = convolution->backward_data.scratch_bytes;
    if (convolution->backward_weights.scratch_bytes > most)
        most = convolution->backward_weights.scratch_bytes;
    return most;
}

bool convolution_forward(const struct convolution *convolution, const float *input,
                         const float *weights, float *output, void *scratch, struct error *error) {
    return pass_run(convolution->onednn, &convolution->forward,
                    (const void *const[]){input, weights, output}, scratch, error);
}

bool convolution_backward_data(const struct convolution *convolution, const float *output_gradient,
                               const float *weights, float *input_gradient, void *scratch,
                               struct error *error) {
    return pass_run(convolution->onednn, &convolution->backward_data,
                    (const void *const[]){output_gradient, weights, input_gradient}, scratch,
                    error);
}

bool convolution_backward_weights(const struct convolution *convolution, const float *input,
                                  const float *output_gradient, float *weights_gradient,
                                  void *scratch, struct error *error) {
    return pass_run(convolution->onednn, &convolution->backward_weights,
                    (const void *const[]){input, output_gradient, weights_gradient}, scratch,
                    error);
}
