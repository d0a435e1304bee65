/* kernel: the kernels, by name.
 *
 * Most are a function of their arguments and of a thread's number, whose threads share nothing and
 * wait for nothing. The others are the reductions of reduce.h. Of neither does the order in which
 * threads and blocks run matter: a GPU runs them side by side, the tests' device one after the
 * other, with the same results.
 */
#ifndef ASSAY_WORKER_NN_CUDA_KERNEL_H
#define ASSAY_WORKER_NN_CUDA_KERNEL_H

#include "worker/nn/cuda/head_kernels.h"
#include "worker/nn/cuda/layout_kernels.h"
#include "worker/nn/cuda/norm_kernels.h"
#include "worker/nn/cuda/picture_kernels.h"
#include "worker/nn/cuda/pool_kernels.h"
#include "worker/nn/cuda/window_kernels.h"

/* Each is a function `name`, its arguments a struct of that name. */
#define THREAD_KERNELS(KERNEL)                                                                     \
    KERNEL(norm_running)                                                                           \
    KERNEL(norm_apply)                                                                             \
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
    KERNEL(window_rows)                                                                            \
    KERNEL(planes_gather)                                                                          \
    KERNEL(element_convert)                                                                        \
    KERNEL(rows_take)                                                                              \
    KERNEL(rows_spread)                                                                            \
    KERNEL(picture_luma)                                                                           \
    KERNEL(picture_mean)                                                                           \
    KERNEL(picture_pixels)

/* Their threads are those of whole blocks: reduction_threads. */
#define REDUCTIONS(KERNEL)                                                                         \
    KERNEL(norm_moments)                                                                           \
    KERNEL(norm_reduce)

#define KERNELS(KERNEL) THREAD_KERNELS(KERNEL) REDUCTIONS(KERNEL)

#define KERNEL_NUMBER(name) KERNEL_##name,
enum kernel { KERNELS(KERNEL_NUMBER) KERNEL_COUNT };
#undef KERNEL_NUMBER

#endif
