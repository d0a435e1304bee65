/* checkpoint: a run at the end of an epoch as one safetensors file, from which it goes on with the
 * same bits.
 *
 * Tensors: torchvision's names as PyTorch's state_dict() has them, NAME.num_batches_tracked (I64)
 * of each batch norm among them, so that load_state_dict(strict=True) takes them; beside them
 * optimizer.m.NAME and optimizer.v.NAME, those moments of each trainable parameter that the
 * optimizer keeps.
 *
 * __metadata__ (strings, as the format wants): format "pt" (the mark of PyTorch's names and
 * layout), assay_version, epoch, iteration, loss (on the validation set, of this epoch), best_loss,
 * best_epoch, scheduler (JSON), log_bytes, board_bytes, config (JSON), history (JSON: every epoch's
 * report so far, doubles with all their digits), content_crc32 (content_sum.h). The history has
 * seconds and images per second in it and is, with the sum over it, the only part in which two
 * undisturbed runs of one experiment differ.
 */
#ifndef ASSAY_WORKER_CHECKPOINT_H
#define ASSAY_WORKER_CHECKPOINT_H

#include "core/schedule.h"
#include "worker/nn/backend.h"
#include "worker/trainer_events.h"

/* What a run carries from epoch to epoch beside weights and optimizer. */
struct checkpoint_state {
    uint32_t epoch;     /* the last finished one, from 1 */
    uint64_t iteration; /* training steps so far */
    double best_loss;   /* least validation loss so far */
    uint32_t best_epoch;
    struct schedule_state schedule;
    size_t moments; /* of each trainable parameter (optimizer_moments); what is written, or there */
    uint64_t log_bytes, board_bytes; /* the length of train.log and of TensorBoard's events */
    struct epoch_report *history;    /* `epoch` of them */
    int64_t *batches_tracked;        /* one a running mean, in the order of the parameters */
};

/* The state of a new run of the experiment, with room for the history of all its epochs. Whether or
 * not it succeeds it may be freed. */
bool checkpoint_state_new(const struct experiment *experiment, const struct network *network,
                          struct checkpoint_state *state, struct error *error);
/* Frees history and batches_tracked; a zeroed state may be freed. */
void checkpoint_state_free(struct checkpoint_state *state);

/* What stands before a parameter's name in each of its states that a checkpoint has: the value,
 * then the moments. */
struct checkpoint_kind {
    const char *prefix;
    enum model_state state;
};
extern const struct checkpoint_kind checkpoint_kinds[3];

struct draft; /* a checkpoint in memory, to be written; nothing else is needed any more */

/* Copies all of it. `config`: compact JSON text. */
bool checkpoint_draft(const struct network *network, const struct backend *backend,
                      struct model *model, const struct checkpoint_state *state, const char *config,
                      struct draft **draft, struct error *error);
void draft_free(struct draft *draft); /* NULL is fine */
/* Writes the file atomically and durably, on any thread. */
bool draft_write(struct draft *draft, const char *path, struct error *error);

/* Both, without keeping the draft. */
bool checkpoint_write(const char *path, const struct network *network,
                      const struct backend *backend, struct model *model,
                      const struct checkpoint_state *state, const char *config,
                      struct error *error);

struct checkpoint; /* an open file that was checked */

/* Opens the file and checks all of it. A safetensors file that is no checkpoint, or is not what was
 * written, is refused. */
bool checkpoint_open(const char *path, struct checkpoint **checkpoint, struct error *error);
void checkpoint_close(struct checkpoint *checkpoint); /* NULL is fine */

/* The epoch that the file says it is of; nothing else of it is looked at. */
bool checkpoint_epoch(const char *path, uint32_t *epoch, struct error *error);

/* Lives as long as the checkpoint; batches_tracked is NULL (checkpoint_restore gives it). */
const struct checkpoint_state *checkpoint_state(const struct checkpoint *checkpoint);

/* The experiment it was trained under; lives as long as the checkpoint. */
const cJSON *checkpoint_config(const struct checkpoint *checkpoint);

/* Whether the checkpoint comes from the same experiment (essence.h). */
bool checkpoint_matches(const struct checkpoint *checkpoint, const cJSON *config);

/* Gives the model the weights and, when batches_tracked is not NULL, so many of the optimizer's
 * moments too, and fills batches_tracked. */
bool checkpoint_restore(const struct checkpoint *checkpoint, const struct network *network,
                        const struct backend *backend, struct model *model, size_t moments,
                        int64_t *batches_tracked, struct error *error);

#endif
