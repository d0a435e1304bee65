#include "worker/nn/work.h"

#include "worker/nn/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct counted {
    const char *name;
    struct work passes[WORK_PASSES];
};

#include "tests/data/work/counts.inc"

/* A network, its shapes, and what was counted of it. */
struct counting {
    struct network network;
    struct shape *shapes;
    struct node_work *nodes;
};

static void open_network(struct counting *c, const char *arch, int side, char *freeze) {
    struct error error;
    assert_true(network_build(arch, HEAD_RELU, 0, &c->network, &error));
    if (freeze != NULL)
        assert_true(network_freeze(&c->network, &freeze, 1, &error));
    c->shapes = calloc(c->network.node_count, sizeof *c->shapes);
    c->nodes = calloc(c->network.node_count, sizeof *c->nodes);
    assert_true(network_shapes(&c->network, side, side, c->shapes, &error));
}

static void close_network(struct counting *c) {
    free(c->shapes);
    free(c->nodes);
    network_free(&c->network);
}

static const struct node_work *node_of(const struct counting *c, const char *wanted) {
    char name[64];
    for (size_t i = 0; i < c->network.node_count; i++)
        if (strcmp(node_name(&c->network, i, name, sizeof name), wanted) == 0)
            return &c->nodes[i];
    fail_msg("there is no layer %s", wanted);
    return NULL;
}

static void check_counts(const char *arch, int side, size_t count, enum precision precision,
                         const struct counted *expected, size_t rows) {
    struct counting c;
    open_network(&c, arch, side, NULL);
    work_count(&c.network, c.shapes, count, precision, c.nodes);
    assert_int_equal(c.network.node_count, rows + 1); /* and the input */
    for (size_t i = 0; i < rows; i++)
        for (int pass = 0; pass < WORK_PASSES; pass++) {
            const struct work *got = &node_of(&c, expected[i].name)->passes[pass];
            const struct work *wanted = &expected[i].passes[pass];
            if (got->flops != wanted->flops || got->bytes != wanted->bytes)
                fail_msg("%s, pass %d: %.0f flops and %.0f bytes, not %.0f and %.0f",
                         expected[i].name, pass, got->flops, got->bytes, wanted->flops,
                         wanted->bytes);
        }
    close_network(&c);
}

#define ROWS(array) array, sizeof(array) / sizeof *(array)

static void each_layer_counts_what_torchvisions_modules_move(void **state) {
    (void)state;
    check_counts("resnet50", 224, 32, PRECISION_FP32, ROWS(resnet50_224_32_fp32));
    check_counts("resnet50", 224, 32, PRECISION_TF32, ROWS(resnet50_224_32_fp32));
    check_counts("resnet50", 224, 32, PRECISION_BF16, ROWS(resnet50_224_32_bf16));
    check_counts("resnet18", 65, 3, PRECISION_BF16, ROWS(resnet18_65_3_bf16));
}

static void resnet50_takes_the_operations_that_its_authors_count(void **state) {
    (void)state;
    struct counting c;
    double flops = 0;
    open_network(&c, "resnet50", 224, NULL);
    work_count(&c.network, c.shapes, 1, PRECISION_FP32, c.nodes);
    for (size_t i = 0; i < c.network.node_count; i++)
        flops += c.nodes[i].passes[WORK_FORWARD].flops;
    /* torchvision's weights page: 4.09 GFLOPS, a multiplication and an addition being one */
    assert_true(flops / 2 > 4.085e9 && flops / 2 < 4.095e9);
    close_network(&c);
}

static void frozen_layers_have_no_gradients_to_make(void **state) {
    (void)state;
    struct counting c;
    open_network(&c, "resnet18", 64, "conv1");
    work_count(&c.network, c.shapes, 4, PRECISION_FP32, c.nodes);
    assert_true(node_of(&c, "conv1")->passes[WORK_WEIGHTS].flops == 0);
    assert_true(node_of(&c, "conv1")->passes[WORK_DATA].bytes == 0);
    assert_true(node_of(&c, "bn1")->passes[WORK_DATA].bytes == 4 * 4 * 64 * 32 * 32 * 2);
    close_network(&c);
    open_network(&c, "resnet18", 64, "layer4.1.conv2"); /* what stands below is trained */
    work_count(&c.network, c.shapes, 4, PRECISION_FP32, c.nodes);
    assert_true(node_of(&c, "layer4.1.conv2")->passes[WORK_WEIGHTS].bytes == 0);
    assert_true(node_of(&c, "layer4.1.conv2")->passes[WORK_DATA].flops > 0);
    close_network(&c);
}

static void an_update_moves_each_weight_gradient_and_moment(void **state) {
    (void)state;
    struct network network;
    struct error error;
    double all = 0, kernels = 0;
    assert_true(network_build("resnet50", HEAD_RELU, 0, &network, &error));
    for (size_t i = 0; i < network.parameter_count; i++) {
        all += network.parameters[i].trainable ? (double)network.parameters[i].count : 0;
        kernels += network.parameters[i].rank == 4 ? (double)network.parameters[i].count : 0;
    }
    assert_true(all == 25557032 + 2002); /* torchvision's resnet50, and the head */
    assert_true(work_update(&network, 2, PRECISION_FP32).bytes == 28 * all);
    assert_true(work_update(&network, 0, PRECISION_TF32).bytes == 12 * all);
    assert_true(work_update(&network, 2, PRECISION_BF16).bytes == 28 * all); /* 2 + 2 for 4 */
    assert_true(kernels > 0.9 * (all - 2048 * 1000));
    network_free(&network);
}

static void the_floor_is_the_longer_of_computing_and_moving(void **state) {
    (void)state;
    const struct peak peak = {"a machine", {1e12, 4e12, 0}, 1e11};
    const struct work computes = {4e9, 1e6}, moves = {1e6, 4e8}, only_moves = {0, 1e8};
    assert_true(work_floor_ms(&computes, &peak, PRECISION_FP32) == 4);
    assert_true(work_floor_ms(&computes, &peak, PRECISION_TF32) == 1);
    assert_true(work_floor_ms(&moves, &peak, PRECISION_FP32) == 4);
    assert_true(work_floor_ms(&only_moves, &peak, PRECISION_BF16) == 1);
}

static void known_devices_are_found_by_either_name(void **state) {
    (void)state;
    struct peak peak;
    assert_true(peak_find("h100", &peak));
    assert_true(peak.bytes == 3.35e12 && peak.flops[PRECISION_BF16] == 989.4e12);
    assert_true(peak_find("NVIDIA H200, compute capability 9.0, driver 13.0", &peak));
    assert_true(peak.bytes == 4.8e12);
    assert_true(peak_find("NVIDIA A100-SXM4-80GB, compute capability 8.0", &peak));
    assert_true(peak.flops[PRECISION_FP32] == 19.5e12);
    assert_false(peak_find("NVIDIA H100 PCIe, compute capability 9.0", &peak)); /* another card */
    assert_false(peak_find("2 cores, oneDNN 2.6.3", &peak));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_layer_counts_what_torchvisions_modules_move),
        cmocka_unit_test(resnet50_takes_the_operations_that_its_authors_count),
        cmocka_unit_test(frozen_layers_have_no_gradients_to_make),
        cmocka_unit_test(an_update_moves_each_weight_gradient_and_moment),
        cmocka_unit_test(the_floor_is_the_longer_of_computing_and_moving),
        cmocka_unit_test(known_devices_are_found_by_either_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
