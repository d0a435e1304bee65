/* duty: what a worker does next, as a pure state machine over (state, event, now).
 *
 * agent.c around it owns the socket, the spool, the trainer's thread and the clock: it gives each
 * thing that happened to duty_take and performs what duty_next says until that is DUTY_WAIT. Times
 * are milliseconds of any clock that does not go back.
 *
 * The rules: one request is under way at a time. A request that cannot be sent, or whose answer
 * does not come within DUTY_ANSWER_MS, means that the coordinator is away: hello is said again
 * after a backoff (backoff.h). Training goes on meanwhile.
 * Once welcome: heartbeats when they are due, then the spool in order, then, with nothing to train
 * and nothing spooled, a request for work. Work that was cancelled or given to another worker is
 * stopped and its reports are dropped. Work that was paused is stopped and given back. Work that is
 * to end early goes on to its end, without the epochs that are not wanted. After work that the
 * machine could not do, none is asked for until that is over (DUTY_ROOM), or for a wait that grows
 * from seconds to five minutes. A worker that is told to drain leaves as on a signal. When the
 * coordinator does not let it in, a worker that was never let in ends; for any other the
 * coordinator counts as away, because keys come and go. A worker whose idle time is up leaves when
 * it has been told that there is no work; when no coordinator is there it ends with code 3, and
 * when one goes on refusing for DUTY_ANSWER_MS more, with code 1. A signal stops the trainer;
 * sending what is spooled (the given_back report too) and goodbye may take DUTY_LEAVE_MS; what is
 * left then waits in the spool for the next start.
 */
#ifndef ASSAY_WORKER_DUTY_H
#define ASSAY_WORKER_DUTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DUTY_ANSWER_MS = 5000,
    DUTY_LEAVE_MS = 5000,
};

enum duty_message {
    DUTY_NO_MESSAGE,
    DUTY_HELLO,
    DUTY_REQUEST,
    DUTY_HEARTBEAT,
    DUTY_REPORT, /* the spool's first */
    DUTY_GOODBYE,
};

enum duty_event_kind {
    DUTY_WELCOMED,     /* heartbeat_ms; moved */
    DUTY_ASSIGNED,     /* experiment, attempt, stop_epoch */
    DUTY_NOTHING,      /* retry_ms */
    DUTY_BEAT,         /* over: cancelled or fenced; paused; drain; stop_epoch */
    DUTY_ACKNOWLEDGED, /* experiment, attempt, sequence, over, stop_epoch */
    DUTY_FAREWELL,
    DUTY_REFUSED, /* refusal: an `error` answer */
    DUTY_UNSENT,  /* there is no connection */
    DUTY_BARRED,  /* the same: the coordinator does not let this worker in */
    DUTY_ENDED,   /* the trainer's thread is finished, its last report spooled; hindered */
    DUTY_ROOM,    /* what it was hindered by is over */
    DUTY_SIGNAL,  /* SIGINT or SIGTERM */
};

enum duty_refusal {
    DUTY_REFUSED_LATER,   /* internal: the same again after a backoff */
    DUTY_REFUSED_OVER,    /* the attempt is over or the experiment is gone */
    DUTY_REFUSED_HELLO,   /* the coordinator does not know this worker: hello again */
    DUTY_REFUSED_INVALID, /* it will never take this message: do not send it again */
    DUTY_REFUSED_VERSION, /* it speaks another version */
    DUTY_REFUSED_KEY,     /* this worker's key is on no list of it */
};

struct duty_event {
    enum duty_event_kind kind;
    int64_t experiment, attempt;
    int64_t sequence, heartbeat_ms, retry_ms;
    int64_t stop_epoch; /* the last one that the experiment is to train; 0: as planned */
    bool over, paused, drain;
    bool hindered; /* the machine could not do it: no room, no memory, a lost device */
    bool moved;    /* to another database: what was in hand has been put down */
    enum duty_refusal refusal;
};

enum duty_action_kind {
    DUTY_WAIT,         /* until until_ms or an event */
    DUTY_SEND,         /* message */
    DUTY_START,        /* the trainer, on the assignment that came last */
    DUTY_GIVE_BACK,    /* the assignment that came last, unstarted */
    DUTY_STOP,         /* the trainer */
    DUTY_SHORTEN,      /* what the trainer does, to stop_epoch epochs */
    DUTY_DROP_ATTEMPT, /* from the spool: every report of experiment and attempt */
    DUTY_DROP_REPORT,  /* from the spool: the first report, with a complaint */
    DUTY_EXIT,         /* the program, with code */
};

struct duty_action {
    enum duty_action_kind kind;
    enum duty_message message;
    int64_t experiment, attempt, until_ms, stop_epoch;
    int code;
};

enum duty_work {
    DUTY_IDLE,
    DUTY_ASSIGNED_NOW, /* duty_next will say start or give back */
    DUTY_TRAINING,
    DUTY_STOPPING, /* because of a signal or a pause: to be given back */
    DUTY_REVOKED,  /* stopping because it was cancelled or fenced: its reports count no more */
};

struct duty {
    /* the coordinator */
    bool welcome, met; /* now; ever since the start */
    bool refused;      /* the last answer was a refusal */
    enum duty_message under_way;
    int64_t sent_ms, hold_until_ms; /* nothing is sent before hold_until_ms */
    unsigned failures;
    uint64_t jitter;
    int64_t heartbeat_ms, heartbeat_due_ms, request_due_ms;
    /* the work */
    enum duty_work work;
    int64_t experiment, attempt;
    int64_t stop_epoch;                  /* that the trainer knows of; 0: none */
    int64_t idle_since_ms, idle_exit_ms; /* idle_exit_ms: negative for never */
    bool leaving;
    int64_t leave_by_ms;
    unsigned hindrances; /* in a row */
    /* what duty_next has yet to say */
    bool stop_due, shorten_due, drop_report_due, drop_attempt_due, exit_due;
    int64_t drop_experiment, drop_attempt;
    int exit_code;
};

/* idle_exit_ms: leave after so long without work, negative for never; seed: for the jitter. */
void duty_init(struct duty *duty, int64_t idle_exit_ms, uint64_t seed, int64_t now_ms);
void duty_take(struct duty *duty, const struct duty_event *event, int64_t now_ms);
/* What to do now; the state already counts it as done. `spooled`: how many reports wait. */
struct duty_action duty_next(struct duty *duty, size_t spooled, int64_t now_ms);
/* Whether what the trainer says still counts. */
bool duty_spools(const struct duty *duty);

#endif
