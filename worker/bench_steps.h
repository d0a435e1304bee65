/* bench_steps: the steps that `assay-worker bench` times, queued ahead as a session queues them
 * (flight.h), so that a step takes what it takes in a run. */
#ifndef ASSAY_WORKER_BENCH_STEPS_H
#define ASSAY_WORKER_BENCH_STEPS_H

#include "worker/flight.h"

/* Trains on the batch so many times, or evaluates it where update is NULL, and returns when all are
 * done. seconds[i]: what step i took, by the flight's clock. Steps whose results were asked for at
 * once share alike in the time since the results before. The batch's number and the update's step
 * go on. None may be under way. */
bool bench_steps(struct flight *flight, struct batch *batch, struct update *update, size_t steps,
                 double *seconds, struct error *error);

#endif
