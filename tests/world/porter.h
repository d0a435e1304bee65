/* porter: a worker of the world (world.h) as far as files go: it sends some, one after the other,
 * as worker/courier.c does around delivery.h, and fetches what the coordinator has promised to
 * have, as net/gather.c does around pickup.h. */
#ifndef ASSAY_TESTS_WORLD_PORTER_H
#define ASSAY_TESTS_WORLD_PORTER_H

#include "net/delivery.h"
#include "net/pickup.h"
#include "tests/world/world.h"

enum {
    CONTENTS = 5, /* from which they are chosen */
    FILES = 3,
    FETCHES = 2,
    BYTES_MOST = 5 * UPLOADS_PIECE, /* of a file */
    PORTER_KILLED_MS = 8000         /* at most, until a process is back */
};

/* What a worker sends, in this order; the last takes the place of the first. */
struct porter_file {
    const char *name, *kind;
    int epoch;
};
extern const struct porter_file porter_plan[FILES];

/* What a worker has to do with files. Its requests have even numbers for what it sends, odd ones
 * for what it fetches. */
struct porter {
    double experiment, attempt;
    struct content *files[FILES];
    int sent, fetched; /* so many are there, as it has heard */
    bool up;
    struct delivery delivery;
    uint64_t since; /* the number of the last offer */
    struct pickup pickup;
    uint64_t asked;               /* the number of what was asked last */
    const struct content *wanted; /* NULL: it fetches nothing */
    char part[BYTES_MOST];        /* on its disk */
    int64_t part_bytes;
};

extern struct porter porters[HANDS]; /* by the hand's index */

void porter_kill(struct world *world, struct hand *hand, bool power_cut);
void porter_turn(struct world *world, struct hand *hand);
void porter_clear(struct world *world, const struct hand *hand); /* somebody there says gc */

#endif
