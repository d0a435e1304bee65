/* random: the two generators of assay.
 *
 * MT19937 as CPython has it, for splits alone: the notebook's random.seed(0);
 * random.shuffle(index). Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011) for every draw of training: a draw is a pure function of (seed, purpose, epoch,
 * sample), never of thread, batch position or worker.
 */
#ifndef ASSAY_CORE_RANDOM_H
#define ASSAY_CORE_RANDOM_H

#include "core/philox.h"

#include <stddef.h>
#include <stdint.h>

struct mt19937 {
    uint32_t state[624];
    size_t index;
};

/* random.seed(seed) of CPython for a non-negative int: init_by_array of its 32-bit digits. */
void mt19937_seed(struct mt19937 *generator, uint64_t seed);
uint32_t mt19937_next(struct mt19937 *generator);
/* random.shuffle(indexes): Fisher-Yates from the end with _randbelow's getrandbits and rejection.
 */
void mt19937_shuffle(struct mt19937 *generator, size_t *indexes, size_t count);

enum random_purpose {
    RANDOM_SHUFFLE = 1, /* sample 0: the order of the training set in an epoch */
    RANDOM_AUGMENT = 2, /* sample: the item's position in the training list (after upsampling) */
    RANDOM_DROPOUT = 3, /* sample: as above */
    RANDOM_INITIAL = 4, /* epoch 0, sample: hash of the parameter's name */
    RANDOM_PORTRAIT = 5,
    RANDOM_BOOTSTRAP = 6, /* epoch 0, sample: the number of the resample */
};

struct random_stream {
    uint32_t key[2], counter[4], block[4];
    unsigned used; /* words of block already handed out */
};

/* The counter has room for so many samples. */
#define RANDOM_SAMPLES (UINT64_C(1) << 56)

/* The stream of philox.h's words for one purpose, epoch and sample, which is below RANDOM_SAMPLES.
 */
void random_open(struct random_stream *stream, uint64_t seed, enum random_purpose purpose,
                 uint32_t epoch, uint64_t sample);
uint32_t random_u32(struct random_stream *stream);
/* [0, 1) with 32 bits: u32 * 2^-32. */
double random_uniform(struct random_stream *stream);
/* [low, high). */
double random_range(struct random_stream *stream, double low, double high);
/* 0 .. bound-1 without bias (rejection); bound >= 1. */
uint32_t random_below(struct random_stream *stream, uint32_t bound);
/* Standard normal: Box-Muller on two uniforms, the cosine branch. */
double random_normal(struct random_stream *stream);
/* What a new stream's `first`th call of random_normal and those behind it return, wherever the
 * stream is now, so that threads can share the work. `first` is even. */
void random_normals(const struct random_stream *stream, uint32_t first, size_t count,
                    double *normals);
/* Fisher-Yates from the end with random_below. */
void random_shuffle(struct random_stream *stream, size_t *indexes, size_t count);

#endif
