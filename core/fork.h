/* fork: whether an experiment can go on from a checkpoint of another one.
 *
 * It takes over weights, optimizer, learning rate, history and best epoch, and goes on under its
 * own config. So what these depend on must be the same in both: the shape of the model and what of
 * it is trained, the kind of optimizer and scheduler, and the pictures and the transform that
 * validation losses are of. Everything else (augmentations, upsampling, rate, batch, seed, epochs)
 * may differ.
 */
#ifndef ASSAY_CORE_FORK_H
#define ASSAY_CORE_FORK_H

#include "core/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* `from`: the config that the checkpoint was trained under, to the end of `epoch`; of whatever
 * version of assay. `config` is complete. */
bool fork_check(const cJSON *from, const cJSON *config, uint32_t epoch, struct error *error);

/* The error of an experiment that has no such checkpoint. Returns false. */
bool fork_absent(int64_t experiment, const char *checkpoint, struct error *error);

#endif
