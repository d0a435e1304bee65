/* weights: what a model begins with: a safetensors or .pth file with torchvision's names, fresh
 * parts, or all fresh.
 *
 * Fresh are the parameters under a prefix of model.fresh (whole components of the name: "layer4",
 * "fc"), all of them without model.weights, and the head when the file has none. They are drawn by
 * network_initialise from train.seed.
 */
#ifndef ASSAY_WORKER_WEIGHTS_H
#define ASSAY_WORKER_WEIGHTS_H

#include "core/experiment.h"
#include "core/safetensors.h"
#include "worker/nn/backend.h"

/* Opens a file of weights of either kind. Where all its names begin with "module." or "_orig_mod."
 * (PyTorch's DataParallel, torch.compile), or with both, that prefix is dropped. ERROR_INPUT for
 * what cannot be read or is damaged. */
bool weights_open(const char *path, struct safetensors **file, struct error *error);

/* Gives every parameter of a new model its value. batches_tracked (one a running mean, in the order
 * of the parameters) is taken over from the file where it has num_batches_tracked, else 0. A file
 * that does not fit is ERROR_INPUT that lists the tensors which are missing, too many or of another
 * shape; an assay checkpoint fits, its optimizer is left out. */
bool weights_begin(const struct experiment *experiment, const struct network *network,
                   const struct backend *backend, struct model *model, int64_t *batches_tracked,
                   struct error *error);

/* How many running means the network has. */
size_t weights_tracked_count(const struct network *network);

/* Counts `steps` more for every running mean that is not frozen. */
void weights_tracked_add(const struct network *network, int64_t *batches_tracked, int64_t steps);

/* "layer1.0.bn1.num_batches_tracked" for a running mean's name. */
void weights_tracked_name(const struct parameter *mean, char name[static 80]);

/* Sets one state of a parameter from the tensor `prefix`NAME of the file ("optimizer.m.", ""),
 * which must be there as F32 of the parameter's shape. */
bool weights_set(const struct safetensors *file, const char *prefix, const struct network *network,
                 size_t parameter, const struct backend *backend, struct model *model,
                 enum model_state state, struct error *error);

/* The value of num_batches_tracked, or 0 when the file has none for this running mean. */
int64_t weights_tracked(const struct safetensors *file, const struct parameter *mean);

#endif
