/* submit: experiments on their way into the queue: all of a submission, or none. */
#include "coordinator/after.h"
#include "coordinator/desk.h"
#include "coordinator/lookups.h"
#include "coordinator/records.h"
#include "coordinator/views.h"
#include "core/experiment.h"
#include "core/json.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

/* One `submit`. */
struct submitting {
    struct request *request;
    const char *key;
    size_t count, made; /* made: submissions to be freed */
    struct submission *submissions;
    struct after_item *items;
    struct after_plan plan;
    int64_t *barriers; /* of each list of the plan */
    int64_t *ids;
};

static bool out_of_memory(struct request *request) {
    return error_set(&request->error, ERROR_FAILED, "no memory for the submission");
}

static void submission_free(struct submission *submission) {
    free((char *)submission->config);
    free((char *)submission->variant);
    free((struct fork *)submission->fork);
    free((char *)submission->need.labels);
}

/* CPUs have fp32 alone. */
static bool backend_needed(const struct experiment *experiment, enum backend_need *need) {
    if (!backend_need_read(experiment->resources.backend, need))
        return false;
    if (*need == BACKEND_ANY && experiment->train.precision != PRECISION_FP32)
        *need = BACKEND_CUDA;
    return true;
}

/* What the coordinator itself has to know of an experiment, from its complete config. */
static bool read_config(const cJSON *config, const struct experiment *experiment,
                        struct submission *submission) {
    char labels[LABELS_BYTES + 1];
    if (!backend_needed(experiment, &submission->need.backend) ||
        !labels_read(json_member(json_member(config, "resources"), "labels"), labels))
        return false;
    submission->need.memory_bytes = (int64_t)(experiment->resources.memory_gib * 0x1p30);
    submission->need.labels = strdup(labels);
    submission->need.host = "";
    submission->priority = experiment->priority;
    submission->epochs = experiment->train.epochs;
    submission->max_attempts = experiment->max_attempts;
    return true;
}

/* What the experiment goes on from, if it says so; its config is complete. */
static bool fork_make(struct request *request, const cJSON *item, struct submission *submission) {
    const cJSON *from = json_member(item, "from");
    struct error why = {0};
    if (from == NULL)
        return true;
    struct fork *fork = malloc(sizeof *fork);
    submission->fork = fork;
    if (fork == NULL)
        return out_of_memory(request);
    struct uploads *uploads = request->coordinator->uploads;
    if (fork_find(request->coordinator->store, from, json_member(item, "config"), fork, &why)) {
        if (uploads != NULL)
            fork_look(fork, uploads_blobs(uploads));
        submission->need.host = fork->stored ? "" : fork->host;
        return true;
    }
    if (why.code == ERROR_INPUT)
        return request_refuse(request, WIRE_INVALID, "%.100s: %s", submission->name, why.message);
    request->error = why;
    return false;
}

/* Checks one experiment as `assay validate` does. What it makes is for submission_free, also on
 * failure. */
static bool submission_make(struct request *request, size_t index, const cJSON *item,
                            struct submission *submission) {
    struct faults faults = {0};
    struct experiment experiment;
    cJSON *config = cJSON_GetObjectItemCaseSensitive(item, "config");
    submission->name = json_member(item, "name")->valuestring;
    submission->group = json_member(item, "group")->valuestring;
    if (!text_printable(submission->name) || !text_printable(submission->group))
        return request_refuse(request, WIRE_INVALID,
                              "experiments[%zu]: a name or group has control characters", index);
    if (!experiment_from_json(config, &experiment, &faults)) {
        struct error why;
        faults_error(&faults, &why);
        faults_free(&faults);
        return request_refuse(request, wire_code_of(&why), "experiments[%zu] (%.100s): %s", index,
                              submission->name, why.message);
    }
    bool known = read_config(config, &experiment, submission);
    experiment_free(&experiment);
    submission->config = json_text(config);
    submission->variant = json_text(json_member(item, "variant"));
    if (!known)
        return request_refuse(request, WIRE_INVALID,
                              "experiments[%zu] (%.100s): asks for a backend that there is not, or "
                              "for a label with control characters",
                              index, submission->name);
    if (submission->config == NULL || submission->variant == NULL ||
        submission->need.labels == NULL)
        return out_of_memory(request);
    if (strlen(submission->config) > CONFIG_BYTES_MAX ||
        strlen(submission->variant) > CONFIG_BYTES_MAX)
        return request_refuse(request, WIRE_INVALID,
                              "experiments[%zu] (%.100s): larger than %d bytes", index,
                              submission->name, CONFIG_BYTES_MAX);
    return fork_make(request, item, submission);
}

static bool check_all(struct submitting *submitting) {
    struct request *request = submitting->request;
    const cJSON *item;
    cJSON_ArrayForEach(item, json_member(request->body, "experiments")) {
        size_t index = submitting->made++;
        struct submission *submission = &submitting->submissions[index];
        if (!submission_make(request, index, item, submission))
            return false;
        submitting->items[index] =
            (struct after_item){.name = submission->name,
                                .group = submission->group,
                                .words = json_member(json_member(item, "config"), "after")};
    }
    return true;
}

/* That everybody somebody waits for is there, and nobody waits for themselves. */
static bool check_after(struct submitting *submitting) {
    struct request *request = submitting->request;
    struct error why = {0};
    if (!after_plan_make(submitting->items, submitting->count, &submitting->plan, &why))
        return request_refuse(request, why.code == ERROR_INPUT ? WIRE_INVALID : WIRE_INTERNAL, "%s",
                              why.message);
    for (size_t i = 0; i < submitting->plan.elsewhere_count; i++) {
        const char *word = submitting->plan.elsewhere[i];
        bool known = false;
        if (!lookup_word(request->coordinator->store, word, &known, &request->error))
            return false;
        if (!known)
            return request_refuse(request, WIRE_NOT_FOUND,
                                  "after: there is no experiment or group \"%.200s\"" ERROR_LS,
                                  word);
    }
    return true;
}

/* A barrier for each list of whom to wait for. Their members follow when all are stored. */
static bool store_barriers(struct submitting *submitting) {
    struct request *request = submitting->request;
    for (size_t i = 0; i < submitting->plan.list_count; i++) {
        char *words = json_text(submitting->plan.lists[i]);
        bool good = words != NULL ? record_barrier(request->coordinator->store, words,
                                                   &submitting->barriers[i], &request->error)
                                  : out_of_memory(request);
        free(words);
        if (!good)
            return false;
    }
    return true;
}

/* What the submitting program says of itself; "" when it is an earlier one. */
static const char *said(const struct request *request, const char *key) {
    const char *text = cJSON_GetStringValue(json_member(request->body, key));
    return text != NULL ? text : "";
}

static bool store_all(struct submitting *submitting) {
    struct request *request = submitting->request;
    struct store *store = request->coordinator->store;
    int64_t now_ms = request->coordinator->now.unix_ms;
    const struct submitter submitter = {request->person, said(request, "host"),
                                        said(request, "version")};
    if (!record_key(store, submitting->key, &submitter, now_ms, &request->error) ||
        !store_barriers(submitting))
        return false;
    for (size_t i = 0; i < submitting->count; i++) {
        struct submission *submission = &submitting->submissions[i];
        size_t list = submitting->plan.list_of[i];
        submission->barrier = list != AFTER_NOBODY ? submitting->barriers[list] : 0;
        if (!record_experiment(store, submitting->key, submission, now_ms, &submitting->ids[i],
                               &request->error))
            return false;
    }
    for (size_t i = 0; i < submitting->plan.list_count; i++)
        if (!record_members(store, submitting->barriers[i], &request->error))
            return false;
    return true;
}

/* Each gets the tags and the note of the submission. */
static bool write_remarks(struct submitting *submitting) {
    struct request *request = submitting->request;
    const struct remark_author author = people_author(request);
    const cJSON *tags = json_member(request->body, "tags");
    const char *note = json_string(request->body, "note");
    char *add = tags != NULL ? json_text(tags) : NULL;
    const struct remark_tags put_on = {.remove = "[]", .add = add};
    bool good = tags == NULL || add != NULL || out_of_memory(request);
    for (size_t i = 0; good && i < submitting->count; i++) {
        struct store *store = request->coordinator->store;
        int64_t id = submitting->ids[i], number;
        bool changed;
        good =
            (tags == NULL || remarks_tag(store, id, &put_on, &author, &changed, &request->error)) &&
            (note == NULL ||
             remarks_note(store, id, submitting->key, note, &author, &number, &request->error));
    }
    free(add);
    return good;
}

static bool queue_all(struct submitting *submitting) {
    struct request *request = submitting->request;
    struct scheduler *scheduler = &request->coordinator->scheduler;
    for (size_t i = 0; i < submitting->plan.list_count; i++) {
        size_t open;
        if (!lookup_open(request->coordinator->store, submitting->barriers[i], &open,
                         &request->error))
            return false;
        if (open > 0 && !scheduler_close_barrier(scheduler, submitting->barriers[i], open))
            return out_of_memory(request);
    }
    for (size_t i = 0; i < submitting->count; i++) {
        const struct submission *submission = &submitting->submissions[i];
        const struct ticket ticket = {.id = submitting->ids[i],
                                      .priority = submission->priority,
                                      .person = request->person,
                                      .need = submission->need,
                                      .barrier = submission->barrier,
                                      .lease = {.max_attempts = submission->max_attempts}};
        if (!scheduler_add(scheduler, &ticket))
            return out_of_memory(request);
    }
    return true;
}

/* The ids of a submission that is new. */
static bool take_in(struct request *request, const char *key, cJSON **ids) {
    size_t count = (size_t)cJSON_GetArraySize(json_member(request->body, "experiments"));
    struct submitting submitting = {.request = request,
                                    .key = key,
                                    .count = count,
                                    .submissions = calloc(count, sizeof(struct submission)),
                                    .items = calloc(count, sizeof(struct after_item)),
                                    .barriers = calloc(count, sizeof(int64_t)),
                                    .ids = calloc(count, sizeof(int64_t))};
    bool good = false;
    if (submitting.submissions == NULL || submitting.items == NULL || submitting.barriers == NULL ||
        submitting.ids == NULL)
        out_of_memory(request);
    else
        good = people_remarks_sound(request, json_member(request->body, "tags"),
                                    json_member(request->body, "note")) &&
               check_all(&submitting) && check_after(&submitting) && store_all(&submitting) &&
               write_remarks(&submitting) && queue_all(&submitting);
    if (good)
        *ids = cJSON_CreateArray();
    for (size_t i = 0; good && i < count; i++)
        cJSON_AddItemToArray(*ids, cJSON_CreateNumber((double)submitting.ids[i]));
    for (size_t i = 0; i < submitting.made; i++)
        submission_free(&submitting.submissions[i]);
    free(submitting.submissions);
    free(submitting.items);
    free(submitting.barriers);
    free(submitting.ids);
    after_plan_free(&submitting.plan);
    return good;
}

bool people_submit(struct request *request) {
    const char *key = json_member(request->body, "key")->valuestring;
    cJSON *ids = NULL;
    bool known = false;
    if (!text_printable(said(request, "host")) || !text_printable(said(request, "version")))
        return request_refuse(request, WIRE_INVALID,
                              "submit: host or version has control characters");
    if (!view_submission(request->coordinator->store, key, &ids, &known, &request->error) ||
        (!known && !take_in(request, key, &ids)))
        return false;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddItemToObject(answer, "ids", ids);
    return request_done(request, "submitted", answer);
}
