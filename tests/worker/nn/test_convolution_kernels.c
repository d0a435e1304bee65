/* Convolutions of our own kernels: what the definition says, to the last bit where nothing can
 * round, and the same bits for any number of threads and whatever pictures stand beside one. */
#include "tests/worker/nn/defined.h"

#include "worker/nn/cpu/gathered.h"
#include "worker/nn/cpu/pointwise.h"
#include "worker/nn/cpu/stem.h"
#include "worker/nn/cpu/winograd.h"

#include <omp.h>

/* A convolution's operands as the kernels take them. */
struct held {
    struct defined plain;
    size_t block;
    struct map in, out;
    float *x, *w, *dy, *y, *dx, *dw;
    float *scratch;
};

static struct winograd winograd_of(const struct defined_shape *p, size_t block) {
    return (struct winograd){block, p->count, p->in, p->out, p->height, p->width};
}

static struct gathered gathered_of(const struct defined_shape *p, size_t block) {
    return (struct gathered){block,    p->count,  p->in,     p->out,       p->height,
                             p->width, p->kernel, p->stride, p->kernel / 2};
}

static struct stem stem_of(const struct defined_shape *p, size_t block) {
    return (struct stem){block, p->count, p->in, p->out, p->height, p->width, p->stride};
}

/* Of pictures as they come. */
static bool is_stem(const struct defined_shape *p) {
    return p->in == 3;
}

static struct pointwise pointwise_of(const struct defined_shape *p, size_t block) {
    return (struct pointwise){block, p->count, p->in, p->out, p->height * p->width};
}

/* Of few pixels they are gathered, as all of other strides. */
static bool is_pointwise(const struct defined_shape *p) {
    return p->kernel == 1 && p->stride == 1 && p->height * p->width >= 48;
}

static size_t scratch_of(const struct defined_shape *p, size_t block) {
    const struct winograd winograd = winograd_of(p, block);
    const struct pointwise pointwise = pointwise_of(p, block);
    const struct gathered gathered = gathered_of(p, block);
    const struct stem stem = stem_of(p, block);
    return is_stem(p)         ? stem_scratch(&stem)
           : defined_tiled(p) ? winograd_scratch(&winograd)
           : is_pointwise(p)  ? pointwise_scratch(&pointwise)
                              : gathered_scratch(&gathered);
}

/* All passes; pictures have no gradient. */
static void run(struct held *h) {
    const struct defined_shape *p = &h->plain.shape;
    const struct winograd winograd = winograd_of(p, h->block);
    const struct pointwise pointwise = pointwise_of(p, h->block);
    const struct gathered gathered = gathered_of(p, h->block);
    const struct stem stem = stem_of(p, h->block);
    if (is_stem(p)) {
        stem_forward(&stem, h->x, h->w, h->y, h->scratch);
        stem_backward_weights(&stem, h->x, h->dy, h->dw, h->scratch);
    } else if (defined_tiled(p)) {
        winograd_forward(&winograd, h->x, h->w, h->y, h->scratch);
        winograd_backward_data(&winograd, h->dy, h->w, h->dx, h->scratch);
        winograd_backward_weights(&winograd, h->x, h->dy, h->dw, h->scratch);
    } else if (is_pointwise(p)) {
        pointwise_forward(&pointwise, h->x, h->w, h->y);
        pointwise_backward_data(&pointwise, h->dy, h->w, h->dx, h->scratch);
        pointwise_backward_weights(&pointwise, h->x, h->dy, h->dw);
    } else {
        gathered_forward(&gathered, h->x, h->w, h->y, h->scratch);
        gathered_backward_data(&gathered, h->dy, h->w, h->dx, h->scratch);
        gathered_backward_weights(&gathered, h->x, h->dy, h->dw, h->scratch);
    }
}

/* Values in [-1, 1), or whole numbers of which all sums and products are exact. */
static float *values_of(const char *name, size_t count, bool whole) {
    float *values = zeroed(count * sizeof(float));
    drawn(name, count, values);
    for (size_t i = 0; whole && i < count; i++)
        values[i] = roundf(values[i] * 4) * 4; /* the transforms divide by 4 */
    return values;
}

/* NaN: what stands there is not read. */
static void *unread(size_t bytes) {
    return memset(zeroed(bytes), 0xFF, bytes);
}

static void open_held(struct held *h, struct defined_shape shape, size_t block, bool whole) {
    *h = (struct held){
        .plain = {.shape = shape},
        .block = block,
        .in = {shape.count, shape.in, shape.height, shape.width, is_stem(&shape) ? 1 : block},
        .out = {shape.count, shape.out, defined_side(&shape, shape.height),
                defined_side(&shape, shape.width), block}};
    struct defined *plain = &h->plain;
    plain->x = values_of("x", map_floats(&h->in), whole);
    plain->w = values_of("w", weights_of(&shape), whole);
    plain->dy = values_of("dy", map_floats(&h->out), whole);
    plain->y = zeroed(map_floats(&h->out) * sizeof(double));
    plain->dx = zeroed(map_floats(&h->in) * sizeof(double));
    plain->dw = zeroed(weights_of(&shape) * sizeof(double));
    h->x = packed(&h->in, plain->x);
    h->w = weights_packed(&shape, block, plain->w);
    h->dy = packed(&h->out, plain->dy);
    h->y = unread(map_floats(&h->out) * sizeof(float));
    h->dx = unread(map_floats(&h->in) * sizeof(float));
    h->dw = unread(weights_of(&shape) * sizeof(float));
    h->scratch = unread(scratch_of(&shape, block));
}

static void close_held(struct held *h) {
    void *all[] = {(void *)(uintptr_t)h->plain.x,
                   (void *)(uintptr_t)h->plain.w,
                   (void *)(uintptr_t)h->plain.dy,
                   h->plain.y,
                   h->plain.dx,
                   h->plain.dw,
                   h->x,
                   h->w,
                   h->dy,
                   h->y,
                   h->dx,
                   h->dw,
                   h->scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* Takes `got`. */
static void compare(const char *what, float *got, const double *expected, size_t count,
                    double tolerance) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - expected[i]) <= tolerance * largest))
            fail_msg("%s[%zu] is %.9g and should be %.9g", what, i, (double)got[i], expected[i]);
    free(got);
}

static void check(struct defined_shape shape, size_t block, bool whole) {
    struct held h;
    open_held(&h, shape, block, whole);
    double tolerance = whole ? 0 : 2e-6;
    define(&h.plain);
    run(&h);
    compare("y", unpacked(&h.out, h.y), h.plain.y, map_floats(&h.out), tolerance);
    if (!is_stem(&shape))
        compare("dx", unpacked(&h.in, h.dx), h.plain.dx, map_floats(&h.in), tolerance);
    compare("dw", weights_unpacked(&shape, block, h.dw), h.plain.dw, weights_of(&shape), tolerance);
    close_held(&h);
}

/* Even and odd sides, less than a chunk of tiles or a run of pixels, several of them and several
 * for each of some threads, a map that is all border. Channels are those in blocks of 8. */
static const struct defined_shape shapes[] = {
    {1, 16, 16, 2, 2, 3, 1},   {3, 16, 32, 2, 3, 3, 1},  {2, 48, 16, 5, 4, 3, 1},
    {1, 32, 32, 3, 11, 3, 1},  {4, 16, 16, 14, 7, 3, 1}, {3, 16, 16, 21, 19, 3, 1},
    {11, 32, 16, 7, 7, 3, 1},  {5, 80, 48, 4, 4, 3, 1},  {3, 16, 16, 1, 1, 1, 1},
    {2, 80, 32, 20, 20, 1, 1}, {7, 144, 48, 5, 6, 1, 1}, {1, 32, 112, 7, 7, 1, 1},
    {1, 16, 16, 1, 2, 1, 2},   {2, 48, 16, 1, 7, 3, 1},  {5, 32, 48, 13, 10, 3, 2},
    {3, 16, 16, 29, 31, 3, 2}, {2, 32, 16, 12, 9, 5, 3}, {3, 80, 48, 9, 12, 1, 2},
    {4, 32, 32, 41, 38, 1, 2}, {1, 3, 16, 1, 1, 7, 2},   {3, 3, 32, 9, 6, 7, 2},
    {2, 3, 48, 31, 28, 7, 2},  {3, 3, 16, 13, 20, 7, 1}, {4, 16, 16, 41, 38, 3, 1},
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static const size_t BLOCKS[] = {8, 16};

enum { KINDS = sizeof BLOCKS / sizeof *BLOCKS };

/* As many blocks of channels, whatever their size. */
static struct defined_shape in_blocks(struct defined_shape shape, size_t block) {
    shape.in *= is_stem(&shape) ? 1 : block / 8;
    shape.out *= block / 8;
    return shape;
}

static void check_shapes(bool whole) {
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < SHAPES; i++)
            check(in_blocks(shapes[i], BLOCKS[kind]), BLOCKS[kind], whole);
}

static void whole_numbers_come_out_exactly(void **state) {
    (void)state;
    check_shapes(true);
}

static void sums_round_as_little_as_floats_can(void **state) {
    (void)state;
    check_shapes(false);
}

/* A picture of 2 x 2 is one tile: kernels take several at a time, and what is left over. */
static void whole_numbers_come_out_exactly_of_any_number_of_tiles(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t tiles = 1; tiles < 30; tiles++) {
            const struct defined_shape shape = {tiles, 16, 16, 2, 2, 3, 1};
            check(in_blocks(shape, BLOCKS[kind]), BLOCKS[kind], true);
        }
}

static void check_threads(struct defined_shape shape, size_t block) {
    const int threads[] = {2, 3, 7};
    struct held one, more;
    omp_set_num_threads(1);
    open_held(&one, shape, block, false);
    run(&one);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        omp_set_num_threads(threads[i]);
        open_held(&more, shape, block, false);
        run(&more);
        assert_memory_equal(one.y, more.y, map_floats(&one.out) * sizeof(float));
        assert_memory_equal(one.dx, more.dx, map_floats(&one.in) * sizeof(float));
        assert_memory_equal(one.dw, more.dw, weights_of(&shape) * sizeof(float));
        close_held(&more);
    }
    close_held(&one);
}

static void bits_do_not_follow_the_number_of_threads(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < SHAPES; i++)
            check_threads(in_blocks(shapes[i], BLOCKS[kind]), BLOCKS[kind]);
}

/* Each takes 96 of the 8 x 33 x 33 tiles, of 16 points, with 32 channels before and behind. */
static void each_thread_has_room_for_the_points_of_its_tiles(void **state) {
    (void)state;
    enum { THREADS = 40, POINTS = 16, TILES = 96, CHANNELS = 32 };
    size_t tiles = (size_t)THREADS * TILES * (CHANNELS + CHANNELS);
    omp_set_num_threads(THREADS);
    for (size_t kind = 0; kind < KINDS; kind++) {
        const struct winograd shape = {BLOCKS[kind], 8, CHANNELS, CHANNELS, 66, 66};
        assert_true(winograd_scratch(&shape) >=
                    POINTS * (tiles + CHANNELS * CHANNELS) * sizeof(float));
    }
}

static void check_alone(struct defined_shape shape, size_t block) {
    struct held all, alone;
    open_held(&all, in_blocks(shape, block), block, false);
    run(&all);
    shape.count = 1;
    open_held(&alone, in_blocks(shape, block), block, false);
    size_t ins = map_floats(&alone.in), outs = map_floats(&alone.out);
    for (size_t picture = 0; picture < all.in.count; picture++) {
        memcpy(alone.x, all.x + picture * ins, ins * sizeof(float));
        memcpy(alone.dy, all.dy + picture * outs, outs * sizeof(float));
        run(&alone);
        assert_memory_equal(alone.y, all.y + picture * outs, outs * sizeof(float));
        assert_memory_equal(alone.dx, all.dx + picture * ins, ins * sizeof(float));
    }
    close_held(&all);
    close_held(&alone);
}

static void a_picture_alone_gives_the_bits_it_gives_among_others(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        check_alone((struct defined_shape){7, 32, 16, 13, 12, 3, 1}, BLOCKS[kind]);
        check_alone((struct defined_shape){7, 32, 16, 13, 12, 3, 2}, BLOCKS[kind]);
        check_alone((struct defined_shape){7, 32, 16, 13, 12, 1, 1}, BLOCKS[kind]);
        check_alone((struct defined_shape){7, 32, 16, 5, 3, 1, 1}, BLOCKS[kind]);
        check_alone((struct defined_shape){7, 3, 16, 13, 12, 7, 2}, BLOCKS[kind]);
    }
}

/* Of as many channels, which are less blocks. */
static void check_blocks(struct defined_shape shape) {
    struct held small, large;
    shape = in_blocks(shape, 16);
    open_held(&small, shape, 8, false);
    open_held(&large, shape, 16, false);
    run(&small);
    run(&large);
    float *y[] = {unpacked(&small.out, small.y), unpacked(&large.out, large.y)};
    float *dx[] = {unpacked(&small.in, small.dx), unpacked(&large.in, large.dx)};
    float *dw[] = {weights_unpacked(&shape, 8, small.dw), weights_unpacked(&shape, 16, large.dw)};
    assert_memory_equal(y[0], y[1], map_floats(&small.out) * sizeof(float));
    assert_memory_equal(dx[0], dx[1], map_floats(&small.in) * sizeof(float));
    assert_memory_equal(dw[0], dw[1], weights_of(&shape) * sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        free(y[i]);
        free(dx[i]);
        free(dw[i]);
    }
    close_held(&small);
    close_held(&large);
}

/* Which is what a machine with AVX2 alone has and one with AVX-512. */
static void bits_do_not_follow_the_size_of_a_block(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPES; i++)
        check_blocks(shapes[i]);
}

/* Behind a first product of 2^24 those of 1 are lost, and those of another run are not: 384 are
 * summed 96 at a time. */
static void check_runs(struct defined_shape shape, size_t block, size_t apart) {
    enum { PRODUCTS = 384, RUN = 96, LOSES = 1 << 24 };
    struct held h;
    open_held(&h, in_blocks(shape, block), block, true);
    size_t ins = map_floats(&h.in), outs = map_floats(&h.out), taps = shape.kernel * shape.kernel;
    for (size_t i = 0; i < ins; i++)
        h.x[i] = i / block % apart == 0 ? 1 : 0;
    for (size_t i = 0; i < outs; i++)
        h.dy[i] = i / block % apart == 0 ? 1 : 0;
    for (size_t i = 0; i < h.in.channels; i++)
        h.x[i / block * h.in.height * h.in.width * block + i % block] = LOSES;
    run(&h);
    float *weights = weights_unpacked(&h.plain.shape, block, h.dw);
    for (size_t i = taps / 2; i < weights_of(&h.plain.shape); i += taps)
        assert_true(weights[i] == (float)(LOSES + PRODUCTS - RUN));
    free(weights);
    close_held(&h);
}

static void sums_are_made_of_runs_of_the_same_length(void **state) {
    (void)state;
    for (size_t kind = 0; kind < KINDS; kind++) {
        check_runs((struct defined_shape){384, 16, 16, 2, 2, 3, 1}, BLOCKS[kind], 4); /* of tiles */
        check_runs((struct defined_shape){1, 16, 16, 16, 24, 1, 1}, BLOCKS[kind], 1);
        check_runs((struct defined_shape){1, 16, 16, 32, 48, 1, 2}, BLOCKS[kind], 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_come_out_exactly),
        cmocka_unit_test(sums_round_as_little_as_floats_can),
        cmocka_unit_test(whole_numbers_come_out_exactly_of_any_number_of_tiles),
        cmocka_unit_test(bits_do_not_follow_the_number_of_threads),
        cmocka_unit_test(each_thread_has_room_for_the_points_of_its_tiles),
        cmocka_unit_test(a_picture_alone_gives_the_bits_it_gives_among_others),
        cmocka_unit_test(bits_do_not_follow_the_size_of_a_block),
        cmocka_unit_test(sums_are_made_of_runs_of_the_same_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
