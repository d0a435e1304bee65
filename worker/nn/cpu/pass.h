/* pass: one pass of a convolution as oneDNN does it, with each operand where and how we hold it;
 * one that the primitive wants otherwise is reordered through scratch memory.
 */
#ifndef ASSAY_WORKER_NN_CPU_PASS_H
#define ASSAY_WORKER_NN_CPU_PASS_H

#include "worker/nn/cpu/onednn.h"

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

/* An operand as it is held, and what its layout is asked for with. */
struct held {
    int argument;
    bool output;
    const onednn_layout *desc;
    dnnl_query_t query;
};

/* Freed with pass_free, also when it failed; one of zeros may be freed, too. */
bool pass_new(struct pass *pass, const struct onednn *onednn, dnnl_primitive_desc_t desc,
              const struct held held[OPERANDS], struct error *error);
void pass_free(struct pass *pass);

/* data: where the operands stand, in their order in the pass. scratch: pass->scratch_bytes. */
bool pass_run(const struct onednn *onednn, const struct pass *pass,
              const void *const data[OPERANDS], void *scratch, struct error *error);

#endif
