/* Every convolution of the networks has a plan in every precision on an A100 and on an H100, which
 * need not be there: cuDNN makes plans from the description of a device. */
#include "worker/nn/cuda/cudnn_plan.h"
#include "worker/nn/cuda/gpu_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* In the format that cuDNN 9.19 writes; what is not about the chip is left as any machine may have
 * it. */
#define DEVICE(name, version, processors, clock, memory_clock, cache, shared)                      \
    "{\"maxGridSize\": [2147483647, 65535, 65535], \"maxBlockSize\": [1024, 1024, 64], "           \
    "\"regsPerBlock\": 65536, \"multiProcessorCount\": " processors ", \"smClockRateKHz\": " clock \
    ", \"memClockRateKHz\": " memory_clock ", \"l2CacheSize\": " cache                             \
    ", \"warpSize\": 32, \"maxSharedMemoryPerBlock\": 49152, "                                     \
    "\"maxSharedMemoryPerBlockOptin\": " shared ", \"reservedSharedMemoryPerBlock\": 1024, "       \
    "\"maxRegistersPerSM\": 65536, \"pciDeviceId\": 0, \"maxCtasPerSM\": 32, "                     \
    "\"maxThreadsPerBlock\": 1024, \"maxThreadsPerSM\": 2048, \"isTccDriver\": 0, "                \
    "\"supportCoopLaunch\": 1, \"deviceVer\": " version ", \"driverVer\": 13000, "                 \
    "\"cudaDeviceId\": 0, \"totalGlobalMem\": 85899345920, \"computeMode\": 0, "                   \
    "\"deviceName\": \"" name "\"}"

static const char *const devices[] = {
    DEVICE("NVIDIA A100-SXM4-80GB", "800", "108", "1410000", "1593000", "41943040", "166912"),
    DEVICE("NVIDIA H100 80GB HBM3", "900", "132", "1980000", "2619000", "52428800", "232448"),
};

static struct convolution_task task_of(const struct network *network, const struct shape *shapes,
                                       size_t index, size_t count, enum precision precision) {
    const struct gpu_precision asked = {.element = precision == PRECISION_BF16 ? ELEMENT_BF16
                                                                               : ELEMENT_F32,
                                        .tensor_cores = precision != PRECISION_FP32,
                                        .deterministic = true};
    return gpu_plan_task(network, shapes, index, count, &asked);
}

/* All convolutions of a network on batches of one size, all passes, all precisions. */
static void check(const char *arch, size_t count, int side) {
    struct network network;
    struct error error = {0};
    assert_true(network_build(arch, HEAD_RELU, 0, &network, &error));
    struct shape *shapes = calloc(network.node_count, sizeof *shapes);
    assert_true(network_shapes(&network, side, side, shapes, &error));
    for (size_t device = 0; device < sizeof devices / sizeof devices[0]; device++) {
        struct cudnn_place place = {0};
        if (!cudnn_properties(devices[device], &place.properties, &error)) {
            print_message("this cuDNN does not take the description: %s\n", error.message);
            skip();
        }
        for (size_t i = 0; i < network.node_count; i++)
            for (int precision = PRECISION_FP32; precision <= PRECISION_BF16; precision++)
                for (int pass = 0; pass < PASSES && network.nodes[i].op == OP_CONV; pass++) {
                    const struct convolution_task task =
                        task_of(&network, shapes, i, count, (enum precision)precision);
                    struct choice choice = {-1, -1};
                    struct cudnn_plan *plan;
                    if (!cudnn_plan_new(&place, &task, (enum pass)pass, &choice, &plan, &error))
                        fail_msg("device %zu, node %zu of %s, precision %d, pass %d: %s", device, i,
                                 arch, precision, pass, error.message);
                    cudnn_plan_free(plan);
                }
        cudnnBackendDestroyDescriptor(place.properties);
    }
    free(shapes);
    network_free(&network);
}

static void the_notebooks_network_has_plans(void **state) {
    (void)state;
    check("resnet50", 32, 224);
}

static void small_networks_on_small_pictures_have_plans(void **state) {
    (void)state;
    check("resnet18", 4, 64);
    check("resnet34", 1, 40);
}

static void odd_sizes_and_large_batches_have_plans(void **state) {
    (void)state;
    check("resnet50", 7, 33);
    check("resnet50", 256, 224);
}

/* From each hint, right, wrong or absurd, to the same engine: hints save time and change nothing,
 * as long as the file that they stand in is whole. */
static void a_choice_leads_to_the_same_engine_again(void **state) {
    (void)state;
    static const struct choice wrong[] = {{0, CHOICE_ENGINES - 1}, {1, CHOICE_ENGINES - 1}};
    struct network network;
    struct error error = {0};
    struct cudnn_place place = {0};
    assert_true(network_build("resnet18", HEAD_RELU, 0, &network, &error));
    struct shape *shapes = calloc(network.node_count, sizeof *shapes);
    assert_true(network_shapes(&network, 64, 64, shapes, &error));
    if (!cudnn_properties(devices[1], &place.properties, &error))
        skip();
    for (size_t i = 0; i < network.node_count; i++)
        for (int pass = 0; pass < PASSES && network.nodes[i].op == OP_CONV; pass++) {
            const struct convolution_task task = task_of(&network, shapes, i, 4, PRECISION_FP32);
            struct choice first = {-1, -1};
            struct cudnn_plan *plan, *again;
            assert_true(cudnn_plan_new(&place, &task, (enum pass)pass, &first, &plan, &error));
            assert_in_range(first.mode, 0, CHOICE_MODES - 1);
            assert_in_range(first.index, 0, CHOICE_ENGINES - 1);
            for (size_t hint = 0; hint < 3; hint++) {
                struct choice choice = hint == 0 ? first : wrong[hint - 1];
                assert_true(
                    cudnn_plan_new(&place, &task, (enum pass)pass, &choice, &again, &error));
                assert_int_equal(choice.mode, first.mode);
                assert_int_equal(choice.index, first.index);
                assert_int_equal(cudnn_plan_workspace(again), cudnn_plan_workspace(plan));
                cudnn_plan_free(again);
            }
            cudnn_plan_free(plan);
        }
    cudnnBackendDestroyDescriptor(place.properties);
    free(shapes);
    network_free(&network);
}

static void a_description_of_no_device_is_an_error(void **state) {
    (void)state;
    cudnnBackendDescriptor_t properties;
    struct error error = {0};
    assert_false(cudnn_properties("{\"warpSize\": 32}", &properties, &error));
    assert_int_equal(error.code, ERROR_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_notebooks_network_has_plans),
        cmocka_unit_test(small_networks_on_small_pictures_have_plans),
        cmocka_unit_test(odd_sizes_and_large_batches_have_plans),
        cmocka_unit_test(a_choice_leads_to_the_same_engine_again),
        cmocka_unit_test(a_description_of_no_device_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
