/* kernel: the kernels, by name.
 *
 * A kernel is a function of its arguments and of a thread's number. Threads share nothing, wait for
 * nothing and add nothing atomically, so the order in which they run does not matter: a GPU runs
 * them side by side, the tests' device one after the other, with the same results.
 */
#ifndef ASSAY_WORKER_NN_CUDA_KERNEL_H
#define ASSAY_WORKER_NN_CUDA_KERNEL_H

#include "worker/nn/cuda/head_kernels.h"
#include "worker/nn/cuda/layout_kernels.h"
#include "worker/nn/cuda/norm_kernels.h"
#include "worker/nn/cuda/picture_kernels.h"
#include "worker/nn/cuda/pool_kernels.h"

/* Each is a function `name`, its arguments a struct of that name. */
#define KERNELS(KERNEL)                                                                            \
    KERNEL(norm_moments)                                                                           \
    KERNEL(norm_fold)                                                                              \
    KERNEL(norm_statistics)                                                                        \
    KERNEL(norm_running)                                                                           \
    KERNEL(norm_apply)                                                                             \
    KERNEL(norm_reduce)                                                                            \
    KERNEL(norm_gradients)                                                                         \
    KERNEL(norm_finish)                                                                            \
    KERNEL(pool_max)                                                                               \
    KERNEL(pool_max_back)                                                                          \
    KERNEL(pool_average)                                                                           \
    KERNEL(pool_average_back)                                                                      \
    KERNEL(linear_bias)                                                                            \
    KERNEL(linear_mask)                                                                            \
    KERNEL(linear_bias_gradient)                                                                   \
    KERNEL(dropout_apply)                                                                          \
    KERNEL(loss_rows)                                                                              \
    KERNEL(weights_update)                                                                         \
    KERNEL(planes_gather)                                                                          \
    KERNEL(element_convert)                                                                        \
    KERNEL(picture_luma)                                                                           \
    KERNEL(picture_mean)                                                                           \
    KERNEL(picture_pixels)

#define KERNEL_NUMBER(name) KERNEL_##name,
enum kernel { KERNELS(KERNEL_NUMBER) KERNEL_COUNT };
#undef KERNEL_NUMBER

#endif
