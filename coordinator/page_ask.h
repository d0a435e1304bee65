/* page_ask: a request to the server's socket from a thread of the same process. */
#ifndef ASSAY_COORDINATOR_PAGE_ASK_H
#define ASSAY_COORDINATOR_PAGE_ASK_H

#include "compare/source.h"
#include "core/wire.h"

#include <stdatomic.h>

/* Where to; for all threads. */
struct page_inside {
    void *context;        /* ZeroMQ's, borrowed */
    const char *endpoint; /* static */
    atomic_bool ended;    /* whoever waits gives up */
};

/* For one thread. */
struct page_asker {
    struct page_inside *inside;
    void *socket;
    uint64_t request; /* the last one's number */
};

bool page_ask_open(struct page_inside *inside, struct page_asker *asker, struct error *error);
void page_ask_close(struct page_asker *asker);

/* Sends the request (`body` is borrowed; NULL is {}) and waits for its answer: half a minute, or
 * until it has ended (ERROR_UNREACHABLE). What is refused is the error that wire_check_answer says.
 * *answer is for cJSON_Delete. */
bool page_ask(struct page_asker *asker, const char *name, const cJSON *body, cJSON **answer,
              struct error *error);

/* Waits until then; false when all has ended before. */
bool page_ask_rest(const struct page_asker *asker, int64_t until_ms);

/* page_ask, for what asks a source (compare/). Borrows the asker. */
struct source page_source(struct page_asker *asker);

#endif
