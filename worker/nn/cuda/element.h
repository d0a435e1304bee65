/* element: how one number of an activation or of a copy of the weights is stored, and how kernels
 * read and write four of them at a time. Channels are always a multiple of four: they are padded
 * with zeros where the network has fewer. */
#ifndef ASSAY_WORKER_NN_CUDA_ELEMENT_H
#define ASSAY_WORKER_NN_CUDA_ELEMENT_H

#include "core/portable.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum element { ELEMENT_F32, ELEMENT_BF16 };

PORTABLE size_t element_bytes(enum element element) {
    return element == ELEMENT_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/* bfloat16 is the upper half of a float. */
PORTABLE float bf16_widen(uint16_t value) {
    uint32_t bits = (uint32_t)value << 16;
    float widened;
    memcpy(&widened, &bits, sizeof widened);
    return widened;
}

/* To the nearest, ties to even; a NaN stays one. */
PORTABLE uint16_t bf16_round(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

struct quad {
    float v[4];
};

/* Quad `index` of an array that is aligned to 16 bytes. */
PORTABLE struct quad quad_load(const void *array, enum element element, size_t index) {
    struct quad loaded;
    if (element == ELEMENT_BF16) {
        uint16_t narrow[4];
#ifdef __CUDA_ARCH__
        uint2 word = ((const uint2 *)array)[index]; /* one load */
        memcpy(narrow, &word, sizeof narrow);
#else
        memcpy(narrow, (const uint16_t *)array + 4 * index, sizeof narrow);
#endif
        for (int i = 0; i < 4; i++)
            loaded.v[i] = bf16_widen(narrow[i]);
        return loaded;
    }
#ifdef __CUDA_ARCH__
    float4 word = ((const float4 *)array)[index];
    memcpy(loaded.v, &word, sizeof loaded.v);
#else
    memcpy(loaded.v, (const float *)array + 4 * index, sizeof loaded.v);
#endif
    return loaded;
}

PORTABLE void quad_store(void *array, enum element element, size_t index, struct quad value) {
    if (element == ELEMENT_BF16) {
        uint16_t narrow[4];
        for (int i = 0; i < 4; i++)
            narrow[i] = bf16_round(value.v[i]);
#ifdef __CUDA_ARCH__
        uint2 word;
        memcpy(&word, narrow, sizeof word);
        ((uint2 *)array)[index] = word;
#else
        memcpy((uint16_t *)array + 4 * index, narrow, sizeof narrow);
#endif
        return;
    }
#ifdef __CUDA_ARCH__
    float4 word;
    memcpy(&word, value.v, sizeof word);
    ((float4 *)array)[index] = word;
#else
    memcpy((float *)array + 4 * index, value.v, sizeof value.v);
#endif
}

/* What is left of a value once it is stored. */
PORTABLE float element_rounded(enum element element, float value) {
    return element == ELEMENT_BF16 ? bf16_widen(bf16_round(value)) : value;
}

#endif
