/* portable: functions that the GPU's compiler takes as well as the host's.
 *
 * What a kernel computes and the tests hold to Pillow and PyTorch is one inline function in a
 * header that is both C17 and CUDA C++: no designated initialisers, no compound literals, no
 * conversion from void pointers without a cast. Host code is compiled with -ffp-contract=off,
 * device code with --fmad=false: the same operations in the same order, so the same bits.
 *
 * UNROLL before a loop of constant length: what it indexes can stay in a GPU's registers, and what
 * it loads is asked for at once.
 */
#ifndef ASSAY_CORE_PORTABLE_H
#define ASSAY_CORE_PORTABLE_H

#ifdef __CUDACC__
#define PORTABLE static inline __host__ __device__
#else
#define PORTABLE static inline
#endif

#ifdef __CUDA_ARCH__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL
#endif

#endif
