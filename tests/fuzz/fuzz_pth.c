/* Files of weights, PyTorch's: every tensor's bytes are there. */
#include "core/pth.h"
#include "tests/fuzz/tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file memory = {.descriptor = -1};
    struct safetensors *file = NULL;
    struct error error = {0};
    if (pth_open(fuzz_file(&memory, data, size), &file, &error))
        tensors_visit(file);
    else
        FUZZ_HOLDS(error.code != ERROR_NONE);
    return 0;
}
