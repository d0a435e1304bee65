#include "tests/world/world.h"

#include "tests/temporary.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

/* --- draws and the story --- */

bool chance(struct world *world, uint32_t of_1000) {
    return random_below(&world->draws, 1000) < of_1000;
}

bool rarely(struct world *world, uint32_t of_1000) {
    return world->disturbed && chance(world, of_1000);
}

int64_t some(struct world *world, int64_t bound) {
    return random_below(&world->draws, (uint32_t)bound);
}

void tell(const struct world *world, const char *format, ...) {
    va_list arguments;
    if (!world->told)
        return;
    printf("%7.2f s  ", (double)world->now.steady_ms / 1000);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void demand(const struct world *world, bool holds, const char *format, ...) {
    va_list arguments;
    if (holds)
        return;
    fflush(stdout);
    fprintf(stderr, "seed %llu, %.2f s: ", (unsigned long long)world->seed,
            (double)world->now.steady_ms / 1000);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nsee what happened with: %s --seed %llu\n", program_invocation_short_name,
            (unsigned long long)world->seed);
    exit(1);
}

/* --- after what went wrong --- */

void world_mend(struct world *world) {
    tell(world, "the disturbances are over");
    world->disturbed = false;
    world->office.stopped_until_ms = world->office.up_at_ms = 0;
    world->office.disk.full = false;
    world->office.disk.dies_after = DISK_NEVER;
    for (int i = 0; i < HANDS; i++) {
        struct hand *hand = &world->hands[i];
        hand->stopped_until_ms = hand->cut_until_ms = hand->up_at_ms = 0;
        hand->disk.full = false;
        hand->disk.dies_after = DISK_NEVER;
    }
}

/* --- a program of schedules --- */

int world_main(int count, char **words, unsigned long long seeds_usual,
               void (*run)(uint64_t seed, bool told, const char *folder)) {
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'}, {"seed", required_argument, NULL, 's'}, {0}};
    unsigned long long seeds = 0, seed = 0;
    int option;
    while ((option = getopt_long(count, words, "", options, NULL)) != -1) {
        if (option == '?')
            return 2;
        *(option == 'n' ? &seeds : &seed) = strtoull(optarg, NULL, 10);
    }
    bool told = seed > 0 && seeds == 0;
    disk_open();
    seed = seed > 0 ? seed : 1;
    seeds = told ? 1 : seeds > 0 ? seeds : seeds_usual;
    for (unsigned long long i = 0; i < seeds; i++) {
        void *folder;
        if (temporary_make(&folder) != 0)
            return 1;
        run(seed + i, told, folder);
        temporary_remove(&folder);
    }
    printf("%llu schedules from seed %llu on\n", seeds, seed);
    return 0;
}
