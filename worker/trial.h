/* trial: one assignment in training: the trainer on a thread of its own.
 *
 * The trainer's callbacks become items in a bounded queue, in order; the trainer waits when it is
 * full. Whoever owns the trial takes them out, woken by a file descriptor that polls readable. The
 * progress is no item: only the newest counts.
 */
#ifndef ASSAY_WORKER_TRIAL_H
#define ASSAY_WORKER_TRIAL_H

#include "worker/supply.h"
#include "worker/trainer.h"

#include <cjson/cJSON.h>

struct trial;

/* trainer_run, or what a test puts in its place. */
typedef enum trainer_outcome trial_function(const struct experiment *experiment,
                                            const struct trainer_options *options,
                                            const struct trainer_events *events,
                                            struct error *error);

struct trial_item {
    const char
        *kind; /* of the report: "epoch", "scores", "evaluation", "checkpoint", "log"; NULL: end */
    cJSON *body; /* NULL at the end */
    char *line;  /* the same for people, or NULL */
    /* at the end: how it went */
    enum trainer_outcome outcome;
    struct error error;
};

/* What is to be fetched first; `files` and the strings must live until trial_free. */
struct trial_supply {
    struct supply_source source;
    const cJSON *files; /* an assignment's */
    const cJSON *from;  /* its fork, or NULL */
    bool from_there;    /* the fork's path may be read here, and is of this machine */
};

/* Begins to train. `experiment` is the trial's from now on, also on failure (it is freed with
 * experiment_free); the strings of `options` must live until trial_free; `host` names this machine
 * in checkpoint reports. */
bool trial_start(trial_function *run, struct experiment *experiment,
                 const struct trainer_options *options, const struct trial_supply *supply,
                 const char *host, struct trial **trial, struct error *error);
/* Asks the trainer to end after the step it is in. */
void trial_stop(struct trial *trial);
/* Has the trainer end after this epoch. */
void trial_shorten(struct trial *trial, uint32_t stop_epoch);
/* Stops, discards what was not taken, joins. NULL is fine. */
void trial_free(struct trial *trial);

/* Readable when there is something to take. */
int trial_fd(const struct trial *trial);
/* The next item, or false when there is none now. After the item of the end nothing comes. */
bool trial_take(struct trial *trial, struct trial_item *item);
void trial_item_free(struct trial_item *item);
/* The newest progress; false before the first. */
bool trial_progress(struct trial *trial, struct progress *progress);

#endif
