/* stint: one assignment in a worker's hands, from the start of its training until its end is in the
 * spool; and the folder, spool and courier that belong to it.
 *
 * What it decides of itself is little: how an end is worded, and when it is told (luggage.h). What
 * the worker does is decided in duty.h, which it tells when the trainer has ended.
 */
#ifndef ASSAY_WORKER_STINT_H
#define ASSAY_WORKER_STINT_H

#include "core/machine.h"
#include "worker/agent.h"
#include "worker/courier.h"
#include "worker/duty.h"
#include "worker/place.h"

/* Zeroed, it may be closed. The fields are for reading. */
struct stint {
    const struct agent_options *options;
    struct duty *duty; /* whose experiment and attempt it is at */
    char *dir;         /* absolute */
    char *hashes;      /* a file in it */
    const char *name;  /* the worker's */
    char host[MACHINE_HOST_SIZE];
    struct place *place;
    struct courier *courier;
    cJSON *assignment; /* the last one's body */
    struct trial *trial;
    char *folder; /* of the trial: its options point at it and into the assignment */
    bool ended;   /* the trial has, and `end` waits until its files have arrived */
    struct trial_item end;
    int64_t end_bytes;        /* of those files when it ended */
    int64_t tell_bytes_ms;    /* when people are to hear of them next */
    int64_t patient_until_ms; /* 0: for as long as it takes */
    enum error_cause cause;   /* what hinders this machine since the last attempt */
    uint64_t room_bytes;      /* that there were when the disk was full */
};

/* A line for people (agent_options). */
void stint_say(const struct stint *stint, bool trouble, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes the folder of `options`, and ends the attempt that the process before this one died in.
 * Both are borrowed until stint_close, which stops what trains. */
bool stint_open(struct stint *stint, const struct agent_options *options, struct duty *duty,
                struct error *error);
void stint_close(struct stint *stint);

/* Which database the coordinator has, as it says so itself. Where that is another one, or one with
 * another history, what is in hand is put down: given back to whom it is of, and *moved. */
bool stint_belong(struct stint *stint, const char *database, const char *history, bool *moved,
                  struct error *error);

/* Begins the assignment that the duty is at; the body is taken by stint_assign before. */
void stint_assign(struct stint *stint, cJSON *assignment);
bool stint_start(struct stint *stint, struct error *error);
/* The assignment that came last, unstarted. */
bool stint_give_back(struct stint *stint, struct error *error);
/* Has it end after this epoch. */
void stint_shorten(struct stint *stint, int64_t stop_epoch);
/* Takes what the trainer, the courier and the disk have to say. */
bool stint_take(struct stint *stint, struct error *error);
/* How far it is: what the trainer says, and after that how much of its files has arrived. False
 * before the first. */
bool stint_progress(const struct stint *stint, struct progress *progress);
/* Tells the end, when the trial has ended and nothing speaks against it. */
bool stint_release(struct stint *stint, struct error *error);

#endif
