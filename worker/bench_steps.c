#include "worker/bench_steps.h"

#include <assert.h>

static bool send(struct flight *flight, struct batch *batch, struct update *update,
                 struct error *error) {
    batch->number++;
    if (update != NULL)
        update->step++;
    return flight_send(flight, batch, update, error);
}

bool bench_steps(struct flight *flight, struct batch *batch, struct update *update, size_t steps,
                 double *seconds, struct error *error) {
    const struct landed *landed;
    size_t sent = 0, back = 0, timed = 0;
    double before = flight->seconds();
    assert(flight_count(flight) == 0);
    while (back < steps) {
        while (sent < steps && !flight_due(flight)) {
            if (!send(flight, batch, update, error))
                return false;
            sent++;
        }
        if (!flight_land(flight, &landed, error))
            return false;
        back++;
        if (landed->asked || back == steps) {
            double now = flight->seconds(), share = (now - before) / (double)(back - timed);
            while (timed < back)
                seconds[timed++] = share;
            before = now;
        }
    }
    return true;
}
