/* tensors: looks at all that a file of weights says it has. */
#ifndef ASSAY_TESTS_FUZZ_TENSORS_H
#define ASSAY_TESTS_FUZZ_TENSORS_H

#include "core/safetensors.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static inline void tensors_visit(struct safetensors *file) {
    volatile unsigned sum = 0;
    for (size_t i = 0; i < safetensors_size(file); i++) {
        const struct tensor *tensor = safetensors_at(file, i);
        const unsigned char *bytes = tensor->data;
        size_t length = tensor->bytes;
        FUZZ_HOLDS(safetensors_find(file, tensor->name) != NULL);
        if (length > 0)
            sum += bytes[0] + bytes[length - 1];
    }
    for (size_t i = 0; i < safetensors_metadata_size(file); i++) {
        const struct metadata *metadata = safetensors_metadata_at(file, i);
        sum += (unsigned)strlen(metadata->key) + (unsigned)strlen(metadata->value);
    }
    (void)sum;
    safetensors_close(file);
}

#endif
