/* people: the requests of the command line. */
#include "coordinator/desk.h"
#include "coordinator/lookups.h"
#include "coordinator/records.h"
#include "coordinator/views.h"
#include "core/experiment.h"
#include "core/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

/* --- submit --- */

/* Checks one experiment as `assay validate` does and adds what the coordinator itself has to know
 * of it. On success config and variant are for submission_free. */
static bool submission_make(struct request *request, size_t index, const cJSON *item,
                            struct submission *submission) {
    struct faults faults = {0};
    struct experiment experiment;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(item, "config");
    submission->name = json_member(item, "name")->valuestring;
    submission->group = json_member(item, "group")->valuestring;
    if (!desk_printable(submission->name) || !desk_printable(submission->group))
        return request_refuse(request, WIRE_INVALID,
                              "experiments[%zu]: a name or group has control characters", index);
    if (!experiment_from_json(config, &experiment, &faults)) {
        request_refuse(request, WIRE_INVALID, "experiments[%zu] (%.100s): %s%s%s", index,
                       submission->name, faults.items[0].place,
                       faults.items[0].place[0] != '\0' ? ": " : "", faults.items[0].message);
        faults_free(&faults);
        return false;
    }
    submission->priority = experiment.priority;
    submission->epochs = experiment.train.epochs;
    submission->max_attempts = experiment.max_attempts;
    /* An exbibyte is more than any machine has, and far from an overflow. */
    submission->memory_bytes = (int64_t)(fmin(experiment.resources.memory_gib, 0x1p30) * 0x1p30);
    bool known = backend_need_read(experiment.resources.backend, &submission->backend);
    experiment_free(&experiment);
    char *config_text = json_text(config), *variant_text = json_text(json_member(item, "variant"));
    submission->config = config_text;
    submission->variant = variant_text;
    if (known && config_text != NULL && variant_text != NULL &&
        strlen(config_text) <= CONFIG_BYTES_MAX && strlen(variant_text) <= CONFIG_BYTES_MAX)
        return true;
    free(config_text);
    free(variant_text);
    return request_refuse(request, WIRE_INVALID,
                          "experiments[%zu] (%.100s): larger than %d bytes, or asks for a backend "
                          "that there is not",
                          index, submission->name, CONFIG_BYTES_MAX);
}

static void submission_free(struct submission *submission) {
    free((char *)submission->config);
    free((char *)submission->variant);
}

static bool queue_one(struct request *request, const char *key, const struct submission *submission,
                      cJSON *ids) {
    struct coordinator *coordinator = request->coordinator;
    struct job job = {.priority = submission->priority,
                      .backend = submission->backend,
                      .memory_bytes = submission->memory_bytes,
                      .lease = {.max_attempts = submission->max_attempts}};
    if (!record_experiment(coordinator->store, key, submission, coordinator->now.unix_ms, &job.id,
                           &request->error))
        return false;
    cJSON_AddItemToArray(ids, cJSON_CreateNumber((double)job.id));
    return scheduler_add(&coordinator->scheduler, &job) ||
           error_set(&request->error, ERROR_FAILED, "no memory for the queue");
}

bool people_submit(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    const char *key = json_member(request->body, "key")->valuestring;
    const cJSON *items = json_member(request->body, "experiments"), *item;
    size_t count = (size_t)cJSON_GetArraySize(items), made = 0;
    cJSON *answer = cJSON_CreateObject(), *ids = NULL;
    bool known = false, good = false;
    struct submission *submissions = calloc(count, sizeof *submissions);
    if (submissions == NULL) {
        error_set(&request->error, ERROR_FAILED, "no memory for %zu experiments", count);
        goto out;
    }
    if (!view_submission(coordinator->store, key, &ids, &known, &request->error))
        goto out;
    if (!known) {
        cJSON_ArrayForEach(item, items) {
            if (!submission_make(request, made, item, &submissions[made]))
                goto out;
            made++;
        }
        if (!record_key(coordinator->store, key, coordinator->now.unix_ms, &request->error))
            goto out;
        ids = cJSON_CreateArray();
        for (size_t i = 0; i < count; i++)
            if (!queue_one(request, key, &submissions[i], ids))
                goto out;
    }
    cJSON_AddItemToObject(answer, "ids", ids);
    ids = NULL;
    good = request_done(request, "submitted", answer);
    answer = NULL;
out:
    for (size_t i = 0; i < made; i++)
        submission_free(&submissions[i]);
    free(submissions);
    cJSON_Delete(ids);
    cJSON_Delete(answer);
    return good;
}

/* --- list and show --- */

/* Refuses ids that there are not. *text is the array for a view_filter, for the caller to free;
 * NULL when the request names no ids. */
static bool ids_read(struct request *request, char **text) {
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
    return missing == 0 || request_refuse(request, WIRE_NOT_FOUND, "there is no experiment %lld",
                                          (long long)missing);
}

static void add_progress(struct scheduler *scheduler, cJSON *summary) {
    int64_t id = (int64_t)json_member(summary, "id")->valuedouble;
    const struct job *job = scheduler_find(scheduler, id);
    if (job == NULL || job->progress.phase[0] == '\0')
        return;
    const struct job_progress *progress = &job->progress;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "phase", progress->phase);
    cJSON_AddNumberToObject(object, "epoch", (double)progress->epoch);
    cJSON_AddNumberToObject(object, "epochs", (double)progress->epochs);
    cJSON_AddNumberToObject(object, "step", (double)progress->step);
    cJSON_AddNumberToObject(object, "steps", (double)progress->steps);
    json_add_defined(object, "loss", isfinite(progress->loss), progress->loss);
    json_add_defined(object, "images_per_second", isfinite(progress->images_per_second),
                     progress->images_per_second);
    cJSON_ReplaceItemInObjectCaseSensitive(summary, "progress", object);
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
    bool good = ids_read(request, &ids);
    filter.ids = ids;
    good = good && view_experiments(coordinator->store, &filter, details, &experiments, &next,
                                    &request->error);
    free(ids);
    if (!good)
        return false;
    if (details && filter.group != NULL && filter.after == 0 && experiments->child == NULL) {
        cJSON_Delete(experiments);
        return request_refuse(request, WIRE_NOT_FOUND, "there is no group \"%.200s\"",
                              filter.group);
    }
    cJSON_ArrayForEach(summary, experiments) add_progress(&coordinator->scheduler, summary);
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

bool people_cancel(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    cJSON *answer = cJSON_CreateObject(), *changed = cJSON_AddArrayToObject(answer, "ids");
    const cJSON *id;
    char *ids;
    bool good = ids_read(request, &ids);
    free(ids);
    if (good) {
        cJSON_ArrayForEach(id, json_member(request->body, "ids")) {
            struct job *job = scheduler_find(&coordinator->scheduler, (int64_t)id->valuedouble);
            if (!good || job == NULL || !lease_cancel(&job->lease))
                continue;
            good = desk_end(coordinator, job, "cancelled", NULL, &request->error);
            cJSON_AddItemToArray(changed, cJSON_CreateNumber(id->valuedouble));
        }
    }
    if (good)
        return request_done(request, "changed", answer);
    cJSON_Delete(answer);
    return false;
}

bool people_logs(struct request *request) {
    int64_t id = (int64_t)json_member(request->body, "id")->valuedouble;
    int64_t offset = (int64_t)json_member(request->body, "offset")->valuedouble;
    bool found;
    cJSON *log;
    if (!view_log(request->coordinator->store, id, offset, &log, &found, &request->error))
        return false;
    if (!found)
        return request_refuse(request, WIRE_NOT_FOUND, "there is no experiment %lld",
                              (long long)id);
    return request_done(request, "log", log);
}

static cJSON *worker_json(struct coordinator *coordinator, const struct worker *worker) {
    const struct job *job = scheduler_held(&coordinator->scheduler, worker->name);
    bool lost = coordinator->now.steady_ms - worker->seen_ms > coordinator->lease_ms;
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "worker", worker->name);
    cJSON_AddStringToObject(object, "host", worker->host);
    cJSON_AddNumberToObject(object, "pid", (double)worker->pid);
    cJSON_AddStringToObject(object, "backend", backend_need_name(worker->backend));
    cJSON_AddStringToObject(object, "device", worker->device);
    cJSON_AddNumberToObject(object, "threads", (double)worker->threads);
    cJSON_AddNumberToObject(object, "memory_bytes", (double)worker->memory_bytes);
    cJSON_AddStringToObject(object, "state", lost ? "lost" : job != NULL ? "busy" : "idle");
    if (job != NULL)
        cJSON_AddNumberToObject(object, "experiment", (double)job->id);
    cJSON_AddNumberToObject(object, "seen_ms", (double)worker->seen_unix_ms);
    return object;
}

bool people_workers(struct request *request) {
    struct coordinator *coordinator = request->coordinator;
    cJSON *answer = cJSON_CreateObject(), *workers = cJSON_AddArrayToObject(answer, "workers");
    for (size_t i = 0; i < coordinator->scheduler.worker_count; i++)
        cJSON_AddItemToArray(workers, worker_json(coordinator, &coordinator->scheduler.workers[i]));
    return request_done(request, "worker_list", answer);
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
