/* What comes back from the device: every batch's losses and logits, in order, however many of them
 * come at once; and how often anybody waits for it. */
#include "worker/nn/cuda/gpu_exchange.h"

#include "tests/worker/nn/cuda/host_device.h"
#include "worker/nn/refuse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

/* An exchange, and where the "network" of this test, which is all loss, leaves its logits. */
struct bench {
    struct device *device;
    struct gpu_exchange exchange;
    float *logits;                           /* on the device */
    float made[BACKEND_AHEAD + 1][2 * MOST]; /* the host's, of each batch that may be under way */
    size_t queued, taken;
};

static void bench_open(struct bench *bench) {
    struct error error = {0};
    *bench = (struct bench){.device = host_device_new()};
    gpu_exchange_init(bench->device, &bench->exchange);
    assert_true(bench->device->allocate(bench->device, 2 * MOST * sizeof(float),
                                        (void **)&bench->logits, &error));
}

static void bench_close(struct bench *bench) {
    gpu_exchange_free(&bench->exchange);
    bench->device->release(bench->device, bench->logits);
    assert_int_equal(host_device_counts.allocations, 0);
    bench->device->free(bench->device);
}

static size_t count_of(size_t number) {
    return 1 + number % 3;
}

/* Batch after batch another number of pictures, and other logits. */
static void queue(struct bench *bench, size_t count, bool held) {
    static const int32_t labels[MOST] = {0, 1, 1, 0, 1, 0, 0, 1};
    static const uint64_t samples[MOST] = {0};
    struct error error = {0};
    float *logits = bench->made[bench->queued % (BACKEND_AHEAD + 1)];
    const struct batch batch = {.count = count, .labels = labels, .samples = samples, .held = held};
    for (size_t i = 0; i < 2 * count; i++)
        logits[i] = (float)(100 * bench->queued + i);
    assert_true(gpu_exchange_send(&bench->exchange, &batch, NULL, &plain_loss, &error));
    assert_true(
        bench->device->upload(bench->device, bench->logits, logits, sizeof bench->made[0], &error));
    const struct gpu_batch there = gpu_exchange_batch(&bench->exchange);
    const struct loss_rows arguments = {.loss = plain_loss,
                                        .numbers = there.numbers,
                                        .logits = bench->logits,
                                        .labels = there.labels,
                                        .losses = there.losses,
                                        .kept = there.logits};
    assert_true(device_launch(bench->device, loss_rows, &arguments, count, &error));
    assert_true(gpu_exchange_return(&bench->exchange, &batch, &error));
    bench->queued++;
}

/* Of two logits that are one apart: log(1 + e) where the label is the smaller one, else
 * log(1 + 1 / e). */
static void take(struct bench *bench, size_t count) {
    static const float low = 1.31326169F, high = 0.313261688F;
    struct error error = {0};
    float losses[MOST] = {0}, logits[2 * MOST] = {0};
    assert_true(gpu_exchange_take(&bench->exchange, losses, logits, &error));
    for (size_t i = 0; i < 2 * count; i++)
        assert_true(logits[i] == (float)(100 * bench->taken + i));
    for (size_t i = 0; i < count; i++) {
        bool one = i == 1 || i == 2 || i == 4 || i == 7;
        assert_float_equal(losses[i], one ? high : low, 1e-5);
    }
    bench->taken++;
}

static void all_places_are_used_again_and_again(void **state) {
    (void)state;
    enum { BATCHES = 3 * BACKEND_AHEAD + 5 };
    static const size_t strides[] = {1, 2, 3, 5, 16, BACKEND_AHEAD};
    for (size_t s = 0; s < sizeof strides / sizeof strides[0]; s++) {
        struct bench bench;
        bench_open(&bench);
        while (bench.taken < BATCHES) {
            while (bench.queued < BATCHES && bench.queued - bench.taken < BACKEND_AHEAD)
                queue(&bench, count_of(bench.queued), (bench.queued + 1) % strides[s] != 0);
            take(&bench, count_of(bench.taken));
        }
        bench_close(&bench);
    }
}

/* Sixteen at once, thirty-two under way, as struct flight has them. */
static void a_wait_serves_sixteen_batches(void **state) {
    (void)state;
    enum { STRIDE = 16, BATCHES = 10 * STRIDE };
    struct bench bench;
    bench_open(&bench);
    queue(&bench, MOST, false); /* all memory is there now */
    take(&bench, MOST);
    size_t waits = host_device_counts.waits, downloads = host_device_counts.downloads;
    while (bench.queued <= BATCHES) {
        queue(&bench, 2, bench.queued % STRIDE != 0);
        if (bench.queued <= BACKEND_AHEAD)
            assert_int_equal(host_device_counts.waits, waits);
        if (bench.queued - bench.taken == BACKEND_AHEAD)
            take(&bench, 2);
    }
    while (bench.taken < bench.queued)
        take(&bench, 2);
    assert_int_equal(host_device_counts.waits, waits + BATCHES / STRIDE);
    /* a group that begins at the ring's second place ends at its first: two copies of every other
     */
    assert_in_range(host_device_counts.downloads, downloads + BATCHES / STRIDE,
                    downloads + 2 * BATCHES / STRIDE);
    bench_close(&bench);
}

static void what_is_held_comes_when_it_is_taken(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    for (size_t i = 0; i < 4; i++)
        queue(&bench, count_of(i), true);
    size_t waits = host_device_counts.waits;
    assert_int_equal(host_device_counts.downloads, 0);
    for (size_t i = 0; i < 4; i++)
        take(&bench, count_of(i));
    assert_int_equal(host_device_counts.downloads, 1);
    assert_int_equal(host_device_counts.waits, waits + 1);
    bench_close(&bench);
}

static void a_larger_batch_moves_what_is_under_way(void **state) {
    (void)state;
    struct bench bench;
    bench_open(&bench);
    for (size_t i = 0; i < 5; i++)
        queue(&bench, 3, i % 2 == 0);
    take(&bench, 3);
    queue(&bench, MOST, true);
    queue(&bench, MOST, false);
    for (size_t i = 1; i < 7; i++)
        take(&bench, i < 5 ? 3 : MOST);
    bench_close(&bench);
}

/* A batch that finds no memory leaves those under way as they are. */
static void without_memory_nothing_is_lost(void **state) {
    (void)state;
    static const int32_t labels[MOST] = {0};
    static const uint64_t samples[MOST] = {0};
    const struct batch large = {.count = MOST, .labels = labels, .samples = samples};
    struct error error = {0};
    struct bench bench;
    bench_open(&bench);
    queue(&bench, 2, true);
    queue(&bench, 2, false);
    host_device_room = host_device_counts.bytes;
    assert_false(gpu_exchange_send(&bench.exchange, &large, NULL, &plain_loss, &error));
    host_device_room = SIZE_MAX;
    take(&bench, 2);
    take(&bench, 2);
    bench_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_places_are_used_again_and_again),
        cmocka_unit_test(a_wait_serves_sixteen_batches),
        cmocka_unit_test(what_is_held_comes_when_it_is_taken),
        cmocka_unit_test(a_larger_batch_moves_what_is_under_way),
        cmocka_unit_test(without_memory_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
