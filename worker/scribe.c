#include "worker/scribe.h"

#include "core/atomic_file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct scribe {
    pthread_t thread;
    struct draft *draft;
    const char *paths[SCRIBE_PATHS];
    size_t count;
    atomic_bool finished;
    /* the thread's until it is joined */
    bool done;
    struct error error;
};

static void *write_all(void *context) {
    struct scribe *scribe = context;
    scribe->done = draft_write(scribe->draft, scribe->paths[0], &scribe->error);
    for (size_t i = 1; scribe->done && i < scribe->count; i++)
        scribe->done = atomic_file_link(scribe->paths[i - 1], scribe->paths[i], &scribe->error);
    atomic_store(&scribe->finished, true);
    return NULL;
}

bool scribe_begin(struct draft *draft, const char *const *paths, size_t count, struct scribe **out,
                  struct error *error) {
    struct scribe *scribe = calloc(1, sizeof *scribe);
    *out = NULL;
    if (scribe != NULL) {
        scribe->draft = draft;
        scribe->count = count;
        memcpy(scribe->paths, paths, count * sizeof *paths);
    }
    if (scribe != NULL && pthread_create(&scribe->thread, NULL, write_all, scribe) == 0) {
        *out = scribe;
        return true;
    }
    free(scribe);
    draft_free(draft);
    return error_machine(error, "no thread could be started to write a checkpoint");
}

bool scribe_finished(const struct scribe *scribe) {
    return atomic_load(&scribe->finished);
}

bool scribe_end(struct scribe *scribe, struct error *error) {
    pthread_join(scribe->thread, NULL);
    bool done = scribe->done;
    if (!done && error != NULL)
        *error = scribe->error;
    draft_free(scribe->draft);
    free(scribe);
    return done;
}
