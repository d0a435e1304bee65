/* same_weights A B: whether two safetensors files hold the same tensors, bit for bit (names, types,
 * shapes and data; the metadata, with its times, may differ). Says on stderr what differs first. */
#include "core/safetensors.h"

#include <stdio.h>
#include <string.h>

static bool same_tensor(const struct tensor *a, const struct tensor *b) {
    return a->type == b->type && a->rank == b->rank &&
           memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0 && a->bytes == b->bytes &&
           memcmp(a->data, b->data, a->bytes) == 0;
}

int main(int argc, char **argv) {
    struct safetensors *files[2] = {NULL, NULL};
    struct error error = {0};
    int status = 0;
    if (argc != 3) {
        fprintf(stderr, "usage: same_weights A B\n");
        return 2;
    }
    for (int i = 0; status == 0 && i < 2; i++)
        if (!safetensors_open(argv[i + 1], &files[i], &error)) {
            fprintf(stderr, "same_weights: %s\n", error.message);
            status = 2;
        }
    if (status == 0 && safetensors_size(files[0]) != safetensors_size(files[1])) {
        fprintf(stderr, "same_weights: %zu tensors and %zu\n", safetensors_size(files[0]),
                safetensors_size(files[1]));
        status = 1;
    }
    for (size_t i = 0; status == 0 && i < safetensors_size(files[0]); i++) {
        const struct tensor *tensor = safetensors_at(files[0], i);
        const struct tensor *other = safetensors_find(files[1], tensor->name);
        if (other == NULL || !same_tensor(tensor, other)) {
            fprintf(stderr, "same_weights: %s differs\n", tensor->name);
            status = 1;
        }
    }
    safetensors_close(files[0]);
    safetensors_close(files[1]);
    return status;
}
