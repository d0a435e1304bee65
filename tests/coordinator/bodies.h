/* bodies: the requests that the coordinator's tests make, as JSON. */
#ifndef ASSAY_TESTS_COORDINATOR_BODIES_H
#define ASSAY_TESTS_COORDINATOR_BODIES_H

#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON from a format; ends the test program if it is none, for that is the test's own mistake. */
__attribute__((format(printf, 1, 2))) static inline cJSON *body(const char *format, ...) {
    char *text = NULL;
    struct error error = {0};
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    cJSON *value = length < 0 ? NULL : json_parse(text, (size_t)length, "body", &error);
    free(text);
    if (value == NULL) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return value;
}

/* 1 right and 3 wrong of 4, never called positive: precision is 0 / 0. */
#define BODIES_METRICS                                                                             \
    "{\"true_positive\": 0, \"true_negative\": 1, \"false_positive\": 0, \"false_negative\": 3,"   \
    " \"accuracy\": 0.25, \"precision\": null, \"recall\": 0, \"loss\": %.17g}"

static inline cJSON *body_experiment(const char *name, const char *group, int epochs,
                                     int max_attempts) {
    return body("{\"name\": \"%s\", \"group\": \"%s\", \"variant\": {\"train.seed\": \"1\"},"
                " \"config\": {\"name\": \"%s\", \"data\": {\"classes\": ["
                "{\"name\": \"fake\", \"dir\": \"fake\", \"label\": 0},"
                "{\"name\": \"real\", \"dir\": \"real\", \"label\": 1}]},"
                " \"resources\": {\"memory_gib\": 1}, \"train\": {\"epochs\": %d},"
                " \"max_attempts\": %d}}",
                name, group, name, epochs, max_attempts);
}

/* `count` experiments e1, e2, ... of a group "g". */
static inline cJSON *body_submit(const char *key, int count, int epochs, int max_attempts) {
    cJSON *submit = body("{\"key\": \"%s\", \"experiments\": []}", key);
    for (int i = 1; i <= count; i++) {
        char name[16];
        snprintf(name, sizeof name, "e%d", i);
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(submit, "experiments"),
                             body_experiment(name, "g", epochs, max_attempts));
    }
    return submit;
}

/* Every experiment of a `submit` gets this "stop". Returns it. */
static inline cJSON *body_with_stop(cJSON *submit, const char *stop) {
    cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(submit, "experiments")) {
        cJSON_AddItemToObject(cJSON_GetObjectItem(one, "config"), "stop", body("%s", stop));
    }
    return submit;
}

static inline cJSON *body_hello(const char *worker) {
    return body("{\"worker\": \"%s\", \"host\": \"here\", \"pid\": 1, \"backend\": \"cpu\","
                " \"device\": \"test\", \"threads\": 2, \"memory_bytes\": 8589934592}",
                worker);
}

static inline cJSON *body_worker(const char *worker) {
    return body("{\"worker\": \"%s\"}", worker);
}

static inline cJSON *body_epoch(int epoch, double loss) {
    return body("{\"epoch\": %d, \"train\": " BODIES_METRICS ", \"valid\": " BODIES_METRICS
                ", \"learning_rate\": 0.0002, \"seconds\": 1.5, \"images_per_second\": null,"
                " \"best\": true}",
                epoch, loss, loss);
}

/* Takes `of_kind`. */
static inline cJSON *body_report(const char *worker, long long experiment, long long attempt,
                                 const char *kind, cJSON *of_kind) {
    cJSON *report = body("{\"worker\": \"%s\", \"experiment\": %lld, \"attempt\": %lld,"
                         " \"sequence\": 7, \"kind\": \"%s\"}",
                         worker, experiment, attempt, kind);
    cJSON_AddItemToObject(report, "body", of_kind);
    return report;
}

#endif
