/* onednn: the little of oneDNN's C API that is needed everywhere: statuses as errors, layouts,
 * memory objects over memory of our own, reorders. The API of oneDNN 2 and that of oneDNN 3 differ
 * in layouts and in what a convolution is asked with; this room alone knows it.
 */
#ifndef ASSAY_WORKER_NN_CPU_ONEDNN_H
#define ASSAY_WORKER_NN_CPU_ONEDNN_H

#include "core/error.h"

#include <oneapi/dnnl/dnnl.h>

/* What oneDNN calls a memory descriptor: dims, element type (float32 here) and order in memory. All
 * of its functions take a pointer to one; only how they are made and freed depends on the version.
 */
#if DNNL_VERSION_MAJOR >= 3
typedef struct dnnl_memory_desc onednn_layout;
#else
typedef dnnl_memory_desc_t onednn_layout;
#endif

struct onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

bool onednn_open(struct onednn *onednn, struct error *error);
void onednn_close(struct onednn *onednn);

/* True on success; else fills the error with "oneDNN cannot WHAT: STATUS". */
bool onednn_ok(dnnl_status_t status, const char *what, struct error *error);

/* A layout of float32; freed with onednn_layout_free, which accepts NULL. */
bool onednn_layout_new(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag,
                       onednn_layout **layout, struct error *error);
/* A dense plain tensor, row-major. */
bool onednn_layout_plain(int rank, const dnnl_dim_t *dims, onednn_layout **layout,
                         struct error *error);
bool onednn_layout_copy(const onednn_layout *layout, onednn_layout **copy, struct error *error);
void onednn_layout_free(onednn_layout *layout);

/* An object without memory; set its handle before use. Freed with dnnl_memory_destroy. */
bool onednn_memory(const struct onednn *onednn, const onednn_layout *desc, dnnl_memory_t *memory,
                   struct error *error);

/* Runs the primitive to its end. */
bool onednn_run(const struct onednn *onednn, dnnl_primitive_t primitive, int count,
                const dnnl_exec_arg_t *arguments, struct error *error);

/* A copy between two layouts of one tensor. */
bool onednn_reorder_new(const struct onednn *onednn, const onednn_layout *from,
                        const onednn_layout *to, dnnl_primitive_t *reorder, struct error *error);
/* Makes, runs and frees a reorder: for what happens rarely. */
bool onednn_reorder(const struct onednn *onednn, const onednn_layout *from_desc, const float *from,
                    const onednn_layout *to_desc, float *to, struct error *error);

enum onednn_pass { ONEDNN_FORWARD, ONEDNN_BACKWARD_DATA, ONEDNN_BACKWARD_WEIGHTS };

/* What a pass of a convolution is asked with. Layouts stand for values or for their gradients, as
 * the pass has it; any of them may be of format `any`. */
struct onednn_convolution {
    enum onednn_pass pass;
    bool training; /* of the forward pass */
    const onednn_layout *input, *weights, *output;
    dnnl_dims_t stride, padding;
    dnnl_primitive_desc_t forward; /* for the backward passes */
};

/* The kernel that oneDNN has for it, with scratch memory of the caller's, and of true floats
 * whatever ONEDNN_DEFAULT_FPMATH_MODE allows; freed with dnnl_primitive_desc_destroy. */
dnnl_status_t onednn_convolution_desc(const struct onednn *onednn,
                                      const struct onednn_convolution *convolution,
                                      dnnl_primitive_desc_t *desc);

#endif
