/* provision: the pictures of an assignment: where data.root is, or fetched into the data cache.
 *
 * An experiment with data.fingerprint can be trained wherever the coordinator is reached, provided
 * that somebody has pushed its pictures (assay data push): a worker that does not have them in
 * data.root, or has others there, fetches the listing of each class by the SHA-256 that the
 * fingerprint has of it, and by that every picture. Without a fingerprint, or where the coordinator
 * does not have the listing, the pictures of data.root are all there is.
 */
#ifndef ASSAY_WORKER_PROVISION_H
#define ASSAY_WORKER_PROVISION_H

#include "core/experiment.h"
#include "worker/data_cache.h"
#include "worker/supply.h"

/* Zero-initialise, with hold.descriptor -1. */
struct provision {
    struct data_hold hold; /* of the set in the cache */
    bool right;            /* they were those of the fingerprint when provision_bring ended */
};
void provision_end(struct provision *provision); /* the set may leave the cache */

enum provision_outcome {
    PROVISION_READY, /* the trainer may begin; it says itself what is wrong with data.root */
    PROVISION_STOPPED,
    /* No room here, or not all of it has been pushed yet: the error says, with CAUSE_MACHINE. */
    PROVISION_FAILED,
};

/* Points data.root and data.files of the experiment (not of its config), and options->data_root,
 * into the cache where the pictures come from there; they stay until provision_end. Asks `stop` of
 * the events and tells them its progress as phase "fetch". */
enum provision_outcome provision_bring(const struct supply_source *source,
                                       struct experiment *experiment,
                                       struct trainer_options *options,
                                       const struct trainer_events *events,
                                       struct provision *provision, struct error *error);

/* After the trainer has failed with `error`: where the pictures were right and are not any more,
 * the error becomes one of the machine: the next provision_bring looks anew, here or elsewhere.
 * *stopped: the events have said so before that was known. */
void provision_blame(const struct provision *provision, const struct experiment *experiment,
                     const struct trainer_options *options, const struct trainer_events *events,
                     bool *stopped, struct error *error);

#endif
