/* session: what training and evaluation stand on (the split, the network, the model on its backend,
 * the loader), and the two things done with it: one epoch of training, one pass of evaluation.
 *
 * Both ask `stop` after every step, and a backend with long steps between its layers. When it says
 * so they return false with `stopped` set, whatever the error then. So they do with `surplus` set
 * when the run is to end (stop_epoch) before the epoch that is under way. Sums of losses run over
 * the pictures in their order, so that they do not depend on the size of the batches.
 */
#ifndef ASSAY_WORKER_SESSION_H
#define ASSAY_WORKER_SESSION_H

#include "core/board.h"
#include "core/experiment.h"
#include "core/split.h"
#include "core/text.h"
#include "worker/batch_feed.h"
#include "worker/flight.h"
#include "worker/trainer_events.h"
#include "worker/trainlog.h"

struct session {
    const struct experiment *experiment; /* borrowed, as are the events */
    const struct trainer_events *events;
    struct split split;
    struct network network;
    const struct backend *backend;
    struct model *model;
    struct loader *loader;
    struct batch_feed feed; /* of the loader to the model */
    size_t *order;          /* of the training list in this epoch */
    struct flight flight;   /* the batches that the model is at work on */
    size_t evaluation_size; /* pictures of a batch of evaluation; training's or more */
    int64_t told_ms;        /* when progress was told last */
    uint32_t epoch;         /* under way, set by who trains; 0: none, what is done now is wanted */
    bool stopped, surplus;
    struct text notes; /* lines, each ended by \n, on what was found amiss and did no harm */
};

/* Checks everything that can be checked before the first step, and makes the model (all zeros).
 * `training`: whether session_train is to be called. May take long where data.fingerprint asks for
 * pictures that were not read before, and is then stopped as the others are. */
bool session_open(const struct experiment *experiment, const struct trainer_options *options,
                  const struct trainer_events *events, bool training, struct session *session,
                  struct error *error);
void session_close(struct session *session); /* a zeroed session may be closed */

/* The epoch after which the run is to end: stop_epoch, or the last that is planned. */
uint32_t session_last_epoch(const struct session *session);

struct session_epoch {
    uint32_t epoch; /* from 1 */
    double learning_rate;
    uint64_t iteration; /* steps before it; raised by every step */
    struct metrics metrics;
    double seconds;
};

/* One epoch: shuffles, trains, fills metrics and seconds; each step's loss goes to TensorBoard. The
 * metrics' mean loss is the training loss with its smoothing and class weights: sum(w l) / sum(w).
 * A loss that is not finite is an error. */
bool session_train(struct session *session, struct session_epoch *epoch, struct trainlog *log,
                   struct tensorboard *board, struct error *error);

/* Behind the last epoch, which may have been left for `surplus`: what is done from here on is
 * wanted. Steps that are still under way are waited for, and count for nothing. */
bool session_leave_training(struct session *session, struct error *error);

/* The pictures of a list in evaluation mode. phase ("valid", "test") and epoch are for progress.
 * `scores` has room for one a picture, in the list's order, or is NULL. Where batches larger than
 * training's fail (there may be no memory for them), it begins again with training's. */
bool session_evaluate(struct session *session, const struct split_list *list, const char *phase,
                      uint32_t epoch, struct metrics *metrics, struct score *scores,
                      struct error *error);

#endif
