/* people: the requests of the command line. */
#include "coordinator/desk.h"
#include "coordinator/epochs.h"
#include "coordinator/lookups.h"
#include "coordinator/scores.h"
#include "coordinator/train_log.h"
#include "coordinator/views.h"
#include "coordinator/waiting.h"
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

static bool no_experiment(struct request *request, int64_t id) {
    return request_refuse(request, WIRE_NOT_FOUND, "there is no experiment %lld" ERROR_LS,
                          (long long)id);
}

/* --- list and show --- */

bool people_ids(struct request *request, char **text) {
    const cJSON *ids = json_member(request->body, "ids");
    int64_t missing = 0;
    *text = NULL;
    if (ids == NULL)
        return true;
    *text = json_text(ids);
    if (*text == NULL)
        return error_set(&request->error, ERROR_FAILED, "no memory for the ids");
    if (!view_missing(request->coordinator->store, *text, &missing, &request->error))
        return false;
    return missing == 0 || no_experiment(request, missing);
}

/* The epochs that the attempt has behind it. Where its checkpoints are lost it trains again those
 * that others have reported; while it fetches what it goes on from, theirs are as good. */
static bool find_done(struct store *store, const struct job *job, const cJSON *summary,
                      int64_t *done, struct error *error) {
    int64_t before = job->progress.epoch - 1, reported = json_integer(summary, "epochs_done");
    *done = before; /* its report may be on its way */
    if (before >= reported)
        return true;
    if (!epochs_of_attempt(store, job->id, job->lease.attempt, done, error))
        return false;
    if (before < 0 && *done == 0)
        *done = reported;
    else if (*done < before)
        *done = before;
    return true;
}

static bool add_progress(struct store *store, const struct job *job, cJSON *summary,
                         struct error *error) {
    const struct job_progress *progress = &job->progress;
    int64_t done;
    if (progress->phase[0] == '\0')
        return true;
    if (!find_done(store, job, summary, &done, error))
        return false;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "phase", progress->phase);
    cJSON_AddNumberToObject(object, "epoch", (double)progress->epoch);
    cJSON_AddNumberToObject(object, "epochs", (double)progress->epochs);
    cJSON_AddNumberToObject(object, "epochs_done", (double)done);
    cJSON_AddNumberToObject(object, "step", (double)progress->step);
    cJSON_AddNumberToObject(object, "steps", (double)progress->steps);
    json_add_finite(object, "loss", progress->loss);
    json_add_finite(object, "images_per_second", progress->images_per_second);
    cJSON_ReplaceItemInObjectCaseSensitive(summary, "progress", object);
    return true;
}

/* Why the experiments that came before wait: those of one lane, or of one barrier, wait for the
 * same, and mostly follow one another. */
struct waits {
    const struct lane *lane;
    int64_t barrier;
    char for_worker[WAITING_TEXT], for_others[WAITING_TEXT], for_rest[WAITING_TEXT];
};

/* Why the job waits; NULL when it runs. */
static const char *why_waits(struct request *request, const struct job *job, struct waits *waits,
                             bool *good) {
    struct coordinator *coordinator = request->coordinator;
    const struct presence present = desk_presence(coordinator);
    if (job->lease.state != LEASE_QUEUED)
        return NULL;
    if (job->lease.paused)
        return lease_state_name(LEASE_PAUSED);
    if (job->rests_until_ms > coordinator->now.steady_ms) {
        waiting_for_rest(job->rests_until_ms - coordinator->now.steady_ms, waits->for_rest);
        return waits->for_rest;
    }
    if (job->rests_until_ms != 0 || job->queue == &job->lane->queue) {
        if (waits->lane != job->lane)
            waiting_for_worker(&coordinator->scheduler, job->lane, &present, waits->for_worker);
        waits->lane = job->lane;
        return waits->for_worker;
    }
    if (waits->barrier != job->barrier) {
        char words[WAITING_TEXT];
        struct waiting_after after;
        *good = lookup_after(coordinator->store, job->barrier, words, sizeof words, &after,
                             &request->error);
        waiting_for_others(&after, waits->for_others);
    }
    waits->barrier = job->barrier;
    return waits->for_others;
}

/* What only the scheduler knows of an experiment: how far its attempt is, and why it waits. */
static bool add_present(struct request *request, cJSON *summary, struct waits *waits) {
    struct scheduler *scheduler = &request->coordinator->scheduler;
    const struct job *job =
        scheduler_find(scheduler, (int64_t)json_member(summary, "id")->valuedouble);
    bool good = true;
    if (job == NULL)
        return true;
    if (!add_progress(request->coordinator->store, job, summary, &request->error))
        return false;
    const char *why = why_waits(request, job, waits, &good);
    if (good && why != NULL)
        cJSON_ReplaceItemInObjectCaseSensitive(summary, "waits", cJSON_CreateString(why));
    return good;
}

static bool answer_experiments(struct request *request, const char *name, bool details) {
    struct coordinator *coordinator = request->coordinator;
    const cJSON *after = json_member(request->body, "after");
    cJSON *experiments = NULL, *summary;
    int64_t next = 0;
    char *ids;
    struct view_filter filter = {
        .group = cJSON_GetStringValue(json_member(request->body, "group")),
        .state = cJSON_GetStringValue(json_member(request->body, "state")),
        .after = after != NULL ? (int64_t)after->valuedouble : 0,
    };
    bool good = people_ids(request, &ids);
    filter.ids = ids;
    good = good && view_experiments(coordinator->store, &filter, details, &experiments, &next,
                                    &request->error);
    free(ids);
    if (!good)
        return false;
    if (details && filter.group != NULL && filter.after == 0 && experiments->child == NULL) {
        cJSON_Delete(experiments);
        return request_refuse(request, WIRE_NOT_FOUND, "there is no group \"%.200s\"" ERROR_LS,
                              filter.group);
    }
    struct waits waits = {0};
    cJSON_ArrayForEach(summary, experiments) {
        if (add_present(request, summary, &waits))
            continue;
        cJSON_Delete(experiments);
        return false;
    }
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddItemToObject(answer, "experiments", experiments);
    json_add_defined(answer, "next", next != 0, (double)next);
    return request_done(request, name, answer);
}

bool people_list(struct request *request) {
    return answer_experiments(request, "experiments", false);
}

bool people_show(struct request *request) {
    return answer_experiments(request, "details", true);
}

/* --- the rest --- */

bool people_logs(struct request *request) {
    int64_t id = (int64_t)json_member(request->body, "id")->valuedouble;
    int64_t offset = (int64_t)json_member(request->body, "offset")->valuedouble;
    bool found;
    cJSON *log;
    if (!train_log_view(request->coordinator->store, id, offset, &log, &found, &request->error))
        return false;
    if (!found)
        return no_experiment(request, id);
    return request_done(request, "log", log);
}

bool people_scores(struct request *request) {
    int64_t id = (int64_t)json_member(request->body, "id")->valuedouble;
    const struct scores_asked which = {
        .checkpoint = json_member(request->body, "checkpoint")->valuestring,
        .split = json_member(request->body, "split")->valuestring,
        .position = (int64_t)json_member(request->body, "position")->valuedouble,
    };
    bool found;
    cJSON *scores;
    if (!scores_view(request->coordinator->store, id, &which, &scores, &found, &request->error))
        return false;
    if (!found)
        return no_experiment(request, id);
    return request_done(request, "score_list", scores);
}

static cJSON *worker_json(struct coordinator *coordinator, const struct worker *worker) {
    const struct job *job = scheduler_held(&coordinator->scheduler, worker->name);
    const struct presence present = desk_presence(coordinator);
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "worker", worker->name);
    cJSON_AddStringToObject(object, "host", worker->host);
    cJSON_AddNumberToObject(object, "pid", (double)worker->pid);
    cJSON_AddStringToObject(object, "backend", backend_need_name(worker->backend));
    cJSON_AddStringToObject(object, "device", worker->device);
    cJSON_AddNumberToObject(object, "threads", (double)worker->threads);
    cJSON_AddNumberToObject(object, "memory_bytes", (double)worker->memory_bytes);
    cJSON_AddItemToObject(object, "labels", labels_json(worker->labels));
    cJSON_AddStringToObject(object, "state",
                            worker_is_lost(worker, &present) ? "lost"
                            : worker->draining               ? "draining"
                            : job != NULL                    ? "busy"
                                                             : "idle");
    if (job != NULL)
        cJSON_AddNumberToObject(object, "experiment", (double)job->id);
    cJSON_AddNumberToObject(object, "seen_ms", (double)worker->seen_unix_ms);
    return object;
}

bool people_workers(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    cJSON *answer = cJSON_CreateObject(), *workers = cJSON_AddArrayToObject(answer, "workers");
    for (size_t i = 0; i < coordinator->scheduler.workers.count; i++)
        cJSON_AddItemToArray(workers,
                             worker_json(coordinator, coordinator->scheduler.workers.items[i]));
    return request_done(request, "worker_list", answer);
}

bool people_changes(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    int64_t since = (int64_t)json_member(request->body, "since")->valuedouble;
    request->reply->later = since == coordinator->revision;
    if (request->reply->later)
        return true;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "revision", (double)coordinator->revision);
    return request_done(request, "change", answer);
}

bool people_drain(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const struct list *all = &coordinator->scheduler.workers;
    const char *name = json_member(request->body, "worker")->valuestring;
    cJSON *answer = cJSON_CreateObject(), *told = cJSON_AddArrayToObject(answer, "workers");
    for (size_t i = 0; i < all->count; i++) {
        struct worker *worker = all->items[i];
        if (!worker_is_of(worker->name, name))
            continue;
        if (!worker->draining) {
            coordinator->moved = true;
            worker->drained_at = coordinator->revision;
        }
        worker->draining = true;
        cJSON_AddItemToArray(told, worker_json(coordinator, worker));
    }
    if (cJSON_GetArraySize(told) > 0)
        return request_done(request, "worker_list", answer);
    cJSON_Delete(answer);
    return request_refuse(request, WIRE_NOT_FOUND,
                          "there is no worker \"%.200s\"; assay workers lists them", name);
}

bool people_status(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    int64_t counts[LEASE_STATES];
    if (!lookup_counts(coordinator->store, counts, &request->error))
        return false;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "version", ASSAY_VERSION);
    cJSON_AddNumberToObject(answer, "started_ms", (double)coordinator->started.unix_ms);
    cJSON_AddNumberToObject(answer, "now_ms", (double)coordinator->now.unix_ms);
    cJSON_AddStringToObject(answer, "database", store_path(coordinator->store));
    for (int i = 0; i < LEASE_STATES; i++)
        cJSON_AddNumberToObject(answer, lease_state_name((enum lease_state)i), (double)counts[i]);
    return request_done(request, "coordinator", answer);
}
