/* convolution: what a device is asked to convolve. NHWC activations, weights out x k x k x in. */
#ifndef ASSAY_WORKER_NN_CUDA_CONVOLUTION_H
#define ASSAY_WORKER_NN_CUDA_CONVOLUTION_H

#include "worker/nn/cuda/element.h"
#include "worker/nn/network.h"

/* y = x * w; each pass reads two of the three and writes the third (or its gradient). */
enum pass {
    PASS_FORWARD, /* writes y */
    PASS_DATA,    /* writes x's gradient from y's */
    PASS_WEIGHTS, /* writes w's gradient from x and y's */
};
enum { PASSES = 3 };

struct convolution_task {
    size_t count; /* pictures */
    struct shape in, out;
    int kernel, stride, padding;
    enum element element; /* of all three and their gradients: cuDNN has no engine that makes float
                             gradients of weights from bf16. Sums are float in any case. */
    bool tensor_cores;    /* float products may be rounded to TF32 */
    bool deterministic;
};

#endif
