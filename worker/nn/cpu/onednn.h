/* onednn: the little of oneDNN's C API that is needed everywhere: statuses as errors, memory
 * objects over memory of our own, reorders.
 */
#ifndef ASSAY_WORKER_NN_CPU_ONEDNN_H
#define ASSAY_WORKER_NN_CPU_ONEDNN_H

#include "core/error.h"

#include <oneapi/dnnl/dnnl.h>
#include <stddef.h>

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

bool onednn_open(struct onednn *onednn, struct error *error);
void onednn_close(struct onednn *onednn);

/* True on success; else fills the error with "oneDNN cannot WHAT: STATUS". */
bool onednn_ok(dnnl_status_t status, const char *what, struct error *error);

/* A dense plain float32 tensor, row-major. */
void onednn_plain(dnnl_memory_desc_t *desc, int rank, const dnnl_dim_t *dims);

/* An object without memory; set its handle before use. Freed with dnnl_memory_destroy. */
bool onednn_memory(const struct onednn *onednn, const dnnl_memory_desc_t *desc,
                   dnnl_memory_t *memory, struct error *error);

/* Runs the primitive to its end. */
bool onednn_run(const struct onednn *onednn, dnnl_primitive_t primitive, int count,
                const dnnl_exec_arg_t *arguments, struct error *error);

/* A copy between two layouts of one tensor. */
bool onednn_reorder_new(const struct onednn *onednn, const dnnl_memory_desc_t *from,
                        const dnnl_memory_desc_t *to, dnnl_primitive_t *reorder,
                        struct error *error);
/* Makes, runs and frees a reorder: for what happens rarely. */
bool onednn_reorder(const struct onednn *onednn, const dnnl_memory_desc_t *from_desc,
                    const float *from, const dnnl_memory_desc_t *to_desc, float *to,
                    struct error *error);

#endif
