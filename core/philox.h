/* philox: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
 * section 3.3), and which of its words a draw of training is: any of them can be had alone. */
#ifndef ASSAY_CORE_PHILOX_H
#define ASSAY_CORE_PHILOX_H

#include "core/portable.h"

#include <stdint.h>

PORTABLE void philox_multiply(uint32_t a, uint32_t b, uint32_t *high, uint32_t *low) {
    uint64_t product = (uint64_t)a * b;
    *high = (uint32_t)(product >> 32);
    *low = (uint32_t)product;
}

/* One block: ten rounds on the counter under the key. */
PORTABLE void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint32_t high0, low0, high1, low1;
        philox_multiply(0xd2511f53u, c0, &high0, &low0);
        philox_multiply(0xcd9e8d57u, c2, &high1, &low1);
        c0 = high1 ^ c1 ^ k0;
        c1 = low1;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* key = seed; counter = {block number, sample low, epoch, purpose | sample's next 24 bits << 8}. */
PORTABLE void philox_begin(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t sample,
                           uint32_t key[2], uint32_t counter[4]) {
    key[0] = (uint32_t)seed;
    key[1] = (uint32_t)(seed >> 32);
    counter[0] = 0;
    counter[1] = (uint32_t)sample;
    counter[2] = epoch;
    counter[3] = purpose | (uint32_t)(sample >> 32) << 8;
}

/* Word `index` of the stream, without the words before it. */
PORTABLE uint32_t philox_word(uint64_t seed, uint32_t purpose, uint32_t epoch, uint64_t sample,
                              uint32_t index) {
    uint32_t key[2], counter[4], block[4];
    philox_begin(seed, purpose, epoch, sample, key, counter);
    counter[0] = index / 4;
    philox4x32(counter, key, block);
    return block[index % 4];
}

/* [0, 1) with 32 bits: word * 2^-32. */
PORTABLE double philox_uniform(uint32_t word) {
    return word * (1.0 / 4294967296.0);
}

#endif
