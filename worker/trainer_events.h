/* trainer_events: what a run is given, and what it tells while it goes on: for the trainer,
 * whatever it stands on, and whoever brings it what it needs.
 */
#ifndef ASSAY_WORKER_TRAINER_EVENTS_H
#define ASSAY_WORKER_TRAINER_EVENTS_H

#include "core/metrics.h"
#include "worker/evaluation.h"

#include <cjson/cJSON.h>

struct progress {
    const char *phase;        /* "train", "valid", "test"; or files travel: "fetch", "send" */
    uint32_t epoch, epochs;   /* from 1; 0 while files travel */
    uint32_t step, steps;     /* of this phase of this epoch; MiB of files */
    double loss;              /* mean over the epoch so far; NAN of files */
    double images_per_second; /* over the phase so far; NAN of files */
};
/* Of files of that many bytes, some of which are there. */
struct progress progress_of_bytes(const char *phase, int64_t there, int64_t bytes);

struct epoch_report {
    uint32_t epoch; /* from 1 */
    struct metrics train, valid;
    double learning_rate;              /* the one that this epoch trained with */
    double seconds, images_per_second; /* of the training part */
    bool best;                         /* validation loss fell below all before */
};

struct checkpoint_report {
    const char *kind; /* "best", "last", "epoch" */
    uint32_t epoch;
    const char *path; /* absolute */
};

/* Called on the trainer's thread. */
struct trainer_events {
    void *context;
    void (*progress)(void *context,
                     const struct progress *progress); /* at most ten times a second */
    /* epochs up to this one are told again: the run goes on from its checkpoint */
    void (*resume)(void *context, uint32_t epoch);
    void (*epoch)(void *context, const struct epoch_report *report);
    void (*checkpoint)(void *context, const struct checkpoint_report *report);
    void (*evaluation)(void *context, const struct evaluation_report *report);
    /* text appended to train.log at this byte offset (whole lines) */
    void (*log)(void *context, uint64_t offset, const char *text);
    bool (*stop)(void *context);
    /* the epoch after which to end early, as a run that is done; 0: at the last. It may be set at
     * any time, and is not taken back: what was done of a later epoch is dropped. NULL: never */
    uint32_t (*stop_epoch)(void *context);
};

struct trainer_options {
    const char *dir;          /* made if missing; absolute */
    const char *data_root;    /* NULL: any; else data.root must lie inside it */
    const char *weights_root; /* NULL: none; where else than in data_root weights may lie */
    const char *backend;      /* "auto", "cpu", "cuda" */
    int device, threads;      /* threads: loader threads, 0: cores */
    size_t cache_bytes;       /* of decoded pictures; 0: as the loader has it */
    const char *hashes;       /* worker/hashes.h's file, or NULL: for data.fingerprint */
    const char *resume; /* a checkpoint file to go on from, or NULL: dir's checkpoint_last if there
                           is one */
    /* the checkpoint of another experiment that the run goes on from when it has none of its own:
     * its file, the host that has it, and the epochs behind it; path NULL: none */
    struct {
        const char *path, *host;
        uint32_t epoch;
    } from;
    /* for TensorBoard: the run's name (NULL: the experiment's), and which value of each matrix key
     * it is (or NULL) */
    const char *name;
    const cJSON *variant;
    uint32_t stop_epoch; /* what trainer_events' says from the start; for trial_start */
};

#endif
