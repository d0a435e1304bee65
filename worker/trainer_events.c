#include "worker/trainer_events.h"

#include <math.h>

enum { MIB = 1 << 20 };

struct progress progress_of_bytes(const char *phase, int64_t there, int64_t bytes) {
    return (struct progress){.phase = phase,
                             .step = (uint32_t)(there / MIB),
                             .steps = (uint32_t)((bytes + MIB - 1) / MIB),
                             .loss = (double)NAN,
                             .images_per_second = (double)NAN};
}
