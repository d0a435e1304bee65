#include "core/tensor.h"

#include "core/little_endian.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [TENSOR_F32] = {"F32", 4},         [TENSOR_F64] = {"F64", 8},
    [TENSOR_F16] = {"F16", 2},         [TENSOR_BF16] = {"BF16", 2},
    [TENSOR_F8_E4M3] = {"F8_E4M3", 1}, [TENSOR_F8_E5M2] = {"F8_E5M2", 1},
    [TENSOR_C64] = {"C64", 8},         [TENSOR_I64] = {"I64", 8},
    [TENSOR_I32] = {"I32", 4},         [TENSOR_I16] = {"I16", 2},
    [TENSOR_I8] = {"I8", 1},           [TENSOR_U64] = {"U64", 8},
    [TENSOR_U32] = {"U32", 4},         [TENSOR_U16] = {"U16", 2},
    [TENSOR_U8] = {"U8", 1},           [TENSOR_BOOL] = {"BOOL", 1},
};
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

const char *tensor_type_name(enum tensor_type type) {
    return types[type].name;
}

size_t tensor_type_bytes(enum tensor_type type) {
    return types[type].bytes;
}

bool tensor_type_find(const char *name, enum tensor_type *type) {
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(name, types[i].name) == 0) {
            *type = (enum tensor_type)i;
            return true;
        }
    }
    return false;
}

size_t tensor_count(const struct tensor *tensor) {
    size_t count = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

bool tensor_same_shape(const struct tensor *a, const struct tensor *b) {
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

size_t tensor_difference(const struct tensor *a, const struct tensor *b, size_t *first) {
    const unsigned char *left = a->data, *right = b->data;
    size_t size = types[a->type].bytes, count = a->bytes / size, differing = 0;
    *first = 0;
    if (memcmp(left, right, a->bytes) == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(left + i * size, right + i * size, size) != 0 && differing++ == 0)
            *first = i;
    }
    return differing;
}

void tensor_shape_text(const size_t *shape, size_t rank, struct text *text) {
    text_add(text, "[", 1);
    for (size_t i = 0; i < rank; i++)
        text_format(text, "%s%zu", i == 0 ? "" : ", ", shape[i]);
    text_add(text, "]", 1);
}

/* --- one element --- */

static uint64_t element_bits(const struct tensor *tensor, size_t index) {
    size_t size = types[tensor->type].bytes;
    return little_endian((const uint8_t *)tensor->data + index * size, size);
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. */
static double half_of(uint64_t bits) {
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023);
    double value;
    if (exponent == 31)
        value = fraction > 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        value = ldexp(fraction, -24);
    else
        value = ldexp(1024 + fraction, exponent - 25);
    return (bits >> 15 & 1) != 0 ? -value : value;
}

void tensor_element_bits(const struct tensor *tensor, size_t index,
                         char text[TENSOR_ELEMENT_SIZE]) {
    snprintf(text, TENSOR_ELEMENT_SIZE, "0x%0*" PRIx64, (int)(2 * types[tensor->type].bytes),
             element_bits(tensor, index));
}

void tensor_element_text(const struct tensor *tensor, size_t index,
                         char text[TENSOR_ELEMENT_SIZE]) {
    enum { SIZE = TENSOR_ELEMENT_SIZE };
    uint64_t bits = element_bits(tensor, index);
    switch (tensor->type) {
    case TENSOR_F32: snprintf(text, SIZE, "%.9g", (double)float_of((uint32_t)bits)); break;
    case TENSOR_F64: snprintf(text, SIZE, "%.17g", double_of(bits)); break;
    case TENSOR_F16: snprintf(text, SIZE, "%.5g", half_of(bits)); break;
    case TENSOR_BF16: snprintf(text, SIZE, "%.4g", (double)float_of((uint32_t)bits << 16)); break;
    case TENSOR_C64:
        snprintf(text, SIZE, "(%.9g, %.9g)", (double)float_of((uint32_t)bits),
                 (double)float_of((uint32_t)(bits >> 32)));
        break;
    case TENSOR_I64: snprintf(text, SIZE, "%" PRId64, (int64_t)bits); break;
    case TENSOR_I32: snprintf(text, SIZE, "%" PRId32, (int32_t)bits); break;
    case TENSOR_I16: snprintf(text, SIZE, "%d", (int16_t)bits); break;
    case TENSOR_I8: snprintf(text, SIZE, "%d", (int8_t)bits); break;
    case TENSOR_U64:
    case TENSOR_U32:
    case TENSOR_U16:
    case TENSOR_U8: snprintf(text, SIZE, "%" PRIu64, bits); break;
    case TENSOR_BOOL: snprintf(text, SIZE, "%s", bits != 0 ? "true" : "false"); break;
    case TENSOR_F8_E4M3:
    case TENSOR_F8_E5M2: tensor_element_bits(tensor, index, text); break;
    }
}
