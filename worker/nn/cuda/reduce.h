/* reduce: two sums for each channel over all rows of NHWC values, in a fixed order.
 *
 * A block of REDUCE_THREADS threads takes a tile of channels and a slice of rows: its threads each
 * sum some rows for one pack of channels, and the block sums what they have, in double. Of few
 * slices the last block to be done adds the sums; of many the last of a group adds the group's, and
 * the last group those of all groups, slice after slice. Which block is last differs from run to
 * run; what it adds, and in which order, does not.
 *
 * What is a block's own stands in its shared memory (struct reduce_block); between the functions
 * below all its threads wait for each other. A kernel of this kind is three functions: NAME_gather,
 * a thread's sums; NAME_finish, which is called for each channel with the totals; and its
 * arguments, which begin with a struct reduction.
 */
#ifndef ASSAY_WORKER_NN_CUDA_REDUCE_H
#define ASSAY_WORKER_NN_CUDA_REDUCE_H

#include "worker/nn/cuda/element.h"

#include <stdbool.h>

enum {
    REDUCE_THREADS = 256,
    REDUCE_PACKS = 16,   /* the most that a tile is wide */
    REDUCE_ROWS = 4,     /* that a thread has under way at once */
    REDUCE_BLOCKS = 528, /* about so many: four for each of a large GPU's processors */
    REDUCE_GROUP = 16,   /* slices */
    REDUCE_FEW = 32,     /* slices that one block adds */
    REDUCE_LONG = 16,    /* rows a thread for which few slices are enough */
    REDUCE_SUMS = 2,
    REDUCE_TICKETS = 1024 /* that a device keeps: enough for 30,000 channels */
};

/* A row is one pixel of one picture: `channels` values, a multiple of a pack. */
struct reduction {
    size_t rows;
    unsigned channels;
    enum element element;
    unsigned packs, lanes; /* a tile is `packs` wide; so many threads side by side, each its rows */
    unsigned tiles, slices; /* blocks: one for each of both */
    unsigned groups;        /* of slices; 0: they are few */
    double *partial;        /* [slices + groups][REDUCE_SUMS][channels] */
    unsigned *tickets;      /* [tiles][groups + 1] of REDUCE_TICKETS, zero before and after */
};

/* `partial` and `tickets` are left to be filled in. */
static inline struct reduction reduction_of(size_t rows, size_t channels, enum element element) {
    struct reduction made;
    memset(&made, 0, sizeof made);
    made.rows = rows;
    made.channels = (unsigned)channels;
    made.element = element;
    unsigned packs = made.channels / pack_width(element);
    made.tiles = (packs + REDUCE_PACKS - 1) / REDUCE_PACKS;
    made.packs = made.tiles > 1 ? (unsigned)REDUCE_PACKS : packs;
    made.lanes = REDUCE_THREADS / made.packs;
    size_t most = rows / ((size_t)made.lanes * REDUCE_ROWS), wanted = REDUCE_BLOCKS / made.tiles;
    bool few = rows / made.lanes <= (size_t)REDUCE_FEW * REDUCE_LONG || wanted < REDUCE_FEW;
    if (few && wanted > REDUCE_FEW)
        wanted = REDUCE_FEW;
    made.slices = (unsigned)(wanted < most ? wanted : most);
    made.slices = made.slices > 0 ? made.slices : 1;
    made.groups = few ? 0 : (made.slices + REDUCE_GROUP - 1) / REDUCE_GROUP;
    return made;
}

static inline size_t reduction_threads(const struct reduction *at) {
    return (size_t)at->tiles * at->slices * REDUCE_THREADS;
}

/* Bytes of `partial`. */
static inline size_t reduction_bytes(const struct reduction *at) {
    return ((size_t)at->slices + at->groups) * REDUCE_SUMS * at->channels * sizeof(double);
}

/* Rows of shared memory are this long, so that those who read them side by side do not meet. */
enum { REDUCE_STRIDE = REDUCE_THREADS + 4 };

struct reduce_block {
    float sums[REDUCE_SUMS * PACK_MAX][REDUCE_STRIDE];
    double totals[REDUCE_SUMS][REDUCE_PACKS * PACK_MAX];
};

/* ---- where a thread stands ---- */

PORTABLE unsigned reduce_slice(const struct reduction *at, unsigned block) {
    return block / at->tiles;
}

/* The pack of a row that a thread sums; one beyond the row, or a lane beyond the last: none. */
PORTABLE size_t reduce_pack(const struct reduction *at, unsigned block, unsigned thread) {
    return (size_t)(block % at->tiles) * at->packs + thread % at->packs;
}

PORTABLE bool reduce_idle(const struct reduction *at, unsigned block, unsigned thread) {
    return thread >= at->packs * at->lanes ||
           reduce_pack(at, block, thread) >= at->channels / pack_width(at->element);
}

/* Rows are taken in chunks of lanes * REDUCE_ROWS, slice after slice in turns, so that all blocks
 * go through memory together; and from the last to the first, since what was written last is still
 * in the cache. A thread's chunks are those below reduce_chunks, its rows of one `lanes` apart. */
PORTABLE size_t reduce_chunk_rows(const struct reduction *at) {
    return (size_t)at->lanes * REDUCE_ROWS;
}

PORTABLE size_t reduce_chunks(const struct reduction *at, unsigned block) {
    size_t all = (at->rows + reduce_chunk_rows(at) - 1) / reduce_chunk_rows(at);
    size_t slice = reduce_slice(at, block);
    return all > slice ? (all - slice - 1) / at->slices + 1 : 0;
}

PORTABLE size_t reduce_row(const struct reduction *at, unsigned block, unsigned thread,
                           size_t chunk) {
    return (chunk * at->slices + reduce_slice(at, block)) * reduce_chunk_rows(at) +
           thread / at->packs;
}

/* Channels of a tile, and one of them; `channels` or more: there is none. */
PORTABLE unsigned reduce_width(const struct reduction *at) {
    return at->packs * pack_width(at->element);
}

PORTABLE unsigned reduce_channel(const struct reduction *at, unsigned block, unsigned of_tile) {
    return block % at->tiles * reduce_width(at) + of_tile;
}

/* ---- the sums ---- */

PORTABLE void reduce_keep(struct reduce_block *shared, unsigned thread,
                          const float sums[REDUCE_SUMS][PACK_MAX]) {
    UNROLL
    for (unsigned i = 0; i < REDUCE_SUMS * PACK_MAX; i++)
        shared->sums[i][thread] = sums[i / PACK_MAX][i % PACK_MAX];
}

/* A thread's column of the block: which sum, and of which channel; false: it has none. */
PORTABLE bool reduce_column(const struct reduction *at, unsigned block, unsigned thread,
                            unsigned *sum, unsigned *of_tile) {
    *sum = thread / reduce_width(at);
    *of_tile = thread % reduce_width(at);
    return *sum < REDUCE_SUMS && reduce_channel(at, block, *of_tile) < at->channels;
}

PORTABLE double *reduce_at(const struct reduction *at, unsigned block, unsigned sum,
                           unsigned of_tile, unsigned slice) {
    return at->partial + ((size_t)slice * REDUCE_SUMS + sum) * at->channels +
           reduce_channel(at, block, of_tile);
}

/* Of the block's threads: into `partial`. */
PORTABLE void reduce_lanes(const struct reduction *at, unsigned block, unsigned thread,
                           const struct reduce_block *shared) {
    unsigned sum, of_tile, width = pack_width(at->element);
    if (!reduce_column(at, block, thread, &sum, &of_tile))
        return;
    const float *row = shared->sums[sum * PACK_MAX + of_tile % width] + of_tile / width;
    double total = 0;
    for (unsigned lane = 0; lane < at->lanes; lane++)
        total += (double)row[lane * at->packs];
    *reduce_at(at, block, sum, of_tile, reduce_slice(at, block)) = total;
}

/* Of so many slices, or groups behind them. */
PORTABLE double reduce_add(const struct reduction *at, unsigned block, unsigned sum,
                           unsigned of_tile, unsigned first, unsigned count) {
    const double *from = reduce_at(at, block, sum, of_tile, first);
    size_t step = (size_t)REDUCE_SUMS * at->channels;
    double total = 0;
    for (unsigned done = 0; done < count; done += REDUCE_GROUP) {
        double some[REDUCE_GROUP];
        UNROLL
        for (unsigned i = 0; i < REDUCE_GROUP; i++)
            some[i] = done + i < count ? from[(done + i) * step] : 0;
        UNROLL
        for (unsigned i = 0; i < REDUCE_GROUP; i++)
            total += some[i];
    }
    return total;
}

PORTABLE unsigned reduce_group_size(const struct reduction *at, unsigned group) {
    unsigned left = at->slices - group * REDUCE_GROUP;
    return left < REDUCE_GROUP ? left : (unsigned)REDUCE_GROUP;
}

/* Of the block's group, when all its slices are there. */
PORTABLE void reduce_fold(const struct reduction *at, unsigned block, unsigned thread) {
    unsigned sum, of_tile, group = reduce_slice(at, block) / REDUCE_GROUP;
    if (reduce_column(at, block, thread, &sum, &of_tile))
        *reduce_at(at, block, sum, of_tile, at->slices + group) =
            reduce_add(at, block, sum, of_tile, group * REDUCE_GROUP, reduce_group_size(at, group));
}

/* Of all groups, or of all slices where there are none, when they are there. */
PORTABLE void reduce_total(const struct reduction *at, unsigned block, unsigned thread,
                           struct reduce_block *shared) {
    unsigned sum, of_tile;
    if (reduce_column(at, block, thread, &sum, &of_tile))
        shared->totals[sum][of_tile] =
            at->groups > 0 ? reduce_add(at, block, sum, of_tile, at->slices, at->groups)
                           : reduce_add(at, block, sum, of_tile, 0, at->slices);
}

/* ---- who is last: tickets, and how many blocks draw one ---- */

PORTABLE unsigned *reduce_tile_ticket(const struct reduction *at, unsigned block) {
    return at->tickets + (size_t)(block % at->tiles) * (at->groups + 1);
}

PORTABLE unsigned reduce_tile_blocks(const struct reduction *at) {
    return at->groups > 0 ? at->groups : at->slices;
}

PORTABLE unsigned *reduce_group_ticket(const struct reduction *at, unsigned block) {
    return reduce_tile_ticket(at, block) + 1 + reduce_slice(at, block) / REDUCE_GROUP;
}

PORTABLE unsigned reduce_group_blocks(const struct reduction *at, unsigned block) {
    return reduce_group_size(at, reduce_slice(at, block) / REDUCE_GROUP);
}

#endif
