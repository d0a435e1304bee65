/* progress: how far an experiment is and how long it will take, and the lines that say so.
 */
#ifndef ASSAY_CLI_PROGRESS_H
#define ASSAY_CLI_PROGRESS_H

#include "cli/field.h"

#include <stdio.h>

/* The epochs that are done: of a running experiment those that its attempt has behind it, which
 * trains some again where their checkpoints are lost. */
double progress_epochs_done(const cJSON *experiment);

/* The part of its epochs that a running experiment (a summary) has behind it, 0 to 1. */
double progress_fraction(const cJSON *experiment);

/* The epoch that a running experiment is in. At the end, when all are done, checkpoints are
 * evaluated, also of an earlier one: it is in the last one nonetheless. */
double progress_epoch_now(const cJSON *experiment);
/* The one before that which its progress is of (its checkpoint is evaluated); 0: none. */
double progress_epoch_before(const cJSON *experiment);

/* Whether its files travel: steps are MiB, and there is neither loss nor speed. */
bool progress_of_files(const cJSON *experiment);

enum { PROGRESS_STEP_SIZE = 128 };
/* "train 15/30", of an experiment with progress; "valid 1/6 (epoch 5)" when that is of an epoch
 * before the one that it is in; "send 12/94 MiB" of files. */
const char *progress_step(char text[PROGRESS_STEP_SIZE], const cJSON *experiment);

/* An estimate from what was seen to happen. Zero-initialise. */
struct eta {
    bool begun;
    double attempt, start_ms, start_fraction;
};

/* Seconds until fraction 1, or -1 while there is nothing to go by: the speed since this attempt was
 * first seen or, before it has been watched long enough, what its last epoch took. -1 too when all
 * epochs are done: how long the evaluations take that are left nobody knows. */
double eta_seconds(struct eta *eta, const cJSON *experiment, double now_ms);

/* How a line calls an experiment: "  3 flip+jitter   "; `name` is shortened or padded to `width`
 * columns. */
struct label {
    double id;
    const char *name;
    size_t width;
};

/* "  3 flip    4/12 [###-----] train 12/30 0.5321 61.2 images/s ETA 1m 20s", without line end.
 */
void progress_line(FILE *stream, const struct label *label, const cJSON *experiment,
                   double left_seconds);
/* "  3 flip    4/12 train 0.5321 valid 0.4981 accuracy 0.7812 12s best", with line end. */
void progress_epoch(FILE *stream, const struct label *label, const cJSON *epoch, double epochs);
/* "  3 flip    done in 4m 10s, best epoch 7: accuracy 0.9731, loss 0.0843", or why not. */
void progress_state(FILE *stream, const struct label *label, const cJSON *experiment);

#endif
