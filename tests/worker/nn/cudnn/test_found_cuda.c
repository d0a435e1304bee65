/* What is said of a device, without one: the linker puts these in place of the runtime's functions
 * (tests/CMakeLists.txt), of which one may fail. */
#include "worker/nn/cuda/found_cuda.h"

#include <cuda_runtime_api.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *failing; /* NULL: none */

static cudaError_t outcome(const char *name) {
    return failing != NULL && strcmp(failing, name) == 0 ? cudaErrorNotReady : cudaSuccess;
}

/* Some of the names are macros. */
#define WRAPPED_OF(name) __wrap_##name
#define WRAPPED(name) WRAPPED_OF(name)

cudaError_t WRAPPED(cudaGetDeviceCount)(int *count);
cudaError_t WRAPPED(cudaGetDeviceProperties)(struct cudaDeviceProp *properties, int device);
cudaError_t WRAPPED(cudaSetDevice)(int device);
cudaError_t WRAPPED(cudaMemGetInfo)(size_t *left, size_t *total);
cudaError_t WRAPPED(cudaDriverGetVersion)(int *version);

cudaError_t WRAPPED(cudaGetDeviceCount)(int *count) {
    *count = 1;
    return outcome("count");
}
cudaError_t WRAPPED(cudaGetDeviceProperties)(struct cudaDeviceProp *properties, int device) {
    (void)device;
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "Some GPU");
    properties->major = 9;
    return outcome("properties");
}
cudaError_t WRAPPED(cudaSetDevice)(int device) {
    (void)device;
    return outcome("set");
}
cudaError_t WRAPPED(cudaMemGetInfo)(size_t *left, size_t *total) {
    *left = (size_t)3 << 30;
    *total = (size_t)4 << 30;
    return outcome("memory");
}
cudaError_t WRAPPED(cudaDriverGetVersion)(int *version) {
    *version = 12080;
    return outcome("driver");
}

static void a_device_is_described_with_its_driver_and_its_memory(void **state) {
    (void)state;
    char what[256];
    failing = NULL;
    assert_true(found_cuda_describe(0, what, sizeof what));
    assert_non_null(strstr(what, "Some GPU, compute capability 9.0, driver 12.8, cuDNN "));
    assert_non_null(strstr(what, ", 3.0 of 4.0 GiB free"));
    assert_false(found_cuda_describe(1, what, sizeof what));
    assert_string_equal(what, "there is no GPU 1, this machine has 1");
}

static void whatever_fails_is_said_to_have_failed(void **state) {
    static const char *const names[] = {"count", "properties", "set", "memory", "driver"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char what[256];
        failing = names[i];
        assert_false(found_cuda_describe(0, what, sizeof what));
        assert_string_equal(what, cudaGetErrorString(cudaErrorNotReady));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_is_described_with_its_driver_and_its_memory),
        cmocka_unit_test(whatever_fails_is_said_to_have_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
