/* module: the CUDA backend, a shared library beside the program, loaded when it is first asked for.
 *
 * cuDNN and cuBLAS are a gigabyte of libraries. A worker that computes on the CPU never opens them,
 * and the same program runs on machines that have none. The module stands beside the program
 * (assay-cuda.so) or in ../lib/assay; ASSAY_CUDA_MODULE names another place.
 */
#ifndef ASSAY_WORKER_NN_MODULE_H
#define ASSAY_WORKER_NN_MODULE_H

#include "worker/nn/backend.h"

/* What the library exports under MODULE_SYMBOL. Module and program must be of one build. */
struct module {
    const char *version;
    size_t backend_bytes; /* sizeof(struct backend) */
    const struct backend *backend;
};

#define MODULE_SYMBOL assay_module
extern const struct module MODULE_SYMBOL;

/* Whether the library's file is there, or ASSAY_CUDA_MODULE says so. */
bool module_built(void);

/* The module's backend, loaded once; or NULL, and `why` gets a line. */
const struct backend *module_backend(char *why, size_t size);

#endif
