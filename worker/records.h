/* records: what a run writes beside its checkpoints: train.log and TensorBoard's events.
 *
 * A checkpoint knows how long both were when it was made. Whoever goes on from it cuts them back to
 * there, and where one has been lost it is begun anew with what the checkpoint's history tells.
 */
#ifndef ASSAY_WORKER_RECORDS_H
#define ASSAY_WORKER_RECORDS_H

#include "worker/checkpoint.h"
#include "worker/session.h"

struct records {
    struct session *session; /* borrowed, as are the next two; set before they are opened */
    const struct trainer_options *options;
    const struct trainer_events *events;
    struct trainlog *log;
    struct tensorboard *board;
    bool short_of_memory; /* TensorBoard's events lack something */
};

/* Opens both at the lengths that the state has, and sets these to what there is. notes: lines for
 * the log, each ended by \n, or NULL. *lost: there was less than the state knows of, so that its
 * checkpoint must be written anew. Also on failure closed with records_close. */
bool records_open(struct records *records, const char *notes, struct checkpoint_state *state,
                  bool *lost, struct error *error);
void records_close(struct records *records); /* zeroed, or closed before: nothing */

/* Everything so far is on disk, and nothing lacks, when it returns true. */
bool records_sync(struct records *records, struct error *error);

/* Each behind what the session's backend told meanwhile: an epoch's lines and numbers; an
 * evaluation's; in the log alone, why the run failed. */
void records_epoch(struct records *records, const struct epoch_report *report);
void records_evaluation(struct records *records, const struct evaluation_report *report);
void records_failure(struct records *records, const struct error *error);

#endif
