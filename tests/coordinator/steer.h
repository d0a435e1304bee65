/* steer: requests of people who steer, on a bench (bench.h), and what comes of them. */
#ifndef ASSAY_TESTS_COORDINATOR_STEER_H
#define ASSAY_TESTS_COORDINATOR_STEER_H

#include "tests/coordinator/bench.h"

/* One experiment of a name, in a group of its own, with more keys in its config: "\"after\": []".
 */
static inline cJSON *named(const char *name, const char *more) {
    cJSON *experiment = body_experiment(name, name, 2, 3);
    cJSON *keys = body("{%s}", more);
    cJSON *config = cJSON_GetObjectItem(experiment, "config");
    while (keys->child != NULL) {
        cJSON *item = cJSON_DetachItemViaPointer(keys, keys->child);
        cJSON_DeleteItemFromObjectCaseSensitive(config, item->string);
        char *key = strdup(item->string);
        cJSON_AddItemToObject(config, key, item);
        free(key);
    }
    cJSON_Delete(keys);
    return experiment;
}

static int keys_made;

/* `submit` of these experiments (taken, up to NULL) by a person. */
static inline cJSON *submission_of(const char *person, cJSON *first, cJSON *second) {
    cJSON *submit = body("{\"key\": \"key number %d\", \"person\": \"%s\", \"experiments\": []}",
                         ++keys_made, person);
    cJSON *experiments = cJSON_GetObjectItem(submit, "experiments");
    cJSON_AddItemToArray(experiments, first);
    if (second != NULL)
        cJSON_AddItemToArray(experiments, second);
    return submit;
}

static inline void submit_named(struct bench *bench, const char *name, const char *more) {
    ask(bench, "submit", submission_of("ann@here", named(name, more), NULL), "submitted");
}

static inline void steer(struct bench *bench, const char *request, long long id, int changed) {
    const cJSON *ids =
        json_member(ask(bench, request, body("{\"ids\": [%lld]}", id), "changed"), "ids");
    assert_int_equal(cJSON_GetArraySize(ids), changed);
}

static inline void gets_nothing(struct bench *bench, const char *worker) {
    ask(bench, "request", body_worker(worker), "nothing");
}

static inline void end(struct bench *bench, const char *worker, long long id, const char *outcome) {
    const cJSON *details = show(bench, id);
    long long attempt = number_of(details, "attempt");
    assert_false(fenced(bench, worker, id, attempt, "end", body("{\"outcome\": \"%s\"}", outcome)));
}

static inline void waits_for(struct bench *bench, long long id, const char *expected) {
    assert_string_equal(text_of(show(bench, id), "waits"), expected);
}

static inline void start_again(struct bench *bench) {
    struct error error = {0};
    coordinator_close(&bench->coordinator);
    assert_true(coordinator_open(&bench->coordinator, bench->store, LEASE_MS, bench->now, &error));
}

#endif
