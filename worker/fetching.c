#include "worker/fetching.h"

bool fetching_stopped(struct fetching *fetching) {
    const struct trainer_events *events = fetching->events;
    fetching->stopped =
        fetching->stopped || (events->stop != NULL && events->stop(events->context));
    return fetching->stopped;
}

bool fetching_go_on(struct fetching *fetching, int64_t bytes_there) {
    const struct trainer_events *events = fetching->events;
    const struct progress progress = progress_of_bytes("fetch", bytes_there, fetching->bytes);
    if (events->progress != NULL)
        events->progress(events->context, &progress);
    return !fetching_stopped(fetching);
}
