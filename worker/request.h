/* request: what a worker asks, as the bodies of docs/protocol.md, and what the answers mean.
 *
 * Each body is the caller's to cJSON_Delete; NULL or incomplete when memory is out, which the
 * encoder then refuses.
 */
#ifndef ASSAY_WORKER_REQUEST_H
#define ASSAY_WORKER_REQUEST_H

#include "core/wire.h"
#include "worker/duty.h"
#include "worker/spool.h"
#include "worker/trainer_events.h"

/* Who asks, and by which history of which database it goes ("": none has been told yet): numbers of
 * experiments and attempts mean that one's. */
struct asker {
    const char *worker, *history;
};

struct worker_card {
    struct asker asker;
    const char *host, *backend, *device;
    int pid, threads;
    double memory_bytes;
    const char *const *labels;
    size_t label_count;
};

cJSON *request_hello(const struct worker_card *card);
/* request, goodbye, and a heartbeat without work */
cJSON *request_plain(const struct asker *asker);
/* what every request about an attempt begins with */
cJSON *request_of_attempt(const struct asker *asker, int64_t experiment, int64_t attempt);
/* progress: NULL before the first */
cJSON *request_heartbeat(const struct asker *asker, int64_t experiment, int64_t attempt,
                         const struct progress *progress);
/* NULL when there is no memory for it. */
cJSON *request_report(const struct asker *asker, const struct spooled *report);

/* What an answer means, `report` being the report that was sent last. False when it is none to what
 * was asked. */
bool answer_read(const struct wire_message *message, enum duty_message asked,
                 const struct spooled *report, struct duty_event *event);

#endif
