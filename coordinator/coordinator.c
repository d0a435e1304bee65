#include "coordinator/coordinator.h"

#include "coordinator/artifacts.h"
#include "coordinator/desk.h"
#include "coordinator/fork.h"
#include "coordinator/lookups.h"
#include "core/json.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *name;
    request_handler *handler;
    enum role role; /* whose request it is */
    enum { WRITES, READS } does; /* to the database */
} requests[] = {
    {"submit", people_submit, ROLE_PERSON, WRITES},
    {"list", people_list, ROLE_PERSON, READS},
    {"show", people_show, ROLE_PERSON, READS},
    {"cancel", people_cancel, ROLE_PERSON, WRITES},
    {"pause", people_pause, ROLE_PERSON, WRITES},
    {"resume", people_resume, ROLE_PERSON, WRITES},
    {"retry", people_retry, ROLE_PERSON, WRITES},
    {"priority", people_priority, ROLE_PERSON, WRITES},
    {"tag", people_tag, ROLE_PERSON, WRITES},
    {"note", people_note, ROLE_PERSON, WRITES},
    {"erase", people_erase, ROLE_PERSON, WRITES},
    {"logs", people_logs, ROLE_PERSON, READS},
    {"scores", people_scores, ROLE_PERSON, READS},
    {"workers", people_workers, ROLE_PERSON, READS},
    {"drain", people_drain, ROLE_PERSON, WRITES},
    {"status", people_status, ROLE_PERSON, READS},
    {"changes", people_changes, ROLE_PERSON, READS},
    {"hello", crew_hello, ROLE_WORKER, WRITES},
    {"request", crew_request, ROLE_WORKER, WRITES},
    {"heartbeat", crew_heartbeat, ROLE_WORKER, WRITES},
    {"report", crew_report, ROLE_WORKER, WRITES},
    {"goodbye", crew_goodbye, ROLE_WORKER, WRITES},
    {"offer", files_offer, ROLE_WORKER, WRITES},
    {"send", files_send, ROLE_WORKER, WRITES},
    {"fetch", files_fetch, ROLE_BOTH, READS},
    {"push", push_listing, ROLE_PERSON, WRITES},
    {"listings", push_listings, ROLE_PERSON, READS},
    {"survey", push_survey, ROLE_PERSON, READS},
    {"store", push_store, ROLE_PERSON, WRITES},
    {"append", push_append, ROLE_PERSON, WRITES},
    {"gc", files_gc, ROLE_PERSON, WRITES},
};
/* clang-format on */
enum { REQUESTS = sizeof requests / sizeof requests[0] };

void reply_free(struct reply *reply) {
    cJSON_Delete(reply->body);
    free(reply->bytes);
    free(reply->unsettled);
    *reply = (struct reply){0};
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
    coordinator->quiet_until_ms = 0;
    coordinator->in_step = lookup_load(coordinator->store, &coordinator->scheduler,
                                       coordinator->now.steady_ms, lease_ms, error) &&
                           desk_bind_forks(coordinator, FORK_ALL, error);
    if (coordinator->in_step)
        unwritten_put_back(&coordinator->unwritten, &coordinator->scheduler);
    return coordinator->in_step;
}

bool coordinator_keep_files(struct coordinator *coordinator, struct uploads *uploads,
                            struct error *error) {
    coordinator->uploads = uploads;
    return desk_bind_forks(coordinator, FORK_ALL, error);
}

bool coordinator_open(struct coordinator *coordinator, struct store *store, int64_t lease_ms,
                      struct moment now, struct error *error) {
    *coordinator = (struct coordinator){
        .store = store, .lease_ms = lease_ms, .started = now, .now = now, .revision = now.unix_ms};
    if (lookup_identity(store, &coordinator->identity, error) && load(coordinator, error))
        return true;
    coordinator_close(coordinator);
    return false;
}

void coordinator_close(struct coordinator *coordinator) {
    scheduler_clear(&coordinator->scheduler);
    free(coordinator->doomed);
    free(coordinator->finished);
    unwritten_free(&coordinator->unwritten);
}

bool coordinator_begin(struct coordinator *coordinator, struct moment now) {
    struct error error;
    bool begun = store_begin(coordinator->store, &error);
    if (!begun && store_is_held(coordinator->store))
        return false;
    bool deaf = now.steady_ms - coordinator->now.steady_ms > coordinator->lease_ms / 2;
    coordinator->now = now;
    coordinator->broken = false;
    coordinator->moved = false;
    coordinator->rows_before = store_changes(coordinator->store);
    coordinator->doomed_count = 0;
    coordinator->stuck = (struct error){0};
    coordinator->finished_count = 0;
    if (!begun || (!coordinator->in_step && !load(coordinator, &error)))
        batch_break(coordinator, &error);
    else if (deaf)
        scheduler_renew_all(&coordinator->scheduler, now.steady_ms, coordinator->lease_ms);
    return true;
}

/* Why somebody with these roles may not make the request. */
static bool deny(struct request *request, unsigned roles, const char *name) {
    if (roles == 0)
        return request_refuse(request, WIRE_DENIED,
                              "the coordinator does not know this key any more; it is in neither "
                              "of its lists, authorized_people and authorized_workers");
    return request_refuse(request, WIRE_DENIED,
                          "%s is not for this key: it is in %s, not in %s, of the coordinator's "
                          "lists",
                          name, roles == ROLE_WORKER ? "authorized_workers" : "authorized_people",
                          roles == ROLE_WORKER ? "authorized_people" : "authorized_workers");
}

/* Whether a worker's request counts from what this database has told it: ids and attempts of
 * another one, or of what a backup has undone, may be the same numbers. */
static bool is_of_history(const struct request *request) {
    const char *history = cJSON_GetStringValue(json_member(request->body, "history"));
    return history == NULL || strcmp(history, request->coordinator->identity.history) == 0;
}

/* Whether the caller may make the request, under the name that it has. */
static bool admit(struct request *request, const struct caller *caller, const char *name,
                  enum role role) {
    const char *worker = cJSON_GetStringValue(json_member(request->body, "worker"));
    struct error why = {0};
    if ((caller->roles & (unsigned)role) == 0)
        return deny(request, caller->roles, name);
    if (role == ROLE_WORKER && caller->workers != NULL &&
        !allow_speaks(caller->workers, &caller->key, worker, &why))
        return request_refuse(request, WIRE_DENIED, "%s", why.message);
    if (role == ROLE_WORKER && strcmp(name, "hello") != 0 && !is_of_history(request))
        return request_refuse(request, WIRE_STATE,
                              "what worker %s goes by is of another database, or of what came "
                              "after the backup that this one is; say hello first",
                              worker);
    return text_printable(request->person) ||
           request_refuse(request, WIRE_INVALID, "%s: person has control characters", name);
}

void coordinator_answer(struct coordinator *coordinator, const struct caller *caller,
                        const struct wire_message *message, struct reply *reply) {
    const char *name = message->name, *person = caller->person;
    if (person == NULL)
        person = cJSON_GetStringValue(json_member(message->body, "person"));
    struct request request = {.coordinator = coordinator,
                              .body = message->body,
                              .person = person != NULL ? person : "",
                              .bytes = message->bytes,
                              .bytes_length = message->bytes_length,
                              .reply = reply,
                              .code = WIRE_INTERNAL};
    size_t which = 0;
    bool done = false;
    *reply = (struct reply){0};
    while (which < REQUESTS && strcmp(requests[which].name, name) != 0)
        which++;
    bool admitted = which < REQUESTS
                        ? admit(&request, caller, name, requests[which].role)
                        : request_refuse(&request, WIRE_UNKNOWN, "%s is no request", name);
    if (admitted && coordinator->broken)
        request.error = coordinator->failure;
    else if (admitted)
        done = requests[which].handler(&request);
    if (!done) {
        if (request.code == WIRE_INTERNAL)
            batch_break(coordinator, &request.error);
        reply_free(reply);
        *reply = (struct reply){.name = "error",
                                .body = wire_error_body(request.code, request.error.message)};
    }
    reply->reads = which < REQUESTS && requests[which].does == READS;
}

/* The next of the jobs whose worker has not been heard for a whole lease. */
static bool expire_job(struct coordinator *coordinator, struct job *job, struct error *error) {
    char why[LEASE_WORKER_MAX + 160];
    int64_t attempt = job->lease.attempt;
    char worker[LEASE_WORKER_MAX + 1];
    memcpy(worker, job->lease.worker, sizeof worker);
    lease_fail(&job->lease, true);
    lease_rest(&job->lease, job->id, coordinator->now.steady_ms);
    snprintf(why, sizeof why, "worker %s was lost in attempt %lld: not heard for %.1f s%s", worker,
             (long long)attempt, (double)coordinator->lease_ms / 1000,
             lease_final(&job->lease) ? "; no attempt is left" : "");
    return desk_end(coordinator, job, "lost", why, error);
}

void coordinator_expire(struct coordinator *coordinator) {
    struct scheduler *scheduler = &coordinator->scheduler;
    int64_t now_ms = coordinator->now.steady_ms;
    const struct presence present = desk_presence(coordinator),
                          known = {now_ms, COORDINATOR_FORGET_MS};
    struct error error;
    struct job *job;
    const struct worker *worker;
    if (now_ms < coordinator->quiet_until_ms)
        return;
    while (!coordinator->broken && (job = scheduler_expired(scheduler, now_ms)) != NULL)
        if (!expire_job(coordinator, job, &error))
            batch_break(coordinator, &error);
    while (!coordinator->broken && (worker = scheduler_gone(scheduler, &known)) != NULL)
        if (!desk_forget(coordinator, worker, &error))
            batch_break(coordinator, &error);
    coordinator->moved |= scheduler_see_lost(scheduler, &present);
    /* Leases are only ever made longer: what is granted from now on ends later than these. */
    int64_t next_ms = scheduler_next_expiry(scheduler),
            look_ms = now_ms + coordinator->lease_ms / 4;
    coordinator->quiet_until_ms = next_ms < look_ms ? next_ms : look_ms;
}

static enum fate remove_one(struct coordinator *coordinator, const char *sha256) {
    struct error why = {0};
    bool kept = false;
    if (artifact_kept(coordinator->store, sha256, ARTIFACT_KEEP_ALL, NULL, &kept, &why) &&
        (kept || uploads_remove(coordinator->uploads, sha256, &why)))
        return kept ? FATE_KEPT : FATE_GONE;
    if (coordinator->stuck.code == ERROR_NONE)
        coordinator->stuck = why;
    return FATE_STUCK;
}

/* Removes what nothing names any more. What is left over is found by gc. */
static void remove_doomed(struct coordinator *coordinator) {
    for (size_t i = 0; i < coordinator->doomed_count; i++)
        coordinator->doomed[i].fate = remove_one(coordinator, coordinator->doomed[i].sha256);
}

bool coordinator_wrote(const struct coordinator *coordinator) {
    return store_changes(coordinator->store) != coordinator->rows_before;
}

bool coordinator_measure(struct coordinator *coordinator, struct stats *stats,
                         struct error *error) {
    const struct scheduler *scheduler = &coordinator->scheduler;
    const struct presence present = desk_presence(coordinator);
    int64_t workers = (int64_t)scheduler->workers.count, busy = 0;
    stats->started_ms = coordinator->started.unix_ms;
    stats->artifact_bytes = coordinator->uploads != NULL ? uploads_bytes(coordinator->uploads) : 0;
    stats->workers_lost = (int64_t)scheduler_lost(scheduler, &present);
    for (size_t i = 0; i < scheduler->workers.count; i++) {
        const struct worker *worker = scheduler->workers.items[i];
        busy +=
            !worker_is_lost(worker, &present) && scheduler_held(scheduler, worker->name) != NULL;
    }
    stats->workers_busy = busy;
    stats->workers_idle = workers - busy - stats->workers_lost;
    return lookup_counts(coordinator->store, stats->experiments, error);
}

bool coordinator_commit(struct coordinator *coordinator, struct error *error) {
    if (!coordinator->broken && store_commit(coordinator->store, &coordinator->failure)) {
        remove_doomed(coordinator);
        for (size_t i = 0; i < coordinator->finished_count; i++)
            finish_add(coordinator->finish, coordinator->finished[i], coordinator->now.unix_ms);
        if (coordinator->moved || coordinator_wrote(coordinator))
            coordinator->revision++;
        return true;
    }
    const struct presence present = desk_presence(coordinator);
    store_rollback(coordinator->store);
    if (coordinator->in_step)
        unwritten_keep(&coordinator->unwritten, &coordinator->scheduler, &present,
                       coordinator->revision);
    coordinator->in_step = false;
    *error = coordinator->failure;
    return false;
}
