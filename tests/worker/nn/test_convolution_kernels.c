/* Convolutions of our own kernels: what the definition says, to the last bit where nothing can
 * round, and the same bits for any number of threads and whatever pictures stand beside one. */
#include "tests/worker/nn/defined.h"

#include "worker/nn/cpu/pointwise.h"
#include "worker/nn/cpu/winograd.h"

#include <omp.h>

/* A convolution's operands as the kernels take them. */
struct held {
    struct defined plain;
    struct map in, out;
    float *x, *w, *dy, *y, *dx, *dw;
    float *scratch;
};

/* Values in [-1, 1), or whole numbers of which all sums and products are exact. */
static float *values_of(const char *name, size_t count, bool whole) {
    float *values = zeroed(count * sizeof(float));
    drawn(name, count, values);
    for (size_t i = 0; whole && i < count; i++)
        values[i] = roundf(values[i] * 4) * 4; /* the transforms divide by 4 */
    return values;
}

static void open_held(struct held *h, size_t count, size_t in, size_t out, size_t height,
                      size_t width, size_t kernel, bool whole) {
    *h = (struct held){.plain = {count, in, out, height, width, kernel},
                       .in = {count, in, height, width, 8},
                       .out = {count, out, height, width, 8}};
    struct defined *plain = &h->plain;
    plain->x = values_of("x", map_floats(&h->in), whole);
    plain->w = values_of("w", weights_of(plain), whole);
    plain->dy = values_of("dy", map_floats(&h->out), whole);
    plain->y = zeroed(map_floats(&h->out) * sizeof(double));
    plain->dx = zeroed(map_floats(&h->in) * sizeof(double));
    plain->dw = zeroed(weights_of(plain) * sizeof(double));
    h->x = packed(&h->in, plain->x);
    h->w = weights_packed(plain, plain->w);
    h->dy = packed(&h->out, plain->dy);
    h->y = zeroed(map_floats(&h->out) * sizeof(float));
    h->dx = zeroed(map_floats(&h->in) * sizeof(float));
    h->dw = zeroed(weights_of(plain) * sizeof(float));
    const struct winograd shape = {count, in, out, height, width};
    h->scratch = zeroed(winograd_scratch(&shape));
    memset(h->scratch, 0xFF, winograd_scratch(&shape)); /* NaN: what stands there is not read */
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

/* All passes that there are. */
static void run(struct held *h) {
    const struct defined *p = &h->plain;
    if (p->kernel == 1) {
        const struct pointwise shape = {p->count, p->in, p->out, p->height * p->width};
        pointwise_backward_weights(&shape, h->x, h->dy, h->dw);
        return;
    }
    const struct winograd shape = {p->count, p->in, p->out, p->height, p->width};
    winograd_forward(&shape, h->x, h->w, h->y, h->scratch);
    winograd_backward_data(&shape, h->dy, h->w, h->dx, h->scratch);
    winograd_backward_weights(&shape, h->x, h->dy, h->dw, h->scratch);
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

static void check(size_t count, size_t in, size_t out, size_t height, size_t width, size_t kernel,
                  bool whole) {
    struct held h;
    open_held(&h, count, in, out, height, width, kernel, whole);
    double tolerance = whole ? 0 : 2e-6;
    define(&h.plain);
    run(&h);
    if (kernel == 3) {
        compare("y", unpacked(&h.out, h.y), h.plain.y, map_floats(&h.out), tolerance);
        compare("dx", unpacked(&h.in, h.dx), h.plain.dx, map_floats(&h.in), tolerance);
    }
    compare("dw", weights_unpacked(&h.plain, h.dw), h.plain.dw, weights_of(&h.plain), tolerance);
    close_held(&h);
}

/* Even and odd sides, less than a chunk of tiles and several of them, one that is all border. */
static const struct {
    size_t count, in, out, height, width;
} shapes[] = {{1, 16, 16, 2, 2},  {3, 16, 32, 2, 3},   {2, 48, 16, 5, 4},  {1, 32, 32, 3, 11},
              {4, 16, 16, 14, 7}, {3, 16, 16, 21, 19}, {11, 32, 16, 7, 7}, {5, 80, 48, 4, 4}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void whole_numbers_come_out_exactly(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPES; i++)
        for (size_t kernel = 1; kernel <= 3; kernel += 2)
            check(shapes[i].count, shapes[i].in, shapes[i].out, shapes[i].height, shapes[i].width,
                  kernel, true);
}

static void sums_round_as_little_as_floats_can(void **state) {
    (void)state;
    for (size_t i = 0; i < SHAPES; i++)
        for (size_t kernel = 1; kernel <= 3; kernel += 2)
            check(shapes[i].count, shapes[i].in, shapes[i].out, shapes[i].height, shapes[i].width,
                  kernel, false);
}

static void bits_do_not_follow_the_number_of_threads(void **state) {
    (void)state;
    const int threads[] = {2, 3, 7};
    for (size_t kernel = 1; kernel <= 3; kernel += 2) {
        struct held one, more;
        open_held(&one, 5, 80, 48, 15, 14, kernel, false);
        omp_set_num_threads(1);
        run(&one);
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            open_held(&more, 5, 80, 48, 15, 14, kernel, false);
            omp_set_num_threads(threads[i]);
            run(&more);
            assert_memory_equal(one.y, more.y, map_floats(&one.out) * sizeof(float));
            assert_memory_equal(one.dx, more.dx, map_floats(&one.in) * sizeof(float));
            assert_memory_equal(one.dw, more.dw, weights_of(&one.plain) * sizeof(float));
            close_held(&more);
        }
        close_held(&one);
    }
}

static void a_picture_alone_gives_the_bits_it_gives_among_others(void **state) {
    (void)state;
    struct held all, alone;
    open_held(&all, 7, 32, 16, 13, 12, 3, false);
    run(&all);
    open_held(&alone, 1, 32, 16, 13, 12, 3, false);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_come_out_exactly),
        cmocka_unit_test(sums_round_as_little_as_floats_can),
        cmocka_unit_test(bits_do_not_follow_the_number_of_threads),
        cmocka_unit_test(a_picture_alone_gives_the_bits_it_gives_among_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
