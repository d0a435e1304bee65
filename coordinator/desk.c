#include "coordinator/desk.h"

#include "coordinator/fork.h"
#include "coordinator/lookups.h"
#include "coordinator/records.h"
#include "core/array.h"
#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool request_refuse(struct request *request, enum wire_code code, const char *format, ...) {
    char text[sizeof request->error.message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    request->code = code;
    return error_set(&request->error, ERROR_INPUT, "%s", text);
}

bool request_done(struct request *request, const char *name, cJSON *body) {
    *request->reply = (struct reply){.name = name, .body = body};
    return true;
}

struct presence desk_presence(const struct coordinator *coordinator) {
    return (struct presence){coordinator->now.steady_ms, coordinator->lease_ms};
}

static bool note_finished(struct coordinator *coordinator, int64_t id, struct error *error) {
    if (coordinator->finish == NULL)
        return true;
    int64_t *finished = reallocarray(coordinator->finished, coordinator->finished_count + 1,
                                     sizeof *coordinator->finished);
    if (finished == NULL)
        return error_set(error, ERROR_FAILED, "no memory for --on-finish");
    finished[coordinator->finished_count++] = id;
    coordinator->finished = finished;
    return true;
}

bool desk_end(struct coordinator *coordinator, struct job *job, const char *outcome,
              const char *why, struct error *error) {
    if (!record_end(coordinator->store, job, outcome, why, coordinator->now.unix_ms, error))
        return false;
    if (lease_final(&job->lease) && !note_finished(coordinator, job->id, error))
        return false;
    job->progress = (struct job_progress){0};
    bool done = job->lease.state == LEASE_DONE;
    int64_t id = job->id;
    scheduler_settle(&coordinator->scheduler, job);
    return !done || lookup_barriers(coordinator->store, id, &coordinator->scheduler,
                                    scheduler_step_barrier, error);
}

bool desk_forget(struct coordinator *coordinator, const struct worker *worker,
                 struct error *error) {
    if (!record_worker_gone(coordinator->store, worker->name, error))
        return false;
    scheduler_remove_worker(&coordinator->scheduler, worker->name);
    return true;
}

struct job *desk_held_job(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *body = request->body;
    struct job *job = scheduler_find(&coordinator->scheduler, json_integer(body, "experiment"));
    if (job == NULL ||
        !lease_held_by(&job->lease, json_string(body, "worker"), json_integer(body, "attempt")))
        return NULL;
    lease_renew(&job->lease, coordinator->now.steady_ms, coordinator->lease_ms);
    return job;
}

bool desk_doom(struct coordinator *coordinator, const char *sha256, struct error *error) {
    void *doomed = array_room(coordinator->doomed, coordinator->doomed_count + 1,
                              &coordinator->doomed_room, sizeof *coordinator->doomed);
    if (doomed == NULL)
        return error_set(error, ERROR_FAILED, "no memory for files to be removed");
    coordinator->doomed = doomed;
    struct doomed *added = &coordinator->doomed[coordinator->doomed_count++];
    added->fate = FATE_OPEN;
    memcpy(added->sha256, sha256, SHA256_TEXT_SIZE);
    return true;
}

bool desk_bind_forks(struct coordinator *coordinator, int64_t which, struct error *error) {
    return coordinator->uploads == NULL ||
           fork_bind_lost(coordinator->store, uploads_blobs(coordinator->uploads), which,
                          &coordinator->scheduler, error);
}
