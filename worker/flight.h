/* flight: the batches that a backend has been given and whose results are not there yet.
 *
 * A backend that queues (backend.h) gets the next batches before those before them are done, so
 * that it never waits for us, and is asked for the results of several at once: of as many as it
 * works through in a quarter of a second, while it works on as many more. So nobody who is told of
 * progress, or wants to stop, waits longer than half a second. Another backend answers before
 * flight_send returns. Either way the results come in order, each from flight_land, and so whoever
 * counts them counts the same.
 */
#ifndef ASSAY_WORKER_FLIGHT_H
#define ASSAY_WORKER_FLIGHT_H

#include "worker/nn/backend.h"

/* A batch that is back. */
struct landed {
    size_t count;
    int32_t *labels;
    float *losses, *logits; /* count, count x 2 */
    bool asked;             /* its results, and those of all before it, were asked for at once */
};

enum { FLIGHT_STRIDE = BACKEND_AHEAD / 2 };

struct flight {
    const struct backend *backend; /* borrowed, as is the model */
    struct model *model;
    struct landed slots[BACKEND_AHEAD];
    size_t sent, landed; /* so far */
    /* batches whose results are asked for at once; twice as many may be under way */
    size_t stride;           /* FLIGHT_STRIDE or less */
    size_t held;             /* sent since results were asked for */
    double (*seconds)(void); /* a clock */
    double since;            /* when the batches began that landed behind batch `counted` */
    size_t counted;
};

/* The stride to go on with, when with this one a batch took so many seconds. */
size_t flight_stride(size_t stride, double seconds);

/* Whether or not it succeeds the flight may be freed. batch_size: the most pictures of a batch. */
bool flight_open(const struct backend *backend, struct model *model, size_t batch_size,
                 struct flight *flight, struct error *error);
void flight_close(struct flight *flight); /* a zeroed one may be closed */

/* update NULL: evaluates. The batch is done with when this returns. */
bool flight_send(struct flight *flight, const struct batch *batch, const struct update *update,
                 struct error *error);
size_t flight_count(const struct flight *flight); /* sent and not landed */
/* Whether one must land before another may be sent, or has landed already. */
bool flight_due(const struct flight *flight);
/* The oldest one, waited for; valid until another is sent. */
bool flight_land(struct flight *flight, const struct landed **landed, struct error *error);

#endif
