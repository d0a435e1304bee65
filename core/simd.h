/* simd: one loop of plain C, compiled for several generations of x86 and chosen when the program
 * starts.
 *
 * A function marked SIMD_CLONES is compiled three times (baseline, AVX2, AVX-512), one marked
 * SIMD_CLONES_OF for the baseline and what it names; the dynamic linker picks the best that the
 * machine has. It must contain the loop, not call it. Results do not depend on the choice: integer
 * arithmetic is exact and -ffp-contract=off keeps float arithmetic as written (but
 * worker/nn/cpu/product_loops.h, which is to take FMA where there is one). Compilers have faults of
 * one generation alone, so tests run each (SIMD_GENERATION), whatever the machine would choose.
 * Sanitizers run before the linker's choice can, so they and other machines get the baseline alone.
 */
#ifndef ASSAY_CORE_SIMD_H
#define ASSAY_CORE_SIMD_H

#include <stdint.h> /* any of libc's headers: they say that it is glibc */

#if defined(SIMD_GENERATION)
#define SIMD_CLONES_OF(...) __attribute__((target("arch=" SIMD_GENERATION)))
#define SIMD_CHOSEN 1
#elif defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&     \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SIMD_CLONES_OF(...) __attribute__((target_clones("default", __VA_ARGS__)))
#define SIMD_CHOSEN 1
#else
#define SIMD_CLONES_OF(...)
#define SIMD_CHOSEN 0 /* the baseline, whatever the processor has */
#endif
#define SIMD_CLONES SIMD_CLONES_OF("arch=x86-64-v3", "arch=x86-64-v4")

/* What such functions call: part of each, so that it is compiled for what they are compiled for. */
#define SIMD_INLINE static inline __attribute__((always_inline))

#endif
