/* pth_view: a tensor as the pickle of torch.save describes it, a view of a storage: type, shape,
 * strides, and where in the storage it begins. Everything is checked; nothing is believed.
 */
#ifndef ASSAY_CORE_PTH_VIEW_H
#define ASSAY_CORE_PTH_VIEW_H

#include "core/pickle.h"
#include "core/tensor.h"

struct pth_view {
    const char *name, *key; /* borrowed from the pickle; key: the storage's file, data/KEY */
    enum tensor_type type;
    size_t element_bytes, offset, count, rank, shape[TENSOR_RANK_MAX], stride[TENSOR_RANK_MAX];
    size_t begin, reach; /* where its bytes begin among all tensors'; how far into its storage */
};

/* Reads a persistent id, ("storage", torch.FloatStorage, key, device, number of elements). *key is
 * borrowed from it. False when `value` is anything else. */
bool pth_storage_read(const struct pickle_value *value, const char **key, enum tensor_type *type);

/* Reads torch._utils's _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks),
 * perhaps inside _rebuild_parameter(tensor, requires_grad, hooks), or their forerunners,
 * _rebuild_tensor(storage, offset, size, stride) and torch.nn.parameter.Parameter(tensor). Leaves
 * name, begin and reach alone. False when `value` is anything else. */
bool pth_view_read(const struct pickle_value *value, struct pth_view *view);

/* Sets how many bytes of its storage the view reaches into; false on overflow. */
bool pth_view_reach(struct pth_view *view);

/* Copies count * element_bytes bytes to `out`, the last index fastest. `storage` has at least
 * view->reach bytes. */
void pth_view_copy(const struct pth_view *view, const uint8_t *storage, uint8_t *out);

#endif
