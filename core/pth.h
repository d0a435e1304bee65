/* pth: what torch.save writes (a zip archive of a pickle and one file a storage; before PyTorch 1.6
 * pickles and storages one after the other), read as tensors.
 *
 * Taken: a dict of tensors (a state_dict), or a dict that has one under "state_dict", "model" or
 * "model_state_dict". Nothing in the pickle is executed. The tensors come as an open safetensors
 * file in memory, so that whoever reads weights knows one kind of file.
 */
#ifndef ASSAY_CORE_PTH_H
#define ASSAY_CORE_PTH_H

#include "core/safetensors.h"

/* True when the file begins like one of torch.save's, the zip kind or the old one. */
bool pth_recognise(const char *path);

/* Reads the whole file. What is broken or holds more than tensors is ERROR_INPUT. Close with
 * safetensors_close. */
bool pth_open(const char *path, struct safetensors **file, struct error *error);

/* Opens either kind of file. */
bool weights_file_open(const char *path, struct safetensors **file, struct error *error);

#endif
