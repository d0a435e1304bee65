/* desk: how a request is handled: the functions behind the names of docs/protocol.md, each in the
 * file that is named above it, and in desk.c what several of them do.
 *
 * A handler checks everything first and writes then: what it refuses has changed nothing. When the
 * database fails it returns false with the error set by whoever failed, and the batch is undone.
 */
#ifndef ASSAY_COORDINATOR_DESK_H
#define ASSAY_COORDINATOR_DESK_H

#include "coordinator/coordinator.h"
#include "coordinator/remarks.h"

struct request {
    struct coordinator *coordinator;
    cJSON *body;
    const char *person; /* whose request it is, by key or else by what it says; "": nobody knows */
    const void *bytes;  /* the message's piece of a file, borrowed; NULL without one */
    size_t bytes_length;
    struct reply *reply;
    enum wire_code code; /* WIRE_INTERNAL unless request_refuse has set another */
    struct error error;
};
typedef bool request_handler(struct request *request);

/* Refuses the request. Returns false. */
bool request_refuse(struct request *request, enum wire_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Sets the answer's name (a literal) and takes its body. Returns true. */
bool request_done(struct request *request, const char *name, cJSON *body);

/* Nobody is lost who was seen within a lease. */
struct presence desk_presence(const struct coordinator *coordinator);

/* The job has left running, or the queue for good: writes that down. `why` may be NULL. The job is
 * gone from the scheduler afterwards if it is final. */
bool desk_end(struct coordinator *coordinator, struct job *job, const char *outcome,
              const char *why, struct error *error);

/* Takes a worker that holds nothing off the list. */
bool desk_forget(struct coordinator *coordinator, const struct worker *worker, struct error *error);

/* The job that the body's experiment, attempt and worker hold, its lease renewed; or NULL. */
struct job *desk_held_job(struct request *request);

/* Has the blob removed after the commit if nothing names it then. */
bool desk_doom(struct coordinator *coordinator, const char *sha256, struct error *error);

/* fork_bind_lost, where files are kept. */
bool desk_bind_forks(struct coordinator *coordinator, int64_t which, struct error *error);

/* people.c */
/* Refuses ids that there are not. *text is the array for a view_filter, for the caller to free;
 * NULL when the request names no ids. */
bool people_ids(struct request *request, char **text);
request_handler people_list, people_show, people_logs, people_scores, people_workers, people_drain,
    people_status, people_changes;
/* submit.c */
request_handler people_submit;
/* steering.c */
request_handler people_cancel, people_pause, people_resume, people_retry, people_priority;
/* remarking.c */
/* Refuses tags (an array) and a note (a string) that are none; either may be NULL. */
bool people_remarks_sound(struct request *request, const cJSON *tags, const cJSON *note);
/* The author of what the request writes. */
struct remark_author people_author(const struct request *request);
request_handler people_tag, people_note, people_erase;
/* crew.c */
request_handler crew_hello, crew_request, crew_heartbeat, crew_report, crew_goodbye;
/* files.c */
request_handler files_offer, files_send, files_fetch, files_gc;
/* push.c */
request_handler push_listing, push_listings, push_survey, push_store, push_append;

#endif
