/* world: a coordinator and three workers on simulated machines, disks, clocks and a network, driven
 * by one stream of random draws. What decides is the product's own: coordinator.h with scheduler,
 * lease and store, duty.h, spool.h and the wire's encoding. What trains is not: weights are a
 * number that every epoch changes, so that it tells which epochs it has seen and in which order.
 *
 * A machine is a process and a disk. The process can be killed at any step and in the middle of any
 * write, the power of its machine can be cut, its disk can be full, it can be stopped for a while,
 * cut off from the others, and its wall clock can jump. The coordinator's database can be lost, and
 * an earlier backup of it restored.
 *
 *   mail.c   what is under way between the machines: lost, late, twice, out of order
 *   office.c   the coordinator's process around coordinator.h
 *   public.c   who steers what it has, and drains workers
 *   shelf.c   the files that it keeps, around uploads.h
 *   hand.c   a worker's process around duty.h and spool.h
 *   porter.c   a worker's process, as far as files go
 *   world.c   draws, the story, and what a program of schedules is called with
 *   test_world.c   what goes wrong when, and what must hold
 *   test_files.c   the same of files on their way to the coordinator and from it
 */
#ifndef ASSAY_TESTS_WORLD_WORLD_H
#define ASSAY_TESTS_WORLD_WORLD_H

#include "coordinator/coordinator.h"
#include "tests/world/disk.h"
#include "worker/duty.h"
#include "worker/place.h"

enum { EXPERIMENTS = 4, EPOCHS = 4, HANDS = 3, ATTEMPTS_MAX = 400, LEASE_MS = 4000, BATCH = 4 };
enum { CONTENTS = 5 };

/* --- mail --- */

struct letter {
    struct letter *next;
    int64_t at_ms;
    int hand, life; /* whose connection it goes over: process `life` of that hand */
    bool up;        /* to the coordinator */
    struct wire_message message;
};

/* --- the coordinator --- */

/* What a committed batch has promised. */
struct promises {
    long long latest[EXPERIMENTS + 1]; /* attempt */
    char holder[EXPERIMENTS + 1][ATTEMPTS_MAX][16];
    bool stored[EXPERIMENTS + 1][EPOCHS + 1]; /* acknowledged */
    bool finished[EXPERIMENTS + 1];           /* acknowledged as done */
    long long stop_epoch[EXPERIMENTS + 1];    /* told to a holder; 0: none */
};

/* The database as it was once, in one piece. */
struct backup {
    unsigned char *bytes; /* SQLite's to free; NULL: none was made */
    sqlite3_int64 length;
    struct promises promises; /* that it can keep */
};

/* To whom people have said drain since the coordinator started, as process numbers; 0: to nobody.
 */
struct told {
    int64_t drained[HANDS];
    int64_t asked[HANDS]; /* in this batch */
};

struct office {
    struct disk disk;
    struct store *store; /* NULL: it is down */
    struct coordinator coordinator;
    int64_t up_at_ms, stopped_until_ms;
    bool power_cut; /* how it went down */
    struct promises promises;
    struct backup backup;
    struct told told;
};

/* --- the files that the coordinator keeps --- */

/* What is in a file, by whoever sends it. */
struct content {
    char sha256[SHA256_TEXT_SIZE];
    char *data;
    int64_t bytes;
    bool sealing;     /* so the coordinator has answered, and nobody has looked since */
    bool first_there; /* the last seal, if there was one, made the folder that its blob stands in */
    /* What a power cut leaves, as far as it was synced: so many bytes, and its name as a blob.
     * Guarded by shelf.c's lock. */
    int64_t synced;
    bool named;
};

struct shelf {
    char folder[600]; /* "": no files are kept */
    struct content contents[CONTENTS];
    struct blobs *blobs; /* as long as the coordinator is up */
    struct uploads *uploads;
};

/* --- a worker --- */

struct checkpoint_file {
    int epoch;                    /* 0: none */
    uint64_t weights[EPOCHS + 1]; /* after each epoch so far */
};

struct item {
    const char *kind; /* NULL: the end */
    cJSON *body;
    enum { ITEM_DONE, ITEM_STOPPED, ITEM_FAILED, ITEM_HINDERED } outcome;
};

struct hand {
    int index, life;
    char name[16], host[16];
    struct disk disk;
    struct checkpoint_file files[EXPERIMENTS + 1]; /* on its disk, durable */
    int64_t up_at_ms, stopped_until_ms, cut_until_ms;
    bool power_cut;
    /* the process; spool NULL: it is down */
    struct place *place;
    struct spool *spool; /* the place's */
    struct duty duty;
    uint64_t number, since; /* as agent.c has them */
    struct spooled report;
    int assigned_stop_epoch; /* 0: none */
    int resume_hand;         /* who has the checkpoint that the assignment names; -1: nobody */
    struct {
        bool active, stop, over;
        int stop_epoch; /* 0: none */
        long long experiment;
        struct checkpoint_file state;
        int64_t next_ms;
        /* a checkpoint on its way to the disk, beside the next epoch; durable_ms 0: none */
        struct checkpoint_file draft;
        int64_t durable_ms;
        struct item items[4 * EPOCHS];
        int item_count;
    } trial;
};

/* --- all of it --- */

struct world {
    uint64_t seed;
    struct random_stream draws;
    struct moment now;
    bool disturbed, told; /* told: the story is printed */
    int max_attempts;
    bool stops;       /* the experiments have a stopping rule */
    bool steered;     /* people cancel, pause, retry and drain */
    bool waits;       /* the last experiment waits until the first one is done */
    int64_t lease_ms; /* the coordinator's */
    bool restores;    /* backups are made and restored */
    struct letter *letters;
    struct office office;
    struct shelf shelf;
    struct hand hands[HANDS];
};

/* In so many of 1000 cases; the second never once the disturbances are over. */
bool chance(struct world *world, uint32_t of_1000);
bool rarely(struct world *world, uint32_t of_1000);
/* From 0 to below `bound`. */
int64_t some(struct world *world, int64_t bound);
/* A line of the story. */
__attribute__((format(printf, 2, 3))) void tell(const struct world *world, const char *format, ...);
/* What must hold: else the seed is named and the program ends. */
__attribute__((format(printf, 3, 4))) void demand(const struct world *world, bool holds,
                                                  const char *format, ...);

/* The main function of a program of schedules, each of which is one call of `run`:
 *
 *   PROGRAM [--seeds N] [--seed S]
 *
 * runs N of them (`seeds` unless said) from the seed S (1) on, stops at the first that fails and
 * names its seed. With --seed and without --seeds it runs that one and tells what happens, step by
 * step. */
int world_main(int count, char **words, unsigned long long seeds,
               void (*run)(uint64_t seed, bool told, const char *folder));

/* The weights after `epoch` epochs of an undisturbed run, and the loss that they have. */
uint64_t weights_after(long long experiment, int epoch);
double loss_of(uint64_t weights);

/* Posts the message and frees what it owns. */
void mail_send(struct world *world, const struct hand *hand, bool up, struct wire_message *message);
/* One letter that has arrived, for the caller to letter_free, or NULL. hand: NULL for those to the
 * coordinator. */
struct letter *mail_take(struct world *world, const struct hand *hand);
void letter_free(struct letter *letter);
/* Those that a process had not taken go with it. */
void mail_drop(struct world *world, const struct hand *hand, bool up);

void office_open(struct world *world);
void office_kill(struct world *world, bool power_cut, int64_t down_ms);
void office_turn(struct world *world);
/* Between two batches. */
void office_back_up(struct world *world);
/* What is in the database since the backup, if there is one, is lost. */
void office_restore(struct world *world, int64_t down_ms);
/* One request of a person in a batch of its own, whose body is taken. Returns the body of the
 * answer, which is called `expected` (NULL: anything). */
cJSON *office_ask(struct world *world, const char *name, cJSON *body, const char *expected);
/* Within a batch. */
void office_answer(struct world *world, const struct wire_message *request,
                   struct wire_message *answered);
/* Whether the database holds what has been promised. */
void office_check(struct world *world);
int64_t office_count(struct world *world, const char *sql);

/* A request of somebody, within a batch. */
void public_ask(struct world *world);
/* The batch is committed. */
void public_note(struct world *world);
/* Whether the hand may be handed the experiment, anew or as what it holds. */
void public_check(struct world *world, const struct hand *hand, long long experiment, bool anew);

/* With the coordinator's process; nothing while there is no shelf. A kill leaves files as they are,
 * a power cut what was synced of them and any beginning of the rest, or nothing where something was
 * written. The program's fsync is shelf.c's, which knows. */
bool shelf_open(struct world *world, struct error *error);
void shelf_kill(struct world *world, bool power_cut);
/* Before the coordinator answers: the seal that the request would meet has come to its end, so that
 * a schedule does not depend on a thread. False: the process dies in the middle of writing a piece.
 */
bool shelf_prepare(struct world *world, const struct wire_message *request);
void shelf_note(struct world *world, const struct wire_message *request, const char *answer);
/* Whether every file that the database names is there. */
void shelf_check(struct world *world);

void hand_kill(struct world *world, struct hand *hand, bool power_cut, int64_t down_ms);
void hand_turn(struct world *world, struct hand *hand);

#endif
