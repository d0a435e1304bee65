/* tiny_checkpoint: whole checkpoints of two weights, for what looks at how far they are. */
#ifndef ASSAY_TESTS_WORKER_TINY_CHECKPOINT_H
#define ASSAY_TESTS_WORKER_TINY_CHECKPOINT_H

#include "tests/temporary.h"
#include "tests/worker/fake_backend.h"
#include "worker/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char tiny_config[] =
    "{\"name\":\"a\",\"data\":{\"classes\":[{\"name\":\"x\",\"dir\":\"x\",\"label\":0},"
    "{\"name\":\"y\",\"dir\":\"y\",\"label\":1}]},\"model\":{\"arch\":\"resnet18\"},"
    "\"train\":{\"epochs\":3}}";

/* Writes FOLDER/NAME, a checkpoint at the end of `epoch`, the best of which was the first. */
static inline char *tiny_checkpoint(void **state, const char *name, uint32_t epoch) {
    static struct parameter parameter = {"head.bias", PARAMETER_BIAS, 1, {2}, 2, true, false};
    const struct network network = {.parameters = &parameter, .parameter_count = 1};
    const struct model_options options = {0};
    struct epoch_report history[2] = {{.epoch = 1, .best = true}, {.epoch = 2}};
    int64_t none[1] = {0}; /* batch norms that are tracked */
    const struct checkpoint_state written = {.epoch = epoch,
                                             .best_epoch = 1,
                                             .best_loss = 0.5,
                                             .history = history,
                                             .batches_tracked = none};
    struct model *model;
    char *path = temporary_path(state, name);
    assert_true(fake_new(&network, &options, &model, NULL));
    assert_true(fake_set(model, MODEL_VALUE, 0, (const float[]){1, 2}, NULL));
    assert_true(
        checkpoint_write(path, &network, &fake_backend, model, &written, tiny_config, NULL));
    fake_free(model);
    return path;
}

#endif
