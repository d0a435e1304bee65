#include "coordinator/coordinator.h"

#include "coordinator/artifacts.h"
#include "coordinator/desk.h"
#include "coordinator/lookups.h"
#include "coordinator/records.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *name;
    request_handler *handler;
} handlers[] = {
    {"submit", people_submit},
    {"list", people_list},
    {"show", people_show},
    {"cancel", people_cancel},
    {"pause", people_pause},
    {"resume", people_resume},
    {"retry", people_retry},
    {"priority", people_priority},
    {"logs", people_logs},
    {"scores", people_scores},
    {"workers", people_workers},
    {"status", people_status},
    {"hello", crew_hello},
    {"request", crew_request},
    {"heartbeat", crew_heartbeat},
    {"report", crew_report},
    {"goodbye", crew_goodbye},
    {"offer", files_offer},
    {"send", files_send},
    {"fetch", files_fetch},
    {"gc", files_gc},
};
/* clang-format on */

void reply_free(struct reply *reply) {
    cJSON_Delete(reply->body);
    free(reply->bytes);
    *reply = (struct reply){0};
}

/* --- desk.h --- */

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

bool desk_printable(const char *name) {
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f)
            return false;
    return true;
}

bool desk_end(struct coordinator *coordinator, struct job *job, const char *outcome,
              const char *why, struct error *error) {
    if (!record_end(coordinator->store, job, outcome, why, coordinator->now.unix_ms, error))
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

bool desk_doom(struct coordinator *coordinator, const char *sha256, struct error *error) {
    if (coordinator->doomed_count == coordinator->doomed_room) {
        size_t room = 2 * coordinator->doomed_room + 16;
        void *larger = realloc(coordinator->doomed, room * sizeof *coordinator->doomed);
        if (larger == NULL)
            return error_set(error, ERROR_FAILED, "no memory for files to be removed");
        coordinator->doomed = larger;
        coordinator->doomed_room = room;
    }
    memcpy(coordinator->doomed[coordinator->doomed_count++], sha256, SHA256_TEXT_SIZE);
    return true;
}

/* --- the batch --- */

/* Only the first failure counts: what follows fails because of it. */
static void batch_break(struct coordinator *coordinator, const struct error *failure) {
    if (!coordinator->broken)
        coordinator->failure = *failure;
    coordinator->broken = true;
}

static bool load(struct coordinator *coordinator, struct error *error) {
    int64_t lease_ms =
        coordinator->lease_ms > COORDINATOR_GRACE_MS ? coordinator->lease_ms : COORDINATOR_GRACE_MS;
    scheduler_clear(&coordinator->scheduler);
    coordinator->in_step = lookup_load(coordinator->store, &coordinator->scheduler,
                                       coordinator->now.steady_ms, lease_ms, error);
    return coordinator->in_step;
}

bool coordinator_open(struct coordinator *coordinator, struct store *store, int64_t lease_ms,
                      struct moment now, struct error *error) {
    *coordinator =
        (struct coordinator){.store = store, .lease_ms = lease_ms, .started = now, .now = now};
    if (load(coordinator, error))
        return true;
    coordinator_close(coordinator);
    return false;
}

void coordinator_close(struct coordinator *coordinator) {
    scheduler_clear(&coordinator->scheduler);
    free(coordinator->doomed);
}

void coordinator_begin(struct coordinator *coordinator, struct moment now) {
    struct error error;
    bool deaf = now.steady_ms - coordinator->now.steady_ms > coordinator->lease_ms / 2;
    coordinator->now = now;
    coordinator->broken = false;
    coordinator->doomed_count = 0;
    if (!store_begin(coordinator->store, &error) ||
        (!coordinator->in_step && !load(coordinator, &error)))
        batch_break(coordinator, &error);
    else if (deaf)
        scheduler_renew_all(&coordinator->scheduler, now.steady_ms, coordinator->lease_ms);
}

void coordinator_answer(struct coordinator *coordinator, const struct wire_message *message,
                        struct reply *reply) {
    const char *name = message->name;
    struct request request = {.coordinator = coordinator,
                              .body = message->body,
                              .bytes = message->bytes,
                              .bytes_length = message->bytes_length,
                              .reply = reply,
                              .code = WIRE_INTERNAL};
    *reply = (struct reply){0};
    request_handler *handler = NULL;
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++)
        if (strcmp(handlers[i].name, name) == 0)
            handler = handlers[i].handler;
    bool done = false;
    if (handler == NULL)
        request_refuse(&request, WIRE_UNKNOWN, "%s is no request", name);
    else if (coordinator->broken)
        request.error = coordinator->failure;
    else
        done = handler(&request);
    if (done)
        return;
    if (request.code == WIRE_INTERNAL)
        batch_break(coordinator, &request.error);
    reply_free(reply);
    *reply = (struct reply){.name = "error",
                            .body = wire_error_body(request.code, request.error.message)};
}

/* The next of the jobs whose worker has not been heard for a whole lease. */
static bool expire_job(struct coordinator *coordinator, struct job *job, struct error *error) {
    char why[LEASE_WORKER_MAX + 160];
    int64_t attempt = job->lease.attempt;
    char worker[LEASE_WORKER_MAX + 1];
    memcpy(worker, job->lease.worker, sizeof worker);
    lease_fail(&job->lease, true);
    snprintf(why, sizeof why, "worker %s was lost in attempt %lld: not heard for %.1f s%s", worker,
             (long long)attempt, (double)coordinator->lease_ms / 1000,
             lease_final(&job->lease) ? "; no attempt is left" : "");
    return desk_end(coordinator, job, "lost", why, error);
}

void coordinator_expire(struct coordinator *coordinator) {
    struct scheduler *scheduler = &coordinator->scheduler;
    int64_t now_ms = coordinator->now.steady_ms;
    struct error error;
    struct job *job;
    const struct worker *worker;
    while (!coordinator->broken && (job = scheduler_expired(scheduler, now_ms)) != NULL)
        if (!expire_job(coordinator, job, &error))
            batch_break(coordinator, &error);
    while (!coordinator->broken &&
           (worker = scheduler_gone(scheduler, now_ms, COORDINATOR_FORGET_MS)) != NULL)
        if (!desk_forget(coordinator, worker, &error))
            batch_break(coordinator, &error);
}

/* Removes what nothing names any more. What is left over is found by gc. */
static void remove_doomed(struct coordinator *coordinator) {
    bool kept;
    for (size_t i = 0; i < coordinator->doomed_count; i++) {
        const char *sha256 = coordinator->doomed[i];
        if (artifact_kept(coordinator->store, sha256, ARTIFACT_KEEP_ALL, &kept, NULL) && !kept)
            uploads_remove(coordinator->uploads, sha256, NULL);
    }
}

bool coordinator_commit(struct coordinator *coordinator, struct error *error) {
    if (!coordinator->broken && store_commit(coordinator->store, &coordinator->failure)) {
        remove_doomed(coordinator);
        return true;
    }
    store_rollback(coordinator->store);
    coordinator->in_step = false;
    *error = coordinator->failure;
    return false;
}
