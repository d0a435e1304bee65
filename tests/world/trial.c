#include "core/json.h"
#include "tests/world/world.h"
#include "worker/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what stands in for training --- */

static uint64_t mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static uint64_t trained(long long experiment, int epoch, uint64_t weights) {
    return mix(weights ^ (uint64_t)experiment << 8 ^ (uint64_t)epoch);
}

uint64_t weights_after(const struct world *world, long long experiment, int epoch) {
    const struct origin *origin = &world->there.origins[experiment];
    uint64_t weights = 0;
    int from = 0;
    if (origin->experiment != 0) {
        from = origin->epoch < epoch ? origin->epoch : epoch;
        weights = weights_after(world, origin->experiment, from);
        from++;
    }
    for (int i = from; i <= epoch; i++)
        weights = trained(experiment, i, weights);
    return weights;
}

double loss_of(uint64_t weights) {
    return (double)(weights >> 11) * 0x1p-53;
}

int best_epoch(const uint64_t *weights, int epoch) {
    int best = 1;
    for (int i = 2; i <= epoch; i++)
        if (loss_of(weights[i]) < loss_of(weights[best]))
            best = i;
    return best;
}

/* --- what a trial says --- */

static void trial_say(struct hand *hand, const char *kind, cJSON *body) {
    hand->trial.items[hand->trial.item_count++] = (struct item){.kind = kind, .body = body};
}

static void trial_say_epoch(struct hand *hand, int epoch) {
    const uint64_t *weights = hand->trial.state.weights;
    double loss = loss_of(weights[epoch]);
    const struct metrics metrics = {.true_positive = 1, .loss_sum = loss};
    const struct epoch_report report = {.epoch = (uint32_t)epoch,
                                        .train = metrics,
                                        .valid = metrics,
                                        .learning_rate = 1,
                                        .seconds = 1,
                                        .images_per_second = 1,
                                        .best = best_epoch(weights, epoch) == epoch};
    trial_say(hand, "epoch", report_epoch(&report));
}

static void trial_say_checkpoint(struct hand *hand, const char *kind, int epoch) {
    char path[64];
    const struct checkpoint_report report = {.kind = kind, .epoch = (uint32_t)epoch, .path = path};
    int length = snprintf(path, sizeof path, "/%d/%lld", hand->index, hand->trial.experiment);
    if (strcmp(kind, "epoch") == 0)
        snprintf(path + length, sizeof path - (size_t)length, "/%d", epoch);
    trial_say(hand, "checkpoint", report_checkpoint(&report, hand->host));
}

static void trial_say_checkpoints(struct hand *hand, int epoch) {
    if (epoch % CHECKPOINT_EVERY == 0)
        trial_say_checkpoint(hand, "epoch", epoch);
    trial_say_checkpoint(hand, "last", epoch);
}

static void trial_end(struct hand *hand, enum outcome outcome) {
    trial_say(hand, NULL, NULL);
    hand->trial.items[hand->trial.item_count - 1].outcome = outcome;
    hand->trial.over = true;
}

/* --- where a trial begins --- */

bool origin_is(const struct origin *a, const struct origin *b) {
    return a->experiment == b->experiment && a->epoch == b->epoch;
}

/* What is there is gone on from, and everything that is known of it is said again. */
static void trial_set_out(struct world *world, struct hand *hand) {
    long long id = hand->trial.experiment;
    const struct checkpoint_file *own = &hand->files[id];
    hand->trial.state = *own;
    if (own->epoch == 0)
        hand->trial.state.weights[0] = weights_after(world, id, 0);
    hand->trial.next_ms = world->now.steady_ms + 200 + some(world, 2000);
    for (int epoch = 1; epoch <= own->epoch; epoch++)
        trial_say_epoch(hand, epoch);
    if (own->epoch > 0)
        trial_say_checkpoints(hand, own->epoch);
    tell(world, "%s trains %lld from epoch %d", hand->name, id, own->epoch);
}

static struct checkpoint_file fork_of(const struct checkpoint_file *source,
                                      const struct origin *origin) {
    struct checkpoint_file file = {.origin = *origin, .epoch = origin->epoch};
    memcpy(file.weights, source->weights, (size_t)(origin->epoch + 1) * sizeof *file.weights);
    return file;
}

/* A fork's checkpoint is where it was written, unless that was written over, or with the
 * coordinator. */
static void trial_fork(struct world *world, struct hand *hand) {
    const struct assigned *assigned = &hand->assigned;
    const struct origin *origin = &assigned->origin;
    const struct hand *other = &world->hands[assigned->origin_hand];
    const struct checkpoint_file *source = &other->files[origin->experiment];
    bool here = strcmp(other->host, hand->host) == 0;
    if (here && (assigned->origin_stays ? source->epoch >= origin->epoch
                                        : source->epoch == origin->epoch)) {
        hand->files[hand->trial.experiment] = fork_of(source, origin);
        trial_set_out(world, hand);
    } else if (assigned->sha256[0] != '\0') {
        courier_fetch(world, hand, assigned->sha256);
    } else {
        demand(world, here && !assigned->origin_stays, "%s has nothing to begin its fork %lld with",
               hand->name, hand->trial.experiment);
        tell(world, "%s finds another epoch than %d", hand->name, origin->epoch);
        trial_end(hand, ITEM_HOPELESS);
    }
}

/* Goes on from its own checkpoint or from the one that the assignment names, whichever is later; a
 * fork from its source's if neither has come as far. */
void trial_begin(struct world *world, struct hand *hand) {
    const struct assigned *assigned = &hand->assigned;
    long long id = hand->duty.experiment;
    struct checkpoint_file *own = &hand->files[id];
    memset(&hand->trial, 0, sizeof hand->trial);
    hand->trial.active = true;
    hand->trial.experiment = id;
    hand->trial.stop_epoch = assigned->stop_epoch;
    /* as assignment.c has it: what stands there of another experiment is set aside */
    if (!origin_is(&own->origin, &assigned->origin))
        *own = (struct checkpoint_file){.origin = assigned->origin};
    if (assigned->resume_hand >= 0) {
        const struct hand *other = &world->hands[assigned->resume_hand];
        const struct checkpoint_file *file = &other->files[id];
        if (strcmp(other->host, hand->host) == 0 && file->epoch > own->epoch &&
            origin_is(&file->origin, &own->origin))
            *own = *file;
    }
    if (assigned->origin.experiment != 0 && own->epoch < assigned->origin.epoch)
        trial_fork(world, hand);
    else
        trial_set_out(world, hand);
}

/* --- its course --- */

/* As session_last_epoch. */
static int last_epoch(const struct hand *hand) {
    int asked = hand->trial.stop_epoch;
    return asked > 0 && asked < EPOCHS ? asked : EPOCHS;
}

/* What is on its way to the disk is there once its time has come, or has to be waited for; a step
 * later it is reported. False: the process is no more. */
static bool trial_settle(struct world *world, struct hand *hand, bool wait) {
    const struct checkpoint_file *draft = &hand->trial.draft;
    int64_t now_ms = world->now.steady_ms;
    if (hand->trial.durable_ms > 0 && (wait || hand->trial.durable_ms <= now_ms)) {
        hand->trial.durable_ms = 0;
        hand->trial.step_ms = now_ms + 1 + some(world, 500);
        hand->files[hand->trial.experiment] = *draft;
        if (rarely(world, 20)) {
            tell(world, "%s has the checkpoint of %lld epoch %d:", hand->name,
                 hand->trial.experiment, draft->epoch);
            hand_kill(world, hand, chance(world, 300), some(world, 10000));
            return false;
        }
    }
    if (hand->trial.step_ms > 0 && (wait || hand->trial.step_ms <= now_ms)) {
        hand->trial.step_ms = 0;
        trial_say_epoch(hand, draft->epoch);
        trial_say_checkpoints(hand, draft->epoch);
    }
    return true;
}

/* What is fetched. False: not yet, or it never will. */
static bool trial_has_come(struct world *world, struct hand *hand) {
    struct fetching *fetching = &hand->trial.fetching;
    if (fetching->state == FETCH_NOTHING)
        return true;
    if (hand->trial.stop) {
        trial_end(hand, ITEM_STOPPED);
        return false;
    }
    courier_go_on_fetching(world, hand);
    if (fetching->state == FETCH_UNDER_WAY)
        return false;
    if (fetching->state == FETCH_GONE) {
        /* it may go once the fork is done: by another hand then */
        demand(world, world->restored || !public_counts(world, hand),
               "what the fork %lld goes on from is gone", hand->trial.experiment);
        trial_end(hand, world->restored ? ITEM_HOPELESS : ITEM_FAILED);
        return false;
    }
    struct checkpoint_file *own = &hand->files[hand->trial.experiment];
    const struct origin *origin = &hand->assigned.origin;
    *own = (struct checkpoint_file){.origin = *origin};
    own->epoch = (int)(fetching->bytes / (int64_t)sizeof *own->weights) - 1;
    memcpy(own->weights, fetching->part, (size_t)fetching->bytes);
    demand(world,
           own->epoch == origin->epoch &&
               own->weights[own->epoch] == weights_after(world, origin->experiment, origin->epoch),
           "the fork %lld was to go on from %d@%d and has got something else",
           hand->trial.experiment, origin->experiment, origin->epoch);
    fetching->state = FETCH_NOTHING;
    trial_set_out(world, hand);
    return true;
}

/* The trainer's thread: a checkpoint first, then the report, while the next epoch trains. However
 * it ends, it waits for what is being written. */
void trial_turn(struct world *world, struct hand *hand) {
    if (!hand->trial.active || hand->trial.over || !trial_has_come(world, hand))
        return;
    struct checkpoint_file *state = &hand->trial.state;
    bool due = hand->trial.next_ms <= world->now.steady_ms;
    bool fails = !hand->trial.stop && due && rarely(world, 20);
    if (!trial_settle(world, hand, hand->trial.stop || due))
        return;
    if (hand->trial.stop)
        trial_end(hand, ITEM_STOPPED);
    else if (!due)
        return;
    else if (fails)
        trial_end(hand, ITEM_FAILED);
    else if (rarely(world, 10))
        trial_end(hand, ITEM_HINDERED);
    else if (state->epoch >= last_epoch(hand))
        trial_end(hand, ITEM_DONE);
    else {
        int epoch = ++state->epoch;
        state->weights[epoch] = trained(hand->trial.experiment, epoch, state->weights[epoch - 1]);
        hand->trial.draft = *state;
        hand->trial.durable_ms = world->now.steady_ms + 1 + some(world, 1500);
        hand->trial.next_ms = world->now.steady_ms + 200 + some(world, 2000);
    }
}

void trial_forget(struct hand *hand) {
    for (int i = 0; i < hand->trial.item_count; i++)
        cJSON_Delete(hand->trial.items[i].body);
    memset(&hand->trial, 0, sizeof hand->trial);
}
