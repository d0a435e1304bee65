#include "core/pth_view.h"

#include <string.h>

static const struct {
    const char *storage;
    enum tensor_type type;
} kinds[] = {
    {"torch FloatStorage", TENSOR_F32}, {"torch DoubleStorage", TENSOR_F64},
    {"torch HalfStorage", TENSOR_F16},  {"torch BFloat16Storage", TENSOR_BF16},
    {"torch LongStorage", TENSOR_I64},  {"torch IntStorage", TENSOR_I32},
    {"torch ShortStorage", TENSOR_I16}, {"torch CharStorage", TENSOR_I8},
    {"torch ByteStorage", TENSOR_U8},   {"torch BoolStorage", TENSOR_BOOL},
};

static bool is_call(const struct pickle_value *value, const char *callee) {
    return value->kind == PICKLE_CALL && value->items[0]->kind == PICKLE_GLOBAL &&
           strcmp(value->items[0]->string, callee) == 0;
}

static bool read_sizes(const struct pickle_value *tuple, size_t *sizes, size_t *rank) {
    if (tuple->kind != PICKLE_TUPLE || tuple->count > TENSOR_RANK_MAX)
        return false;
    for (size_t i = 0; i < tuple->count; i++) {
        if (tuple->items[i]->kind != PICKLE_INT || tuple->items[i]->integer < 0)
            return false;
        sizes[i] = (size_t)tuple->items[i]->integer;
    }
    *rank = tuple->count;
    return true;
}

/* Before PyTorch 1.6 a sixth item followed: None, or which part of another storage it is. */
bool pth_storage_read(const struct pickle_value *value, const char **key, enum tensor_type *type) {
    if (value->kind != PICKLE_PERSISTENT || value->items[0]->kind != PICKLE_TUPLE)
        return false;
    const struct pickle_value *tuple = value->items[0];
    struct pickle_value *const *id = tuple->items;
    if (tuple->count != 5 && (tuple->count != 6 || id[5]->kind != PICKLE_NONE))
        return false;
    if (id[1]->kind != PICKLE_GLOBAL || id[2]->kind != PICKLE_STRING ||
        strlen(id[2]->string) > 64 || strchr(id[2]->string, '/') != NULL)
        return false;
    *key = id[2]->string;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(id[1]->string, kinds[i].storage) == 0) {
            *type = kinds[i].type;
            return true;
        }
    }
    return false;
}

bool pth_view_read(const struct pickle_value *value, struct pth_view *view) {
    if ((is_call(value, "torch._utils _rebuild_parameter") ||
         is_call(value, "torch.nn.parameter Parameter")) &&
        value->items[1]->count > 0)
        value = value->items[1]->items[0];
    if ((!is_call(value, "torch._utils _rebuild_tensor_v2") &&
         !is_call(value, "torch._utils _rebuild_tensor")) ||
        value->items[1]->count < 4)
        return false;
    struct pickle_value *const *arguments = value->items[1]->items;
    size_t stride_rank;
    if (!pth_storage_read(arguments[0], &view->key, &view->type) ||
        arguments[1]->kind != PICKLE_INT || arguments[1]->integer < 0 ||
        !read_sizes(arguments[2], view->shape, &view->rank) ||
        !read_sizes(arguments[3], view->stride, &stride_rank) || stride_rank != view->rank)
        return false;
    view->element_bytes = tensor_type_bytes(view->type);
    view->offset = (size_t)arguments[1]->integer;
    view->count = 1;
    for (size_t i = 0; i < view->rank; i++) {
        if (__builtin_mul_overflow(view->count, view->shape[i], &view->count))
            return false;
    }
    return true;
}

bool pth_view_reach(struct pth_view *view) {
    size_t last = view->offset;
    view->reach = 0;
    if (view->count == 0)
        return true;
    for (size_t i = 0; i < view->rank; i++) {
        size_t step;
        if (__builtin_mul_overflow(view->shape[i] - 1, view->stride[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return false;
    }
    return !__builtin_add_overflow(last, 1, &last) &&
           !__builtin_mul_overflow(last, view->element_bytes, &view->reach);
}

static bool is_contiguous(const struct pth_view *view) {
    size_t stride = 1;
    for (size_t i = view->rank; i-- > 0;) {
        if (view->shape[i] != 1 && view->stride[i] != stride)
            return false;
        stride *= view->shape[i];
    }
    return true;
}

void pth_view_copy(const struct pth_view *view, const uint8_t *storage, uint8_t *out) {
    size_t index[TENSOR_RANK_MAX] = {0}, bytes = view->element_bytes;
    if (view->count == 0)
        return;
    if (is_contiguous(view)) {
        memcpy(out, storage + view->offset * bytes, view->count * bytes);
        return;
    }
    for (size_t done = 0; done < view->count; done++) {
        size_t at = view->offset;
        for (size_t i = 0; i < view->rank; i++)
            at += index[i] * view->stride[i];
        memcpy(out + done * bytes, storage + at * bytes, bytes);
        for (size_t i = view->rank; i-- > 0 && ++index[i] == view->shape[i];)
            index[i] = 0;
    }
}
