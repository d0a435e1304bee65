/* found_cuda: which CUDA devices there are, without opening one. */
#ifndef ASSAY_WORKER_NN_CUDA_FOUND_CUDA_H
#define ASSAY_WORKER_NN_CUDA_FOUND_CUDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when device `index` can be used; `what` gets a line on it or on why not. */
bool found_cuda_describe(int index, char *what, size_t size);
uint64_t found_cuda_memory_bytes(int index); /* all of its own; 0 when it cannot be asked */

#endif
