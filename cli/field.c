#include "cli/field.h"

#include "core/error.h"
#include "core/shortage.h"
#include "core/text.h"

#include <stdio.h>
#include <string.h>

char *field_words(const cJSON *object, const char *path) {
    struct text text = {0};
    const cJSON *word;
    text_add(&text, "", 0);
    cJSON_ArrayForEach(word, field_at(object, path)) {
        if (cJSON_IsString(word))
            text_format(&text, "%s%s", text.length > 0 ? ", " : "", word->valuestring);
    }
    return text_take(&text);
}

bool field_has_id(const cJSON *object, double id) {
    double own = field_number(object, "id", 0);
    return own >= id && own <= id;
}

cJSON *field_with_id(const cJSON *list, double id) {
    cJSON *one;
    cJSON_ArrayForEach(one, list) {
        if (field_has_id(one, id))
            return one;
    }
    return NULL;
}

static bool is_called(const cJSON *item, const char *key) {
    return item->string != NULL && strcmp(item->string, key) == 0;
}

static void clean(cJSON *document, bool of_notes) {
    cJSON *item;
    if (cJSON_IsString(document) && of_notes && is_called(document, "text"))
        text_harmless(document->valuestring);
    else if (cJSON_IsString(document))
        text_one_line(document->valuestring);
    if (document->string != NULL && (document->type & cJSON_StringIsConst) == 0)
        text_one_line(document->string);
    of_notes = of_notes || is_called(document, "notes");
    cJSON_ArrayForEach(item, document) {
        clean(item, of_notes); /* no deeper than cJSON parses */
    }
}

void field_clean(cJSON *document) {
    if (document != NULL)
        clean(document, false);
}

const char *field_stopped(char text[FIELD_STOPPED_SIZE], const cJSON *experiment) {
    const cJSON *stopped = field_at(experiment, "stopped");
    if (stopped == NULL)
        return NULL;
    double at = field_number(stopped, "epoch", 0),
           done = field_number(experiment, "epochs_done", 0);
    bool over = field_finished(experiment);
    snprintf(text, FIELD_STOPPED_SIZE, "%s after epoch %.0f of %.0f: %s",
             over ? "stopped" : "to be stopped", over && done > at ? done : at,
             field_number(experiment, "epochs", 0), field_text(stopped, "reason", "?"));
    return text;
}

char *field_unevaluated(const cJSON *experiment) {
    const char *error = field_text(experiment, "error", NULL);
    char *text = NULL;
    int length =
        asprintf(&text, "%s after %.0f of %.0f epochs, not evaluated%s%s",
                 field_text(experiment, "state", "?"), field_number(experiment, "epochs_done", 0),
                 field_number(experiment, "epochs", 0), error != NULL ? ": " : "",
                 error != NULL ? error : "");
    if (length < 0)
        shortage_note();
    return length < 0 ? NULL : text;
}

static bool state_is(const cJSON *experiment, const char *state) {
    return strcmp(field_text(experiment, "state", ""), state) == 0;
}

bool field_failed(const cJSON *experiment) {
    return state_is(experiment, "failed") || state_is(experiment, "cancelled");
}

bool field_finished(const cJSON *experiment) {
    return state_is(experiment, "done") || field_failed(experiment);
}

int field_status(const cJSON *experiments) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (field_failed(experiment))
            return ERROR_EXPERIMENT;
    }
    return 0;
}
