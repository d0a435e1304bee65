/* crew: the requests of the workers. */
#include "coordinator/desk.h"
#include "coordinator/lookups.h"
#include "coordinator/records.h"
#include "coordinator/standings.h"
#include "coordinator/stopping.h"
#include "coordinator/views.h"
#include "core/json.h"
#include "core/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A double that is NaN when it is null. */
static double number(const cJSON *object, const char *key) {
    const cJSON *value = json_member(object, key);
    return cJSON_IsNumber(value) ? value->valuedouble : (double)NAN;
}

/* A place on the list for a worker that is not on it: its own, or a lost one's. */
static bool make_place(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    struct scheduler *scheduler = &coordinator->scheduler;
    if (scheduler_worker(scheduler, json_string(request->body, "worker")) != NULL ||
        scheduler->workers.count < COORDINATOR_WORKERS_MAX)
        return true;
    const struct presence present = desk_presence(coordinator);
    const struct worker *lost = scheduler_gone(scheduler, &present);
    if (lost != NULL)
        return desk_forget(coordinator, lost, &request->error);
    return request_refuse(request, WIRE_INVALID,
                          "%d workers are at work already, as many as may be",
                          COORDINATOR_WORKERS_MAX);
}

bool crew_hello(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *body = request->body;
    static const char *const shown[] = {"worker", "host", "device"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (!text_printable(json_string(body, shown[i])))
            return request_refuse(request, WIRE_INVALID, "hello: %s has control characters",
                                  shown[i]);
    struct worker worker = {
        .pid = json_integer(body, "pid"),
        .threads = json_integer(body, "threads"),
        .memory_bytes = json_integer(body, "memory_bytes"),
        .seen_ms = coordinator->now.steady_ms,
        .seen_unix_ms = coordinator->now.unix_ms,
    };
    snprintf(worker.name, sizeof worker.name, "%s", json_string(body, "worker"));
    snprintf(worker.host, sizeof worker.host, "%s", json_string(body, "host"));
    snprintf(worker.device, sizeof worker.device, "%s", json_string(body, "device"));
    backend_need_read(json_string(body, "backend"), &worker.backend);
    if (!labels_read(json_member(body, "labels"), worker.labels))
        return request_refuse(request, WIRE_INVALID, "hello: a label has control characters");
    if (!make_place(request))
        return false;
    const struct worker *before = scheduler_worker(&coordinator->scheduler, worker.name);
    if (before != NULL && before->pid == worker.pid) {
        worker.draining = before->draining;
        worker.drained_at = before->drained_at;
    }
    if (!record_worker(coordinator->store, &worker, &request->error))
        return false;
    if (!scheduler_put_worker(&coordinator->scheduler, &worker))
        return error_set(&request->error, ERROR_FAILED, "no memory for the workers");
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "lease_ms", (double)coordinator->lease_ms);
    /* however long the lease: what cancel and pause say has to be known within a second */
    int64_t heartbeat_ms = coordinator->lease_ms / 3 < COORDINATOR_HEARTBEAT_MS
                               ? coordinator->lease_ms / 3
                               : COORDINATOR_HEARTBEAT_MS;
    cJSON_AddNumberToObject(answer, "heartbeat_ms", (double)heartbeat_ms);
    cJSON_AddStringToObject(answer, "version", ASSAY_VERSION);
    /* an earlier worker would not take an answer with more in it */
    if (json_member(body, "history") != NULL) {
        cJSON_AddStringToObject(answer, "database", coordinator->identity.database);
        cJSON_AddStringToObject(answer, "history", coordinator->identity.history);
    }
    return request_done(request, "welcome", answer);
}

/* The worker that asks, just seen; NULL (refused) when it has not said hello. */
static struct worker *worker_of(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const char *name = json_string(request->body, "worker");
    struct worker *worker = scheduler_worker(&coordinator->scheduler, name);
    if (worker == NULL) {
        request_refuse(request, WIRE_STATE, "worker %s is not known here; say hello first", name);
        return NULL;
    }
    worker->seen_ms = coordinator->now.steady_ms;
    worker->seen_unix_ms = coordinator->now.unix_ms;
    return worker;
}

/* Whoever holds it is no more, or cannot do it: it is queued again, at no cost, and the holder's
 * reports are to be fenced, not taken for repeated ones. */
static bool take_away(struct request *request, struct job *job) {
    lease_give_back(&job->lease);
    return desk_end(request->coordinator, job, "lost", NULL, &request->error);
}

bool crew_request(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    struct scheduler *scheduler = &coordinator->scheduler;
    const struct presence present = desk_presence(coordinator);
    const struct worker *worker = worker_of(request);
    if (worker == NULL)
        return false;
    struct job *job = scheduler_held(scheduler, worker->name);
    /* a process of its name before this one has had it, with more than this one has */
    if (job != NULL && !need_met(&job->lane->need, worker)) {
        if (!take_away(request, job))
            return false;
        job = NULL;
    }
    cJSON *answer = cJSON_CreateObject();
    if (job != NULL) {
        lease_renew(&job->lease, coordinator->now.steady_ms, coordinator->lease_ms);
    } else if (!worker->draining && (job = scheduler_next(scheduler, worker, &present)) != NULL) {
        lease_grant(&job->lease, worker->name, coordinator->now.steady_ms, coordinator->lease_ms);
        scheduler_settle(scheduler, job);
        if (!record_grant(coordinator->store, job, coordinator->now.unix_ms, &request->error)) {
            cJSON_Delete(answer);
            return false;
        }
    } else {
        cJSON_AddNumberToObject(answer, "retry_ms", COORDINATOR_RETRY_MS);
        return request_done(request, "nothing", answer);
    }
    cJSON_AddNumberToObject(answer, "experiment", (double)job->id);
    cJSON_AddNumberToObject(answer, "attempt", (double)job->lease.attempt);
    if (view_assignment(coordinator->store, job->id, answer, &request->error) &&
        stopping_tell(coordinator->store, job->id, answer, &request->error))
        return request_done(request, "assignment", answer);
    cJSON_Delete(answer);
    return false;
}

static void progress_read(const cJSON *body, struct job_progress *progress) {
    *progress = (struct job_progress){
        .epoch = json_integer(body, "epoch"),
        .epochs = json_integer(body, "epochs"),
        .step = json_integer(body, "step"),
        .steps = json_integer(body, "steps"),
        .loss = number(body, "loss"),
        .images_per_second = number(body, "images_per_second"),
    };
    snprintf(progress->phase, sizeof progress->phase, "%s", json_string(body, "phase"));
}

bool crew_heartbeat(struct request *request) {
    const cJSON *body = request->body, *progress = json_member(body, "progress");
    bool working = json_member(body, "experiment") != NULL;
    const char *stop = NULL;
    struct job *job = NULL;
    char state[16];
    if (working != (json_member(body, "attempt") != NULL))
        return request_refuse(request, WIRE_INVALID,
                              "heartbeat: \"experiment\" and \"attempt\" come together");
    const struct worker *worker = worker_of(request);
    if (worker == NULL)
        return false;
    if (worker->draining)
        stop = "drain";
    if (working) {
        job = desk_held_job(request);
        if (job != NULL && progress != NULL) {
            progress_read(progress, &job->progress);
            request->coordinator->moved = true;
        }
        if (job != NULL && job->lease.paused) {
            stop = "paused";
        } else if (job == NULL) {
            if (!lookup_state(request->coordinator->store, json_integer(body, "experiment"), state,
                              &request->error))
                return false;
            stop = strcmp(state, lease_state_name(LEASE_CANCELLED)) == 0 ? "cancelled" : "fenced";
        }
    }
    cJSON *answer = cJSON_CreateObject();
    if (stop != NULL)
        cJSON_AddStringToObject(answer, "stop", stop);
    else
        cJSON_AddNullToObject(answer, "stop");
    if (job == NULL || stopping_tell(request->coordinator->store, job->id, answer, &request->error))
        return request_done(request, "beat", answer);
    cJSON_Delete(answer);
    return false;
}

/* The report of how the attempt ended. */
static bool take_end(struct request *request, struct job *job, const cJSON *end) {
    const char *outcome = json_string(end, "outcome");
    const char *why = cJSON_GetStringValue(json_member(end, "error"));
    bool failed = strcmp(outcome, "failed") == 0;
    if (strcmp(outcome, "done") == 0)
        lease_finish(&job->lease);
    else if (failed)
        lease_fail(&job->lease, !cJSON_IsFalse(json_member(end, "retry")));
    else if (why != NULL)
        lease_hinder(&job->lease);
    else
        lease_give_back(&job->lease);
    if (failed || why != NULL)
        lease_rest(&job->lease, job->id, request->coordinator->now.steady_ms);
    if (failed && why == NULL)
        why = "the worker gave no reason";
    return desk_end(request->coordinator, job, outcome, why, &request->error);
}

/* An epoch that nobody has reported before forgives the failures so far, and may be the last. */
static bool take_epoch(struct request *request, struct job *job, const struct report_key *key,
                       const cJSON *body) {
    struct store *store = request->coordinator->store;
    int64_t epoch = json_integer(body, "epoch"), epochs;
    bool known;
    if (!lookup_epoch(store, job->id, epoch, &epochs, &known, &request->error))
        return false;
    if (epoch > epochs)
        return request_refuse(request, WIRE_INVALID,
                              "report: there is no epoch %" PRId64 " of experiment %" PRId64
                              ", which has %" PRId64,
                              epoch, job->id, epochs);
    if (!record_report(store, key, "epoch", body, &request->error) ||
        !standings_follow(store, job->id, epoch, &request->error))
        return false;
    if (known)
        return true;
    bool forgiven = job->lease.failures > 0;
    lease_progress(&job->lease);
    return (!forgiven || record_progress(store, job, &request->error)) &&
           stopping_judge(store, job->id, epoch, key->now_ms, &request->error);
}

/* Stores a report of the holder. */
static bool take_report(struct request *request, struct job *job, const struct report_key *key,
                        const char *kind) {
    const cJSON *body = json_member(request->body, "body");
    return strcmp(kind, "epoch") == 0
               ? take_epoch(request, job, key, body)
               : record_report(request->coordinator->store, key, kind, body, &request->error);
}

bool crew_report(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *body = request->body;
    const char *kind = json_string(body, "kind");
    struct report_key key = {.experiment = json_integer(body, "experiment"),
                             .attempt = json_integer(body, "attempt"),
                             .now_ms = coordinator->now.unix_ms};
    bool ended = false, good;
    if (worker_of(request) == NULL)
        return false;
    struct job *job = desk_held_job(request);
    if (job == NULL)
        good = lookup_attempt_ended(coordinator->store, key.experiment, key.attempt,
                                    json_string(body, "worker"), &ended, &request->error);
    else if (strcmp(kind, "end") == 0)
        good = take_end(request, job, json_member(body, "body"));
    else
        good = take_report(request, job, &key, kind);
    if (!good)
        return false;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "sequence", (double)json_integer(body, "sequence"));
    cJSON_AddBoolToObject(answer, "fenced", job == NULL && !ended);
    if (job == NULL || stopping_tell(coordinator->store, key.experiment, answer, &request->error))
        return request_done(request, "ack", answer);
    cJSON_Delete(answer);
    return false;
}

bool crew_goodbye(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const char *name = json_string(request->body, "worker");
    struct job *job;
    /* It held nothing when it left, as far as it knew, unless its spool failed. Whoever does may be
     * a process after it, which the goodbye came too late for. */
    while ((job = scheduler_held(&coordinator->scheduler, name)) != NULL)
        if (!take_away(request, job))
            return false;
    if (!record_worker_gone(coordinator->store, name, &request->error))
        return false;
    scheduler_remove_worker(&coordinator->scheduler, name);
    return request_done(request, "farewell", NULL);
}
