/* element: how one number of an activation or of a copy of the weights is stored, and how kernels
 * read and write several of them at a time: quads of four, and packs of the 16 bytes that a thread
 * of a GPU moves at once. Channels are always a multiple of a pack, but for the input's three. */
#ifndef ASSAY_WORKER_NN_CUDA_ELEMENT_H
#define ASSAY_WORKER_NN_CUDA_ELEMENT_H

#include "core/portable.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __CUDACC__
#include <cuda_bf16.h>
#endif

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

/* ---- packs ---- */

enum { PACK_MAX = 8, PACK_BYTES = 16 };

/* Of floats the first four count. */
struct pack {
    float v[PACK_MAX];
};

PORTABLE unsigned pack_width(enum element element) {
    return element == ELEMENT_BF16 ? 8 : 4;
}

/* The same as it is stored: it takes half as many registers until it is widened. */
struct pack_bits {
    uint32_t v[PACK_BYTES / sizeof(uint32_t)];
};

/* Pack `index` of an array that is aligned to 16 bytes. */
PORTABLE struct pack_bits pack_fetch(const void *array, size_t index) {
    struct pack_bits bits;
#ifdef __CUDA_ARCH__
    uint4 word = ((const uint4 *)array)[index]; /* one load */
    memcpy(bits.v, &word, sizeof bits.v);
#else
    memcpy(bits.v, (const char *)array + PACK_BYTES * index, sizeof bits.v);
#endif
    return bits;
}

PORTABLE void pack_put(void *array, size_t index, struct pack_bits bits) {
#ifdef __CUDA_ARCH__
    uint4 word;
    memcpy(&word, bits.v, sizeof word);
    ((uint4 *)array)[index] = word;
#else
    memcpy((char *)array + PACK_BYTES * index, bits.v, sizeof bits.v);
#endif
}

PORTABLE struct pack pack_widen(enum element element, struct pack_bits bits) {
    struct pack wide;
    UNROLL
    for (int i = 0; i < PACK_MAX; i++) {
        uint32_t lane = element == ELEMENT_BF16
                            ? (i % 2 == 0 ? bits.v[i / 2] << 16 : bits.v[i / 2] & 0xffff0000)
                        : i < 4 ? bits.v[i]
                                : 0;
        memcpy(&wide.v[i], &lane, sizeof lane);
    }
    return wide;
}

PORTABLE struct pack pack_load(const void *array, enum element element, size_t index) {
    return pack_widen(element, pack_fetch(array, index));
}

/* One value. */
PORTABLE float element_load(const void *array, enum element element, size_t index) {
    return element == ELEMENT_BF16 ? bf16_widen(((const uint16_t *)array)[index])
                                   : ((const float *)array)[index];
}

PORTABLE void element_store(void *array, enum element element, size_t index, float value) {
    if (element == ELEMENT_BF16)
        ((uint16_t *)array)[index] = bf16_round(value);
    else
        ((float *)array)[index] = value;
}

PORTABLE struct pack_bits pack_narrow(enum element element, struct pack value) {
    struct pack_bits bits;
    UNROLL
    for (int i = 0; i < PACK_MAX / 2; i++) {
        if (element == ELEMENT_F32) {
            memcpy(&bits.v[i], &value.v[i], sizeof bits.v[i]);
            continue;
        }
#ifdef __CUDA_ARCH__ /* rounds as bf16_round does */
        __nv_bfloat162 pair = __floats2bfloat162_rn(value.v[2 * i], value.v[2 * i + 1]);
        memcpy(&bits.v[i], &pair, sizeof bits.v[i]);
#else
        bits.v[i] = bf16_round(value.v[2 * i]) | (uint32_t)bf16_round(value.v[2 * i + 1]) << 16;
#endif
    }
    return bits;
}

PORTABLE void pack_store(void *array, enum element element, size_t index, struct pack value) {
    pack_put(array, index, pack_narrow(element, value));
}

/* The floats that belong to the values of pack `index` of a row: one a channel. */
PORTABLE struct pack pack_floats(const float *array, enum element element, size_t index) {
    struct pack loaded = pack_load(array, ELEMENT_F32, element == ELEMENT_BF16 ? 2 * index : index);
    if (element == ELEMENT_BF16) {
        struct quad upper = quad_load(array, ELEMENT_F32, 2 * index + 1);
        UNROLL
        for (int i = 0; i < 4; i++)
            loaded.v[4 + i] = upper.v[i];
    }
    return loaded;
}

/* What is left of a value once it is stored. */
PORTABLE float element_rounded(enum element element, float value) {
    return element == ELEMENT_BF16 ? bf16_widen(bf16_round(value)) : value;
}

#endif
