/* queue_turns ENDPOINT CONFIG COUNT: one client submits COUNT experiments one by one, then one
 * worker takes each and reports it done. Prints how many of each a second, as JSON. For
 * bench/queue_vs_rq.py. */
#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "net/dealer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 60000 };

static bool call(struct dealer *dealer, const char *name, cJSON *body, const char *expected,
                 cJSON **answer, struct error *error) {
    bool good = dealer_call(dealer, name, body, expected, TIMEOUT_MS, answer, error);
    cJSON_Delete(body);
    return good;
}

static bool submit_one(struct dealer *dealer, const cJSON *config, long index,
                       struct error *error) {
    cJSON *body = cJSON_CreateObject(), *item = cJSON_CreateObject();
    char key[32];
    snprintf(key, sizeof key, "turn-%ld", 10000000 + index);
    cJSON_AddStringToObject(body, "key", key);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "experiments"), item);
    cJSON_AddStringToObject(item, "name", "turn");
    cJSON_AddStringToObject(item, "group", "turn");
    cJSON_AddItemToObject(item, "config", cJSON_Duplicate(config, true));
    cJSON_AddObjectToObject(item, "variant");
    return call(dealer, "submit", body, "submitted", NULL, error);
}

static bool hello(struct dealer *dealer, struct error *error) {
    return call(dealer, "hello",
                cJSON_Parse("{\"worker\":\"turns\",\"host\":\"load\",\"pid\":1,\"backend\":\"cpu\","
                            "\"device\":\"simulated\",\"threads\":1,\"memory_bytes\":68719476736}"),
                "welcome", NULL, error);
}

/* Takes the next experiment and reports it done. */
static bool turn(struct dealer *dealer, long index, struct error *error) {
    cJSON *assignment = NULL, *report = cJSON_CreateObject(), *end;
    if (!call(dealer, "request", cJSON_Parse("{\"worker\":\"turns\"}"), "assignment", &assignment,
              error)) {
        cJSON_Delete(report);
        return false;
    }
    cJSON_AddStringToObject(report, "worker", "turns");
    cJSON_AddNumberToObject(report, "experiment",
                            json_member(assignment, "experiment")->valuedouble);
    cJSON_AddNumberToObject(report, "attempt", json_member(assignment, "attempt")->valuedouble);
    cJSON_AddNumberToObject(report, "sequence", (double)index + 1);
    cJSON_AddStringToObject(report, "kind", "end");
    end = cJSON_AddObjectToObject(report, "body");
    cJSON_AddStringToObject(end, "outcome", "done");
    cJSON_Delete(assignment);
    return call(dealer, "report", report, "ack", NULL, error);
}

static bool run(struct dealer *dealer, const cJSON *config, long count, struct error *error) {
    double start_s = clock_steady_seconds();
    for (long i = 0; i < count; i++)
        if (!submit_one(dealer, config, i, error))
            return false;
    double submitted_s = clock_steady_seconds() - start_s;
    if (!hello(dealer, error))
        return false;
    start_s = clock_steady_seconds();
    for (long i = 0; i < count; i++)
        if (!turn(dealer, i, error))
            return false;
    printf("{\"enqueued\": %.1f, \"finished\": %.1f}\n", (double)count / submitted_s,
           (double)count / (clock_steady_seconds() - start_s));
    return true;
}

int main(int count, char **words) {
    struct error error = {0};
    struct dealer *dealer = NULL;
    char *text = NULL;
    size_t length;
    if (count != 4) {
        fprintf(stderr, "usage: queue_turns ENDPOINT CONFIG COUNT\n");
        return 2;
    }
    cJSON *config = file_read(words[2], 1 << 20, &text, &length, &error)
                        ? json_parse(text, length, words[2], &error)
                        : NULL;
    bool good = config != NULL && dealer_open(words[1], NULL, &dealer, &error) &&
                run(dealer, config, strtol(words[3], NULL, 10), &error);
    if (!good)
        fprintf(stderr, "queue_turns: %s\n", error.message);
    dealer_close(dealer);
    cJSON_Delete(config);
    free(text);
    return good ? 0 : 1;
}
