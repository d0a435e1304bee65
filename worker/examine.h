/* examine: a finished checkpoint on the validation and the test pictures.
 *
 * The validation pictures always come first, because the threshold is chosen on them.
 */
#ifndef ASSAY_WORKER_EXAMINE_H
#define ASSAY_WORKER_EXAMINE_H

#include "worker/session.h"

enum { EXAMINE_VALID, EXAMINE_TEST, EXAMINE_SPLITS };

/* Loads the checkpoint file, which the run itself has written, into the session's model and
 * evaluates it on both splits. One that has gone or was damaged since is no fault of the input: the
 * next attempt has it from elsewhere, or trains again. The reports must be zeroed or filled before;
 * they are the caller's to free also on failure. Their `checkpoint` is left to the caller, their
 * list is the session's. */
bool examine_both(struct session *session, const char *path,
                  struct evaluation_report reports[EXAMINE_SPLITS], struct error *error);

/* Evaluates a checkpoint file on "valid" or "test" (assay test). On success the caller frees the
 * report with evaluation_free; its list is gone. */
bool examine_checkpoint(const struct experiment *experiment, const struct trainer_options *options,
                        const char *path, const char *split, const struct trainer_events *events,
                        struct evaluation_report *report, struct error *error);

#endif
