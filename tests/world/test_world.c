/* Schedules of faults in a simulated world (world.h). Whatever happens, what was acknowledged is
 * there, an attempt has one holder and what others say does not count; and once the disturbances
 * are over, nobody works on what is another's, everything comes to its end, and every experiment
 * that is done has the losses and the weights of an undisturbed run.
 *
 *   world_test_world [--seeds N] [--seed S]
 *
 * runs N schedules (200; 40 under a sanitizer) from the seed S (1) on, stops at the first that
 * fails and names its seed. With --seed and without --seeds it runs that one and tells what
 * happens, step by step. */
#include "coordinator/query.h"
#include "core/json.h"
#include "tests/coordinator/bodies.h"
#include "tests/temporary.h"
#include "tests/world/world.h"

#ifdef __SANITIZE_ADDRESS__
enum { SEEDS = 40 };
#else
enum { SEEDS = 200 };
#endif
enum {
    TICK_MS = 120, /* at most */
    DISTURBED_MS = 60 * 1000,
    QUIET_MS = 600 * 1000,         /* until everything has come to its end */
    FENCED_MS = 3 * DUTY_ANSWER_MS /* until nobody works on what is another's */
};

/* --- what goes wrong --- */

/* Dies within one of the next operations on its disk. */
static void doom(struct world *world, struct disk *disk, bool *power_cut) {
    *power_cut = chance(world, 500);
    disk->dies_after = (int)some(world, 12);
}

static void disturb_disk(struct world *world, struct disk *disk, bool *power_cut) {
    if (rarely(world, 6))
        doom(world, disk, power_cut);
    if (rarely(world, 3)) {
        tell(world, "the disk of %s is full", strrchr(disk->folder, '/') + 1);
        disk->full = true;
    }
    if (disk->full && rarely(world, 60)) {
        tell(world, "the disk of %s has room", strrchr(disk->folder, '/') + 1);
        disk->full = false;
    }
}

static void disturb_hand(struct world *world, struct hand *hand) {
    int64_t now_ms = world->now.steady_ms;
    const struct duty_event signal = {.kind = DUTY_SIGNAL};
    disturb_disk(world, &hand->disk, &hand->power_cut);
    if (rarely(world, 3))
        hand_kill(world, hand, chance(world, 500), some(world, 3 * LEASE_MS));
    if (rarely(world, 3)) {
        hand->stopped_until_ms = now_ms + some(world, 4 * LEASE_MS);
        tell(world, "%s is stopped until %.2f s", hand->name,
             (double)hand->stopped_until_ms / 1000);
    }
    if (rarely(world, 3)) {
        hand->cut_until_ms = now_ms + some(world, 4 * LEASE_MS);
        tell(world, "%s is cut off until %.2f s", hand->name, (double)hand->cut_until_ms / 1000);
    }
    if (rarely(world, 2) && hand->spool != NULL) {
        tell(world, "%s is told to leave", hand->name);
        duty_take(&hand->duty, &signal, now_ms);
    }
}

static void disturb(struct world *world) {
    struct office *office = &world->office;
    disturb_disk(world, &office->disk, &office->power_cut);
    if (rarely(world, 2))
        office_kill(world, chance(world, 500), some(world, 3 * LEASE_MS));
    if (rarely(world, 2)) {
        office->stopped_until_ms = world->now.steady_ms + some(world, 3 * LEASE_MS);
        tell(world, "the coordinator is stopped until %.2f s",
             (double)office->stopped_until_ms / 1000);
    }
    if (world->restores && rarely(world, 10))
        office_back_up(world);
    if (world->restores && rarely(world, 6))
        office_restore(world, some(world, 3 * LEASE_MS));
    if (rarely(world, 4)) {
        int64_t jump_ms = (some(world, 2000001) - 1000000) * 1000;
        tell(world, "the wall clock jumps by %.0f s", (double)jump_ms / 1000);
        world->now.unix_ms += jump_ms;
    }
    for (int i = 0; i < HANDS; i++)
        disturb_hand(world, &world->hands[i]);
}

/* --- the course of it --- */

static void tick(struct world *world) {
    int64_t step_ms = 1 + some(world, TICK_MS);
    world->now.steady_ms += step_ms;
    world->now.unix_ms += step_ms;
    int first = (int)some(world, HANDS + 1);
    for (int i = 0; i <= HANDS; i++) {
        int who = (first + i) % (HANDS + 1);
        if (who == HANDS)
            office_turn(world);
        else
            hand_turn(world, &world->hands[who]);
    }
}

static const char median[] = "{\"rule\": \"median\", \"grace_epochs\": 2, \"min_peers\": 1}";
static const char asha[] =
    "{\"rule\": \"asha\", \"grace_epochs\": 1, \"eta\": 2, \"min_peers\": 1}";

static void world_begin(struct world *world, uint64_t seed, bool told, const char *folder) {
    *world = (struct world){.seed = seed, .told = told, .steered = true, .lease_ms = LEASE_MS};
    random_open(&world->draws, seed, RANDOM_SHUFFLE, 0, 0);
    world->now = (struct moment){.unix_ms = 1700000000000, .steady_ms = 1000};
    world->restores = chance(world, 500);
    if (chance(world, 500))
        snprintf(world->shelf.folder, sizeof world->shelf.folder, "%s/files%llu", folder,
                 (unsigned long long)seed);
    /* most of the time nothing may fail for good, so that everything has to be done */
    world->max_attempts = chance(world, 250) ? 3 : 100;
    bool together = world->shelf.folder[0] == '\0' || chance(world, 200); /* the first two hands */
    char path[600];
    for (int i = 0; i <= HANDS; i++) {
        bool office = i == HANDS;
        if (office)
            snprintf(path, sizeof path, "%s/coordinator", folder);
        else
            snprintf(path, sizeof path, "%s/hand%d", folder, i);
        disk_make(office ? &world->office.disk : &world->hands[i].disk, path);
        if (office)
            break;
        struct hand *hand = &world->hands[i];
        hand->index = i;
        snprintf(hand->name, sizeof hand->name, "hand%d", i);
        snprintf(hand->host, sizeof hand->host, "host%d", i < 2 && together ? 0 : i);
    }
    office_open(world);
    cJSON *submit = body_submit("a test's key", BASES, EPOCHS, world->max_attempts);
    world->stops = chance(world, 500);
    if (world->stops)
        body_with_stop(submit, chance(world, 500) ? median : asha);
    /* where it may fail for good there is no end to the waiting */
    world->waits = world->max_attempts > 3 && chance(world, 500);
    if (world->waits)
        cJSON_AddItemToObject(
            cJSON_GetObjectItem(
                cJSON_GetArrayItem(cJSON_GetObjectItem(submit, "experiments"), BASES - 1),
                "config"),
            "after", body("[\"e1\"]"));
    cJSON_Delete(office_ask(world, "submit", submit, "submitted"));
    world->office.promises.book.experiments = BASES;
    wish_check(world);
    world->disturbed = true;
}

static void world_end(struct world *world) {
    office_kill(world, false, 0);
    mail_drop(world, NULL, true);
    for (int i = 0; i < HANDS; i++) {
        hand_kill(world, &world->hands[i], false, 0);
        mail_drop(world, &world->hands[i], false);
        disk_free(&world->hands[i].disk);
    }
    disk_free(&world->office.disk);
    sqlite3_free(world->office.backup.bytes);
    for (int i = 0; i < world->shelf.count; i++)
        free(world->shelf.contents[i].data);
    if (world->shelf.folder[0] != '\0')
        nftw(world->shelf.folder, temporary_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* What people have stopped goes on. */
static void let_go_on(struct world *world) {
    for (int id = 1; id <= world->there.experiments; id++) {
        cJSON_Delete(office_ask(world, "resume", body("{\"ids\": [%d]}", id), NULL));
        if (world->max_attempts > 3)
            cJSON_Delete(office_ask(world, "retry", body("{\"ids\": [%d]}", id), NULL));
    }
}

/* Nobody trains what is another's by now. */
static void check_fenced(struct world *world) {
    for (int i = 0; i < HANDS; i++) {
        const struct hand *hand = &world->hands[i];
        if (hand->spool != NULL && hand->trial.active && hand->duty.work != DUTY_REVOKED)
            demand(world,
                   hand->duty.attempt == world->office.promises.latest[hand->duty.experiment],
                   "%s still trains attempt %lld of %lld, which is at %lld", hand->name,
                   (long long)hand->duty.attempt, (long long)hand->duty.experiment,
                   world->office.promises.latest[hand->duty.experiment]);
    }
}

/* It has the weights of a run that was undisturbed, and as long. Returns its last epoch. */
static int check_weights(struct world *world, int id) {
    struct query query;
    query_open(&query, world->office.store,
               "SELECT epoch, path FROM checkpoint WHERE experiment = ? AND kind = 'last'"
               " ORDER BY attempt DESC, epoch DESC LIMIT 1");
    query_bind_int(&query, id);
    demand(world, query_next(&query), "experiment %d is done and has no last checkpoint", id);
    int epoch = (int)query_int(&query);
    const struct hand *hand = &world->hands[query_text(&query)[1] - '0'];
    query_close(&query, NULL);
    demand(world,
           hand->files[id].epoch == epoch &&
               hand->files[id].weights[epoch] == weights_after(world, id, epoch),
           "experiment %d has other weights at %s than undisturbed", id, hand->name);
    return epoch;
}

/* It has come to its end: the planned one or, if it was stopped, at least where it was to end. */
static void check_done(struct world *world, int id, const cJSON *shown) {
    const cJSON *stopped = json_member(shown, "stopped");
    int least = cJSON_IsNull(stopped) ? EPOCHS : json_member(stopped, "epoch")->valueint;
    int last = check_weights(world, id);
    demand(world, last >= least && last <= EPOCHS, "experiment %d is done after epoch %d of %d", id,
           last, least);
    demand(world, cJSON_GetArraySize(json_member(shown, "history")) >= last,
           "experiment %d is done without all its epochs", id);
}

/* A fork of what was written over before the coordinator had it, or is gone since a backup was
 * restored. */
static bool is_hopeless(const struct world *world, int id, const cJSON *shown) {
    const char *error = cJSON_GetStringValue(json_member(shown, "error"));
    bool stays = world->there.origins[id].epoch % CHECKPOINT_EVERY == 0;
    return error != NULL && strcmp(error, HOPELESS) == 0 && (world->restored || !stays);
}

/* Of the files those stay that something names, and a fork that is done needs none. */
static void check_files(struct world *world) {
    if (world->shelf.folder[0] == '\0')
        return;
    world->now.steady_ms += UPLOADS_SILENT_MS; /* nobody waits for what is still to come */
    cJSON *cleared = office_ask(world, "gc", body("{\"dry_run\": false}"), "cleared");
    int64_t named = office_count(
        world,
        "SELECT count(*) FROM (SELECT sha256 FROM artifact UNION SELECT f.sha256 FROM"
        " fork_file AS f JOIN experiment AS e ON e.id = f.experiment WHERE state <> 'done')");
    int64_t kept = json_integer(cleared, "kept_files");
    demand(world, world->restored ? kept <= named : kept == named,
           "%lld files stay, %lld are named", (long long)kept, (long long)named);
    cJSON_Delete(cleared);
}

static void check_end(struct world *world) {
    office_check(world);
    check_files(world);
    for (int id = 1; id <= world->there.experiments; id++) {
        cJSON *details = office_ask(world, "show", body("{\"ids\": [%d]}", id), "details");
        const cJSON *shown = json_member(details, "experiments")->child;
        const char *state = cJSON_GetStringValue(json_member(shown, "state"));
        double failures = cJSON_GetNumberValue(json_member(shown, "failures"));
        bool done = strcmp(state, "done") == 0;
        bool hopeless = is_hopeless(world, id, shown);
        if (world->max_attempts > 3)
            demand(world, done || hopeless, "experiment %d is %s", id, state);
        if (strcmp(state, "failed") == 0 && !hopeless)
            demand(world, failures == 3, "experiment %d failed after %.0f failures", id, failures);
        if (done)
            check_done(world, id, shown);
        cJSON_Delete(details);
    }
}

static bool all_done(struct world *world) {
    bool done =
        office_count(world, "SELECT count(*) FROM experiment WHERE finished_ms IS NULL") == 0;
    for (int i = 0; i < HANDS; i++)
        done = done && courier_idle(&world->hands[i]);
    return done && world->office.promises.wish.kind == WISH_NOTHING;
}

static void run(uint64_t seed, bool told, const char *folder) {
    static struct world world;
    world_begin(&world, seed, told, folder);
    while (world.now.steady_ms < DISTURBED_MS) {
        disturb(&world);
        tick(&world);
    }
    world_mend(&world);
    do /* who is down, or about to be, comes up */
        tick(&world);
    while (world.office.store == NULL || world.office.disk.dead);
    let_go_on(&world);
    int64_t mended_ms = world.now.steady_ms;
    while (!all_done(&world)) {
        tick(&world);
        demand(&world, world.now.steady_ms < mended_ms + QUIET_MS, "an experiment is stuck");
        if (world.now.steady_ms > mended_ms + FENCED_MS)
            check_fenced(&world);
    }
    check_end(&world);
    world_end(&world);
}

int main(int count, char **words) {
    return world_main(count, words, SEEDS, run);
}
