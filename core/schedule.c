#include "core/schedule.h"

#include <math.h>

static const double threshold =
    1e-4; /* a fall counts when it is larger than this part of the best */
static const double smallest_step = 1e-8; /* smaller changes of the rate are not made */

static void plateau(const struct scheduler_options *options, double loss,
                    struct schedule_state *state) {
    if (loss < state->best * (1.0 - threshold)) {
        state->best = loss;
        state->bad_epochs = 0;
    } else {
        state->bad_epochs++;
    }
    if (state->bad_epochs <= options->patience)
        return;
    state->bad_epochs = 0;
    double lr = fmax(state->lr * options->factor, options->min_lr);
    if (state->lr - lr > smallest_step)
        state->lr = lr;
}

/* The rate of an epoch, from 1. */
static double cosine(const struct experiment *experiment, uint32_t epoch) {
    const struct scheduler_options *options = &experiment->train.scheduler;
    double lr = experiment->train.optimizer.lr, warmup = options->warmup_epochs;
    if (epoch <= options->warmup_epochs)
        return lr * epoch / (warmup + 1);
    double part = (epoch - 1 - warmup) / (experiment->train.epochs - warmup);
    return options->min_lr + (lr - options->min_lr) * (1 + cos(M_PI * part)) / 2;
}

void schedule_begin(const struct experiment *experiment, struct schedule_state *state) {
    bool curved = experiment->train.scheduler.name == SCHEDULER_COSINE;
    *state = (struct schedule_state){
        .lr = curved ? cosine(experiment, 1) : experiment->train.optimizer.lr, .best = INFINITY};
}

void schedule_step(const struct experiment *experiment, uint32_t epoch, double loss,
                   struct schedule_state *state) {
    const struct scheduler_options *options = &experiment->train.scheduler;
    switch (options->name) {
    case SCHEDULER_REDUCE_ON_PLATEAU: plateau(options, loss, state); break;
    case SCHEDULER_COSINE: state->lr = cosine(experiment, epoch + 1); break;
    case SCHEDULER_STEP:
        if (epoch % options->step_size == 0)
            state->lr *= options->gamma;
        break;
    case SCHEDULER_CONSTANT: break;
    }
}
