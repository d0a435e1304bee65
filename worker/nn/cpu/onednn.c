#include "worker/nn/cpu/onednn.h"

#include <stdint.h>
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

void onednn_plain(dnnl_memory_desc_t *desc, int rank, const dnnl_dim_t *dims) {
    static const dnnl_format_tag_t tags[] = {dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc,
                                             dnnl_abcd};
    dnnl_dims_t copy = {0};
    for (int i = 0; i < rank; i++)
        copy[i] = dims[i];
    dnnl_memory_desc_init_by_tag(desc, rank, copy, dnnl_f32, tags[rank]);
}

bool onednn_memory(const struct onednn *onednn, const dnnl_memory_desc_t *desc,
                   dnnl_memory_t *memory, struct error *error) {
    return onednn_ok(dnnl_memory_create(memory, desc, onednn->engine, DNNL_MEMORY_NONE),
                     "describe memory", error);
}

bool onednn_run(const struct onednn *onednn, dnnl_primitive_t primitive, int count,
                const dnnl_exec_arg_t *arguments, struct error *error) {
    return onednn_ok(dnnl_primitive_execute(primitive, onednn->stream, count, arguments),
                     "run a primitive", error) &&
           onednn_ok(dnnl_stream_wait(onednn->stream), "finish a primitive", error);
}

bool onednn_reorder_new(const struct onednn *onednn, const dnnl_memory_desc_t *from,
                        const dnnl_memory_desc_t *to, dnnl_primitive_t *reorder,
                        struct error *error) {
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

bool onednn_reorder(const struct onednn *onednn, const dnnl_memory_desc_t *from_desc,
                    const float *from, const dnnl_memory_desc_t *to_desc, float *to,
                    struct error *error) {
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
