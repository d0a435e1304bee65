/* The CUDA backend as a module (worker/nn/module.h): the engine on a CUDA device. */
#include "worker/nn/cuda/device_cuda.h"
#include "worker/nn/cuda/found_cuda.h"
#include "worker/nn/cuda/gpu_model.h"
#include "worker/nn/module.h"

static bool cuda_model_new(const struct network *network, const struct model_options *options,
                           struct model **model, struct error *error) {
    struct device *device;
    *model = NULL;
    return device_cuda_new(options, &device, error) &&
           gpu_model_new(device, network, options, model, error);
}

static const struct backend backend_cuda = {
    .name = "cuda",
    .takes_pictures = true,
    .evaluation_batch = 256,
    .available = found_cuda_describe,
    .memory_bytes = found_cuda_memory_bytes,
    .model_new = cuda_model_new,
    .model_free = gpu_model_free,
    .memory_most = gpu_model_memory_most,
    .state_set = gpu_model_state_set,
    .state_get = gpu_model_state_get,
    .train_step = gpu_model_train_step,
    .evaluate = gpu_model_evaluate,
    .evaluate_maps = gpu_model_evaluate_maps,
    .queue = gpu_model_queue,
    .take = gpu_model_take,
    .prefetch = gpu_model_prefetch,
};

__attribute__((visibility("default"))) const struct module MODULE_SYMBOL = {
    .version = ASSAY_VERSION,
    .backend_bytes = sizeof(struct backend),
    .backend = &backend_cuda,
};
