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
 *   wish.c   who writes on it and forks it
 *   shelf.c   the files that it keeps, around uploads.h
 *   hand.c   a worker's process around duty.h and spool.h
 *   trial.c   what it trains
 *   courier.c   its checkpoints on their way to the coordinator, and what a fork goes on from
 *   porter.c   a worker's process, as far as files go
 *   world.c   draws, the story, the end of what goes wrong, how a program of schedules is called
 *   test_world.c   what goes wrong when, and what must hold
 *   test_files.c   the same of files on their way to the coordinator and from it
 */
#ifndef ASSAY_TESTS_WORLD_WORLD_H
#define ASSAY_TESTS_WORLD_WORLD_H

#include "coordinator/coordinator.h"
#include "net/delivery.h"
#include "net/pickup.h"
#include "tests/world/disk.h"
#include "worker/duty.h"
#include "worker/parcels.h"
#include "worker/place.h"

enum {
    BASES = 4, /* experiments that begin at the beginning */
    EXPERIMENTS = BASES + 3,
    EPOCHS = 4,
    CHECKPOINT_EVERY = 2, /* epochs: those stay, all others are written over */
    HANDS = 3,
    ATTEMPTS_MAX = 400,
    LEASE_MS = 4000,
    BATCH = 4,
    TAGS = 4,
    NOTES = 12,                              /* on an experiment, at most */
    CONTENTS_MOST = 3 * EXPERIMENTS * EPOCHS /* forks of several histories among them */
};

/* What a fork fails with whose checkpoint was written over before it had come, or is gone since a
 * backup was restored. */
#define HOPELESS "submit again"

/* --- mail --- */

struct letter {
    struct letter *next;
    int64_t at_ms;
    int hand, life; /* whose connection it goes over: process `life` of that hand */
    bool up;        /* to the coordinator */
    struct wire_message message;
};

/* --- the coordinator --- */

/* What an experiment goes on from; experiment 0: nothing. */
struct origin {
    int experiment, epoch;
};

/* What people have made of the experiments. (ints alone, so that two can be compared.) */
struct book {
    int experiments;
    struct origin origins[EXPERIMENTS + 1];
    int fork_keys[EXPERIMENTS + 1];
    unsigned tags[EXPERIMENTS + 1]; /* a bit each */
    int note_count[EXPERIMENTS + 1];
    struct written {
        int key, erased;
    } notes[EXPERIMENTS + 1][NOTES];
};

/* What somebody wants, and asks for until it is answered. */
struct wish {
    enum wish_kind { WISH_NOTHING, WISH_TAG, WISH_NOTE, WISH_ERASE, WISH_FORK } kind;
    int key;                   /* no other wish has it */
    unsigned ids, add, remove; /* bits */
    int number;                /* of the note to erase */
    struct origin origin;      /* of the fork */
};

/* What a committed batch has promised. */
struct promises {
    long long latest[EXPERIMENTS + 1]; /* attempt */
    char holder[EXPERIMENTS + 1][ATTEMPTS_MAX][16];
    bool stored[EXPERIMENTS + 1][EPOCHS + 1]; /* acknowledged */
    bool finished[EXPERIMENTS + 1];           /* acknowledged as done */
    long long stop_epoch[EXPERIMENTS + 1];    /* told to a holder; 0: none */
    struct book book;
    struct wish wish; /* of which nobody knows yet whether it is fulfilled */
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
    enum wish_state { WISH_UNASKED, WISH_REFUSED, WISH_GRANTED } wish; /* in this batch */
    bool cleared;                                                      /* likewise: gc */
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
    struct content contents[CONTENTS_MOST];
    int count;
    struct blobs *blobs; /* as long as the coordinator is up */
    struct uploads *uploads;
};

/* --- a worker --- */

/* All that it knows of an experiment: "last". An epoch's has the beginning of it. */
struct checkpoint_file {
    struct origin origin;         /* of its experiment */
    int epoch;                    /* 0: none */
    uint64_t weights[EPOCHS + 1]; /* after each epoch so far */
};

/* What an assignment says. */
struct assigned {
    int stop_epoch;  /* 0: none */
    int resume_hand; /* who has the checkpoint to go on from; -1: nobody */
    struct origin origin;
    int origin_hand;               /* who has the origin's, if it is a fork */
    bool origin_stays;             /* it is an epoch's, which is not written over */
    char sha256[SHA256_TEXT_SIZE]; /* of that with the coordinator; "": it is not there */
};

/* A file on its way from the coordinator. */
struct fetching {
    enum { FETCH_NOTHING, FETCH_UNDER_WAY, FETCH_COME, FETCH_GONE } state;
    char sha256[SHA256_TEXT_SIZE];
    struct pickup pickup;
    uint64_t asked; /* the number of what was asked last */
    unsigned char part[(EPOCHS + 1) * sizeof(uint64_t)];
    int64_t bytes;
};

enum outcome { ITEM_DONE, ITEM_STOPPED, ITEM_FAILED, ITEM_HINDERED, ITEM_HOPELESS };

struct item {
    const char *kind; /* NULL: the end */
    cJSON *body;
    enum outcome outcome;
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
    struct assigned assigned;
    struct {
        struct parcels *parcels; /* NULL: none yet */
        struct content *content; /* of the one that is carried, or NULL */
        int epoch;
        struct delivery delivery;
        uint64_t number, since; /* since: of the last offer */
    } courier;
    struct {
        bool active, stop, over;
        int stop_epoch; /* 0: none */
        long long experiment;
        struct checkpoint_file state;
        int64_t next_ms;
        /* a checkpoint on its way to the disk, beside the next epoch; durable_ms 0: none */
        struct checkpoint_file draft;
        int64_t durable_ms, step_ms; /* step_ms: then it is reported; 0: there is none */
        struct fetching fetching;    /* before it begins */
        struct item items[6 * EPOCHS];
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
    bool stops;        /* the experiments have a stopping rule */
    bool steered;      /* people cancel, pause, retry and drain */
    bool waits;        /* the last experiment waits until the first one is done */
    int64_t lease_ms;  /* the coordinator's */
    bool restores;     /* backups are made and restored */
    bool restored;     /* one was: files that it names may be gone by now */
    struct book there; /* in the database */
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

/* Everything is whole again, and stays so. */
void world_mend(struct world *world);

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
uint64_t weights_after(const struct world *world, long long experiment, int epoch);
double loss_of(uint64_t weights);
/* Which of the epochs up to `epoch` has the least, and is the best. */
int best_epoch(const uint64_t *weights, int epoch);
bool origin_is(const struct origin *a, const struct origin *b);

/* Posts what a hand says; takes the body, the bytes are borrowed. False when there is no
 * connection.
 */
bool mail_say(struct world *world, const struct hand *hand, const char *name, uint64_t number,
              cJSON *body, const char *bytes, size_t length);
/* What an answer means, as courier.c and gather.c have it. */
bool mail_is_code(const struct wire_message *message, enum wire_code code);
struct delivery_event mail_of_delivery(const struct wire_message *message);
struct pickup_event mail_of_pickup(const struct wire_message *message);
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

/* What somebody wants is asked for, within a batch; it is due when it was asked for before. */
bool wish_is_due(struct world *world);
void wish_ask(struct world *world);
void wish_note(struct world *world); /* the batch is committed */
/* Whether the database has what was wished for and granted, and nothing else but the wish that is
 * not answered. */
void wish_check(struct world *world);

/* A request of somebody, within a batch. */
void public_ask(struct world *world);
/* The batch is committed. */
void public_note(struct world *world);
/* Whether the hand, whose process `life` asked, may be handed the experiment, anew or as what it
 * holds. */
void public_check(struct world *world, const struct hand *hand, int life, const cJSON *assignment,
                  bool anew);

/* Whether what the hand does counts, as far as it was promised. */
bool public_counts(const struct world *world, const struct hand *hand);

/* The content of that many bytes, which is new if there is none yet. */
struct content *shelf_content(struct world *world, const void *data, int64_t bytes);
/* That of a checkpoint which has the weights. */
struct content *content_after(struct world *world, const uint64_t *weights, int epoch);
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
/* Whether every file that the database names is there, unless a backup was restored, and is the
 * right one for a fork. */
void shelf_check(struct world *world);

/* The number of a hand's process, never 0. */
int hand_process(int life);
void hand_kill(struct world *world, struct hand *hand, bool power_cut, int64_t down_ms);
void hand_turn(struct world *world, struct hand *hand);

/* What the hand was assigned. */
void trial_begin(struct world *world, struct hand *hand);
void trial_turn(struct world *world, struct hand *hand);
void trial_forget(struct hand *hand);

/* The checkpoint that a report tells of. */
void courier_send(struct world *world, struct hand *hand, const cJSON *report);
void courier_turn(struct world *world, struct hand *hand);
void courier_drop(struct hand *hand);
bool courier_idle(const struct hand *hand);
/* Into the trial. */
void courier_fetch(struct world *world, struct hand *hand, const char *sha256);
void courier_go_on_fetching(struct world *world, struct hand *hand);
/* Whether it is an answer to the courier. */
bool courier_hear(struct world *world, struct hand *hand, const struct wire_message *message);

#endif
