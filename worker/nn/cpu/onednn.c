#include "worker/nn/cpu/onednn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool onednn_ok(dnnl_status_t status, const char *what, struct error *error) {
    static const char *const names[] = {"success",       "out of memory", "invalid arguments",
                                        "unimplemented", "iterator ends", "runtime error",
                                        "not required"};
    if (status == dnnl_success)
        return true;
    size_t known = sizeof names / sizeof names[0];
    if (status == dnnl_out_of_memory)
        return error_machine(error, "oneDNN cannot %s: %s", what, names[status]);
    return error_set(error, ERROR_FAILED, "oneDNN cannot %s: %s", what,
                     (size_t)status < known ? names[status] : "unknown status");
}

bool onednn_open(struct onednn *onednn, struct error *error) {
    *onednn = (struct onednn){0};
    if (onednn_ok(dnnl_engine_create(&onednn->engine, dnnl_cpu, 0), "open the processor", error) &&
        onednn_ok(dnnl_stream_create(&onednn->stream, onednn->engine, dnnl_stream_default_flags),
                  "make a stream", error))
        return true;
    onednn_close(onednn);
    return false;
}

void onednn_close(struct onednn *onednn) {
    if (onednn->stream != NULL)
        dnnl_stream_destroy(onednn->stream);
    if (onednn->engine != NULL)
        dnnl_engine_destroy(onednn->engine);
    *onednn = (struct onednn){0};
}

#if DNNL_VERSION_MAJOR >= 3

bool onednn_layout_new(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag,
                       onednn_layout **layout, struct error *error) {
    *layout = NULL;
    return onednn_ok(dnnl_memory_desc_create_with_tag(layout, rank, dims, dnnl_f32, tag),
                     "describe a layout", error);
}

bool onednn_layout_copy(const onednn_layout *layout, onednn_layout **copy, struct error *error) {
    *copy = NULL;
    return onednn_ok(dnnl_memory_desc_clone(copy, layout), "copy a layout", error);
}

void onednn_layout_free(onednn_layout *layout) {
    if (layout != NULL)
        dnnl_memory_desc_destroy(layout);
}

static dnnl_status_t kernel_find(const struct onednn *onednn, const struct onednn_convolution *c,
                                 dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *desc) {
    const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
    if (c->pass == ONEDNN_FORWARD)
        return dnnl_convolution_forward_primitive_desc_create(
            desc, onednn->engine, c->training ? dnnl_forward_training : dnnl_forward_inference,
            algorithm, c->input, c->weights, NULL, c->output, c->stride, NULL, c->padding,
            c->padding, attributes);
    if (c->pass == ONEDNN_BACKWARD_DATA)
        return dnnl_convolution_backward_data_primitive_desc_create(
            desc, onednn->engine, algorithm, c->input, c->weights, c->output, c->stride, NULL,
            c->padding, c->padding, c->forward, attributes);
    return dnnl_convolution_backward_weights_primitive_desc_create(
        desc, onednn->engine, algorithm, c->input, c->weights, NULL, c->output, c->stride, NULL,
        c->padding, c->padding, c->forward, attributes);
}

#else /* oneDNN 2: layouts are plain structs, kernels are found by way of operation descriptors */

bool onednn_layout_new(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag,
                       onednn_layout **layout, struct error *error) {
    *layout = malloc(sizeof **layout);
    if (*layout == NULL)
        return error_machine(error, "out of memory for a layout");
    if (onednn_ok(dnnl_memory_desc_init_by_tag(*layout, rank, dims, dnnl_f32, tag),
                  "describe a layout", error))
        return true;
    free(*layout);
    *layout = NULL;
    return false;
}

bool onednn_layout_copy(const onednn_layout *layout, onednn_layout **copy, struct error *error) {
    *copy = malloc(sizeof **copy);
    if (*copy == NULL)
        return error_machine(error, "out of memory for a layout");
    **copy = *layout;
    return true;
}

void onednn_layout_free(onednn_layout *layout) {
    free(layout);
}

static dnnl_status_t kernel_find(const struct onednn *onednn, const struct onednn_convolution *c,
                                 dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *desc) {
    const dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
    dnnl_convolution_desc_t operation;
    dnnl_status_t status;
    if (c->pass == ONEDNN_FORWARD)
        status = dnnl_convolution_forward_desc_init(
            &operation, c->training ? dnnl_forward_training : dnnl_forward_inference, algorithm,
            c->input, c->weights, NULL, c->output, c->stride, c->padding, c->padding);
    else if (c->pass == ONEDNN_BACKWARD_DATA)
        status =
            dnnl_convolution_backward_data_desc_init(&operation, algorithm, c->input, c->weights,
                                                     c->output, c->stride, c->padding, c->padding);
    else
        status = dnnl_convolution_backward_weights_desc_init(&operation, algorithm, c->input,
                                                             c->weights, NULL, c->output, c->stride,
                                                             c->padding, c->padding);
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(desc, &operation, attributes, onednn->engine, c->forward);
}

#endif

dnnl_status_t onednn_convolution_desc(const struct onednn *onednn,
                                      const struct onednn_convolution *convolution,
                                      dnnl_primitive_desc_t *desc) {
    dnnl_primitive_attr_t attributes;
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (status != dnnl_success)
        return status;
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    status = dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_strict);
    if (status == dnnl_success)
        status = kernel_find(onednn, convolution, attributes, desc);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

bool onednn_layout_plain(int rank, const dnnl_dim_t *dims, onednn_layout **layout,
                         struct error *error) {
    static const dnnl_format_tag_t tags[] = {dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc,
                                             dnnl_abcd};
    return onednn_layout_new(rank, dims, tags[rank], layout, error);
}

bool onednn_memory(const struct onednn *onednn, const onednn_layout *desc, dnnl_memory_t *memory,
                   struct error *error) {
    return onednn_ok(dnnl_memory_create(memory, desc, onednn->engine, DNNL_MEMORY_NONE),
                     "describe memory", error);
}

bool onednn_run(const struct onednn *onednn, dnnl_primitive_t primitive, int count,
                const dnnl_exec_arg_t *arguments, struct error *error) {
    return onednn_ok(dnnl_primitive_execute(primitive, onednn->stream, count, arguments),
                     "run a primitive", error) &&
           onednn_ok(dnnl_stream_wait(onednn->stream), "finish a primitive", error);
}

bool onednn_reorder_new(const struct onednn *onednn, const onednn_layout *from,
                        const onednn_layout *to, dnnl_primitive_t *reorder, struct error *error) {
    dnnl_primitive_desc_t desc;
    *reorder = NULL;
    if (!onednn_ok(dnnl_reorder_primitive_desc_create(&desc, from, onednn->engine, to,
                                                      onednn->engine, NULL),
                   "change a layout", error))
        return false;
    bool made = onednn_ok(dnnl_primitive_create(reorder, desc), "make a reorder", error);
    dnnl_primitive_desc_destroy(desc);
    return made;
}

bool onednn_reorder(const struct onednn *onednn, const onednn_layout *from_desc, const float *from,
                    const onednn_layout *to_desc, float *to, struct error *error) {
    if (dnnl_memory_desc_equal(from_desc, to_desc)) {
        memcpy(to, from, dnnl_memory_desc_get_size(from_desc));
        return true;
    }
    dnnl_primitive_t reorder = NULL;
    dnnl_memory_t source = NULL, target = NULL;
    bool done = false;
    if (!onednn_reorder_new(onednn, from_desc, to_desc, &reorder, error) ||
        !onednn_memory(onednn, from_desc, &source, error) ||
        !onednn_memory(onednn, to_desc, &target, error))
        goto out;
    /* The C API has no const handle; a reorder does not write its source. */
    if (!onednn_ok(dnnl_memory_set_data_handle(source, (void *)(uintptr_t)from), "set memory",
                   error) ||
        !onednn_ok(dnnl_memory_set_data_handle(target, to), "set memory", error))
        goto out;
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}};
    done = onednn_run(onednn, reorder, 2, arguments, error);
out:
    if (target != NULL)
        dnnl_memory_destroy(target);
    if (source != NULL)
        dnnl_memory_destroy(source);
    if (reorder != NULL)
        dnnl_primitive_destroy(reorder);
    return done;
}
