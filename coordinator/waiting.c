#include "coordinator/waiting.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_SHOWN = 100 };

/* The backend first, then the memory, the host and the labels: what the first so many ask. */
enum asked { ASK_BACKEND = 1, ASK_MEMORY, ASK_HOST, ASK_LABELS };

/* How many of the workers that are there meet the first `asked` of what the lane needs. */
static size_t count_meeting(const struct scheduler *scheduler, const struct need *need,
                            enum asked asked, const struct presence *present) {
    struct need part = *need;
    size_t count = 0;
    if (asked < ASK_LABELS)
        part.labels = "";
    if (asked < ASK_HOST)
        part.host = "";
    if (asked < ASK_MEMORY)
        part.memory_bytes = 0;
    for (size_t i = 0; i < scheduler->workers.count; i++) {
        const struct worker *worker = scheduler->workers.items[i];
        count += worker_is_open(worker, present) && need_met(&part, worker);
    }
    return count;
}

/* The first label that no worker has on whom the rest would run, *length bytes; NULL when each is
 * there somewhere, but not together. */
static const char *label_nowhere(const struct scheduler *scheduler, const struct need *need,
                                 const struct presence *present, size_t *length) {
    struct need part = *need;
    part.labels = "";
    for (const char *label = need->labels; *label != '\0'; label += *length + 1) {
        bool somewhere = false;
        *length = strcspn(label, "\n");
        for (size_t i = 0; i < scheduler->workers.count && !somewhere; i++) {
            const struct worker *worker = scheduler->workers.items[i];
            somewhere = worker_is_open(worker, present) && need_met(&part, worker) &&
                        labels_has(worker->labels, label, *length);
        }
        if (!somewhere)
            return label;
    }
    return NULL;
}

void waiting_for_worker(const struct scheduler *scheduler, const struct lane *lane,
                        const struct presence *present, char text[WAITING_TEXT]) {
    const struct need any = {.labels = "", .host = ""}, *need = &lane->need;
    size_t length;
    if (count_meeting(scheduler, &any, ASK_BACKEND, present) == 0) {
        snprintf(text, WAITING_TEXT, "no worker is connected");
    } else if (count_meeting(scheduler, need, ASK_BACKEND, present) == 0) {
        snprintf(text, WAITING_TEXT, "no worker with backend %s", backend_need_name(need->backend));
    } else if (count_meeting(scheduler, need, ASK_MEMORY, present) == 0) {
        snprintf(text, WAITING_TEXT, "no worker with %.4g GiB of memory",
                 (double)need->memory_bytes / (1 << 30));
    } else if (count_meeting(scheduler, need, ASK_HOST, present) == 0) {
        snprintf(text, WAITING_TEXT, "no worker on %.100s, which has its checkpoint", need->host);
    } else if (count_meeting(scheduler, need, ASK_LABELS, present) == 0) {
        const char *label = label_nowhere(scheduler, need, present, &length);
        if (label != NULL)
            snprintf(text, WAITING_TEXT, "no worker with label %.*s", (int)length, label);
        else
            snprintf(text, WAITING_TEXT, "no worker has all of its labels");
    } else {
        snprintf(text, WAITING_TEXT, "its turn");
    }
}

void waiting_for_rest(int64_t left_ms, char text[WAITING_TEXT]) {
    int64_t seconds = (left_ms + 999) / 1000;
    bool minutes = seconds >= 120;
    snprintf(text, WAITING_TEXT, "retries in %" PRId64 " %s",
             minutes ? (seconds + 59) / 60 : seconds, minutes ? "min" : "s");
}

/* So many bytes of a list of names are shown, in whole characters. */
static int shown_of(const char *words) {
    size_t length = strnlen(words, WORDS_SHOWN);
    while (length > 0 && (words[length] & 0xc0) == 0x80)
        length--;
    return (int)length;
}

void waiting_for_others(const struct waiting_after *after, char text[WAITING_TEXT]) {
    int shown = shown_of(after->words);
    const char *more = after->words[shown] != '\0' ? "\u2026" : "";
    if (after->broken != 0)
        snprintf(text, WAITING_TEXT, "after %.*s%s: experiment %" PRId64 " %s", shown, after->words,
                 more, after->broken, after->failed ? "failed" : "was cancelled");
    else
        snprintf(text, WAITING_TEXT, "after %.*s%s: %" PRId64 " of %" PRId64 " done", shown,
                 after->words, more, after->done, after->members);
}
