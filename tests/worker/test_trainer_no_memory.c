/* A run whose allocations are refused in turn, on every thread of it: it ends as it would have, or
 * says that the machine had no memory, and then goes on in its folder to the same bits. */
#define REFUSE_IN_ALL_THREADS
#include "core/shortage.h"
#include "tests/refusing.h"
#include "tests/worker/small_run.h"
#include "worker/nn/network.h"

#include <sched.h>

/* In place of a ResNet, so that there are few weights to write: the linker has the trainer call it.
 */
bool __wrap_network_build(const char *arch, enum head head, double dropout, struct network *network,
                          struct error *error);
bool __wrap_network_build(const char *arch, enum head head, double dropout, struct network *network,
                          struct error *error) {
    static const struct node nodes[] = {
        {.op = OP_INPUT, .input = -1, .residual = -1, .in_channels = 3, .out_channels = 3},
        {.op = OP_CONV,
         .input = 0,
         .residual = -1,
         .in_channels = 3,
         .out_channels = 16,
         .kernel = 3,
         .stride = 2,
         .padding = 1},
        {.op = OP_BATCH_NORM,
         .input = 1,
         .residual = -1,
         .relu = true,
         .in_channels = 16,
         .out_channels = 16,
         .parameter = 1},
        {.op = OP_AVERAGE_POOL, .input = 2, .residual = -1, .in_channels = 16, .out_channels = 16},
        {.op = OP_LINEAR,
         .input = 3,
         .residual = -1,
         .in_channels = 16,
         .out_channels = NETWORK_CLASSES,
         .parameter = 5}};
    static const struct parameter parameters[] = {
        {"conv1.weight", PARAMETER_WEIGHT, 4, {16, 3, 3, 3}, 432, true, false},
        {"bn1.weight", PARAMETER_SCALE, 1, {16}, 16, true, false},
        {"bn1.bias", PARAMETER_SHIFT, 1, {16}, 16, true, false},
        {"bn1.running_mean", PARAMETER_MEAN, 1, {16}, 16, false, false},
        {"bn1.running_var", PARAMETER_VARIANCE, 1, {16}, 16, false, false},
        {"head.weight", PARAMETER_WEIGHT, 2, {NETWORK_CLASSES, 16}, 32, true, false},
        {"head.bias", PARAMETER_BIAS, 1, {NETWORK_CLASSES}, NETWORK_CLASSES, true, false}};
    (void)arch, (void)head, (void)dropout;
    *network = (struct network){.nodes = malloc(sizeof nodes),
                                .node_count = sizeof nodes / sizeof *nodes,
                                .parameters = malloc(sizeof parameters),
                                .parameter_count = sizeof parameters / sizeof *parameters};
    if (network->nodes == NULL || network->parameters == NULL) {
        network_free(network);
        return error_memory(error);
    }
    memcpy(network->nodes, nodes, sizeof nodes);
    memcpy(network->parameters, parameters, sizeof parameters);
    return true;
}

/* What the test itself needs is given. */
static void hear_log_freely(void *context, uint64_t offset, const char *text) {
    size_t after = refuse_after;
    refuse_no_more();
    hear_log(context, offset, text);
    refuse_after = after;
}

/* So quick that an epoch may take no time that the clock knows of, which listener_events would not
 * have. */
static enum trainer_outcome run_in(const struct bench *bench, const char *dir,
                                   struct listener *listener, struct error *error) {
    const struct trainer_events events = {.context = listener, .log = hear_log_freely};
    const struct trainer_options options = {.dir = dir, .backend = SMALL_BACKEND, .threads = 2};
    return trainer_run(&bench->small.experiment, &options, &events, error);
}

static void finish_in(const struct bench *bench, const char *dir, struct listener *listener) {
    struct error error = {0};
    if (run_in(bench, dir, listener, &error) != TRAINER_DONE)
        fail_msg("%s", error.message);
}

/* So small a network's threads would mostly wait for each other. */
static void take_one_core(void) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET((size_t)sched_getcpu(), &cores);
    sched_setaffinity(0, sizeof cores, &cores);
}

static int make_quick_bench(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    void *root = NULL;
    take_one_core();
    if (bench == NULL || temporary_make(&root) != 0)
        return -1;
    bench->root = root;
    small_experiment(&root, &bench->small);
    bench->small.experiment.train.epochs = 2;
    bench->whole_dir = temporary_path(&root, "whole");
    finish_in(bench, bench->whole_dir, &bench->whole);
    *state = bench;
    return 0;
}

/* One run of which the n-th allocation is refused, and all behind it where that lasts. */
static void run_refused(struct bench *bench, const char *dir, size_t n, bool lasts) {
    struct listener listener = {0};
    struct error error = {0};
    refuse_lasts = lasts;
    refused = false;
    refuse_after = n;
    enum trainer_outcome outcome = run_in(bench, dir, &listener, &error);
    refuse_no_more();
    shortage_in_trees(); /* as the end of the trial's thread forgets them */
    if (outcome != TRAINER_DONE) {
        assert_int_equal(outcome, TRAINER_FAILED);
        if (error.cause != CAUSE_MACHINE)
            fail_msg("allocation %zu: %s", n, error.message);
        finish_in(bench, dir, &listener);
    }
    expect_same_run(bench, dir, &listener);
    listener_free(&listener);
}

static void a_run_without_memory_is_the_machines_fault_and_ends_with_the_same_bits(void **state) {
    char *dir = folder(*state, "refused");
    size_t n = 0;
    do {
        run_refused(*state, dir, ++n, false);
        folder_end(strdup(dir));
    } while (refused);
    for (size_t last = n, m = 1; m < last; m += 13) {
        run_refused(*state, dir, m, true);
        folder_end(strdup(dir));
    }
    free(dir);
}

/* It ends without memory in its second epoch and is gone on with. */
static void so_does_one_that_was_ended_before(void **state) {
    enum { IN_THE_SECOND = 700, STEP = 29 };
    struct bench *bench = *state;
    char *dir = folder(bench, "refused");
    for (size_t n = 1; n == 1 || refused; n += STEP)
        for (int lasts = 0; lasts < 2; lasts++) {
            struct listener listener = {0};
            refuse_lasts = true;
            refuse_after = IN_THE_SECOND;
            assert_int_equal(run_in(bench, dir, &listener, NULL), TRAINER_FAILED);
            refuse_no_more();
            shortage_in_trees();
            assert_non_null(strstr(listener.log.data, "epoch 1/2: "));
            listener_free(&listener);
            run_refused(bench, dir, n, lasts);
            folder_end(strdup(dir));
        }
    free(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_without_memory_is_the_machines_fault_and_ends_with_the_same_bits),
        cmocka_unit_test(so_does_one_that_was_ended_before),
    };
    return cmocka_run_group_tests(tests, make_quick_bench, bench_free);
}
