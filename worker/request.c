#include "worker/request.h"

#include "core/json.h"
#include "worker/report.h"

#include <string.h>

cJSON *request_plain(const struct asker *asker) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "worker", asker->worker);
    if (asker->history[0] != '\0')
        cJSON_AddStringToObject(body, "history", asker->history);
    return body;
}

cJSON *request_hello(const struct worker_card *card) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "worker", card->asker.worker);
    cJSON_AddStringToObject(body, "history", card->asker.history); /* "" too: it wants to know */
    cJSON_AddStringToObject(body, "host", card->host);
    cJSON_AddNumberToObject(body, "pid", card->pid);
    cJSON_AddStringToObject(body, "backend", card->backend);
    cJSON_AddStringToObject(body, "device", card->device);
    cJSON_AddNumberToObject(body, "threads", card->threads);
    cJSON_AddNumberToObject(body, "memory_bytes", card->memory_bytes);
    cJSON *labels = cJSON_AddArrayToObject(body, "labels");
    for (size_t i = 0; i < card->label_count; i++)
        cJSON_AddItemToArray(labels, cJSON_CreateString(card->labels[i]));
    return body;
}

cJSON *request_of_attempt(const struct asker *asker, int64_t experiment, int64_t attempt) {
    cJSON *body = request_plain(asker);
    cJSON_AddNumberToObject(body, "experiment", (double)experiment);
    cJSON_AddNumberToObject(body, "attempt", (double)attempt);
    return body;
}

cJSON *request_heartbeat(const struct asker *asker, int64_t experiment, int64_t attempt,
                         const struct progress *progress) {
    cJSON *body = request_of_attempt(asker, experiment, attempt);
    if (progress != NULL)
        cJSON_AddItemToObject(body, "progress", report_progress(progress));
    return body;
}

cJSON *request_report(const struct asker *asker, const struct spooled *report) {
    struct error error = {0};
    cJSON *told = json_parse(report->body, strlen(report->body), "report", &error);
    if (told == NULL && error_is_shortage(&error))
        return NULL;
    cJSON *body = request_of_attempt(asker, report->experiment, report->attempt);
    cJSON_AddNumberToObject(body, "sequence", (double)report->sequence);
    cJSON_AddStringToObject(body, "kind", report->kind);
    if (!cJSON_AddItemToObject(body, "body", told))
        cJSON_Delete(told);
    return body;
}

static enum duty_refusal refusal_of(const cJSON *body) {
    static const struct {
        enum wire_code code;
        enum duty_refusal refusal;
    } refusals[] = {{WIRE_VERSION, DUTY_REFUSED_VERSION}, {WIRE_UNKNOWN, DUTY_REFUSED_VERSION},
                    {WIRE_INVALID, DUTY_REFUSED_INVALID}, {WIRE_NOT_FOUND, DUTY_REFUSED_OVER},
                    {WIRE_STATE, DUTY_REFUSED_HELLO},     {WIRE_FENCED, DUTY_REFUSED_OVER},
                    {WIRE_DENIED, DUTY_REFUSED_KEY}};
    const char *code = json_string(body, "code");
    for (size_t i = 0; code != NULL && i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(code, wire_code_name(refusals[i].code)) == 0)
            return refusals[i].refusal;
    return DUTY_REFUSED_LATER;
}

bool answer_read(const struct wire_message *message, enum duty_message asked,
                 const struct spooled *report, struct duty_event *event) {
    static const struct {
        const char *name;
        enum duty_event_kind kind;
        enum duty_message to; /* DUTY_NO_MESSAGE: to any */
    } answers[] = {
        {"welcome", DUTY_WELCOMED, DUTY_HELLO},  {"assignment", DUTY_ASSIGNED, DUTY_REQUEST},
        {"nothing", DUTY_NOTHING, DUTY_REQUEST}, {"beat", DUTY_BEAT, DUTY_HEARTBEAT},
        {"ack", DUTY_ACKNOWLEDGED, DUTY_REPORT}, {"farewell", DUTY_FAREWELL, DUTY_GOODBYE},
        {"error", DUTY_REFUSED, DUTY_NO_MESSAGE}};
    const cJSON *body = message->body;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        if (strcmp(message->name, answers[i].name) != 0 ||
            (answers[i].to != DUTY_NO_MESSAGE && answers[i].to != asked))
            continue;
        bool assigned = answers[i].kind == DUTY_ASSIGNED;
        const char *stop = json_string(body, "stop");
        bool paused = stop != NULL && strcmp(stop, "paused") == 0;
        bool drain = stop != NULL && strcmp(stop, "drain") == 0;
        *event = (struct duty_event){
            .kind = answers[i].kind,
            .experiment = assigned ? json_integer(body, "experiment") : report->experiment,
            .attempt = assigned ? json_integer(body, "attempt") : report->attempt,
            .sequence = json_integer(body, "sequence"),
            .heartbeat_ms = json_integer(body, "heartbeat_ms"),
            .retry_ms = json_integer(body, "retry_ms"),
            .stop_epoch = json_integer(body, "stop_epoch"),
            .paused = paused,
            .drain = drain,
            .over = (stop != NULL && !paused && !drain) ||
                    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(body, "fenced")),
            .refusal = refusal_of(body),
        };
        return true;
    }
    return false;
}
