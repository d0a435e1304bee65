/* steering: the requests that change what is queued or runs: cancel, pause, resume, retry,
 * priority. */
#include "coordinator/desk.h"
#include "coordinator/lookups.h"
#include "coordinator/records.h"
#include "core/json.h"

#include <stdlib.h>

/* Changes one experiment. *changed stays false when there is nothing to change. */
typedef bool change(struct request *request, int64_t id, bool *changed);

/* Answers `changed` with the ids for which the change was one, and records whose deed it was. */
static bool change_each(struct request *request, const char *what, change *apply) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *id;
    char *ids;
    bool good = people_ids(request, &ids);
    free(ids);
    if (!good)
        return false;
    cJSON *answer = cJSON_CreateObject(), *all = cJSON_AddArrayToObject(answer, "ids");
    cJSON_ArrayForEach(id, json_member(request->body, "ids")) {
        bool changed = false;
        if (!apply(request, (int64_t)id->valuedouble, &changed) ||
            (changed && !record_deed(coordinator->store, (int64_t)id->valuedouble, what,
                                     request->person, coordinator->now.unix_ms, &request->error))) {
            cJSON_Delete(answer);
            return false;
        }
        if (changed)
            cJSON_AddItemToArray(all, cJSON_CreateNumber(id->valuedouble));
    }
    return request_done(request, "changed", answer);
}

static struct job *job_of(struct request *request, int64_t id) {
    return scheduler_find(&request->coordinator->scheduler, id);
}

static bool cancel(struct request *request, int64_t id, bool *changed) {
    struct job *job = job_of(request, id);
    *changed = job != NULL && lease_cancel(&job->lease);
    return !*changed || desk_end(request->coordinator, job, "cancelled", NULL, &request->error);
}

/* After a lease was paused or resumed. */
static bool keep(struct request *request, struct job *job) {
    scheduler_settle(&request->coordinator->scheduler, job);
    return record_steering(request->coordinator->store, job, &request->error);
}

static bool pause_one(struct request *request, int64_t id, bool *changed) {
    struct job *job = job_of(request, id);
    *changed = job != NULL && lease_pause(&job->lease);
    return !*changed || keep(request, job);
}

static bool resume_one(struct request *request, int64_t id, bool *changed) {
    struct job *job = job_of(request, id);
    *changed = job != NULL && lease_resume(&job->lease);
    return !*changed || keep(request, job);
}

/* The scheduler does not have what is finished. */
static bool retry(struct request *request, int64_t id, bool *changed) {
    struct coordinator *coordinator = request->coordinator;
    struct lease lease = {0};
    if (!lookup_lease_state(coordinator->store, id, &lease.state, &request->error))
        return false;
    *changed = lease_retry(&lease);
    return !*changed ||
           (record_retry(coordinator->store, id, &request->error) &&
            lookup_add(coordinator->store, &coordinator->scheduler, id, &request->error) &&
            desk_bind_forks(coordinator, id, &request->error));
}

static bool set_priority(struct request *request, int64_t id, bool *changed) {
    struct coordinator *coordinator = request->coordinator;
    int priority = json_member(request->body, "priority")->valueint;
    struct job *job = job_of(request, id);
    *changed = job != NULL && job->lane->priority != priority;
    if (!*changed)
        return true;
    if (!scheduler_set_priority(&coordinator->scheduler, job, priority))
        return error_set(&request->error, ERROR_FAILED, "no memory for the queue");
    return record_steering(coordinator->store, job, &request->error);
}

bool people_cancel(struct request *request) {
    return change_each(request, "cancel", cancel);
}

bool people_pause(struct request *request) {
    return change_each(request, "pause", pause_one);
}

bool people_resume(struct request *request) {
    return change_each(request, "resume", resume_one);
}

bool people_retry(struct request *request) {
    return change_each(request, "retry", retry);
}

bool people_priority(struct request *request) {
    return change_each(request, "priority", set_priority);
}
