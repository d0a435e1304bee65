/* tensor: a named block of numbers as files of weights hold it, and how it is told from another.
 */
#ifndef ASSAY_CORE_TENSOR_H
#define ASSAY_CORE_TENSOR_H

#include "core/text.h"

/* The names are those of https://github.com/huggingface/safetensors. */
enum tensor_type {
    TENSOR_F32,
    TENSOR_F64,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_F8_E4M3,
    TENSOR_F8_E5M2,
    TENSOR_C64,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U64,
    TENSOR_U32,
    TENSOR_U16,
    TENSOR_U8,
    TENSOR_BOOL,
};
const char *tensor_type_name(enum tensor_type type); /* "F32" */
size_t tensor_type_bytes(enum tensor_type type);     /* of one element */
bool tensor_type_find(const char *name, enum tensor_type *type);

enum { TENSOR_RANK_MAX = 8 };

struct tensor {
    const char *name;
    enum tensor_type type;
    size_t rank, shape[TENSOR_RANK_MAX];
    const void
        *data; /* little-endian, contiguous, row-major; may be unaligned in a file that is read */
    size_t bytes;
};

size_t tensor_count(const struct tensor *tensor); /* product of the shape; 1 for rank 0 */
bool tensor_same_shape(const struct tensor *a, const struct tensor *b);

/* How many elements differ in their bits, and the first one's index; 0 is none. The tensors have
 * the same type and shape. */
size_t tensor_difference(const struct tensor *a, const struct tensor *b, size_t *first);

/* "[64, 3, 7, 7]"; "[]" for rank 0. */
void tensor_shape_text(const size_t *shape, size_t rank, struct text *text);

/* The element's value with all its digits ("0.100000001", "-3", "true"); its bits in hexadecimal
 * for the types of 8-bit floats. */
enum { TENSOR_ELEMENT_SIZE = 64 };
void tensor_element_text(const struct tensor *tensor, size_t index, char text[TENSOR_ELEMENT_SIZE]);
/* The element's bits: "0x3dcccccd". */
void tensor_element_bits(const struct tensor *tensor, size_t index, char text[TENSOR_ELEMENT_SIZE]);

#endif
