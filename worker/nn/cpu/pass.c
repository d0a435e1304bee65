#include "worker/nn/cpu/pass.h"

#include <stdint.h>

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

bool pass_new(struct pass *pass, const struct onednn *onednn, dnnl_primitive_desc_t desc,
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

void pass_free(struct pass *pass) {
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

bool pass_run(const struct onednn *onednn, const struct pass *pass,
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
