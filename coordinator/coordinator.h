/* coordinator: what a request does, between the socket (server.h) and the database (store.h).
 *
 * The server hands over requests in batches: coordinator_begin, coordinator_answer for each,
 * coordinator_commit; only then may the answers be sent, because only then is what they promise on
 * the disk. If the commit fails nothing of the batch has happened, and every request of it is
 * answered with that error instead.
 */
#ifndef ASSAY_COORDINATOR_COORDINATOR_H
#define ASSAY_COORDINATOR_COORDINATOR_H

#include "coordinator/allow.h"
#include "coordinator/finish.h"
#include "coordinator/lookups.h"
#include "coordinator/scheduler.h"
#include "coordinator/stats.h"
#include "coordinator/store.h"
#include "coordinator/unwritten.h"
#include "coordinator/uploads.h"
#include "core/wire.h"

enum {
    COORDINATOR_HEARTBEAT_MS = 500,      /* at most */
    COORDINATOR_RETRY_MS = 1000,         /* when a worker that got nothing asks again */
    COORDINATOR_FORGET_MS = 3600 * 1000, /* how long a worker that is gone is listed as lost */
    /* how long running experiments keep their workers after a start, at least: a worker that waits
     * for an answer and then backs off needs up to ten seconds to say hello again */
    COORDINATOR_GRACE_MS = 20 * 1000,
    COORDINATOR_WORKERS_MAX = 4096 /* on the list: its answer has to fit into a message */
};

struct moment {
    int64_t unix_ms;   /* for people and for what is stored */
    int64_t steady_ms; /* for leases */
};

/* A blob that goes after the commit, and what has come of that. */
struct doomed {
    char sha256[SHA256_TEXT_SIZE];
    enum fate { FATE_OPEN, FATE_GONE, FATE_KEPT /* something names it */, FATE_STUCK } fate;
};

struct coordinator {
    struct store *store;      /* borrowed */
    struct identity identity; /* the database's */
    struct uploads *uploads;  /* borrowed, coordinator_keep_files; NULL: no files are taken */
    struct finish *finish;    /* likewise; NULL: nobody is to be told of ends */
    struct scheduler scheduler;
    int64_t lease_ms;
    /* Another number whenever `list`, `workers` or `show` would show something else, but for when
     * workers were last seen. It begins at the time of the start, so that a restart changes it. */
    int64_t revision;
    int64_t rows_before;    /* store_changes, when the batch began */
    bool moved;             /* in this batch: something that no row says */
    int64_t quiet_until_ms; /* before it no lease runs out and nobody becomes lost */
    struct moment started, now;
    bool in_step;         /* the scheduler holds what the database holds */
    bool broken;          /* something failed in this batch: it cannot be committed */
    struct error failure; /* what */
    struct doomed *doomed;
    size_t doomed_count, doomed_room;
    struct error stuck;         /* why the first of them could not be removed */
    struct unwritten unwritten; /* kept while the scheduler is not in step */
    /* experiments of which `finish` is told after it */
    int64_t *finished;
    size_t finished_count;
};

struct reply;
/* Makes the body of an answer that tells of what is done after the commit. */
typedef void reply_settle(const struct coordinator *coordinator, struct reply *reply);

/* An answer in the making. */
struct reply {
    const char *name; /* a static string */
    cJSON *body;      /* owned; NULL is {} */
    void *bytes;      /* a piece of a file, owned; NULL without one */
    size_t bytes_length;
    bool reads; /* the request writes nothing: if its batch fails, another can still answer it */
    bool later; /* no answer yet: it waits for another revision (watchers.h) */
    /* NULL, or to be called between the commit and the next batch; until then there is no body */
    reply_settle *settle;
    void *unsettled; /* what it makes the body of, owned */
};
void reply_free(struct reply *reply);

/* Takes over what the database holds: running experiments keep their workers for a whole lease, and
 * COORDINATOR_GRACE_MS at least. */
bool coordinator_open(struct coordinator *coordinator, struct store *store, int64_t lease_ms,
                      struct moment now, struct error *error);
/* From now on it takes files. Forks whose files are not there are for the hosts that have them. */
bool coordinator_keep_files(struct coordinator *coordinator, struct uploads *uploads,
                            struct error *error);
void coordinator_close(struct coordinator *coordinator); /* the store stays open */

/* Begins a batch. When the last one began more than half a lease ago nobody could be heard
 * meanwhile (the machine slept, the disk hung), and every lease is renewed. False when another
 * program holds the database: nothing has begun, the requests are to wait, and it is to be called
 * again. So nobody who asks ever hears of a lock. */
bool coordinator_begin(struct coordinator *coordinator, struct moment now);
/* One request whose shape has been checked; its body may be changed. The reply is final once
 * committed, and settled if it has to be. */
void coordinator_answer(struct coordinator *coordinator, const struct caller *caller,
                        const struct wire_message *message, struct reply *reply);
/* Queues again what lost workers held, forgets workers that are gone for long. For the end of a
 * batch after which no request waits: a heartbeat that has arrived must count first. */
void coordinator_expire(struct coordinator *coordinator);
/* Whether the batch has written anything so far. */
bool coordinator_wrote(const struct coordinator *coordinator);
/* Fills in what is there now (what is counted since the start is not touched). Between batches. */
bool coordinator_measure(struct coordinator *coordinator, struct stats *stats, struct error *error);
bool coordinator_commit(struct coordinator *coordinator, struct error *error);

#endif
