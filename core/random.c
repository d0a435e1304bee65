#include "core/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- MT19937: Matsumoto and Nishimura 1998, seeded and drawn from as CPython's _randommodule.c and
 * random.py do --- */

enum { MT_LENGTH = 624, MT_MIDDLE = 397 };

static void mt19937_seed_word(struct mt19937 *generator, uint32_t seed) {
    uint32_t *state = generator->state;
    state[0] = seed;
    for (uint32_t i = 1; i < MT_LENGTH; i++)
        state[i] = 1812433253u * (state[i - 1] ^ (state[i - 1] >> 30)) + i;
    generator->index = MT_LENGTH;
}

void mt19937_seed(struct mt19937 *generator, uint64_t seed) {
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    size_t key_length = key[1] != 0 ? 2 : 1;
    uint32_t *state = generator->state;
    mt19937_seed_word(generator, 19650218u);
    size_t i = 1, j = 0;
    for (size_t k = 0; k < MT_LENGTH; k++) {
        state[i] =
            (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * 1664525u)) + key[j] + (uint32_t)j;
        if (++i == MT_LENGTH) {
            state[0] = state[MT_LENGTH - 1];
            i = 1;
        }
        if (++j == key_length)
            j = 0;
    }
    for (size_t k = 0; k < MT_LENGTH - 1; k++) {
        state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >> 30)) * 1566083941u)) - (uint32_t)i;
        if (++i == MT_LENGTH) {
            state[0] = state[MT_LENGTH - 1];
            i = 1;
        }
    }
    state[0] = 0x80000000u;
}

static void mt19937_refill(uint32_t *state) {
    for (size_t i = 0; i < MT_LENGTH; i++) {
        uint32_t y = (state[i] & 0x80000000u) | (state[(i + 1) % MT_LENGTH] & 0x7fffffffu);
        state[i] = state[(i + MT_MIDDLE) % MT_LENGTH] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
}

uint32_t mt19937_next(struct mt19937 *generator) {
    if (generator->index >= MT_LENGTH) {
        mt19937_refill(generator->state);
        generator->index = 0;
    }
    uint32_t y = generator->state[generator->index++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

/* Random._randbelow_with_getrandbits: n.bit_length() bits, the highest of a word, until they are
 * below n. */
static uint32_t mt19937_below(struct mt19937 *generator, uint32_t n) {
    int unused = __builtin_clz(n);
    uint32_t r;
    do
        r = mt19937_next(generator) >> unused;
    while (r >= n);
    return r;
}

static void swap(size_t *items, size_t i, size_t j) {
    size_t item = items[i];
    items[i] = items[j];
    items[j] = item;
}

void mt19937_shuffle(struct mt19937 *generator, size_t *indexes, size_t count) {
    assert(count <= UINT32_MAX);
    for (size_t i = count; i-- > 1;)
        swap(indexes, i, mt19937_below(generator, (uint32_t)(i + 1)));
}

/* --- Philox --- */

void random_open(struct random_stream *stream, uint64_t seed, enum random_purpose purpose,
                 uint32_t epoch, uint64_t sample) {
    assert(sample < RANDOM_SAMPLES);
    *stream = (struct random_stream){.used = 4};
    philox_begin(seed, (uint32_t)purpose, epoch, sample, stream->key, stream->counter);
}

uint32_t random_u32(struct random_stream *stream) {
    if (stream->used == 4) {
        philox4x32(stream->counter, stream->key, stream->block);
        stream->counter[0]++;
        stream->used = 0;
    }
    return stream->block[stream->used++];
}

double random_uniform(struct random_stream *stream) {
    return philox_uniform(random_u32(stream));
}

double random_range(struct random_stream *stream, double low, double high) {
    return low + (high - low) * random_uniform(stream);
}

uint32_t random_below(struct random_stream *stream, uint32_t bound) {
    assert(bound >= 1);
    /* The high word of word * bound, refusing the low words that would make some results likelier
     * (Lemire, "Fast random integer generation in an interval", 2019). */
    uint32_t refused = -bound % bound;
    uint32_t high, low;
    do
        philox_multiply(random_u32(stream), bound, &high, &low);
    while (low < refused);
    return high;
}

/* Of two uniforms in their order. */
static double normal(double first, double second) {
    const double turn = 6.283185307179586;
    return sqrt(-2.0 * log(1.0 - first)) * cos(turn * second);
}

double random_normal(struct random_stream *stream) {
    double first = random_uniform(stream);
    return normal(first, random_uniform(stream));
}

void random_normals(const struct random_stream *stream, uint32_t first, size_t count,
                    double *normals) {
    uint32_t counter[4], block[4];
    memcpy(counter, stream->counter, sizeof counter);
    for (size_t i = 0; i < count; i++) {
        if (i % 2 == 0) {
            counter[0] = first / 2 + (uint32_t)(i / 2);
            philox4x32(counter, stream->key, block);
        }
        const uint32_t *words = block + i % 2 * 2;
        normals[i] = normal(philox_uniform(words[0]), philox_uniform(words[1]));
    }
}

void random_shuffle(struct random_stream *stream, size_t *indexes, size_t count) {
    assert(count <= UINT32_MAX);
    for (size_t i = count; i-- > 1;)
        swap(indexes, i, random_below(stream, (uint32_t)(i + 1)));
}
