#include "worker/nn/cpu/batch_norm.h"

#include "worker/nn/cpu/norm_kernel.h"
#include "worker/nn/norm_rule.h"

#include <omp.h>

/* ---- the passes ---- */

size_t batch_norm_partial(const struct map *map) {
    return map->count * map_blocks(map) * 2 * norm_sums(map->block) * sizeof(double);
}

static double *partial_at(const struct batch_norm *norm, size_t picture, size_t block) {
    return norm->partial + (block * norm->map.count + picture) * 2 * norm_sums(norm->map.block);
}

static void spread(const struct map *map, size_t block, const float *channels, float *lanes) {
    for (size_t lane = 0; lane < LANES; lane++)
        lanes[lane] = channels[block * map->block + lane % map->block];
}

/* The two sums of channel `index` of a block over all pictures, in a fixed order. */
static void total(const struct batch_norm *norm, size_t block, size_t index, double sums[2]) {
    size_t kept_apart = norm_sums(norm->map.block);
    sums[0] = sums[1] = 0;
    for (size_t picture = 0; picture < norm->map.count; picture++) {
        const double *partial = partial_at(norm, picture, block);
        for (size_t lane = index; lane < kept_apart; lane += norm->map.block) {
            sums[0] += partial[lane];
            sums[1] += partial[kept_apart + lane];
        }
    }
}

/* One thread can take a block of channels through a whole pass, while it is in its cache, when
 * there are blocks enough for all threads; else threads share out pictures as well. */
static bool blocks_suffice(const struct map *map) {
    size_t threads = (size_t)omp_get_max_threads(), blocks = map_blocks(map);
    return blocks % threads == 0 || blocks >= 8 * threads;
}

struct forward {
    const struct batch_norm *norm;
    const float *x, *residual, *weight, *bias;
    float *running_mean, *running_variance, *y;
};

static void forward_moments(const struct forward *forward, size_t picture, size_t block) {
    const struct map *map = &forward->norm->map;
    norm_chunk_moments(forward->x + map_at(map, picture, block), map_chunk(map), map->block,
                       partial_at(forward->norm, picture, block));
}

static void keep(const struct batch_norm *norm, size_t channel, const struct norm_channel *of) {
    norm->mean[channel] = of->mean;
    norm->inverse[channel] = of->inverse;
    norm->scale[channel] = of->scale;
    norm->shift[channel] = of->shift;
}

static void forward_statistics(const struct forward *forward, size_t block) {
    const struct batch_norm *norm = forward->norm;
    const struct map *map = &norm->map;
    double values = (double)(map->count * map->height * map->width);
    for (size_t index = 0; index < map->block; index++) {
        size_t channel = block * map->block + index;
        double sums[2];
        total(norm, block, index, sums);
        double mean = sums[0] / values, variance = sums[1] / values - mean * mean;
        if (variance < 0)
            variance = 0;
        const struct norm_channel of =
            norm_learn(mean, variance, forward->weight[channel], forward->bias[channel]);
        keep(norm, channel, &of);
        forward->running_mean[channel] = norm_blend(forward->running_mean[channel], mean);
        forward->running_variance[channel] =
            norm_blend_variance(forward->running_variance[channel], variance, values);
    }
}

static void forward_apply(const struct forward *forward, size_t picture, size_t block) {
    const struct map *map = &forward->norm->map;
    size_t at = map_at(map, picture, block);
    float scale[LANES], shift[LANES];
    spread(map, block, forward->norm->scale, scale);
    spread(map, block, forward->norm->shift, shift);
    norm_chunk_apply(forward->x + at, forward->residual == NULL ? NULL : forward->residual + at,
                     scale, shift, map_chunk(map), forward->norm->relu, forward->y + at);
}

void batch_norm_forward(const struct batch_norm *norm, const float *x, const float *residual,
                        const float *weight, const float *bias, float *running_mean,
                        float *running_variance, float *y) {
    const struct forward forward = {norm, x, residual, weight, bias, running_mean, running_variance,
                                    y};
    size_t blocks = map_blocks(&norm->map), count = norm->map.count;
    if (blocks_suffice(&norm->map)) {
#pragma omp parallel for schedule(static)
        for (size_t block = 0; block < blocks; block++) {
            for (size_t picture = 0; picture < count; picture++)
                forward_moments(&forward, picture, block);
            forward_statistics(&forward, block);
            for (size_t picture = count; picture-- > 0;) /* what was read last is still near */
                forward_apply(&forward, picture, block);
        }
        return;
    }
#pragma omp parallel
    {
#pragma omp for schedule(static) collapse(2)
        for (size_t block = 0; block < blocks; block++)
            for (size_t picture = 0; picture < count; picture++)
                forward_moments(&forward, picture, block);
#pragma omp for schedule(static)
        for (size_t block = 0; block < blocks; block++)
            forward_statistics(&forward, block);
#pragma omp for schedule(static) collapse(2)
        for (size_t block = 0; block < blocks; block++)
            for (size_t picture = 0; picture < count; picture++)
                forward_apply(&forward, picture, block);
    }
}

void batch_norm_evaluate(const struct batch_norm *norm, const float *x, const float *residual,
                         const float *weight, const float *bias, const float *running_mean,
                         const float *running_variance, float *y) {
    const struct map *map = &norm->map;
    for (size_t channel = 0; channel < map->channels; channel++) {
        const struct norm_channel of = norm_recall(running_mean[channel], running_variance[channel],
                                                   weight[channel], bias[channel]);
        keep(norm, channel, &of);
    }
    const struct forward forward = {.norm = norm, .x = x, .residual = residual, .y = y};
#pragma omp parallel for schedule(static) collapse(2)
    for (size_t picture = 0; picture < map->count; picture++)
        for (size_t block = 0; block < map_blocks(map); block++)
            forward_apply(&forward, picture, block);
}

struct backward {
    const struct batch_norm *norm;
    const struct batch_norm_gradients *gradients;
    const float *weight;
    enum norm_mask reduce_mask, finish_mask;
    bool store; /* `first` is left holding the masked sum of gradients */
};

static void coefficients_of(const struct backward *backward, size_t block,
                            struct norm_lanes *coefficients) {
    const struct batch_norm *norm = backward->norm;
    spread(&norm->map, block, norm->scale, coefficients->scale);
    spread(&norm->map, block, norm->shift, coefficients->shift);
    spread(&norm->map, block, norm->mean, coefficients->mean);
}

static void backward_reduce(const struct backward *backward, size_t picture, size_t block) {
    const struct map *map = &backward->norm->map;
    const struct batch_norm_gradients *gradients = backward->gradients;
    size_t at = map_at(map, picture, block);
    struct norm_lanes coefficients;
    coefficients_of(backward, block, &coefficients);
    norm_chunk_reduce(backward->reduce_mask, backward->store, gradients->x + at,
                      gradients->y == NULL ? NULL : gradients->y + at, gradients->first + at,
                      gradients->second == NULL ? NULL : gradients->second + at, &coefficients,
                      map_chunk(map), map->block, partial_at(backward->norm, picture, block));
}

/* The parameters' gradients, and dx's coefficients (in the place of the block's first partial
 * sums): with xhat = (x - mean) * inverse,
 * dx = weight * inverse * (g - mean(g) - xhat * mean(g * xhat)); when frozen the statistics are
 * constants, and dx = scale * g. */
static void backward_statistics(const struct backward *backward, size_t block) {
    const struct batch_norm *norm = backward->norm;
    const struct map *map = &norm->map;
    double values = (double)(map->count * map->height * map->width);
    double slope[LANES] = {0}, offset[LANES] = {0};
    for (size_t index = 0; !norm->frozen && index < map->block; index++) {
        size_t channel = block * map->block + index;
        double sums[2], inverse = (double)norm->inverse[channel];
        total(norm, block, index, sums);
        sums[1] -= (double)norm->mean[channel] * sums[0]; /* now of g (x - mean) */
        backward->gradients->bias[channel] = (float)sums[0];
        backward->gradients->weight[channel] = (float)(sums[1] * inverse);
        double scale = (double)backward->weight[channel] * inverse;
        slope[index] = scale * inverse * inverse * sums[1] / values;
        offset[index] = scale * sums[0] / values;
    }
    double *kept = partial_at(norm, 0, block);
    for (size_t lane = 0; lane < LANES; lane++) {
        kept[lane] = slope[lane % map->block];
        kept[LANES + lane] = offset[lane % map->block];
    }
}

static void backward_finish(const struct backward *backward, size_t picture, size_t block) {
    const struct map *map = &backward->norm->map;
    if (backward->gradients->dx == NULL)
        return;
    size_t at = map_at(map, picture, block);
    const double *kept = partial_at(backward->norm, 0, block);
    struct norm_lanes coefficients;
    coefficients_of(backward, block, &coefficients);
    for (size_t lane = 0; lane < LANES; lane++) {
        coefficients.slope[lane] = (float)kept[lane];
        coefficients.offset[lane] = (float)kept[LANES + lane];
    }
    norm_chunk_finish(backward->finish_mask, backward->gradients->x + at,
                      backward->gradients->first + at, &coefficients, map_chunk(map),
                      backward->gradients->dx + at);
}

void batch_norm_backward(const struct batch_norm *norm, bool with_residual, const float *weight,
                         const struct batch_norm_gradients *gradients) {
    bool store = with_residual || gradients->second != NULL;
    enum norm_mask mask = !norm->relu ? MASK_NONE : with_residual ? MASK_Y : MASK_X;
    const struct backward backward = {norm, gradients, weight, mask, store ? MASK_NONE : mask,
                                      store};
    size_t blocks = map_blocks(&norm->map), count = norm->map.count;
    if (blocks_suffice(&norm->map)) {
#pragma omp parallel for schedule(static)
        for (size_t block = 0; block < blocks; block++) {
            for (size_t picture = 0; picture < count; picture++)
                backward_reduce(&backward, picture, block);
            backward_statistics(&backward, block);
            for (size_t picture = count; picture-- > 0;)
                backward_finish(&backward, picture, block);
        }
        return;
    }
#pragma omp parallel
    {
#pragma omp for schedule(static) collapse(2)
        for (size_t block = 0; block < blocks; block++)
            for (size_t picture = 0; picture < count; picture++)
                backward_reduce(&backward, picture, block);
#pragma omp for schedule(static)
        for (size_t block = 0; block < blocks; block++)
            backward_statistics(&backward, block);
#pragma omp for schedule(static) collapse(2)
        for (size_t block = 0; block < blocks; block++)
            for (size_t picture = 0; picture < count; picture++)
                backward_finish(&backward, picture, block);
    }
}
