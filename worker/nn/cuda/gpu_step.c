#include "worker/nn/cuda/gpu_step.h"

#include "core/clock.h"

static bool update_weights(const struct gpu_run *run, size_t moments, struct error *error) {
    double began = run->profile == NULL ? 0 : clock_steady_seconds();
    if (!gpu_weights_update(run->weights, moments, run->batch.numbers, error))
        return false;
    if (run->profile == NULL)
        return true;
    bool done = run->plan->device->finish(run->plan->device, error);
    run->profile->optimizer += 1e3 * (clock_steady_seconds() - began);
    return done;
}

static bool queue_all(const struct gpu_run *run, size_t moments, struct error *error) {
    return gpu_run_forward(run, error) && gpu_run_loss(run, error) &&
           (!run->plan->key.training ||
            (gpu_run_backward(run, error) && update_weights(run, moments, error)));
}

/* Whether the recorded launches would do what is wanted now. */
static bool serves(const struct gpu_recording *recording, const struct gpu_run *run,
                   size_t moments) {
    return recording->launches != NULL && recording->arena == run->arena &&
           recording->numbers == run->batch.numbers && recording->losses == run->batch.losses &&
           recording->moments == moments;
}

static void record(const struct gpu_run *run, size_t moments, struct gpu_recording *recording) {
    struct device *device = run->plan->device;
    if (recording->launches != NULL)
        device->recording_free(device, recording->launches);
    *recording = (struct gpu_recording){.arena = run->arena,
                                        .numbers = run->batch.numbers,
                                        .losses = run->batch.losses,
                                        .moments = moments,
                                        .warm = true};
    struct error why = {0};
    bool kept = device->record(device, &why);
    if (kept) {
        kept = queue_all(run, moments, &why);
        kept = device->recorded(device, &recording->launches, kept ? &why : NULL) && kept;
    }
    recording->refused = !kept;
    if (kept || run->tell == NULL)
        return;
    error_context(&why, "steps are queued launch by launch");
    run->tell(run->tell_context, why.message);
}

bool gpu_step_queue(const struct gpu_run *run, size_t moments, struct gpu_recording *recording,
                    struct error *error) {
    bool plain = run->profile != NULL || recording->refused || !recording->warm;
    recording->warm = true;
    if (!plain && !serves(recording, run, moments))
        record(run, moments, recording);
    if (plain || recording->refused)
        return queue_all(run, moments, error);
    return run->plan->device->replay(run->plan->device, recording->launches, error);
}
