/* gpu_model: the functions of struct backend over any device (device.h). */
#ifndef ASSAY_WORKER_NN_CUDA_GPU_MODEL_H
#define ASSAY_WORKER_NN_CUDA_GPU_MODEL_H

#include "worker/nn/backend.h"
#include "worker/nn/cuda/device.h"

/* Takes the device, which is freed with the model, also on failure. */
bool gpu_model_new(struct device *device, const struct network *network,
                   const struct model_options *options, struct model **model, struct error *error);
void gpu_model_free(struct model *model);
uint64_t gpu_model_memory_most(const struct model *model);
bool gpu_model_state_set(struct model *model, enum model_state state, size_t parameter,
                         const float *values, struct error *error);
bool gpu_model_state_get(struct model *model, enum model_state state, size_t parameter,
                         float *values, struct error *error);
bool gpu_model_train_step(struct model *model, const struct batch *batch,
                          const struct update *update, float *losses, float *logits,
                          struct error *error);
bool gpu_model_evaluate(struct model *model, const struct batch *batch, float *losses,
                        float *logits, struct error *error);
bool gpu_model_evaluate_maps(struct model *model, const struct batch *batch, float *losses,
                             float *logits, float *maps, struct error *error);
bool gpu_model_queue(struct model *model, const struct batch *batch, const struct update *update,
                     struct error *error);
bool gpu_model_take(struct model *model, float *losses, float *logits, struct error *error);
bool gpu_model_prefetch(struct model *model, const struct batch *next, struct error *error);

#endif
